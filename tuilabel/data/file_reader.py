"""Reading of the files of a folder in the background: what is wanted first, then the others."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Sequence

import numpy as np

from tuilabel.data.folder_items import FolderItems, Found
from tuilabel.data.part import frame_of
from tuilabel.errors import TuilabelError

_THREADS = 4
# Files that are decoded with one message; fewer if they are large, or somebody waits for them.
_FILES, _WANTED_FILES = 32, 4
_BYTES = 2**17
# Rows of the order among which those of one group are read together.
_AHEAD = 4096

Post = Callable[[Sequence[tuple[int, Found]] | TuilabelError], object]


class FileReader:
    """Reads all files that were not read yet, in a few threads.

    The threads are daemons: a file system may take any time to answer, and nothing waits for it at
    the end.

    Parameters
    ----------
    items : FolderItems
    post : callable
        Takes what was read of some rows, for `FolderItems.learn`, or an error after which nothing
        more is read. It is called in a thread of the reader.
    threads : int
    """

    def __init__(self, items: FolderItems, post: Post, threads: int) -> None:
        self._items = items
        self._post = post
        self._threads = min(threads, _THREADS)
        self._left = items.unread.copy()
        self._next = 0
        self._groups = items.read_together
        self._wanted: deque[int] = deque()
        self._begun: dict[int, tuple[float, int]] = {}
        # The rows of each file that has parts, in the order in which they are quickest to read.
        self._parts: dict[str, list[int]] = {}
        for row in np.flatnonzero([bool(key.part) for key in items.keys]).tolist():
            self._parts.setdefault(items.keys[row].path, []).append(row)
        for rows in self._parts.values():
            rows.sort(key=lambda row: frame_of(items.keys[row].part))
        self._lock = threading.Lock()
        self._running = 0
        self._ends = False

    def start(self) -> None:
        """Begin to read."""
        self.grow(0)

    def grow(self, count: int) -> None:
        """Read some more rows too, which the items have at their end now."""
        with self._lock:
            self._next = min(self._next, len(self._left))
            self._left = np.concatenate([self._left, np.ones(count, dtype=bool)])
            resting = self._threads - self._running
            self._running = self._threads
        for _ in range(resting):
            threading.Thread(target=self._work, name="reader", daemon=True).start()

    def want(self, rows: Iterable[int]) -> None:
        """Read some rows before all others, instead of those that were wanted before."""
        with self._lock:
            self._wanted = deque(row for row in rows if self._left[row])

    def stop(self) -> None:
        """Read no more; what is being read is dropped."""
        self._ends = True

    def waits_for(self, seconds: float) -> str | None:
        """Return the path of a file that has taken longer than some seconds; None without one."""
        before = time.monotonic() - seconds
        late = [(begun, row) for begun, row in list(self._begun.values()) if begun < before]
        return self._items.keys[min(late)[1]].name if late else None

    def _work(self) -> None:
        me = threading.get_ident()
        while rows := self._take():
            self._begun[me] = time.monotonic(), rows[0]
            try:
                found: Sequence[tuple[int, Found]] | TuilabelError = self._items.read(rows)
            except TuilabelError as error:
                found, self._ends = error, True
            del self._begun[me]
            if not self._ends or isinstance(found, TuilabelError):
                self._post(found)

    def _take(self) -> list[int]:
        """Return the next rows to read together; none at the end."""
        both = ((self._following_wanted, _WANTED_FILES), (self._following, _FILES))
        with self._lock:
            for follow, most in both:
                rows: list[int] = []
                size = 0
                while len(rows) < most and size < _BYTES and (row := follow()) is not None:
                    rows += (
                        self._of_file(row) if self._groups is None else self._of_group(row, most)
                    )
                    size += self._items.keys[row].size
                if rows and not self._ends:
                    return rows
            self._running -= 1
            return []

    def _of_file(self, row: int) -> list[int]:
        """Take a row, and others that are parts of its file: it is opened once for all of them."""
        self._left[row] = False
        others = [
            other for other in self._parts.get(self._items.keys[row].path, ()) if self._left[other]
        ]
        rows = sorted(
            [row, *others[: _FILES - 1]], key=lambda each: frame_of(self._items.keys[each].part)
        )
        self._left[rows] = False
        return rows

    def _of_group(self, row: int, most: int) -> list[int]:
        """Take a row, and others that are read at once with it: wanted ones or following ones."""
        assert self._groups is not None
        end = min(self._next + _AHEAD, len(self._left))
        ahead = self._wanted if most == _WANTED_FILES else range(self._next, end)
        self._left[row] = False
        others = np.array(ahead, dtype=np.intp)
        rows = others[self._left[others] & (self._groups[others] == self._groups[row])][: most - 1]
        self._left[rows] = False
        return [row, *map(int, rows)]

    def _following_wanted(self) -> int | None:
        while self._wanted:
            row = self._wanted.popleft()
            if self._left[row]:
                return row
        return None

    def _following(self) -> int | None:
        ahead = np.flatnonzero(self._left[self._next : self._next + _FILES])
        while not ahead.size and self._next < len(self._left):
            self._next += _FILES
            ahead = np.flatnonzero(self._left[self._next : self._next + _FILES])
        return int(self._next + ahead[0]) if ahead.size else None
