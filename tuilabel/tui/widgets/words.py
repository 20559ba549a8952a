"""A few lines of running text."""

from __future__ import annotations

from textwrap import wrap

from tuilabel.tui.widgets.lines import Lines


class Words(Lines):
    """Breaks a text into the rows that there are; what does not fit is cut and marked."""

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._text, self._style = "", "muted"

    def show_words(self, text: str, style: str = "muted") -> None:
        """Show a text."""
        self._text, self._style = text, style
        self.redraw()

    def redraw(self) -> None:
        """Break the text in this width."""
        width, height = self.size
        if not self.size.area:
            return
        lines = wrap(self._text, width, max_lines=height, placeholder=" …") if self._text else []
        rows = [self.row((line, self._style)) for line in lines]
        self.show(rows + [self.row()] * (height - len(rows)))
