"""Files that arrive in a folder."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from pathlib import Path
from queue import SimpleQueue

import pytest

from tuilabel.data import watching
from tuilabel.data.file_cache import FileKey
from tuilabel.data.watching import Arrivals, Watcher


def key(path: str, size: int = 1, time: int = 0) -> FileKey:
    return FileKey(path, size, time, time)


OLD = key("old")


@pytest.fixture
def arrivals() -> Arrivals:
    return Arrivals([OLD])


def test_a_file_has_arrived_once_it_stays_as_it_is_for_two_seconds(arrivals: Arrivals) -> None:
    assert arrivals.arrived([OLD, key("new", 1)], 10) == []
    assert arrivals.arrived([OLD, key("new", 2)], 11.5) == []
    assert arrivals.arrived([OLD, key("new", 2)], 13) == []
    assert arrivals.arrived([OLD, key("new", 2)], 13.5) == [key("new", 2)]
    assert arrivals.arrived([OLD, key("new", 2)], 20) == [], "once"


def test_a_time_that_changes_is_a_file_that_is_still_written(arrivals: Arrivals) -> None:
    for second in range(5):
        assert arrivals.arrived([key("new", 1, second)], second) == []


def test_what_vanishes_again_has_not_arrived(arrivals: Arrivals) -> None:
    assert arrivals.arrived([OLD, key("new")], 0) == []
    assert arrivals.arrived([OLD], 1) == []
    assert arrivals.arrived([OLD, key("new")], 3) == [], "its two seconds begin again"
    assert arrivals.arrived([OLD, key("new")], 5) == [key("new")]


def test_what_is_replaced_or_comes_back_arrives_again(arrivals: Arrivals) -> None:
    assert arrivals.arrived([key("old", 2)], 0) == []
    assert arrivals.arrived([key("old", 2)], 2) == [key("old", 2)]
    assert arrivals.arrived([], 3) == []
    assert arrivals.arrived([key("old", 2)], 4) == []
    assert arrivals.arrived([key("old", 2)], 8) == [key("old", 2)]


def test_a_file_that_is_written_again_and_again_soon_arrives_no_more(arrivals: Arrivals) -> None:
    found = []
    for second in range(0, 1_000, 3):
        found += arrivals.arrived([key("log", second // 6)], second)
    assert len(found) == 1
    assert arrivals.arrived([key("log", 166)], 2_000) != [], "but for the last time"


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watching, "STABLE_SECONDS", 0.0)
    monkeypatch.setattr(watching, "LOOK_SECONDS", 0.001)


@pytest.mark.usefixtures("quick")
def test_a_folder_that_is_gone_for_a_while_is_looked_at_again(tmp_path: Path) -> None:
    root = tmp_path / "x"
    found: SimpleQueue[Sequence[FileKey]] = SimpleQueue()
    watcher = Watcher(root, [], found.put)
    watcher.start()
    root.mkdir()
    (root / "a.png").write_text("a")
    (root / ".hidden").write_text("b")
    assert [one.path for one in found.get(timeout=30)] == ["a.png"]
    watcher.stop()
    for thread in threading.enumerate():
        if thread.name == "watcher":
            thread.join(30)
            assert not thread.is_alive()


@pytest.mark.usefixtures("quick")
def test_a_listing_that_hangs_keeps_nobody_waiting(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    gate, hangs = threading.Event(), threading.Event()

    def scan(root: Path) -> object:
        hangs.set()
        gate.wait(60)
        return [key("a")], []

    monkeypatch.setattr(watching, "scan", scan)
    found: SimpleQueue[Sequence[FileKey]] = SimpleQueue()
    watcher = Watcher(tmp_path, [], found.put)
    watcher.start()
    assert hangs.wait(30)
    watcher.stop()
    gate.set()
    (thread,) = [one for one in threading.enumerate() if one.name == "watcher"]
    thread.join(30)
    assert not thread.is_alive()
    assert found.empty()
