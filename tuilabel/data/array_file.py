"""The place of an array on disk, so that another process can map it instead of receiving it."""

from __future__ import annotations

import errno
import hashlib
import math
import mmap
import os
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from tuilabel.errors import SourceError
from tuilabel.text import shown_path


@dataclass(frozen=True)
class ArrayFile:
    """A C-ordered array inside a file.

    Attributes
    ----------
    path : Path
    dtype : str
        As numpy writes it, such as ``"|u1"``.
    shape : tuple of int
    offset : int
        Bytes before the first value.
    """

    path: Path
    dtype: str
    shape: tuple[int, ...]
    offset: int

    def open(self) -> np.memmap[Any, np.dtype[Any]]:
        """Map the array, read-only.

        Raises
        ------
        SourceError
            If the file is gone or shorter than the array.
        """
        dtype = np.dtype(self.dtype)
        expected = self.offset + math.prod(self.shape) * dtype.itemsize
        try:
            found = self.path.stat().st_size
            if found < expected:
                raise SourceError(
                    f"The array file {shown_path(self.path)} has {found} bytes, but at least "
                    f"{expected} are expected: open the source again."
                )
            return np.memmap(self.path, dtype=dtype, mode="r", offset=self.offset, shape=self.shape)
        except OSError as error:
            raise SourceError(
                f"The array file {shown_path(self.path)} cannot be read ({error.strerror}): "
                "open the source again."
            ) from error

    def to_json(self) -> dict[str, Any]:
        """Return a dict for `json.dumps`; `from_json` reverses it."""
        return {
            "path": str(self.path),
            "dtype": self.dtype,
            "shape": list(self.shape),
            "offset": self.offset,
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> ArrayFile:
        """Make an ArrayFile from the dict that `to_json` returned."""
        return cls(
            path=Path(data["path"]),
            dtype=str(data["dtype"]),
            shape=tuple(int(length) for length in data["shape"]),
            offset=int(data["offset"]),
        )


def as_array_file(array: NDArray[Any], directory: Path) -> ArrayFile:
    """Return the place of a memory-mapped array; write any other array into a file first.

    Parameters
    ----------
    array : array of any shape, without object dtype
        A contiguous view of a read-only memory map, such as ``mapped[:4000]``, is described in
        place: nothing is copied.
    directory : Path
        An existing folder. Any other array is written there as an ``.npy`` file named by its
        content, so that the same array never takes more than one file.

    Returns
    -------
    ArrayFile
    """
    return _mapped_in_place(array) or _written(array, directory)


def in_memory(array: NDArray[Any]) -> tuple[BinaryIO, ArrayFile]:
    """Copy an array into a file in memory, which other processes can open until it is closed.

    Raises
    ------
    OSError
        This system has no such files.
    """
    if sys.platform != "linux":
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    file = os.fdopen(os.memfd_create("tuilabel"), "r+b")
    np.lib.format.write_array(file, np.ascontiguousarray(array), allow_pickle=False)
    file.flush()
    path = Path(f"/proc/{os.getpid()}/fd/{file.fileno()}")
    mapped = np.lib.format.open_memmap(path, mode="r")
    return file, ArrayFile(path, mapped.dtype.str, mapped.shape, mapped.offset)


def _mapped_in_place(array: NDArray[Any]) -> ArrayFile | None:
    root: Any = array
    while isinstance(root.base, np.ndarray):
        root = root.base
    if (
        not array.size
        or not array.flags.c_contiguous
        or not isinstance(root, np.memmap)
        or not isinstance(root.base, mmap.mmap)
        or root.mode != "r"
        or root.filename is None
    ):
        return None
    # memmap copies `offset` to its views unchanged; only the address shows where a view begins.
    offset = root.offset + (array.ctypes.data - root.ctypes.data)
    path = Path(os.fsdecode(root.filename))
    described = ArrayFile(path, array.dtype.str, array.shape, offset)
    return described if _has_bytes_of(described, array) else None


def _has_bytes_of(described: ArrayFile, array: NDArray[Any]) -> bool:
    """Check that the path still has the mapped bytes: a mapped file can have been replaced."""
    itemsize = array.dtype.itemsize
    last = described.offset + array.nbytes - itemsize
    try:
        with described.path.open("rb") as file:
            file.seek(described.offset)
            first_bytes = file.read(min(array.nbytes, 4096))
            file.seek(last)
            last_bytes = file.read(itemsize)
    except OSError:
        return False
    flat = array.reshape(-1).view(np.uint8)
    return (
        first_bytes == flat[: len(first_bytes)].tobytes()
        and len(first_bytes) == min(array.nbytes, 4096)
        and last_bytes == flat[-itemsize:].tobytes()
    )


def _written(array: NDArray[Any], directory: Path) -> ArrayFile:
    array = np.ascontiguousarray(array)
    described = f"{array.dtype.str} {array.shape}".encode()
    digest = hashlib.blake2b(described + array.tobytes(), digest_size=16).hexdigest()
    path = directory / f"{digest}.npy"
    handle, name = tempfile.mkstemp(prefix=".array-", suffix=".new", dir=directory)
    try:
        with os.fdopen(handle, "wb") as file:
            np.lib.format.write_array(file, array, allow_pickle=False)
        Path(name).replace(path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise
    mapped = np.lib.format.open_memmap(path, mode="r")
    return ArrayFile(path, mapped.dtype.str, mapped.shape, mapped.offset)
