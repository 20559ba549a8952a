"""A chart with a title above it and sentences below."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from rich.cells import cell_len
from rich.color import Color
from rich.style import Style

from tuilabel.tui.charts.alphabets import alphabet_for, grey_number, surface_colour
from tuilabel.tui.charts.band import ON_BAND
from tuilabel.tui.charts.drawing import FOOT, GUTTER, Drawing, draw_chart, legend
from tuilabel.tui.terminal.capabilities import Depth
from tuilabel.tui.text.pieces import Piece
from tuilabel.tui.widgets.lines import Lines

_LEAST_ROWS = 5


class ChartWidget(Lines):
    """Draws curves; or says why there are none, in the place where they will be."""

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
            Beside it is the legend, as far as there is room.
        drawing : callable
            Gives what to draw in so many columns and rows, without the axes' numbers.
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
        alphabet = alphabet_for(self.colours, filled=self._has_surface)
        title: list[Piece] = [(self._title, "strong")]
        below = [self.row(*pieces) for pieces in self._sentences]
        room = height - 1 - len(below)
        graph = []
        if room >= _LEAST_ROWS:
            drawing = self._drawing(width - GUTTER, room - FOOT)
            chart = draw_chart(drawing, width, room, alphabet)
            graph = [self.row(*pieces) for pieces in chart.rows]
            beside = width - cell_len(self._title) - 1
            title += [(" ", "plain"), *legend(drawing, chart, beside, alphabet)]
        rows = [self.row(*title), *graph, *below]
        rows += [self.row()] * (height - len(rows))
        self.show(rows[:height])

    def style_of(self, name: str) -> Style:
        """Give the style of a name; those of the surface behind a line are worked out here."""
        if name == "band":
            return Style(color=self._surface)
        if not name.endswith(ON_BAND):
            return super().style_of(name)
        name = name.removesuffix(ON_BAND)
        text = Style(color=self.rich_style.bgcolor) if name == "page" else super().style_of(name)
        return text + Style(bgcolor=self._surface)

    @property
    def _has_surface(self) -> bool:
        """Whether a surface can have a colour of its own: that of the page has to be known."""
        enough = self.colours.depth in (Depth.TRUECOLOR, Depth.PALETTE)
        return enough and not self.app.current_theme.ansi

    @property
    def _surface(self) -> Color:
        page, line = self.rich_style.bgcolor, super().style_of("bar").color
        assert page is not None
        assert line is not None
        depth = self.colours.depth
        colour = surface_colour(page.get_truecolor(), line.get_truecolor(), depth)
        # By its number: rich's own choice of a grey may be the next one.
        return (
            Color.from_ansi(grey_number(colour))
            if depth is Depth.PALETTE
            else Color.from_rgb(*colour)
        )
