"""Pictures decoded ahead: in which order, how many are kept, and what a source that hangs keeps."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest

from tuilabel.data.picture import Picture
from tuilabel.data.region import WHOLE, Region
from tuilabel.errors import SourceError
from tuilabel.tui.background import pictures
from tuilabel.tui.background.pictures import PictureLoader, PictureRequest

BOX = (10, 10)


class Source:
    """Stands in for a dataset; some of its rows wait."""

    def __init__(self) -> None:
        self.asked: list[int] = []
        self.hanging: dict[int, threading.Event] = {}
        self.changed = threading.Condition()

    def picture(self, row: int, box: tuple[int, int], region: Region = WHOLE) -> Picture:
        with self.changed:
            self.asked.append(row)
            self.changed.notify_all()
        if row in self.hanging:
            assert self.hanging[row].wait(60)
        if row == 13:
            raise SourceError("13.jpg is gone.")
        return Picture(np.full((10, 10), row, np.uint8), (100, 100))

    def hang(self, *rows: int) -> None:
        self.hanging |= {row: threading.Event() for row in rows}


class Arrivals:
    """Keeps what arrives."""

    def __init__(self) -> None:
        self.all: dict[PictureRequest, Any] = {}
        self._changed = threading.Condition()

    def __call__(self, request: PictureRequest, drawn: Any) -> None:
        with self._changed:
            self.all[request] = drawn
            self._changed.notify_all()

    def wait(self, happened: Callable[[], object]) -> None:
        with self._changed:
            assert self._changed.wait_for(happened, 60)


@pytest.fixture
def source() -> Iterator[Source]:
    source = Source()
    yield source
    for event in source.hanging.values():
        event.set()


@pytest.fixture
def arrivals() -> Arrivals:
    return Arrivals()


@pytest.fixture
def now() -> list[float]:
    return [0.0]


@pytest.fixture
def loader(source: Source, arrivals: Arrivals, now: list[float]) -> Iterator[PictureLoader]:
    loader = PictureLoader(source, arrivals, lambda: now[0])  # type: ignore[arg-type]
    yield loader
    loader.close()


def drawn(picture: Picture) -> int:
    return int(picture.values[0, 0])


def request(loader: PictureLoader, *rows: int) -> list[PictureRequest]:
    requests = [PictureRequest(row, BOX) for row in rows]
    loader.request([(each, drawn) for each in requests])
    return requests


def test_pictures_are_decoded_drawn_and_kept(
    loader: PictureLoader, source: Source, arrivals: Arrivals
) -> None:
    requests = request(loader, 1, 2, 3)
    arrivals.wait(lambda: len(arrivals.all) == 3)
    assert [arrivals.all[each] for each in requests] == [1, 2, 3]
    found = loader.found(requests[0])
    assert isinstance(found, Picture)
    assert found.size == (100, 100)
    request(loader, 1, 2, 4)
    arrivals.wait(lambda: len(arrivals.all) == 4)
    assert sorted(source.asked) == [1, 2, 3, 4], "none is decoded twice"


def test_the_newest_request_comes_first_and_what_is_requested_no_more_is_not_decoded(
    loader: PictureLoader, source: Source, arrivals: Arrivals
) -> None:
    source.hang(1, 2)
    request(loader, 1, 2, 3, 4)
    with source.changed:
        assert source.changed.wait_for(lambda: len(source.asked) == 2, 60)
    request(loader, 9, 8)
    source.hanging[1].set()
    arrivals.wait(lambda: PictureRequest(8, BOX) in arrivals.all)
    assert source.asked[2:] == [9, 8]


def test_a_file_that_hangs_keeps_one_thread_and_is_named(
    loader: PictureLoader, source: Source, arrivals: Arrivals, now: list[float]
) -> None:
    source.hang(1)
    stuck, other = request(loader, 1, 2)
    arrivals.wait(lambda: other in arrivals.all)
    assert not loader.hangs(stuck, 2.0)
    now[0] = 3.0
    assert loader.hangs(stuck, 2.0)
    assert not loader.hangs(other, 2.0)
    request(loader, 3, 4, 5)
    arrivals.wait(lambda: len(arrivals.all) == 4)


def test_a_file_that_cannot_be_read_has_its_reason(
    loader: PictureLoader, arrivals: Arrivals
) -> None:
    (gone,) = request(loader, 13)
    arrivals.wait(lambda: gone in arrivals.all)
    assert arrivals.all[gone] is None
    assert isinstance(loader.found(gone), SourceError)


def test_a_file_is_tried_again_once_something_else_was_requested(
    loader: PictureLoader, source: Source, arrivals: Arrivals
) -> None:
    for rows in ((13,), (13, 1), (2,), (13,)):
        arrivals.all.clear()
        requests = request(loader, *rows)
        arrivals.wait(lambda last=requests[-1]: last in arrivals.all)
    assert source.asked.count(13) == 2


def test_a_bug_in_drawing_is_handed_on(loader: PictureLoader, arrivals: Arrivals) -> None:
    def fails(picture: Picture) -> None:
        raise ZeroDivisionError

    loader.request([(PictureRequest(1, BOX), fails)])
    arrivals.wait(lambda: arrivals.all)
    assert isinstance(arrivals.all[PictureRequest(1, BOX)], ZeroDivisionError)


def test_only_so_much_is_kept(
    loader: PictureLoader, arrivals: Arrivals, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pictures, "KEPT_BYTES", 300)
    for row in range(20):
        request(loader, row)
        arrivals.wait(lambda row=row: PictureRequest(row, BOX) in arrivals.all)
    kept = [row for row in range(20) if loader.found(PictureRequest(row, BOX)) is not None]
    assert kept == [17, 18, 19]
    request(loader, 17, 20, 21, 22)
    arrivals.wait(lambda: PictureRequest(22, BOX) in arrivals.all)
    assert loader.found(PictureRequest(17, BOX)) is not None, "what is requested now stays"


def test_nothing_is_decoded_after_the_end(loader: PictureLoader, source: Source) -> None:
    loader.close()
    request(loader, 1)
    for thread in loader._threads:
        thread.join(60)
    assert source.asked == []
