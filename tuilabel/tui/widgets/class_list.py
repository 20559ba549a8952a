"""The classes with their counts as bars, and a mark on one of them."""

from __future__ import annotations

from collections.abc import Sequence

from rich.cells import cell_len

from tuilabel.tui.text.glyphs import level_bar
from tuilabel.tui.text.pieces import Piece, fitted
from tuilabel.tui.views.classes import ClassRow
from tuilabel.tui.widgets.lines import Lines, scrolled

_MOST_NAME = 20
_COUNT = 7


class ClassList(Lines):
    """One class per row: its keys, its name, its number of labels, and a bar of them."""

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._shown: Sequence[ClassRow] = ()
        self._held: str | None = None
        self._top = 0
        self.cursor = 0

    def show_classes(self, rows: Sequence[ClassRow], cursor: int, held: str | None = None) -> None:
        """Show classes with the mark on one of them.

        Parameters
        ----------
        rows : sequence of ClassRow
        cursor : int
            Which of them is marked.
        held : str, optional
            Id of the class that is to be merged into the marked one.
        """
        self._shown, self.cursor, self._held = rows, cursor, held
        self.redraw()

    @property
    def page(self) -> int:
        """How many classes are shown at once."""
        return max(1, self.size.height - 1)

    def redraw(self) -> None:
        """Draw the classes that fit."""
        if not self.size.area or not self._shown:
            return
        page, count = self.page, len(self._shown)
        self._top = scrolled(self._top, self.cursor, page, count)
        has_auto = any(found.auto_labels for found in self._shown)
        key = max(cell_len(found.key) for found in self._shown)
        same = all(found.key in (found.name, "") for found in self._shown) and key > 0
        name = 0 if same else min(_MOST_NAME, max(cell_len(found.name) for found in self._shown))
        name = min(name, max(6, self.size.width // 3))
        used = 2 + key + (name + 1 if name else 0) + _COUNT + (_COUNT if has_auto else 0) + 2
        track = max(0, self.size.width - used)
        head = f"{'labels':>{_COUNT}}" + (f"{'auto':>{_COUNT}}" if has_auto else "")
        space = " " * (used - len(head) - 2)
        rows = [self.row((space + head, "muted"))]
        most = max(1, max(found.labels for found in self._shown))
        for place in range(self._top, min(self._top + page, count)):
            found, here = self._shown[place], place == self.cursor
            usual = "muted" if found.state else "plain"
            style = "strong" if here else usual
            sign = "+ " if found.id == self._held else "› " if here else "  "
            pieces: list[Piece] = [(sign, "accent")]
            pieces.append((fitted(found.key, key), "strong"))
            if name:
                pieces.append((" " + fitted(found.name, name), style))
            labels = f"{found.labels:,}" if found.labels or found.state else "none"
            pieces.append((f"{labels:>{_COUNT}}", style))
            if has_auto:
                pieces.append((f"{found.auto_labels:>{_COUNT},}", "muted"))
            if found.state:
                pieces.append((f"  {found.state}", "muted"))
            else:
                bar = level_bar(found.labels / most, track)
                pieces += [("  ", "plain"), (bar, "bar" if here else "area")]
            rows.append(self.row(*pieces))
        self.show(rows)
