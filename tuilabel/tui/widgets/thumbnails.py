"""The images of a batch, small, each with a mark for what was answered."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import replace

from rich.cells import cell_len
from textual.strip import Strip

from tuilabel.tui.images import Pixels, draw_small
from tuilabel.tui.terminal.capabilities import Colours
from tuilabel.tui.text.pieces import Piece, fitted
from tuilabel.tui.views.values import Thumbnail
from tuilabel.tui.widgets.image_lines import boxed

_AT_ONCE = 2
_KEPT = 512
"""Thumbnails kept drawn, of all sizes that the terminal had."""


class Thumbnails:
    """Draws images in boxes of one size, and keeps them.

    Parameters
    ----------
    image_of : callable
        Gives the (H, W) or (H, W, 3) uint8 image of a row of the dataset.
    greys : int
        How many values a channel may have: few make long runs, and so a batch short to send.
    """

    def __init__(self, image_of: Callable[[int], Pixels], greys: int) -> None:
        self._image_of = image_of
        self._greys = greys
        self._drawn: OrderedDict[tuple[object, ...], list[Strip]] = OrderedDict()

    def drawn(self, row: int, width: int, height: int, colours: Colours) -> list[Strip]:
        """Give an image in the middle of a box of cells."""
        key = (row, width, height, colours)
        if key not in self._drawn:
            few = replace(colours, greys=min(colours.greys, self._greys))
            drawing = draw_small(self._image_of(row), (width, height), few)
            self._drawn[key] = boxed(drawing, width, height)
            while len(self._drawn) > _KEPT:
                self._drawn.popitem(last=False)
        self._drawn.move_to_end(key)
        return self._drawn[key]

    def forget(self) -> None:
        """Draw everything anew: images look different now."""
        self._drawn.clear()

    def prepare(self, rows: Sequence[int], width: int, height: int, colours: Colours) -> bool:
        """Draw some of these ahead of time, few enough that no key waits for it.

        Tells whether others are left.
        """
        missing = [row for row in rows if (row, width, height, colours) not in self._drawn]
        for row in missing[:_AT_ONCE]:
            self.drawn(row, width, height, colours)
        return len(missing) > _AT_ONCE


def side_by_side(
    pictures: Sequence[Sequence[Strip]], height: int, left: int, width: int
) -> list[Strip]:
    """Put drawn images beside each other, a column apart, in rows of a width."""
    margin, gap = Strip.blank(left), Strip.blank(1)
    rows = []
    for y in range(height):
        parts = [margin]
        for picture in pictures:
            parts += [picture[y], gap]
        rows.append(Strip.join(parts).adjust_cell_length(width))
    return rows


def marks(places: Sequence[Thumbnail], width: int, left: int) -> list[Piece]:
    """Give the marks below images that stand beside each other."""
    pieces: list[Piece] = [(" " * left, "plain")]
    for place in places:
        pieces += [_mark(place, width), (" ", "plain")]
    return pieces


def _mark(place: Thumbnail, width: int) -> Piece:
    text = place.mark or ("▲" if place.current else "·")
    if place.current and place.mark:
        text = f"▲{place.mark}"
    if cell_len(text) > width:
        text = fitted(text, width)
    style = "accent" if place.current else "strong" if place.mark else "muted"
    left = (width - cell_len(text)) // 2
    return fitted(" " * left + text, width), style
