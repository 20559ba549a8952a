"""The files of the source that cannot be read as images."""

from __future__ import annotations

from collections.abc import Iterable

from textual.widget import Widget

from tuilabel.text import counted
from tuilabel.tui.screens.list_screen import ListScreen
from tuilabel.tui.views.open_session import OpenSession
from tuilabel.tui.widgets.file_list import FileList


class UnreadableScreen(ListScreen, inherit_bindings=False):
    """A list of files, each with the reason."""

    place = "unreadable"

    def __init__(self, opened: OpenSession) -> None:
        super().__init__(opened)
        self._files = opened.workspace.dataset.skipped
        self._list = FileList(id="files")
        self._cursor = 0

    def body(self) -> Iterable[Widget]:
        """Return the list."""
        yield self._list

    def show_all(self) -> None:
        """Show the files around the marked one."""
        found = counted(len(self._files), "file")
        self.show_header("unreadable files", (f"  {self.opened.source_name}", "muted"), right=found)
        self._list.show_files(self._files, self._cursor)

    def page(self) -> int:
        """Return how many steps a page is."""
        return max(1, self._list.size.height - 1)

    def move(self, step: int) -> None:
        """Move the mark."""
        self._cursor = max(0, min(self._cursor + step, len(self._files) - 1))
        self.show_all()
