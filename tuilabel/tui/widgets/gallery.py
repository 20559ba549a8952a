"""Images side by side, in as many rows as fit, each with a caption."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import NamedTuple

from rich.cells import cell_len
from textual.strip import Strip

from tuilabel.tui.images import Pixels, draw_small
from tuilabel.tui.text.pieces import Piece, fitted
from tuilabel.tui.widgets.image_lines import boxed
from tuilabel.tui.widgets.lines import Lines

_GREYS = 24
_AT_ONCE = 8
"""Images drawn in one go: keys are handled in between."""
_KEPT = 1024

SIZES = tuple(range(14, 3, -1))
"""Rows that an image may take; the largest is taken of which enough fit."""


class Tile(NamedTuple):
    """One image.

    Attributes
    ----------
    key : int
        Names it; what `image_of` takes.
    caption : str
    """

    key: int
    caption: str


class Gallery(Lines):
    """Shows images page by page, drawing those that are seen.

    Parameters
    ----------
    image_of : callable
        Gives the (H, W) or (H, W, 3) uint8 image of a key.
    has_cursor : bool
        Whether one of the images is marked.
    at_once : int
        So many images are to be seen at once, if there are; they are drawn smaller for it.
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
        self._image_of = image_of
        self._has_cursor = has_cursor
        self._at_once = at_once
        self._tiles: Sequence[Tile] = ()
        self._title: Sequence[Piece] | None = None
        self._sentence = ""
        self._drawn: dict[tuple[int, int], list[Strip]] = {}
        self._drawing = False
        self._gap = 1
        self.cursor = 0

    def show_tiles(
        self, tiles: Sequence[Tile], sentence: str = "", title: Sequence[Piece] | None = None
    ) -> None:
        """Show images; or a sentence where there are none. A title takes the first row."""
        self._tiles, self._sentence, self._title = tiles, sentence, title
        self.cursor = max(0, min(self.cursor, len(tiles) - 1))
        self.redraw()

    def forget(self) -> None:
        """Draw everything anew: keys mean other images now."""
        self._drawn.clear()

    def move(self, step: int) -> None:
        """Mark another image."""
        self.cursor = max(0, min(self.cursor + step, len(self._tiles) - 1))
        self.redraw()

    @property
    def columns(self) -> int:
        """How many images are side by side."""
        return self._layout()[1]

    @property
    def page(self) -> int:
        """How many images are seen at once."""
        _, columns, lines = self._layout()
        return columns * lines

    def _layout(self) -> tuple[int, int, int]:
        """Give the rows of an image, and how many images are side by side and above each other."""
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
        return rows, max(1, columns), max(1, lines)

    def redraw(self) -> None:
        """Draw what is seen in this size."""
        if not self.size.area:
            return
        rows, columns, lines = self._layout()
        page = columns * lines
        start = self.cursor // page * page if self._has_cursor else 0
        shown = self._tiles[start : start + page]
        made: list[Strip] = [] if self._title is None else [self.row(*self._title)]
        if not shown and self._sentence:
            made.append(self.row((self._sentence, "muted")))
        missing = [tile for tile in shown if (tile.key, rows) not in self._drawn]
        for tile in missing[:_AT_ONCE]:
            self._draw(tile.key, rows)
        for first in range(0, len(shown), columns):
            made += self._line(shown[first : first + columns], start + first, rows)
        made += [self.row()] * (self.size.height - len(made))
        self.show(made[: self.size.height])
        if len(missing) > _AT_ONCE and not self._drawing:
            self._drawing = True
            self.call_after_refresh(self._go_on)

    def _go_on(self) -> None:
        self._drawing = False
        self.redraw()

    def _line(self, tiles: Sequence[Tile], first: int, rows: int) -> list[Strip]:
        width = 2 * rows
        blank = [Strip.blank(width)] * rows
        pictures = [self._drawn.get((tile.key, rows), blank) for tile in tiles]
        gap = Strip.blank(self._gap)
        made = [
            Strip.join([part for picture in pictures for part in (picture[y], gap)])
            for y in range(rows)
        ]
        captions: list[Piece] = []
        for place, tile in enumerate(tiles, start=first):
            here = self._has_cursor and place == self.cursor
            text = ("▲" if here else "") + tile.caption
            text = fitted(text, width) if cell_len(text) > width else text
            left = (width - cell_len(text)) // 2
            captions.append(
                (fitted(" " * left + text, width) + " " * self._gap, "accent" if here else "plain")
            )
        size = self.size.width
        return [*(strip.adjust_cell_length(size) for strip in made), self.row(*captions)]

    def _draw(self, key: int, rows: int) -> None:
        if len(self._drawn) > _KEPT:
            self._drawn.clear()
        width = 2 * rows
        colours = replace(self.colours, greys=min(self.colours.greys, _GREYS))
        drawing = draw_small(self._image_of(key), (width, rows), colours)
        self._drawn[key, rows] = boxed(drawing, width, rows)

    def notify_style_update(self) -> None:
        """Draw the images anew in other colours."""
        self._drawn.clear()
        super().notify_style_update()
