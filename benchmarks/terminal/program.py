"""A program on a pseudo-terminal, timed from a key to the last byte of output."""

from __future__ import annotations

import contextlib
import os
import re
import select
import signal
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import pexpect
import pyte

QUIET = 0.03
"""Seconds of silence that end a repaint."""

PATIENCE = 30.0

# tuilabel numbers its questions by the cell at which it asks for the cursor.
_QUERY = re.compile(rb"(?:\x1b\[(\d+);(\d+)H)?\x1b\[(?:6n|\?(\d+)\$p|(>)0q)")
_CODES = re.compile(rb"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)|[^\[\]])")
_TAIL = 16
_UNKNOWN = re.compile(rb"\x1b\[(?:\?\d+\$p|[<>=][\d;]*[uq])")
"""Codes that pyte does not know and would draw as text."""


@dataclass(frozen=True)
class Repaint:
    """The output after a key: milliseconds to its last byte, and its size in bytes."""

    ms: float
    size: int


class Program:
    """A program on a pseudo-terminal that answers as terminals do.

    Parameters
    ----------
    command : sequence of str
    env : mapping
        The whole environment.
    size : (int, int)
        Columns and rows.
    bytes_per_second : float, optional
        Speed of the terminal; unlimited if None.
    """

    def __init__(
        self,
        command: Sequence[str],
        env: Mapping[str, str],
        size: tuple[int, int] = (80, 24),
        bytes_per_second: float | None = None,
    ) -> None:
        columns, rows = size
        self.started = time.perf_counter()
        self._process = pexpect.spawn(
            command[0], list(command[1:]), env=dict(env), dimensions=(rows, columns), timeout=None
        )
        self.pid: int = self._process.pid
        self._fd: int = self._process.child_fd
        self._rate = bytes_per_second
        self._tail = b""
        self.output = b""
        # Times at which the program asked whether its frame is painted, once after each frame.
        self.asked: list[float] = []
        self._screen = pyte.Screen(columns, rows)
        self._stream = pyte.ByteStream(self._screen)
        self._drawn = 0

    def read(self, quiet: float, first: float) -> float:
        """Read until nothing comes for `quiet` seconds, or for `first` seconds at the beginning.

        Returns
        -------
        float
            Time at which the last byte was read; 0 if nothing came.
        """
        last, wait = 0.0, first
        while select.select([self._fd], [], [], wait)[0]:
            try:
                # A slow line carries a small piece, and is then busy for its time.
                data = os.read(self._fd, 2**16 if self._rate is None else 512)
            except OSError:  # Linux raises EIO when the program has ended
                break
            if self._rate is not None:
                time.sleep(len(data) / self._rate)
            last, wait = time.perf_counter(), quiet
            self._answer(data)
            self.output += data
        return last

    def _answer(self, data: bytes) -> None:
        data = self._tail + data
        place = 0
        for query in _QUERY.finditer(data):
            place = query.end()
            row, column, mode, _ = query.groups(default=b"1")
            if query[3]:
                answer = b"\x1b[?%b;%d$y" % (mode, 2 if mode == b"2026" else 0)
            elif query[4]:  # behind SSH, keys wait for a terminal without a name
                answer = b"\x1bP>|pyte(0.8)\x1b\\"
            else:
                self.asked.append(time.perf_counter())
                answer = b"\x1b[%b;%bR" % (row, column)
            with contextlib.suppress(OSError):  # the program may have ended
                os.write(self._fd, answer)
        self._tail = data[max(place, len(data) - _TAIL) :]

    def read_until(self, pattern: str) -> float:
        """Read until the output contains a pattern, and return the time of the last byte."""
        end = time.perf_counter() + PATIENCE
        while time.perf_counter() < end:
            last = self.read(QUIET, first=1.0)
            if re.search(pattern, self.text):
                return last
        raise SystemExit(f"{pattern!r} was not shown; the program wrote:\n{self.text[-2000:]}")

    @property
    def screen(self) -> str:
        """The text on the terminal's screen."""
        self._stream.feed(_UNKNOWN.sub(b"", self.output[self._drawn :]))
        self._drawn = len(self.output)
        return "\n".join(self._screen.display)

    @property
    def text(self) -> str:
        """The whole output so far, without escape codes."""
        return _CODES.sub(b"", self.output).decode(errors="replace")

    def write(self, keys: str) -> float:
        """Write keys in one piece, and return the time."""
        pressed = time.perf_counter()
        os.write(self._fd, keys.encode())
        return pressed

    def press(self, keys: str, quiet: float = QUIET) -> Repaint:
        """Write keys in one piece, and read the output that follows."""
        before = len(self.output)
        pressed = self.write(keys)
        last = self.read(quiet, first=1.0)
        return Repaint(max(0.0, last - pressed) * 1000, len(self.output) - before)

    # Its processes.

    def children(self) -> list[int]:
        """Return the ids of its child processes, whichever thread started them."""
        tasks = Path(f"/proc/{self.pid}/task").glob("*/children")
        return [int(child) for task in tasks for child in task.read_text().split()]

    def trainer_works(self) -> bool:
        """Return whether any thread of the child process is computing at this moment."""
        for child in self.children():
            for task in Path(f"/proc/{child}/task").glob("*/stat"):
                with contextlib.suppress(OSError):
                    if task.read_text().rpartition(")")[2].split()[0] == "R":
                        return True
        return False

    def wait_idle(self) -> None:
        """Read until the trainer is idle and no output has come for a while."""
        calm, end = 0, time.perf_counter() + PATIENCE
        while calm < 3 and time.perf_counter() < end:
            came = self.read(QUIET, first=QUIET)
            calm = 0 if came or self.trainer_works() else calm + 1

    def cpu_seconds(self) -> float:
        """Return the processor time of all its threads so far."""
        threads = Path(f"/proc/{self.pid}/task").glob("*/schedstat")
        return sum(int(thread.read_text().split()[0]) for thread in threads) / 1e9

    def megabytes(self) -> dict[str, float]:
        """Return its resident memory (Rss), and that with its share of shared pages (Pss)."""
        rollup = Path(f"/proc/{self.pid}/smaps_rollup").read_text()
        return {
            name: int(re.search(rf"^{name}:\s+(\d+)", rollup, re.MULTILINE)[1]) / 1024  # type: ignore[index]
            for name in ("Rss", "Pss")
        }

    def peaks_of_children(self) -> dict[int, float]:
        """Return the largest resident memory that each child process has had, in megabytes."""
        peaks = {}
        for child in self.children():
            with contextlib.suppress(OSError):
                status = Path(f"/proc/{child}/status").read_text()
                if found := re.search(r"^VmHWM:\s+(\d+)", status, re.MULTILINE):
                    peaks[child] = int(found[1]) / 1024
        return peaks

    def end(self) -> None:
        """Press q, read to the end, and kill a program that has not ended."""
        with contextlib.suppress(OSError):
            self.write("q")
        self._rate = None
        self.read(1.0, first=1.0)
        with contextlib.suppress(ProcessLookupError):
            os.kill(self.pid, signal.SIGKILL)
        self._process.wait()
