"""Follows what other processes do to a session, beside the event loop."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import NamedTuple

from tuilabel.events.lines import Event
from tuilabel.journal.journal import Journal

READ_SECONDS = 5.0

_CONFIRM_SECONDS = 2.0


class Health(NamedTuple):
    """What is wrong with a session.

    Attributes
    ----------
    problems : tuple of (str, str)
        What is damaged or cannot be read, each with the reason.
    lost : str or None
        A sentence if the session is no longer where it was.
    """

    problems: tuple[tuple[str, str], ...] = ()
    lost: str | None = None


def health_of(journal: Journal) -> Health:
    """Return what is wrong with a session; this reads the disk."""
    found = []
    for problem in journal.problems:
        line = "" if problem.line is None else f"line {problem.line:,}: "
        found.append((problem.file, line + problem.text))
    return Health(tuple(found), journal.lost())


class Follower:
    """Reads a session every few seconds, in a thread of its own.

    A file system may take any time to answer: the thread is a daemon, so that nothing waits for it
    at the end.

    Parameters
    ----------
    journal : Journal
    tell : callable
        Takes new events, and what is wrong with the session if that has changed, else None. It is
        called in the thread, and passes them on to the event loop.
    read_ahead : callable
        Takes new events, and reads the files that they name; returns whether any was read.
    seconds : float
        From one look to the next.
    """

    def __init__(
        self,
        journal: Journal,
        tell: Callable[[list[Event], Health | None], object],
        read_ahead: Callable[[list[Event]], bool] = bool,
        seconds: float = READ_SECONDS,
    ) -> None:
        self._journal = journal
        self._tell = tell
        self._read_ahead = read_ahead
        self._seconds = seconds
        self._wakes = threading.Event()
        self._ends = False
        self._health = Health()

    def start(self) -> None:
        """Begin to read."""
        threading.Thread(target=self._follow, name="follower", daemon=True).start()

    def look_now(self) -> None:
        """Look at once, instead of at the next time."""
        self._wakes.set()

    def stop(self) -> None:
        """Read no more; what is being read is dropped."""
        self._ends = True
        self._wakes.set()

    def _follow(self) -> None:
        seconds, was_lost = self._seconds, False
        while True:
            self._wakes.wait(seconds)
            self._wakes.clear()
            events = self._journal.read()
            has_read = self._read_ahead(events)
            health = health_of(self._journal)
            # Where a connection was cut, files may be missing for a moment: look twice.
            is_lost = health.lost is not None
            seconds = min(self._seconds, _CONFIRM_SECONDS if is_lost else self._seconds)
            if is_lost and not was_lost:
                health = health._replace(lost=self._health.lost)
            was_lost = is_lost
            if self._ends:
                return
            if events or has_read or health != self._health:
                self._tell(events, None if health == self._health else health)
                self._health = health
