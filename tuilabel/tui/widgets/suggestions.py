"""The model's view of the image."""

from __future__ import annotations

from collections.abc import Sequence
from textwrap import wrap

from rich.cells import cell_len
from textual.strip import Strip

from tuilabel.tui.text.glyphs import level_bar
from tuilabel.tui.text.pieces import Piece, fitted
from tuilabel.tui.views.values import ClassBar
from tuilabel.tui.widgets.lines import Lines


class Suggestions(Lines):
    """The likeliest classes as bars with numbers under a title, or a sentence where there are none.

    The title keeps its row and every class its own, so that nothing jumps.
    """

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._title = ""
        self._bars: Sequence[ClassBar] = ()
        self._sentence = ""

    def show_bars(self, title: str, bars: Sequence[ClassBar]) -> None:
        """Show classes, likeliest first."""
        self._title, self._bars, self._sentence = title, bars, ""
        self.redraw()

    def show_sentence(self, title: str, sentence: str) -> None:
        """Show a sentence that says why there are no classes to show."""
        self._title, self._bars, self._sentence = title, (), sentence
        self.redraw()

    def redraw(self) -> None:
        """Draw the bars in this size."""
        if not self.size.area:
            return
        rows = [self.row((self._title, "muted"))]
        if self._sentence:
            rows += [self.row((line, "muted")) for line in wrap(self._sentence, self.size.width)]
        rows += [self._bar(bar, place) for place, bar in enumerate(self._bars)]
        self.show(rows)

    def _bar(self, bar: ClassBar, place: int) -> Strip:
        width = self.size.width
        same = bar.name == bar.key.strip()
        name_width = 0 if same else min(14, width // 4)
        track = max(4, width - name_width - 11 - cell_len(bar.key))
        filled = level_bar(bar.probability, track)
        style = "strong" if place == 0 else "plain"
        pieces: list[Piece] = [
            ("›" if bar.chosen else " ", "strong"),
            (f"{bar.key} ", "strong"),
        ]
        if name_width:
            pieces.append((fitted(bar.name, name_width) + " ", style))
        pieces += [
            (filled, "bar" if place == 0 else "area"),
            ("·" * (track - len(filled)), "track"),
            (f" {bar.probability:6.1%}", style),
        ]
        return self.row(*pieces)
