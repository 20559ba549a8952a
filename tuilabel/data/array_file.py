"""Arrays in files, so that another process can map them instead of receiving them."""

from __future__ import annotations

import math
import mmap
import os
import sys
import tempfile
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, cast

import numpy as np
from numpy.typing import NDArray

from tuilabel.errors import SourceError
from tuilabel.small_files import open_regular
from tuilabel.text import shown_path

_COMPARED_BYTES = 4096


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

    def open(self) -> NDArray[Any]:
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
            if expected == self.offset:
                return np.empty(self.shape, dtype)
            return np.memmap(self.path, dtype=dtype, mode="r", offset=self.offset, shape=self.shape)
        except OSError as error:
            raise SourceError(
                f"The array file {shown_path(self.path)} cannot be read ({error.strerror}): "
                "open the source again."
            ) from error


def as_array_file(array: NDArray[Any], resources: ExitStack) -> ArrayFile:
    """Return a file with an array, which other processes can open until `resources` are closed.

    Parameters
    ----------
    array : array of any shape, without object dtype
        A contiguous view of a read-only memory map, such as ``mapped[:4000]``, is in a file
        already: nothing is copied. Any other array is written to a temporary file, or to memory
        if there is no room.
    resources : ExitStack
        Keeps the file open, and so in existence, even where its name is removed.

    Raises
    ------
    OSError
        There is no room for the array.
    """
    file, path, offset = _mapped(array) or _written(array)
    resources.enter_context(file)
    if sys.platform == "linux":
        path = Path(f"/proc/{os.getpid()}/fd/{file.fileno()}")
    return ArrayFile(path, array.dtype.str, array.shape, offset)


def _mapped(array: NDArray[Any]) -> tuple[BinaryIO, Path, int] | None:
    """Return the file that an array is mapped from, and where it begins; None if it is not."""
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
    try:
        file = os.fdopen(open_regular(path), "rb")
    except OSError:
        return None
    if _has_bytes_of(file, offset, array):
        return file, path, offset
    file.close()
    return None


def _has_bytes_of(file: BinaryIO, offset: int, array: NDArray[Any]) -> bool:
    """Compare both ends with those of the array: a file that was mapped can have been replaced."""
    flat = array.reshape(-1).view(np.uint8)
    try:
        for part, place in ((flat[:_COMPARED_BYTES], offset), (flat[-1:], offset + flat.size - 1)):
            file.seek(place)
            if file.read(part.size) != part.tobytes():
                return False
    except OSError:
        return False
    return True


def _written(array: NDArray[Any]) -> tuple[BinaryIO, Path, int]:
    """Write an array to a new file, which has no name where other processes need none."""
    values = np.ascontiguousarray(array).reshape(-1).view(np.uint8)
    if sys.platform != "linux":
        return _filled(cast(BinaryIO, tempfile.NamedTemporaryFile(prefix="tuilabel-")), values)
    try:
        return _filled(cast(BinaryIO, tempfile.TemporaryFile(prefix="tuilabel-")), values)
    except OSError:
        return _filled(os.fdopen(os.memfd_create("tuilabel"), "r+b"), values)


def _filled(file: BinaryIO, values: NDArray[np.uint8]) -> tuple[BinaryIO, Path, int]:
    try:
        file.write(values.data)
        file.flush()
    except BaseException:
        file.close()
        raise
    return file, Path(str(file.name)), 0
