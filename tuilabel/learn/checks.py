"""Checks that several functions make of their arguments."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def check_indices(indices: NDArray[np.integer], n: int, what: str) -> None:
    """Make sure that all indices are 0 to n - 1: numpy would count negative ones from the end.

    Parameters
    ----------
    indices : (m,) integer array
        May be empty.
    n
        How many things there are to point at.
    what
        What the indices are, as the message begins: ``"Labels"``.

    Raises
    ------
    ValueError
        If one is outside.
    """
    if indices.size and (indices.min() < 0 or indices.max() >= n):
        raise ValueError(
            f"{what} run from {indices.min()} to {indices.max()}: expected 0 to {n - 1}."
        )
