"""The input of a model: one or more arrays of numbers for each item, side by side."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tuilabel.learn.features import unit_rows

_SAMPLE_ROWS = 1000


@dataclass(frozen=True, eq=False)
class View:
    """Numbers for each item, from one or several arrays.

    Parameters
    ----------
    *blocks : (n, ...) uint8 or float32 arrays
        Perhaps memory-mapped; nothing is copied before rows are asked for.
    factors : sequence of float, optional
        Factor for the numbers of each block.

    Raises
    ------
    ValueError
        If there is no block, or their numbers of items differ.
    """

    blocks: tuple[NDArray[Any], ...]
    factors: tuple[np.float32, ...] | None

    def __init__(self, *blocks: NDArray[Any], factors: Sequence[float] | None = None) -> None:
        if len({len(block) for block in blocks}) != 1:
            raise ValueError(
                f"Blocks have {[len(block) for block in blocks]} items; expected the same in each."
            )
        object.__setattr__(self, "blocks", blocks)
        object.__setattr__(self, "factors", factors and tuple(map(np.float32, factors)))

    def __len__(self) -> int:
        return len(self.blocks[0])

    def typical_length(self) -> float:
        """Return the root mean square length of a sample of the rows; 1 if all are zero."""
        step = max(1, len(self) // _SAMPLE_ROWS)
        rows = self.rows(slice(0, len(self), step))
        length = float(np.sqrt(np.einsum("nd,nd->", rows, rows) / max(len(rows), 1)))
        return length if length > 0 else 1.0

    @property
    def width(self) -> int:
        """The number of columns, d."""
        return sum(math.prod(block.shape[1:]) for block in self.blocks)

    def rows(
        self, which: slice | NDArray[np.integer], out: NDArray[np.float32] | None = None
    ) -> NDArray[np.float32]:
        """Return some items as float32 rows.

        Parameters
        ----------
        which : slice or (r,) integer array
        out : (r or more, d) float32 array, optional
            Memory to write rows to, so that reading chunk after chunk does not allocate memory
            for each.

        Returns
        -------
        (r, d) float32 array
            Perhaps the first rows of `out`, perhaps the items themselves: do not change them.
        """
        parts = [block[which] for block in self.blocks]
        if len(parts) == 1 and (out is None or parts[0].dtype == np.float32):
            return unit_rows(parts[0])
        count = len(parts[0])
        rows = np.empty((count, self.width), dtype=np.float32) if out is None else out[:count]
        factors = self.factors or (np.float32(1),) * len(parts)
        start = 0
        for part, factor in zip(parts, factors, strict=True):
            stop = start + math.prod(part.shape[1:])
            _write_rows(part, factor, rows[:, start:stop])
            start = stop
        return rows


def _write_rows(items: NDArray[Any], factor: np.float32, out: NDArray[np.float32]) -> None:
    """Write the result of `unit_rows`, times a factor, without an intermediate array."""
    if items.dtype == np.uint8:
        np.copyto(out, items.reshape(out.shape))
        out *= np.float32(1 / 255)
        if factor != 1:
            out *= factor
    elif factor == 1:
        np.copyto(out, unit_rows(items))
    else:
        np.multiply(unit_rows(items), factor, out=out)
