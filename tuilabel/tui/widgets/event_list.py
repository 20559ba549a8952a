"""Events in columns; rows are made when they are shown, so that thousands cost nothing."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from tuilabel.tui.text.pieces import Piece, fitted
from tuilabel.tui.views.history import EventRow
from tuilabel.tui.widgets.lines import Lines, scrolled

_COLUMNS = (
    # Field, heading, least and most width, whether it stands at the right.
    ("number", "#", 3, 8, True),
    ("date", "day", 5, 5, False),
    ("time", "time", 8, 8, False),
    ("kind", "event", 5, 9, False),
    ("class_name", "class", 5, 12, False),
    ("who", "who", 3, 10, False),
    ("round", "round", 5, 5, True),
    ("ms", "ms", 4, 9, True),
)
_ORDER = ("number", "time", "kind", "class_name", "who", "round", "ms", "about", "date")
"""The columns by importance; those that do not fit are left out."""

_LEAST_ABOUT, _GOOD_ABOUT = 14, 40
"""Least cells of the column that describes an event, and cells that are enough for most."""

_Column = tuple[str, str, int, bool]
"""Field, heading, width, whether it stands at the right."""


class EventList(Lines):
    """Events with a mark on one of them; columns that do not fit are left out."""

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._row_of: Callable[[int], EventRow] | None = None
        self._count = 0
        self._widths: Mapping[str, int] = {}
        self._sentence = ""
        self._top = 0
        self.cursor = 0

    def show_events(
        self,
        row_of: Callable[[int], EventRow],
        count: int,
        cursor: int,
        widths: Mapping[str, int],
        sentence: str,
    ) -> None:
        """Show events.

        Parameters
        ----------
        row_of : callable
            Returns the row at a place, 0 to `count` - 1.
        count : int
        cursor : int
            The marked place.
        widths : mapping of str to int
            Cells that the fields of rows need, by their names; 0 leaves a column out.
        sentence : str
            Shown where there are no events.
        """
        self._row_of, self._count, self._sentence = row_of, count, sentence
        self._widths = widths
        self.cursor = max(0, min(cursor, count - 1))
        self.redraw()

    @property
    def page(self) -> int:
        """How many events are shown at once."""
        return max(1, self.size.height - 1)

    def redraw(self) -> None:
        """Draw the rows that fit."""
        if not self.size.area or self._row_of is None:
            return
        columns, about = self._columns()
        heading = "".join(
            f" {text:>{width}}" if right else " " + text.ljust(width)
            for _, text, width, right in columns
        )
        rows = [self.row((" " + heading + ("  about" if about else ""), "muted"))]
        page = self.page
        self._top = scrolled(self._top, self.cursor, page, self._count)
        for place in range(self._top, min(self._top + page, self._count)):
            rows.append(self.row(*self._pieces(self._row_of(place), place, columns, about)))
        if not self._count:
            rows.append(self.row(("  " + self._sentence, "muted")))
        self.show(rows)

    def _columns(self) -> tuple[list[_Column], int]:
        """Return the columns that fit, and the width that is left to describe an event."""
        columns = [
            (name, heading, max(least, min(most, self._widths.get(name, least))), right)
            for name, heading, least, most, right in _COLUMNS
            if self._widths.get(name, least)
        ]
        widths = {name: width for name, _, width, _ in columns}
        room = self.size.width - 2
        chosen: set[str] = set()
        for name in _ORDER:
            if name != "about" and name not in widths:
                continue
            needed = widths.get(name, _LEAST_ABOUT) + 1
            if "about" in chosen:
                needed += _GOOD_ABOUT
            if needed > room:
                break
            chosen.add(name)
            room -= 0 if name == "about" else needed - ("about" in chosen) * _GOOD_ABOUT
        kept = [column for column in columns if column[0] in chosen]
        return kept, room - 1 if "about" in chosen else 0

    def _pieces(self, row: EventRow, place: int, columns: list[_Column], about: int) -> list[Piece]:
        here = place == self.cursor
        pieces: list[Piece] = [("›" if here else " ", "accent")]
        for name, _, width, right in columns:
            text = getattr(row, name)
            text = f"{text:>{width}}" if right and len(text) <= width else fitted(text, width)
            style = "plain" if name in ("kind", "class_name") else "muted"
            pieces.append((" " + text, "strong" if here else style))
        if about:
            pieces.append(("  " + fitted(row.about, about), "strong" if here else "muted"))
        return pieces
