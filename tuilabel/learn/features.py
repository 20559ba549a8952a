"""Items as input of a model: flat float32 rows between 0 and 1, a chunk at a time."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tuilabel.learn.checks import check_indices

CHUNK_ROWS = 1024
"""Items converted to float32 at once: 3.2 MB for images of 28 x 28.

Small enough to stay in a processor's cache until the matrix product has read it."""


def unit_rows(features: NDArray[Any]) -> NDArray[np.float32]:
    """Flatten items into float32 rows; bytes are scaled to 0..1.

    Parameters
    ----------
    features : (m, ...) uint8 or floating array
        Bytes 0 to 255, or scaled numbers.

    Returns
    -------
    (m, d) float32 array
        C-contiguous.

    Raises
    ------
    ValueError
        If the array is neither uint8 nor floating, or has no axis of features.
    """
    if features.ndim < 2:
        raise ValueError(f"Features have shape {features.shape}; expected (items, ...).")
    rows = features.reshape(len(features), math.prod(features.shape[1:]))
    if features.dtype == np.uint8:
        scaled: NDArray[np.float32] = np.multiply(rows, np.float32(1 / 255), dtype=np.float32)
        return scaled
    if np.issubdtype(features.dtype, np.floating):
        return np.ascontiguousarray(rows, dtype=np.float32)
    raise ValueError(f"Features are {features.dtype}; expected uint8 or floating numbers.")


def write_unit_rows(
    items: NDArray[Any], out: NDArray[np.float32] | None = None
) -> NDArray[np.float32]:
    """Return the result of `unit_rows`, written to `out` where that saves an array.

    Parameters
    ----------
    items : (m, ...) uint8 or floating array
    out : (m, d) float32 array, optional

    Returns
    -------
    (m, d) float32 array
        `out`, or the items themselves.
    """
    if out is None or items.dtype != np.uint8:
        return unit_rows(items)
    np.copyto(out, items.reshape(out.shape))
    out *= np.float32(1 / 255)
    return out


def candidate_rows(n: int, *taken: NDArray[np.integer]) -> NDArray[np.intp]:
    """Return the rows of a pool that a query may return: all but those taken, in order.

    Parameters
    ----------
    n
        Number of rows of the pool.
    *taken : (m,) integer arrays
        Rows that are labelled, skipped or in the audit set; they may overlap.

    Returns
    -------
    (c,) intp array
        Ascending.

    Raises
    ------
    ValueError
        If a taken row is not in the pool.
    """
    free = np.ones(n, dtype=bool)
    for rows in taken:
        check_indices(rows, n, "Rows of the pool")
        free[rows] = False
    return np.flatnonzero(free)
