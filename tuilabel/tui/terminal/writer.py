"""Writes to the terminal from a thread of its own, so that no caller waits."""

from __future__ import annotations

import contextlib
import os
import select
import termios
import threading
import time
from collections.abc import Callable

FINISH_SECONDS = 1.0
"""Seconds to wait at the end for a terminal that takes nothing."""

_CANCEL = b"\x18\x1b[?2026l"
"""Ends an escape sequence and a synchronized frame that were cut in the middle."""


class TtyWriter(threading.Thread):
    """Carries text to a terminal, in order.

    Parameters
    ----------
    descriptor : int
        The terminal.
    encoding : str
    lost : callable
        Called once, from this thread, when the terminal is there no more.
    """

    def __init__(self, descriptor: int, encoding: str, lost: Callable[[], None]) -> None:
        super().__init__(daemon=True, name="tuilabel-output")
        self._shared = descriptor
        self._own = _opened_again(descriptor)
        self._encoding = encoding
        self._lost = lost
        self._waiting: list[bytes] = []
        self._changed = threading.Condition()
        self._finished: float | None = None
        self._parting = b""
        self.backlog = 0
        """Bytes that the terminal has not taken yet."""
        self.is_lost = False
        self.is_stuck = False

    def write(self, text: str) -> None:
        """Queue a text behind those before."""
        data = text.encode(self._encoding, errors="replace")
        with self._changed:
            if self._finished is None and not self.is_lost:
                self._waiting.append(data)
                self.backlog += len(data)
                self._changed.notify()

    def finish(self, parting: str, *, seconds: float = FINISH_SECONDS) -> None:
        """Write what is queued and a last text, and end.

        A terminal that does not take all in time is given the last text alone, as far as it takes
        that.
        """
        with self._changed:
            if self._finished is None:
                self._parting = parting.encode(self._encoding, errors="replace")
                self._finished = time.monotonic() + seconds
                self._changed.notify()
        self.join(2 * FINISH_SECONDS)
        self.is_stuck = self.is_stuck or self.is_alive()

    def run(self) -> None:
        """Write until the end."""
        ending = False
        while not (ending or self.is_lost or self.is_stuck):
            with self._changed:
                while not self._waiting and self._finished is None:
                    self._changed.wait()
                data, self._waiting = b"".join(self._waiting), []
                ending = self._finished is not None
            try:
                if not self._carry(data) or (ending and not self._carry(self._parting)):
                    self._give_up()
            except OSError:  # EIO: the terminal is gone
                self.is_lost, self.backlog = True, 0
                self._lost()
        if self._own is not None:
            os.close(self._own)

    def _carry(self, data: bytes) -> bool:
        """Write; return whether the terminal took all of it before the deadline at the end."""
        view = memoryview(data)
        while view:
            if self._finished is not None and time.monotonic() > self._finished:
                return False
            if self._own is None:
                written = os.write(self._shared, view)
            else:
                try:
                    written = os.write(self._own, view)
                except BlockingIOError:
                    written = 0
                    # Not for long: a thread that waits here would not notice that the end has come.
                    select.select([], [self._own], [], FINISH_SECONDS / 4)
            view = view[written:]
            self.backlog = max(0, self.backlog - written)
        return True

    def _give_up(self) -> None:
        """Drop what the terminal did not take, and leave it as well as can be."""
        self.is_stuck, self.backlog = True, 0
        if self._own is not None:
            with contextlib.suppress(OSError, termios.error):
                termios.tcflush(self._own, termios.TCOFLUSH)
                os.write(self._own, _CANCEL + self._parting)


def _opened_again(descriptor: int) -> int | None:
    """Open a terminal apart from those who share it, so as not to wait in it; None if it is none.

    Not to wait is a property of the open file, which the shell and every other program that was
    started on this terminal have in common.
    """
    try:
        path = os.ttyname(descriptor)
        return os.open(path, os.O_WRONLY | os.O_NOCTTY | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError:
        return None
