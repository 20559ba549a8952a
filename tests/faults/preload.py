"""`faulty.c`, compiled when it is needed, and a labelling process that it is preloaded into."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import IntEnum
from pathlib import Path
from typing import Any, Self

from tests.faults.labeller import as_event
from tuilabel.events.lines import Event

HERE = Path(__file__).resolve().parent
REPOSITORY = HERE.parent.parent


class Fault(IntEnum):
    """As in `faulty.c`."""

    NOTHING = 0
    INPUT_OUTPUT = 1
    NO_SPACE = 2
    SHORT = 3
    TORN = 4
    KILLED = 5
    READ_ONLY = 6


class ImpossibleError(Exception):
    """A kind of fault that cannot be injected here, and why."""


def compiled(folder: Path) -> Path:
    """Compile the library.

    Raises
    ------
    ImpossibleError
        There is no compiler, or no Linux.
    """
    if not sys.platform.startswith("linux"):
        raise ImpossibleError("system calls are made to fail through Linux's LD_PRELOAD and /proc")
    compiler = shutil.which("gcc") or shutil.which("cc")
    if compiler is None:
        raise ImpossibleError("there is no C compiler to make system calls fail with")
    library = folder / "faulty.so"
    command = [
        compiler,
        "-shared",
        "-fPIC",
        "-O1",
        "-o",
        str(library),
        str(HERE / "faulty.c"),
        "-ldl",
    ]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise ImpossibleError(f"the C compiler fails: {done.stderr.strip()[-200:]}")
    return library


def quick_folder() -> str | None:
    """Return a folder in memory, if there is one: thousands of sessions are made."""
    memory = Path("/dev/shm")
    return str(memory) if memory.is_dir() and os.access(memory, os.W_OK) else None


@dataclass
class Told:
    """What labelling processes have said.

    Attributes
    ----------
    saved : list of Event
        What was acknowledged.
    refused, crashed : list of str
        Messages of errors that were expected, and of others.
    calls : int
        Number of system calls that could have failed.
    pid, ended : list of int
        Of each process.
    """

    saved: list[Event] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)
    crashed: list[str] = field(default_factory=list)
    calls: int = 0
    pid: list[int] = field(default_factory=list)
    ended: list[int] = field(default_factory=list)


class Labeller:
    """A process of `labeller.py`.

    Parameters
    ----------
    library : Path
        See `compiled`.
    """

    def __init__(self, library: Path) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.faults.labeller"],
            cwd=REPOSITORY,
            env={**os.environ, "LD_PRELOAD": str(library), "PYTHONPATH": str(REPOSITORY)},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )

    def label(
        self,
        folder: Path,
        *,
        labels: int = 12,
        at: int = 0,
        fault: Fault = Fault.NOTHING,
        record: Path | None = None,
        careless: str = "",
        writers: Sequence[str] = ("me",),
        kill_after: int | None = None,
    ) -> Told:
        """Create a session and label in it, while the `at`-th call of each writer fails.

        `careless` names a function that does nothing. With `kill_after` all writers are killed at
        that number of acknowledged events; they do not wait for it.
        """
        request: dict[str, Any] = {
            "folder": str(folder),
            "labels": labels,
            "at": at,
            "fault": int(fault),
            "careless": careless,
            "writers": writers,
            "record": None if record is None else str(record),
        }
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps(request).encode() + b"\n")
        self._process.stdin.flush()
        told = Told()
        for line in self._process.stdout:
            ((kind, what),) = json.loads(line).items()
            if kind == "saved":
                told.saved.append(as_event(what))
            elif kind in ("refused", "crashed", "pid"):
                getattr(told, kind).append(what)
            else:
                setattr(told, kind, what)
            if kind == "ended":
                return told
            if kill_after is not None and len(told.saved) >= kill_after:
                kill_after = self._kill(told, len(writers), kill_after)
        raise ImpossibleError("the labelling process cannot be started with a preloaded library")

    @staticmethod
    def _kill(told: Told, writers: int, kill_after: int) -> int | None:
        """Kill the writers once all are there."""
        if len(told.pid) < writers:
            return kill_after
        for pid in told.pid:
            os.kill(pid, signal.SIGKILL)
        return None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._process.kill()
        self._process.communicate()


def new_folder(under: Path) -> Path:
    """Make an empty folder."""
    return Path(tempfile.mkdtemp(dir=under))
