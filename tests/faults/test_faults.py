"""So much of the fault suite as takes seconds; `python -m tests.faults` runs it at length."""

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
from tests.faults.files import Snapshot
from tests.faults.preload import Fault, ImpossibleError, quick_folder
from tests.faults.suite import KINDS, run, run_some
from tests.faults.table import Tally, check, table
from tuilabel.journal import reading

pytestmark = pytest.mark.xdist_group("pty")

HOW_MANY = {
    "from the n-th call on read-only": 20,
    "power cut, unsynchronised writes gone or in pieces": 120,
    "killed at any moment": 6,
    "a clock that goes backwards": 4,
    "other processes open the session, another reads it": 2,
    "a full file system (tmpfs)": 1,
    "a file system made read-only": 1,
    "the trainer killed at each message": 1,
    "on the screen: killed in a write, power cut": 1,
    "file cut at every 512 bytes": 40,
    "file with log, file cut at every 512 bytes": 20,
    "file with log, log cut at every 512 bytes": 60,
    "sectors and pages overwritten with zeros": 25,
    "bits flipped": 25,
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


# The suite itself: it notices what it is there for.


def test_a_careless_journal_is_found_out(context: Context) -> None:
    tally = Tally("careless")
    try:
        for _ in zip(range(60), writes.power_cut(context, tally, synchronous="OFF"), strict=False):
            pass
    except ImpossibleError as error:
        pytest.skip(str(error))
    assert tally.lost > 0
    assert tally.failed


def test_a_label_that_is_overwritten_behind_a_hole_is_found_out(
    context: Context, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reading, "cut_off", lambda _: [])
    session = Snapshot(context.folder(), 20, 10, context.rng)
    log = bytearray(session.log)
    log[len(log) // 2] ^= 1
    tally = Tally("hole")
    path = session.put(context.folder(), session.content, bytes(log))
    check(path, session.events, tally, session.gone(session.content, bytes(log)))
    assert tally.lost > 0


def test_a_disk_keeps_what_was_synchronised_and_nothing_else_for_sure(tmp_path: Path) -> None:
    disk = writes.Disk("/f")
    for kind, path, place, data in [
        ("W", "/f/a", 0, b"x" * 1024),
        ("S", "/f/a", 0, b""),
        ("S", "/f", 0, b""),
        ("W", "/f/a", 512, b"y" * 1024),
        ("W", "/f/b", 0, b"new"),
        ("S", "/f/b", 0, b""),
    ]:
        disk.apply(writes.Call(kind, path, place, data))
    contents = set()
    for number in range(60):
        folder = tmp_path / str(number)
        folder.mkdir()
        disk.after_power_cut(folder, np.random.default_rng(number), 0.5)
        contents.add((folder / "a").read_bytes())
        shutil.rmtree(folder)
    start, old, new = b"x" * 512, b"x" * 512, b"y" * 512
    after = {old, new, old + new, new + new}
    assert contents == {start + rest for rest in after}
    disk.after_power_cut(tmp_path, np.random.default_rng(0), 0.0)
    assert [file.name for file in tmp_path.iterdir()] == ["a"]
    assert (tmp_path / "a").read_bytes() == start + old


def test_the_same_seed_meets_the_same_faults() -> None:
    def rows() -> list[tuple[str, ...]]:
        with TemporaryDirectory(dir=quick_folder()) as folder:
            context = Context(Path(folder), np.random.default_rng(3))
            with context.closing:
                return [run_some("file cut at every 512 bytes", 5, context).row()]

    assert rows() == rows()


def test_what_is_impossible_is_said_and_not_counted(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(shutil, "which", lambda _: None)
    text, failed = run(1.0, 0, only="killed before the n-th call")
    assert "not possible here: there is no C compiler" in text
    assert not failed


def test_a_call_that_fails_is_one_that_sqlite_meets(context: Context) -> None:
    folder = context.folder()
    try:
        plain = context.labeller.label(folder, labels=3)
    except ImpossibleError as error:
        pytest.skip(str(error))
    assert plain.refused == []
    assert len(plain.saved) == 3
    folder = context.folder()
    told = context.labeller.label(folder, labels=3, at=plain.calls - 12, fault=Fault.INPUT_OUTPUT)
    assert any("disk I/O error" in message for message in told.refused)
