"""Files with a reason each, and a mark on one of them."""

from __future__ import annotations

from collections.abc import Sequence

from rich.cells import cell_len
from textual.strip import Strip

from tuilabel.data.dataset import SkippedFile
from tuilabel.text import inert, shown_path
from tuilabel.tui.text.pieces import fitted
from tuilabel.tui.widgets.details import cut_in_the_middle
from tuilabel.tui.widgets.lines import Lines, scrolled

_LONGEST_REASON = 200


class FileList(Lines):
    """One row for each file; the reason takes the room that it needs, up to two thirds."""

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._files: Sequence[SkippedFile] = ()
        self._cursor = self._first = 0

    def show_files(self, files: Sequence[SkippedFile], cursor: int) -> None:
        """Show files with the mark on one."""
        self._files, self._cursor = files, cursor
        self.redraw()

    def redraw(self) -> None:
        """Draw the rows that fit."""
        if not self.size.area:
            return
        if not self._files:
            self.show([self.row((" Every file was read.", "muted"))])
            return
        height = self.size.height
        self._first = scrolled(self._first, self._cursor, height, len(self._files))
        places = range(self._first, min(self._first + height, len(self._files)))
        names = {place: shown_path(self._files[place].path) for place in places}
        longest = max(map(cell_len, names.values()))
        self.show([self._row_of(place, names[place], longest) for place in places])

    def _row_of(self, place: int, name: str, longest: int) -> Strip:
        reason = inert(self._files[place].reason, _LONGEST_REASON)
        width = self.size.width - 5
        room = min(longest, max(width - cell_len(reason), width // 3))
        here = place == self._cursor
        return self.row(
            (" › " if here else "   ", "accent"),
            (fitted(cut_in_the_middle(name, room), room), "strong" if here else "plain"),
            ("  " + fitted(reason, max(0, width - room)), "muted"),
        )
