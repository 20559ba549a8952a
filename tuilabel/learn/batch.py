"""Picking a batch: the items of highest utility."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray


def pick_batch(utilities: NDArray[Any], size: int, rng: Generator) -> NDArray[np.intp]:
    """Pick the items of highest utility, best first; ties are broken by the generator.

    Takes O(n + size log size) time and O(n) memory: the utilities are partitioned, not sorted.

    Parameters
    ----------
    utilities : (n,) floating array
        Higher = ask first. Infinite values are allowed.
    size
        How many to pick; if there are no more, all are returned, in order.
    rng
        Breaks ties: which of several equal items are picked, and their order.

    Returns
    -------
    (min(size, n),) intp array
        Distinct positions in `utilities`.

    Raises
    ------
    ValueError
        If `utilities` is not one-dimensional or has NaN, or `size` is negative.
    """
    if utilities.ndim != 1:
        raise ValueError(f"Utilities have shape {utilities.shape}, not (items,).")
    if size < 0:
        raise ValueError(f"The batch size is {size}; expected 0 or more.")
    if np.isnan(utilities).any():
        raise ValueError(f"{int(np.isnan(utilities).sum())} utilities are NaN; expected numbers.")
    n = len(utilities)
    size = min(size, n)
    if size == 0:
        return np.empty(0, dtype=np.intp)
    worst = np.partition(utilities, n - size)[n - size]
    better = np.flatnonzero(utilities > worst)
    equal = np.flatnonzero(utilities == worst)
    chosen = rng.choice(equal, size - len(better), replace=False)
    # A stable sort of a shuffled list keeps equal items in random order.
    picked = rng.permutation(np.concatenate([better, chosen]))
    return picked[np.argsort(-utilities[picked], kind="stable")]
