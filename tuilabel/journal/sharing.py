"""Share a session with a group of users."""

from __future__ import annotations

import grp
import os
import stat
from pathlib import Path

from tuilabel.errors import UsageError
from tuilabel.journal.files import SHARED_FILE, SHARED_FOLDER, reason_of
from tuilabel.journal.folder import BULK, LOGS, read_about
from tuilabel.text import shown_path

_FLAGS = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC


def share(path: Path, group: str) -> dict[str, str]:
    """Let a group read a session and add logs to it; later files follow.

    Parameters
    ----------
    path : Path
    group : str
        Its name.

    Returns
    -------
    dict of str to str
        Why a file could not be shared, by path; others' files are theirs to share.

    Raises
    ------
    UsageError
        There is no such group.
    SessionFileError
        It is no session.
    """
    try:
        number = grp.getgrnam(group).gr_gid
    except (KeyError, ValueError):
        raise UsageError(
            f"There is no group {shown_path(group)!r} on this host; `getent group` lists them."
        ) from None
    read_about(path)
    failed = {}
    folders = [path, path / LOGS, path / BULK]
    for place in [*folders, *(file for folder in folders for file in sorted(folder.glob("*")))]:
        try:
            _share(place, number, is_folder=place in folders)
        except OSError as error:
            failed[shown_path(place)] = reason_of(error)
    return failed


def _share(path: Path, group: int, *, is_folder: bool) -> None:
    descriptor = os.open(path, _FLAGS | (os.O_DIRECTORY if is_folder else 0))
    try:
        found = os.fstat(descriptor)
        if not is_folder and not stat.S_ISREG(found.st_mode):
            return
        # A changed group clears the bit by which new files follow the folder's group.
        if found.st_gid != group:
            os.fchown(descriptor, -1, group)
        os.fchmod(descriptor, SHARED_FOLDER if is_folder else SHARED_FILE)
    finally:
        os.close(descriptor)
