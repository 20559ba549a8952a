"""A chart with a title above it and sentences below."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from rich.cells import cell_len

from tuilabel.tui.charts.alphabets import alphabet_for
from tuilabel.tui.charts.chart import FOOT, GUTTER, Chart, draw_chart, legend
from tuilabel.tui.text.pieces import Piece
from tuilabel.tui.widgets.lines import Lines

_LEAST_ROWS = 5


class ChartWidget(Lines):
    """Draws curves, or a sentence in their place where there are none yet."""

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._title = ""
        self._chart: Callable[[int, int], Chart] | None = None
        self._sentences: Sequence[Sequence[Piece]] = ()

    def show_chart(
        self,
        title: str,
        chart: Callable[[int, int], Chart],
        sentences: Sequence[Sequence[Piece]],
    ) -> None:
        """Show curves.

        Parameters
        ----------
        title : str
            The legend stands beside it, as far as there is room.
        chart : callable
            Returns the chart for a number of columns and rows, without the axes' numbers.
        sentences : sequence of sequences of Piece
            One for each row below the chart; their number does not change, so that nothing jumps.
        """
        self._title, self._chart, self._sentences = title, chart, sentences
        self.redraw()

    def redraw(self) -> None:
        """Draw the chart in this size."""
        width, height = self.size
        if not self.size.area or self._chart is None:
            return
        alphabet = alphabet_for(self.colours)
        title: list[Piece] = [(self._title, "strong")]
        below = [self.row(*pieces) for pieces in self._sentences]
        room = height - 1 - len(below)
        graph = []
        if room >= _LEAST_ROWS:
            chart = self._chart(width - GUTTER, room - FOOT)
            graph = [self.row(*pieces) for pieces in draw_chart(chart, width, room, alphabet)]
            beside = width - cell_len(self._title) - 1
            title += [(" ", "plain"), *legend(chart, beside, alphabet)]
        self.show([self.row(*title), *graph, *below])
