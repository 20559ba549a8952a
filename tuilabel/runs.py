"""The processes that write logs: who they are, and whether they still run."""

from __future__ import annotations

import os
import re
import socket
from functools import cache
from pathlib import Path
from typing import NamedTuple, Self

from tuilabel.events.payloads import Begin

_NAME_LENGTH = 20


class Run(NamedTuple):
    """The identity of a process.

    Attributes
    ----------
    host, boot : str
        The host's name, and the id of its boot.
    pid, started : int
        The process id, and when it started in clock ticks since the boot.
    """

    host: str
    boot: str
    pid: int
    started: int

    @classmethod
    def of(cls, begin: Begin) -> Self:
        """Return the process that wrote the first event of a log."""
        return cls(begin.host, begin.boot, begin.pid, begin.started)


def log_name(at: str, id_: str, begin: Begin) -> str:
    """Return the name of a log, which follows from its first event."""
    start = re.sub(r"[^0-9T]", "", at[:19])
    return "-".join((start, _reduced(begin.annotator), _reduced(begin.host), _reduced(id_[:4])))


def _reduced(name: str) -> str:
    return re.sub(r"[^a-z0-9-]+", "-", name.lower()).strip("-")[:_NAME_LENGTH] or "x"


@cache
def this_run() -> Run:
    """Return this process."""
    pid = os.getpid()
    return Run(socket.gethostname(), _boot(), pid, _started(pid) or 0)


def is_running(run: Run) -> bool:
    """Return whether a process may still run; one on another host may."""
    if run.host != socket.gethostname():
        return True
    return run.boot == _boot() and _started(run.pid) == run.started


@cache
def _boot() -> str:
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    except OSError:  # another system than Linux
        return ""


def _started(pid: int) -> int | None:
    try:
        # The name, in parentheses, may hold anything.
        return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[19])
    except (OSError, ValueError, IndexError):
        pass
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return None
    except (OSError, OverflowError):
        return 0
    return 0
