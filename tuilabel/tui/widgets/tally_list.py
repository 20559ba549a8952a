"""The classes with how well each is predicted, and a mark on one of them."""

from __future__ import annotations

from collections.abc import Sequence

from rich.cells import cell_len

from tuilabel.tui.text.glyphs import level_bar
from tuilabel.tui.text.pieces import Piece, fitted
from tuilabel.tui.views.tallies import TallyRow
from tuilabel.tui.widgets.lines import Lines, scrolled

_MOST_NAME = 24
_COLUMN = 14


class TallyList(Lines):
    """One class per row: the images that have it and were found, and those that do not have it."""

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._shown: Sequence[TallyRow] = ()
        self._waiting = ""
        self._top = 0
        self.cursor = 0

    def show_tallies(self, rows: Sequence[TallyRow], cursor: int, waiting: str) -> None:
        """Show classes with the mark on one of them, or a sentence where there are none."""
        self._shown, self.cursor, self._waiting = rows, cursor, waiting
        self.redraw()

    @property
    def page(self) -> int:
        """How many classes are shown at once."""
        return max(1, self.size.height - 1)

    def redraw(self) -> None:
        """Draw the classes that fit."""
        if not self.size.area:
            return
        if not self._shown:
            self.show([self.row(("  " + self._waiting, "muted"))])
            return
        page, count = self.page, len(self._shown)
        self._top = scrolled(self._top, self.cursor, page, count)
        key = max(cell_len(found.key) for found in self._shown)
        name = min(_MOST_NAME, max(5, *(cell_len(found.name) for found in self._shown)))
        track = max(0, self.size.width - key - name - 2 * _COLUMN - 6)
        head = f"{'found':>{_COLUMN}}{'wrongly':>{_COLUMN}}"
        rows = [self.row((" " * (3 + key + name) + head, "muted"))]
        for place in range(self._top, min(self._top + page, count)):
            found, here = self._shown[place], place == self.cursor
            tally, style = found.tally, "strong" if here else "plain"
            has, has_not = tally.found + tally.missed, tally.wrong + tally.absent
            pieces: list[Piece] = [
                ("› " if here else "  ", "accent"),
                (fitted(found.key, key), "strong"),
                (" " + fitted(found.name, name), style),
                (f"{_of(tally.found, has):>{_COLUMN}}", style),
                (f"{_of(tally.wrong, has_not):>{_COLUMN}}", style),
                ("  ", "plain"),
                (level_bar(tally.found / max(1, has), track), "bar" if here else "area"),
            ]
            rows.append(self.row(*pieces))
        self.show(rows)


def _of(count: int, total: int) -> str:
    return f"{count:,} of {total:,}" if total else "none"
