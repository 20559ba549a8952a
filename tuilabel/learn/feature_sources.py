"""Numbers for the items of a pool: the input of every model."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Sequence
from functools import cached_property
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from tuilabel.learn.features import CHUNK_ROWS, write_unit_rows
from tuilabel.learn.names import RAW


class FeatureSource(Protocol):
    """Numbers for each item, wherever they come from.

    Attributes
    ----------
    name, version
        How they are computed.
    digest
        Hash of what they are computed from. Sources whose name, version and digest are the same
        have the same numbers.
    width
        d, how many numbers an item has.
    """

    @property
    def name(self) -> str: ...
    @property
    def version(self) -> str: ...
    @property
    def digest(self) -> str: ...
    @property
    def width(self) -> int: ...

    def __len__(self) -> int: ...

    def __call__(
        self, rows: slice | NDArray[np.integer], out: NDArray[np.float32] | None = None
    ) -> NDArray[np.float32]:
        """Return the numbers of some items.

        Parameters
        ----------
        rows : slice or (r,) integer array
        out : (r, d) float32 array, optional
            Memory to write to, so that reading chunk after chunk does not allocate memory for each.

        Returns
        -------
        (r, d) float32 array
            Perhaps `out`, perhaps the kept numbers themselves: do not change them.
        """


class ArraySource:
    """Numbers in one array, or in several whose rows follow one another.

    Attributes
    ----------
    name, version, digest, width
        As in `FeatureSource`.
    parts : tuple of (n_i, ...) uint8 or floating arrays
        Perhaps memory-mapped; nothing is copied before rows are asked for.
    shape : tuple of int
        That of one item.
    digests : tuple of str
        A hash for each part: of its content, unless others were given.

    Raises
    ------
    ValueError
        There is no part, or items of two parts differ in dtype or shape.
    """

    def __init__(
        self, name: str, version: str, parts: Sequence[NDArray[Any]], digests: Sequence[str] = ()
    ) -> None:
        kinds = sorted({f"{part.dtype} {part.shape[1:]}" for part in parts})
        if len(kinds) != 1:
            raise ValueError(f"Parts have items of {kinds}; expected one dtype and shape.")
        self.name, self.version, self.parts = name, version, tuple(parts)
        self.shape: tuple[int, ...] = self.parts[0].shape[1:]
        self.width = math.prod(self.shape)
        self._ends = np.cumsum([len(part) for part in parts])
        if digests:
            self.digests = tuple(digests)

    @cached_property
    def digests(self) -> tuple[str, ...]:
        """A hash for each part."""
        return tuple(map(array_digest, self.parts))

    @property
    def digest(self) -> str:
        """Hash of all parts."""
        if len(self.digests) == 1:
            return self.digests[0]
        return hashlib.blake2b("".join(self.digests).encode(), digest_size=16).hexdigest()

    def __len__(self) -> int:
        return int(self._ends[-1])

    def __call__(
        self, rows: slice | NDArray[np.integer], out: NDArray[np.float32] | None = None
    ) -> NDArray[np.float32]:
        """Return the numbers of some items, bytes scaled to 0..1, as `FeatureSource` does."""
        return write_unit_rows(self.items(rows), out)

    def items(self, rows: slice | NDArray[np.integer]) -> NDArray[Any]:
        """Return some items as they are: (r, ...), of the parts' dtype."""
        if len(self.parts) == 1:
            return self.parts[0][rows]
        if isinstance(rows, slice):
            rows = np.arange(*rows.indices(len(self)))
        found = np.empty((len(rows), *self.shape), self.parts[0].dtype)
        part_of = np.searchsorted(self._ends, rows, side="right")
        for number in np.unique(part_of):
            here = part_of == number
            part = self.parts[number]
            found[here] = part[rows[here] - (self._ends[number] - len(part))]
        return found


def pixels(*parts: NDArray[Any]) -> ArraySource:
    """Return the source of images themselves.

    Parameters
    ----------
    *parts : (n_i, H, W) or (n_i, H, W, 3) uint8 or floating arrays
    """
    return ArraySource(RAW, "0", parts)


def array_digest(array: NDArray[Any]) -> str:
    """Hash an array's shape, type and content, a chunk at a time."""
    digest = hashlib.blake2b(f"{array.shape} {array.dtype.str}".encode(), digest_size=16)
    for start in range(0, len(array), CHUNK_ROWS):
        digest.update(np.ascontiguousarray(array[start : start + CHUNK_ROWS]).data)
    return digest.hexdigest()
