"""Sessions and sources to open, under headings, with a mark on one of them."""

from __future__ import annotations

from collections.abc import Sequence

from rich.cells import cell_len
from textual.strip import Strip

from tuilabel.tui.text.glyphs import level_bar
from tuilabel.tui.text.pieces import Piece, fitted
from tuilabel.tui.views.home import Entry
from tuilabel.tui.widgets.details import cut_in_the_middle
from tuilabel.tui.widgets.lines import Lines

_LABELS, _ACCURACY, _USED = 16, 8, 16
_TRACK, _LEFT = 10, 16
_WIDE = 90
"""Columns from which a session's source and the images left are shown."""


class EntryList(Lines):
    """Entries in columns; the name takes the room that is left."""

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._entries: Sequence[Entry] = ()
        self._top = 0
        self.cursor = 0

    def show_entries(self, entries: Sequence[Entry], cursor: int) -> None:
        """Show entries with the mark on one."""
        self._entries = entries
        self.cursor = max(0, min(cursor, len(entries) - 1))
        self.redraw()

    @property
    def height_of_all(self) -> int:
        """How many rows all entries take, with their headings."""
        headings = sum(bool(entry.heading) for entry in self._entries)
        return len(self._entries) + max(0, 2 * headings - 1)

    def fit_to(self, most: int) -> None:
        """Take the rows that all entries need, but not more than so many."""
        rows = min(self.height_of_all, most)
        if rows > 0 and (self.styles.height is None or self.styles.height.value != rows):
            self.styles.height = rows

    @property
    def page(self) -> int:
        """About how many entries fit on a page."""
        return max(1, self.size.height - 6)

    def redraw(self) -> None:
        """Draw the rows that fit."""
        if not self.size.area:
            return
        rows: list[Strip] = []
        marked = 0
        for place, entry in enumerate(self._entries):
            if entry.heading:
                rows += [self.row()] if rows else []
                rows.append(self.row((" " + entry.heading, "muted")))
            if place == self.cursor:
                marked = len(rows)
            rows.append(self.row(*self._pieces(entry, here=place == self.cursor)))
        height = self.size.height
        self._top = min(max(self._top, marked - height + 1), max(0, marked - 1))
        self._top = max(0, min(self._top, len(rows) - height))
        self.show(rows[self._top :])

    def _pieces(self, entry: Entry, *, here: bool) -> list[Piece]:
        width = self.size.width
        style = "strong" if here else "plain"
        mark: Piece = (" › " if here else "   ", "accent")
        if not entry.used:
            longest = max(cell_len(each.name) for each in self._entries if not each.used)
            name = min(longest, width // 2)
            pieces: list[Piece] = [mark, (fitted(cut_in_the_middle(entry.name, name), name), style)]
            return [*pieces, ("  " + fitted(entry.note, max(0, width - name - 6)), "muted")]
        sessions = [each for each in self._entries if each.used]
        wide = width >= _WIDE
        room = width - 4 - _LABELS - _ACCURACY - _USED - (_TRACK + 2 + _LEFT if wide else 0)
        longest = max(cell_len(each.name) for each in sessions) + 3
        name = max(12, min(longest, room // 2 if wide else room))
        pieces = [mark, (fitted(entry.name, name - 1) + " ", style)]
        if wide:
            longest = max(cell_len(each.source) for each in sessions) + 3
            source = min(longest, room - name)
            text = cut_in_the_middle(entry.source, source - 2)
            pieces.append((fitted(text, source), "muted"))
        text = fitted(f"{entry.labels:>{_LABELS - 1}}", _LABELS - 1) + " "
        pieces.append((text, "bad" if entry.is_bad else style))
        if wide:
            bar = level_bar(entry.share or 0.0, _TRACK)
            rest = ("·" if entry.share is not None else " ") * (_TRACK - len(bar))
            pieces += [(" ", "plain"), (bar, "bar"), (rest, "track"), (" ", "plain")]
            pieces.append((f"{entry.left:>{_LEFT - 1}} ", "muted"))
        pieces.append((f"{entry.accuracy:>{_ACCURACY - 1}} ", style))
        pieces.append((f"{entry.used:>{_USED}}", "accent" if entry.request is None else "muted"))
        return pieces
