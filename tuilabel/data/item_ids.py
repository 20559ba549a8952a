"""Item ids: names of images that depend on their content, not on file name or position.

An item id is the BLAKE2b hash (16 bytes, shown as 32 hex characters) of the image's shape and
pixels. Equal images are one item; a renamed, copied or reordered image keeps its labels.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from functools import cached_property
from pathlib import Path
from typing import overload

import numpy as np
from numpy.typing import NDArray

from tuilabel.data.cache_files import read_block, write_block
from tuilabel.data.mmap import release_pages

DIGEST_SIZE = 16


def _shape_hash(shape: tuple[int, ...]) -> hashlib.blake2b:
    """Start a hash with the shape, so that 2x8 and 4x4 images of equal bytes differ."""
    return hashlib.blake2b("x".join(map(str, shape)).encode() + b"\0", digest_size=DIGEST_SIZE)


def digest(image: NDArray[np.uint8]) -> bytes:
    """Hash one image.

    Parameters
    ----------
    image : uint8 array of shape (H, W) or (H, W, 3)

    Returns
    -------
    bytes
        16 bytes; their hex form is the item id.
    """
    state = _shape_hash(image.shape)
    state.update(np.ascontiguousarray(image).data)
    return state.digest()


def digests(images: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Hash every image of an array.

    Parameters
    ----------
    images : uint8 array of shape (n, H, W) or (n, H, W, 3)

    Returns
    -------
    uint8 array of shape (n, 16)
        Row i is `digest` of image i.
    """
    start = _shape_hash(images.shape[1:])
    joined = bytearray()
    for image in images:
        state = start.copy()
        state.update(np.ascontiguousarray(image).data)
        joined += state.digest()
    release_pages(images)
    return np.frombuffer(bytes(joined), dtype=np.uint8).reshape(len(images), DIGEST_SIZE)


def cached_digests(images: NDArray[np.uint8], path: Path) -> NDArray[np.uint8]:
    """Return the hash of every image, computed once and then read from a file of the cache.

    Parameters
    ----------
    images : uint8 array of shape (n, H, W) or (n, H, W, 3)
    path : Path
        File of the cache, named after the content of `images`. If it is damaged or belongs to
        images of another shape, it is written again.

    Returns
    -------
    uint8 array of shape (n, 16)

    Raises
    ------
    SourceError
        If the cache cannot be written.
    """
    index = {"shape": list(images.shape)}
    block = read_block(path)
    if (
        block is not None
        and block.index == index
        and block.payload.size == len(images) * DIGEST_SIZE
        and block.is_intact()
    ):
        return block.payload.reshape(-1, DIGEST_SIZE)
    fresh = digests(images)
    write_block(path, index, [fresh])
    return fresh


def first_occurrence(digests: NDArray[np.uint8]) -> NDArray[np.intp]:
    """Return, for every row, the first row that is equal to it.

    Parameters
    ----------
    digests : uint8 array of shape (n, 16)

    Returns
    -------
    intp array of shape (n,)
        Entry i is the smallest j with ``digests[j] == digests[i]``.
    """
    order = content_order(digests)
    ranked = digests[order]
    starts_group = np.ones(len(order), dtype=bool)
    starts_group[1:] = (ranked[1:] != ranked[:-1]).any(axis=1)
    first = np.empty(len(order), dtype=np.intp)
    # The order is stable, so a group's first row in it is its first row in the array.
    first[order] = order[starts_group][np.cumsum(starts_group) - 1]
    return first


def content_order(digests: NDArray[np.uint8]) -> NDArray[np.intp]:
    """Return the order that sorts items by id, and equal ones by position.

    This order depends on the pixels alone: not on file order, and not on the version of any
    random number generator. So it serves as a random draw for hold-outs that must stay the same
    on every machine.

    Parameters
    ----------
    digests : uint8 array of shape (n, 16)

    Returns
    -------
    intp array of shape (n,)
    """
    halves = np.ascontiguousarray(digests).view(">u8")
    return np.lexsort((halves[:, 1], halves[:, 0]))


class ItemIds(Sequence[str]):
    """Item ids as hex strings, made one by one from an array of digests.

    Parameters
    ----------
    digests : uint8 array of shape (n, 16)
    """

    def __init__(self, digests: NDArray[np.uint8]) -> None:
        self._digests = digests

    def __len__(self) -> int:
        return len(self._digests)

    @overload
    def __getitem__(self, index: int) -> str: ...
    @overload
    def __getitem__(self, index: slice) -> ItemIds: ...
    def __getitem__(self, index: int | slice) -> str | ItemIds:
        if isinstance(index, slice):
            return ItemIds(self._digests[index])
        row: NDArray[np.uint8] = self._digests[index]
        return row.tobytes().hex()

    def __iter__(self) -> Iterator[str]:
        width = 2 * DIGEST_SIZE
        joined = self._digests.tobytes().hex()
        return (joined[start : start + width] for start in range(0, len(joined), width))

    def __contains__(self, item_id: object) -> bool:
        return isinstance(item_id, str) and self.row_of(item_id) is not None

    def row_of(self, item_id: str) -> int | None:
        """Return the row of an item; None if no item has this id. The first call sorts the ids."""
        try:
            digest = bytes.fromhex(item_id)
        except ValueError:
            return None
        if len(digest) != DIGEST_SIZE or digest.hex() != item_id:
            return None
        order, halves = self._sorted
        first, last = (
            int(np.searchsorted(halves, _half(digest), side)) for side in ("left", "right")
        )
        for row in order[first:last].tolist():
            if self._digests[row].tobytes() == digest:
                return int(row)
        return None

    @cached_property
    def _sorted(self) -> tuple[NDArray[np.intp], NDArray[np.uint64]]:
        # A dict of strings would take many times the memory of the digests.
        order = content_order(self._digests)
        halves = np.ascontiguousarray(self._digests).view(">u8")[order, 0]
        return order, halves.astype(np.uint64)


def _half(digest: bytes) -> np.uint64:
    return np.uint64(int.from_bytes(digest[: DIGEST_SIZE // 2], "big"))
