"""One row with something at its left and something at its right."""

from __future__ import annotations

from collections.abc import Sequence

from rich.cells import cell_len

from tuilabel.tui.text.pieces import Piece, fitted
from tuilabel.tui.widgets.lines import Lines


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

    def has_room(self, left: Sequence[Piece], right: Sequence[Sequence[Piece]]) -> bool:
        """Tell whether all of it fits."""
        return _length(left) + 1 + sum(map(_length, right)) <= self.size.width

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
        left, space = list(self._left), width - _length(self._left) - _length(right)
        while left and space < 0:
            # What does not fit is cut where the row ends, and the cut is marked.
            text, style = left.pop()
            rest = width - _length(left)
            left += [(_cut(text, rest), style)] if rest > 0 else []
            space = 0 if rest > 0 else width - _length(left)
        self.show([self.row(*left, (" " * max(0, space), "plain"), *right)])


def _length(pieces: Sequence[Piece]) -> int:
    return sum(cell_len(text) for text, _ in pieces)


def _cut(text: str, width: int) -> str:
    """Cut a text to a width: behind a sentence if one fits, else in the middle of a word."""
    sentences = text.split(". ")
    for count in range(len(sentences) - 1, 0, -1):
        whole = ". ".join(sentences[:count]) + "."
        if cell_len(whole) <= width:
            return fitted(whole, width)
    return fitted(text, width)
