"""The image that is asked about, as large as it fits."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Hashable, Sequence
from typing import TYPE_CHECKING

from textual.strip import Strip

from tuilabel.tui.images import CONTRAST_STEPS, Pixels, adjust, draw
from tuilabel.tui.terminal.capabilities import THIN_GREYS
from tuilabel.tui.text.pieces import Piece
from tuilabel.tui.widgets.image_lines import ImageLines, boxed

if TYPE_CHECKING:
    from tuilabel.tui.widgets.overlay import Overlay

_THIN_BOX = (36, 15)
"""The box of an image on the smallest terminals, and on any terminal with a slow line."""

_KEPT = 64
"""Pictures kept drawn: a few batches, so that looking back and undoing are as fast as a label."""


class Picture(ImageLines):
    """One image in the middle of its box, at a whole number of cells per pixel.

    Parameters
    ----------
    overlaid : bool
        Whether the application's overlay draws the image, if it has one.
    """

    def __init__(self, *, overlaid: bool = False, id: str | None = None) -> None:
        super().__init__(id=id)
        self._overlaid = overlaid
        self.inverted = False
        self.contrast = 0
        self._image: tuple[int, Pixels] | None = None
        self._words: Sequence[Piece] = ()
        self._drawn: OrderedDict[tuple[Hashable, ...], list[Strip]] = OrderedDict()

    def show_image(self, key: int, image: Pixels) -> None:
        """Draw an image; `key` names it among those drawn before."""
        self._image = (key, image)
        self.painted = False
        self.redraw()

    def clear(self, words: Sequence[Piece] = ()) -> None:
        """Remove the image and show a few words in its place, if any."""
        self._image, self._words = None, words
        self.painted = False
        self.redraw()

    def prepare(self, key: int, image: Pixels) -> None:
        """Draw an image ahead of time, without showing it."""
        if not self.size.area:
            return
        if self._overlay is None:
            self._rows_of(key, image)
        else:
            self._overlay.prepare(self, self._key(key), self._adjusted(image))

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
        overlay, is_other = self._overlay, False
        rows = self.centred(self._words if self._image is None else ())
        if overlay is not None and self._image is None:
            is_other = overlay.clear()
        elif overlay is not None and self._image is not None:
            key, image = self._image
            is_other = overlay.show(self, self._key(key), self._adjusted(image))
        elif self._image is not None:
            rows = self._rows_of(*self._image)
        # The cells below an overlay stay blank, and the overlay goes out with their frame.
        self.show_images(rows, forced=is_other and not self._is_in_frame)

    @property
    def _overlay(self) -> Overlay | None:
        return getattr(self.app, "overlay", None) if self._overlaid else None

    def _key(self, key: int) -> tuple[Hashable, ...]:
        """Return a key for an image as it looks now."""
        return key, self.size, self.inverted, self.contrast, self.colours

    def _adjusted(self, image: Pixels) -> Pixels:
        return adjust(image, inverted=self.inverted, contrast=self.contrast)

    def _rows_of(self, key: int, image: Pixels) -> list[Strip]:
        cache_key = self._key(key)
        rows = self._drawn.get(cache_key)
        if rows is None:
            rows = self._draw(self._adjusted(image))
            self._drawn[cache_key] = rows
            while len(self._drawn) > _KEPT:
                self._drawn.popitem(last=False)
        self._drawn.move_to_end(cache_key)
        return rows

    def _draw(self, image: Pixels) -> list[Strip]:
        width, height = self.size
        box = (width, height)
        if self.colours.greys <= THIN_GREYS:
            box = (min(width, _THIN_BOX[0]), min(height, _THIN_BOX[1]))
        return boxed(draw(image, box, self.colours), width, height)
