"""A chart with a title above it and sentences below."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from rich.cells import cell_len

from tuilabel.tui.charts.alphabets import alphabet_for
from tuilabel.tui.charts.drawing import FOOT, GUTTER, Drawing, draw_chart, legend
from tuilabel.tui.text.pieces import Piece
from tuilabel.tui.widgets.lines import Lines

_LEAST_ROWS = 5


class ChartWidget(Lines):
    """Draws curves, or a sentence in their place where there are none yet."""

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._title = ""
        self._drawing: Callable[[int, int], Drawing] | None = None
        self._sentences: Sequence[Sequence[Piece]] = ()

    def show_chart(
        self,
        title: str,
        drawing: Callable[[int, int], Drawing],
        sentences: Sequence[Sequence[Piece]],
    ) -> None:
        """Show curves.

        Parameters
        ----------
        title : str
            The legend stands beside it, as far as there is room.
        drawing : callable
            Returns what to draw in a number of columns and rows, without the axes' numbers.
        sentences : sequence of sequences of Piece
            One for each row below the chart; their number does not change, so that nothing jumps.
        """
        self._title, self._drawing, self._sentences = title, drawing, sentences
        self.redraw()

    def redraw(self) -> None:
        """Draw the chart in this size."""
        width, height = self.size
        if not self.size.area or self._drawing is None:
            return
        alphabet = alphabet_for(self.colours)
        title: list[Piece] = [(self._title, "strong")]
        below = [self.row(*pieces) for pieces in self._sentences]
        room = height - 1 - len(below)
        graph = []
        if room >= _LEAST_ROWS:
            drawing = self._drawing(width - GUTTER, room - FOOT)
            chart = draw_chart(drawing, width, room, alphabet)
            graph = [self.row(*pieces) for pieces in chart]
            beside = width - cell_len(self._title) - 1
            title += [(" ", "plain"), *legend(drawing, beside, alphabet)]
        self.show([self.row(*title), *graph, *below])
