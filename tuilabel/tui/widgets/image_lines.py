"""Rows with images in them that know whether they are in a frame."""

from __future__ import annotations

from collections.abc import Sequence
from textwrap import wrap

from rich.cells import cell_len
from rich.segment import Segment
from textual.strip import Strip

from tuilabel.tui.images import Drawing
from tuilabel.tui.text.pieces import Piece, fitted
from tuilabel.tui.widgets.lines import Lines


class ImageLines(Lines):
    """Rows with images, which record whether the newest ones are in a frame.

    A widget that was asked to refresh may miss the next frame, and has no size before the first.

    Attributes
    ----------
    painted : bool
        Whether the images that were shown last are in a frame.
    """

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self.painted = False
        self._awaits_frame = False

    def uncover(self) -> None:
        """Show the rows again after the widget was hidden: they are no longer on the terminal."""
        self._awaits_frame = True
        self.painted = False
        self.refresh()

    def show_images(self, rows: Sequence[Strip], *, forced: bool = False) -> None:
        """Replace the rows by some with other images.

        Parameters
        ----------
        rows : sequence of Strip
        forced : bool
            Whether to ask for a frame even if no row changed.
        """
        if self.show(rows):
            self._awaits_frame = True
        elif forced:
            self.refresh()
            self._awaits_frame = True
        # Equal rows are on the terminal already and get no frame, unless one is still to come for
        # the rows before.
        self.painted = not self._awaits_frame

    def centred(self, lines: Sequence[Piece]) -> list[Strip]:
        """Return rows with a few lines of text in their middle, for when there is no image."""
        width, height = self.size
        lines = [
            (part, style) for text, style in lines for part in wrap(text, max(1, width)) or [""]
        ]
        first = max(0, (height - len(lines)) // 2)
        rows = [Strip.blank(width)] * first
        for text, style in lines:
            left = max(0, (width - cell_len(text)) // 2)
            rows.append(self.row((" " * left + fitted(text, width - left), style)))
        return rows

    def render_line(self, y: int) -> Strip:
        """Return a row for a frame; all rows that changed go into the same frame."""
        if self._awaits_frame:
            self._awaits_frame = False
            self.painted = True
        return super().render_line(y)


def boxed(drawing: Drawing, width: int, height: int) -> list[Strip]:
    """Return a drawing in the middle of a box of cells, which is at least as large."""
    left, top = (width - drawing.columns) // 2, (height - len(drawing.rows)) // 2
    right = width - left - drawing.columns
    before = [Segment(" " * left)] if left else []
    after = [Segment(" " * right)] if right else []
    # Equal rows stay one object: textual caches its results for each strip.
    strips = {id(row): Strip([*before, *row, *after], width) for row in drawing.rows}
    blank = Strip.blank(width)
    below = height - top - len(drawing.rows)
    return [*[blank] * top, *(strips[id(row)] for row in drawing.rows), *[blank] * below]
