"""The runs that write logs: their names, and whether their processes are still there."""

from __future__ import annotations

import os
import re
import socket
import unicodedata
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tuilabel.journal.lines import Event
    from tuilabel.journal.payloads import Begin


@dataclass
class Run:
    """One run of one process, as its log shows it.

    Attributes
    ----------
    name : str
        Name of its log without the ending, as `name_of` makes it; a copy of the log may be called
        otherwise.
    begin : Begin or None
        None if the beginning of the log is damaged.
    is_closed : bool
        Whether its log has a closing event.
    n : int
        The highest number read.
    grew : float
        When this process has last seen the log grow, by its own monotonic clock, in seconds.
    files : list of str
        Names of the files with events of this run: its log, and copies.
    """

    name: str
    begin: Begin | None
    is_closed: bool = False
    n: int = 0
    grew: float = 0.0
    files: list[str] = field(default_factory=list)

    @property
    def is_named(self) -> bool:
        """Whether its name is one that `name_of` can make."""
        return re.fullmatch(r"[A-Za-z0-9-]{1,80}", self.name) is not None

    @property
    def has_ended(self) -> bool:
        """Whether it has a closing event, or its process on this host is gone."""
        return self.is_closed or (self.begin is not None and is_gone(self.begin))


def name_of(begin: Event[Begin]) -> str:
    """Return the name of a run's log without the ending, which follows from its first event."""
    who = f"{_reduced(begin.payload.annotator)}-{_reduced(begin.payload.host)}"
    return f"{begin.at:%Y%m%dT%H%M%SZ}-{who}-{begin.id[:4]}"


def _reduced(name: str) -> str:
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode().lower()
    return re.sub(r"[^a-z0-9]+", "-", plain)[:20].strip("-") or "x"


def this_process() -> tuple[str, str, int, int]:
    """Return host name, boot id, process id, and start in clock ticks since the boot.

    Boot id and start are empty and 0 where the system does not show them.
    """
    return socket.gethostname(), _boot(), os.getpid(), _started(os.getpid()) or 0


def is_gone(begin: Begin) -> bool:
    """Return whether a run was on this host, and its process is certainly gone."""
    if begin.host != socket.gethostname():
        return False
    if begin.boot != _boot():
        return True
    if begin.started:
        return _started(begin.pid) != begin.started
    try:
        os.kill(begin.pid, 0)
    except (ProcessLookupError, OverflowError):
        return True
    except PermissionError:
        pass
    return False


def _boot() -> str:
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    except OSError:
        return ""


def _started(pid: int) -> int | None:
    try:
        # The name of the program, in parentheses, may contain anything.
        stat = Path(f"/proc/{pid}/stat").read_text(errors="replace")
        return int(stat.rpartition(")")[2].split()[19])
    except (OSError, IndexError):
        return None
