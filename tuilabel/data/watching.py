"""Looking for files that arrive in a folder while somebody labels."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

from tuilabel.data.file_cache import FileKey
from tuilabel.data.listing import scan
from tuilabel.errors import TuilabelError

STABLE_SECONDS = 2.0
"""A file has arrived once its size and times have not changed for so long.

The time doubles with each version of the file that has arrived: a file that is written to again and
again, such as a log, would be another item each time.
"""

LOOK_SECONDS = 1.0
# A large folder is listed less often: it takes no more than this share of the time.
_SHARE = 0.05
_MOST_DOUBLED = 20


class Arrivals:
    """Which files of a folder are new, from one listing after another.

    Parameters
    ----------
    known : iterable of FileKey
        The files that are there already.
    """

    def __init__(self, known: Iterable[FileKey]) -> None:
        self._known = {key.path: key for key in known}
        self._changing: dict[str, tuple[FileKey, float]] = {}
        self._versions: dict[str, int] = {}

    def arrived(self, files: Iterable[FileKey], now: float) -> list[FileKey]:
        """Return the files that are new, or have other content, and are written to their end.

        Parameters
        ----------
        files : iterable of FileKey
            All files as they are now.
        now : float
            In seconds, by a clock that never goes back.
        """
        changing: dict[str, tuple[FileKey, float]] = {}
        there: dict[str, FileKey] = {}
        found = []
        for key in files:
            before = self._known.get(key.path)
            if key != before:
                first, since = self._changing.get(key.path, (key, now))
                if first != key:
                    since = now
                versions = self._versions.get(key.path, 0)
                if now - since < STABLE_SECONDS * 2.0**versions:
                    changing[key.path] = key, since
                else:
                    found.append(key)
                    self._versions[key.path] = min(versions + 1, _MOST_DOUBLED)
                    before = key
            if before is not None:
                there[key.path] = before
        # One that vanished and comes back is new: perhaps it could not be read meanwhile.
        self._known, self._changing = there, changing
        return sorted(found)


class Watcher:
    """Lists a folder again and again in a thread of its own, which may hang with its disk.

    It asks the folder instead of waiting for the system to report: a network file system reports
    nothing of what other hosts write.

    Parameters
    ----------
    root : Path
    known : iterable of FileKey
        The files that are there already.
    post : callable
        Takes the files that have arrived, in that thread.
    """

    def __init__(
        self,
        root: Path,
        known: Iterable[FileKey],
        post: Callable[[Sequence[FileKey]], object],
    ) -> None:
        self._root, self._post = root, post
        self._arrivals = Arrivals(known)
        self._ended = threading.Event()

    def start(self) -> None:
        """Begin to look."""
        threading.Thread(target=self._look, name="watcher", daemon=True).start()

    def stop(self) -> None:
        """Look no more, without waiting for a listing that goes on."""
        self._ended.set()

    def _look(self) -> None:
        pause = LOOK_SECONDS
        while not self._ended.wait(pause):
            begun = time.monotonic()
            try:
                files, _ = scan(self._root)
            except TuilabelError:
                continue  # It may come back, as a mount does.
            found = self._arrivals.arrived(files, begun)
            if found and not self._ended.is_set():
                self._post(found)
            pause = max(LOOK_SECONDS, (time.monotonic() - begun) / _SHARE)
