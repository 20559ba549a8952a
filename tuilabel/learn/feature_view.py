"""The input of a model: one or more feature sources, side by side."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tuilabel.learn.feature_sources import FeatureSource

_SAMPLE_ROWS = 1000


@dataclass(frozen=True, eq=False)
class View:
    """Numbers for each item, from one or several sources.

    Parameters
    ----------
    *blocks : FeatureSource
        Each has the same n items.
    factors : sequence of float, optional
        Factor for the numbers of each block.

    Raises
    ------
    ValueError
        If there is no block, or their numbers of items differ.
    """

    blocks: tuple[FeatureSource, ...]
    factors: tuple[np.float32, ...] | None

    def __init__(self, *blocks: FeatureSource, factors: Sequence[float] | None = None) -> None:
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
        return sum(block.width for block in self.blocks)

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
        if len(self.blocks) == 1 and not self.factors:
            return self.blocks[0](which, None if out is None else out[: _count(which, len(self))])
        count = _count(which, len(self))
        rows = np.empty((count, self.width), dtype=np.float32) if out is None else out[:count]
        factors = self.factors or (np.float32(1),) * len(self.blocks)
        start = 0
        for block, factor in zip(self.blocks, factors, strict=True):
            place = rows[:, start : start + block.width]
            np.multiply(block(which, place), factor, out=place)
            start += block.width
        return rows


def _count(which: slice | NDArray[np.integer], n: int) -> int:
    """Return how many rows are asked for."""
    return len(range(*which.indices(n))) if isinstance(which, slice) else len(which)
