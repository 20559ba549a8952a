"""Images side by side, in as many rows as fit, each with a caption."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

from textual.strip import Strip

from tuilabel.tui.images import Pixels
from tuilabel.tui.text.pieces import Piece, centred_text
from tuilabel.tui.widgets.lines import Lines
from tuilabel.tui.widgets.thumbnails import KEPT, Thumbnails, side_by_side

_GREYS = 24
_AT_ONCE = 8
"""Images drawn at a time; keys are handled in between."""

SIZES = tuple(range(14, 3, -1))
"""Rows that an image may take; the largest size of which enough images fit is used."""


class Tile(NamedTuple):
    """One image.

    Attributes
    ----------
    key : int
        Names the image for `image_of`.
    caption : str
    """

    key: int
    caption: str


class Gallery(Lines):
    """Images page by page, of which only the shown ones are drawn.

    Parameters
    ----------
    image_of : callable
        Returns the (H, W) or (H, W, 3) uint8 image of a key.
    has_cursor : bool
        Whether one of the images is marked.
    at_once : int
        Images that should fit on a page; they are drawn smaller until they do.
    """

    def __init__(
        self,
        image_of: Callable[[int], Pixels],
        *,
        has_cursor: bool = True,
        at_once: int = 10,
        id: str | None = None,
    ) -> None:
        super().__init__(id=id)
        self._thumbnails = Thumbnails(image_of, _GREYS, self.get_ready)
        self._has_cursor = has_cursor
        self._at_once = at_once
        self._tiles: Sequence[Tile] = ()
        self._title: Sequence[Piece] | None = None
        self._sentence = ""
        self._drawing = False
        self._gap = 1
        self.cursor = 0

    def show_tiles(
        self, tiles: Sequence[Tile], sentence: str = "", title: Sequence[Piece] | None = None
    ) -> None:
        """Show images, or a sentence where there are none. A title takes the first row."""
        self._tiles, self._sentence, self._title = tiles, sentence, title
        self.cursor = max(0, min(self.cursor, len(tiles) - 1))
        self.redraw()

    def forget(self) -> None:
        """Drop what was drawn, because keys name other images now."""
        self._thumbnails.forget()

    def move(self, step: int) -> None:
        """Mark another image."""
        self.cursor = max(0, min(self.cursor + step, len(self._tiles) - 1))
        self.redraw()

    @property
    def tile_width(self) -> int:
        """How many cells an image and its caption are wide."""
        return 2 * self._layout()[0]

    @property
    def columns(self) -> int:
        """How many images are side by side."""
        return self._layout()[1]

    @property
    def page(self) -> int:
        """How many images are shown at once."""
        _, columns, lines = self._layout()
        return columns * lines

    def _layout(self) -> tuple[int, int, int]:
        """Return the rows of an image, and how many images stand beside and above each other."""
        width, height = self.size
        height -= self._title is not None
        wanted = min(len(self._tiles), self._at_once)
        columns = lines = 1
        rows = SIZES[-1]
        for rows in SIZES:
            columns, lines = (width + 1) // (2 * rows + 1), height // (rows + 1)
            if columns * lines >= max(1, wanted):
                break
        self._gap = 1
        if columns * lines < wanted <= width // (2 * rows) * lines:
            columns, self._gap = width // (2 * rows), 0
        # A page of more images than are kept would be drawn again and again.
        columns = max(1, columns)
        return rows, columns, max(1, min(lines, KEPT // columns))

    def redraw(self) -> None:
        """Draw a page in this size."""
        if not self.size.area:
            return
        rows, columns, lines = self._layout()
        page = columns * lines
        start = self.cursor // page * page if self._has_cursor else 0
        shown = self._tiles[start : start + page]
        made: list[Strip] = [] if self._title is None else [self.row(*self._title)]
        if not shown and self._sentence:
            made.append(self.row((self._sentence, "muted")))
        keys = [tile.key for tile in shown]
        missing = self._thumbnails.prepare(keys, 2 * rows, rows, self.colours, _AT_ONCE)
        for first in range(0, len(shown), columns):
            made += self._line(shown[first : first + columns], start + first, rows, missing)
        self.show(made)
        if missing and not self._drawing:
            self._drawing = True
            self.call_after_refresh(self._go_on)

    def _go_on(self) -> None:
        self._drawing = False
        self.redraw()

    def _line(
        self, tiles: Sequence[Tile], first: int, rows: int, missing: Sequence[int]
    ) -> list[Strip]:
        width = 2 * rows
        blank = [Strip.blank(width)] * rows
        pictures = [
            blank
            if tile.key in missing
            else self._thumbnails.drawn(tile.key, width, rows, self.colours)
            for tile in tiles
        ]
        captions: list[Piece] = []
        for place, tile in enumerate(tiles, start=first):
            here = self._has_cursor and place == self.cursor
            text = centred_text(("▲" if here else "") + tile.caption, width)
            captions.append((text + " " * self._gap, "accent" if here else "plain"))
        return [
            *side_by_side(pictures, rows, 0, self.size.width, self._gap),
            self.row(*captions),
        ]
