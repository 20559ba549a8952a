"""The command line: what it prints, where, and with which exit status."""

from __future__ import annotations

import csv
import io
import json
import os
import subprocess
import sys
from datetime import datetime
from pathlib import Path
from typing import Any

import click
import pytest
from click.testing import CliRunner, Result
from loop_fakes import ME
from PIL import Image
from sessions import label_of, new_session

from tuilabel import __version__
from tuilabel.cli import COMMANDS as LINES
from tuilabel.cli import EXAMPLES, main
from tuilabel.events.payloads import (
    Fitted,
    Flag,
    Measured,
    Note,
    Opened,
    Skip,
    Undo,
    Window,
    stored_names,
)
from tuilabel.journal.journal import Journal
from tuilabel.tui.app.base import Ended
from tuilabel.tui.terminal.tty import TTY
from tuilabel.workspace.opening import SourceOptions, open_workspace
from tuilabel.workspace.places import data_dir, last_session, remember, session_path
from tuilabel.workspace.recent import OpenRequest

REPOSITORY = Path(__file__).resolve().parents[2]
COMMANDS = (
    "label",
    "demo",
    "home",
    "view",
    "show",
    "status",
    "export",
    "check",
    "merge",
    "share",
    "classes",
    "import",
    "autolabel",
    "carry",
    "simulate",
    "cache",
    "doctor",
    "settings",
    "model",
    "predict",
)
STATUS_FIELDS = {
    *(
        "source",
        "groups",
        "window",
        "labels",
        "by_class",
        "skipped",
        "pool_left",
        "rounds",
        "model",
        "strategy",
    ),
    *("skip_reasons", "flagged", "notes"),
    *("accuracy", "annotators", "auto_labels", "fitted", "stopping", "disputed", "problems"),
    *("disputes", "agreement", "asked", "without_example", "recall", "tallies", "checks"),
}


def tuilabel(*arguments: str, **options: Any) -> Result:
    return CliRunner().invoke(main, arguments, prog_name="tuilabel", **options)


def refused(result: Result, status: int = 2) -> str:
    """Check that a run ended with one sentence on standard error; give the sentence."""
    assert result.exit_code == status, result.output
    assert result.stdout == ""
    assert result.stderr.startswith("tuilabel: ")
    assert result.stderr.count("\n") == 1
    assert isinstance(result.exception, SystemExit)
    return result.stderr.removeprefix("tuilabel: ").rstrip("\n")


def process(
    *arguments: str, stdout: Any = subprocess.PIPE, **environ: str
) -> subprocess.CompletedProcess[bytes]:
    """Run a real process, with nothing on standard input."""
    return subprocess.run(
        [sys.executable, "-m", "tuilabel", *arguments],
        cwd=REPOSITORY,
        env={**os.environ, **environ},
        stdin=subprocess.DEVNULL,
        stdout=stdout,
        stderr=subprocess.PIPE,
        timeout=120,
        check=False,
    )


@pytest.fixture
def session(tmp_path: Path) -> Path:
    """Make a session with three labels that hold, by names that are hard to print."""
    path, by = tmp_path / "s.tuilabel", "Zoë"
    names = ("Katze 猫", "=1+1", "\x1b[31mred")
    accuracy = Measured(correct=45, n=50, set="hold-out", value=0.9, low=0.8, high=0.95)
    fit = Fitted(
        labels=1,
        round=1,
        model="mlp",
        features="raw",
        strategy="margin",
        fit_seconds=0.1,
        rank_seconds=0.1,
        classes=(),
        accuracy=accuracy,
    )
    opened = Opened(settings={"model": "mlp", "strategy": "margin"}, items=9)
    new_session(path, opened, Window(-1024.0, 3071.5), classes=names)
    references = (("caf\udce9.png", "copy.png"), ("1.png",), ("2.png",))
    with Journal(path, by, "digits") as journal:
        journal.read()
        whys = ({"reason": "margin"}, {"reason": "audit", "draw": 0.1}, {})
        for number, name in enumerate(names):
            label = label_of(
                f"i{number}", name, *references[number], round=1, ms=500, **whys[number]
            )
            journal.append([label], by)
        (skip,) = journal.append([Skip(item="i0", round=1)], by)
        journal.append([Undo(skip.id, "i0"), Skip(item="i9", round=1, why="unsure"), fit], by)
        note = Note(item="i0", names=stored_names(references[0]), text="=wet \x1b[31m")
        journal.append([Flag(item="i8", names=("8.png",)), note], by)
    return path


@pytest.fixture
def terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    """Pretend that there is a terminal."""
    monkeypatch.setattr(TTY, "open", lambda: None)
    monkeypatch.setattr("tuilabel.commands.text.cannot_draw", lambda: None)


# Help and version.


@pytest.mark.parametrize("arguments", [(), *((command,) for command in COMMANDS)])
@pytest.mark.parametrize("option", ["--help", "-h"])
def test_every_command_has_help(arguments: tuple[str, ...], option: str) -> None:
    result = tuilabel(*arguments, option)
    assert result.exit_code == 0, result.output
    assert result.stdout.startswith(f"Usage: {' '.join(['tuilabel', *arguments])} [OPTIONS]")
    assert result.stderr == ""


def command(name: str) -> click.Command:
    found = main.get_command(click.Context(main), name)
    assert found is not None
    return found


def test_help_names_every_command() -> None:
    listed = main.list_commands(click.Context(main))
    assert set(listed) == set(COMMANDS)
    for name in COMMANDS:
        assert f"\n  {name} " in tuilabel("--help").stdout


@pytest.mark.parametrize("name", COMMANDS)
def test_the_line_in_the_help_is_the_first_of_the_commands_own_help(name: str) -> None:
    assert (command(name).help or "").split("\n\n")[0].replace("\n", " ") == LINES[name][2]


def test_the_help_ends_with_three_examples() -> None:
    lines = tuilabel("--help", terminal_width=100).stdout.rstrip().splitlines()
    assert lines[-4] == "Examples:"
    for line, (example, meaning) in zip(lines[-3:], EXAMPLES, strict=True):
        assert line.split("  ")[1] == example
        assert line.endswith(meaning)


@pytest.mark.parametrize(
    ("word", "meant"),
    [
        ("exprot", "tuilabel export"),
        ("stats", "tuilabel status"),
        ("lable", "tuilabel label"),
        ("help", "tuilabel --help"),
    ],
)
def test_a_word_that_is_close_to_a_command_is_not_a_source(
    word: str, meant: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    expected = f"{word!r} is neither a command nor a source; did you mean `{meant}`?"
    assert refused(tuilabel(word, "--classes", "a,b")) == expected
    (tmp_path / word).mkdir()
    assert "needs a terminal" in refused(tuilabel(word, "--classes", "a,b"))


@pytest.mark.parametrize("word", ["digits", "mnist", "mnist:export"])
def test_a_source_needs_a_terminal(word: str) -> None:
    assert "needs a terminal" in refused(tuilabel(word))


@pytest.mark.parametrize("word", ["images", "./exprot", "x.npz"])
def test_any_other_word_is_a_source_and_is_looked_for_before_a_terminal(word: str) -> None:
    assert f"'{word}' is not a source" in refused(tuilabel(word))


def test_a_word_close_to_a_folder_or_a_session_is_recognised(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "photos").mkdir()
    new_session(session_path("photos"), source=str(tmp_path / "photos"))
    for arguments in (("photo",), ("label", "photo"), ("export", "fotos"), ("status", "photo")):
        assert "Did you mean 'photos'?" in refused(tuilabel(*arguments))
    assert "Did you mean" not in refused(tuilabel("quite-another"))


@pytest.mark.parametrize("command", ["demo", "simulate"])
def test_missing_ground_truth_is_reported_before_missing_class_names(
    command: str, tmp_path: Path
) -> None:
    Image.new("L", (8, 8)).save(tmp_path / "a.png")
    line = ("--line",) if command == "demo" else ()
    assert "has no ground truth" in refused(tuilabel(command, str(tmp_path), *line))


def test_the_version_is_told() -> None:
    result = tuilabel("--version")
    assert (result.exit_code, result.stdout) == (0, f"tuilabel, version {__version__}\n")


def test_an_unknown_export_format_is_refused_and_the_known_ones_are_named(tmp_path: Path) -> None:
    session = tmp_path / "s.tuilabel"
    new_session(session)
    said = refused(tuilabel("export", str(session), "--format", "jsn"))
    assert "There is no export format 'jsn': choose one of csv, jsonl, " in said
    assert ", hf, folders." in said


# Labelling without a terminal, and with one.


@pytest.mark.parametrize(
    "arguments",
    [
        (),
        ("digits",),
        ("label",),
        ("label", "digits"),
        ("--model", "mlp"),
        ("demo",),
        ("mnist:status",),
    ],
)
def test_without_a_terminal_there_is_a_way_out(arguments: tuple[str, ...]) -> None:
    message = refused(tuilabel(*arguments))
    for way in (
        "terminal",
        "tuilabel label --line",
        "tuilabel status",
        "tuilabel export",
        "tuilabel demo --help",
    ):
        assert way in message


@pytest.mark.parametrize(("term", "found"), [("dumb", "'dumb'"), (None, "''")])
def test_home_needs_a_terminal_that_draws(
    term: str | None, found: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    result = tuilabel("home")
    assert result.exit_code == 2
    assert "A screen needs a terminal" in result.stderr
    monkeypatch.setattr(TTY, "open", lambda: None)
    monkeypatch.delenv("TERM", raising=False)
    if term is not None:
        monkeypatch.setenv("TERM", term)
    result = tuilabel("home")
    assert (result.exit_code, result.stdout) == (2, "")
    assert f"TERM is {found}, so the terminal may not be able to draw." in result.stderr


def test_a_terminal_that_cannot_draw_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    from tuilabel.commands.text import cannot_draw

    monkeypatch.setenv("TERM", "dumb")
    assert "TERM is 'dumb'" in str(cannot_draw())
    monkeypatch.delenv("TERM")
    assert "may not be able to draw" in str(cannot_draw())
    monkeypatch.setenv("TERM", "xterm")
    assert cannot_draw() is None


@pytest.mark.parametrize(
    ("arguments", "found"),
    [
        (("nowhere",), "nowhere"),
        (("",), "source is empty"),
        (("digits", "--session", "/proc/none/s.tuilabel"), "No session can be created"),
        (("--batch-size", "0"), "--batch-size is '0'; expected a whole number from 1 to 1,000"),
        (("--batch-size", "60", "--pool", "50"), "--batch-size 60 is larger than the pool of 50"),
        (("--pool", "0"), "pool"),
        (("--pool", "-5"), "pool"),
        (("--model", "forest"), "--model is 'forest'; expected one of auto, softmax, mlp"),
        (("--strategy", "best"), "--strategy is 'best'; expected one of auto"),
        (("--audit", "0.9"), "--audit is '0.9'; expected a share from 0 to 0.5"),
        (("--classes", "a,b"), "10"),
        (("demo", "nowhere"), "nowhere"),
    ],
)
@pytest.mark.usefixtures("terminal")
def test_bad_input_is_one_sentence(arguments: tuple[str, ...], found: str) -> None:
    assert found in refused(tuilabel(*arguments))
    assert last_session() is None


@pytest.mark.parametrize(
    "arguments", [("--bogus",), ("digits", "too", "many"), ("--pool", "x"), ("demo", "--rate", "0")]
)
def test_wrong_usage_is_clicks_to_report(arguments: tuple[str, ...]) -> None:
    result = tuilabel(*arguments)
    assert result.exit_code == 2
    assert result.stderr.startswith("Usage: tuilabel ")


@pytest.mark.usefixtures("terminal")
@pytest.mark.parametrize("status", [0, 1, 143])
def test_the_status_and_the_outcome_of_labelling_are_told(
    monkeypatch: pytest.MonkeyPatch, status: int
) -> None:
    def run(work: Any, **options: Any) -> Ended:
        work.session.label(work.session.current_id, 0, by=ME)
        return Ended(status, None)

    monkeypatch.setattr("tuilabel.tui.app.labelling.run", run)
    result = tuilabel("--annotator", "me")
    assert result.exit_code == status
    assert result.stdout.splitlines()[-1] == f"1 label; saved in {session_path('digits')}."
    assert last_session() == session_path("digits")
    demo = tuilabel("demo", "--pool", "50")
    assert demo.exit_code == status
    assert "/demos/" in demo.stdout
    assert last_session() == session_path("digits")


@pytest.mark.usefixtures("terminal")
def test_a_terminal_that_has_gone_does_not_change_the_status(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def gone(*_: object, **__: object) -> None:
        raise OSError(5, "Input/output error")

    monkeypatch.setattr("tuilabel.tui.app.labelling.run", lambda *_, **__: Ended(129, None))
    monkeypatch.setattr(click, "echo", gone)
    assert tuilabel("digits").exit_code == 129


@pytest.mark.usefixtures("terminal")
def test_what_is_wished_for_is_opened_next_with_the_same_screen(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    wishes = [
        OpenRequest("session", str(session_path("digits", 60))),
        OpenRequest("demo", "digits"),
        OpenRequest("source", "digits"),
    ]
    opened: list[tuple[str, str]] = []

    def run(work: Any, **options: Any) -> Ended:
        opened.append((work.path.parent.name, work.settings.theme))
        return Ended(0, wishes.pop(0)) if wishes else Ended(3, None)

    monkeypatch.setattr("tuilabel.tui.app.labelling.run", run)
    monkeypatch.setattr("tuilabel.tui.app.home.run_home", run_home := _Wishing("digits"))
    assert tuilabel("digits", "--pool", "60", "--theme", "plain").exit_code == 3
    assert opened == [
        ("sessions", "plain"),
        ("sessions", "plain"),
        ("demos", "plain"),
        ("sessions", "plain"),
    ]
    assert last_session() == session_path("digits")
    assert tuilabel("home").exit_code == 3
    assert run_home.settings is not None


class _Wishing:
    """Stands in for the home screen, on which somebody chooses a source."""

    def __init__(self, source: str) -> None:
        self._source = source
        self.settings: Any = None

    def __call__(self, settings: Any, **_: Any) -> Ended:
        self.settings = settings
        return Ended(0, OpenRequest("source", self._source))


def test_a_message_holds_no_escape_codes() -> None:
    message = refused(tuilabel("status", "\x1b[31mred\nalert"))
    assert "\x1b" not in message
    assert "red" in message


# Status.


def test_status_json_has_the_promised_fields(session: Path) -> None:
    result = tuilabel("status", str(session), "--json")
    assert result.exit_code == 0
    found = json.loads(result.stdout)
    for annotator in found["annotators"].values():
        assert datetime.fromisoformat(annotator.pop("last_seen")).tzinfo is not None
    assert found == {
        "source": "digits",
        "window": [-1024.0, 3071.5],
        "labels": 3,
        "by_class": {"Katze 猫": 1, "=1+1": 1, "␛[31mred": 1},
        "skipped": 1,
        "skip_reasons": {"unsure": 1},
        "flagged": [{"item": "i8", "reference": "8.png", "by": "Zoë", "text": None}],
        "notes": [{"item": "i0", "reference": "caf\udce9.png", "by": "Zoë", "text": "=wet ␛[31m"}],
        "disputed": 0,
        "problems": [],
        "asked": {
            "audit": {"labels": 1, "draw": [0.1, 0.1]},
            "margin": {"labels": 1, "draw": None},
        },
        "auto_labels": 0,
        "fitted": {"model": "mlp", "features": "raw", "strategy": "margin"},
        "stopping": None,
        "pool_left": 5,
        "rounds": 1,
        "model": "mlp",
        "strategy": "margin",
        "accuracy": {
            "value": 0.9,
            "low": 0.8,
            "high": 0.95,
            "n": 50,
            "set": "hold-out",
            "disputed": 0,
        },
        "recall": None,
        "tallies": None,
        "annotators": {
            "me": {"labels": 0, "per_minute": None, "here": False},
            "Zoë": {"labels": 3, "per_minute": None, "here": False},
        },
        "disputes": [],
        "agreement": None,
        "without_example": [],
        "groups": None,
        "checks": [],
    }
    assert set(json.loads(result.stdout)) == STATUS_FIELDS


def test_status_is_told_in_lines_that_hold_no_escape_codes(session: Path) -> None:
    result = tuilabel("status", str(session))
    assert result.exit_code == 0
    lines = result.stdout.splitlines()
    assert lines[0] == f"session    {session}"
    assert "window     -1,024 is shown as black, 3,071.5 as white" in lines
    assert "labels     3, 5 left to ask" in lines
    assert "skipped    1 (1 unsure)" in lines
    assert lines[lines.index("flagged    1 image:") + 1] == "  8.png (by Zoë)"
    assert lines[lines.index("notes      1 image:") + 1] == "  caf�.png (by Zoë): =wet ␛[31m"
    assert "accuracy   90.0% (80.0% to 95.0%, 95%) on the hold-out, n = 50" in lines
    assert any(line.startswith("by         Zoë: 3 labels, last seen 20") for line in lines)
    assert any("Katze 猫" in line for line in lines)
    assert "\x1b" not in result.stdout


@pytest.mark.parametrize("limit", [10, 16, 30, 63])
@pytest.mark.parametrize("command", [("label", "digits", "--line"), ("demo", "--line"), ("home",)])
def test_too_few_open_files_are_one_sentence(limit: int, command: tuple[str, ...]) -> None:
    program = (
        "import resource, sys; from tuilabel.cli import main\n"
        f"resource.setrlimit(resource.RLIMIT_NOFILE, ({limit}, {limit}))\n"
        "main(sys.argv[1:])"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, *command],
        capture_output=True,
        text=True,
        stdin=subprocess.DEVNULL,
    )
    assert done.returncode == 2
    assert done.stderr == (
        f"tuilabel: Only {limit} files may be open at once, but tuilabel needs 64: raise the "
        "limit, such as with `ulimit -n 64`.\n"
    )


@pytest.mark.parametrize("option", ["--unreadable", "--skipped"])
def test_status_lists_every_unreadable_file(tmp_path: Path, option: str) -> None:
    folder = tmp_path / "pictures"
    folder.mkdir()
    Image.new("L", (9, 9)).save(folder / "good.png")
    for i in range(9):
        (folder / f"{i}\x1b[2J.png").write_bytes(b"")
    open_workspace(SourceOptions(str(folder), ("a", "b")), {}).close()
    lines = tuilabel("status", str(folder), option).stdout.splitlines()
    assert lines[-10:] == [
        f"9 files of {folder} cannot be read:",
        *(f"  {i}␛[2J.png (empty file)" for i in range(9)),
    ]
    assert tuilabel("status", str(folder), option, "--json").exit_code == 2


def test_status_counts_the_files_that_changed_since_they_were_labelled(tmp_path: Path) -> None:
    folder = tmp_path / "pictures"
    folder.mkdir()
    for value in range(3):
        Image.new("L", (9, 9), value).save(folder / f"{value}.png")
    with open_workspace(SourceOptions(str(folder), ("a", "b")), {"batch_size": 3}) as work:
        for _ in range(3):
            work.session.label(str(work.session.current_id), 0, by=work.annotator)
    assert "changed" not in tuilabel("status", str(folder), "--unreadable").stdout
    Image.new("L", (9, 9), 99).save(folder / "1.png")
    lines = tuilabel("status", str(folder), "--unreadable").stdout.splitlines()
    assert lines[-1] == "1 file has changed since it was labelled: it is another image now."


def test_status_without_a_name_is_of_the_last_session(session: Path) -> None:
    assert "No session has been opened" in refused(tuilabel("status"))
    remember(session)
    assert json.loads(tuilabel("status", "--json").stdout)["labels"] == 3


@pytest.mark.parametrize("command", ["status", "export"])
def test_what_is_no_session_is_refused(command: str, tmp_path: Path, session: Path) -> None:
    text = tmp_path / "notes.txt"
    text.write_text("notes")
    cut = tmp_path / "cut.tuilabel"
    (cut / "log").mkdir(parents=True)
    (cut / "session.json").write_text("{")
    assert "There is no session" in refused(tuilabel(command, str(tmp_path / "missing")))
    assert "is a file, not a session" in refused(tuilabel(command, str(text)))
    assert "There is no session for the folder" in refused(tuilabel(command, str(tmp_path)))
    assert "damaged" in refused(tuilabel(command, str(cut)))
    assert "There is no session" in refused(tuilabel(command, "x" * 300))


# Export.


def test_export_writes_to_standard_output_by_default(session: Path) -> None:
    result = tuilabel("export", str(session))
    assert result.exit_code == 0
    text = result.stdout_bytes.decode("utf-8", "surrogateescape")
    rows = list(csv.DictReader(io.StringIO(text, newline="")))
    assert [(row["item_id"], row["reference"], row["class"]) for row in rows] == [
        ("i0", "caf\udce9.png", "Katze 猫"),
        ("i0", "copy.png", "Katze 猫"),
        ("i1", "1.png", "'=1+1"),
        ("i2", "2.png", "␛[31mred"),
    ]
    assert tuilabel("export", str(session), "-o", "-").stdout_bytes == result.stdout_bytes


@pytest.mark.parametrize(
    ("name", "options", "first"),
    [
        ("out.csv", (), "item_id,"),
        ("out.jsonl", (), "{"),
        ("out", (), "item_id,"),
        ("out.txt", ("--format", "csv"), "item_id,"),
        ("out.csv", ("--format", "jsonl"), "{"),
        ("out.jsonl", ("--format", "csv"), "item_id,"),
    ],
)
def test_the_format_is_what_the_name_says_unless_told(
    session: Path, tmp_path: Path, name: str, options: tuple[str, ...], first: str
) -> None:
    out = tmp_path / name
    options = ("--no-source", *options)
    result = tuilabel("export", str(session), "-o", str(out), *options)
    assert (result.exit_code, result.output) == (0, "")
    assert out.read_bytes().startswith(first.encode())
    before = out.read_bytes()
    out.write_bytes(b"")
    again = ("export", str(session), "-o", str(out), *options)
    assert "--force" in refused(tuilabel(*again))
    assert out.read_bytes() == b""
    assert tuilabel(*again, "--force").exit_code == 0
    assert out.read_bytes() == before


def test_an_ending_without_a_format_writes_nothing(session: Path, tmp_path: Path) -> None:
    for name in ("out.json", "out.xlsx"):
        out = tmp_path / name
        message = refused(tuilabel("export", str(session), "-o", str(out), "--force"))
        assert "ends in .csv, .jsonl or .parquet, or" in message
        assert not out.exists()


def test_an_export_that_cannot_be_written_is_refused(session: Path, tmp_path: Path) -> None:
    out = str(tmp_path / "missing" / "out.csv")
    assert "No such file or directory" in refused(tuilabel("export", str(session), "-o", out))


# What only a real process shows.


def test_a_full_standard_output_is_reported_once(session: Path) -> None:
    with Path("/dev/full").open("wb") as full:
        result = process("export", str(session), stdout=full)
    assert result.returncode == 2
    assert result.stderr == (
        b"tuilabel: Standard output cannot be written (No space left on device).\n"
    )


@pytest.mark.parametrize(
    "environ",
    [
        {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"},
        {"PYTHONIOENCODING": "latin-1:strict"},
    ],
)
def test_any_locale_will_do(session: Path, environ: dict[str, str]) -> None:
    status = process("status", str(session), **environ)
    assert (status.returncode, status.stderr) == (0, b"")
    assert b"Katze ?" in status.stdout or "Katze 猫".encode() in status.stdout
    export = process("export", str(session), "--no-source", **environ)
    assert (export.returncode, export.stderr) == (0, b"")
    assert export.stdout == tuilabel("export", str(session), "--no-source").stdout_bytes
    missing = process("status", "猫", **environ)
    assert missing.returncode == 2
    assert missing.stderr.startswith(b"tuilabel: There is no session ")
    assert missing.stderr.count(b"\n") == 1


def test_a_reader_that_stops_early_is_no_fault(tmp_path: Path) -> None:
    path = tmp_path / "s.tuilabel"
    new_session(path, label_of("a", "cat", "x" * 400_000))
    reading, writing = os.pipe()
    os.close(reading)
    with os.fdopen(writing, "wb") as closed:
        result = process("export", str(path), stdout=closed)
    assert result.returncode == 1
    assert result.stderr == b""


def test_closed_standard_streams_are_no_traceback(session: Path) -> None:
    command = f'"{sys.executable}" -m tuilabel export "{session}" >&-'
    result = subprocess.run(
        ["sh", "-c", command], cwd=REPOSITORY, capture_output=True, timeout=120, check=False
    )
    assert result.returncode == 2
    assert result.stderr == (b"tuilabel: Standard output is closed; name a file with --output.\n")


@pytest.mark.usefixtures("terminal")
def test_keys_that_cannot_be_leave_no_session_behind(tmp_path: Path) -> None:
    from tuilabel.settings import config_file

    config_file().parent.mkdir(parents=True)
    config_file().write_text('[keys]\nundo = "ctrl+m"\n')
    session = tmp_path / "digits.tuilabel"
    answer = refused(tuilabel("digits", "--session", str(session)))
    assert "undo: 'ctrl+m' cannot be used: terminals send it as Enter" in answer
    assert not session.exists()


def test_check_reports_what_is_there_and_writes_nothing(session: Path) -> None:
    before = {path: path.read_bytes() for path in session.rglob("*") if path.is_file()}
    result = tuilabel("check", str(session))
    assert result.exit_code == 0
    assert result.stdout.startswith(f"{session}: 2 logs, 18 events.\n")
    assert "Nothing is damaged or missing." in result.stdout
    assert "Unknown" not in result.stdout, "each log has its closing event"
    assert {path: path.read_bytes() for path in session.rglob("*") if path.is_file()} == before


def test_check_names_every_log_whose_end_cannot_be_judged(session: Path) -> None:
    logs = sorted((session / "log").iterdir())
    for log in logs:
        log.write_bytes(b"".join(log.read_bytes().splitlines(keepends=True)[:-1]))
    names = [f"log/{log.name}" for log in logs]
    assert len(names) == 2
    found = json.loads(tuilabel("check", str(session), "--json").stdout)
    assert found["unjudged"] == names
    wanted = f"Unknown: whether events are missing at the end of {', '.join(names)}."
    assert wanted in tuilabel("check", str(session)).stdout


def test_check_names_what_is_damaged_and_how_to_heal_it(session: Path) -> None:
    log = max((session / "log").iterdir(), key=lambda path: path.stat().st_mtime_ns)
    whole = log.read_bytes()
    log.write_bytes(whole.replace(b'"ms":500', b'"ms":501', 1))
    result = tuilabel("check", str(session))
    assert result.exit_code == 1
    assert f"log/{log.name}, line 2: its checksum is wrong" in result.stdout
    assert "put an undamaged copy" in result.stdout
    found = json.loads(tuilabel("check", str(session), "--json").stdout)
    assert [problem[:2] for problem in found["problems"]] == [[f"log/{log.name}", 2]]
    assert "damaged    log/" in tuilabel("status", str(session)).stdout
    log.with_name("copy.jsonl").write_bytes(whole)
    healed = tuilabel("check", str(session)).stdout
    assert "Nothing is lost. Damaged logs may be deleted: an undamaged copy stands in" in healed
    assert "To heal" not in healed
    log.unlink()
    assert tuilabel("check", str(session)).exit_code == 0


def test_a_session_is_no_source_and_the_sentence_has_the_command(session: Path) -> None:
    sentence = refused(tuilabel("label", str(session), "--line", "--classes", "a,b"))
    assert sentence == (
        f"{session} is a session, not a source of images. "
        f"`tuilabel label --session {session}` continues it."
    )


def test_a_session_of_any_name_is_found_without_its_description(session: Path) -> None:
    renamed = session.rename(session.with_name("backup"))
    (renamed / "session.json").unlink()
    result = tuilabel("check", str(renamed))
    assert "session.json" in result.stdout
    assert json.loads(tuilabel("status", str(renamed), "--json").stdout)["labels"] > 0


def test_what_is_in_the_place_of_a_session_is_described() -> None:
    folder = data_dir() / "sessions"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "old.tuilabel").write_bytes(b"SQLite format 3\0")
    assert "was made by an earlier tuilabel" in refused(tuilabel("status", "old"))


def test_what_is_missing_is_named_with_the_words_that_give_it(tmp_path: Path) -> None:
    (tmp_path / "photos").mkdir()
    guessed = tmp_path / "guessed.csv"
    guessed.write_text("path,class\na.png,cat\n")

    def said(*arguments: object) -> str:
        result = CliRunner().invoke(main, [*map(str, arguments)], prog_name="tuilabel")
        assert result.exit_code == 2
        return result.output

    alone = said("import", guessed)
    assert f"`tuilabel import SOURCE {guessed}`, with --classes A,B,..." in alone
    assert "With --classes A,B,..., the import starts one" in said(
        "import", tmp_path / "photos", guessed
    )
    assert "Did you mean" not in said("label", tmp_path / "nofolder")
    assert "Did you mean 'folder:'?" in said("label", "foldr:photos")


def test_no_sentence_offers_what_was_asked(tmp_path: Path) -> None:
    # Line mode reads the list from standard input, and needs a terminal for the answers.
    arguments = [sys.executable, "-m", "tuilabel", "label", "-", "--line"]
    done = subprocess.run(
        arguments, input=b"", capture_output=True, start_new_session=True, check=False
    )
    said = done.stderr.decode()
    assert done.returncode == 2
    assert "the answers need a terminal" in said
    assert "--line" not in said
