"""What the terminal reports about itself, asked while the program is still being loaded.

The answers are awaited on a thread, so that on a far terminal the round trip costs no time that
the start does not take anyway. Nothing here imports textual.
"""

from __future__ import annotations

import contextlib
import os
import re
import select
import termios
import threading
import time
from types import TracebackType
from typing import Any, NamedTuple, Self

from tuilabel.tui.terminal.relays import find_relay

PATIENCE = 1.0
"""The most seconds to wait for an answer."""

_BACKGROUND = "\x1b]11;?\x1b\\"
"""OSC 11, "report the background colour" (xterm)."""
_VERSION = "\x1b[>0q"
"""XTVERSION, "report the name and version" (xterm)."""
_CURSOR = "\x1b[6n"
"""DSR 6, "report the cursor position" (ECMA-48): asked last, every terminal knows it."""

_COLOUR = re.compile(
    rb"\x1b\]11;rgba?:([0-9a-fA-F]{1,4})/([0-9a-fA-F]{1,4})/([0-9a-fA-F]{1,4})[^\x07\x1b]*"
    rb"(?:\x07|\x1b\\)"
)
_NAME = re.compile(rb"\x1bP>\|([^\x1b]{0,200})\x1b\\")
_PLACE = re.compile(rb"\x1b\[\d+;\d+R")
_MUTE = ("", "dumb", "unknown")
_ASKED_LITTLE = ("linux", "cygwin", "vt100", "vt102", "vt220", "ansi")
"""Terminals that may print what they do not understand; only the cursor is asked for."""


class TerminalAnswers(NamedTuple):
    """What came.

    Attributes
    ----------
    background : tuple of int or None
        Red, green, blue, 0 to 255.
    version : str
        Name and version; empty where the terminal does not tell.
    round_trip : float or None
        Seconds until the cursor was reported; None where it was not.
    typed : str
        What was typed meanwhile.
    is_owed : bool
        Whether the terminal was asked and has not answered: it still may.
    relay : str
        What answers in place of a terminal that may be far; empty where nothing does.
    """

    background: tuple[int, int, int] | None = None
    version: str = ""
    round_trip: float | None = None
    typed: str = ""
    is_owed: bool = False
    relay: str = ""


class Probe:
    """Asks the terminal, and returns the answers when they are needed; then restores the terminal.

    Parameters
    ----------
    term : str
        The terminal's name, as in TERM.
    read_from, write_to : int
        File descriptors of the terminal.
    """

    def __init__(self, term: str, read_from: int, write_to: int) -> None:
        self._term = term
        self._descriptor = read_from
        self._write_to = write_to
        self._settings: list[Any] | None = None
        self._asked: float | None = None
        self._received = b""
        self._round_trip: float | None = None
        self._answers: TerminalAnswers | None = None
        self._listening = threading.Lock()
        self._has_listened = False

    def ask(self) -> Self:
        """Ask, unless the terminal would print the questions; `finish` has to follow."""
        if self._term in _MUTE:
            return self
        try:
            self._settings = termios.tcgetattr(self._descriptor)
            quiet = termios.tcgetattr(self._descriptor)
            # Answers are not to be shown, and come without a line end.
            quiet[3] &= ~(termios.ECHO | termios.ICANON)
            termios.tcsetattr(self._descriptor, termios.TCSANOW, quiet)
            self._asked = time.monotonic()
            little = self._term in _ASKED_LITTLE
            question = _CURSOR if little else _BACKGROUND + _VERSION + _CURSOR
            os.write(self._write_to, question.encode())
            threading.Thread(target=self._listen, name="probe", daemon=True).start()
        except (OSError, termios.error):
            # What cannot be asked tells nothing; drawing on it will say what is wrong.
            self._asked = None
            self._restore()
        except BaseException:  # a signal: what was asked is still answered
            self.finish()
            raise
        return self

    __enter__ = ask

    def _listen(self) -> None:
        # A signal may come while the thread starts: nobody can say then whether it runs. Of two
        # who listen, one would wait for ever for what the other has read.
        with self._listening:
            if not self._has_listened:
                self._read_answers()
                self._has_listened = True

    def _read_answers(self) -> None:
        assert self._asked is not None
        end = self._asked + PATIENCE
        while (rest := end - time.monotonic()) > 0:
            if not select.select([self._descriptor], [], [], rest)[0]:
                return
            try:
                data = os.read(self._descriptor, 4096)
            except OSError:
                return
            self._received += data
            if not data:
                return
            if _PLACE.search(self._received):
                self._round_trip = time.monotonic() - self._asked
                return

    def finish(self) -> TerminalAnswers:
        """Wait for the remaining answers, and restore the terminal; a second call costs nothing.

        Returns
        -------
        Answers
        """
        if self._answers is None:
            if self._asked is not None:
                self._listen()
            self._restore()
            answers = _understood(self._received, self._round_trip)
            if self._asked is not None:
                relay = find_relay(os.environ, answers.version)
                answers = answers._replace(is_owed=self._round_trip is None, relay=relay)
            self._answers = answers
        return self._answers

    def _restore(self) -> None:
        if self._settings is not None:
            with contextlib.suppress(OSError, termios.error):  # a terminal that is gone
                termios.tcsetattr(self._descriptor, termios.TCSANOW, self._settings)
            self._settings = None

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.finish()


def _understood(received: bytes, round_trip: float | None) -> TerminalAnswers:
    colour = _COLOUR.search(received)
    name = _NAME.search(received)
    typed = received
    for answer in (_COLOUR, _NAME, _PLACE):
        typed = answer.sub(b"", typed)
    background = None
    if colour is not None:
        # Of one to four digits, the most stand for full brightness.
        red, green, blue = (round(255 * int(c, 16) / (16 ** len(c) - 1)) for c in colour.groups())
        background = (red, green, blue)
    return TerminalAnswers(
        background=background,
        version="" if name is None else name[1].decode(errors="replace"),
        round_trip=round_trip,
        typed=typed.decode(errors="replace"),
    )
