"""The batch as a row of thumbnails with a mark below each."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from rich.cells import cell_len
from textual.strip import Strip

from tuilabel.tui.pixels import draw
from tuilabel.tui.widgets.lines import Lines, Piece, fitted

_LEVELS = 12
_AT_ONCE = 2


class Thumbnail(NamedTuple):
    """One place of the batch.

    Attributes
    ----------
    row : int
        The item, as a row of the dataset.
    mark : str
        What was answered; empty while it is open.
    current : bool
        Whether it is the one being asked.
    """

    row: int
    mark: str
    current: bool


class BatchStrip(Lines):
    """Thumbnails side by side; where they do not all fit, those around the current one.

    Parameters
    ----------
    image_of : callable
        Gives the (H, W) or (H, W, 3) uint8 image of a row of the dataset.
    """

    def __init__(
        self,
        image_of: Callable[[int], NDArray[np.uint8]],
        *,
        id: str | None = None,
    ) -> None:
        super().__init__(id=id)
        self._image_of = image_of
        self._batch: Sequence[Thumbnail] = ()
        self._drawn: dict[tuple[int, int, int], list[Strip]] = {}

    def show_batch(self, batch: Sequence[Thumbnail]) -> None:
        """Show the places of a batch."""
        self._batch = batch
        self.redraw()

    def redraw(self) -> None:
        """Draw the batch in this size."""
        if not self.size.area:
            return
        pitch, height = self._pitch, self.size.height - 1
        window = self._window(pitch)
        thumbnails = [self._thumbnail(place.row, pitch - 1, height) for place in window]
        left = max(0, (self.size.width - pitch * len(window) + 1) // 2)
        margin, gap = Strip.blank(left), Strip.blank(1)
        rows = []
        for y in range(height):
            parts = [margin]
            for thumbnail in thumbnails:
                parts += [thumbnail[y], gap]
            rows.append(Strip.join(parts).adjust_cell_length(self.size.width))
        marks: list[Piece] = [(" " * left, "plain")]
        for place in window:
            text, style = _mark(place, pitch - 1)
            marks += [(text, style), (" ", "plain")]
        self.show([*rows, self.row(*marks)])

    def prepare(self, rows: Sequence[int]) -> None:
        """Draw some of these thumbnails ahead of time, few enough that no key waits for it."""
        if not self.size.area:
            return
        size = self._pitch - 1, self.size.height - 1
        missing = [row for row in rows if (row, *size) not in self._drawn]
        for row in missing[:_AT_ONCE]:
            self._thumbnail(row, *size)

    @property
    def _pitch(self) -> int:
        """How many columns one thumbnail takes with the gap behind it: square pixels."""
        return (self.size.height - 1) * 2

    def _window(self, pitch: int) -> Sequence[Thumbnail]:
        fitting = max(1, (self.size.width + 1) // pitch)
        current = next((i for i, place in enumerate(self._batch) if place.current), 0)
        start = max(0, min(current - fitting // 2, len(self._batch) - fitting))
        return self._batch[start : start + fitting]

    def _thumbnail(self, row: int, width: int, height: int) -> list[Strip]:
        key = (row, width, height)
        if key not in self._drawn:
            if len(self._drawn) > 256:
                self._drawn.clear()
            # Few levels make long runs, and so a batch of thumbnails short to send.
            picture = draw(self._image_of(row), width, height, levels=_LEVELS)
            right = width - picture[0].cell_length
            top = (height - len(picture)) // 2
            left = Strip.blank(right // 2)
            rows = [Strip.join([left, strip]).adjust_cell_length(width) for strip in picture]
            blank = Strip.blank(width)
            self._drawn[key] = [blank] * top + rows + [blank] * (height - top - len(rows))
        return self._drawn[key]


def _mark(place: Thumbnail, width: int) -> Piece:
    text = place.mark or ("▲" if place.current else "·")
    if place.current and place.mark:
        text = f"▲{place.mark}"
    if cell_len(text) > width:
        text = fitted(text, width)
    style = "accent" if place.current else "strong" if place.mark else "muted"
    left = (width - cell_len(text)) // 2
    return fitted(" " * left + text, width), style
