"""Rows with images in them, of which it is known whether they are in a frame."""

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
    """Tells whether the images that it was given last went into a frame.

    A widget that was asked to refresh may miss the next frame, and has no size at all before the
    first.

    Attributes
    ----------
    painted : bool
    """

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self.painted = False
        self._drawn_anew = False

    def uncover(self) -> None:
        """Come back from where it was hidden: what it holds is on the terminal no more."""
        self._drawn_anew = True
        self.painted = False
        self.refresh()

    def show_images(self, rows: Sequence[Strip], *, anew: bool = False) -> None:
        """Replace the rows by some with other images.

        Parameters
        ----------
        rows : sequence of Strip
        anew : bool
            Whether a frame is to come even where the rows are those of before.
        """
        if self.show(rows):
            self._drawn_anew = True
        elif anew:
            self.refresh()
            self._drawn_anew = True
        # Equal rows are on the terminal already, and no frame will come for them, unless one is
        # still to come for the rows before.
        self.painted = not self._drawn_anew

    def centred(self, lines: Sequence[Piece]) -> list[Strip]:
        """Give rows with a few lines of text in their middle, for when there is no image."""
        width, height = self.size
        lines = [
            (part, style) for text, style in lines for part in wrap(text, max(1, width)) or [""]
        ]
        first = max(0, (height - len(lines)) // 2)
        rows = [Strip.blank(width)] * first
        for text, style in lines:
            left = max(0, (width - cell_len(text)) // 2)
            rows.append(self.row((" " * left + fitted(text, width - left), style)))
        return (rows + [Strip.blank(width)] * (height - len(rows)))[:height]

    def render_line(self, y: int) -> Strip:
        """Give a row to a frame; all rows that changed go into the same frame."""
        if self._drawn_anew:
            self._drawn_anew = False
            self.painted = True
        return super().render_line(y)


def boxed(drawing: Drawing, width: int, height: int) -> list[Strip]:
    """Put a drawing in the middle of a box of cells, which is at least as large."""
    left, top = (width - drawing.columns) // 2, (height - len(drawing.rows)) // 2
    right = width - left - drawing.columns
    before = [Segment(" " * left)] if left else []
    after = [Segment(" " * right)] if right else []
    # Equal rows stay one object: textual keeps what it works out for a strip.
    strips = {id(row): Strip([*before, *row, *after], width) for row in drawing.rows}
    blank = Strip.blank(width)
    below = height - top - len(drawing.rows)
    return [*[blank] * top, *(strips[id(row)] for row in drawing.rows), *[blank] * below]
