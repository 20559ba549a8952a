"""Checks of arguments that several functions share."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from tuilabel.errors import UsageError

_ROWS = 1024


def check_indices(indices: NDArray[np.integer], n: int, what: str) -> None:
    """Check that all indices are 0 to n - 1: numpy would count negative ones from the end.

    Parameters
    ----------
    indices : (m,) integer array
        May be empty.
    n
        Number of things that the indices point at.
    what
        Begins the error message, such as ``"Labels"``.

    Raises
    ------
    ValueError
        If an index is outside of that range.
    """
    if indices.size and (indices.min() < 0 or indices.max() >= n):
        raise ValueError(
            f"{what} run from {indices.min()} to {indices.max()}; expected 0 to {n - 1}."
        )


def check_finite(items: NDArray[Any], what: str) -> None:
    """Check that all numbers are finite: a single NaN would spread to the whole model.

    Parameters
    ----------
    items : (n, ...) array
        Perhaps memory-mapped; integers are not read.
    what
        Begins the error message, such as ``"The pool"``.

    Raises
    ------
    UsageError
        If a number is NaN or infinite.
    """
    if not np.issubdtype(items.dtype, np.floating):
        return
    for start in range(0, len(items), _ROWS):
        chunk = items[start : start + _ROWS]
        finite = np.isfinite(chunk).reshape(len(chunk), -1).all(axis=1)
        if not finite.all():
            raise UsageError(
                f"{what} has NaN or infinite numbers in item {start + int(finite.argmin())}: "
                "replace them, or leave the item out."
            )
