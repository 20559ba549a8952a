"""A few sentences below each other, as high as they need."""

from __future__ import annotations

from collections.abc import Sequence
from textwrap import wrap

from tuilabel.tui.widgets.lines import Lines

_MOST_ROWS = 4


class Notes(Lines):
    """Sentences about what needs attention; without any, it takes no room."""

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._sentences: Sequence[str] = ()

    def show_notes(self, sentences: Sequence[str], width: int) -> None:
        """Show sentences at a width in cells."""
        self._sentences = sentences
        rows = len(self._wrapped(width))
        if self.display != bool(rows):
            self.display = bool(rows)
        if rows and (self.styles.height is None or self.styles.height.value != rows):
            self.styles.height = rows
        self.redraw()

    def _wrapped(self, width: int) -> list[str]:
        lines = [
            line
            for text in self._sentences
            for line in wrap(f"! {text}", max(20, width), subsequent_indent="  ")
        ]
        rest = len(lines) - _MOST_ROWS
        return lines if rest <= 0 else [*lines[: _MOST_ROWS - 1], "  `tuilabel check` lists more."]

    def redraw(self) -> None:
        """Draw the sentences in this width."""
        if self.size.area:
            self.show([self.row((line, "accent")) for line in self._wrapped(self.size.width)])
