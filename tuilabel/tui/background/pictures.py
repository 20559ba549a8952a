"""Pictures decoded and drawn ahead of the annotator, in threads that a disk may keep."""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from tuilabel.data import Dataset
from tuilabel.data.picture import Picture
from tuilabel.data.region import WHOLE, Region
from tuilabel.errors import SourceError

_THREADS = 2
"""A source that hangs keeps one of them; the other goes on with other files."""

KEPT_BYTES = 12 * 2**20
"""Values of decoded pictures that are kept; of what is requested now, all is kept."""


class PictureRequest(NamedTuple):
    """A picture to decode.

    Attributes
    ----------
    row : int
        Of the dataset.
    box : tuple of int
        Largest width and height, in pixels.
    region : Region
    """

    row: int
    box: tuple[int, int]
    region: Region = WHOLE


Draw = Callable[[Picture], Any]
"""Draws a picture, in the thread; what it returns is handed on."""


class PictureLoader:
    """Decodes pictures in the order of the newest requests.

    Parameters
    ----------
    dataset : Dataset
    arrived : callable
        Called in a thread with a request, and with what its `Draw` returned, or with the error that
        it raised; None where the picture cannot be read.
    clock : callable
        A monotonic clock, in seconds.
    """

    def __init__(
        self,
        dataset: Dataset,
        arrived: Callable[[PictureRequest, Any], object],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._dataset = dataset
        self._arrived = arrived
        self._clock = clock
        self._changed = threading.Condition()
        self._waiting: dict[PictureRequest, Draw] = {}
        self._newest: list[PictureRequest] = []
        self._running: dict[PictureRequest, float] = {}
        self._found: OrderedDict[PictureRequest, Picture | SourceError] = OrderedDict()
        self._threads: list[threading.Thread] = []
        self._is_closed = False

    def found(self, request: PictureRequest) -> Picture | SourceError | None:
        """Return a picture, or why there is none; None while it is not decoded."""
        with self._changed:
            return self._found.get(request)

    def request(self, requests: Sequence[tuple[PictureRequest, Draw]]) -> None:
        """Decode these pictures, first things first, and forget what was requested before.

        A file that could not be read is read again once it has not been requested for a while.
        """
        with self._changed:
            for request, _ in requests:
                if request not in self._newest and isinstance(
                    self._found.get(request), SourceError
                ):
                    del self._found[request]
            self._waiting = {
                request: draw
                for request, draw in requests
                if request not in self._found and request not in self._running
            }
            self._newest = [request for request, _ in requests]
            self._drop()
            wanted = len(self._threads) < _THREADS and self._waiting
            self._changed.notify_all()
        if wanted:
            for number in range(_THREADS):
                thread = threading.Thread(target=self._run, name=f"picture {number}", daemon=True)
                self._threads.append(thread)
                thread.start()

    def hangs(self, request: PictureRequest, seconds: float) -> bool:
        """Return whether a picture is not there, and a thread is with a disk for so long."""
        with self._changed:
            late = self._clock() - seconds
            waits = request in self._waiting or request in self._running
            return waits and any(since <= late for since in self._running.values())

    def close(self) -> None:
        """Begin no other picture; what is being decoded is not waited for."""
        with self._changed:
            self._is_closed = True
            self._waiting = {}
            self._changed.notify_all()

    def _run(self) -> None:
        while True:
            with self._changed:
                while not self._waiting and not self._is_closed:
                    self._changed.wait()
                if self._is_closed:
                    return
                request = next(iter(self._waiting))
                draw = self._waiting.pop(request)
                self._running[request] = self._clock()
            found, drawn = self._decode(request, draw)
            with self._changed:
                del self._running[request]
                self._found[request] = found
                self._drop()
                if self._is_closed:
                    return
            self._arrived(request, drawn)

    def _decode(self, request: PictureRequest, draw: Draw) -> tuple[Picture | SourceError, Any]:
        try:
            picture = self._dataset.picture(request.row, request.box, request.region)
        except SourceError as error:
            return error, None
        try:
            return picture, draw(picture)
        # It is a bug in tuilabel, and raised where it does not break lines on the screen.
        except Exception as error:  # noqa: BLE001
            return picture, error

    def _drop(self) -> None:
        """Drop the pictures that were requested longest ago, and none that is requested now."""
        for request in reversed(self._newest):
            if request in self._found:
                self._found.move_to_end(request)
        kept = sum(map(_bytes_of, self._found.values()))
        while kept > KEPT_BYTES and next(iter(self._found)) not in self._newest:
            kept -= _bytes_of(self._found.popitem(last=False)[1])


def _bytes_of(found: Picture | SourceError) -> int:
    return found.values.nbytes if isinstance(found, Picture) else 0
