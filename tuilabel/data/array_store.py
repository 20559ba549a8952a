"""Arrays of numbers in the cache: computed once, mapped by every process that needs them."""

from __future__ import annotations

import logging
import math
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from tuilabel.data.cache_files import Block, make_block, read_block

log = logging.getLogger(__name__)


class ArrayStore:
    """Float32 arrays as files in a folder.

    A file gets its name once it is complete, so processes that write the same array at once
    replace each other's file with an equal one. A file that is cut short, damaged or in another
    format counts as missing. If the folder cannot be written, arrays stay in memory.

    Parameters
    ----------
    folder : Path
        Created if it is missing.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def load(self, name: str) -> NDArray[np.float32] | None:
        """Return the array of this name, memory-mapped; None if it is missing or damaged."""
        block = read_block(self._path(name))
        if block is None or not block.is_intact():
            return None
        return _array_of(block, name)

    def save(
        self,
        name: str,
        shape: tuple[int, ...],
        parts: Callable[[], Iterable[NDArray[np.float32]]],
    ) -> NDArray[np.float32]:
        """Write an array and return it: memory-mapped, or in memory if it cannot be written.

        Parameters
        ----------
        name : str
            The same name must always mean the same content.
        shape : tuple of int
            Shape of the whole array.
        parts : callable
            Returns the rows in order, in pieces that are read and written one by one.

        Returns
        -------
        float32 array of this shape

        Raises
        ------
        ValueError
            If the parts do not add up to the shape.
        """
        index = {"name": name, "dtype": "<f4", "shape": list(shape)}

        def pieces() -> Iterator[NDArray[np.uint8]]:
            for part in parts():
                yield np.ascontiguousarray(part, dtype="<f4").view(np.uint8)

        block = make_block(self._path(name), index, pieces)
        if block.problem is not None:
            log.warning("%s is kept in memory only: %s", name, block.problem)
        found = _array_of(block, name)
        if found is None or found.shape != shape:
            raise ValueError(f"The parts of {name} do not add up to its shape {shape}.")
        return found

    def _path(self, name: str) -> Path:
        return self._folder / f"{name}.block"


def _array_of(block: Block, name: str) -> NDArray[np.float32] | None:
    index = block.index
    try:
        shape = tuple(int(length) for length in index["shape"])
        if index["name"] != name or index["dtype"] != "<f4":
            return None
    except (LookupError, TypeError, ValueError):
        return None
    if math.prod(shape) * 4 != len(block.payload) or min(shape, default=0) < 0:
        return None
    return block.payload.view("<f4").reshape(shape)
