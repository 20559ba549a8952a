"""A lock, so that one process at a time labels in a session."""

from __future__ import annotations

import contextlib
import fcntl
import getpass
import json
import os
import socket
from datetime import datetime
from pathlib import Path

from tuilabel.errors import SessionFileError, SessionLockedError
from tuilabel.small_files import read_small
from tuilabel.text import inert

_LARGEST = 4096
"""Bytes in a lock file."""


class SessionLock:
    """An advisory lock on a small file beside the session file.

    The lock is on a separate file: closing any descriptor of the database itself would drop the
    locks that SQLite holds on it (POSIX locks belong to the process and the file). The kernel
    releases the lock when the process ends, however it ends. Only the file may be left behind; the
    next process reuses it.

    Parameters
    ----------
    session : Path
        The session file. Of a link, the lock is on its target.
    now : datetime
        The time from which other processes are told that the session is open.

    Raises
    ------
    SessionLockedError
        Another process holds the lock. The message says which, and since when.
    SessionFileError
        The lock file cannot be written.
    """

    def __init__(self, session: Path, now: datetime) -> None:
        real = session.resolve()
        self.path = real.with_name(real.name + ".lock")
        self._descriptor = -1
        try:
            self._descriptor = self._acquire(session)
            holder = {
                "pid": os.getpid(),
                "user": _user(),
                "host": socket.gethostname(),
                "since": now.astimezone().isoformat(timespec="seconds"),
            }
            os.ftruncate(self._descriptor, 0)
            os.pwrite(self._descriptor, json.dumps(holder).encode(), 0)
        except OSError as error:
            self.release()
            raise SessionFileError(
                f"{session} cannot be opened for labelling: {self.path.name} cannot be written "
                f"beside it ({error.strerror}). Make the directory writable, or name another file "
                "with --session FILE."
            ) from error

    def _acquire(self, session: Path) -> int:
        while True:
            # Without O_NOFOLLOW, a link put there by another user would have its target emptied.
            flags = os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW
            descriptor = os.open(self.path, flags, 0o600)
            # Everyone who may write to the session can then take a lock file that was left behind.
            with contextlib.suppress(OSError):
                os.fchmod(descriptor, session.stat().st_mode & 0o666)
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                text = os.pread(descriptor, _LARGEST, 0)
                os.close(descriptor)
                raise SessionLockedError(
                    f"{session} is already open for labelling {_describe(text)}. "
                    "Quit it first, or label in another session with --session FILE."
                ) from None
            except OSError:
                os.close(descriptor)
                raise
            if self._is_still_there(descriptor):
                return descriptor
            # The previous holder removed the file between our open and our lock.
            os.close(descriptor)

    def _is_still_there(self, descriptor: int) -> bool:
        try:
            return os.path.samestat(os.fstat(descriptor), self.path.stat())
        except FileNotFoundError:
            return False

    def release(self) -> None:
        """Remove the lock file and release the lock; a second call does nothing."""
        if self._descriptor < 0:
            return
        # If the directory was renamed, the path may name another holder's file. A file that is
        # left behind does no harm, since only the lock counts.
        with contextlib.suppress(OSError):
            if self._is_still_there(self._descriptor):
                self.path.unlink()
        os.close(self._descriptor)
        self._descriptor = -1


def held_by_living(session: Path) -> bool:
    """Return whether the process named in a session's lock file is alive.

    No lock is taken, so that a process that opens the session at this moment is not refused.
    """
    real = session.resolve()
    try:
        holder = json.loads(read_small(real.with_name(real.name + ".lock"), _LARGEST))
        if holder["host"] != socket.gethostname():
            return True
        os.kill(int(holder["pid"]), 0)
    except PermissionError:
        return True
    except (OSError, ValueError, KeyError, TypeError, RecursionError, OverflowError):
        return False
    return True


def _user() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # a numeric user without an entry in the password file
        return str(os.getuid())


def _describe(text: bytes) -> str:
    try:
        holder = json.loads(text)
        since = datetime.fromisoformat(holder["since"]).strftime("%Y-%m-%d %H:%M:%S")
        return (
            f"by process {int(holder['pid'])} of {inert(str(holder['user']), 64)} on "
            f"{inert(str(holder['host']), 64)}, since {since}"
        )
    except (ValueError, KeyError, TypeError, RecursionError):
        return "by another process"
