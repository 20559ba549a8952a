"""Reading in the background: each file once, what is wanted first."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from queue import SimpleQueue

import numpy as np
import pytest
from numpy.typing import NDArray

from tuilabel.data import file_reader
from tuilabel.data.file_cache import Failure, FileKey
from tuilabel.data.file_reader import FileReader
from tuilabel.errors import SourceError, TuilabelError


class Files:
    """Items whose files say nothing; each read may wait."""

    def __init__(self, count: int) -> None:
        self.keys = [FileKey(f"{row}.png", 1, 0, 0) for row in range(count)]
        self.unread = np.ones(count, dtype=bool)
        self.asked: list[list[int]] = []
        self.gate = threading.Semaphore(10**6)
        self.error: TuilabelError | None = None
        self.read_together: NDArray[np.intp] | None = None

    def read(self, rows: Sequence[int]) -> list[tuple[int, Failure]]:
        self.asked.append(list(rows))
        if self.error is not None:
            raise self.error
        self.gate.acquire()
        return [(row, Failure("none")) for row in rows]


@pytest.fixture(autouse=True)
def few_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(file_reader, "_FILES", 3)
    monkeypatch.setattr(file_reader, "_WANTED_FILES", 2)


def started(files: Files, threads: int = 1) -> tuple[FileReader, SimpleQueue[object]]:
    posted: SimpleQueue[object] = SimpleQueue()
    reader = FileReader(files, posted.put, threads)  # type: ignore[arg-type]
    return reader, posted


def rows_of(posted: SimpleQueue[object], count: int) -> list[int]:
    rows: list[int] = []
    while len(rows) < count:
        found = posted.get(timeout=30)
        assert isinstance(found, list)
        rows += [row for row, _ in found]
    return rows


@pytest.mark.parametrize("threads", [1, 4])
def test_every_file_is_read_once(threads: int) -> None:
    files = Files(50)
    files.unread[::7] = False
    reader, posted = started(files, threads)
    reader.start()
    wanted = np.flatnonzero(files.unread).tolist()
    assert sorted(rows_of(posted, len(wanted))) == wanted
    if threads == 1:
        assert [row for rows in files.asked for row in rows] == wanted


def test_rows_of_one_group_are_read_together() -> None:
    files = Files(12)
    files.read_together = np.array([0, 1, 2] * 4)
    files.keys = [key._replace(size=2**30) for key in files.keys]
    reader, posted = started(files)
    reader.want([4, 2, 7])
    reader.start()
    assert sorted(rows_of(posted, 12)) == list(range(12))
    assert files.asked == [[4, 7], [2], [0, 3, 6], [1, 10], [5, 8, 11], [9]]


def test_what_is_wanted_comes_first_in_small_portions() -> None:
    files = Files(20)
    files.gate = threading.Semaphore(0)
    reader, posted = started(files)
    reader.want([15, 3, 15, 7])
    reader.start()
    while not files.asked:
        pass
    reader.want([11, 15])
    for _ in range(20):
        files.gate.release()
    assert rows_of(posted, 2) == [15, 3]
    rows_of(posted, 18)
    assert files.asked[:3] == [[15, 3], [11], [0, 1, 2]]
    assert sorted(row for rows in files.asked for row in rows) == list(range(20))


@pytest.mark.parametrize("threads", [1, 4])
def test_rows_that_are_added_are_read_too_whether_it_rests_or_not(threads: int) -> None:
    files = Files(5)
    reader, posted = started(files, threads)
    reader.start()
    rows = rows_of(posted, 5)
    for count in (1, 7, 40):
        files.keys += [FileKey(f"new{number}", 1, 0, 0) for number in range(count)]
        reader.grow(count)
        if count != 7:
            rows += rows_of(posted, len(files.keys) - len(rows))
    assert sorted(rows) == list(range(53))


def test_a_file_that_takes_long_is_named() -> None:
    files = Files(4)
    files.gate = threading.Semaphore(0)
    reader, posted = started(files)
    assert reader.waits_for(0) is None
    reader.start()
    while reader.waits_for(0) is None:
        pass
    assert reader.waits_for(0) == "0.png"
    assert reader.waits_for(1000) is None
    for _ in range(4):
        files.gate.release()
    rows_of(posted, 4)


def test_an_error_ends_reading_and_is_posted_once() -> None:
    files = Files(30)
    files.error = SourceError("no process")
    reader, posted = started(files)
    reader.start()
    assert posted.get(timeout=30) is files.error
    assert len(files.asked) == 1


def test_after_the_end_nothing_is_read() -> None:
    files = Files(30)
    files.gate = threading.Semaphore(0)
    reader, posted = started(files)
    reader.start()
    while not files.asked:
        pass
    reader.stop()
    files.gate.release()
    (thread,) = [one for one in threading.enumerate() if one.name == "reader"]
    thread.join(30)
    assert not thread.is_alive()
    assert len(files.asked) == 1
    assert posted.empty()


def test_parts_of_a_file_are_read_together(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(file_reader, "_FILES", 4)
    files = Files(12)
    # Of three files in turn; the frames of the last file are out of order.
    files.keys = [FileKey(f"{row % 3}", 1, 0, 0, f"frame={12 - row}") for row in range(12)]
    reader, posted = started(files)
    reader.want([4])
    reader.start()
    assert sorted(rows_of(posted, 12)) == list(range(12))
    assert files.asked == [[10, 7, 4, 1], [9, 6, 3, 0], [11, 8, 5, 2]]


def test_no_more_parts_are_read_together_than_other_files(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(file_reader, "_FILES", 4)
    files = Files(10)
    files.keys = [FileKey("x", 1, 0, 0, f"frame={row + 1}") for row in range(10)]
    reader, posted = started(files)
    reader.start()
    rows_of(posted, 10)
    assert sorted(map(len, files.asked)) == [2, 4, 4]
