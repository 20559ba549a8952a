"""Looking closely at the image that is asked: pictures from files, zoom, neighbours, facts.

A label never waits for any of it. The thumbnail is shown at once, and a picture from the image's
own file takes its place when it is there.
"""

from __future__ import annotations

import asyncio
import base64
import contextlib
import os
import shlex
import subprocess
from collections.abc import Callable, Sequence
from contextvars import copy_context
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple, Protocol

import numpy as np

from tuilabel.data.listing import path_order
from tuilabel.data.picture import Picture
from tuilabel.data.region import WHOLE, Region
from tuilabel.errors import SourceError
from tuilabel.text import inert, is_inert, shown_path
from tuilabel.tui.background.pictures import PictureLoader, PictureRequest
from tuilabel.tui.background.threads import beside
from tuilabel.tui.images import Pixels
from tuilabel.tui.images.sampling import enlarged
from tuilabel.tui.text.names import shown_name
from tuilabel.tui.views.look import (
    MOST_CORNERS,
    Look,
    Looked,
    Sight,
    WindowLook,
    step_words,
)
from tuilabel.tui.views.open_session import OpenSession
from tuilabel.tui.widgets.board import Board

OPEN_VARIABLE = "TUILABEL_OPEN"
"""The environment variable that names the program which opens files."""

_LATE = 2.0
"""Seconds after which the screen says which file it waits for."""

_LEAST_PIXELS = 16
"""Stored pixels at the shorter side of a part that is zoomed into at least."""

_AHEAD = 3
"""Places of the batch whose pictures are decoded ahead."""

_MOST_PLACES = 3
"""Places of one image that are named, where several files are equal."""


_UNREAD = np.zeros((2, 3), np.uint8)


class _ByName(NamedTuple):
    """Rows in the order of their names, and the place of each row in it."""

    rows: list[int]
    places: list[int]


class LookingScreen(Protocol):
    """What `Looking` needs of the screen that owns it."""

    def say(self, text: str, style: str = "muted") -> None:
        """Show a sentence until the next key."""

    def view_changes(self) -> bool:
        """Take no answer before another view is painted; return False where it must not change."""

    def view_changed(self) -> None:
        """Ask the terminal for a view that it shows already."""

    def set_timer(self, delay: float, callback: Callable[[], None]) -> object:
        """Call a function after some seconds."""

    def call_later(self, callback: Callable[..., object], *args: object) -> object:
        """Call a function in turn with the keys."""


class Looking:
    """What is seen of the image that is asked, and of its neighbours.

    Parameters
    ----------
    screen : LookingScreen
    opened : OpenSession

    Attributes
    ----------
    look : Look
    frames : sequence of int
        The rows that are asked together, in order.
    """

    def __init__(self, screen: LookingScreen, opened: OpenSession) -> None:
        self._screen = screen
        self._opened = opened
        self._dataset = opened.workspace.dataset
        self.look = Look()
        self._window = WindowLook()
        self._facts = False
        self._row: int | None = None
        self.frames: Sequence[int] = ()
        self._start = Look()
        self._loader: PictureLoader | None = None
        self._late: PictureRequest | None = None
        self._opening: asyncio.Future[None] | None = None
        self._sorting: asyncio.Future[None] | None = None
        self._by_name: _ByName | None = None
        self.board: Board | None = None

    # Life.

    def start(self, board: Board) -> None:
        """Decode pictures from now on."""
        self.board = board
        board.has_captions(self._dataset.file(0) is not None)
        if self._dataset.has_pictures:
            loop, context = asyncio.get_running_loop(), copy_context()

            def arrived(request: PictureRequest, drawn: Any) -> None:
                with contextlib.suppress(RuntimeError):  # the program has ended meanwhile
                    loop.call_soon_threadsafe(self._arrived, request, drawn, context=context)

            self._loader = PictureLoader(self._dataset, arrived)

    def stop(self) -> None:
        """Decode no more."""
        if self._loader is not None:
            self._loader.close()

    # What is shown.

    @property
    def is_neighbour(self) -> bool:
        """Whether another image is shown than the one that is asked."""
        return bool(self.look.step)

    @property
    def is_at_start(self) -> bool:
        """Whether the image is shown as it was asked."""
        return self.look == self._start

    @property
    def frame(self) -> int | None:
        """The place in its group of the frame that is shown; None without a group.

        It is None for a batch in rows as well, where one image stands for a group.
        """
        if len(self.frames) < 2 or self.board is None or self.board.view == "row":
            return None
        return min(self.look.frame, len(self.frames) - 1)

    @property
    def row(self) -> int | None:
        """The row of what is shown."""
        return None if self._row is None else self._shown(self._row, self.look)

    def ask(self, row: int | None, frames: Sequence[int] = (), first: int = 0) -> None:
        """Look at the whole of another image, as it is asked; the same one stays as it is.

        Parameters
        ----------
        row : int or None
        frames : sequence of int
            The rows that are asked together with it, and itself.
        first : int
            The place of the frame to begin with.
        """
        self.frames = frames
        if row != self._row:
            self._row, self._start = row, Look(frame=first)
            self.look = self._start

    def sight(self, row: int) -> Sight:
        """Return what to draw for a row of the dataset: for the one that is asked, the look."""
        look = self.look if row == self._row else Look()
        shown = self._shown(row, look)
        request = self._request(shown, look.region)
        found = None if self._loader is None else self._loader.found(request)
        caption = self._caption(shown, look, found) if row == self._row else ("", "muted")
        if isinstance(found, Picture):
            return Sight((request, self._window), self._pixels(found), caption)
        image = self._whole(shown)
        if self._loader is None and look.region == WHOLE:
            return Sight(shown, image, caption)
        part = look.region.part(image)
        if self._loader is not None:
            part = enlarged(part, request.box)
        return Sight((request, image.shape, self._window), part, caption)

    def is_ready(self, row: int) -> bool:
        """Return whether what will be drawn of a whole image is in memory."""
        request = self._request(row, WHOLE)
        return self._loader is None or self._loader.found(request) is not None

    def _whole(self, row: int) -> Pixels:
        """Return the best image of a row that is in memory."""
        request = self._request(row, WHOLE)
        found = None if self._loader is None else self._loader.found(request)
        return self._pixels(found) if isinstance(found, Picture) else self._thumbnail(row)

    def _thumbnail(self, row: int) -> Pixels:
        """Return the thumbnail of a row; a dark one where it was not read yet, or cannot be."""
        reading = self._dataset.reading
        if reading is not None and (reading.unread[row] or reading.refused[row]):
            return _UNREAD
        return self._opened.image(row)

    def _pixels(self, picture: Picture) -> Pixels:
        window = picture.window
        return picture.pixels(None if window is None else self._window.of(window))

    def _request(self, row: int, region: Region) -> PictureRequest:
        return PictureRequest(row, (1, 1) if self.board is None else self.board.box, region)

    def _caption(
        self, row: int, look: Look, found: Picture | SourceError | None
    ) -> tuple[str, str]:
        if self._dataset.file(row) is None:
            return "", "muted"
        name = self._dataset.references(row)[0].rpartition("/")[2]
        words = step_words(look.step) or self._frame_words(row)
        style = "accent" if look.step else "muted"
        if isinstance(found, SourceError):
            words, style = f"{words}  ! {inert(str(found), 200)}".strip(), "bad"
        elif found is None and self._late == self._request(row, look.region):
            words, style = f"{words}  waiting for this file".strip(), "accent"
        return f"{inert(name, 100)}  {words}".rstrip(), style

    def _frame_words(self, row: int) -> str:
        """Return the place of a frame in its group, and the class that it has."""
        if self.frame is None:
            return ""
        known = self._opened.session.known
        standing = known.standing(self._dataset.ids[row])
        label = "" if standing is None else standing.class_id
        name = f", {shown_name(known.classes.name(label), 24)}" if label else ""
        return f"frame {self.frame + 1:,} of {len(self.frames):,}{name}"

    def looked(self) -> Looked | None:
        """Return what stands beside the image; None for the accuracy."""
        if self._row is None or not (self.look.corners or self._facts):
            return None
        row, region = self._shown(self._row, self.look), self.look.region
        found = None
        if self._loader is not None:
            found = self._loader.found(self._request(row, region)) or self._loader.found(
                self._request(row, WHOLE)
            )
        picture = found if isinstance(found, Picture) else None
        words = f"zoom {self.look.zoom}: " + ", ".join(
            corner.replace("_", " ") for corner in self.look.corners
        )
        facts: Sequence[tuple[str, str]] = self._facts_of(row, picture) if self._facts else ()
        zoomed = region if self.look.corners else None
        return Looked(zoomed, self._thumbnail(row), words, facts)

    def _facts_of(self, row: int, picture: Picture | None) -> list[tuple[str, str]]:
        facts = [
            ("also" if place else "image", shown_path(reference))
            for place, reference in enumerate(self._dataset.references(row)[:_MOST_PLACES])
        ]
        path = self._dataset.file(row)
        if path is not None:
            facts.append(("folder", shown_path(path.parent)))
        if picture is not None:
            height, width = picture.size
            facts.append(("size", f"{width:,} x {height:,} pixels"))
            facts += picture.facts
        return facts

    # Pictures.

    def request(self, rows: Sequence[int]) -> None:
        """Decode what is seen now, and then the pictures of rows that come next."""
        if self._loader is None or self.board is None or self._row is None:
            return
        # A batch in rows shows thumbnails, and before the first layout there is no room.
        if self.board.view == "row" or min(self.board.box) < 1:
            return
        self.board.follow_line()
        shown, region = self._shown(self._row, self.look), self.look.region
        requests = [self._request(shown, region)]
        if self.look.step:
            beyond = self.look.step + (1 if self.look.step > 0 else -1)
            is_file = self._is_file(self._row, beyond)
            rows = [self._shown(self._row, Look(step=beyond))] if is_file else []
        around = self._frames_ahead()
        requests += [self._request(row, region) for row in around]
        requests += [self._request(row, WHOLE) for row in rows[: _AHEAD - len(around)]]
        self._loader.request([(each, self._draw(each)) for each in dict.fromkeys(requests)])
        if self._loader.found(requests[0]) is None:
            self._screen.set_timer(_LATE, partial(self._look_again, requests[0]))

    def _frames_ahead(self) -> list[int]:
        """Return the frames that are probably shown next."""
        if self.frame is None:
            return []
        count = len(self.frames)
        places = [(self.frame + step) % count for step in range(1, min(_AHEAD, count))]
        return [self.frames[place] for place in places]

    def _draw(self, request: PictureRequest) -> Callable[[Picture], Any]:
        assert self.board is not None
        window = self._window
        planned = self.board.planned((request, window))

        def draw(picture: Picture) -> Any:
            seen = None if picture.window is None else window.of(picture.window)
            return planned(picture.pixels(seen))

        return draw

    def _arrived(self, request: PictureRequest, drawn: Any) -> None:
        if isinstance(drawn, Exception):
            raise drawn
        if self.board is None:
            return
        if drawn is not None:
            self.board.keep(drawn)
        if self._row is not None and request == self._now:
            self._late = None
            self.board.show_again()

    @property
    def _now(self) -> PictureRequest:
        assert self._row is not None
        return self._request(self._shown(self._row, self.look), self.look.region)

    def _look_again(self, request: PictureRequest) -> None:
        """Show which file is waited for, where it is still the one that is looked at."""
        loader = self._loader
        if loader is None or self.board is None or self._row is None or request != self._now:
            return
        if loader.hangs(request, _LATE / 2):
            self._late = request
            self.board.show_again()
        elif loader.found(request) is None:
            self._screen.set_timer(_LATE, partial(self._look_again, request))

    # Actions.

    def _show(self, look: Look) -> None:
        """Show another view of the image that is asked, or a neighbour."""
        if look == self.look or not self._screen.view_changes():
            return
        self.look = look
        self.refresh()
        self._screen.view_changed()

    def resized(self) -> None:
        """Decode the picture in the size that it has now, if it comes from a file."""
        if self._loader is not None and self._row is not None:
            self.refresh()

    def refresh(self) -> None:
        """Show what is looked at, in the size and the window that it has now."""
        self.request([])
        if self.board is not None:
            self.board.show_again()

    def towards(self, corner: str) -> None:
        """Zoom into a quarter of what is seen, or out again where it was the last one."""
        look = self.look.towards(corner)
        if len(look.corners) < len(self.look.corners) or self._has_room(look):
            self._show(look)

    def closer(self) -> None:
        """Zoom into the same quarter again."""
        look = self.look.closer()
        if self._has_room(look):
            self._show(look)

    def _has_room(self, look: Look) -> bool:
        if self._row is None:
            return False
        if self.board is not None and self.board.view == "row":
            self._screen.say("A batch in rows cannot be zoomed: show one image at a time.")
            return False
        row = self._shown(self._row, look)
        whole = None if self._loader is None else self._loader.found(self._request(row, WHOLE))
        height, width = whole.size if isinstance(whole, Picture) else self._thumbnail(row).shape[:2]
        scale = 2 ** len(look.corners)
        if min(height, width) / scale < _LEAST_PIXELS or len(look.corners) > MOST_CORNERS:
            self._screen.say("This is as close as it gets.")
            return False
        return True

    def whole(self) -> None:
        """Show the whole image that is asked."""
        self._show(Look(frame=self.look.frame))

    def neighbour(self, step: int) -> None:
        """Show the file before or after."""
        if self._row is None:
            return
        if self._dataset.file(self._row) is None:
            self._screen.say("The images of this source are no files with neighbours.")
            return
        if self.board is not None and self.board.view == "row":
            self._screen.say("A batch in rows has no neighbours: show one image at a time.")
            return
        if self.frame is not None:
            place = self.frame + step
            if not 0 <= place < len(self.frames):
                self._screen.say(f"This is the {'first' if step < 0 else 'last'} frame.")
            else:
                self._show(self.look._replace(frame=place))
            return
        if self._by_name is None:
            # A hundred thousand names take a second to sort.
            if self._sorting is None:
                self._sorting = asyncio.ensure_future(self._sort(step))
            return
        look = self.look._replace(step=self.look.step + step)
        if not self._is_file(self._row, look.step):
            self._screen.say(f"This is the {'first' if step < 0 else 'last'} file.")
            return
        self._show(look)

    async def _sort(self, step: int) -> None:
        """Sort the files by name, and then show a neighbour."""
        dataset = self._dataset

        def by_name() -> _ByName:
            names = [path_order(dataset.references(row)[0]) for row in range(len(dataset))]
            rows = sorted(range(len(names)), key=names.__getitem__)
            places = [0] * len(rows)
            for place, row in enumerate(rows):
                places[row] = place
            return _ByName(rows, places)

        self._by_name = await beside(by_name)
        self.neighbour(step)

    def _is_file(self, row: int, step: int) -> bool:
        """Return whether there is a file so many places behind that of a row, by name."""
        return self._by_name is not None and (
            0 <= self._by_name.places[row] + step < len(self._by_name.rows)
        )

    # Frames of a group, one after another.

    def look_ahead(self) -> None:
        """Decode the frames that come next."""
        self.request([])

    def step_round(self) -> bool:
        """Show the frame after this one, or the first; return False where it is not decoded yet."""
        if self.frame is None:
            return False
        place = (self.frame + 1) % len(self.frames)
        request = self._request(self.frames[place], self.look.region)
        if self._loader is not None and self._loader.found(request) is None:
            return False
        self.look = self.look._replace(frame=place)
        self.refresh()
        return True

    def _shown(self, row: int, look: Look) -> int:
        """Return the row of the frame that is looked at, or of a file before or after by name."""
        if row == self._row and self.frame is not None:
            return self.frames[min(look.frame, len(self.frames) - 1)]
        if not look.step or self._by_name is None:
            return row
        return self._by_name.rows[self._by_name.places[row] + look.step]

    def facts(self) -> None:
        """Show facts about the file in place of the accuracy, or no longer."""
        self._facts = not self._facts
        if self.board is not None:
            self.board.show_look()

    def change_window(self, width: int = 0, level: int = 0) -> None:
        """Narrow or shift the window of images of more than 8 bits."""
        if self._dataset.window is None:
            self._screen.say("These images have 8 bits and no window.")
            return
        self._window = WindowLook(self._window.width + width, self._window.level + level)
        self.refresh()

    @property
    def _path(self) -> Path | None:
        if self._row is None:
            return None
        return self._dataset.file(self._shown(self._row, self.look))

    def open_file(self) -> None:
        """Open the file with the program that the person has named."""
        path, command = self._path, os.environ.get(OPEN_VARIABLE, "").strip()
        if path is None:
            self._screen.say("This image is not a file.")
        elif not command:
            self._screen.say(f"Set {OPEN_VARIABLE} to a program that opens files: xdg-open, feh.")
        else:
            self._opening = asyncio.ensure_future(self._open(command, path))

    async def _open(self, command: str, path: Path) -> None:
        try:
            program = [*shlex.split(command), os.fspath(path)]
            await beside(partial(_begin, program))
        except (OSError, ValueError) as error:
            reason = getattr(error, "strerror", None) or str(error)
            self._screen.say(
                f"{inert(command, 60)} cannot be started: {inert(reason, 100)}.", "bad"
            )
        else:
            self._screen.say(f"{inert(program[0], 60)} opens {inert(path.name, 100)}.")

    def copied(self) -> str:
        """Return the codes that put the path on the clipboard (OSC 52), or say why not."""
        path = self._path
        if path is None:
            self._screen.say("This image is not a file.")
            return ""
        text = os.fspath(path)
        if not is_inert(text, len(text)):
            # Pasted into a shell, a line break would run what stands behind it.
            self._screen.say("The path has characters that are not safe to paste.", "bad")
            return ""
        self._screen.say("The path went to the clipboard, if the terminal lets programs write it.")
        return f"\x1b]52;c;{base64.b64encode(text.encode()).decode()}\x1b\\"


def _begin(program: Sequence[str]) -> None:
    subprocess.Popen(
        program,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
