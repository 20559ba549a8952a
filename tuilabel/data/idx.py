"""IDX, the file format of MNIST: plain or gzip, mapped into memory, with its header checked.

A file is a big-endian header (two zero bytes, the type of the values, the number of dimensions,
one 32-bit length per dimension), then the values. Only unsigned bytes are accepted here.
See http://yann.lecun.com/exdb/mnist/.
"""

from __future__ import annotations

import gzip
import hashlib
import math
import os
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import numpy as np
from numpy.typing import NDArray

from tuilabel.data.arrays import Arrays, cache_key_of_file
from tuilabel.errors import SourceError
from tuilabel.progress import Progress
from tuilabel.text import inert, shown_path

MAX_SIDE = 96
MAX_IDX_BYTES = 4 * 2**30
_UNSIGNED_BYTE = 0x08
_GZIP_MAGIC = b"\x1f\x8b"
_CHUNK = 2**20


@dataclass(frozen=True)
class Header:
    """The header of an IDX file of unsigned bytes: the lengths of its dimensions."""

    shape: tuple[int, ...]

    @property
    def offset(self) -> int:
        """Bytes before the first value."""
        return 4 + 4 * len(self.shape)

    @property
    def file_size(self) -> int:
        """Bytes of the whole file, not compressed."""
        return self.offset + math.prod(self.shape)


@dataclass(frozen=True, eq=False)
class IdxArray:
    """An open IDX file.

    Attributes
    ----------
    values : uint8 array, memory-mapped and read-only
    key : str
        A name for this content, used for files of the cache that are made from it.
    """

    values: NDArray[np.uint8]
    key: str


def parse_header(start: bytes, dimensions: int, name: str) -> Header:
    """Read the header of an IDX file and check it against limits.

    Parameters
    ----------
    start : bytes
        The first ``4 + 4 * dimensions`` bytes of the file, or all of a shorter file.
    dimensions : int
        The number of dimensions expected: 3 for images, 1 for labels.
    name : str
        The file's name, for messages.

    Raises
    ------
    SourceError
        If the magic number is not that of unsigned bytes in so many dimensions, the header is
        cut short, or a length is out of bounds.
    """
    magic = bytes((0, 0, _UNSIGNED_BYTE, dimensions))
    if start[:4] != magic[: len(start[:4])] or not start:
        raise SourceError(
            f"{name} begins with {start[:4].hex(' ') or 'nothing'}, but IDX "
            f"{'images' if dimensions == 3 else 'labels'} begin with {magic.hex(' ')}: "
            "choose another file."
        )
    size = 4 + 4 * dimensions
    if len(start) < size:
        raise SourceError(
            f"{name} ends after {len(start)} bytes, within its header of {size} bytes: "
            "get the file again."
        )
    shape = tuple(
        int.from_bytes(start[position : position + 4], "big") for position in range(4, size, 4)
    )
    if not all(1 <= side <= MAX_SIDE for side in shape[1:]):
        raise SourceError(
            f"{name} declares images of {shape[1]}x{shape[2]} pixels, but 1 to {MAX_SIDE} a side "
            "are expected: use smaller images, or a folder."
        )
    header = Header(shape)
    if not shape[0] or header.file_size > MAX_IDX_BYTES:
        raise SourceError(
            f"{name} declares {shape[0]} entries in {header.file_size} bytes, but at least 1 "
            f"entry and at most {MAX_IDX_BYTES} bytes are expected: get the file again."
        )
    return header


def open_idx(
    path: Path, dimensions: int, cache_dir: Path, progress: Progress | None = None
) -> IdxArray:
    """Map an IDX file into memory.

    A plain file is mapped in place. A gzip file is decompressed once into the cache, under the
    SHA-256 of its compressed bytes, and mapped from there from then on. No more is written than
    its header declares.

    Parameters
    ----------
    path : Path
    dimensions : int
        3 for images, 1 for labels.
    cache_dir : Path
    progress : Progress, optional

    Raises
    ------
    SourceError
        If the file cannot be read, is not IDX, is damaged, or is shorter or longer than its
        header declares.
    """
    name = shown_path(path)
    try:
        with path.open("rb") as file:
            compressed = file.read(2) == _GZIP_MAGIC
            file.seek(0)
            if not compressed:
                header = parse_header(file.read(4 + 4 * dimensions), dimensions, name)
                _check_size(os.fstat(file.fileno()).st_size, header, name)
                return IdxArray(_mapped(path, header), cache_key_of_file(file))
            key = hashlib.file_digest(file, "sha256").hexdigest()
            arrays = Arrays(cache_dir / "idx")
            values = arrays.load(key, np.uint8, checked=False)
            if values is None or values.ndim != dimensions:
                file.seek(0)
                with gzip.open(file) as plain:
                    header = parse_header(plain.read(4 + 4 * dimensions), dimensions, name)

                def content() -> Iterator[NDArray[np.uint8]]:
                    file.seek(0)
                    return _decompressed(file, header, name, progress)

                values = arrays.save(key, header.shape, content, np.uint8)
            return IdxArray(values, key)
    except (OSError, EOFError, zlib.error) as error:
        reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
        raise SourceError(f"{name} cannot be read ({reason}): get the file again.") from error


def _check_size(found: int, header: Header, name: str) -> None:
    if found < header.file_size:
        raise SourceError(
            f"{name} is cut short (it has {found} bytes, and its header declares "
            f"{header.file_size}): get the file again."
        )
    if found > header.file_size:
        raise SourceError(
            f"{name} is too long (it has at least {found} bytes, and its header declares "
            f"{header.file_size}): get the file again."
        )


def _mapped(path: Path, header: Header) -> NDArray[np.uint8]:
    return np.memmap(path, dtype=np.uint8, mode="r", offset=header.offset, shape=header.shape)


def _decompressed(
    file: BinaryIO, header: Header, name: str, progress: Progress | None
) -> Iterator[NDArray[np.uint8]]:
    """Yield the values in a gzip file in pieces, and check its size and checksum."""
    shown = inert(Path(file.name).name)
    with gzip.open(file) as plain:
        plain.read(header.offset)
        found = header.offset
        while left := header.file_size - found:
            chunk = plain.read(min(_CHUNK, left))
            if not chunk:
                break
            found += len(chunk)
            yield np.frombuffer(chunk, np.uint8)
            if progress is not None:
                progress(f"decompressing {shown}", found, header.file_size)
        # Reading to the end also makes gzip check its CRC.
        _check_size(found + len(plain.read(1)), header, name)
