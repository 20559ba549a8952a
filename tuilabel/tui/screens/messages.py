"""What the annotator should know: about the session, its source, and files that cannot be read."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from functools import partial

from textual.widget import Widget

from tuilabel.text import counted, shown_path
from tuilabel.tui.screens.list_screen import ListScreen
from tuilabel.tui.views.open_session import OpenSession
from tuilabel.tui.widgets.details import Details
from tuilabel.tui.widgets.message_list import MessageList
from tuilabel.workspace.ending import write_copy
from tuilabel.workspace.writing import Task


class MessagesScreen(ListScreen, inherit_bindings=False):
    """A list of messages, each with what it is about; the marked one is shown whole below."""

    place = "messages"

    def __init__(self, opened: OpenSession) -> None:
        super().__init__(opened)
        self._messages = opened.messages.all()
        self._list = MessageList(id="files")
        self._details = Details(paths=("about",), id="about")
        self._cursor = 0
        self._copying: asyncio.Task[None] | None = None

    def body(self) -> Iterable[Widget]:
        """Return the list, and the place of the marked message."""
        yield self._list
        yield self._details

    def show_all(self) -> None:
        """Show the messages around the marked one."""
        self._messages = self.opened.messages.all()
        found = counted(len(self._messages), "message")
        self.show_header("messages", (f"  {self.opened.source_name}", "muted"), right=found)
        self._list.show_messages(self._messages, self._cursor)
        marked = self._messages[self._cursor : self._cursor + 1]
        details = [(("about", shown_path(one.about)), ("message", one.text)) for one in marked]
        self._details.show_details(details[0] if details else ())

    def action_save_copy(self) -> None:
        """Write the session to another folder, also if it was removed."""
        if self._copying is None or self._copying.done():
            self.say("Writing a copy…")
            self._copying = asyncio.create_task(self._copy())

    async def _copy(self) -> None:
        work = self.opened.workspace
        task = Task(partial(write_copy, work))
        work.writer.start(task)
        self.opened.messages.copied(await task.done())
        self._cursor = 0
        self.hush()
        self.show_all()

    def on_unmount(self) -> None:
        """Leave the copy to the thread."""
        if self._copying is not None:
            self._copying.cancel()

    def page(self) -> int:
        """Return how many steps a page is."""
        return max(1, self._list.size.height - 1)

    def move(self, step: int) -> None:
        """Move the mark."""
        self._cursor = max(0, min(self._cursor + step, len(self._messages) - 1))
        self.show_all()
