"""The programs to measure, their images, and a folder for their sessions."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

import tuilabel
from benchmarks.terminal.program import Program
from tests.pty.labelling import TYPED_AHEAD
from tuilabel.data import open_dataset

FIRST_FRAME = r"\d labels?\b"
_STROKES = 20_000
_FOR_SCALE = 2000

_Pictures = NDArray[np.uint8]


class Bench:
    """The programs to measure, their images, and a folder for their sessions.

    Parameters
    ----------
    folder : Path
    mnist : Path, optional
        Folder of the IDX files; without it the images are drawn strokes.
    runs : int
        Number of starts of each program.
    """

    def __init__(self, folder: Path, mnist: Path | None, runs: int) -> None:
        self.runs = runs
        self.folder = folder
        self.is_mnist = mnist is not None
        dropped = ("TUILABEL_", "TEXTUAL", "NO_COLOR", "TMUX", "PYTHONDONTWRITEBYTECODE", "SSH_")
        self.env = {
            **{key: value for key, value in os.environ.items() if not key.startswith(dropped)},
            **{f"XDG_{kind}_HOME": str(folder / kind) for kind in ("DATA", "CACHE", "STATE")},
            "XDG_CONFIG_HOME": str(folder / "CONFIG"),
            "TMPDIR": str(folder),
            "TERM": "xterm-256color",
            "COLORTERM": "truecolor",
            "LANG": "C.UTF-8",
            "PYTHONPATH": str(Path(tuilabel.__file__).parent.parent),
        }
        self._pictures = folder / "pictures.npz"
        if mnist is None:
            images, labels = strokes(np.random.default_rng(0), _STROKES)
            self.source = str(self._pictures)
        else:
            self.source = f"mnist:{mnist}"
            dataset = open_dataset(self.source, cache_dir=folder / "CACHE" / "tuilabel")
            assert dataset.truth is not None
            images = np.array(dataset.pool[:_FOR_SCALE])
            labels = dataset.truth[:_FOR_SCALE].astype(np.int64)
        np.savez(self._pictures, images=images, labels=labels)

    def tuilabel(self, *arguments: str) -> list[str]:
        """Return the command that runs `tuilabel`."""
        return [sys.executable, "-m", "tuilabel", *arguments]

    def for_scale(self, kind: str) -> list[str]:
        """Return the command that runs a program for comparison, one of `scale.PROGRAMS`."""
        return [sys.executable, "-m", "benchmarks.terminal.scale", kind, str(self._pictures)]

    def new_session(self) -> Path:
        """Return the path of a session file that does not exist yet."""
        return Path(tempfile.mkdtemp(dir=self.folder)) / "bench.tuilabel"

    def open(
        self,
        session: Path,
        *arguments: str,
        source: str | None = None,
        size: tuple[int, int] = (80, 24),
        bytes_per_second: float | None = None,
        empty_cache: bool = False,
    ) -> Program:
        """Start labelling and wait until program and trainer are idle."""
        command = self.tuilabel(source or self.source, "--session", str(session), *arguments)
        cache = {"XDG_CACHE_HOME": str(session.parent / "CACHE")} if empty_cache else {}
        program = Program(command, self.env | cache, size, bytes_per_second)
        program.read_until(FIRST_FRAME)
        program.wait_idle()
        return program

    def labels(self, session: Path) -> int:
        """Return the number of labels in a session."""
        command = self.tuilabel("status", str(session), "--json")
        done = subprocess.run(command, env=self.env, stdout=subprocess.PIPE, check=True)
        return int(json.loads(done.stdout)["labels"])


def held_on(screen: str) -> int:
    """Return the number of held keys that the screen shows."""
    found = re.search(TYPED_AHEAD.format(r"(\d+)"), screen)
    return int(found[1]) if found else 0


def strokes(rng: np.random.Generator, count: int) -> tuple[_Pictures, NDArray[np.int64]]:
    """Return smooth strokes of ten kinds, (count, 28, 28) uint8, and their kinds."""
    kinds = rng.integers(0, 10, count)
    images = np.zeros((count, 28, 28), dtype=np.uint8)
    for image, kind in zip(images, kinds, strict=True):
        large = Image.new("L", (112, 112))
        bend = np.linspace(0, np.pi, 20)
        x = 56 + rng.uniform(30, 40) * np.cos(bend + kind * 0.63)
        y = 56 + rng.uniform(30, 40) * np.sin((1 + kind % 3) * bend)
        ImageDraw.Draw(large).line(list(zip(x, y, strict=True)), fill=255, width=10)
        image[:] = np.asarray(large.resize((28, 28), Image.Resampling.BILINEAR))
    return images, kinds


def seconds_of(command: Sequence[str], env: dict[str, str]) -> float:
    """Run a command, discard its output, and return its processor seconds."""
    process = subprocess.Popen(command, env=env, stdout=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise SystemExit(f"{command} ended with {process.returncode}")
    return usage.ru_utime + usage.ru_stime
