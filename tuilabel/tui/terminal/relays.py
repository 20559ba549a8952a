"""Programs that answer in place of the terminal: how far the person is, is then not known.

mosh, tmux, screen and zellij keep a screen of their own. They report the cursor at once, however
long it takes until the picture is in front of a person. They are found among the processes that
this one descends from; what cannot be found out counts as such a program.

Nothing here imports textual.
"""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import NamedTuple

UNKNOWN = "unknown"
"""The name of a relay of which nothing else is known."""

_RELAYS = re.compile(
    r"mosh-server|tmux|screen|zellij|tmate|byobu|dvtm|mtm|3mux|twin|n?vim|emacs", re.IGNORECASE
)
"""Beginnings of the names of programs that are terminals for others, on a terminal themselves."""

_NAMED_RELAYS = re.compile(r"(gnu )?screen|tmux|zellij|tmate|mosh|libvterm|dvtm", re.IGNORECASE)
"""Beginnings of the names by which such programs report themselves (XTVERSION)."""

_FAR = re.compile(
    r"sshd|dropbear|(in\.)?(telnet|rlogin|rsh)d|tailscaled|teleport|et(server|terminal)|ttyd|gotty"
    r"|node|conmon|containerd|lxc",
    re.IGNORECASE,
)
"""Beginnings of the names of programs through which a terminal is reached that may be far."""

_PASSING = re.compile(r"sudo|su\b|doas|run0|runuser|script|unbuffer|expect", re.IGNORECASE)
"""Programs that open a terminal of their own and answer nothing: they pass all of it on."""
_PATIENCE = 1.0
_GENERATIONS = 100


class Process(NamedTuple):
    """A process.

    Attributes
    ----------
    name : str
    parent : int
        Its id; 0 where the parent cannot be seen, as in a container.
    terminal : int
        The device that controls it; 0 for none.
    """

    name: str
    parent: int
    terminal: int


ProcessOf = Callable[[int], Process | None]


def process_of(pid: int) -> Process | None:
    """Return what the system tells about a process; None where it tells nothing."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text(errors="replace")
    except FileNotFoundError:
        return _listed(pid)
    except OSError:
        return None
    # The name, in parentheses, may contain anything.
    before, _, after = stat.rpartition(")")
    _, parent, _, _, terminal = after.split()[:5]
    return Process(before.partition("(")[2], int(parent), max(0, int(terminal)))


def _listed(pid: int) -> Process | None:
    """Return a process as `ps` lists it, where there is no /proc."""
    lines = _run("ps", "-o", "ppid=,tty=,comm=", "-p", str(pid)).split(None, 2)
    if len(lines) < 3:
        return None
    parent, terminal, name = lines
    number = 0 if terminal.startswith("?") else 1 + hash(terminal) % 2**31
    return Process(Path(name.strip()).name, int(parent), number)


def holder_of(pid: int, process: ProcessOf = process_of, *, is_named: bool = False) -> str:
    """Return the name of the program at the other end of a process's terminal.

    That is the first ancestor which is a relay, is an SSH server or is on no terminal; `UNKNOWN`
    where no ancestor is on another terminal, or one cannot be seen.

    Parameters
    ----------
    pid : int
    process : callable
        Returns a process by its id.
    is_named : bool
        Whether a terminal has reported its name. The first ancestor that is on another terminal
        may then be that terminal, started inside a relay that has no part in it.
    """
    own = process(pid)
    if own is None or not own.terminal:
        return UNKNOWN
    current = own
    for _ in range(_GENERATIONS):
        above = process(current.parent) if current.parent > 0 else None
        if above is None:
            return UNKNOWN
        current = above
        if current.terminal == own.terminal:
            continue  # a shell, or what stands between the shell and this program
        is_end = _is_far(current.name) or not current.terminal
        if is_end or (is_named and not _PASSING.match(current.name)):
            return current.name.partition(":")[0]
    return UNKNOWN


def find_relay(
    environ: Mapping[str, str],
    version: str = "",
    *,
    process: ProcessOf = process_of,
    clients: Callable[[], list[int]] | None = None,
) -> str:
    """Return the name of what answers for a terminal that may be far; empty where nothing does.

    Parameters
    ----------
    environ : mapping
        The process's environment.
    version : str
        The name that the terminal reported, or what answered for it. Relays do not pass the
        question on, so a terminal that reports its name is near enough to be asked.
    process : callable
        Returns a process by its id.
    clients : callable, optional
        Returns the processes through which people look into tmux.
    """
    named = _NAMED_RELAYS.match(version)
    is_named = bool(version) and not named
    holder = holder_of(os.getpid(), process, is_named=is_named)
    if holder == "tmux":
        ends = [holder_of(pid, process) for pid in (clients or _tmux_clients)()]
        if ends and not any(map(_is_far, ends)):
            return ""
    if _RELAYS.match(holder):
        return holder
    if is_named:
        return ""  # a terminal, however far: it answers itself
    if inside := (named[0].lower() if named else "") or _is_inside(environ):
        return inside
    # Behind SSH there may be anything: mosh, for one, does not pass the question on.
    return UNKNOWN if _is_far(holder) else ""


def _is_far(holder: str) -> bool:
    return holder == UNKNOWN or bool(_RELAYS.match(holder) or _FAR.match(holder))


def _is_inside(environ: Mapping[str, str]) -> str:
    """Return the relay that the environment names, perhaps that of another machine."""
    for variable, name in (("TMUX", "tmux"), ("STY", "screen"), ("ZELLIJ", "zellij")):
        if variable in environ:
            return name
    term = environ.get("TERM", "")
    return next((name for name in ("tmux", "screen") if term.startswith(name)), "")


def _tmux_clients() -> list[int]:
    return [int(pid) for pid in _run("tmux", "list-clients", "-F", "#{client_pid}").split()]


def _run(*command: str) -> str:
    """Return what a program prints; nothing where it fails or hangs."""
    try:
        return subprocess.run(
            command,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=_PATIENCE,
            check=True,
            encoding="utf-8",
            errors="replace",
        ).stdout
    except (OSError, subprocess.SubprocessError):
        return ""
