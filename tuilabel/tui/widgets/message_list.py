"""Messages, what each is about, and a mark on one of them."""

from __future__ import annotations

from collections.abc import Sequence

from rich.cells import cell_len
from textual.strip import Strip

from tuilabel.text import inert, shown_path
from tuilabel.tui.text.pieces import fitted
from tuilabel.tui.views.messages import Message
from tuilabel.tui.widgets.details import cut_in_the_middle
from tuilabel.tui.widgets.lines import Lines, scrolled

_LONGEST_TEXT = 300
_NOTHING = " Every file was read, and nothing is wrong with the session."


class MessageList(Lines):
    """One row for each message; the text takes the room that it needs, up to two thirds."""

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._messages: Sequence[Message] = ()
        self._cursor = self._first = 0

    def show_messages(self, messages: Sequence[Message], cursor: int) -> None:
        """Show messages with the mark on one."""
        self._messages, self._cursor = messages, cursor
        self.redraw()

    def redraw(self) -> None:
        """Draw the rows that fit."""
        if not self.size.area:
            return
        if not self._messages:
            self.show([self.row((_NOTHING, "muted"))])
            return
        height = self.size.height
        self._first = scrolled(self._first, self._cursor, height, len(self._messages))
        places = range(self._first, min(self._first + height, len(self._messages)))
        names = {place: shown_path(self._messages[place].about) for place in places}
        longest = max(map(cell_len, names.values()))
        self.show([self._row_of(place, names[place], longest) for place in places])

    def _row_of(self, place: int, name: str, longest: int) -> Strip:
        message = self._messages[place]
        text = inert(message.text, _LONGEST_TEXT)
        width = self.size.width - 5
        room = min(longest, max(width - cell_len(text), width // 3))
        here = place == self._cursor
        return self.row(
            (" › " if here else "   ", "accent"),
            (fitted(cut_in_the_middle(name, room), room), "strong" if here else "plain"),
            ("  " + fitted(text, max(0, width - room)), message.style),
        )
