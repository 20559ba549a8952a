"""Lines that wait for their readers, each reader with a thread that it may keep for any time."""

from __future__ import annotations

import errno
import os
import subprocess
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable
from contextlib import suppress
from pathlib import Path

from tuilabel.feeds.changes import gap
from tuilabel.text import counted, inert, shown_path
from tuilabel.trainer.runner import open_log

MOST_LINES = 10_000
"""Lines that wait for a slow reader; of those that follow, only the number is kept."""

LOOK_SECONDS = 0.25
"""From one look for a reader of a FIFO to the next."""

FIRST_PAUSE, MOST_PAUSE = 1.0, 60.0
"""Seconds before a program is started again: the first time, and at most."""

CALM_SECONDS = 60.0
"""After a run as long, the next pause is the first again."""

_SHOWN = 40


class Lines:
    """Lines in a queue that is never longer than `MOST_LINES`."""

    def __init__(self) -> None:
        self._waiting: deque[bytes] = deque()
        self._changed = threading.Condition()
        self._dropped = 0
        self._is_over = False
        self.dropped = 0

    def put(self, lines: Iterable[bytes]) -> None:
        """Add lines, or drop and count them, until a full queue is empty again."""
        with self._changed:
            for line in lines:
                if self._dropped or len(self._waiting) >= MOST_LINES:
                    self._dropped += 1
                    self.dropped += 1
                else:
                    self._waiting.append(line)
            self._changed.notify()

    def end(self) -> None:
        """Add no more."""
        with self._changed:
            self._is_over = True
            self._changed.notify()

    def take(self) -> bytes | None:
        """Wait for the next line, and return it; None after the end."""
        with self._changed:
            while not (self._waiting or self._dropped or self._is_over):
                self._changed.wait()
            if self._waiting:
                return self._waiting.popleft()
            dropped, self._dropped = self._dropped, 0
            return gap(dropped) if dropped else None


class Outlet:
    """Passes lines on to one reader.

    Parameters
    ----------
    descriptor : int or None
        What is written to; None where `connect` finds it.

    Attributes
    ----------
    name : str
        As sentences begin with it.
    trouble : str
        What is wrong, as a sentence; empty if nothing is.
    """

    name = "--stream"

    def __init__(self, descriptor: int | None = None) -> None:
        self._trouble = ""
        self._lines = Lines()
        self._descriptor = descriptor
        self._ends = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def start(self) -> None:
        """Begin to write."""
        self._thread.start()

    def put(self, lines: Iterable[bytes]) -> None:
        """Pass lines on, as soon as they are read."""
        self._lines.put(lines)

    @property
    def trouble(self) -> str:
        """What is wrong, as a sentence to follow the option's name; empty if nothing is."""
        if self._trouble or not self._lines.dropped:
            return self._trouble
        lines = counted(self._lines.dropped, "line was", "lines were")
        return f"the reader is slow: {lines} dropped."

    def end(self) -> None:
        """Pass on what waits, and no more."""
        self._ends.set()
        self._lines.end()

    def join(self, seconds: float) -> bool:
        """Wait until all is passed on, or the reader is gone; return whether it is so."""
        self._thread.join(seconds)
        return not self._thread.is_alive()

    def connect(self) -> int | None:
        """Return a descriptor of another reader, perhaps after a while; None if there is none."""
        return None

    def lost(self) -> None:
        """Note that the reader has gone."""
        if not self._trouble:
            self._trouble = "ended, because the reader has gone."

    def close(self) -> None:
        """Let the reader know that nothing follows."""
        if self._descriptor is not None:
            with suppress(OSError):
                os.close(self._descriptor)
            self._descriptor = None

    def _run(self) -> None:
        self.begin()
        while (line := self._lines.take()) is not None:
            if not self._write(line):
                return
        self.close()

    def begin(self) -> None:
        """Do what does not wait for the first line."""

    def _write(self, line: bytes) -> bool:
        """Write a line whole, to another reader if one goes away; return False after the last."""
        while True:
            if self._descriptor is None:
                self._descriptor = self.connect()
                if self._descriptor is None:
                    return False
            rest = line
            try:
                while rest:
                    rest = rest[os.write(self._descriptor, rest) :]
            except OSError as error:
                self.close()
                if error.errno != errno.EPIPE:
                    self._trouble = f"ended ({error.strerror})."
                    return False
                self.lost()
            else:
                return True


class Fifo(Outlet):
    """Passes lines on to whatever reads a FIFO, one reader after another.

    Parameters
    ----------
    path : Path
    descriptor : int or None
        As for `Outlet`.
    """

    def __init__(self, path: Path, descriptor: int | None = None) -> None:
        super().__init__(descriptor)
        self._path = path

    def begin(self) -> None:
        """Look for a reader before the first line: it waits for a writer."""
        if self._descriptor is None:
            self._descriptor = self.connect()

    def connect(self) -> int | None:
        while True:
            try:
                descriptor = os.open(self._path, os.O_WRONLY | os.O_NONBLOCK | os.O_CLOEXEC)
            except OSError as error:
                if error.errno != errno.ENXIO:
                    self._trouble = f"{shown_path(self._path)} cannot be opened ({error.strerror})."
                    return None
            else:
                os.set_blocking(descriptor, True)
                return descriptor
            if self._ends.wait(LOOK_SECONDS):
                return None

    def lost(self) -> None:
        """Look for another reader."""


class Program(Outlet):
    """Passes lines on to the standard input of a program, which is started again when it ends.

    Parameters
    ----------
    command : str
        For the shell.
    log_path : Path
        The file for what it prints.
    clock : callable
        A monotonic clock, in seconds.
    """

    name = "--on-label"

    def __init__(
        self, command: str, log_path: Path, clock: Callable[[], float] = time.monotonic
    ) -> None:
        super().__init__()
        self._command, self._log_path, self._clock = command, log_path, clock
        self._failures = 0
        self._pause, self._started = 0.0, 0.0

    def begin(self) -> None:
        """Start the program before the first line: it may have much to load."""
        self._descriptor = self.connect()

    def connect(self) -> int | None:
        if self._clock() - self._started > CALM_SECONDS:
            self._pause = 0.0
        # At the end, what waits is passed on at once, or not at all.
        if self._ends.wait(self._pause) and self._pause:
            return None
        self._pause = min(MOST_PAUSE, 2 * self._pause or FIRST_PAUSE)
        self._started = self._clock()
        log = open_log(self._log_path)
        try:
            process = subprocess.Popen(
                ["/bin/sh", "-c", self._command],
                stdin=subprocess.PIPE,
                stdout=log,
                stderr=log,
                bufsize=0,
            )
        except OSError as error:
            self._fail(f"cannot be started ({error.strerror})")
            return None
        finally:
            os.close(log)
        assert process.stdin is not None
        threading.Thread(target=self._watch, args=(process,), daemon=True).start()
        with process.stdin as pipe:
            return os.dup(pipe.fileno())

    def _watch(self, process: subprocess.Popen[bytes]) -> None:
        status = process.wait()
        if status:
            ended = f"status {status}" if status > 0 else f"signal {-status}"
            self._fail(f"ended with {ended}")

    def _fail(self, how: str) -> None:
        self._failures += 1
        times = f", {self._failures} times so far" if self._failures > 1 else ""
        self._trouble = (
            f"`{inert(self._command, _SHOWN)}` {how}{times}; what it printed is in "
            f"{shown_path(self._log_path)}."
        )

    def lost(self) -> None:
        """Start it again."""
