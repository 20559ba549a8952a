"""Images in the order of how unusual they are, or how much like one of them."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from tuilabel.learn.feature_view import View
from tuilabel.learn.features import CHUNK_ROWS
from tuilabel.learn.graph import NEIGHBOURS, components, neighbours
from tuilabel.progress import Progress


def by_oddness(features: View, *, progress: Progress | None = None) -> NDArray[np.intp]:
    """Return all rows, the most unusual first.

    How unusual an item is, is its mean distance to the 10 items nearest to it, in the principal
    components of the features. An item that has 10 copies is the least unusual.

    Parameters
    ----------
    features : View of n items
    progress : callable, optional

    Returns
    -------
    (n,) intp array

    Raises
    ------
    NoGraphError
        There are more items than are compared exactly, and faiss is not installed.

    References
    ----------
    Angiulli & Pizzuti, "Fast outlier detection in high dimensional spaces", PKDD 2002.
    """
    places = components(features)
    count = min(NEIGHBOURS, len(places) - 1)
    if count < 1 or not places.shape[1]:
        return np.arange(len(places))
    # The generator draws the sample that an approximate index is trained on.
    distances, _ = neighbours(places, count, np.random.default_rng(0), progress)
    return np.argsort(-distances.mean(axis=1), kind="stable")


def by_likeness(features: View, row: int) -> NDArray[np.intp]:
    """Return all rows, that row first, then those nearest to it.

    Parameters
    ----------
    features : View of n items
    row

    Returns
    -------
    (n,) intp array
    """
    own = features.rows(np.array([row]))[0].astype(np.float32)
    squared = np.empty(len(features), dtype=np.float32)
    for start in range(0, len(features), CHUNK_ROWS):
        chunk = slice(start, start + CHUNK_ROWS)
        difference: NDArray[Any] = features.rows(chunk) - own
        squared[chunk] = np.einsum("nd,nd->n", difference, difference)
    squared[row] = -1
    return np.argsort(squared, kind="stable")
