"""The batch as a row of thumbnails with a mark below each."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import NamedTuple

from rich.cells import cell_len
from textual.strip import Strip

from tuilabel.tui.pixels import Pixels, draw
from tuilabel.tui.widgets.lines import Lines, Piece, fitted

_GREYS = 16
"""Few greys make long runs, and so a batch of thumbnails short to send."""

_AT_ONCE = 2
_KEPT = 512
"""Thumbnails kept drawn, of all sizes that the terminal had."""


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
        image_of: Callable[[int], Pixels],
        *,
        id: str | None = None,
    ) -> None:
        super().__init__(id=id)
        self._image_of = image_of
        self._batch: Sequence[Thumbnail] = ()
        self._drawn: OrderedDict[tuple[object, ...], list[Strip]] = OrderedDict()

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
        missing = [row for row in rows if self._key(row, *size) not in self._drawn]
        for row in missing[:_AT_ONCE]:
            self._thumbnail(row, *size)

    def _key(self, row: int, width: int, height: int) -> tuple[object, ...]:
        return row, width, height, self.colours

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
        key = self._key(row, width, height)
        if key not in self._drawn:
            colours = replace(self.colours, greys=min(self.colours.greys, _GREYS))
            picture = draw(self._image_of(row), (width, height), colours)
            right = width - picture[0].cell_length
            top = (height - len(picture)) // 2
            left = Strip.blank(right // 2)
            rows = [Strip.join([left, strip]).adjust_cell_length(width) for strip in picture]
            blank = Strip.blank(width)
            self._drawn[key] = [blank] * top + rows + [blank] * (height - top - len(rows))
            while len(self._drawn) > _KEPT:
                self._drawn.popitem(last=False)
        self._drawn.move_to_end(key)
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
