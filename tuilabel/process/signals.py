"""The signals that end the program.

Before a screen runs, a signal ends the program at once, through every `with` and `finally`. While a
screen runs, the signal is passed to it, and it ends in order; further signals are then ignored. A
signal that was ignored when the program started, as in `nohup` and background jobs, stays ignored.
"""

from __future__ import annotations

import atexit
import contextlib
import os
import signal
import sys
import termios
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any, NoReturn

ENDING_SIGNALS = (signal.SIGTERM, signal.SIGHUP, signal.SIGINT, signal.SIGQUIT)


class SignalListener:
    """Handles the signals of this process and remembers the first.

    Attributes
    ----------
    status : int or None
        The exit status for the first signal: 128 and the signal's number, as in a shell.
    late : int or None
        That for a signal which came while the last screen was ending, and was ignored.
    """

    def __init__(self) -> None:
        self.status: int | None = None
        self.late: int | None = None
        self._listener: Callable[[int], None] | None = None
        self._over = False
        self._terminal = 0
        self._settings: list[Any] | None = None

    def listen(self, terminal: int = 0) -> None:
        """Install the signal handlers, and save the settings of the terminal.

        Parameters
        ----------
        terminal : int
            The descriptor that keys are read from.
        """
        self._terminal = terminal
        with contextlib.suppress(OSError, ValueError, termios.error):  # not a terminal
            self._settings = termios.tcgetattr(terminal)
        for number in ENDING_SIGNALS:
            if signal.getsignal(number) is not signal.SIG_IGN:
                signal.signal(number, self._receive)
        # At its end, the interpreter restores the default handlers, except of ignored signals.
        atexit.register(self._ignore_all)

    def _ignore_all(self) -> None:
        for number in ENDING_SIGNALS:
            if signal.getsignal(number) == self._receive:
                signal.signal(number, signal.SIG_IGN)

    def resume(self) -> None:
        """Handle signals again after a screen has ended, because another one follows."""
        self._over, self.late = False, None

    @contextmanager
    def passed_to(self, listener: Callable[[int], None]) -> Iterator[None]:
        """Pass the exit status to a listener, at once and between any two instructions.

        Raises
        ------
        SystemExit
            A signal came before. It ended nothing, because Python ignores what is raised in some
            places, such as the callbacks of its import system.
        """
        if self.status is not None and not self._over:
            raise SystemExit(self.status)
        self._listener = listener
        try:
            yield
        finally:
            self._listener, self._over = None, True

    def restore_terminal(self) -> None:
        """Restore the terminal after a signal that came before any screen.

        The code that was changing the terminal's settings had no chance to restore them.
        """
        if self.status is not None and not self._over and self._settings is not None:
            with contextlib.suppress(termios.error):  # the terminal is gone
                termios.tcsetattr(self._terminal, termios.TCSAFLUSH, self._settings)

    def _receive(self, number: int, _: FrameType | None) -> None:
        if self._over:
            self.late = self.late or 128 + number
        if self._over or self.status is not None:
            return
        self.status = 128 + number
        if self._listener is None:
            raise SystemExit(self.status)
        self._listener(self.status)


def leave_at_once(status: int) -> NoReturn:
    """End the process though a thread waits for a disk, which an ordinary end may wait for too."""
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(OSError, ValueError):  # nobody reads it any more
            stream.flush()
    os._exit(status)


SIGNALS = SignalListener()
"""The signals of this process."""
