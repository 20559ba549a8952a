"""What a model sees of the images: one or more arrays of numbers, side by side."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tuilabel.learn.features import unit_rows

_SAMPLE_ROWS = 1000


@dataclass(frozen=True, eq=False)
class View:
    """Numbers for each item, in one or several arrays.

    Parameters
    ----------
    *blocks : (n, ...) uint8 or float32 arrays
        Perhaps memory-mapped; nothing is copied before rows are asked for.
    factors : sequence of float, optional
        What the numbers of each block are multiplied by.

    Raises
    ------
    ValueError
        If there is no block, or they are not of the same items.
    """

    blocks: tuple[NDArray[Any], ...]
    factors: tuple[np.float32, ...] | None

    def __init__(self, *blocks: NDArray[Any], factors: Sequence[float] | None = None) -> None:
        if len({len(block) for block in blocks}) != 1:
            raise ValueError(
                f"Blocks have {[len(block) for block in blocks]} items: expected the same in each."
            )
        object.__setattr__(self, "blocks", blocks)
        object.__setattr__(self, "factors", factors and tuple(map(np.float32, factors)))

    def __len__(self) -> int:
        return len(self.blocks[0])

    def typical_length(self) -> float:
        """Give the root mean square length of a sample of the rows; 1 where all are zero."""
        step = max(1, len(self) // _SAMPLE_ROWS)
        rows = self.rows(slice(0, len(self), step))
        length = float(np.sqrt(np.einsum("nd,nd->", rows, rows) / max(len(rows), 1)))
        return length if length > 0 else 1.0

    def rows(self, which: slice | NDArray[np.integer]) -> NDArray[np.float32]:
        """Give some items as float32 rows.

        Parameters
        ----------
        which : slice or (r,) integer array

        Returns
        -------
        (r, d) float32 array
        """
        if len(self.blocks) == 1:
            return unit_rows(self.blocks[0][which])
        factors = self.factors or (np.float32(1),) * len(self.blocks)
        return np.hstack(
            [
                unit_rows(block[which]) if factor == 1 else unit_rows(block[which]) * factor
                for block, factor in zip(self.blocks, factors, strict=True)
            ]
        )
