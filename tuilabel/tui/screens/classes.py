"""The classes: how many labels, examples of each, and what the pool looks like at large."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Iterable

from textual.containers import Horizontal
from textual.widget import Widget

from tuilabel.errors import SourceError, TrainerError
from tuilabel.text import counted, inert
from tuilabel.tui.background.centres import (
    USUAL_CENTRES,
    Centres,
    centres_wanted,
    find_centres,
    kept_centres,
)
from tuilabel.tui.images import Pixels
from tuilabel.tui.screens.list_screen import ListScreen
from tuilabel.tui.views.classes import class_counts, newest_of_class
from tuilabel.tui.views.open_session import OpenSession
from tuilabel.tui.widgets.class_list import ClassList
from tuilabel.tui.widgets.gallery import SIZES, Gallery, Tile


class ClassesScreen(ListScreen, inherit_bindings=False):
    """A list with a mark, examples of the marked class, and the centres of the pool below."""

    place = "classes"

    def __init__(self, opened: OpenSession) -> None:
        super().__init__(opened)
        self._list = ClassList(opened.presenter.keys, opened.presenter.names, id="class-list")
        self._examples = Gallery(opened.image, has_cursor=False, at_once=6, id="examples")
        self._below = Gallery(self._centre, has_cursor=False, id="centres")
        self._cursor = self._indent = 0
        self._centres: Centres | None = None
        self._about = ""
        self._finding: asyncio.Task[None] | None = None

    def _centre(self, number: int) -> Pixels:
        assert self._centres is not None
        picture: Pixels = self._centres.pictures[number]
        return picture

    def body(self) -> Iterable[Widget]:
        """Lay the list out with examples beside it, and the centres below."""
        with Horizontal(id="columns"):
            yield self._list
            yield self._examples
        yield self._below

    def on_mount(self) -> None:
        """Look whether the centres are there from another time."""
        key = self.key_of("centres")
        self._about = f"{key} finds the {self._wanted} that stand for the pool, by k-means"
        self._finding = asyncio.create_task(self._look_up())

    @property
    def _wanted(self) -> int:
        return centres_wanted(len(self.opened.presenter.names))

    async def on_unmount(self) -> None:
        """Leave no child process behind."""
        if self._finding is not None:
            self._finding.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._finding

    async def _look_up(self) -> None:
        found = await kept_centres(self.opened.workspace.dataset)
        if found is not None:
            self._take(found)

    def action_centres(self) -> None:
        """Work the centres out."""
        if self._centres is None and (self._finding is None or self._finding.done()):
            self._about = "looking for them…"
            self.show_all()
            self._finding = asyncio.create_task(self._find())

    async def _find(self) -> None:
        try:
            self._take(await find_centres(self.opened.workspace.dataset, self.opened.run))
        except (TrainerError, SourceError) as error:
            self._about = f"not available: {inert(str(error), 200)}"
        except OSError as error:
            self._about = f"not available: {error.strerror}"
        self.show_all()

    def _take(self, found: Centres) -> None:
        self._centres = found
        self._about = "k-means centres, shares of the pool"
        self._below.forget()
        self.in_vain = {"centres"}
        self.show_foot()
        self.show_all()

    def fit_to(self, width: int, height: int) -> None:
        """Share the space out."""
        # In one row beside each other, and not higher than a quarter of the screen.
        fitting = (
            rows
            for rows in SIZES
            if rows <= height // 4 and USUAL_CENTRES * (2 * rows + 1) <= width + 1
        )
        rows = next(fitting, SIZES[-1])
        if self._below.styles.height is None or self._below.styles.height.value != rows + 2:
            self._below.styles.height = rows + 2
        # Where all of the width is needed, they begin at the edge.
        self._indent = int(USUAL_CENTRES * (2 * rows + 1) < width)
        if self._below.styles.margin.left != self._indent:
            self._below.styles.margin = (0, 0, 0, self._indent)

    def show_all(self) -> None:
        """Show counts, examples and centres."""
        session, names = self.opened.session, self.opened.presenter.names
        counts = class_counts(session)
        total = counted(session.labels, "label")
        auto = session.known.auto_labels_held
        total += f", {counted(auto, 'auto-label')}" if auto else ""
        self.show_header("classes", (f"  {self.opened.source_name}", "muted"), right=total)
        self._list.show_counts(counts, self._cursor)
        own = session.class_ids[self._cursor]
        rows = newest_of_class(session, self.opened.workspace.dataset, own)
        title = f"newest labelled {names[self._cursor]}"
        tiles = [Tile(row, "") for row in rows]
        self._examples.show_tiles(tiles, "none yet", [(title, "strong")])
        shares = self._centres.shares if self._centres is not None else ()
        centres = [Tile(number, f"{share:.0%}") for number, share in enumerate(shares)]
        title = " " * (1 - self._indent) + "typical images  "
        heading = [(title, "strong"), (self._about, "muted")]
        self._below.show_tiles(centres, "", heading)

    def page(self) -> int:
        """Return how many steps a page is."""
        return self._list.page

    def move(self, step: int) -> None:
        """Move the mark."""
        last = len(self.opened.presenter.names) - 1
        self._cursor = max(0, min(self._cursor + step, last))
        self.show_all()
