"""What is kept of a folder's images, so that the next start only looks at names and times.

A cache is a folder of blocks that are written once, under names of their own, and never
changed: an interrupted run keeps what it wrote, two runs at once write two sets, and what one
process has mapped stays as it is.
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

_VERSION = 1
# Blocks with fewer living entries than this are merged when there are too many of them.
_SMALL_BLOCK = 64
_MANY_SMALL_BLOCKS = 16


class FileKey(NamedTuple):
    """A file as it was when it was read: any change of content shows in size or time."""

    path: str
    size: int
    mtime_ns: int


@dataclass(frozen=True, slots=True)
class Failure:
    """A file that was skipped, and why."""

    reason: str


@dataclass(frozen=True, slots=True)
class Record:
    """A file that was read: where its thumbnail and its letterbox lie in a block."""

    digest: bytes
    shape: tuple[int, ...]
    checksums: tuple[int, int]
    offset: int
    block: Block
    block_path: Path

    @property
    def letterbox_shape(self) -> tuple[int, ...]:
        """The shape of the letterbox: colour as the thumbnail is."""
        return (MODEL_SIDE, MODEL_SIDE, *self.shape[2:])

    def thumbnail(self) -> NDArray[np.uint8] | None:
        """Give the thumbnail; None where the cache is damaged."""
        return self._checked(self.offset, self.shape, self.checksums[0])

    def letterbox(self) -> NDArray[np.uint8] | None:
        """Give the letterbox; None where the cache is damaged."""
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
        The cache's own folder; made when there is something to write.
    decoder : str
        The version of what decodes: a newer one tries again what an older one could not read.
    """

    def __init__(self, directory: Path, decoder: str) -> None:
        self._directory = directory
        self._decoder = decoder
        self._entries: dict[FileKey, Record | Failure] = {}
        self._blocks: dict[Path, list[FileKey]] = {}
        for path in sorted(directory.glob("*.thumbnails")):
            block = read_block(path)
            if block is None or not self._take(block, path):
                path.unlink(missing_ok=True)

    def get(self, key: FileKey) -> Record | Failure | None:
        """Give what is known of a file; None where it has to be read."""
        return self._entries.get(key)

    def add(self, results: Iterable[tuple[FileKey, ReducedImage | Failure]]) -> None:
        """Put what was read on disk, all in one block, and keep it.

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
        """Keep a failure for this run only: the next one tries the file again."""
        self._entries[key] = failure

    def forget(self, damaged: Collection[Path]) -> None:
        """Delete blocks whose payload is damaged, and what they held."""
        for path in damaged:
            path.unlink(missing_ok=True)
            for key in self._blocks.pop(path, ()):
                self._entries.pop(key, None)

    def compact(self, living: Collection[FileKey]) -> None:
        """Drop what belongs to no file any more, once it or small blocks add up.

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
        path = self._directory / f"{uuid.uuid4().hex}.thumbnails"
        index = {"version": _VERSION, "decoder": self._decoder, "files": rows}
        self._take(write_block(path, index, parts), path)

    def _take(self, block: Block, path: Path) -> bool:
        """Take a block's entries over; False where it is of another version."""
        if block.index.get("version") != _VERSION:
            return False
        keys = self._blocks[path] = []
        offset = 0
        for name, size, mtime_ns, *rest in block.index["files"]:
            key = FileKey(name, size, mtime_ns)
            if len(rest) == 1:
                if block.index["decoder"] == self._decoder:
                    self._entries[key] = Failure(rest[0])
                    keys.append(key)
                continue
            shape = tuple(rest[1])
            record = Record(bytes.fromhex(rest[0]), shape, tuple(rest[2]), offset, block, path)
            offset += int(np.prod(shape) + np.prod(record.letterbox_shape))
            self._entries[key] = record
            keys.append(key)
        return True
