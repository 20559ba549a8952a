"""Nothing that a session or a file name contains reaches the terminal as anything but text.

Sessions with hostile text in every place go through every command, screen and line mode. The output
may be an error, but has no control character that is not ours, and nothing crashes.
"""

from __future__ import annotations

import asyncio
import csv
import io
import os
import random
import shutil
import subprocess
import sys
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from hostile_sessions import (
    HOSTILE,
    SESSIONS,
    foreign,
    hostile_session,
    is_openable,
    make_photos,
    make_session,
)
from screen_app import ScreenApp
from sessions import label_of, new_session
from textual.app import App
from textual.pilot import Pilot

from tuilabel.cli import main
from tuilabel.errors import TuilabelError
from tuilabel.events.payloads import About, Begin, Bulk, BulkLine
from tuilabel.journal.description import create_session
from tuilabel.journal.journal import Journal
from tuilabel.session.view import SessionView
from tuilabel.settings import Settings, resolve
from tuilabel.text import LONGEST_PATH, inert
from tuilabel.tui.app.home import HomeApp
from tuilabel.tui.app.viewing import ViewApp
from tuilabel.tui.screens.label import LabelScreen
from tuilabel.tui.terminal.capabilities import Colours
from tuilabel.tui.terminal.probe import TerminalAnswers
from tuilabel.workspace.opening import SourceOptions, open_workspace
from tuilabel.workspace.recent import OpenRequest
from tuilabel.workspace.viewing import Viewed

COMMANDS = (
    *(("status", "S"), ("status", "S", "--json"), ("status", "S", "--pictures"), ("show",)),
    *(("show", "--session", "S", "2", "3", "#9"), ("settings", "S"), ("settings", "S", "--json")),
    *(("export", "S", "--format", "jsonl"), ("check", "S"), ("check", "S", "--json")),
    *(("autolabel", "S", "--dry-run", "--threshold", "2"), ("autolabel", "S", "--revert")),
    *(("import", "S", "FILE", "--dry-run"), ("import", "S", "FILE"), ("import", "S", "--revert")),
    *(("label", "S", "--line"), ("label", "S", "--classes", "a,b"), ("show", "no such item")),
    *(("export", "S"), ("status",), ("doctor",), ("settings",)),
    *(("export", "S", "--all-answers", "--format", "jsonl"), ("status", "S", "--unreadable")),
    *(("classes", "S"), ("classes", "S", "--json"), ("classes", "S", "add", "\x1b[2Jnew")),
    *(("classes", "S", "rename", "cat", "[/]"), ("classes", "S", "merge", "dog", "\x1b[2Jnew")),
    *(("classes", "S", "retire", "\x1b[2Jnew"), ("classes", "S", "undo"), ("merge", "S", "OTHER")),
    *(("merge", "OTHER", "S", "--dry-run"), ("merge", "OTHER", "S"), ("check", "OTHER")),
)

SEEDS = pytest.mark.parametrize("seed", range(SESSIONS))

LABEL = (
    *("right left i plus minus", "tab i", "tab c", "comma full_stop", "home pageup", "p p p"),
    *("1", "enter", "2", "tab f", "tab n x enter", "tab g", "slash c enter", "slash z z enter"),
    *("tab u", "space", "backspace", "u", "tab w", "tab b", "f2 c o", "question_mark down"),
)
"""Keys on the labelling screen, in one of its views."""

BESIDE = (
    *("f1 down pagedown", "f3 tab z tab", "f4 down right enter down", "f5 down down end c"),
    *("f5 a z z enter", "f5 r z enter", "f5 m down enter", "f5 u enter", "f5 x enter", "f5 k 9"),
    *("f6 enter down down j", "f6 tab down", "f6 tab 1 1", "f6 tab r 2", "f6 backspace delete"),
    *("f6 slash : enter end", "f6 slash c a t enter", "f7 down down down", "f8 down end w"),
)
"""Keys on the screens beside it: what each shows, classes, disputes, a copy of the session."""

VIEW = (
    *("right down space m", "tab", "enter right left", "v i plus minus", "t", "n", "f1", "f2 m"),
)
"""Keys on the screen of `tuilabel view`."""


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    return make_photos(tmp_path)


@pytest.fixture
def template(photos: Path, tmp_path: Path) -> Path:
    path = tmp_path / "template.tuilabel"
    make_session(photos, path)
    return path


@SEEDS
def test_commands(template: Path, seed: int) -> None:
    path = hostile_session(template, seed)
    file = template.with_name("\x1b[2Jlabels.csv")
    text = random.Random(seed).choices(HOSTILE, k=20)
    rows = ["path,class,annotator", *(f"a.png,cat,{one}{two}" for one, two in pairwise(text))]
    rows += [f"{one},{two},me" for one, two in pairwise(text)]
    if is_openable(seed):  # a bad line is refused, and the others are not read
        rows = [row for row in rows if row.count(",") == 2 and not set(row) & set('\0\r\n"')]
    file.write_text("\n".join(rows), encoding="utf-8", errors="surrogatepass")
    other = template.with_name("other.tuilabel")
    shutil.copytree(template, other)
    named = {"S": str(path), "FILE": str(file), "OTHER": str(other)}
    for command in COMMANDS:
        arguments = [named.get(word, word) for word in command]
        result = CliRunner().invoke(main, arguments, prog_name="tuilabel")
        assert isinstance(result.exception, SystemExit | None), command
        assert result.exit_code in (0, 1, 2), (command, result.output)
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


@pytest.mark.parametrize("seed", range(1, max(2, SESSIONS), 6))
def test_line_mode(template: Path, seed: int) -> None:
    path = hostile_session(template, seed)
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


@pytest.fixture
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Press keys as soon as the screen has handled those before, without a pause for each."""

    async def go_on(*_: object) -> None:
        await asyncio.sleep(0)

    for module in ("app", "pilot"):
        monkeypatch.setattr(f"textual.{module}.wait_for_idle", go_on)


def check_frame(app: App[Any], after: str) -> None:
    """Check that the whole frame is harmless, and that no row is wider than the terminal."""
    rows = app.screen._compositor.render_strips()
    text = "\n".join(row.text for row in rows)
    assert not foreign(text), (after, text)
    assert {row.cell_length for row in rows} == {app.size.width}, (after, text)


async def visit(pilot: Pilot[Any], *lines: str) -> None:
    """Press keys, and look at each frame; at the end of a line, go back to this screen."""
    here = pilot.app.screen
    for line in lines:
        for key in line.split():
            await pilot.press(key)
            await pilot.pause()
            check_frame(pilot.app, f"{key} of {line}")
        while pilot.app.screen is not here:
            await pilot.press("escape")
            await pilot.pause()


@SEEDS
@pytest.mark.usefixtures("bounded", "warm_decoders", "at_once")
async def test_screens(template: Path, seed: int) -> None:
    path = hostile_session(template, seed)
    try:
        workspace = open_workspace(SourceOptions(), {}, path=path)
    except TuilabelError as error:
        assert not is_openable(seed)
        assert not foreign(inert(str(error), LONGEST_PATH))  # noqa: PT017
        return
    with workspace:
        assert not foreign(workspace.outcome() + workspace.saved())
        app = ScreenApp(workspace, LabelScreen)
        async with app.run_test(size=(80, 24)) as pilot:
            await pilot.pause()
            check_frame(app, "the start")
            await visit(pilot, *LABEL, *BESIDE, "v", *LABEL)


@SEEDS
@pytest.mark.usefixtures("bounded", "at_once")
async def test_the_home_screen(template: Path, seed: int) -> None:
    """One that cannot be read, among others, does not end it."""
    sessions = [hostile_session(template, other) for other in range(seed, seed + 3)]
    app = HomeApp(resolve({}), Colours(), TerminalAnswers())
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.pause()
        while len(app._home._states) < len(sessions):
            await pilot.pause(0.01)
        await visit(pilot, "down down down up end", "f1 down", "f2 o")
        for path in sessions:
            app._home._cursor = next(
                place
                for place, entry in enumerate(app._home._entries)
                if entry.request == OpenRequest("session", str(path))
            )
            app._home.show_all()
            await pilot.pause()
            check_frame(app, path.name)
        await pilot.press("enter")
    wanted = OpenRequest("session", str(sessions[-1]))
    assert app.request == wanted or not is_openable(seed + 2)


@pytest.mark.usefixtures("bounded", "warm_decoders", "at_once")
async def test_the_screen_of_view(photos: Path) -> None:
    app = ViewApp(Viewed(str(photos)), Settings(), "name", Colours(), TerminalAnswers())
    async with app.run_test(size=(80, 24)) as pilot:
        await visit(pilot, *VIEW)
