"""Follows what other processes write to a session, beside the event loop."""

from __future__ import annotations

import threading
from collections.abc import Callable

from tuilabel.journal.lines import Event

READ_SECONDS = 5.0


class Follower:
    """Reads a session every few seconds, in a thread of its own.

    A file system may take any time to answer: the thread is a daemon, so that nothing waits for it
    at the end.

    Parameters
    ----------
    read : callable
        Returns the new events.
    tell : callable
        Takes them, in the thread; it passes them on to the event loop.
    seconds : float
        From one look to the next.
    """

    def __init__(
        self,
        read: Callable[[], list[Event]],
        tell: Callable[[list[Event]], object],
        seconds: float = READ_SECONDS,
    ) -> None:
        self._read = read
        self._tell = tell
        self._seconds = seconds
        self._ends = threading.Event()

    def start(self) -> None:
        """Begin to read."""
        threading.Thread(target=self._follow, name="follower", daemon=True).start()

    def stop(self) -> None:
        """Read no more; what is being read is dropped."""
        self._ends.set()

    def _follow(self) -> None:
        while not self._ends.wait(self._seconds):
            events = self._read()
            if events and not self._ends.is_set():
                self._tell(events)
