"""What the screen costs on a real pseudo-terminal: milliseconds and bytes per key, start, idle.

Prints medians and tails, beside two other programs for scale: one that draws the same image with
bare escape codes and writes only the cells that change, and one made of plain Textual widgets. The
last byte is the last one before 30 ms of silence, stamped when it is read. Run it on an otherwise
idle machine: ``python benchmarks/terminal.py --mnist DIR``.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import platform
import re
import select
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

import numpy as np
import pexpect
from numpy.typing import NDArray
from PIL import Image, ImageDraw

import tuilabel

SIZES = ((80, 24), (120, 40), (200, 60))
QUIET = 0.03
"""Seconds of silence that end a repaint."""

PATIENCE = 30.0
ITEMS = 4000
KEYS = 60
"""Label keys per run and size."""

HELLO = """
from textual.app import App
from textual.widgets import Static

class Hello(App):
    def compose(self):
        yield Static("hello 0 labels")

Hello().run()
"""

_QUERY = re.compile(rb"\x1b\[(?:6n|\?(\d+)\$p)")
_CODES = re.compile(rb"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)|[^\[\]])")

Pictures = NDArray[np.uint8]


@dataclass(frozen=True)
class Repaint:
    """What a key brought: milliseconds to its last byte, and how many bytes."""

    ms: float
    size: int


class Program:
    """A program on a pseudo-terminal that answers what terminals are asked."""

    def __init__(
        self, command: Sequence[str], env: Mapping[str, str], size: tuple[int, int] = (80, 24)
    ) -> None:
        columns, rows = size
        self.started = time.perf_counter()
        self._process = pexpect.spawn(
            command[0], list(command[1:]), env=dict(env), dimensions=(rows, columns), timeout=None
        )
        self._fd: int = self._process.child_fd
        self._tail = b""
        self.output = b""

    def read(self, quiet: float, first: float = PATIENCE) -> float:
        """Read until some seconds pass without output; give when the last byte was read.

        Parameters
        ----------
        quiet, first : float
            Seconds of silence that end it, after the first byte and before.
        """
        last, wait = 0.0, first
        while select.select([self._fd], [], [], wait)[0]:
            try:
                data = os.read(self._fd, 2**16)
            except OSError:  # Linux says EIO when the program has ended
                break
            last, wait = time.perf_counter(), quiet
            self._answer(data)
            self.output += data
        return last

    def _answer(self, data: bytes) -> None:
        data = self._tail + data
        place = 0
        for query in _QUERY.finditer(data):
            place = query.end()
            mode = query[1]
            known = 2 if mode == b"2026" else 0
            os.write(self._fd, b"\x1b[?%b;%d$y" % (mode, known) if mode else b"\x1b[1;1R")
        self._tail = data[max(place, len(data) - 8) :]

    def read_until(self, pattern: str) -> float:
        """Read until the text written so far has a pattern and silence follows."""
        end = time.perf_counter() + PATIENCE
        while time.perf_counter() < end:
            last = self.read(QUIET, first=1.0)
            if re.search(pattern, self.text):
                return last
        raise SystemExit(f"{pattern!r} never came; the program wrote:\n{self.text[-2000:]}")

    @property
    def text(self) -> str:
        """All that was written, without escape codes."""
        return _CODES.sub(b"", self.output).decode(errors="replace")

    def press(self, keys: str) -> Repaint:
        """Write keys at once and read what they bring."""
        before = len(self.output)
        pressed = time.perf_counter()
        os.write(self._fd, keys.encode())
        last = self.read(QUIET, first=1.0)
        return Repaint(max(0.0, last - pressed) * 1000, len(self.output) - before)

    def trainer_works(self) -> bool:
        """Tell whether a child process of the program is running."""
        for stat in Path("/proc").glob("[0-9]*/stat"):
            with contextlib.suppress(OSError):
                state, parent = stat.read_text().rpartition(")")[2].split()[:2]
                if int(parent) == self._process.pid and state == "R":
                    return True
        return False

    def wait_idle(self) -> None:
        """Read until the trainer rests and nothing has come for a while."""
        calm = 0
        while calm < 5:
            self.read(QUIET, first=QUIET)
            calm = 0 if self.trainer_works() else calm + 1

    def quit(self) -> None:
        """Press q, or kill what does not know it."""
        with contextlib.suppress(OSError):
            os.write(self._fd, b"q")
        self.read(PATIENCE, first=PATIENCE)
        self._process.wait()

    def kill(self) -> None:
        """End a program that has no key for it."""
        os.kill(self._process.pid, signal.SIGKILL)
        self._process.wait()
