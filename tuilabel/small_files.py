"""Opening of files whatever lies in their place, and small files that are read and appended to."""

from __future__ import annotations

import errno
import os
import stat
import tempfile
from contextlib import suppress
from pathlib import Path

from tuilabel.text import shown_path

_PROBE_BYTES = 4096

_KINDS = {
    stat.S_IFDIR: "a directory",
    stat.S_IFIFO: "a pipe",
    stat.S_IFSOCK: "a socket",
    stat.S_IFCHR: "a device",
    stat.S_IFBLK: "a device",
}


def open_regular(path: Path | str, *, follow: bool = True) -> int:
    """Open an ordinary file to read it; never wait, as for a pipe that nobody writes to.

    Parameters
    ----------
    path : Path or str
    follow : bool
        Whether to follow a link in its place.

    Returns
    -------
    int
        A descriptor.

    Raises
    ------
    OSError
        It cannot be opened, or is no ordinary file; `strerror` says which.
    """
    flags = os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC | os.O_NOCTTY
    try:
        descriptor = os.open(path, flags if follow else flags | os.O_NOFOLLOW)
    except OSError as error:
        if error.errno == errno.ELOOP and not follow:
            raise OSError(errno.ELOOP, "it is a link") from None
        raise
    mode = os.fstat(descriptor).st_mode
    if stat.S_ISREG(mode):
        return descriptor
    os.close(descriptor)
    kind = _KINDS.get(stat.S_IFMT(mode), "special")
    raise OSError(errno.EINVAL, f"it is {kind}, not an ordinary file")


def read_small(path: Path, largest: int) -> bytes:
    """Return the content of a small file, opened as by `open_regular`.

    Parameters
    ----------
    path : Path
    largest : int
        The most bytes to expect.

    Raises
    ------
    OSError
        It cannot be read, is larger, or is no ordinary file; `strerror` says which.
    """
    with os.fdopen(open_regular(path), "rb", buffering=0) as file:
        content = b""
        while len(content) <= largest:
            part = file.read(largest + 1 - len(content))
            if not part:
                return content
            content += part
    raise OSError(errno.EFBIG, f"it is larger than {largest:,} bytes")


class KeptFile:
    """An ordinary file that is kept open, so that it can be read after it was removed.

    Parameters
    ----------
    path : Path
        Not a link.

    Raises
    ------
    OSError
        As `open_regular`.
    """

    def __init__(self, path: Path) -> None:
        self._descriptor: int | None = None
        self._descriptor = open_regular(path, follow=False)

    def read(self) -> bytes:
        """Return its content."""
        assert self._descriptor is not None
        with os.fdopen(os.dup(self._descriptor), "rb") as file:
            file.seek(0)
            return file.read()

    def __del__(self) -> None:
        if self._descriptor is not None:
            with suppress(OSError):  # its file system is gone
                os.close(self._descriptor)


def why_not_writable(folder: Path) -> str | None:
    """Return why no file can be written in a folder; None after writing and removing a small one.

    Of a folder that does not exist yet, the nearest one above it that does is tried.
    """
    while not os.path.lexists(folder) and folder != folder.parent:
        folder = folder.parent
    try:
        with tempfile.NamedTemporaryFile(prefix=".tuilabel-", dir=folder) as file:
            file.write(bytes(_PROBE_BYTES))
            file.flush()
            os.fsync(file.fileno())
    except OSError as error:
        return f"{shown_path(folder)} cannot be written ({error.strerror or error})"
    return None


def open_to_append(path: Path) -> int:
    """Open a file that only its owner may read, to append to it; make its folder.

    Returns
    -------
    int
        A descriptor.

    Raises
    ------
    OSError
        It cannot be opened, or what lies there may be another file: a link, or no ordinary file.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
    descriptor = os.open(path, flags, 0o600)
    try:
        found = os.fstat(descriptor)
        if not stat.S_ISREG(found.st_mode) or found.st_nlink > 1:
            raise OSError(errno.EINVAL, "it is a link, or not an ordinary file")
        os.fchmod(descriptor, 0o600)
    except OSError:
        os.close(descriptor)
        raise
    return descriptor
