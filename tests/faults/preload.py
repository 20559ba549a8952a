"""`faulty.c`, compiled when it is needed, and a labelling process with it."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import IntEnum
from pathlib import Path
from typing import Any, Self

from tuilabel.journal import Event, EventKind

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
    """A kind of fault that cannot be had here, and why."""


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
    """Give a file system in memory, where there is one: thousands of sessions are made."""
    memory = Path("/dev/shm")
    return str(memory) if memory.is_dir() and os.access(memory, os.W_OK) else None


@dataclass
class Told:
    """What a labelling process has said."""

    saved: list[Event] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)
    crashed: list[str] = field(default_factory=list)
    calls: int = 0
    ended: int = 0
    pid: int = 0


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
        synchronous: str = "",
        kill_after: int | None = None,
    ) -> Told:
        """Make a session and label in it, while the `at`-th call fails.

        With `kill_after` the process is killed when so many labels were heard of; it has not
        waited for that.
        """
        wish: dict[str, Any] = {
            "folder": str(folder),
            "labels": labels,
            "at": at,
            "fault": int(fault),
        }
        wish["synchronous"] = synchronous
        wish["record"] = None if record is None else str(record)
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps(wish).encode() + b"\n")
        self._process.stdin.flush()
        told = Told()
        for line in self._process.stdout:
            ((kind, what),) = json.loads(line).items()
            if kind == "saved":
                told.saved.append(as_event(what))
                if len(told.saved) == kill_after:
                    os.kill(told.pid, signal.SIGKILL)
            elif kind in ("refused", "crashed"):
                getattr(told, kind).append(what)
            else:
                setattr(told, kind, what)
            if kind == "ended":
                return told
        raise ImpossibleError("the labelling process cannot be started with a preloaded library")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._process.kill()
        self._process.communicate()


def as_event(values: Mapping[str, Any]) -> Event:
    """Make an event of its fields in JSON."""
    return Event(**{**values, "kind": EventKind(values["kind"])})


def new_folder(under: Path) -> Path:
    """Make an empty folder."""
    return Path(tempfile.mkdtemp(dir=under))
