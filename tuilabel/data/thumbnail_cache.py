"""Cache of a folder's reduced images, so that the next start only checks names and times.

A cache is a folder of blocks that are written once, under unique names, and never changed. An
interrupted run keeps the blocks it wrote, two runs at once write two sets of blocks, and a block
that a process has mapped never changes under it.
"""

from __future__ import annotations

import uuid
import zlib
from collections.abc import Collection, Iterable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tuilabel.data.cache_files import Block, make_block, read_block
from tuilabel.data.file_cache import Failure as Failure
from tuilabel.data.file_cache import FileKey as FileKey
from tuilabel.data.images import MODEL_SIDE, ReducedImage
from tuilabel.data.window import Window

# Version 4 has the number of frames.
_VERSION = 4
# Blocks with fewer entries in use than this are merged once there are too many such blocks.
_SMALL_BLOCK = 64
_MANY_SMALL_BLOCKS = 16


@dataclass(frozen=True, slots=True)
class Record:
    """A file that was read, and the place of its thumbnail and letterbox in a block."""

    digest: bytes
    shape: tuple[int, ...]
    checksums: tuple[int, int]
    window: Window | None
    frames: int
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
        # An image of more than 8 bits has an entry for each window.
        self._entries: dict[tuple[FileKey, Window | None], Record | Failure] = {}
        self._blocks: dict[Path, list[tuple[FileKey, Window | None]]] = {}
        self._digests: dict[FileKey, bytes] = {}
        for path in sorted(directory.glob("*.thumbnails")):
            block = read_block(path)
            if block is None or not self._take(block, path):
                _delete(path)

    def get(self, key: FileKey, window: Window | None = None) -> Record | Failure | None:
        """Return the entry of a file, seen through a window if it is of more than 8 bits.

        None if the file has to be read.
        """
        return self._entries.get((key, None)) or self._entries.get((key, window))

    def digest(self, key: FileKey) -> bytes | None:
        """Return the hash of a file; None if the file has to be read."""
        return self._digests.get(key)

    def add(self, results: Iterable[tuple[FileKey, ReducedImage | Failure]]) -> None:
        """Write results to disk as one block, and keep them: in memory if that fails."""
        rows: list[Any] = []
        parts: list[NDArray[np.uint8]] = []
        for key, result in results:
            if isinstance(result, Failure):
                rows.append([*key, result.reason])
            else:
                pair = [np.ascontiguousarray(result.thumbnail), result.letterbox]
                sums = [zlib.crc32(part.data) for part in pair]
                shape = list(result.thumbnail.shape)
                rows.append([*key, result.digest.hex(), shape, sums, result.window, result.frames])
                parts += pair
        self._write(rows, parts)

    def remember(self, key: FileKey, failure: Failure) -> None:
        """Keep a failure for this run only: the next run tries the file again."""
        self._entries[key, None] = failure

    def forget(self, damaged: Collection[Path]) -> None:
        """Delete blocks with a damaged payload, and their entries."""
        for path in damaged:
            _delete(path)
            for key in self._blocks.pop(path, ()):
                self._entries.pop(key, None)

    def compact(self, living: Collection[FileKey]) -> None:
        """Merge small blocks once there are many, without the entries of files that are gone.

        Parameters
        ----------
        living : collection of FileKey
            Every file of the folder as it is now.
        """
        kept = {
            path: [key for key in keys if key[0] in living] for path, keys in self._blocks.items()
        }
        small = {path: keys for path, keys in kept.items() if len(keys) < _SMALL_BLOCK}
        if len(small) < _MANY_SMALL_BLOCKS:
            return
        rows: list[Any] = []
        parts: list[NDArray[np.uint8]] = []
        for key in (key for keys in small.values() for key in keys):
            entry = self._entries[key]
            if isinstance(entry, Failure):
                rows.append([*key[0], entry.reason])
                continue
            pair = (entry.thumbnail(), entry.letterbox())
            if pair[0] is None or pair[1] is None:
                del self._entries[key]
                continue
            shape, sums = list(entry.shape), list(entry.checksums)
            rows.append([*key[0], entry.digest.hex(), shape, sums, entry.window, entry.frames])
            parts += [pair[0], pair[1]]
        if not self._write(rows, parts):
            return
        for path in small:
            _delete(path)
            del self._blocks[path]

    def _write(self, rows: list[Any], parts: list[NDArray[np.uint8]]) -> bool:
        """Keep rows; return whether they are on disk."""
        if not rows:
            return True
        path = self.directory / f"{uuid.uuid4().hex}.thumbnails"
        index = {"version": _VERSION, "decoder": self._decoder, "files": rows}
        block = make_block(path, index, lambda: parts)
        self._take(block, path)
        return block.problem is None

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
                    self._entries[key, None] = Failure(rest[0])
                    keys.append((key, None))
                continue
            digest, shape, sums, ends, frames = rest
            window = None if ends is None else Window(*ends)
            record = Record(
                bytes.fromhex(digest),
                tuple(shape),
                tuple(sums),
                window,
                frames,
                offset,
                block,
                path,
            )
            offset += int(np.prod(shape) + np.prod(record.letterbox_shape))
            self._entries[key, window] = record
            self._digests[key] = record.digest
            keys.append((key, window))
        return True


def _delete(path: Path) -> None:
    # In a folder that cannot be written it stays, and is not used.
    with suppress(OSError):
        path.unlink()
