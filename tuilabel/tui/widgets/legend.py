"""The classes with the keys that label them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from rich.cells import cell_len

from tuilabel.tui.keymap.actions import MORE_CLASSES
from tuilabel.tui.text.pieces import Piece, cells_in, fitted
from tuilabel.tui.widgets.lines import Lines

if TYPE_CHECKING:
    from tuilabel.tui.views.labelling import Presenter

MOST_ROWS = 3
"""Rows that it may take; the help screen shows the classes that do not fit."""

_LONGEST_NAME = 20

_CAPTION = "keys "


class Legend(Lines):
    """Classes as key and name, in as many rows as they need, up to `MOST_ROWS`.

    Parameters
    ----------
    keys : sequence of str
        Of each class; empty where its name is typed.
    names : sequence of str
    more : str
        The keys that show all classes.
    """

    def __init__(
        self, keys: Sequence[str], names: Sequence[str], more: str, *, id: str | None = None
    ) -> None:
        super().__init__(id=id)
        self._keys = keys
        self._names = names
        self._more = more
        self._all = range(len(keys))
        self._first: Sequence[int] = self._all
        self._only: Sequence[int] | None = None
        self._marked: int | None = None

    def rows_needed(self, width: int) -> int:
        """Return how many rows the classes take at a width."""
        # More never fit, and measuring thousands takes time.
        return min(MOST_ROWS, len(self._wrapped(self._all[: width * MOST_ROWS], width)))

    def prefer(self, classes: Sequence[int]) -> None:
        """Show these classes first where not all of them fit."""
        preferred = set(classes)
        self._first = [*classes, *(index for index in self._all if index not in preferred)]
        self.redraw()

    def show_only(self, classes: Sequence[int] | None, marked: int | None = None) -> None:
        """Show some classes in this order, one of them marked; None shows all as usual."""
        if (classes, marked) != (self._only, self._marked):
            self._only, self._marked = classes, marked
            self.redraw()

    def redraw(self) -> None:
        """Draw the classes in this size."""
        width, height = self.size
        if not self.size.area:
            return
        listed = self._first if self._only is None else self._only
        shown = self._fitting(listed, width, height)
        rest = len(listed) - len(shown)
        rows = self._wrapped(sorted(shown) if self._only is None else shown, width)
        if rest:
            rows[-1].append((self._note(rest), "muted"))
        if rows[0] and cells_in(rows[0]) + cell_len(_CAPTION) < width and len(rows) == 1:
            # The row above has classes as well: those that the images were given.
            rows[0].insert(0, (" " + _CAPTION, "muted"))
        drawn = [self.row(*pieces) for pieces in rows]
        self.show(drawn)

    def _note(self, rest: int) -> str:
        return f"  {rest:,} more" + (f": press {self._more}" if self._only is None else "")

    def _fitting(self, listed: Sequence[int], width: int, height: int) -> Sequence[int]:
        """Return as many of the first classes as fit, with room for the note about the others."""
        fitting = listed[: width * height // 3]
        if len(fitting) == len(listed) and len(self._wrapped(listed, width)) <= height:
            return listed
        while len(fitting) > 1:
            rows = self._wrapped(sorted(fitting) if self._only is None else fitting, width)
            note = cell_len(self._note(len(listed) - len(fitting)))
            used = cells_in(rows[-1])
            if len(rows) < height or (len(rows) == height and used + note <= width):
                break
            fitting = fitting[:-1]
        return fitting

    def _wrapped(self, classes: Sequence[int], width: int) -> list[list[Piece]]:
        rows: list[list[Piece]] = [[]]
        used = 0
        for index in classes:
            key, name = self._keys[index], self._names[index]
            sign = " ›" if index == self._marked else "  "
            longest = min(_LONGEST_NAME, width - 3 - cell_len(key))
            text = "" if name == key else " " + fitted(name, min(cell_len(name), longest))
            label = sign + (key or "/")
            length = cell_len(label) + cell_len(text)
            if used + length > width and rows[-1]:
                rows.append([])
                used = 0
            rows[-1] += [(label, "strong"), (text, "plain")]
            used += length
        return rows


def legend_of(presenter: Presenter) -> Legend:
    """Return the legend of a session's classes."""
    more = " or ".join(map(presenter.keymap.key, MORE_CLASSES))
    return Legend(presenter.keys, presenter.names, more, id="legend")
