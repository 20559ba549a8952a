"""Small images, drawn once and kept, and the marks below them."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Sequence

from textual.strip import Strip

from tuilabel.tui.images import Pixels, draw_small
from tuilabel.tui.terminal.capabilities import Colours
from tuilabel.tui.text.pieces import Piece, centred_text
from tuilabel.tui.views.values import Thumbnail
from tuilabel.tui.widgets.image_lines import boxed

KEPT = 512
"""Thumbnails kept drawn, of all sizes that the terminal had."""


class Thumbnails:
    """Draws images in boxes of one size, and keeps them.

    Parameters
    ----------
    image_of : callable
        Returns the (H, W) or (H, W, 3) uint8 image of a row of the dataset.
    greys : int
        The most values of a channel: few make long runs, and so a batch short to send.
    get_ready : callable
        Called with the rows of an image that was drawn ahead.
    """

    def __init__(
        self,
        image_of: Callable[[int], Pixels],
        greys: int,
        get_ready: Callable[[Sequence[Strip]], object],
    ) -> None:
        self._image_of = image_of
        self._greys = greys
        self._get_ready = get_ready
        self._drawn: OrderedDict[tuple[object, ...], list[Strip]] = OrderedDict()

    def drawn(self, row: int, width: int, height: int, colours: Colours) -> list[Strip]:
        """Return an image in the middle of a box of cells."""
        key = (row, width, height, colours)
        if key not in self._drawn:
            few = colours._replace(greys=min(colours.greys, self._greys))
            drawing = draw_small(self._image_of(row), (width, height), few)
            self._drawn[key] = boxed(drawing, width, height)
            while len(self._drawn) > KEPT:
                self._drawn.popitem(last=False)
        self._drawn.move_to_end(key)
        return self._drawn[key]

    def forget(self) -> None:
        """Drop what was drawn, because images look different now."""
        self._drawn.clear()

    def prepare(
        self, rows: Sequence[int], width: int, height: int, colours: Colours, at_once: int = 2
    ) -> list[int]:
        """Draw some images ahead of time, few enough that no key waits for it.

        Of a batch that is larger than what is kept, only the beginning is drawn: drawing all of it
        again and again would never end.

        Returns
        -------
        list of int
            Those that are not drawn yet.
        """
        rows = rows[: KEPT // 2]
        missing = [row for row in rows if (row, width, height, colours) not in self._drawn]
        for row in missing[:at_once]:
            self._get_ready(self.drawn(row, width, height, colours))
        return missing[at_once:]


def side_by_side(
    pictures: Sequence[Sequence[Strip]], height: int, left: int, width: int, gap: int = 1
) -> list[Strip]:
    """Return drawn images beside each other, some columns apart, in rows of a width."""
    margin, between = Strip.blank(left), Strip.blank(gap)
    rows = []
    for y in range(height):
        parts = [margin]
        for picture in pictures:
            parts += [picture[y], between]
        rows.append(Strip.join(parts).adjust_cell_length(width))
    return rows


def marks(places: Sequence[Thumbnail], width: int, left: int) -> list[Piece]:
    """Return the marks below images that stand beside each other."""
    pieces: list[Piece] = [(" " * left, "plain")]
    for place in places:
        pieces += [_mark(place, width), (" ", "plain")]
    return pieces


def _mark(place: Thumbnail, width: int) -> Piece:
    text = place.mark or ("▲" if place.current else "·")
    if place.current and place.mark:
        text = f"▲{place.mark}"
    style = "accent" if place.current else "strong" if place.mark else "muted"
    return centred_text(text, width), style
