"""Item ids: names of items that depend on their stored content, not on a path or a position.

An id is a scheme, a colon and 32 hex characters, the BLAKE2b hash (16 bytes) of the content:

``f1:``
    A file: its bytes. A renamed or copied file keeps its id, and another file never has it,
    however alike both look.
``p1:``
    A part of a file: the file's id, ``#`` and the part, in ASCII. A box is left, top, width and
    height in stored pixels, ``f1:...#xywh=40,30,120,80``; a page or frame is counted from 1,
    ``f1:...#frame=2``. See `tuilabel.data.part`.
``a1:``
    An item of an array: ``DTYPE SHAPE`` in ASCII, such as ``<u2 28x28``, a zero byte, then the
    values in C order. The dtype is as numpy writes it. Values are little-endian.
"""

from __future__ import annotations

import hashlib
from bisect import bisect_left
from collections.abc import Iterator, Sequence
from functools import cached_property
from io import BufferedReader, BytesIO
from typing import Any, Literal, overload

import numpy as np
from numpy.typing import NDArray

from tuilabel.data.arrays import Arrays
from tuilabel.data.mmap import release_pages

DIGEST_SIZE = 16

_SMALL = 2**16
"""Bytes that are read at once."""

Scheme = Literal["f1", "p1", "a1"]


def file_digest(file: BufferedReader | BytesIO) -> bytes:
    """Hash a file from its position to its end: 16 bytes, of the scheme ``f1``."""
    state = hashlib.blake2b(digest_size=DIGEST_SIZE)
    if isinstance(file, BufferedReader):
        start = file.read(_SMALL)
        state.update(start)
        if len(start) < _SMALL:  # without the large buffer, which takes longer than the hash
            return state.digest()
    return hashlib.file_digest(file, lambda: state).digest()


def digests(items: NDArray[Any]) -> NDArray[np.uint8]:
    """Hash every item of an array, in the scheme ``a1``.

    Parameters
    ----------
    items : array of shape (n, ...)
        As stored, of a numeric or boolean dtype.

    Returns
    -------
    uint8 array of shape (n, 16)
    """
    stored = items.dtype.newbyteorder("<")
    shape = "x".join(map(str, items.shape[1:]))
    # Without dtype and shape, items of equal bytes would be one.
    start = hashlib.blake2b(f"{stored.str} {shape}\0".encode(), digest_size=DIGEST_SIZE)
    plain = np.ascontiguousarray(items, dtype=stored)
    # Bytes of a memoryview are cut out in a third of the time that numpy takes.
    values, size = plain.reshape(-1).view(np.uint8).data, plain[:1].nbytes
    joined = bytearray()
    for row in range(len(items)):
        state = start.copy()
        state.update(values[row * size : (row + 1) * size])
        joined += state.digest()
    release_pages(items)
    return np.frombuffer(bytes(joined), dtype=np.uint8).reshape(len(items), DIGEST_SIZE)


def cached_digests(images: NDArray[np.uint8], cache: Arrays, name: str) -> NDArray[np.uint8]:
    """Return the hash of every image, computed once and then read from the cache.

    Parameters
    ----------
    images : uint8 array of shape (n, H, W)
    cache : Arrays
    name : str
        Names the content of `images`.

    Returns
    -------
    uint8 array of shape (n, 16)
    """
    found = read_digests(cache, name, len(images))
    return write_digests(cache, name, digests(images)) if found is None else found


def read_digests(cache: Arrays, name: str, count: int) -> NDArray[np.uint8] | None:
    """Return the kept digests of `count` items; None if there are none."""
    found = cache.load(f"{name}.ids", np.uint8)
    return None if found is None or found.shape != (count, DIGEST_SIZE) else found


def write_digests(cache: Arrays, name: str, found: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Keep digests in the cache, and return them."""
    return cache.save(f"{name}.ids", found.shape, lambda: [found], np.uint8)


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

    This order depends on the content alone: not on file order, and not on the version of any
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
    """Item ids as strings, made one by one from an array of digests.

    Parameters
    ----------
    scheme : str
    digests : uint8 array of shape (n, 16)
    parts : bool array of shape (n,), optional
        Rows of the scheme ``p1``; without it there are none.
    """

    def __init__(
        self,
        scheme: Scheme,
        digests: NDArray[np.uint8],
        parts: NDArray[np.bool_] | None = None,
    ) -> None:
        self._scheme: Scheme = scheme
        self._digests = digests
        self._parts = parts if parts is not None and parts.any() else None
        if self._parts is not None and self._parts.all():
            self._scheme, self._parts = "p1", None

    def __len__(self) -> int:
        return len(self._digests)

    @overload
    def __getitem__(self, index: int) -> str: ...
    @overload
    def __getitem__(self, index: slice) -> ItemIds: ...
    def __getitem__(self, index: int | slice) -> str | ItemIds:
        if isinstance(index, slice):
            parts = None if self._parts is None else self._parts[index]
            return ItemIds(self._scheme, self._digests[index], parts)
        row: NDArray[np.uint8] = self._digests[index]
        scheme = "p1" if self._parts is not None and self._parts[index] else self._scheme
        return f"{scheme}:{row.tobytes().hex()}"

    def __iter__(self) -> Iterator[str]:
        if self._parts is not None:
            return (self[row] for row in range(len(self)))
        width = 2 * DIGEST_SIZE
        joined = self._digests.tobytes().hex()
        prefix = f"{self._scheme}:"
        return (prefix + joined[start : start + width] for start in range(0, len(joined), width))

    def __contains__(self, item_id: object) -> bool:
        return isinstance(item_id, str) and self.row_of(item_id) is not None

    def row_of(self, item_id: str) -> int | None:
        """Return the row of an item; None if no item has this id. The first call sorts the ids."""
        digits = item_id.partition(":")[2]
        try:
            digest = bytes.fromhex(digits)
        except ValueError:
            return None
        if len(digest) != DIGEST_SIZE or digest.hex() != digits:
            return None
        order, halves = self._sorted
        half = int.from_bytes(digest[: DIGEST_SIZE // 2], "big")
        place = bisect_left(halves, half)
        while place < len(halves) and halves[place] == half:
            row = int(order[place])
            if self._digests[row].tobytes() == digest:
                # Two schemes have no hash in common.
                return row if self[row] == item_id else None
            place += 1
        return None

    def rows_of(self, item_ids: Sequence[str]) -> NDArray[np.intp]:
        """Return the rows of items, as `row_of` does one by one: shape (n,), -1 where it is none.

        Many are found in a tenth of the time.
        """
        rows = np.full(len(item_ids), -1, dtype=np.intp)
        sought = list(range(len(rows)))
        digests = self._read(item_ids) if self._parts is None else None
        if len(self) and digests is not None:
            order, halves = self._sorted
            places = np.searchsorted(np.asarray(halves), digests.view(">u8")[:, 0])
            likely = order[np.minimum(places, len(order) - 1)]
            is_it = (self._digests[likely] == digests).all(axis=1)
            rows[is_it] = likely[is_it]
            sought = np.flatnonzero(~is_it).tolist()
        for place in sought:
            row = self.row_of(item_ids[place])
            rows[place] = -1 if row is None else row
        return rows

    def _read(self, item_ids: Sequence[str]) -> NDArray[np.uint8] | None:
        """Return the digests in ids; None if one is not of this kind."""
        prefix = f"{self._scheme}:".encode()
        written = np.frombuffer("".join(item_ids).encode(errors="replace"), np.uint8)
        width = len(prefix) + 2 * DIGEST_SIZE
        if len(written) != len(item_ids) * width:
            return None
        written = written.reshape(-1, width)
        digits = written[:, len(prefix) :].tobytes()
        try:
            found = bytes.fromhex(digits.decode())
        except ValueError:
            return None
        # `fromhex` also reads capitals, and passes over blanks.
        is_usual = len(found) * 2 == len(digits) and digits.lower() == digits
        starts = (written[:, : len(prefix)] == np.frombuffer(prefix, np.uint8)).all()
        return (
            np.frombuffer(found, np.uint8).reshape(-1, DIGEST_SIZE) if is_usual and starts else None
        )

    @cached_property
    def _sorted(self) -> tuple[NDArray[np.intp], memoryview[int]]:
        # A dict of strings would take many times the memory of the digests.
        order = content_order(self._digests)
        halves = np.ascontiguousarray(self._digests).view(">u8")[order, 0]
        # Single numbers are found in a memoryview in a fifth of the time that numpy takes.
        return order, memoryview(halves.astype(np.uint64))
