"""Nothing that a session or a file name contains reaches the terminal as anything but text.

Sessions with hostile text in every place go through every command, screen and line mode. The output
may be an error, but has no control character that is not ours, and nothing crashes.
"""

from __future__ import annotations

import csv
import io
import os
import random
import shutil
import subprocess
import sys
from itertools import pairwise
from pathlib import Path

import pytest
from click.testing import CliRunner
from hostile_sessions import HOSTILE, foreign, make_photos, make_session, poisoned
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from screen_app import ScreenApp
from sessions import label_of, new_session
from textual.app import App

from tuilabel.cli import main
from tuilabel.errors import TuilabelError
from tuilabel.events.payloads import About, Begin, Bulk, BulkLine
from tuilabel.journal.description import create_session
from tuilabel.journal.journal import Journal
from tuilabel.session.view import SessionView
from tuilabel.settings import resolve
from tuilabel.text import inert
from tuilabel.tui.app.home import HomeApp
from tuilabel.tui.screens.label import LabelScreen
from tuilabel.tui.terminal.capabilities import Colours
from tuilabel.tui.terminal.probe import TerminalAnswers
from tuilabel.workspace.opening import SourceOptions, open_workspace
from tuilabel.workspace.places import data_dir, remember

OPENABLE = (
    *("id", "at", "kind", "uuid", "source", "item", "reason", "event", "desk", "origin"),
    *("settings", "class_id", "classes", "into", "probabilities", "file", "sha256", "names"),
)
"""What has to stay as it is for a session to be opened for labelling."""

COMMANDS = (
    *(("status", "S"), ("status", "S", "--json"), ("status", "S", "--pictures"), ("show",)),
    *(("show", "--session", "S", "2", "3", "#9"), ("settings", "S"), ("settings", "S", "--json")),
    *(("export", "S", "--format", "jsonl"), ("check", "S"), ("check", "S", "--json")),
    *(("autolabel", "S", "--dry-run", "--threshold", "2"), ("autolabel", "S", "--revert")),
    *(("import", "S", "FILE", "--dry-run"), ("import", "S", "FILE"), ("import", "S", "--revert")),
    *(("label", "S", "--line"), ("label", "S", "--classes", "a,b"), ("show", "no such item")),
    *(("export", "S"), ("status",), ("doctor",), ("settings",)),
    *(("export", "S", "--all-answers", "--format", "jsonl"),),
)

DISPUTES = ("f6 tab down", "f6 tab 1 1", "f6 tab r 2", "f6 backspace delete", "f6 slash : enter")
"""Keys on the history: see disputes, settle one, label again, undo, see every event."""

SEVERAL = settings(
    max_examples=12,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
FEW = settings(SEVERAL, max_examples=3)


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    return make_photos(tmp_path)


@pytest.fixture
def template(photos: Path, tmp_path: Path) -> Path:
    path = tmp_path / "template.tuilabel"
    make_session(photos, path)
    return path


def hostile_session(template: Path, seed: int, *, openable: bool) -> Path:
    """Make a session among those that the home screen lists; return its path."""
    folder = data_dir() / "sessions"
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"\x1b]0;owned\x07[bold]{seed}{openable}.tuilabel"
    shutil.rmtree(path, ignore_errors=True)
    spare = OPENABLE if openable else ()
    poisoned(template, path, seed, share=1.0 if openable else 0.2, spare=spare)
    remember(path)
    return path


@given(seed=st.integers(0, 2**32), openable=st.booleans())
@SEVERAL
def test_commands(template: Path, seed: int, openable: bool) -> None:
    path = hostile_session(template, seed, openable=openable)
    file = template.with_name("\x1b[2Jlabels.csv")
    text = random.Random(seed).choices(HOSTILE, k=20)
    rows = ["path,class,annotator", *(f"a.png,cat,{one}{two}" for one, two in pairwise(text))]
    rows += [f"{one},{two},me" for one, two in pairwise(text)]
    if openable:  # a bad line is refused, and the others are not read
        rows = [row for row in rows if row.count(",") == 2 and not set(row) & set('\0\r\n"')]
    file.write_text("\n".join(rows), encoding="utf-8", errors="surrogatepass")
    for command in COMMANDS:
        named = {"S": str(path), "FILE": str(file)}
        arguments = [named.get(word, word) for word in command]
        result = CliRunner().invoke(main, arguments, prog_name="tuilabel")
        assert result.exit_code in (0, 1, 2), (command, result.output, result.exception)
        output = result.output
        if command[0] == "export" and len(command) == 2 and result.exit_code == 0:
            # A file keeps its name in a file; the next test is about a terminal.
            rows = csv.reader(io.StringIO(result.stdout, newline=""))
            output = "\n".join(text for row in rows for text in (row[0], *row[2:]))
            output += result.stderr
        assert not foreign(output), (command, output)


def test_the_text_of_auto_labels_is_harmless(tmp_path: Path) -> None:
    path, text = tmp_path / "s.tuilabel", "\x1b[2J\u202e"
    new_session(path)
    with Journal(path, "me", "digits") as journal:
        line = BulkLine(item=f"i{text}", class_id=f"c{text}", by=text, names=(text,))
        file, sha256, count = journal.write_bulk([line])
        journal.append([Bulk(file=file, sha256=sha256, count=count, origin="auto")], "me")
    (found,) = SessionView(path).labelled()
    assert (found.item, found.class_name) == ("i␛[2J\ufffd", "c␛[2J\ufffd")
    assert found.references == [text], "a file is found by its name"


@pytest.mark.parametrize("kind", ["", "mnist:"])
def test_a_source_with_a_name_that_is_too_long_does_not_hinder_an_export(
    tmp_path: Path, kind: str
) -> None:
    path = tmp_path / "s.tuilabel"
    new_session(path, label_of("i", "cat", "1.png"), source=f"{kind}/{'x' * 300}")
    for out in ("-", str(tmp_path / "out.csv"), str(tmp_path / "out.csv")):
        result = CliRunner().invoke(main, ["export", str(path), "-o", out, "--force"])
        assert result.exit_code == 0, result.output
        assert "The names are those of labelling time" in result.stderr


@pytest.mark.parametrize("stored", ["/a\0b", "\0" + b"/no\0where".hex(), "\0zz\0"])
def test_no_source_is_a_path_that_no_system_takes(tmp_path: Path, stored: str) -> None:
    path, out = tmp_path / "s.tuilabel", tmp_path / "out.csv"
    about = About(uuid="test", source=stored)
    assert create_session(path, about)
    began = Begin(
        about=about,
        annotator="me",
        host="h",
        boot="b",
        pid=1,
        started=1,
        program="1",
        source=stored,
    )
    out.touch()
    for payloads in ([label_of("i", "cat", stored)], [began]):
        with Journal(path, "me", "digits") as journal:
            journal.read()
            journal.append(payloads, "me")
        for command in (("status",), ("export", "-o", str(out), "--force"), ("label", "--line")):
            result = CliRunner().invoke(main, [command[0], str(path), *command[1:]])
            assert result.exit_code in (0, 1, 2), result.output
            assert not foreign(result.output)


def test_an_export_to_a_terminal_shows_names_as_text(template: Path) -> None:
    keyboard, terminal = os.openpty()
    command = [sys.executable, "-m", "tuilabel", "export", str(template)]
    subprocess.run(command, stdout=terminal, check=True)
    os.close(terminal)
    output = b""
    while b"\n" not in output or output.count(b"\n") < 8:
        output += os.read(keyboard, 65536)
    os.close(keyboard)
    assert not foreign(output.decode().replace("\r\n", "\n"))
    assert "␛]0;owned␇" in output.decode()


@given(seed=st.integers(0, 2**32))
@FEW
def test_line_mode(template: Path, seed: int) -> None:
    path = hostile_session(template, seed, openable=True)
    for image in ("--image", "--no-image"):
        done = subprocess.run(
            [sys.executable, "-m", "tuilabel", "label", "--session", str(path), "--line", image],
            input="?\nc\nm\na\np\nu\nu\n1\n2\n\x1b[31m\n",
            capture_output=True,
            text=True,
            check=False,
            errors="surrogateescape",
        )
        assert done.returncode == 0, done.stderr
        assert "Saved: cat" in done.stdout
        assert not foreign(done.stdout + done.stderr)


def drawn(app: App[object]) -> str:
    """Return the text of the whole frame."""
    return "\n".join(strip.text for strip in app.screen._compositor.render_strips())


@given(seed=st.integers(0, 2**32))
@FEW
async def test_screens(template: Path, seed: int) -> None:
    path = hostile_session(template, seed, openable=True)
    hostile_session(template, seed, openable=False)
    with open_workspace(SourceOptions(), {}, path=path) as workspace:
        app = ScreenApp(workspace, LabelScreen)
        async with app.run_test(size=(120, 40)) as pilot:
            await pilot.pause()
            assert not foreign(drawn(app))
            for keys in ("f1", "f3", "f4", "f5", "f6 enter", *DISPUTES, "f7 down", "v"):
                await pilot.press(*keys.split())
                await pilot.pause()
                assert not foreign(drawn(app)), keys
                await pilot.press("escape")
                await pilot.pause()
            for key in ("slash", "c", "tab"):
                await pilot.press(key)
                await pilot.pause()
                assert not foreign(drawn(app)), key


@given(seed=st.integers(0, 2**32))
@FEW
async def test_home_screen(template: Path, seed: int) -> None:
    for openable in (True, False):
        hostile_session(template, seed, openable=openable)
    app = HomeApp(resolve({}), Colours(), TerminalAnswers())
    async with app.run_test(size=(100, 30)) as pilot:
        for key in ("down", "down", "down", "up"):
            await pilot.press(key)
            await pilot.pause()
            assert not foreign(drawn(app))


@given(seed=st.integers(0, 2**32))
@SEVERAL
def test_a_hostile_session_opens_or_is_refused(template: Path, seed: int) -> None:
    path = hostile_session(template, seed, openable=False)
    try:
        with open_workspace(SourceOptions(), {}, path=path) as workspace:
            said = workspace.outcome() + workspace.saved()
    except TuilabelError as error:
        said = inert(str(error), 10**6)
    assert not foreign(said)
