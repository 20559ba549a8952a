"""A program on a pseudo-terminal, timed from a key to the last byte that it brings."""

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

# The cell at which tuilabel asks for the cursor is what names its question.
_QUERY = re.compile(rb"(?:\x1b\[(\d+);(\d+)H)?\x1b\[(?:6n|\?(\d+)\$p)")
_CODES = re.compile(rb"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)|[^\[\]])")
_TAIL = 16
_UNKNOWN = re.compile(rb"\x1b\[(?:\?\d+\$p|[<>=][\d;]*u)")
"""What pyte does not know and would draw."""


@dataclass(frozen=True)
class Repaint:
    """What a key brought: milliseconds to its last byte, and how many bytes."""

    ms: float
    size: int


class Program:
    """A program on a pseudo-terminal that answers what terminals are asked.

    Parameters
    ----------
    command : sequence of str
    env : mapping
        The whole environment.
    size : (int, int)
        Columns and rows.
    bytes_per_second : float, optional
        What the terminal takes; as much as comes, if not given.
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
        # When the program was seen to ask whether it has painted: behind each frame.
        self.asked: list[float] = []
        self._screen = pyte.Screen(columns, rows)
        self._stream = pyte.ByteStream(self._screen)
        self._drawn = 0

    def read(self, quiet: float, first: float) -> float:
        """Read until nothing comes for `quiet` seconds, or for `first` seconds at the beginning.

        Gives the time at which the last byte was read, or 0 when nothing came.
        """
        last, wait = 0.0, first
        while select.select([self._fd], [], [], wait)[0]:
            try:
                # A thin line carries a little, and then it is busy for as long as that takes.
                data = os.read(self._fd, 2**16 if self._rate is None else 512)
            except OSError:  # Linux says EIO when the program has ended
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
            row, column, mode = query.groups(default=b"1")
            if not query[3]:
                self.asked.append(time.perf_counter())
            known = 2 if mode == b"2026" else 0
            answer = b"\x1b[%b;%bR" % (row, column)
            with contextlib.suppress(OSError):  # it asked and ended
                os.write(self._fd, b"\x1b[?%b;%d$y" % (mode, known) if query[3] else answer)
        self._tail = data[max(place, len(data) - _TAIL) :]

    def read_until(self, pattern: str) -> float:
        """Read until the text written so far has a pattern and silence follows."""
        end = time.perf_counter() + PATIENCE
        while time.perf_counter() < end:
            last = self.read(QUIET, first=1.0)
            if re.search(pattern, self.text):
                return last
        raise SystemExit(f"{pattern!r} never came; the program wrote:\n{self.text[-2000:]}")

    @property
    def screen(self) -> str:
        """What stands on the terminal: frames hold only what differs from the last."""
        self._stream.feed(_UNKNOWN.sub(b"", self.output[self._drawn :]))
        self._drawn = len(self.output)
        return "\n".join(self._screen.display)

    @property
    def text(self) -> str:
        """All that was written, without escape codes."""
        return _CODES.sub(b"", self.output).decode(errors="replace")

    def write(self, keys: str) -> float:
        """Write keys at once; give the time."""
        pressed = time.perf_counter()
        os.write(self._fd, keys.encode())
        return pressed

    def press(self, keys: str, quiet: float = QUIET) -> Repaint:
        """Write keys at once and read what they bring."""
        before = len(self.output)
        pressed = self.write(keys)
        last = self.read(quiet, first=1.0)
        return Repaint(max(0.0, last - pressed) * 1000, len(self.output) - before)

    # What its processes do.

    def children(self) -> list[int]:
        """Give the processes that it has started."""
        tasks = Path(f"/proc/{self.pid}/task/{self.pid}/children")
        return [int(child) for child in tasks.read_text().split()]

    def trainer_works(self) -> bool:
        """Tell whether the child process is computing at this moment."""
        for child in self.children():
            with contextlib.suppress(OSError):  # it ended meanwhile
                stat = Path(f"/proc/{child}/stat").read_text()
                return stat.rpartition(")")[2].split()[0] == "R"
        return False

    def trainer_prepares(self) -> bool:
        """Tell whether any thread of the child process is computing at this moment."""
        for child in self.children():
            for task in Path(f"/proc/{child}/task").glob("*/stat"):
                with contextlib.suppress(OSError):
                    if task.read_text().rpartition(")")[2].split()[0] == "R":
                        return True
        return False

    def wait_idle(self) -> None:
        """Read until the trainer rests and nothing has come for a while."""
        calm, end = 0, time.perf_counter() + PATIENCE
        while calm < 3 and time.perf_counter() < end:
            came = self.read(QUIET, first=QUIET)
            calm = 0 if came or self.trainer_works() else calm + 1

    def cpu_seconds(self) -> float:
        """Give the processor time of all its threads so far."""
        threads = Path(f"/proc/{self.pid}/task").glob("*/schedstat")
        return sum(int(thread.read_text().split()[0]) for thread in threads) / 1e9

    def megabytes(self) -> dict[str, float]:
        """Give its resident memory: all of it, and its share of what processes have in common."""
        rollup = Path(f"/proc/{self.pid}/smaps_rollup").read_text()
        return {
            name: int(re.search(rf"^{name}:\s+(\d+)", rollup, re.MULTILINE)[1]) / 1024  # type: ignore[index]
            for name in ("Rss", "Pss")
        }

    def end(self) -> None:
        """Press q and read to the end; what does not know that key is killed."""
        with contextlib.suppress(OSError):
            self.write("q")
        self._rate = None
        self.read(1.0, first=1.0)
        with contextlib.suppress(ProcessLookupError):
            os.kill(self.pid, signal.SIGKILL)
        self._process.wait()
