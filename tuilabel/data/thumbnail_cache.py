"""Cache of a folder's reduced images, so that the next start only checks names and times.

A cache is a folder of blocks that are written once, under unique names, and never changed. An
interrupted run keeps the blocks it wrote, two runs at once write two sets of blocks, and a block
that a process has mapped never changes under it.
"""

from __future__ import annotations

import uuid
import zlib
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from tuilabel.data.cache_files import Block, read_block, write_block
from tuilabel.data.images import MODEL_SIDE, ReducedImage

# Version 2 has hashes of files.
_VERSION = 2
# Blocks with fewer entries in use than this are merged once there are too many such blocks.
_SMALL_BLOCK = 64
_MANY_SMALL_BLOCKS = 16


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
    """A file that was skipped, and the reason."""

    reason: str


@dataclass(frozen=True, slots=True)
class Record:
    """A file that was read, and the place of its thumbnail and letterbox in a block."""

    digest: bytes
    shape: tuple[int, ...]
    checksums: tuple[int, int]
    offset: int
    block: Block
    block_path: Path

    @property
    def letterbox_shape(self) -> tuple[int, ...]:
        """Shape of the letterbox, which has colour if the thumbnail has."""
        return (MODEL_SIDE, MODEL_SIDE, *self.shape[2:])

    def thumbnail(self) -> NDArray[np.uint8] | None:
        """Return the thumbnail; None if the cache is damaged."""
        return self._checked(self.offset, self.shape, self.checksums[0])

    def letterbox(self) -> NDArray[np.uint8] | None:
        """Return the letterbox; None if the cache is damaged."""
        start = self.offset + int(np.prod(self.shape))
        return self._checked(start, self.letterbox_shape, self.checksums[1])

    def _checked(
        self, start: int, shape: tuple[int, ...], checksum: int
    ) -> NDArray[np.uint8] | None:
        values = self.block.payload[start : start + int(np.prod(shape))]
        return values.reshape(shape) if zlib.crc32(values.data) == checksum else None


class ThumbnailCache:
    """The cache of one folder.

    Parameters
    ----------
    directory : Path
        The folder of this cache; created when there is something to write.
    decoder : str
        Version of the decoder: another version tries files again that this one could not read.
    """

    def __init__(self, directory: Path, decoder: str) -> None:
        self.directory = directory
        self._decoder = decoder
        self._entries: dict[FileKey, Record | Failure] = {}
        self._blocks: dict[Path, list[FileKey]] = {}
        self._digests: dict[FileKey, bytes] = {}
        for path in sorted(directory.glob("*.thumbnails")):
            block = read_block(path)
            if block is None or not self._take(block, path):
                path.unlink(missing_ok=True)

    def get(self, key: FileKey) -> Record | Failure | None:
        """Return the entry of a file; None if the file has to be read."""
        return self._entries.get(key)

    def digest(self, key: FileKey) -> bytes | None:
        """Return the hash of a file; None if the file has to be read."""
        return self._digests.get(key)

    def add(self, results: Iterable[tuple[FileKey, ReducedImage | Failure]]) -> None:
        """Write results to disk as one block, and keep them.

        Raises
        ------
        SourceError
            If the cache cannot be written.
        """
        rows: list[Any] = []
        parts: list[NDArray[np.uint8]] = []
        for key, result in results:
            if isinstance(result, Failure):
                rows.append([*key, result.reason])
            else:
                pair = [np.ascontiguousarray(result.thumbnail), result.letterbox]
                sums = [zlib.crc32(part.data) for part in pair]
                rows.append([*key, result.digest.hex(), list(result.thumbnail.shape), sums])
                parts += pair
        self._write(rows, parts)

    def remember(self, key: FileKey, failure: Failure) -> None:
        """Keep a failure for this run only: the next run tries the file again."""
        self._entries[key] = failure

    def forget(self, damaged: Collection[Path]) -> None:
        """Delete blocks with a damaged payload, and their entries."""
        for path in damaged:
            path.unlink(missing_ok=True)
            for key in self._blocks.pop(path, ()):
                self._entries.pop(key, None)

    def compact(self, living: Collection[FileKey]) -> None:
        """Merge small blocks once there are many, without the entries of files that are gone.

        Parameters
        ----------
        living : collection of FileKey
            Every file of the folder as it is now.
        """
        kept = {path: [key for key in keys if key in living] for path, keys in self._blocks.items()}
        small = {path: keys for path, keys in kept.items() if len(keys) < _SMALL_BLOCK}
        if len(small) < _MANY_SMALL_BLOCKS:
            return
        rows: list[Any] = []
        parts: list[NDArray[np.uint8]] = []
        for key in (key for keys in small.values() for key in keys):
            entry = self._entries[key]
            if isinstance(entry, Failure):
                rows.append([*key, entry.reason])
                continue
            pair = (entry.thumbnail(), entry.letterbox())
            if pair[0] is None or pair[1] is None:
                del self._entries[key]
                continue
            rows.append([*key, entry.digest.hex(), list(entry.shape), list(entry.checksums)])
            parts += [pair[0], pair[1]]
        self._write(rows, parts)
        for path in small:
            path.unlink(missing_ok=True)
            del self._blocks[path]

    def _write(self, rows: list[Any], parts: list[NDArray[np.uint8]]) -> None:
        if not rows:
            return
        path = self.directory / f"{uuid.uuid4().hex}.thumbnails"
        index = {"version": _VERSION, "decoder": self._decoder, "files": rows}
        self._take(write_block(path, index, parts), path)

    def _take(self, block: Block, path: Path) -> bool:
        """Add the entries of a block; return False if it has another version."""
        if block.index.get("version") != _VERSION:
            return False
        keys = self._blocks[path] = []
        offset = 0
        for name, size, mtime_ns, ctime_ns, *rest in block.index["files"]:
            key = FileKey(name, size, mtime_ns, ctime_ns)
            if len(rest) == 1:
                if block.index["decoder"] == self._decoder:
                    self._entries[key] = Failure(rest[0])
                    keys.append(key)
                continue
            shape = tuple(rest[1])
            record = Record(bytes.fromhex(rest[0]), shape, tuple(rest[2]), offset, block, path)
            offset += int(np.prod(shape) + np.prod(record.letterbox_shape))
            self._entries[key] = record
            self._digests[key] = record.digest
            keys.append(key)
        return True
