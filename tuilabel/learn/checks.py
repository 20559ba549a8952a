"""Checks that several functions make of their arguments."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from tuilabel.errors import UsageError

_ROWS = 1024


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


def check_finite(items: NDArray[Any], what: str) -> None:
    """Make sure that all numbers are finite: a single NaN would spread to everything learnt.

    Parameters
    ----------
    items : (n, ...) array
        Perhaps memory-mapped; of bytes nothing is read.
    what
        What the items are, as the message begins: ``"The pool"``.

    Raises
    ------
    UsageError
        If one is NaN or infinite.
    """
    if not np.issubdtype(items.dtype, np.floating):
        return
    for start in range(0, len(items), _ROWS):
        chunk = items[start : start + _ROWS]
        finite = np.isfinite(chunk).reshape(len(chunk), -1).all(axis=1)
        if not finite.all():
            raise UsageError(
                f"{what} holds NaN or infinite numbers in item {start + int(finite.argmin())}: "
                "replace them, or leave the item out."
            )
