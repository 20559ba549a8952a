"""One row with text at its left and at its right."""

from __future__ import annotations

from collections.abc import Sequence

from rich.cells import cell_len

from tuilabel.tui.text.pieces import Piece, cells_in, fitted
from tuilabel.tui.widgets.lines import Lines


class Bar(Lines):
    """A row of pieces; where both sides do not fit, groups of the right one are left out.

    Pieces of the left side can be named that are left out before the last of these groups.
    """

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._left: Sequence[Piece] = ()
        self._right: Sequence[Sequence[Piece]] = ()
        self._spare: Sequence[int] = ()

    def show_bar(
        self,
        left: Sequence[Piece],
        right: Sequence[Sequence[Piece]] = (),
        spare: Sequence[int] = (),
    ) -> None:
        """Show pieces at the left and groups of pieces at the right.

        Where space is short, the first groups are left out.

        Parameters
        ----------
        left : sequence of Piece
        right : sequence of sequences of Piece
        spare : sequence of int
            Which pieces at the left are left out, in this order, before the last group.
        """
        self._left, self._right, self._spare = left, right, spare
        self.redraw()

    def has_room(self, left: Sequence[Piece], right: Sequence[Sequence[Piece]]) -> bool:
        """Return whether all of it fits."""
        return self.room_beside(left, right) >= 0

    def room_beside(self, left: Sequence[Piece], right: Sequence[Sequence[Piece]]) -> int:
        """Return the cells that are left between both sides; below 0 where they do not fit."""
        return self.size.width - cells_in(left) - 1 - sum(map(cells_in, right))

    def redraw(self) -> None:
        """Draw the row in this width."""
        width = self.size.width
        if not width:
            return
        groups, left = list(self._right), list(self._left)
        for place in self._spare if groups else ():
            if cells_in(left) + 1 + cells_in(groups[-1]) > width:
                left[place] = ("", left[place][1])
        room = width - cells_in(left) - 1
        while groups and sum(map(cells_in, groups)) > room:
            groups.pop(0)
        right = [piece for group in groups for piece in group]
        space = width - cells_in(left) - cells_in(right)
        while left and space < 0:
            # The last piece that fits in part is cut, and the cut is marked.
            text, style = left.pop()
            rest = width - cells_in(left)
            left += [(_cut(text, rest), style)] if rest > 0 else []
            space = 0 if rest > 0 else width - cells_in(left)
        self.show([self.row(*left, (" " * max(0, space), "plain"), *right)])


def _cut(text: str, width: int) -> str:
    """Return a text cut to a width: after a sentence if one fits, else in the middle of a word."""
    sentences = text.split(". ")
    for count in range(len(sentences) - 1, 0, -1):
        whole = ". ".join(sentences[:count]) + "."
        if cell_len(whole) <= width:
            return fitted(whole, width)
    return fitted(text, width)
