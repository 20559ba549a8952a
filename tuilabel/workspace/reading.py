"""Reading of a source beside the annotator: what is asked next first, then the rest."""

from __future__ import annotations

import os
import tempfile
import threading
import time
from collections.abc import Callable, Hashable, Sequence
from contextlib import suppress
from pathlib import Path
from queue import Empty, SimpleQueue
from typing import NamedTuple

import numpy as np

from tuilabel.data import ArrayFile
from tuilabel.data.file_cache import FileKey
from tuilabel.data.file_reader import FileReader
from tuilabel.data.folder_items import FolderItems, Found
from tuilabel.data.listing import no_image
from tuilabel.data.watching import Watcher
from tuilabel.errors import SourceError, TuilabelError
from tuilabel.events.lines import Event
from tuilabel.session import Annotator, Session

FIRST_SECONDS = 2.0
"""Longest time that a start waits for the images of the first batch."""

LATE_SECONDS = 1.0
"""After this time a file is named that is still being read."""

_BATCHES_AHEAD = 3
# Files that arrive are ranked once there is this share more of them: another child starts then.
_MORE = 0.25


class Pool(NamedTuple):
    """The images of the first rows, as models see them, in files that follow one another."""

    rows: int
    files: tuple[ArrayFile, ...]


class Arrived(NamedTuple):
    """Files that have arrived in the folder, and what they have in common with others."""

    keys: Sequence[FileKey]
    buckets: Sequence[Hashable]


class Recorded(NamedTuple):
    """Events that were written beside the event loop."""

    events: Sequence[Event]


Posted = Sequence[tuple[int, Found]] | Pool | Arrived | Recorded | TuilabelError


class SourceReading:
    """Reads the files of a folder, and passes on to a session what they are.

    Only what arrives is taken from other threads; everything else is done by the thread that owns
    the session.

    Parameters
    ----------
    items : FolderItems
    watches : bool
        Whether to look for files that arrive in the folder.

    Attributes
    ----------
    added : int
        Number of files that have arrived since the start.
    notify : callable
        Called in another thread when something has arrived for `take_in`.
    problem : str or None
        Why nothing more is read, as a sentence.
    when_read : callable or None
        Called once by `take_in` when all files were read.
    """

    def __init__(self, items: FolderItems, *, watches: bool = False) -> None:
        self._items = items
        self._session: Session | None = None
        self._arrived: SimpleQueue[Posted] = SimpleQueue()
        self._reader = FileReader(items, self._post, os.cpu_count() or 1)
        self._watcher: Watcher | None = None
        if watches:
            self._watcher = Watcher(
                items.root,
                items.keys,
                lambda keys: self._post(Arrived(keys, items.buckets_of(keys))),
            )
        self.added = 0
        self._counted = len(items)
        self._making = 0
        self._files: tuple[ArrayFile, ...] = ()
        self._gathering = threading.Lock()
        self._end = 0.0
        self._folder: tempfile.TemporaryDirectory[str] | None = None
        self.notify: Callable[[], object] = _nothing
        self.problem: str | None = None
        self.when_read: Callable[[], object] | None = None

    def start(self, seconds: float | None = None) -> None:
        """Begin to read, and wait for the first image, but no longer than some seconds.

        Raises
        ------
        SourceError
            No file is an image, or none can be decoded.
        """
        self._reader.start()
        end = self._end = time.monotonic() + (FIRST_SECONDS if seconds is None else seconds)
        items = self._items
        while (items.unread | items.refused).all() and items.unread.any():
            left = end - time.monotonic()
            if left <= 0:
                return
            self.take_in(left)
            if self.problem is not None:
                raise SourceError(self.problem)
        if items.refused.all():
            raise no_image(items.source, items.skipped)

    def attach(self, session: Session) -> None:
        """Attach the session; it knows what was read before."""
        self._session = session
        self._want()
        self._make_pool()
        if self._watcher is not None:
            self._watcher.start()

    def stop(self) -> None:
        """Read no more."""
        if self._watcher is not None:
            self._watcher.stop()
        self._reader.stop()
        self._items.rest()
        if self._folder is not None:
            self._folder.cleanup()

    def wait_for_first(self, by: Annotator) -> None:
        """Wait until the first batch can be asked, for what is left of the seconds of `start`."""
        assert self._session is not None
        end = self._end
        while self._session.current is None:
            self._session.go_on(by=by)
            left = end - time.monotonic()
            if self._session.current is not None or self.share == 1 or left <= 0:
                break
            self.take_in(left)
        self._session.keep_window(by=by)

    def take_in(self, seconds: float = 0.0) -> Pool | None:
        """Pass on what was read since the last time; return a new pool if there is one.

        Parameters
        ----------
        seconds : float
            How long to wait for something.
        """
        rows: list[int] = []
        pool, before = None, self.added
        with suppress(Empty):
            arrived = self._arrived.get(timeout=seconds) if seconds else self._arrived.get_nowait()
            while True:
                if isinstance(arrived, TuilabelError):
                    self.problem = str(arrived)
                elif isinstance(arrived, Pool):
                    pool = arrived
                elif isinstance(arrived, Recorded):
                    if self._session is not None:
                        self._session.take_in(arrived.events)
                elif isinstance(arrived, Arrived):
                    count = self._items.grow(arrived.keys, arrived.buckets)
                    self._reader.grow(count)
                    self.added += count
                else:
                    rows += self._items.learn(arrived)
                arrived = self._arrived.get_nowait()
        if self._session is not None:
            if self.added > before:
                self._session.items_added()
            if rows:
                self._session.items_read(rows)
            if rows or self.added > before:
                self._want()
            self._make_pool()
        if self.when_read is not None and not self._items.unread.any():
            when_read, self.when_read = self.when_read, None
            when_read()
        return pool

    @property
    def share(self) -> float:
        """The share of the files that were read, 0 to 1."""
        return 1 - float(self._items.unread.mean())

    @property
    def left(self) -> int:
        """Number of files that were not read yet."""
        return int(self._items.unread.sum())

    @property
    def waits_for(self) -> str | None:
        """The path of a file that takes long to be read; None without one."""
        return self._reader.waits_for(LATE_SECONDS)

    def recorded(self, events: Sequence[Event]) -> None:
        """Have events taken in that were written beside the event loop; called in any thread."""
        self._post(Recorded(events))

    def _want(self) -> None:
        assert self._session is not None
        session, batch = self._session, self._session.settings.batch_size
        wanted = session.unread_next(_BATCHES_AHEAD * batch)
        if session.pool_rows_wanted > self._making:
            wanted += session.unread_to_rank()
        self._reader.want(wanted)

    def _make_pool(self) -> None:
        """Gather the images that models learn from, once all of them were read."""
        assert self._session is not None
        batch, count = self._session.settings.batch_size, len(self._items)
        if count - self._counted >= max(batch, _MORE * self._counted):
            self._counted = count
        rows = min(self._session.pool_rows_wanted, self._counted)
        if rows <= self._making or self._items.unread[:rows].any():
            return
        if not self._session.can_rank(rows):
            return
        self._making = rows
        threading.Thread(target=self._gather, args=(rows,), name="pool", daemon=True).start()

    def _gather(self, rows: int) -> None:
        try:
            # Two of these can overlap; each adds to what the other has written.
            with self._gathering:
                self._add_file(rows)
        except OSError as error:
            reason = error.strerror or str(error)
            self._post(TuilabelError(f"There is no room for the images of the model ({reason})."))
        except TuilabelError as error:
            self._post(error)

    def _add_file(self, rows: int) -> None:
        """Write what the pool of the first rows lacks, and post it; a larger one stays."""
        if self._folder is None:
            self._folder = tempfile.TemporaryDirectory(prefix="tuilabel-")
        shape = self._items.seen_shape(np.arange(rows))
        done = sum(file.shape[0] for file in self._files)
        if done >= rows:
            return
        # More images can turn a grey pool into one of colours.
        if self._files and self._files[0].shape[1:] != shape:
            self._files, done = (), 0
        new = self._items.pool_file(np.arange(done, rows), Path(self._folder.name), shape)
        self._files += (new,)
        self._post(Pool(rows, self._files))

    def _post(self, arrived: Posted) -> None:
        self._arrived.put(arrived)
        self.notify()


def _nothing() -> None:
    """Notify nobody."""
