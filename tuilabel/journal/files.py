"""The files of a session: how they are opened, made and synced. All functions raise OSError."""

from __future__ import annotations

import errno
import os
import stat
import uuid
from collections.abc import Iterable
from pathlib import Path

from tuilabel.small_files import check_ordinary

SUFFIX = ".jsonl"
SHARED_FILE, SHARED_FOLDER = 0o640, 0o2770
_READ = os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC | os.O_NOCTTY | os.O_NOFOLLOW
_CREATE = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND | os.O_NOFOLLOW | os.O_CLOEXEC


def reason_of(error: OSError) -> str:
    """Return why a call failed, in a few words."""
    return error.strerror or str(error) or type(error).__name__


def log_names(folder: Path) -> list[str]:
    """Return the names of the logs in a folder, sorted; none, if there is no folder."""
    try:
        return sorted(name for name in os.listdir(folder) if name.endswith(SUFFIX))  # noqa: PTH208
    except FileNotFoundError:
        return []


def open_to_read(path: Path) -> int:
    """Return a descriptor of an ordinary file; never follow a link, never wait."""
    try:
        descriptor = os.open(path, _READ)
    except OSError as error:
        if error.errno == errno.ELOOP:
            raise OSError(errno.ELOOP, "it is a link") from None
        raise
    try:
        check_ordinary(descriptor)
    except OSError:
        os.close(descriptor)
        raise
    return descriptor


def read_part(path: Path, size: int, offset: int = 0) -> bytes:
    """Return some bytes of an ordinary file."""
    descriptor = open_to_read(path)
    try:
        return os.pread(descriptor, size, offset)
    finally:
        os.close(descriptor)


def next_data(descriptor: int, offset: int) -> int:
    """Return where the next bytes are that are not in a hole of a sparse file, or the file ends."""
    try:
        return os.lseek(descriptor, offset, os.SEEK_DATA)
    except OSError as error:
        return os.fstat(descriptor).st_size if error.errno == errno.ENXIO else offset


def create(path: Path) -> int:
    """Return a descriptor of a new file to append to, with the group and mode of its folder."""
    descriptor = os.open(path, _CREATE, 0o600)
    try:
        folder = path.parent.stat()
        if folder.st_mode & stat.S_IRWXG:
            if os.fstat(descriptor).st_gid != folder.st_gid:
                os.fchown(descriptor, -1, folder.st_gid)
            os.fchmod(descriptor, SHARED_FILE)
    except OSError:
        os.close(descriptor)
        path.unlink()
        raise
    return descriptor


def make_folder(path: Path, like: Path) -> None:
    """Make a folder with the group and mode of another, unless it exists."""
    if not path.is_dir():
        path.mkdir(mode=0o700)
        if like.is_dir() and (found := like.stat()).st_mode & stat.S_IRWXG:
            os.chown(path, -1, found.st_gid)
            path.chmod(SHARED_FOLDER)


def write_whole(path: Path, parts: Iterable[bytes]) -> None:
    """Write a file that has its name only once it is whole and on disk."""
    new = path.with_name(f".{uuid.uuid4().hex}.new")
    try:
        with open(create(new), "wb") as file:
            file.writelines(parts)
            file.flush()
            os.fsync(file.fileno())
        new.rename(path)
        sync_folder(path.parent)
    except BaseException:
        new.unlink(missing_ok=True)
        raise


def sync_folder(path: Path) -> None:
    """Write the names in a folder to disk."""
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    except OSError as error:
        if error.errno != errno.EINVAL:  # which means that this file system has no such call
            raise
    finally:
        os.close(descriptor)
