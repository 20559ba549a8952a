"""Which terminal keys come from and drawing goes to.

A standard stream may carry data: paths into the program, labels out of it, errors into a log. Keys
and drawing then use the terminal that controls this process, `/dev/tty`, as in less and fzf.

Nothing here imports textual.
"""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stdout, suppress
from typing import TextIO

from tuilabel.errors import UsageError

PATH = "/dev/tty"


class Tty:
    """The terminal of this process; before `open`, that of the standard streams.

    Attributes
    ----------
    keys, drawing : int
        The descriptors that keys are read from, and that is drawn on.
    outputs : set of int
        All descriptors that write to the terminal.
    """

    def __init__(self) -> None:
        self.keys, self.drawing = 0, 2
        self.outputs = {1, 2}
        self._stream: TextIO | None = None

    def open(self) -> None:
        """Find the terminal; a second call changes nothing.

        Raises
        ------
        UsageError
            A standard stream is closed, or is redirected where no terminal controls this process.
        """
        if self._stream is not None:
            return
        streams = {"input": sys.stdin, "output": sys.stdout, "error": sys.stderr}
        for name, stream in streams.items():
            if stream is None:
                raise UsageError(
                    f"Standard {name} is closed, but tuilabel needs it: leave it open."
                )
        redirected = [name for name, stream in streams.items() if not stream.isatty()]
        if not redirected:
            return
        if redirected != ["output"]:
            self.keys = self.drawing = _controlling(redirected[0])
        numbers = {"output": 1, "error": 2}
        kept = {number for name, number in numbers.items() if name not in redirected}
        self.outputs = {*kept, self.drawing}
        self._stream = open(  # noqa: SIM115  (it lives as long as the process)
            self.drawing,
            "w",
            encoding=sys.stderr.encoding,
            errors="replace",
            closefd=False,
        )

    def size(self) -> os.terminal_size:
        """Return its columns and rows, or those that the environment sets."""
        fallback = (80, 24)
        with suppress(OSError):  # it is gone
            fallback = os.get_terminal_size(self.drawing)
        return shutil.get_terminal_size(fallback)

    def shown(self, stream: TextIO) -> TextIO:
        """Return a stream if it is a terminal, otherwise one that writes to the terminal.

        What is printed for a person then reaches that person, and not a file or another program.
        """
        return stream if self._stream is None or stream.isatty() else self._stream

    @property
    def frees_output(self) -> bool:
        """Whether standard output is redirected, and so is for data alone."""
        return self.shown(sys.stdout) is not sys.stdout

    @contextmanager
    def asking(self) -> Iterator[None]:
        """Make the terminal standard input and output, so that a question can be asked."""
        if self._stream is None:
            yield
            return
        given = sys.stdin
        with (
            open(self.keys, encoding=given.encoding, errors="replace", closefd=False) as sys.stdin,
            redirect_stdout(self.shown(sys.stdout)),
        ):
            try:
                yield
            finally:
                sys.stdin = given


def _controlling(redirected: str) -> int:
    """Open the terminal that controls this process."""
    try:
        return os.open(PATH, os.O_RDWR | os.O_NOCTTY | os.O_CLOEXEC)
    except OSError as error:
        raise UsageError(
            f"A screen needs a terminal, but standard {redirected} is not a terminal, and this "
            f"process has no other ({PATH}: {error.strerror}). `tuilabel label --line`, "
            "`tuilabel status` and `tuilabel export` work without; `tuilabel demo --help` "
            "describes the demo."
        ) from None


TTY = Tty()
"""The terminal of this process."""
