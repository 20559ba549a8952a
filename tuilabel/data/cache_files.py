"""Files of the cache: complete or absent, and checked before use."""

from __future__ import annotations

import hashlib
import json
import os
import struct
import zlib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tuilabel.data.arrays import CacheError, replacing
from tuilabel.data.mmap import release_pages
from tuilabel.text import shown_path

# Magic with the format's version, bytes of the index, bytes of the payload, digest of the index.
_HEAD = struct.Struct("<16sQQ16s")
_MAGIC = b"tuilabel-cache01"
_CHECKSUM_SIZE = 4
_ALIGNMENT = 64


@dataclass(frozen=True, eq=False)
class Block:
    """A file of the cache: an index in JSON, and the bytes that it describes.

    Attributes
    ----------
    index : dict
    payload : uint8 array of shape (bytes,), memory-mapped and read-only
    checksum : int
        CRC-32 of the payload as it was written.
    problem : str or None
        Why the payload is in memory instead of in a file, as a sentence.
    """

    index: dict[str, Any]
    payload: NDArray[np.uint8]
    checksum: int
    problem: str | None = None

    def is_intact(self) -> bool:
        """Check the payload against its checksum, which reads all of the payload."""
        found = zlib.crc32(self.payload.data)
        release_pages(self.payload)
        return found == self.checksum


def make_block(
    path: Path,
    index: Mapping[str, Any],
    make: Callable[[], Iterable[NDArray[np.uint8] | bytes]],
) -> Block:
    """Write a block and open it; keep it in memory if the cache cannot be written.

    Parameters
    ----------
    path : Path
    index : mapping
        As for `write_block`.
    make : callable
        Returns the payload in pieces; called again if writing it fails.
    """
    try:
        return write_block(path, index, make())
    except CacheError as error:
        payload = bytearray()
        for part in make():
            payload += part if isinstance(part, bytes) else np.ascontiguousarray(part).tobytes()
        values = np.frombuffer(payload, dtype=np.uint8)
        values.flags.writeable = False
        problem = f"{error} Until then every start reads all images again."
        return Block(dict(index), values, zlib.crc32(values.data), problem)


def write_block(
    path: Path, index: Mapping[str, Any], parts: Iterable[NDArray[np.uint8] | bytes]
) -> Block:
    """Write a complete block or nothing, and open it.

    Parameters
    ----------
    path : Path
    index : mapping
        Values that `json.dumps` accepts.
    parts : iterable of bytes or uint8 arrays
        The payload in pieces, which are read and written one by one.

    Raises
    ------
    CacheError
        If the cache cannot be written, or the new file cannot be mapped.
    """
    encoded = json.dumps(index, separators=(",", ":")).encode()
    # Spaces after JSON are valid JSON: they align the payload.
    encoded += b" " * (-(_HEAD.size + len(encoded)) % _ALIGNMENT)
    size = checksum = 0
    with replacing(path) as file:
        file.seek(_HEAD.size)
        file.write(encoded)
        for part in parts:
            buffer = part if isinstance(part, bytes) else np.ascontiguousarray(part).data
            file.write(buffer)
            size += memoryview(buffer).nbytes
            checksum = zlib.crc32(buffer, checksum)
        file.write(checksum.to_bytes(_CHECKSUM_SIZE, "little"))
        file.seek(0)
        digest = hashlib.blake2b(encoded, digest_size=16).digest()
        file.write(_HEAD.pack(_MAGIC, len(encoded), size, digest))
    block = read_block(path)
    if block is None:
        raise CacheError(
            f"The cache file {shown_path(path)} cannot be read back: open the source again. If "
            "that does not help, move the cache to another file system."
        )
    return block


def read_block(path: Path) -> Block | None:
    """Open a block; the payload is mapped, not read.

    Parameters
    ----------
    path : Path

    Returns
    -------
    Block or None
        None if the file is missing, cannot be read, has another version, or is damaged in its
        index or its length. The caller then makes the content again.
    """
    try:
        with path.open("rb") as file:
            head = file.read(_HEAD.size)
            if len(head) < _HEAD.size:
                return None
            magic, index_size, size, digest = _HEAD.unpack(head)
            offset = _HEAD.size + index_size
            whole = offset + size + _CHECKSUM_SIZE
            if magic != _MAGIC or whole != os.fstat(file.fileno()).st_size:
                return None
            encoded = file.read(index_size)
            if hashlib.blake2b(encoded, digest_size=16).digest() != digest:
                return None
            file.seek(offset + size)
            checksum = int.from_bytes(file.read(_CHECKSUM_SIZE), "little")
            payload = np.empty(0, dtype=np.uint8)
            if size:
                payload = np.memmap(file, dtype=np.uint8, mode="r", offset=offset, shape=size)
            return Block(json.loads(encoded), payload, checksum)
    except OSError:
        return None
