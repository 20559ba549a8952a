"""What can be opened, under headings, with a mark."""

from __future__ import annotations

from collections.abc import Sequence

from textual.strip import Strip

from tuilabel.tui.glyphs import level_bar
from tuilabel.tui.home_view import Entry
from tuilabel.tui.widgets.lines import Lines, Piece, fitted

_LABELS, _ACCURACY, _USED = 16, 8, 16
_TRACK = 10


class EntryList(Lines):
    """Entries in columns; the name takes what is left."""

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
    def page(self) -> int:
        """How many entries are about a page."""
        return max(1, self.size.height - 6)

    def redraw(self) -> None:
        """Draw the rows that are seen."""
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
        rows = rows[self._top : self._top + height]
        self.show([*rows, *[self.row()] * (height - len(rows))])

    def _pieces(self, entry: Entry, *, here: bool) -> list[Piece]:
        width = self.size.width
        style = "strong" if here else "plain"
        mark: Piece = (" › " if here else "   ", "accent")
        if not entry.used:
            return [mark, (fitted(entry.name, width - 4), style)]
        track = _TRACK if width >= 90 else 0
        used = _LABELS + _ACCURACY + _USED + (track + 2 if track else 0)
        name = max(12, width - 3 - used)
        pieces: list[Piece] = [mark, (fitted(entry.name, name - 1) + " ", style)]
        text = fitted(f"{entry.labels:>{_LABELS - 1}}", _LABELS - 1) + " "
        pieces.append((text, "bad" if entry.is_bad else style))
        if track:
            bar = level_bar(entry.share or 0.0, track)
            rest = ("·" if entry.share is not None else " ") * (track - len(bar))
            pieces += [(" ", "plain"), (bar, "bar"), (rest, "track"), (" ", "plain")]
        pieces.append((f"{entry.accuracy:>{_ACCURACY - 1}} ", style))
        pieces.append((f"{entry.used:>{_USED}}", "accent" if entry.wish is None else "muted"))
        return pieces
