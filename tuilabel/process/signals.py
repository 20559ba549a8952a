"""What the signals that end a program do, from its first line to its last.

Until a screen runs they end the program where it is, through every `with` and `finally`; while one
runs, it is told and ends in order; once it ends, more of them change nothing. A signal that was
ignored when the program started, as `nohup` and background jobs have it, stays ignored.
"""

from __future__ import annotations

import atexit
import contextlib
import signal
import termios
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any

ENDING_SIGNALS = (signal.SIGTERM, signal.SIGHUP, signal.SIGINT, signal.SIGQUIT)


class SignalListener:
    """Hears the signals of this process and remembers the first.

    Attributes
    ----------
    status : int or None
        What the process is to end with, by the shell's rule of 128 and the signal's number.
    """

    def __init__(self) -> None:
        self.status: int | None = None
        self._listener: Callable[[int], None] | None = None
        self._over = False
        self._settings: list[Any] | None = None

    def listen(self) -> None:
        """Take the place of what the signals did so far, and note how the terminal is set."""
        with contextlib.suppress(OSError, ValueError, termios.error):  # it is none
            self._settings = termios.tcgetattr(0)
        for number in ENDING_SIGNALS:
            if signal.getsignal(number) is not signal.SIG_IGN:
                signal.signal(number, self._receive)
        # An interpreter that ends gives signals back to what they do by default, but for those
        # that are ignored.
        atexit.register(self._fall_deaf)

    def _fall_deaf(self) -> None:
        for number in ENDING_SIGNALS:
            if signal.getsignal(number) == self._receive:
                signal.signal(number, signal.SIG_IGN)

    def go_on(self) -> None:
        """Hear signals again after a screen has ended: another one follows."""
        self._over = False

    @contextmanager
    def told_to(self, listener: Callable[[int], None]) -> Iterator[None]:
        """Tell a listener the status to end with, at once and from wherever the signal comes."""
        self._listener = listener
        try:
            yield
        finally:
            self._listener, self._over = None, True

    def put_back(self) -> None:
        """Put the terminal back after a signal before any screen, at the very last.

        Whoever was setting it at that moment had not yet got so far as to put it back.
        """
        if self.status is not None and not self._over and self._settings is not None:
            with contextlib.suppress(termios.error):  # it is gone
                termios.tcsetattr(0, termios.TCSAFLUSH, self._settings)

    def _receive(self, number: int, _: FrameType | None) -> None:
        if self._over or self.status is not None:
            return
        self.status = 128 + number
        if self._listener is None:
            raise SystemExit(self.status)
        self._listener(self.status)


SIGNALS = SignalListener()
"""This process's: handlers of signals are the process's too."""
