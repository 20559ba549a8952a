"""Neighbours in pools too large to compare every pair, by faiss (the extra ``large``).

faiss is the only such library with wheels for every platform, without a compiler or just-in-time
step, and with an index whose result depends only on its seed: an inverted file is trained by
k-means, then searched exactly within the lists nearest to the query.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from tuilabel.learn.graph import NoGraphError
from tuilabel.progress import Progress

LISTS_PER_ROOT = 2
"""Number of lists, as a multiple of the square root of the number of rows."""

PROBES = 24
"""Number of lists to search for each query: on MNIST's features recall is above 0.99."""

_QUERY_ROWS = 16_384


def search_approximately(
    rows: NDArray[np.float32],
    count: int,
    rng: Generator,
    progress: Progress | None = None,
    *,
    probes: int = PROBES,
) -> tuple[NDArray[np.float32], NDArray[np.intp]]:
    """Find approximately the nearest rows of each row.

    Parameters
    ----------
    rows : (n, c) float32 array
    count
        How many to find for each row, itself included.
    rng
        Seeds the training of the index.
    progress : callable, optional
    probes
        Lists to search for each row: more is more exact and slower.

    Returns
    -------
    distances : (n, count) float32 array
        Euclidean, ascending.
    nearest : (n, count) intp array

    Raises
    ------
    NoGraphError
        faiss is not installed.

    References
    ----------
    Jégou, Douze & Schmid, "Product quantization for nearest neighbor search", PAMI 2011 (the
    inverted file); Douze et al., "The Faiss library", 2024.
    """
    faiss = _faiss(len(rows))
    n, width = rows.shape
    lists = max(1, round(LISTS_PER_ROOT * math.sqrt(n)))
    index = faiss.IndexIVFFlat(faiss.IndexFlatL2(width), width, lists, faiss.METRIC_L2)
    index.cp.seed = int(rng.integers(2**31))
    index.nprobe = min(probes, lists)
    rows = np.ascontiguousarray(rows, dtype=np.float32)
    index.train(rows)
    index.add(rows)
    distances = np.empty((n, count), dtype=np.float32)
    nearest = np.empty((n, count), dtype=np.intp)
    for start in range(0, n, _QUERY_ROWS):
        chunk = slice(start, min(start + _QUERY_ROWS, n))
        squared, found = index.search(rows[chunk], count)
        # If the searched lists have too few rows, the row itself fills the gaps.
        missing = found < 0
        own = np.broadcast_to(np.arange(chunk.start, chunk.stop)[:, None], found.shape)
        nearest[chunk] = np.where(missing, own, found)
        distances[chunk] = np.sqrt(np.maximum(np.where(missing, 0, squared), 0))
        if progress is not None:
            progress("neighbours", chunk.stop, n)
    return distances, nearest


def _faiss(n: int) -> Any:
    try:
        import faiss
    except ImportError as error:
        raise NoGraphError(
            f"A comparison of {n:,} images needs faiss. Run pip install faiss-cpu."
        ) from error
    return faiss
