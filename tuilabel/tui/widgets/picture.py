"""The image that is asked about, as large as it fits."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Hashable, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

from textual.geometry import Region, Size
from textual.message import Message
from textual.strip import Strip

from tuilabel.tui.images import CONTRAST_STEPS, Pixels, adjust, draw
from tuilabel.tui.terminal.capabilities import THIN_GREYS, Colours
from tuilabel.tui.text.pieces import Piece, centred_text
from tuilabel.tui.views.look import Sight
from tuilabel.tui.widgets.image_lines import ImageLines, boxed

if TYPE_CHECKING:
    from tuilabel.tui.widgets.overlay import Overlay

_THIN_BOX = (36, 15)
"""The box of an image on the smallest terminals, and on any terminal with a slow line."""

_KEPT = 64
"""Pictures kept drawn: a few batches, so that looking back and undoing are as fast as a label."""

_KEPT_PIECES = 24_000
"""Runs of equal cells that are kept drawn, at up to 1 kB each. A photograph has thousands."""


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
        self._sight: Sight | None = None
        self._words: Sequence[Piece] = ()
        self._drawn: OrderedDict[tuple[Hashable, ...], list[Strip]] = OrderedDict()
        self._pieces = 0
        self.has_captions = False

    class Resized(Message):
        """The picture has another size."""

    def show_image(self, sight: Sight) -> None:
        """Draw an image."""
        self._sight = sight
        self.painted = False
        self.redraw()

    def clear(self, words: Sequence[Piece] = ()) -> None:
        """Remove the image and show a few words in its place, if any."""
        self._sight, self._words = None, words
        self.painted = False
        self.redraw()

    def prepare(self, sight: Sight) -> None:
        """Draw an image ahead of time, without showing it."""
        if not self.size.area:
            return
        if self._overlay is None:
            self._rows_of(sight)
        else:
            self._overlay.prepare(self, self._key(sight.key), self._adjusted(sight.image))

    def planned(self, key: Hashable) -> Callable[[Pixels], Any]:
        """Return a function that draws an image as it would be drawn now, in any thread."""
        adjusted = partial(adjust, inverted=self.inverted, contrast=self.contrast)
        if self._overlay is not None:
            encode = self._overlay.planned(self, self._key(key))
            return lambda image: encode(adjusted(image))
        drawn_as, size, colours = self._key(key), self.image_size, self.colours

        def draw_all(image: Pixels) -> tuple[tuple[Hashable, ...], list[Strip]]:
            rows = _drawn(adjusted(image), size, colours)
            self.get_ready(rows)
            return drawn_as, rows

        return draw_all

    def keep(self, made: Any) -> None:
        """Keep what a function of `planned` has returned."""
        if self._overlay is not None:
            self._overlay.keep(*made)
        else:
            self._keep(*made)

    @property
    def image_size(self) -> Size:
        """The columns and rows that an image may take."""
        return Size(self.size.width, max(0, self.size.height - self.has_captions))

    @property
    def image_region(self) -> Region:
        """The cells that an image may take."""
        return Region(self.region.x, self.region.y, *self.image_size)

    @property
    def box(self) -> tuple[int, int]:
        """Width and height in pixels of the largest image that is worth drawing."""
        if self._overlay is not None:
            return self._overlay.box(self)
        columns, rows = _box(self.image_size, self.colours)
        # The finest blocks have two by four pixels in a cell.
        return 2 * columns, 4 * rows

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
        overlay, sight, is_other = self._overlay, self._sight, False
        rows = self.centred(self._words if sight is None else ())
        if overlay is not None and sight is None:
            is_other = overlay.clear()
        elif overlay is not None and sight is not None:
            is_other = overlay.show(self, self._key(sight.key), self._adjusted(sight.image))
        elif sight is not None:
            rows = self._rows_of(sight)
        if sight is not None and self.has_captions:
            text, style = sight.caption
            blank = Strip.blank(self.size.width)
            rows = [*rows, *[blank] * self.size.height][: self.image_size.height]
            rows.append(self.row((centred_text(text, self.size.width), style)))
        # The cells below an overlay stay blank, and the overlay goes out with their frame.
        self.show_images(rows, forced=is_other and not self._is_in_frame)

    @property
    def _overlay(self) -> Overlay | None:
        return getattr(self.app, "overlay", None) if self._overlaid else None

    def on_resize(self) -> None:
        """Ask for pictures of another size."""
        self.post_message(self.Resized())

    def _key(self, key: Hashable) -> tuple[Hashable, ...]:
        """Return a key for an image as it looks now."""
        return key, self.image_size, self.inverted, self.contrast, self.colours

    def _adjusted(self, image: Pixels) -> Pixels:
        return adjust(image, inverted=self.inverted, contrast=self.contrast)

    def _rows_of(self, sight: Sight) -> list[Strip]:
        cache_key = self._key(sight.key)
        rows = self._drawn.get(cache_key)
        if rows is None:
            rows = _drawn(self._adjusted(sight.image), self.image_size, self.colours)
            self._keep(cache_key, rows)
        self._drawn.move_to_end(cache_key)
        return rows

    def _keep(self, cache_key: tuple[Hashable, ...], rows: list[Strip]) -> None:
        self._pieces += _pieces_in(rows) - _pieces_in(self._drawn.get(cache_key, ()))
        self._drawn[cache_key] = rows
        while len(self._drawn) > _KEPT or (self._pieces > _KEPT_PIECES and len(self._drawn) > 1):
            _, dropped = self._drawn.popitem(last=False)
            self._pieces -= _pieces_in(dropped)


def _pieces_in(rows: Sequence[Strip]) -> int:
    return sum(map(len, rows))


def _box(size: Size, colours: Colours) -> tuple[int, int]:
    """Return the columns and rows of an image: few on a slow line."""
    if colours.greys <= THIN_GREYS:
        return min(size.width, _THIN_BOX[0]), min(size.height, _THIN_BOX[1])
    return size.width, size.height


def _drawn(image: Pixels, size: Size, colours: Colours) -> list[Strip]:
    return boxed(draw(image, _box(size, colours), colours), *size)
