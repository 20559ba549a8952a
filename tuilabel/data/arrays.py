"""Arrays in the cache: computed once, and mapped from then on."""

from __future__ import annotations

import errno
import hashlib
import logging
import math
import os
import struct
import tempfile
import time
import zlib
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from io import BytesIO
from pathlib import Path
from tokenize import TokenError
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import DTypeLike, NDArray

from tuilabel.errors import SourceError
from tuilabel.text import shown_path

log = logging.getLogger(__name__)

SUFFIX = ".npy"
"""Ending of the name of an array's file, which numpy can read."""

_CRC = struct.Struct("<I")
_CHUNK = 2**20
_ABANDONED_SECONDS = 86_400
_NO_ROOM = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})


class CacheError(SourceError):
    """The cache cannot be written: what is kept there has to stay in memory."""


class Arrays:
    """Arrays as files in a folder; a `tuilabel.learn.store.Store`.

    A file gets its name once it is complete, so processes that write the same array at once
    replace each other's file with an equal one. A file that is cut short, damaged or in another
    format counts as missing. If the folder cannot be written, arrays stay in memory.

    Parameters
    ----------
    folder : Path
        Created if it is missing.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def load(
        self, name: str, dtype: DTypeLike = "<f4", *, checked: bool = True
    ) -> NDArray[Any] | None:
        """Return the array of this name, memory-mapped; None if it is missing or damaged.

        Parameters
        ----------
        name : str
        dtype : dtype
            Values of any other type count as damaged.
        checked : bool
            Whether to compare its values with their checksum, which reads all of them.
        """
        path = self._path(name)
        try:
            with path.open("rb") as file:
                array, end = _mapped(file)
                if array.dtype != dtype or (checked and not _is_intact(file, end, name)):
                    return None
        # numpy parses the header as a Python literal, and invalid ones raise any of these.
        except (OSError, ValueError, SyntaxError, TypeError, RecursionError, TokenError):
            return None
        with suppress(OSError):
            os.utime(path)  # What was used last is kept the longest.
        return array

    def save(
        self,
        name: str,
        shape: tuple[int, ...],
        parts: Callable[[], Iterable[NDArray[Any]]],
        dtype: DTypeLike = "<f4",
    ) -> NDArray[Any]:
        """Write an array and return it: memory-mapped, or in memory if it cannot be written.

        Parameters
        ----------
        name : str
            The same name must always mean the same content.
        shape : tuple of int
            Shape of the whole array.
        parts : callable
            Returns the rows in order, in pieces that are read and written one by one. It is called
            again if writing fails.
        dtype : dtype

        Returns
        -------
        array of this shape and dtype, read-only

        Raises
        ------
        ValueError
            If the parts do not add up to the shape.
        """
        dtype, path = np.dtype(dtype), self._path(name)
        try:
            with replacing(path) as file:
                head = BytesIO()
                np.lib.format.write_array_header_1_0(
                    head, {"descr": dtype.str, "fortran_order": False, "shape": shape}
                )
                file.write(head.getbuffer())
                checksum = zlib.crc32(head.getbuffer(), zlib.crc32(name.encode()))
                for part in _pieces(name, shape, parts(), dtype):
                    file.write(part.data)
                    checksum = zlib.crc32(part.data, checksum)
                file.write(_CRC.pack(checksum))
            found = self.load(name, dtype, checked=False)
            if found is not None:
                return found
            problem = f"{shown_path(path)} cannot be read back"
        except CacheError as error:
            problem = str(error)
        log.warning("%s is kept in memory only: %s", name, problem)
        values, start = np.empty(math.prod(shape), dtype), 0
        for part in _pieces(name, shape, parts(), dtype):
            values[start : start + part.size] = part
            start += part.size
        values.flags.writeable = False
        return values.reshape(shape)

    def _path(self, name: str) -> Path:
        return self._folder / f"{name}{SUFFIX}"


def _pieces(
    name: str, shape: tuple[int, ...], parts: Iterable[NDArray[Any]], dtype: np.dtype[Any]
) -> Iterator[NDArray[Any]]:
    """Yield parts of an array as flat ones, and check that they add up to its shape."""
    left = math.prod(shape)
    for part in parts:
        left -= part.size
        if left < 0:
            break
        yield np.ascontiguousarray(part, dtype=dtype).reshape(-1)
    if left:
        raise ValueError(f"The parts of {name} do not add up to its shape {shape}.")


def _mapped(file: BinaryIO) -> tuple[NDArray[Any], int]:
    """Map the array of a file, and return where its values end.

    Raises
    ------
    ValueError, or one of those that numpy raises
        The file is no array, or is too short or too long for it.
    """
    if np.lib.format.read_magic(file) != (1, 0):
        raise ValueError("another version")
    shape, is_fortran, dtype = np.lib.format.read_array_header_1_0(file)
    start = file.tell()
    end = start + math.prod(shape) * dtype.itemsize
    if (
        is_fortran
        or dtype.hasobject
        or min(shape, default=0) < 0
        or os.fstat(file.fileno()).st_size != end + _CRC.size
    ):
        raise ValueError("another size or layout")
    if start < end:
        return np.memmap(file, dtype, "r", start, shape), end
    empty = np.empty(shape, dtype)
    empty.flags.writeable = False
    return empty, end


def _is_intact(file: BinaryIO, end: int, name: str) -> bool:
    """Compare a file with its checksum."""
    file.seek(0)
    checksum = zlib.crc32(name.encode())
    while chunk := file.read(min(_CHUNK, end - file.tell())):
        checksum = zlib.crc32(chunk, checksum)
    return file.read() == _CRC.pack(checksum)


@contextmanager
def replacing(target: Path) -> Iterator[BinaryIO]:
    """Open a file that gets its name only when it is complete and on disk.

    Parameters
    ----------
    target : Path
        The final name; its folder is created if it is missing. An earlier file of this name is
        replaced in one step, and stays if the body of the ``with`` statement fails.

    Raises
    ------
    CacheError
        If the cache cannot be written: no permission, no space.
    """
    temporary: Path | None = None
    try:
        with _cache_failures(target):
            target.parent.mkdir(parents=True, exist_ok=True)
            _remove_abandoned(target.parent)
            handle, name = tempfile.mkstemp(prefix=".", suffix=".part", dir=target.parent)
        temporary = Path(name)
        with os.fdopen(handle, "wb") as file:
            yield file
            with _cache_failures(target):
                file.flush()
                os.fsync(file.fileno())
        with _cache_failures(target):
            temporary.replace(target)
    except BaseException as error:
        if temporary is not None:
            temporary.unlink(missing_ok=True)
        # The body may read other files too, but only a write runs out of space.
        if isinstance(error, OSError) and error.errno in _NO_ROOM:
            raise _cannot_write(target, error) from error
        raise


def _remove_abandoned(folder: Path) -> None:
    """Remove the unfinished files of killed processes, once they are a day old."""
    for path in folder.glob(".*.part"):
        with suppress(FileNotFoundError):
            if time.time() - path.stat().st_mtime > _ABANDONED_SECONDS:
                path.unlink()


@contextmanager
def _cache_failures(target: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise _cannot_write(target, error) from error


def _cannot_write(target: Path, error: OSError) -> CacheError:
    return CacheError(
        f"The cache folder {shown_path(target.parent)} cannot be written "
        f"({error.strerror}): free space there, or make it writable."
    )


def cache_key_of_file(file: BinaryIO) -> str:
    """Return a key that differs for any other file and after any change of this one.

    It is made of device, inode, size, mtime and ctime. Any write moves ctime, even one that sets
    mtime back.
    """
    stat = os.fstat(file.fileno())
    identity = (stat.st_dev, stat.st_ino, stat.st_size, stat.st_mtime_ns, stat.st_ctime_ns)
    return hashlib.blake2b(repr(identity).encode(), digest_size=16).hexdigest()
