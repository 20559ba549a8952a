"""Where the bytes of a session lie: in a folder, or in the store of a plug-in."""

from __future__ import annotations

import errno
import os
import re
from collections.abc import Callable, Iterable
from contextlib import suppress
from functools import partial
from io import FileIO
from pathlib import Path
from typing import Protocol, cast

from tuilabel.durable_files import create_file, make_whole, sync_directory, write_new
from tuilabel.errors import SessionFileError
from tuilabel.plugins import Guarded, split_store
from tuilabel.small_files import KeptFile, open_regular, read_small
from tuilabel.text import shown_path

FILE = "session.json"
LOGS, BULK = "log", "bulk"

_LOG_FILE = re.compile(r"\d{8}T\d{6}-.+-[0-9a-f]{4}\.jsonl")
"""Names of logs, see `tuilabel.runs.log_name`."""

_LARGEST = 2**16


class Store(Protocol):
    """The files of one session: `FILE`, and those whose names begin with ``log/`` or ``bulk/``.

    Every error is an `OSError`. Several threads call the methods. Until `write` makes `FILE`,
    nothing is stored.
    """

    def names(self, folder: str) -> list[str]:
        """Return the names, without that of the folder, of all files in `LOGS` or `BULK`."""

    def size(self, name: str) -> int:
        """Return the number of bytes of a file; `FileNotFoundError` if there is none."""

    def read(self, name: str, offset: int, size: int) -> bytes:
        """Return some bytes of a file, as they are now; fewer only at its end."""

    def write(self, name: str, content: bytes) -> None:
        """Store a new file whole, durably; it is an error if there is one."""

    def write_parts(self, name: str, parts: Iterable[bytes]) -> None:
        """Store a new file of some parts, as `write` does; it may be large."""
        self.write(name, b"".join(parts))

    def create(self, name: str) -> None:
        """Begin an empty log, of which this is the only writer; `FileExistsError` if there is one.

        Only the log that was begun last is appended to.
        """

    def append(self, name: str, content: bytes) -> None:
        """Append to the log; when this returns, the bytes are durable.

        Raises
        ------
        OSError
            They may not be: the caller begins another log. Or the log, or the session, is no longer
            the one that it was.
        """

    def close(self) -> None:
        """Append no more to the log."""

    def has_session(self) -> bool:
        """Return whether there is a session, perhaps a damaged one."""
        try:
            return self.size(FILE) >= 0
        except FileNotFoundError:
            return bool(self.names(LOGS))

    def keep(self, name: str) -> Callable[[], bytes]:
        """Return a function that reads a file whole, if possible also after it was removed."""
        return partial(read_whole, self, name)

    def skip_hole(self, name: str, offset: int) -> int:
        """Return where the next byte of a file is stored, or its size; holes read as zeros."""
        return offset


def open_store(path: Path) -> Store:
    """Return the store that a session's path names; nothing is made.

    Raises
    ------
    SessionFileError, PluginError
        The plug-in cannot open it.
    """
    named = split_store(str(path))
    if named is None:
        return FolderStore(path)
    try:
        return cast(Store, Guarded("stores", *named, _RETURNED))
    except OSError as error:
        raise SessionFileError(
            f"{shown_path(path)} cannot be opened ({error.strerror or error}). Fix that, or name "
            "another session."
        ) from error


_RETURNED = {
    **{"names": list, "size": int, "read": bytes},
    **{"has_session": bool, "keep()": bytes, "skip_hole": int},
}
"""What the methods of a store return."""


def read_whole(store: Store, name: str, largest: int = 2**31) -> bytes:
    """Return the content of a file.

    Raises
    ------
    OSError
    """
    size = store.size(name)
    if size > largest:
        raise OSError(errno.EFBIG, "it is too large")
    content = store.read(name, 0, size)
    if len(content) < size:
        raise OSError(errno.EIO, f"only {len(content):,} of {size:,} bytes can be read")
    return content


class FolderStore(Store):
    """The default store: files in a folder, whatever else lies there."""

    def __init__(self, path: Path | str) -> None:
        self._path = Path(path)
        self._descriptor: int | None = None

    def has_session(self) -> bool:
        """Return whether there is a session, perhaps a damaged one.

        One that has lost its `FILE` is known by its suffix, or by the names of its logs.
        """
        path, logs = self._path, self._path / LOGS
        try:
            if (path / FILE).is_file():
                return True
            return logs.is_dir() and (
                path.suffix == ".tuilabel"
                or any(_LOG_FILE.fullmatch(file.name) for file in logs.iterdir())
            )
        except OSError:  # a name too long, or a folder that may not be entered
            return False

    def names(self, folder: str) -> list[str]:
        with os.scandir(self._path / folder) as entries:
            return [entry.name for entry in entries]

    def size(self, name: str) -> int:
        with self._opened(name) as file:
            return os.fstat(file.fileno()).st_size

    def read(self, name: str, offset: int, size: int) -> bytes:
        if name == FILE:
            return read_small(self._path / FILE, _LARGEST)[offset:][:size]
        with self._opened(name) as file:
            return os.pread(file.fileno(), size, offset)

    def skip_hole(self, name: str, offset: int) -> int:
        # A hole of a sparse file may be as large as a disk.
        with self._opened(name) as file:
            try:
                return file.seek(offset, os.SEEK_DATA)
            except OSError as error:
                return file.seek(0, os.SEEK_END) if error.errno == errno.ENXIO else offset

    def _opened(self, name: str) -> FileIO:
        """Open a file anew: network file systems promise no more than close-to-open."""
        return FileIO(open_regular(self._path / name, follow=False))

    def keep(self, name: str) -> Callable[[], bytes]:
        return KeptFile(self._path / name).read

    def write(self, name: str, content: bytes) -> None:
        if name == FILE:
            make_whole(self._path, (LOGS, BULK), FILE, content)
        else:
            write_new(self._path / name, [content])

    def write_parts(self, name: str, parts: Iterable[bytes]) -> None:
        write_new(self._path / name, parts)

    def create(self, name: str) -> None:
        place = self._path / name
        self._descriptor = create_file(place)
        sync_directory(place.parent)
        # The process that created the session may have been stopped before its name was on disk.
        # The folder of another user's session may be closed to this one.
        with suppress(PermissionError):
            sync_directory(self._path.resolve().parent)

    def append(self, name: str, content: bytes) -> None:
        assert self._descriptor is not None
        try:
            is_ours = os.path.samestat((self._path / name).stat(), os.fstat(self._descriptor))
        except FileNotFoundError:
            is_ours = False
        if not is_ours:
            text = "the session's folder or log was moved, replaced or deleted"
            raise OSError(errno.ESTALE, text)
        written = os.write(self._descriptor, content)
        if written != len(content):
            raise OSError(errno.ENOSPC, f"only {written} of {len(content)} bytes were written")
        os.fdatasync(self._descriptor)

    def close(self) -> None:
        descriptor, self._descriptor = self._descriptor, None
        if descriptor is not None:
            os.close(descriptor)
