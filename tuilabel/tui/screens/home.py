"""Sessions, sources and the demo: what can be opened."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Iterable
from datetime import datetime
from functools import partial
from pathlib import Path

from textual.widget import Widget

from tuilabel.text import counted
from tuilabel.tui.background.threads import beside
from tuilabel.tui.keymap.resolved import Keymap
from tuilabel.tui.screens.list_screen import ListScreen
from tuilabel.tui.screens.requested import OpenRequested
from tuilabel.tui.views.home import Entry, entries, state_of
from tuilabel.tui.views.open_session import OpenSession
from tuilabel.tui.widgets.details import Details
from tuilabel.tui.widgets.entry_list import EntryList
from tuilabel.workspace.places import is_same_file
from tuilabel.workspace.recent import (
    SessionFile,
    SessionState,
    known_sources,
    read_state,
    session_files,
)

_DETAILS = 6
_AROUND = 2 + 2 + _DETAILS
"""Rows of the screen that the list has not: header and footer, empty rows, the details."""


class HomeScreen(ListScreen, inherit_bindings=False):
    """Lists what is here; files are read one after another, beside the screen."""

    place = "home"

    def __init__(self, opened: OpenSession | None, keymap: Keymap | None = None) -> None:
        super().__init__(opened, keymap)
        self._session = None if opened is None else opened.session
        self._open_path = None if opened is None else opened.workspace.path
        self._list = EntryList(id="entries")
        self._details = Details(heading="details", paths=("file", "source"), id="about")
        self._files: list[SessionFile] = []
        self._states: dict[Path, SessionState] = {}
        self._sources: list[str] = []
        self._entries: list[Entry] = []
        self._cursor = 0
        self._moved = False
        self._listed = False
        self._reading: asyncio.Task[None] | None = None

    def body(self) -> Iterable[Widget]:
        """Lay out the list, and the details of the marked entry."""
        yield self._list
        yield self._details

    def on_mount(self) -> None:
        """Begin to read."""
        self._reading = asyncio.create_task(self._read())

    async def on_unmount(self) -> None:
        """Stop reading."""
        if self._reading is not None:
            self._reading.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._reading

    async def _read(self) -> None:
        self._files, self._open_path = await beside(partial(_listed, self._open_path))
        self._sources = await beside(partial(known_sources, ()))
        self._listed = True
        self.show_all()
        for file in self._files:
            if file.path == self._open_path:
                continue
            self._states[file.path] = await beside(partial(read_state, file.path))
            self.show_all()
        states = list(self._states.values())
        self._sources = await beside(partial(known_sources, states))
        self.show_all()

    def show_all(self) -> None:
        """Show what is known so far; the mark stays on its entry."""
        if self._session is not None and self._open_path is not None:
            self._states[self._open_path] = state_of(self._session)
        marked = self._entries[self._cursor].request if self._moved else None
        self._entries = entries(
            self._files,
            self._states,
            self._sources,
            self._open_path,
            datetime.now().astimezone(),
        )
        if marked is not None:
            places = (place for place, entry in enumerate(self._entries) if entry.request == marked)
            self._cursor = next(places, self._cursor)
        self._cursor = min(self._cursor, len(self._entries) - 1)
        found = counted(len(self._files), "session")
        self.show_header("home", right=found if self._listed else "looking for sessions…")
        self._list.show_entries(self._entries, self._cursor)
        entry = self._entries[self._cursor]
        self._details.show_details(entry.details, "bad" if entry.is_bad else "plain")
        self.fit_to(*self.app.size)

    def fit_to(self, width: int, height: int) -> None:
        """Put what is known of an entry right below the list, as far as there is room for both."""
        self._list.fit_to(height - _AROUND)

    def page(self) -> int:
        """Return how many steps a page is."""
        return self._list.page

    def move(self, step: int) -> None:
        """Move the mark."""
        self.hush()
        self._moved = True
        self._cursor = max(0, min(self._cursor + step, len(self._entries) - 1))
        self.show_all()

    def action_open(self) -> None:
        """Open the marked entry; if it is the open session, go back to it."""
        entry = self._entries[self._cursor]
        if entry.is_bad:
            self.say("It cannot be opened. The reason is shown above.", "accent")
        elif entry.request is None:
            self.action_leave()
        else:
            self.app.post_message(OpenRequested(entry.request))

    def action_leave(self) -> None:
        """Go back to labelling; where nothing is open, leave the program."""
        if self._session is None:
            self.app.exit(return_code=0)
        else:
            super().action_leave()


def _listed(open_path: Path | None) -> tuple[list[SessionFile], Path | None]:
    """Return the sessions, and the path under which the open one is listed."""
    files = session_files()
    if open_path is not None:
        here = (file.path for file in files if is_same_file(file.path, open_path))
        open_path = next(here, open_path)
    return files, open_path
