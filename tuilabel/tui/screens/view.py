"""Images to look at and to mark: a contact sheet, and one of them large."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Iterable, Sequence
from pathlib import PurePath
from typing import overload

import numpy as np
from numpy.typing import NDArray
from rich.cells import cell_len
from textual.containers import Horizontal, Vertical
from textual.widget import Widget

from tuilabel.errors import SourceError, TuilabelError
from tuilabel.text import counted, inert
from tuilabel.trainer.client import RunJob
from tuilabel.tui.answering.seen_image import SeenImage
from tuilabel.tui.background.threads import beside
from tuilabel.tui.images import Pixels
from tuilabel.tui.keymap.resolved import Keymap
from tuilabel.tui.screens.list_screen import ListScreen
from tuilabel.tui.text.names import shown_name
from tuilabel.tui.views.look import Sight
from tuilabel.tui.widgets.details import Details, end_of
from tuilabel.tui.widgets.gallery import Gallery, Tile
from tuilabel.tui.widgets.picture import Picture
from tuilabel.workspace.viewing import Viewed

INTERRUPTED = 130
"""The exit status of a program that Ctrl-C has ended, as in a shell."""

_DAMAGED = np.zeros((1, 1), np.uint8)
_AT_ONCE = 12
_WORDS = {
    "name": "by name",
    "time": "by time",
    "likeness": "most alike first",
    "odd": "most unusual first",
}


class ViewScreen(ListScreen, inherit_bindings=False):
    """Shows images in an order, and keeps which are marked.

    Parameters
    ----------
    viewed : Viewed
    keymap : Keymap
    run : RunJob
        Has a job done by the trainer.
    sort : str
        ``name``, ``time``, ``likeness`` or ``odd``.

    Attributes
    ----------
    marked : set of int
        The rows of the marked images.
    """

    place = "view"

    def __init__(self, viewed: Viewed, keymap: Keymap, run: RunJob, sort: str = "name") -> None:
        super().__init__(None, keymap)
        self._viewed = viewed
        self._run = run
        self._first_sort = sort
        self.marked: set[int] = set()
        self._order: NDArray[np.integer] = np.arange(len(viewed))
        self._sort = "name"
        self._all: NDArray[np.integer] | None = None
        self._gallery = Gallery(self._image_of, at_once=_AT_ONCE, id="thumbnails")
        self._picture = Picture(overlaid=True, id="picture")
        self._facts = Details(paths=("file",), id="facts")
        self._seen = SeenImage(self)
        self._shown: int | None = None
        self._sorting: asyncio.Task[None] | None = None

    def body(self) -> Iterable[Widget]:
        """Lay out the contact sheet, and the large image with its facts."""
        with Horizontal(id="columns"):
            yield self._gallery
            with Vertical(id="beside"):
                yield self._picture
                yield self._facts

    def on_mount(self) -> None:
        """Show the first image, and begin to sort."""
        self.register(self._seen)
        if self._first_sort != "name":
            self.sort(self._first_sort)

    async def on_unmount(self) -> None:
        """Sort no longer."""
        if self._sorting is not None:
            self._sorting.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._sorting

    # What is shown.

    @property
    def current(self) -> int | None:
        """The row of the image under the mark; None where there is none."""
        return int(self._order[self._gallery.cursor]) if len(self._order) else None

    def _image_of(self, row: int) -> Pixels:
        try:
            return self._viewed.dataset.image(row)
        except SourceError as error:
            self.say(inert(str(error), 300), "bad")
            return _DAMAGED

    def show_all(self) -> None:
        """Show the images around the mark, and the one under it."""
        count, here = len(self._order), self._gallery.cursor
        self._gallery.show_tiles(_Tiles(self), "  No image is marked.")
        here = self._gallery.cursor
        where = f"{here + 1:,} of {count:,}" if count else "none"
        where += ", " + ("marked only" if self._all is not None else _WORDS[self._sort])
        right = f"{len(self.marked):,} marked"
        self.show_header(shown_name(self._viewed.name, 24), (f"  {where}", "muted"), right=right)
        row = self.current
        if row != self._shown:
            self._shown = row
            self._seen.expect()
            if row is None:
                self._picture.clear()
            else:
                self._picture.show_image(Sight(row, self._image_of(row)))
        self._facts.show_details([] if row is None else list(self._details(row)))

    def _details(self, row: int) -> Iterable[tuple[str, str]]:
        paths = self._viewed.paths(row)
        others = f" and {counted(len(paths) - 1, 'copy', 'copies')}" if len(paths) > 1 else ""
        yield "file", shown_name(paths[0], 400) + others
        yield "mark", "● marked" if row in self.marked else "– not marked"

    def caption(self, row: int) -> str:
        """Return what stands below an image: whether it is marked, and the end of its name."""
        name = shown_name(PurePath(self._viewed.paths(row)[0]).stem, 400)
        marks = ("▲" if row == self.current else "") + ("●" if row in self.marked else "")
        room = self._gallery.tile_width - len(marks)
        if cell_len(name) > room:
            # Names of one camera begin alike.
            name = "…" + end_of(name, room - 1)
        return ("●" if row in self.marked else "") + name

    def image_is_in_frame(self) -> bool:
        """Return whether the large image went into a frame."""
        return self._picture.painted

    def has_room_again(self) -> None:
        """Show the image: it was not on the terminal until now."""
        self._seen.expect()
        self._picture.uncover()

    # Moving.

    def page(self) -> int:
        """Return how many steps a page is."""
        return self._gallery.page

    def move(self, step: int) -> None:
        """Go to another image."""
        self.hush()
        self._gallery.move(step)
        self.show_all()

    def action_left(self) -> None:
        """Go to the image before."""
        self.move(-1)

    def action_right(self) -> None:
        """Go to the next image."""
        self.move(+1)

    def action_up(self) -> None:
        """Go to the image above."""
        self.move(-self._across)

    def action_down(self) -> None:
        """Go to the image below."""
        self.move(+self._across)

    @property
    def _across(self) -> int:
        return 1 if self.has_class("-large") else self._gallery.columns

    def action_large(self) -> None:
        """Show the image alone, or among the others."""
        self.toggle_class("-large")

    def action_close(self) -> None:
        """Show the image among the others."""
        self.remove_class("-large")

    # Marks.

    def action_mark(self) -> None:
        """Mark the image that is on the terminal, or take its mark away."""
        row = self.current
        if row is None or self.too_small:
            return
        held = self._seen.held()
        if held is not None:
            self.say(held, "accent")
            return
        self.hush()
        self.marked ^= {row}
        self.show_all()

    def action_marked(self) -> None:
        """Show the marked images only, or all of them."""
        if self._all is not None:
            self._show_order(self._all)
        elif not self.marked:
            self.say("No image is marked.")
        else:
            kept = np.isin(self._order, list(self.marked))
            order = self._order[kept]
            self._show_order(order, keeping=self._order)
        self.show_all()

    def _show_order(
        self, order: NDArray[np.integer], keeping: NDArray[np.integer] | None = None
    ) -> None:
        """Show images in an order; the mark stays on its image where that is shown."""
        row = self.current
        self._order, self._all = order, keeping
        found = np.flatnonzero(order == row)
        self._gallery.cursor = int(found[0]) if len(found) else 0

    # Sorting.

    def action_by_name(self) -> None:
        """Sort by name."""
        self.sort("name")

    def action_by_time(self) -> None:
        """Sort by time."""
        self.sort("time")

    def action_by_likeness(self) -> None:
        """Sort by likeness to this image."""
        self.sort("likeness")

    def action_by_oddness(self) -> None:
        """Sort by oddness."""
        self.sort("odd")

    def sort(self, sort: str) -> None:
        """Begin to sort; the order stays until another is known."""
        if self._sorting is not None:
            self._sorting.cancel()
        self._sorting = asyncio.create_task(self._sorted(sort, self.current))

    async def _sorted(self, sort: str, row: int | None) -> None:
        try:
            order = await self._new_order(sort, row)
        except TuilabelError as error:
            self.say(f"✗ {inert(str(error), 300)}", "bad")
            return
        self._sort = sort
        self._show_order(order)
        if sort in ("likeness", "odd"):
            self._gallery.cursor = 0
        self.hush()
        self.show_all()

    async def _new_order(self, sort: str, row: int | None) -> NDArray[np.integer]:
        match sort:
            case "name":
                return np.arange(len(self._viewed))
            case "time":
                self.say("sorting…")
                times = await beside(self._viewed.times)
                return np.argsort(times, kind="stable")
        from tuilabel.trainer.jobs import Sort, Sorted

        self.say("sorting…")
        answer = await self._run(Sort(row if sort == "likeness" else None), self._progressed)
        assert isinstance(answer, Sorted)
        return answer.rows

    def _progressed(self, what: str, done: int, total: int | None) -> None:
        share = "" if not total else f" {done / total:.0%}"
        self.say(f"sorting: {inert(what)}{share}")

    # The image.

    def action_invert(self) -> None:
        """Swap dark and light."""
        self._picture.invert()

    def action_more_contrast(self) -> None:
        """Raise the contrast."""
        self._picture.change_contrast(+1)

    def action_less_contrast(self) -> None:
        """Lower the contrast."""
        self._picture.change_contrast(-1)

    # Leaving.

    def action_leave(self) -> None:
        """Leave; the paths of the marked images are written."""
        self.app.exit(return_code=0)

    async def action_quit(self) -> None:
        """Leave, and write nothing."""
        self.app.exit(return_code=INTERRUPTED)


class _Tiles(Sequence[Tile]):
    """The images of a screen in its order; only those that are looked at are made."""

    def __init__(self, screen: ViewScreen) -> None:
        self._screen = screen
        self._order = screen._order

    def __len__(self) -> int:
        return len(self._order)

    @overload
    def __getitem__(self, place: int) -> Tile: ...
    @overload
    def __getitem__(self, place: slice) -> Sequence[Tile]: ...
    def __getitem__(self, place: int | slice) -> Tile | Sequence[Tile]:
        if isinstance(place, slice):
            return [self[one] for one in range(len(self))[place]]
        row = int(self._order[place])
        return Tile(row, self._screen.caption(row))
