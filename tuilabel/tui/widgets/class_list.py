"""The classes with their counts as bars, and a mark on one of them."""

from __future__ import annotations

from collections.abc import Sequence

from rich.cells import cell_len

from tuilabel.tui.text.glyphs import level_bar
from tuilabel.tui.text.pieces import Piece, fitted
from tuilabel.tui.views.classes import ClassCount
from tuilabel.tui.widgets.lines import Lines, scrolled

_MOST_NAME = 20
_COUNT = 7


class ClassList(Lines):
    """One class per row: its keys, its name, its number of labels, and a bar of them.

    Parameters
    ----------
    keys, names : sequence of str
    """

    def __init__(self, keys: Sequence[str], names: Sequence[str], *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._keys = keys
        self._names = names
        self._counts: Sequence[ClassCount] = ()
        self._top = 0
        self.cursor = 0

    def show_counts(self, counts: Sequence[ClassCount], cursor: int) -> None:
        """Show counts with the mark on a class."""
        self._counts, self.cursor = counts, cursor
        self.redraw()

    @property
    def page(self) -> int:
        """How many classes are shown at once."""
        return max(1, self.size.height - 1)

    def redraw(self) -> None:
        """Draw the classes that fit."""
        if not self.size.area or not self._counts:
            return
        page, count = self.page, len(self._counts)
        self._top = scrolled(self._top, self.cursor, page, count)
        has_auto = any(found.auto_labels for found in self._counts)
        key = max(map(cell_len, self._keys))
        same = all(key in (name, "") for key, name in zip(self._keys, self._names, strict=True))
        name = 0 if same else min(_MOST_NAME, max(map(cell_len, self._names)))
        name = min(name, max(6, self.size.width // 3))
        used = 2 + key + (name + 1 if name else 0) + _COUNT + (_COUNT if has_auto else 0) + 2
        track = max(0, self.size.width - used)
        head = f"{'labels':>{_COUNT}}" + (f"{'auto':>{_COUNT}}" if has_auto else "")
        space = " " * (used - len(head) - 2)
        rows = [self.row((space + head, "muted"))]
        most = max(1, max(found.labels for found in self._counts))
        for place in range(self._top, min(self._top + page, count)):
            found, here = self._counts[place], place == self.cursor
            style = "strong" if here else "plain"
            pieces: list[Piece] = [("› " if here else "  ", "accent")]
            pieces.append((fitted(self._keys[place], key), "strong"))
            if name:
                pieces.append((" " + fitted(self._names[place], name), style))
            pieces.append((f"{found.labels:>{_COUNT},}", style))
            if has_auto:
                pieces.append((f"{found.auto_labels:>{_COUNT},}", "muted"))
            bar = level_bar(found.labels / most, track)
            pieces += [("  ", "plain"), (bar, "bar" if here else "area")]
            rows.append(self.row(*pieces))
        self.show(rows)
