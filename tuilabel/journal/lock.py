"""One process at a time labels in a session; whoever comes second is told who holds it."""

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


class SessionLock:
    """An advisory lock on a small file beside the session file.

    The lock lies on a file of its own: closing any descriptor of the database itself would drop
    the locks that SQLite holds on it (POSIX locks belong to the process and the file). The kernel
    releases it when the process ends, however it ends, so it is never left behind; only the file
    may be, and then it is taken over.

    Parameters
    ----------
    session : Path
        The session file, by whatever name: the lock belongs to what a link points to.
    now : datetime
        What to tell others as "since when".

    Raises
    ------
    SessionLockedError
        Another process holds the lock: the message says who and since when.
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
                f"beside it ({error.strerror}). Make the directory writable, or keep the session "
                "elsewhere with --session FILE."
            ) from error

    def _acquire(self, session: Path) -> int:
        while True:
            # Without O_NOFOLLOW, a link put there by another user would have its target emptied.
            flags = os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW
            descriptor = os.open(self.path, flags, 0o666)
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                text = os.pread(descriptor, 4096, 0)
                os.close(descriptor)
                raise SessionLockedError(
                    f"{session} is already open for labelling: {_describe(text)}. "
                    "Quit there first, or label in another session with --session FILE."
                ) from None
            except OSError:
                os.close(descriptor)
                raise
            if self._is_still_there(descriptor):
                return descriptor
            # The holder before removed the file between our open and our lock.
            os.close(descriptor)

    def _is_still_there(self, descriptor: int) -> bool:
        try:
            return os.path.samestat(os.fstat(descriptor), self.path.stat())
        except FileNotFoundError:
            return False

    def release(self) -> None:
        """Remove the lock file and give the lock up; a second call does nothing."""
        if self._descriptor < 0:
            return
        # Where the directory was renamed meanwhile, the name may be another holder's by now; and
        # a file that stays behind does no harm, since only the lock counts.
        with contextlib.suppress(OSError):
            if self._is_still_there(self._descriptor):
                self.path.unlink()
        os.close(self._descriptor)
        self._descriptor = -1


def held_by_living(session: Path) -> bool:
    """Tell whether a process that is still there has, by what it wrote, a session open.

    It takes no lock, so that whoever opens the session at the same moment is not refused.
    """
    real = session.resolve()
    try:
        holder = json.loads(real.with_name(real.name + ".lock").read_bytes()[:4096])
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
            f"process {int(holder['pid'])} of {holder['user']!s:.64} on {holder['host']!s:.64} "
            f"holds it since {since}"
        )
    except (ValueError, KeyError, TypeError, RecursionError):
        return "another process holds it"
