"""The classes with the keys that label them."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import TYPE_CHECKING

from rich.cells import cell_len

from tuilabel.tui.keymap.actions import MORE_CLASSES
from tuilabel.tui.text.pieces import Piece, cells_in, fitted
from tuilabel.tui.widgets.lines import Lines

if TYPE_CHECKING:
    from tuilabel.tui.views.labelling import Presenter
    from tuilabel.tui.views.shown_classes import ShownClasses

MOST_ROWS = 3
"""Rows that it may take; the help screen shows the classes that do not fit."""

_LONGEST_NAME = 20

_CAPTION = "keys "


class Legend(Lines):
    """Classes as key and name, in as many rows as they need, up to `MOST_ROWS`.

    Parameters
    ----------
    classes : ShownClasses
    more : str
        The keys that show all classes.
    """

    def __init__(self, classes: ShownClasses, more: str, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._shown = classes
        self._more = more
        self._preferred: Sequence[int] = ()
        self._only: Sequence[int] | None = None
        self._marked: int | None = None
        self._chosen: frozenset[int] = frozenset()

    def rows_needed(self, width: int) -> int:
        """Return how many rows the classes take at a width."""
        # More never fit, and measuring thousands takes time.
        return min(MOST_ROWS, len(self._wrapped(self._shown.open[: width * MOST_ROWS], width)))

    def prefer(self, classes: Sequence[int]) -> None:
        """Show these classes first where not all of them fit."""
        self._preferred = classes
        self.redraw()

    def show_only(self, classes: Sequence[int] | None, marked: int | None = None) -> None:
        """Show some classes in this order, one of them marked; None shows all as usual."""
        if (classes, marked) != (self._only, self._marked):
            self._only, self._marked = classes, marked
            self.redraw()

    def show_marks(self, classes: Collection[int]) -> None:
        """Show which classes are marked for the image, each with a sign before its key."""
        if self._chosen != frozenset(classes):
            self._chosen = frozenset(classes)
            self.redraw()

    def redraw(self) -> None:
        """Draw the classes in this size."""
        width, height = self.size
        if not self.size.area:
            return
        open_ = self._shown.open
        chosen = set(open_)
        # What is marked for the image is never among those that are left out.
        preferred = [index for index in (*self._chosen, *self._preferred) if index in chosen]
        listed = self._only
        if listed is None:
            listed = list(dict.fromkeys((*preferred, *open_))) if preferred else open_
        shown = self._fitting(listed, width, height)
        rest = len(listed) - len(shown)
        rows = self._wrapped(self._in_order(shown), width)
        if rest:
            rows[-1].append((self._note(rest), "muted"))
        if rows[0] and cells_in(rows[0]) + cell_len(_CAPTION) < width and len(rows) == 1:
            # The row above has classes as well: those that the images were given.
            rows[0].insert(0, (" " + _CAPTION, "muted"))
        drawn = [self.row(*pieces) for pieces in rows]
        self.show(drawn)

    def _in_order(self, shown: Sequence[int]) -> Sequence[int]:
        if self._only is not None:
            return shown
        chosen = set(shown)
        return [index for index in self._shown.open if index in chosen]

    def _note(self, rest: int) -> str:
        return f"  {rest:,} more" + (f": press {self._more}" if self._only is None else "")

    def _fitting(self, listed: Sequence[int], width: int, height: int) -> Sequence[int]:
        """Return as many of the first classes as fit, with room for the note about the others."""
        fitting = listed[: width * height // 3]
        if len(fitting) == len(listed) and len(self._wrapped(listed, width)) <= height:
            return listed
        while len(fitting) > 1:
            rows = self._wrapped(self._in_order(fitting), width)
            note = cell_len(self._note(len(listed) - len(fitting)))
            used = cells_in(rows[-1])
            if len(rows) < height or (len(rows) == height and used + note <= width):
                break
            fitting = fitting[:-1]
        return fitting

    def _wrapped(self, classes: Sequence[int], width: int) -> list[list[Piece]]:
        rows: list[list[Piece]] = [[]]
        used = 0
        # Behind the class above it, the rest of a name says which class it is.
        names = self._shown.relative if self._only is None else self._shown.names
        for index in classes:
            key, name = self._shown.keys[index], names[index]
            sign = " ›" if index == self._marked else " ✓" if index in self._chosen else "  "
            longest = min(_LONGEST_NAME, width - 3 - cell_len(key))
            text = "" if name == key else " " + fitted(name, min(cell_len(name), longest))
            label = sign + (key or "/")
            length = cell_len(label) + cell_len(text)
            if used + length > width and rows[-1]:
                rows.append([])
                used = 0
            is_chosen = index in self._chosen
            rows[-1] += [
                (label, "good" if is_chosen else "strong"),
                (text, "good" if is_chosen else "plain"),
            ]
            used += length
        return rows


def legend_of(presenter: Presenter) -> Legend:
    """Return the legend of a session's classes."""
    more = " or ".join(map(presenter.keymap.key, MORE_CLASSES))
    return Legend(presenter.classes, more, id="legend")
