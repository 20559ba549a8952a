"""Cache of what was read of the files of a folder, so that the next start reads only new files."""

from __future__ import annotations

import errno
import math
import os
import struct
import threading
import time
import zlib
from collections.abc import Collection, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

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

# Seconds to wait for another process that writes, and at the start for one that begins the file.
_PATIENCE, _PATIENCE_AT_FIRST = 0.1, 1.0
# Bytes of pictures that are kept in memory where the disk does not take them.
_MEMORY = 64 * 2**20
# More than any row takes, and more rows than any folder has: a damaged file may claim anything.
_LONGEST_ROW, _MOST_ROWS = 2**17, 10**7
_LONGEST_REASON = 1000
# SQLite before version 3.32 takes at most 999 values.
_ASKED_AT_ONCE = 400

# One tree for each table: what is added to a damaged one is found where it would be looked for.
_SCHEMA = [
    "CREATE TABLE files2 (key BLOB PRIMARY KEY, entry BLOB) WITHOUT ROWID",
    "CREATE TABLE pictures1 (key BLOB, window BLOB, pair BLOB, PRIMARY KEY (key, window)) "
    "WITHOUT ROWID",
]
# Small pictures fit into a page with others.
_PAGE = 2**13

# Size, mtime and ctime of a file, after its path and, behind a zero byte, its part.
_TIMES = struct.Struct("<qqq")
# Digest, height, width, channels, frames, whether it is deep, when it was taken (NaN if that is
# unknown), and the hash of its pixels (zeros if that is); then the reason of a failure.
_ENTRY = struct.Struct("<16sIIBI?d16s")
_WINDOW = struct.Struct("<dd")
# Height, width and channels of a thumbnail, before its values and those of its letterbox.
_SHAPE = struct.Struct("<BBB")
_CRC = struct.Struct("<I")
# The CRC-32 of anything that ends with its own CRC-32.
_INTACT = 0x2144DF1C
_FLAGS = os.O_CREAT | os.O_WRONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
# SQLite's codes of a place that cannot be written: permission, memory, input and output, full,
# cannot open, locks, large files. A file that seems read-only may be damaged too.
_NO_PLACE = frozenset({3, 7, 10, 13, 14, 15, 22})
_LOCKED = frozenset({5, 6})


class FileKey(NamedTuple):
    """A file, or a part of it, at the time it was read: new content changes its size or a time.

    Renaming and writing move ctime, also where mtime is set back or is that of an archive.

    Attributes
    ----------
    path : str
    size, mtime_ns, ctime_ns : int
    part : str
        See `tuilabel.data.part`; empty for the whole file.
    """

    path: str
    size: int
    mtime_ns: int
    ctime_ns: int
    part: str = ""

    @property
    def name(self) -> str:
        """The path, with the part behind it."""
        return f"{self.path}#{self.part}" if self.part else self.path


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
    taken : float or None
    pixel_hash : bytes
        As in `tuilabel.data.decoding.Decoded`.
    """

    digest: bytes
    height: int
    width: int
    channels: int
    frames: int
    is_deep: bool
    reason: str | None
    taken: float | None = None
    pixel_hash: bytes = b""


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
        self._folder, self._name, self._version = folder, name, version.encode()
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
            reason = None
            if zlib.crc32(entry, zlib.crc32(key)) != _INTACT:
                # A failure is about a version too: of any other it is as good as damaged.
                if zlib.crc32(entry, zlib.crc32(key + self._version)) != _INTACT:
                    continue
                reason = entry[_ENTRY.size : -_CRC.size].decode(errors="replace")
            try:
                digest, *shape, is_deep, taken, pixels = _ENTRY.unpack_from(entry)
                name = key[: -_TIMES.size].decode("utf-8", "surrogatepass")
                path, _, part = name.partition("\0")
                file = FileKey(path, *_TIMES.unpack(key[-_TIMES.size :]))._replace(part=part)
            except (struct.error, UnicodeDecodeError):
                continue
            if reason is not None and not any(digest):
                digest = b""
            time = None if math.isnan(taken) else taken
            pixels = pixels if any(pixels) else b""
            height, width, channels, frames = shape
            shown = height, width, channels, frames, is_deep
            found[file] = Known(digest, *shown, reason, time, pixels)
        return found

    def pictures(self, keys: Sequence[FileKey], window: Window | None) -> list[Pair | None]:
        """Return the thumbnail and the letterbox of files; None where there are none.

        Parameters
        ----------
        keys : sequence of FileKey
        window : Window or None
            That of images of more than 8 bits. Images of 8 bits are found with any window.
        """
        wanted, windows = [_key_of(file) for file in keys], (b"", _window_of(window))
        found: dict[tuple[bytes, bytes], bytes] = {}
        for start in range(0, len(wanted), _ASKED_AT_ONCE):
            asked = wanted[start : start + _ASKED_AT_ONCE]
            query = (
                "SELECT key, window, pair FROM pictures1 WHERE typeof(pair) = 'blob' "
                f"AND window IN (?, ?) AND key IN ({','.join('?' * len(asked))})"
            )
            rows = self._read(query, (*windows, *asked))
            found.update(((key, seen), pair) for key, seen, pair in rows)
        found.update((place, pair) for place, (_, pair) in list(self._memory.items()) if pair)
        pairs = (
            [_pair_of(found.get((key, seen), b""), key + seen) for seen in windows]
            for key in wanted
        )
        return [next(filter(None, each), None) for each in pairs]

    def add(self, read: Iterable[tuple[FileKey, ReducedImage | Failure]]) -> None:
        """Keep what was read of files, in one transaction."""
        with self._writing:
            for file, result in read:
                self._remember(file, result)
            self._flush()
            # The oldest pictures leave the memory first.
            spare = sum(len(pair) for _, pair in self._memory.values()) - _MEMORY
            for place, (entry, pair) in list(self._memory.items()):
                if spare <= 0:
                    break
                spare -= len(pair)
                self._memory[place] = entry, b""

    def _remember(self, file: FileKey, result: ReducedImage | Failure) -> None:
        key = _key_of(file)
        if isinstance(result, Failure):
            entry = _ENTRY.pack(result.digest, 0, 0, 0, 0, False, math.nan, b"")
            entry += result.reason[:_LONGEST_REASON].encode(errors="replace")
            self._memory[key, b""] = _sealed(entry, key + self._version), b""
            return
        height, width, *channels = result.thumbnail.shape
        shape, window = (height, width, *(channels or [1])), _window_of(result.window)
        taken = math.nan if result.taken is None else result.taken
        is_deep = result.window is not None
        entry = _ENTRY.pack(result.digest, *shape, result.frames, is_deep, taken, result.pixel_hash)
        pair = _SHAPE.pack(*shape) + result.thumbnail.tobytes() + result.letterbox.tobytes()
        self._memory[key, window] = _sealed(entry, key), _sealed(pair, key + window)

    def _flush(self) -> None:
        """Move what is in memory to disk, if the disk takes it."""
        rows = self._memory.items()
        is_done = self._write(
            ("REPLACE INTO files2 VALUES (?, ?)", [(key, entry) for (key, _), (entry, _) in rows]),
            (
                "REPLACE INTO pictures1 VALUES (?, ?, ?)",
                [(*place, pair) for place, (_, pair) in rows if pair],
            ),
        )
        if is_done:
            self._memory = {}

    def forget(self, living: Collection[FileKey]) -> None:
        """Drop the entries of files that are gone, and of their parts.

        Parameters
        ----------
        living : collection of FileKey
            Every file of the folder as it is now.
        """
        there = set(map(_key_of, living))
        gone = {key for key, _ in self._rows() if _file_of(key) not in there}
        keys = [(key,) for key in gone]
        with self._writing:
            self._memory = {at: kept for at, kept in self._memory.items() if at[0] not in gone}
            self._write(
                ("DELETE FROM files2 WHERE key = ?", keys),
                ("DELETE FROM pictures1 WHERE key = ?", keys),
            )

    def close(self) -> None:
        """Write what another process kept from being written, and close the file."""
        with self._writing:
            self._flush()
            self._disconnect()

    # The file. It is opened, written and replaced under the lock `_writing`.

    def _open(self, folder: Path) -> None:
        """Open the file of this cache, or begin one."""
        last = time.monotonic() + _PATIENCE_AT_FIRST
        while True:
            try:
                return self._connect(folder)
            except _errors() as error:
                if _code(error) not in _LOCKED or time.monotonic() > last:
                    return self._failed(error)
            # Where several begin a file, SQLite refuses all but one at once, without any patience.
            self._disconnect()
            time.sleep(_PATIENCE / 10)

    def _connect(self, folder: Path) -> None:
        kind = file_system_type(folder)
        if is_network_type(kind):
            raise OSError(errno.ENOLCK, f"it is on {kind}, which has no reliable locks")
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        # No name is used twice: SQLite removes files by name, and those of a file that was
        # removed while another process used it must not be those of the next one.
        new = folder / f"{self._name}.{time.time_ns():016x}{SUFFIX}"
        self._file = min(folder.glob(f"{self._name}.*{SUFFIX}"), default=new)
        os.close(os.open(self._file, _FLAGS, 0o600))
        os.utime(self._file)
        self._writer = self._connected()
        for table in _SCHEMA:
            self._writer.execute(table.replace("TABLE", "TABLE IF NOT EXISTS"))
        self._reader = self._connected()
        query = "SELECT sql FROM sqlite_master WHERE sql NOT NULL"
        if self._reader.execute(query).fetchmany(9) != [(table,) for table in _SCHEMA]:
            raise UnicodeError("another schema")

    def _connected(self) -> sqlite3.Connection:
        import sqlite3

        database = sqlite3.connect(
            self._file, timeout=_PATIENCE, isolation_level="IMMEDIATE", check_same_thread=False
        )
        database.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, _LONGEST_ROW)
        database.execute(f"PRAGMA page_size = {_PAGE}")
        database.execute("PRAGMA journal_mode = WAL")
        # After a power cut the file may be damaged, and is made again.
        database.execute("PRAGMA synchronous = OFF")
        return database

    def _disconnect(self) -> None:
        with self._reading:
            for database in filter(None, (self._reader, self._writer)):
                with suppress(*_errors()):
                    database.close()
            self._reader = self._writer = None

    def _rows(self) -> list[tuple[bytes, bytes]]:
        """Return all keys and entries."""
        rows = self._read(
            "SELECT key, entry FROM files2 WHERE typeof(key) = 'blob' AND typeof(entry) = 'blob'"
        )
        return rows + [(key, entry) for (key, _), (entry, _) in list(self._memory.items())]

    def _read(self, query: str, values: Sequence[bytes] = ()) -> list[Any]:
        try:
            with self._reading:
                if self._reader is None:
                    return []
                return self._reader.execute(query, values).fetchmany(_MOST_ROWS)
        except _errors() as error:
            failure = error
        with self._writing:
            self._failed(failure)
        return []

    def _write(self, *work: tuple[str, Sequence[tuple[bytes, ...]]]) -> bool:
        """Change some rows in one transaction; return whether it is done."""
        if self._writer is None or self.problem is not None or not work[0][1]:
            return False
        try:
            with self._writer:
                for query, rows in work:
                    self._writer.executemany(query, rows)
        except _errors() as error:
            self._failed(error)
            return False
        return True

    def _failed(self, error: Exception) -> None:
        """Begin a new file in place of a damaged one; or else keep in memory what is added."""
        assert self._folder is not None
        code = _code(error)
        if code in _LOCKED and self._reader is not None:
            return  # What was to be written stays in memory until the next time.
        is_damaged = code not in _NO_PLACE | _LOCKED and not isinstance(error, OSError)
        if is_damaged and not self._was_damaged:
            self._was_damaged = True
            self._disconnect()
            remove(self._file)
            self._open(self._folder)
            return
        reason = error.strerror if isinstance(error, OSError) else str(error)
        self.problem = (
            f"The cache folder {shown_path(self._folder)} cannot be used ({reason}): free space "
            "there, make it writable, or set XDG_CACHE_HOME to another one. Until then every start "
            "reads all files again."
        )


def _code(error: Exception) -> int:
    """Return SQLite's code of an error; 0 where it has none, as of text that cannot be decoded."""
    return int(getattr(error, "sqlite_errorcode", 0)) & 0xFF


def _errors() -> tuple[type[Exception], ...]:
    """Return the errors of SQLite, whose messages about a damaged file may not be text."""
    import sqlite3

    return (sqlite3.Error, OSError, UnicodeError)


def remove(file: Path) -> None:
    """Remove a file of the cache, and those beside it. A process that uses it goes on."""
    for path in file.parent.glob(f"{file.name}*"):
        with suppress(OSError):
            path.unlink()


# Rows of the file.


def _key_of(file: FileKey) -> bytes:
    """Return the key of a file; one with a time beyond 64 bits is read again at each start."""
    numbers = ((number + 2**63) % 2**64 - 2**63 for number in file[1:4])
    name = f"{file.path}\0{file.part}" if file.part else file.path
    return name.encode("utf-8", "surrogatepass") + _TIMES.pack(*numbers)


def _file_of(key: bytes) -> bytes:
    """Return the key of a whole file from that of a part of it."""
    return key[: -_TIMES.size].partition(b"\0")[0] + key[-_TIMES.size :]


def _window_of(window: Window | None) -> bytes:
    return b"" if window is None else _WINDOW.pack(*window)


def _sealed(content: bytes, about: bytes) -> bytes:
    """Return content with a checksum of it and of what it is about."""
    return content + _CRC.pack(zlib.crc32(content, zlib.crc32(about)))


def _pair_of(pair: bytes, about: bytes) -> Pair | None:
    """Return a thumbnail and a letterbox; None if they are missing or damaged."""
    if len(pair) < _SHAPE.size or zlib.crc32(pair, zlib.crc32(about)) != _INTACT:
        return None
    height, width, channels = _SHAPE.unpack_from(pair)
    size, square = height * width * channels, MODEL_SIDE * MODEL_SIDE * channels
    is_size = 1 <= height <= MAX_THUMBNAIL_SIDE and 1 <= width <= MAX_THUMBNAIL_SIDE
    is_whole = len(pair) == _SHAPE.size + size + square + _CRC.size
    if not is_size or not is_whole or channels not in (1, 3):
        return None
    colours = (3,) if channels == 3 else ()
    values = np.frombuffer(pair, np.uint8, size + square, _SHAPE.size)
    return (
        values[:size].reshape(height, width, *colours),
        values[size:].reshape(MODEL_SIDE, MODEL_SIDE, *colours),
    )
