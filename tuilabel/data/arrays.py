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
from pathlib import Path
from tokenize import TokenError
from typing import Any, BinaryIO, cast

import numpy as np
from numpy.typing import DTypeLike, NDArray

from tuilabel.data.mmap import release_pages
from tuilabel.errors import SourceError
from tuilabel.text import shown_path

log = logging.getLogger(__name__)

SUFFIX = ".npy"
"""Ending of the name of an array's file, which numpy can read."""

_CRC = struct.Struct("<I")
_INVALID = (ValueError, SyntaxError, TypeError, OverflowError, RecursionError, TokenError, EOFError)
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
            with np.errstate(over="ignore"):  # a shape may claim any size
                found = np.load(path, mmap_mode="r", allow_pickle=False)
            if not _is_array(found, dtype) or (checked and not _is_intact(found, name, path)):
                return None
        # numpy parses the header as a Python literal, and invalid ones raise any of these.
        except (OSError, *_INVALID):
            return None
        with suppress(OSError):
            os.utime(path)  # What was used last is kept the longest.
        return cast(NDArray[Any], found)

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
                np.lib.format.write_array_header_1_0(
                    file, {"descr": dtype.str, "fortran_order": False, "shape": shape}
                )
                checksum = _seed(name, shape)
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


def _is_array(found: object, dtype: DTypeLike) -> bool:
    return isinstance(found, np.ndarray) and found.dtype == dtype and found.flags.c_contiguous


def _is_intact(array: NDArray[Any], name: str, path: Path) -> bool:
    """Compare an array with the checksum behind it in its file."""
    found = zlib.crc32(array.data, _seed(name, array.shape))
    release_pages(array)
    with path.open("rb") as file:
        file.seek(-_CRC.size, os.SEEK_END)
        return file.read() == _CRC.pack(found)


def _seed(name: str, shape: tuple[int, ...]) -> int:
    """Return the checksum of what an array's file says beside its values."""
    return zlib.crc32(repr((name, shape)).encode())


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
    is_of_cache = True
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        _remove_abandoned(target.parent)
        handle, name = tempfile.mkstemp(prefix=".", suffix=".part", dir=target.parent)
        temporary = Path(name)
        with os.fdopen(handle, "wb") as file:
            is_of_cache = False
            yield file
            is_of_cache = True
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(target)
    except BaseException as error:
        if temporary is not None:
            temporary.unlink(missing_ok=True)
        # The body may read other files too, but only a write runs out of space.
        if isinstance(error, OSError) and (is_of_cache or error.errno in _NO_ROOM):
            raise CacheError(
                f"The cache folder {shown_path(target.parent)} cannot be written "
                f"({error.strerror}): free space there, or make it writable."
            ) from error
        raise


def _remove_abandoned(folder: Path) -> None:
    """Remove the unfinished files of killed processes, once they are a day old."""
    for path in folder.glob(".*.part"):
        with suppress(FileNotFoundError):
            if time.time() - path.stat().st_mtime > _ABANDONED_SECONDS:
                path.unlink()


def cache_key_of_file(file: BinaryIO) -> str:
    """Return a key that differs for any other file and after any change of this one.

    It is made of device, inode, size, mtime and ctime. Any write moves ctime, even one that sets
    mtime back.
    """
    stat = os.fstat(file.fileno())
    identity = (stat.st_dev, stat.st_ino, stat.st_size, stat.st_mtime_ns, stat.st_ctime_ns)
    return hashlib.blake2b(repr(identity).encode(), digest_size=16).hexdigest()
