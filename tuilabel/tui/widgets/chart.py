"""A chart with a title above it and sentences below."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from tuilabel.tui.chart import Alphabet, Drawing, alphabet_for, draw_chart
from tuilabel.tui.widgets.lines import Lines, Piece

_LEAST_ROWS = 5


class Chart(Lines):
    """Draws curves; or says why there are none, in the place where they will be."""

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._title: Callable[[Alphabet], Sequence[Piece]] | None = None
        self._drawing: Callable[[int, int], Drawing] | None = None
        self._sentences: Sequence[Sequence[Piece]] = ()

    def show_chart(
        self,
        title: Callable[[Alphabet], Sequence[Piece]],
        drawing: Callable[[int, int], Drawing],
        sentences: Sequence[Sequence[Piece]],
    ) -> None:
        """Show curves.

        Parameters
        ----------
        title : callable
            Gives the title with the legend, from the characters that are drawn with.
        drawing : callable
            Gives what to draw in so many columns and rows.
        sentences : sequence of sequences of Piece
            One for each row below the chart; their number does not change, so that nothing jumps.
        """
        self._title, self._drawing, self._sentences = title, drawing, sentences
        self.redraw()

    def redraw(self) -> None:
        """Draw the chart in this size."""
        width, height = self.size
        if not self.size.area or self._drawing is None or self._title is None:
            return
        alphabet = alphabet_for(self.colours)
        rows = [self.row(*self._title(alphabet))]
        below = [self.row(*pieces) for pieces in self._sentences]
        room = height - 1 - len(below)
        if room >= _LEAST_ROWS:
            chart = draw_chart(self._drawing(width, room), width, room, alphabet)
            rows += [self.row(*pieces) for pieces in chart]
        rows += below
        rows += [self.row()] * (height - len(rows))
        self.show(rows[:height])
