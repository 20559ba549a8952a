"""A file that is kept like an export while somebody labels."""

from __future__ import annotations

import hashlib
import json
import os
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from tuilabel.errors import ExportError, TuilabelError
from tuilabel.exchange import Writer, writer
from tuilabel.exchange.choosing import About, Counts, Rows, shaped
from tuilabel.exchange.guard import Guard
from tuilabel.exchange.output import check_output, export_to, has_form_of
from tuilabel.exchange.rows import COLUMNS, label_rows
from tuilabel.feeds.plan import MirrorPlan
from tuilabel.session.view import SessionView
from tuilabel.small_files import read_small
from tuilabel.text import shown_path
from tuilabel.workspace.places import data_dir

LEAST_SECONDS, MOST_SECONDS = 2.0, 60.0
"""From one rewriting to the next: at least, and at most where writing fails."""

_SHARE = 4
"""How many times as long as it takes nothing is written: a large file keeps no processor busy."""

_LARGEST = 2**12

Mark = tuple[int, ...]
"""Inode, size and time of a file: another file, or one that was changed, has another mark."""

FIELDS = (*COLUMNS, "group", "unknown")
"""The fields that rows of a mirror may have."""


def mark_of(path: Path) -> Mark | None:
    """Return the mark of a file; None if there is none."""
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_ino, found.st_size, found.st_mtime_ns


def _note_of(path: Path) -> Path:
    name = os.fsencode(os.path.realpath(path))
    return data_dir() / "mirrors" / f"{hashlib.blake2b(name, digest_size=16).hexdigest()}.json"


def note(path: Path, session: str) -> None:
    """Note that a file is the mirror of a session, by its uuid, as it is now."""
    place = _note_of(path)
    new = place.with_suffix(f".{os.getpid()}.new")
    # Without a note, the next run asks for --force.
    with suppress(OSError):
        place.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        new.write_text(json.dumps({"session": session, "mark": mark_of(path)}), "ascii")
        new.replace(place)


def is_mirror(path: Path, session: str | None = None) -> bool:
    """Return whether a file is as the mirror of a session was left; by default, of any session."""
    with suppress(OSError, ValueError, TypeError):
        found = json.loads(read_small(_note_of(path), _LARGEST))
        is_same = mark_of(path) == tuple(found["mark"])
        return is_same and session in (None, found["session"])
    return False


def check_mirror(plan: MirrorPlan, guard: Guard, *, force: bool) -> None:
    """Raise an error if a mirror cannot be written, or must not be.

    Parameters
    ----------
    plan : MirrorPlan
    guard : Guard
    force : bool
        Whether an existing file may be replaced that has the form of this one.

    Raises
    ------
    ExportError, TuilabelError
    """
    path = Path(plan.path)
    is_earlier = is_mirror(path)

    def is_like(head: bytes) -> bool:
        columns = COLUMNS if plan.columns is None else tuple(plan.columns.values())
        return is_earlier or has_form_of(head, plan.format, columns)

    check_output(path, force=force or is_earlier, guard=guard, is_like=is_like)


class Mirror:
    """Keeps a file like an export of a session.

    Parameters
    ----------
    plan : MirrorPlan
    view : SessionView
        What it is written from; it is read on elsewhere.
    clock : callable
        A monotonic clock, in seconds.

    Attributes
    ----------
    trouble : str
        Why the file is not up to date, as a sentence; empty if nothing is wrong.
    is_stale : bool
        Whether the session has changed since the file was written.
    """

    def __init__(
        self, plan: MirrorPlan, view: SessionView, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self.trouble = ""
        self.is_stale = True
        self._plan, self._view, self._clock = plan, view, clock
        self._path = Path(plan.path)
        self._mark: Mark | None = plan.replaces
        self._write: Writer = writer(plan.format)
        self._due, self._pause = clock(), LEAST_SECONDS

    def keep(self, *, at_once: bool = False) -> None:
        """Write the file if the session has changed, and if it is time for it."""
        begun = self._clock()
        if not self.is_stale or (begun < self._due and not at_once):
            return
        try:
            export_to(
                self._path,
                self._rows(),
                self._write,
                force=True,
                guard=self._check,
                is_like=lambda _: True,
            )
        except TuilabelError as error:
            self.trouble = str(error)
            self._pause = min(2 * self._pause, MOST_SECONDS)
            self._due = begun + self._pause
        else:
            self.trouble, self.is_stale, self._pause = "", False, LEAST_SECONDS
            self._mark = mark_of(self._path)
            note(self._path, self._view.about.uuid)
            now = self._clock()
            self._due = max(begun + LEAST_SECONDS, now + _SHARE * (now - begun))

    def _check(self, path: Path) -> None:
        found = mark_of(path)
        # Another window of the session may keep the same file.
        if found not in (None, self._mark) and not is_mirror(path, self._view.about.uuid):
            raise ExportError(
                f"{shown_path(path)} was changed by another program, and is left as it is: the "
                "mirror goes on once that file is removed."
            )

    def _rows(self) -> Rows:
        view, plan, classes = self._view, self._plan, self._view.known.classes
        there = {"group": bool(view.known.groups), "unknown": view.about.multi}
        return shaped(
            label_rows(view.labelled()),
            Counts(),
            fields=[name for name in FIELDS if there.get(name, True)],
            columns=plan.columns,
            paths=plan.paths,
            root=None if plan.root is None else Path(plan.root),
            about=About(
                view.about.source,
                [classes.written_name(info.id) for info in classes],
                view.about.multi,
            ),
        )
