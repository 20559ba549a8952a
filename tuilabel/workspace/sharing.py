"""Share a session with a group of users."""

from __future__ import annotations

import grp
import os
import stat
from collections.abc import Iterator
from pathlib import Path

from tuilabel.durable_files import SHARED_FILE
from tuilabel.errors import UsageError
from tuilabel.journal.store import BULK, LOGS
from tuilabel.plugins import split_store
from tuilabel.text import shown_path

SHARED_FOLDER = 0o2770
"""Mode of folders in a session that is shared with a group."""

_FLAGS = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC


def share(path: Path, group: str) -> dict[str, str]:
    """Let a group read a session and add logs to it; later files follow.

    Parameters
    ----------
    path : Path
        A session.
    group : str
        Its name.

    Returns
    -------
    dict of str to str
        Why a file could not be shared, by path; another user's files are theirs to share.

    Raises
    ------
    UsageError
        There is no such group, or the session is not in a folder.
    """
    if split_store(str(path)) is not None:
        raise UsageError(
            f"{shown_path(path)} is not a folder. Use the permissions of the place that it is in."
        )
    try:
        number = grp.getgrnam(group).gr_gid
    except (KeyError, ValueError):
        raise UsageError(
            f"There is no group {shown_path(group)} on this computer. `getent group` lists them."
        ) from None
    failed: dict[str, str] = {}
    path = path.resolve()
    for place, is_folder in _places(path, failed):
        try:
            _share(place, number, is_folder=is_folder)
        except OSError as error:
            failed[shown_path(place)] = error.strerror or str(error)
    return failed


def _places(path: Path, failed: dict[str, str]) -> Iterator[tuple[Path, bool]]:
    for folder in (path, path / LOGS, path / BULK):
        yield folder, True
        try:
            with os.scandir(folder) as entries:
                files = sorted(e.path for e in entries if not e.is_dir(follow_symlinks=False))
        except OSError as error:
            failed[shown_path(folder)] = error.strerror or str(error)
            continue
        yield from ((Path(file), False) for file in files)


def _share(path: Path, group: int, *, is_folder: bool) -> None:
    descriptor = os.open(path, _FLAGS | (os.O_DIRECTORY if is_folder else 0))
    try:
        found = os.fstat(descriptor)
        if not is_folder and (not stat.S_ISREG(found.st_mode) or found.st_nlink > 1):
            raise OSError("it is a link, or not an ordinary file")
        mode = SHARED_FOLDER if is_folder else SHARED_FILE
        if found.st_gid == group and stat.S_IMODE(found.st_mode) == mode:
            return
        # A changed group clears the bit by which new files follow the folder's group.
        if found.st_gid != group:
            os.fchown(descriptor, -1, group)
        os.fchmod(descriptor, mode)
    finally:
        os.close(descriptor)
