"""The image that is asked, as large as it fits."""

from __future__ import annotations

from collections import OrderedDict

from textual.strip import Strip

from tuilabel.tui.pixels import CONTRAST_STEPS, Pixels, adjust, draw
from tuilabel.tui.widgets.lines import Lines, blank_rows

_KEPT = 64
"""Pictures kept drawn: a few batches, so that looking back and undoing are as fast as a key."""


class Picture(Lines):
    """Draws one image in the middle of its box, at a whole number of cells per pixel.

    Attributes
    ----------
    painted : bool
        Whether the image as it is now went into a frame. A widget that was asked to refresh may
        miss the next frame, and has no size at all before the first.
    """

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self.inverted = False
        self.contrast = 0
        self.painted = False
        self._drawn_anew = False
        self._image: tuple[int, Pixels] | None = None
        self._drawn: OrderedDict[tuple[object, ...], list[Strip]] = OrderedDict()

    def show_image(self, key: int, image: Pixels) -> None:
        """Draw an image; `key` names it among those drawn before."""
        self._image = (key, image)
        self.painted = False
        self.redraw()

    def clear(self) -> None:
        """Draw nothing."""
        self._image = None
        self.painted = False
        self.redraw()

    def prepare(self, key: int, image: Pixels) -> None:
        """Draw an image ahead of time, without showing it."""
        if self.size.area:
            self._rows_of(key, image)

    def invert(self) -> None:
        """Swap dark and light."""
        self.inverted = not self.inverted
        self.redraw()

    def change_contrast(self, step: int) -> None:
        """Raise or lower the contrast."""
        self.contrast = max(-CONTRAST_STEPS, min(CONTRAST_STEPS, self.contrast + step))
        self.redraw()

    def redraw(self) -> None:
        """Draw the image again, in this size and contrast."""
        if not self.size.area:
            return
        rows = blank_rows(self.size) if self._image is None else self._rows_of(*self._image)
        if self.show(rows):
            self._drawn_anew = True
        # Equal rows are on the terminal already, and no frame will come for them, unless one is
        # still to come for the rows before.
        self.painted = not self._drawn_anew

    def render_line(self, y: int) -> Strip:
        """Give a row to a frame; all rows that changed go into the same frame."""
        if self._drawn_anew:
            self._drawn_anew = False
            self.painted = True
        return super().render_line(y)

    def _rows_of(self, key: int, image: Pixels) -> list[Strip]:
        cache_key = (key, self.size, self.inverted, self.contrast, self.colours)
        rows = self._drawn.get(cache_key)
        if rows is None:
            rows = self._draw(adjust(image, inverted=self.inverted, contrast=self.contrast))
            self._drawn[cache_key] = rows
            while len(self._drawn) > _KEPT:
                self._drawn.popitem(last=False)
        self._drawn.move_to_end(cache_key)
        return rows

    def _draw(self, image: Pixels) -> list[Strip]:
        width, height = self.size
        picture = draw(image, (width, height), self.colours)
        left = (width - picture[0].cell_length) // 2
        top = (height - len(picture)) // 2
        right = width - left - picture[0].cell_length
        blank = Strip.blank(width)
        return [
            *[blank] * top,
            *(Strip.join([Strip.blank(left), row, Strip.blank(right)]) for row in picture),
            *[blank] * (height - top - len(picture)),
        ]
