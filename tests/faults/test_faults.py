"""A few faults of each kind; `python -m tests.faults` runs the suite at length."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pytest

from tests.faults import writes
from tests.faults.context import Context
from tests.faults.damage import Snapshot
from tests.faults.preload import Fault, ImpossibleError, Told, quick_folder
from tests.faults.suite import KINDS, run, run_some
from tests.faults.table import Tally, check, contents, table
from tuilabel.journal.reader import LogFile, Reader

pytestmark = pytest.mark.xdist_group("pty")

HOW_MANY = {
    "from the n-th call on read-only": 20,
    "power cut, unsynchronised writes gone or in pieces": 120,
    "killed at any moment": 6,
    "two writers killed together": 6,
    "a clock that goes backwards": 4,
    "four processes label at once, another reads": 1,
    "a full file system (tmpfs)": 1,
    "a file system made read-only": 1,
    "one of two sshfs mounts cut off": 1,
    "the trainer killed at each message": 1,
    "on the screen: killed in a write, power cut": 1,
}

QUICK = 40
"""Of each other kind."""

ELSEWHERE = "on the screen: killed at any moment"
"""That one is tests/pty/test_kills.py."""


@pytest.fixture(scope="module")
def context() -> Iterator[Context]:
    """Give a folder in memory, and one labelling process for all."""
    with TemporaryDirectory(dir=quick_folder()) as folder, ExitStack() as closing:
        yield Context(Path(folder), np.random.default_rng(40), closing)


@pytest.fixture(scope="module")
def tallies() -> Iterator[list[Tally]]:
    """Collect the rows of the table, and print it at the end: ``pytest -s`` shows it."""
    rows: list[Tally] = []
    yield rows
    print("\n" + table(rows))  # noqa: T201


def _by_annotator(name: str) -> str:
    """Sort logs behind other files, in the order in which their writers opened the session."""
    return next((by for by in ("anna", "bob", "cleo") if f"-{by}-" in name), "")


def some(kind: str, count: int, context: Context) -> Tally:
    try:
        return run_some(kind, count, context)
    except ImpossibleError as error:
        pytest.skip(str(error))


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind != ELSEWHERE])
def test_no_fault_loses_what_was_saved(kind: str, context: Context, tallies: list[Tally]) -> None:
    tally = some(kind, HOW_MANY.get(kind, QUICK), context)
    tallies.append(tally)
    assert tally.injected
    assert tally.wrong == []
    assert tally.lost == 0
    assert tally.acknowledged


@pytest.mark.parametrize("fault", [Fault.INPUT_OUTPUT, Fault.KILLED])
def test_a_session_that_was_not_quite_created_is_on_disk_once_it_has_a_label(
    fault: Fault, context: Context
) -> None:
    tally = Tally("created")
    for at in range(1, 15):
        folder, record = context.folder(), context.folder() / "calls"
        told = some_labels(context, folder, record, at, fault)
        saved = told.saved + some_labels(context, folder, record).saved
        disk = writes.Disk(str(folder))
        for call in writes.read_calls(record):
            disk.apply(call)
        left = context.folder()
        disk.after_power_cut(left, context.rng, 0.0)
        check(left / "s.tuilabel", saved, tally)
    assert (tally.wrong, tally.lost) == ([], 0)


def some_labels(
    context: Context, folder: Path, record: Path, at: int = 0, fault: Fault = Fault.NOTHING
) -> Told:
    try:
        return context.labeller.label(folder, labels=3, record=record, at=at, fault=fault)
    except ImpossibleError as error:
        pytest.skip(str(error))


# The suite itself: it notices what it is there for.


@pytest.mark.parametrize("careless", ["fdatasync", "sync_directory", "fsync"])
def test_a_careless_journal_is_found_out(careless: str, context: Context) -> None:
    tally = Tally("careless")
    faults = writes.power_cut(context, tally, careless)
    try:
        for _ in zip(range(60), faults, strict=False):
            pass
    except ImpossibleError as error:
        pytest.skip(str(error))
    assert tally.lost > 0
    assert tally.failed


def test_a_reader_that_is_silent_about_damage_is_found_out(
    context: Context, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Reader, "_report", lambda *_, **__: None)
    monkeypatch.setattr(LogFile, "report", lambda *_, **__: None)
    tally = run_some("any byte of any file changed", 20, context)
    assert "damage is not reported" in tally.wrong
    assert tally.lost == 0


def test_a_reader_that_stops_at_damage_is_found_out(
    context: Context, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = LogFile.block
    monkeypatch.setattr(LogFile, "block", lambda file: b"" if file.offset else real(file)[:2000])
    assert run_some("any byte of any file changed", 5, context).lost > 0


def test_only_an_end_that_no_other_log_has_seen_may_go_unnoticed(context: Context) -> None:
    session = Snapshot(context.folder())
    *_, seen, last = sorted(session.files, key=_by_annotator)
    for name, may in ((seen, False), (last, True)):
        lines = session.files[name].splitlines(keepends=True)
        for left in (b"".join(lines[:-1]), b"".join(lines[:3]), b""):
            files = {**session.files, name: left}
            assert session.must_be_reported(files) != may
        assert session.must_be_reported({**session.files, name: session.files[name][:-9]})


def test_a_disk_keeps_what_was_synchronised_and_nothing_else_for_certain(tmp_path: Path) -> None:
    disk = writes.Disk("/f")
    for kind, path, place, data in [
        ("D", "/f/new", 0, b""),
        ("C", "/f/new/a", 0, b""),
        ("W", "/f/new/a", 0, b"x" * 1024),
        ("S", "/f/new/a", 0, b""),
        ("S", "/f/new", 0, b""),
        ("R", "/f/old", 0, b"/f/new"),
        ("S", "/f", 0, b""),
        ("W", "/f/old/a", 512, b"y" * 1024),
        ("C", "/f/old/b", 0, b""),
        ("W", "/f/old/b", 0, b"new"),
        ("S", "/f/old/b", 0, b""),
        ("D", "/f/more", 0, b""),
    ]:
        disk.apply(writes.Call(kind, path, place, data))
    left = set()
    for number in range(60):
        folder = tmp_path / str(number)
        folder.mkdir()
        disk.after_power_cut(folder, np.random.default_rng(number), 0.5)
        left.add((folder / "old" / "a").read_bytes())
        shutil.rmtree(folder)
    start, old, new = b"x" * 512, b"x" * 512, b"y" * 512
    assert left == {start + rest for rest in (old, new, old + new, new + new)}
    disk.after_power_cut(tmp_path, np.random.default_rng(0), 0.0)
    assert contents(tmp_path) == {"old/a": start + old}
    assert not (tmp_path / "more").exists()


def test_the_same_seed_meets_the_same_faults() -> None:
    def rows() -> list[tuple[str, ...]]:
        with TemporaryDirectory(dir=quick_folder()) as folder:
            context = Context(Path(folder), np.random.default_rng(3))
            with context.closing:
                return [run_some("any byte of any file changed", 5, context).row()]

    assert rows() == rows()


def test_what_is_impossible_is_said_and_not_counted(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(shutil, "which", lambda _: None)
    text, failed = run(1.0, 0, only="killed before the n-th call")
    assert "not possible here: there is no C compiler" in text
    assert not failed


def test_a_call_that_fails_is_one_that_the_journal_meets(context: Context) -> None:
    folder = context.folder()
    try:
        plain = context.labeller.label(folder, labels=3)
    except ImpossibleError as error:
        pytest.skip(str(error))
    assert plain.refused == []
    folder = context.folder()
    told = context.labeller.label(folder, labels=3, at=plain.calls - 4, fault=Fault.INPUT_OUTPUT)
    assert any("Input/output error" in message for message in told.refused)
