"""One row with something at its left and something at its right."""

from __future__ import annotations

from collections.abc import Sequence

from rich.cells import cell_len
from rich.segment import Segment
from textual.strip import Strip

from tuilabel.tui.widgets.lines import Lines, Piece


class Bar(Lines):
    """A row of pieces; where both sides do not fit, the right one gives way group by group."""

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._left: Sequence[Piece] = ()
        self._right: Sequence[Sequence[Piece]] = ()

    def show_bar(self, left: Sequence[Piece], right: Sequence[Sequence[Piece]] = ()) -> None:
        """Show pieces at the left, and at the right groups of them.

        Where space is short, groups are dropped from the front.
        """
        self._left, self._right = left, right
        self.redraw()

    def redraw(self) -> None:
        """Draw the row in this width."""
        width = self.size.width
        if not width:
            return
        groups = list(self._right)
        room = width - _length(self._left) - 1
        while groups and sum(map(_length, groups)) > room:
            groups.pop(0)
        right = [piece for group in groups for piece in group]
        space = max(0, width - _length(self._left) - _length(right))
        pieces = [*self._left, (" " * space, "plain"), *right]
        segments = [Segment(text, self.style_of(style)) for text, style in pieces if text]
        self.show([Strip(segments).adjust_cell_length(width)])


def _length(pieces: Sequence[Piece]) -> int:
    return sum(cell_len(text) for text, _ in pieces)
