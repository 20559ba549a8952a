"""Files and folders that are on disk when a call returns, and of which nobody finds a half."""

from __future__ import annotations

import errno
import glob
import os
import re
import stat
import time
import uuid
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from pathlib import Path

LEFT_SECONDS = 86400.0
"""Age at which a file that is being made was left by a process that was killed."""

SHARED_FILE = 0o640
"""Mode of files in a folder that a group may read."""


def create_file(path: Path) -> int:
    """Return a descriptor of a new file to append to, as private as its folder.

    Raises
    ------
    OSError
    """
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND | os.O_NOFOLLOW | os.O_CLOEXEC
    descriptor = os.open(path, flags, 0o600)
    try:
        folder = path.parent.stat()
        # A shared folder belongs to a group that may read what is in it.
        if folder.st_mode & stat.S_IRGRP:
            if os.fstat(descriptor).st_gid != folder.st_gid:
                os.fchown(descriptor, -1, folder.st_gid)
            os.fchmod(descriptor, SHARED_FILE)
    except OSError:
        os.close(descriptor)
        path.unlink()
        raise
    return descriptor


def write_whole(path: Path, parts: Iterable[bytes]) -> None:
    """Write a new file to disk.

    Raises
    ------
    OSError
    """
    descriptor = create_file(path)
    with os.fdopen(descriptor, "wb") as file:
        file.writelines(parts)
        file.flush()
        os.fsync(descriptor)


def write_new(path: Path, parts: Iterable[bytes]) -> None:
    """Write a new file that gets its name when it is whole.

    Raises
    ------
    OSError
    """
    for left in leftovers(path.parent):
        left.unlink(missing_ok=True)
    if os.path.lexists(path):
        raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST))
    new = path.with_name(f".{uuid.uuid4().hex}.new")
    try:
        write_whole(new, parts)
        new.rename(path)
        sync_directory(path.parent)
    finally:
        new.unlink(missing_ok=True)


def make_whole(path: Path, folders: Sequence[str], file: str, content: bytes) -> None:
    """Make a private folder with some folders and a file; it gets its name when it is complete.

    Raises
    ------
    OSError
    """
    beginning = f".{path.name[:40]}."
    new = path.with_name(f"{beginning}{uuid.uuid4().hex}.new")
    parts = [file, *folders, ""]
    try:
        make_folders(path.parent)
        for left in leftovers(path.parent, beginning):
            _remove(left, parts)
        new.mkdir(0o700)
        for folder in folders:
            (new / folder).mkdir(0o700)
        write_whole(new / file, [content])
        sync_directory(new)
        new.rename(path)
        sync_directory(path.parent)
    except OSError:
        _remove(new, parts)
        raise


def _remove(folder: Path, parts: Sequence[str]) -> None:
    for part in parts:
        try:
            if (folder / part).is_dir():
                (folder / part).rmdir()
            else:
                (folder / part).unlink(missing_ok=True)
        except OSError:  # what stays has a name that nothing looks for
            return


def make_folders(path: Path) -> None:
    """Make a folder and those above it, and write their names to disk.

    Raises
    ------
    OSError
    """
    if not path.is_dir():
        make_folders(path.parent)
        path.mkdir(exist_ok=True)
        sync_directory(path.parent)


def leftovers(folder: Path, beginning: str = ".") -> Iterator[Path]:
    """Yield what processes that were killed have left in a folder."""
    with suppress(OSError):
        for path in folder.glob(f"{glob.escape(beginning)}*.new"):
            is_ours = re.fullmatch(
                r"\.[0-9a-f]{32}(\.jsonl)?\.new", path.name[len(beginning) - 1 :]
            )
            # Another process may still be making it.
            if is_ours and time.time() - path.lstat().st_mtime > LEFT_SECONDS:
                yield path


def sync_directory(path: Path) -> None:
    """Write the names in a directory to disk.

    Raises
    ------
    OSError
    """
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
