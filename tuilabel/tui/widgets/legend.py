"""The classes with the keys that label them."""

from __future__ import annotations

from collections.abc import Sequence

from rich.cells import cell_len

from tuilabel.tui.widgets.lines import Lines, Piece, fitted

MOST_ROWS = 3
"""Rows it may take of a small terminal; the help screen has what does not fit."""


class Legend(Lines):
    """Each class as its key and name, in as many rows as it needs."""

    def __init__(self, keys: Sequence[str], names: Sequence[str], *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._entries = list(zip(keys, names, strict=True))

    def rows_needed(self, width: int) -> int:
        """Tell how many rows the classes take at a width."""
        return min(MOST_ROWS, len(self._wrapped(width)))

    def redraw(self) -> None:
        """Draw the classes in this size."""
        if not self.size.area:
            return
        wrapped = self._wrapped(self.size.width)
        shown = wrapped[: self.size.height]
        rows = [self.row(*pieces) for pieces in shown]
        if len(wrapped) > len(shown) and shown:
            more = sum(len(pieces) // 2 for pieces in wrapped[len(shown) :])
            last = list(shown[-1])
            note = f"  … and {more} more: ?"
            while last and sum(cell_len(text) for text, _ in last) + len(note) > self.size.width:
                del last[-2:]
                more += 1
                note = f"  … and {more} more: ?"
            rows[-1] = self.row(*last, (note, "muted"))
        self.show(rows)

    def _wrapped(self, width: int) -> list[list[Piece]]:
        rows: list[list[Piece]] = [[]]
        used = 0
        for key, name in self._entries:
            text = "" if name == key else " " + fitted(name, min(cell_len(name), 20))
            piece: list[Piece] = [(f"  {key}", "strong"), (text, "plain")]
            length = 3 + cell_len(text)
            if used + length > width and rows[-1]:
                rows.append([])
                used = 0
            rows[-1] += piece
            used += length
        return rows
