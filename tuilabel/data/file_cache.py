"""Cache of what was read of the files of a folder, so that the next start reads only new files."""

from __future__ import annotations

import hashlib
import os
import struct
import threading
import time
import zlib
from collections.abc import Callable, Collection, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple, TypeVar

import numpy as np
from numpy.typing import NDArray

from tuilabel.data.images import MAX_THUMBNAIL_SIDE, MODEL_SIDE, ReducedImage
from tuilabel.data.window import Window
from tuilabel.file_systems import file_system_type, is_network_type
from tuilabel.text import shown_path

if TYPE_CHECKING:
    import sqlite3

SUFFIX = ".files"
"""Ending of the name of a file of the cache. SQLite keeps others beside it, with longer names."""

# Seconds to wait for another process that writes.
_PATIENCE = 0.1
# Bytes of pictures that are kept in memory where the disk does not take them.
_MEMORY = 64 * 2**20
# More than any row takes: a thumbnail and a letterbox in colour, and the longest path twice.
_LONGEST_ROW = 2**17
# Bytes that a row takes at least beside its values.
_LEAST_BESIDE = 6
_LONGEST_REASON = 1000
_AGAIN = "Until then every start reads all files again."
# SQLite before version 3.32 takes at most 999 values.
_ASKED_AT_ONCE = 400

# One tree for each table: what is added to a damaged one is found where it would be looked for.
_SCHEMA = [
    "CREATE TABLE files1 (key BLOB PRIMARY KEY, entry BLOB) WITHOUT ROWID",
    "CREATE TABLE pictures1 (key BLOB, window BLOB, pair BLOB, PRIMARY KEY (key, window)) "
    "WITHOUT ROWID",
]
# Small pictures fit into a page with others.
_PAGE = 2**13
# Size, mtime and ctime of a file, after its path.
_TIMES = struct.Struct("<qqq")
# Digest, version of the decoder, height, width, frames, flags; then the reason of a failure.
_ENTRY = struct.Struct("<16s8sIIIB")
_DEEP, _FAILED, _COLOUR = 1, 2, 4
_WINDOW = struct.Struct("<dd")
# Height, width and channels of a thumbnail, before its values and those of its letterbox.
_SHAPE = struct.Struct("<BBB")
_CRC = struct.Struct("<I")
# The CRC-32 of anything that ends with its own CRC-32.
_INTACT = 0x2144DF1C
# SQLite's codes of a place that cannot be written: permission, memory, input and output, full,
# cannot open, locks, large files. A file that seems read-only may be damaged too.
_NO_PLACE = frozenset({3, 7, 10, 13, 14, 15, 22})

T = TypeVar("T")


class FileKey(NamedTuple):
    """A file at the time it was read: a change of content changes its size or a time.

    Renaming and writing move ctime, also where mtime is set back or is that of an archive.
    """

    path: str
    size: int
    mtime_ns: int
    ctime_ns: int


@dataclass(frozen=True, slots=True)
class Failure:
    """A file that is no image: the reason, and the hash of its bytes if that is known."""

    reason: str
    digest: bytes = b""


class Known(NamedTuple):
    """What is known of a file.

    Attributes
    ----------
    digest : bytes
        Hash of the file's bytes (16 bytes); empty if it is no image and was not read to its end.
    height, width : int
        Shape of the thumbnail, which is that of an image of at most 96 pixels a side.
    channels : int
        3, or 1 for a grey image.
    frames : int
        Number of pages or frames.
    is_deep : bool
        Whether its values are seen through a window.
    reason : str or None
        Why it is no image; None if it is one.
    """

    digest: bytes
    height: int
    width: int
    channels: int
    frames: int
    is_deep: bool
    reason: str | None


Pair = tuple[NDArray[np.uint8], NDArray[np.uint8]]
"""A thumbnail of shape (h, w) or (h, w, 3), and the letterbox of it that models see."""


class FileCache:
    """What was read of the files of one folder, kept in SQLite, or in memory where it cannot be.

    No method raises an error or waits long for another process: what cannot be read counts as
    missing. A damaged file of the cache is removed and a new one begun. One thread may add while
    others read.

    Parameters
    ----------
    folder : Path or None
        Where the file lies; created if it is missing. It must be on a local file system: others
        have no reliable locks. None to keep all in memory.
    name : str
        Names the folder whose files these are.
    version : str
        Version of the decoder. Failures of another version are not returned: this one may be able
        to read the file.

    Attributes
    ----------
    problem : str or None
        Why nothing more is kept on disk, as a sentence.
    """

    def __init__(self, folder: Path | None, name: str, version: str) -> None:
        self.problem: str | None = None
        self._folder, self._name = folder, name
        self._version = hashlib.blake2b(version.encode(), digest_size=8).digest()
        # What is not on disk, by key and window: an entry, and a picture, empty if there is none.
        self._memory: dict[tuple[bytes, bytes], tuple[bytes, bytes]] = {}
        self._file = Path()
        self._was_damaged = False
        # Two connections, so that a thread that reads does not wait for one that writes.
        self._reader: sqlite3.Connection | None = None
        self._writer: sqlite3.Connection | None = None
        self._reading, self._writing = threading.Lock(), threading.Lock()
        if folder is not None:
            with self._writing:
                self._open(folder)

    def known(self) -> dict[FileKey, Known]:
        """Return all that is known, in one pass."""
        found: dict[FileKey, Known] = {}
        for key, entry in self._rows():
            if zlib.crc32(entry, zlib.crc32(key)) != _INTACT:
                continue
            try:
                digest, version, height, width, frames, flags = _ENTRY.unpack_from(entry)
                path = key[: -_TIMES.size].decode("utf-8", "surrogatepass")
                file = FileKey(path, *_TIMES.unpack(key[-_TIMES.size :]))
            except (struct.error, UnicodeDecodeError):
                continue
            if not flags & _FAILED:
                channels = 3 if flags & _COLOUR else 1
                is_deep = bool(flags & _DEEP)
                found[file] = Known(digest, height, width, channels, frames, is_deep, None)
            elif version == self._version:
                reason = entry[_ENTRY.size : -_CRC.size].decode(errors="replace")
                found[file] = Known(digest if any(digest) else b"", 0, 0, 0, 0, False, reason)
        return found

    def pictures(self, keys: Sequence[FileKey], window: Window | None) -> list[Pair | None]:
        """Return the thumbnail and the letterbox of files; None where there are none.

        Parameters
        ----------
        keys : sequence of FileKey
        window : Window or None
            That of images of more than 8 bits. Images of 8 bits are found with any window.
        """
        wanted = [_key_of(file) for file in keys]
        windows = (b"", _window_of(window))
        found: dict[tuple[bytes, bytes], bytes] = {}
        for start in range(0, len(wanted), _ASKED_AT_ONCE):
            asked = [key for key in wanted[start : start + _ASKED_AT_ONCE] if key is not None]
            found |= self._read(partial(_pairs, keys=asked, windows=windows)) or {}
        for place, (_, pair) in list(self._memory.items()):
            if pair:
                found[place] = pair
        pairs = (
            [_pair_of(found.get((key or b"", seen), b""), key or b"", seen) for seen in windows]
            for key in wanted
        )
        return [next(filter(None, each), None) for each in pairs]

    def add(self, read: Iterable[tuple[FileKey, ReducedImage | Failure]]) -> None:
        """Keep what was read of files, in one transaction."""
        with self._writing:
            for file, result in read:
                self._remember(file, result)
            self._flush()
            self._bound_memory()

    def _remember(self, file: FileKey, result: ReducedImage | Failure) -> None:
        key, window, pair, reason = _key_of(file), b"", b"", b""
        if key is None:
            return
        if isinstance(result, Failure):
            numbers = (0, 0, 0, _FAILED)
            reason = result.reason[:_LONGEST_REASON].encode(errors="replace")
        else:
            height, width, *channels = result.thumbnail.shape
            flags = _DEEP * (result.window is not None) | _COLOUR * bool(channels)
            numbers = (height, width, result.frames, flags)
            window = _window_of(result.window)
            values = result.thumbnail.tobytes() + result.letterbox.tobytes()
            pair = _sealed(_SHAPE.pack(height, width, *(channels or [1])) + values, key, window)
        entry = _sealed(_ENTRY.pack(result.digest, self._version, *numbers) + reason, key)
        self._memory[key, window] = entry, pair

    def _flush(self) -> None:
        """Move what is in memory to disk, if the disk takes it."""
        rows = list(self._memory.items())

        def write(database: sqlite3.Connection) -> None:
            database.executemany(
                "INSERT OR REPLACE INTO files1 VALUES (?, ?)",
                ((key, entry) for (key, _), (entry, _) in rows),
            )
            database.executemany(
                "INSERT OR REPLACE INTO pictures1 VALUES (?, ?, ?)",
                ((*place, pair) for place, (_, pair) in rows if pair),
            )

        if rows and self._write(write):
            self._memory = {}

    def _bound_memory(self) -> None:
        """Drop the oldest pictures in memory once there are too many."""
        spare = sum(len(pair) for _, pair in self._memory.values()) - _MEMORY
        for place, (entry, pair) in list(self._memory.items()):
            if spare <= 0:
                return
            spare -= len(pair)
            self._memory[place] = entry, b""

    def forget(self, living: Collection[FileKey]) -> None:
        """Drop the entries of files that are gone.

        Parameters
        ----------
        living : collection of FileKey
            Every file of the folder as it is now.
        """
        gone = {key for key, _ in self._rows()}.difference(map(_key_of, living))

        def drop(database: sqlite3.Connection) -> None:
            for table in ("files1", "pictures1"):
                database.executemany(f"DELETE FROM {table} WHERE key = ?", ((key,) for key in gone))

        with self._writing:
            self._memory = {
                place: kept for place, kept in self._memory.items() if place[0] not in gone
            }
            if gone:
                self._write(drop)

    def close(self) -> None:
        """Write what another process kept from being written, and close the file."""
        with self._writing:
            self._flush()
            self._disconnect()

    # The file. It is opened, written and replaced under the lock `_writing`.

    def _open(self, folder: Path) -> None:
        """Open the file of this cache, or begin one."""
        kind = file_system_type(folder)
        if is_network_type(kind):
            self.problem = (
                f"The cache folder {shown_path(folder)} is on a network file system ({kind}), "
                "which has no reliable locks: set XDG_CACHE_HOME or TMPDIR to a folder on a local "
                f"disk. {_AGAIN}"
            )
            return
        try:
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            # No name is used twice: SQLite removes files by name, and those of a file that was
            # removed while another process used it must not be those of the next one.
            found = sorted(folder.glob(f"{self._name}.*{SUFFIX}"))
            if found:
                self._file = found[0]
                os.utime(self._file)
            else:
                self._file = folder / f"{self._name}.{time.time_ns():016x}{SUFFIX}"
                os.close(os.open(self._file, os.O_CREAT | os.O_WRONLY | os.O_CLOEXEC, 0o600))
            self._writer = self._connected()
            _make_tables(self._writer)
            self._reader = self._connected()
        except _errors() as error:
            self._failed(error)

    def _connected(self) -> sqlite3.Connection:
        import sqlite3

        database = sqlite3.connect(
            self._file,
            timeout=_PATIENCE,
            isolation_level="IMMEDIATE",
            check_same_thread=False,
        )
        database.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, _LONGEST_ROW)
        database.execute(f"PRAGMA page_size = {_PAGE}")
        database.execute("PRAGMA journal_mode = WAL")
        # After a power cut the file may be damaged, and is made again.
        database.execute("PRAGMA synchronous = OFF")
        return database

    def _disconnect(self) -> None:
        import sqlite3

        with self._reading:
            for database in filter(None, (self._reader, self._writer)):
                with suppress(sqlite3.Error):
                    database.close()
            self._reader = self._writer = None

    def _rows(self) -> list[tuple[bytes, bytes]]:
        """Return all keys and entries."""
        rows = self._read(_entries) or []
        return rows + [(key, entry) for (key, _), (entry, _) in list(self._memory.items())]

    def _read(self, work: Callable[[sqlite3.Connection], T]) -> T | None:
        """Return what some work finds in the file; None if it cannot be read."""
        try:
            with self._reading:
                return None if self._reader is None else work(self._reader)
        except _errors() as error:
            failure = error
        with self._writing:
            self._failed(failure)
        return None

    def _write(self, work: Callable[[sqlite3.Connection], None]) -> bool:
        """Do some work in one transaction; return whether it is done."""
        if self._writer is None or self.problem is not None:
            return False
        try:
            with self._writer:
                work(self._writer)
        except _errors() as error:
            self._failed(error)
            return False
        return True

    def _failed(self, error: Exception) -> None:
        """Begin a new file in place of a damaged one; or else keep in memory what is added."""
        import sqlite3

        assert self._folder is not None
        # Some errors of the module have no code: of text that cannot be decoded, for example.
        code = getattr(error, "sqlite_errorcode", sqlite3.SQLITE_CORRUPT) & 0xFF
        is_locked = code in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED)
        if is_locked and self._reader is not None:
            return  # What was to be written stays in memory until the next time.
        is_damaged = code not in _NO_PLACE and not isinstance(error, OSError)
        if is_damaged and not is_locked and not self._was_damaged:
            self._was_damaged = True
            self._disconnect()
            remove(self._file)
            self._open(self._folder)
            return
        reason = error.strerror if isinstance(error, OSError) else str(error)
        self.problem = (
            f"The cache folder {shown_path(self._folder)} cannot be written ({reason}): free space "
            f"there, or make it writable. {_AGAIN}"
        )
        if is_locked:
            self.problem = (
                f"The cache in {shown_path(self._folder)} is locked by another process: what is "
                "read of files now is read again at the next start."
            )


def _errors() -> tuple[type[Exception], ...]:
    """Return the errors of SQLite, whose messages about a damaged file may not be text."""
    import sqlite3

    return (sqlite3.Error, OSError, UnicodeError)


def remove(file: Path) -> None:
    """Remove a file of the cache. A process that uses it keeps it until it ends."""
    for path in _all_files(file):
        with suppress(OSError):
            path.unlink(missing_ok=True)


def _all_files(file: Path) -> list[Path]:
    """Return the paths of a file of the cache and of those that SQLite keeps beside it."""
    return [file.with_name(file.name + ending) for ending in ("", "-wal", "-shm", "-journal")]


def _make_tables(database: sqlite3.Connection) -> None:
    """Make the tables in a new file.

    Raises
    ------
    sqlite3.Error
        The file has others: it is of another version, or damaged.
    """
    import sqlite3

    def found() -> list[str]:
        query = "SELECT sql FROM sqlite_master WHERE name NOT LIKE 'sqlite_%' OR sql NOT NULL"
        return [sql for (sql,) in database.execute(query).fetchmany(len(_SCHEMA) + 1)]

    if found() == _SCHEMA:
        return
    database.execute("BEGIN IMMEDIATE")
    # Another process may have been quicker.
    if not found():
        for table in _SCHEMA:
            database.execute(table)
    is_right = found() == _SCHEMA
    database.commit()
    if not is_right:
        raise sqlite3.DatabaseError("another schema")


def _entries(database: sqlite3.Connection) -> list[tuple[bytes, bytes]]:
    """Return all keys and entries in a file.

    Raises
    ------
    sqlite3.Error
        The file is damaged.
    """
    import sqlite3

    (pages,) = database.execute("PRAGMA page_count").fetchone()
    (page,) = database.execute("PRAGMA page_size").fetchone()
    query = "SELECT key, entry FROM files1 WHERE typeof(key) = 'blob' AND typeof(entry) = 'blob'"
    rows, left = [], pages * page
    for row in database.execute(query):
        rows.append(row)
        left -= len(row[0]) + len(row[1]) + _LEAST_BESIDE
        # Pages that lead to one another could return rows without end.
        if left < 0:
            raise sqlite3.DatabaseError("more rows than there is room for")
    return rows


def _pairs(
    database: sqlite3.Connection, keys: Sequence[bytes], windows: tuple[bytes, bytes]
) -> dict[tuple[bytes, bytes], bytes]:
    """Return the pictures in a file, by key and window."""
    query = (
        "SELECT key, window, pair FROM pictures1 WHERE typeof(pair) = 'blob' "
        f"AND window IN (?, ?) AND key IN ({','.join('?' * len(keys))})"
    )
    rows = database.execute(query, (*windows, *keys)).fetchmany(2 * len(keys) + 1)
    return {(key, window): pair for key, window, pair in rows}


# Rows of the file.


def _key_of(file: FileKey) -> bytes | None:
    """Return the key of a file; None if a time does not fit into 64 bits."""
    try:
        return file.path.encode("utf-8", "surrogatepass") + _TIMES.pack(*file[1:])
    except struct.error:
        return None


def _window_of(window: Window | None) -> bytes:
    return b"" if window is None else _WINDOW.pack(*window)


def _sealed(content: bytes, *about: bytes) -> bytes:
    """Return content with a checksum of it and of what it is about."""
    return content + _CRC.pack(zlib.crc32(content, zlib.crc32(b"".join(about))))


def _pair_of(pair: bytes, key: bytes, window: bytes) -> Pair | None:
    """Return a thumbnail and a letterbox; None if they are missing or damaged."""
    if len(pair) < _SHAPE.size or zlib.crc32(pair, zlib.crc32(key + window)) != _INTACT:
        return None
    height, width, channels = _SHAPE.unpack_from(pair)
    size, square = height * width * channels, MODEL_SIDE * MODEL_SIDE * channels
    if (
        not (1 <= height <= MAX_THUMBNAIL_SIDE and 1 <= width <= MAX_THUMBNAIL_SIDE)
        or channels not in (1, 3)
        or len(pair) != _SHAPE.size + size + square + _CRC.size
    ):
        return None
    colours = (3,) if channels == 3 else ()
    thumbnail = np.frombuffer(pair, np.uint8, size, _SHAPE.size)
    letterbox = np.frombuffer(pair, np.uint8, square, _SHAPE.size + size)
    return (
        thumbnail.reshape(height, width, *colours),
        letterbox.reshape(MODEL_SIDE, MODEL_SIDE, *colours),
    )
