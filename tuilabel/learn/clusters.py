"""Clusters: k-means over more items than memory holds, and who is typical of a cluster.

Items are read through a function from rows of the pool to features, a chunk or a bounded sample
at a time. scikit-learn is imported when something is fitted.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from tuilabel.learn.features import CHUNK_ROWS

MINI_BATCHES_ABOVE = 50
"""Clusters above which the centres of a pool are found by mini-batches."""

SAMPLE_ROWS = 4096
"""Items of a bigger pool that its centres are found on; all are then assigned to them."""

SAMPLE_ROWS_PER_CLUSTER = 20
"""A sample has at least that many items for each cluster."""

TYPICALITY_NEIGHBOURS = 20
"""Nearest neighbours whose distance says how typical an item is."""

COMPARED_ROWS = 1000
"""Items of one cluster that are compared each with each."""

Read = Callable[[NDArray[np.intp]], NDArray[np.float32]]
"""From rows of a pool, (r,), to their features, (r, d) with d >= 1."""


def read_features(read: Read, rows: NDArray[np.intp]) -> NDArray[np.float32]:
    """Read items, and make sure that distances between them can be worked out.

    Parameters
    ----------
    read
        Where the features come from.
    rows : (r,) intp array
        Rows of the pool.

    Returns
    -------
    (r, d) float32 array
        Finite, and so are their squared lengths.

    Raises
    ------
    ValueError
        If the shape is another one, or numbers are NaN, infinite or too big to be squared.
    """
    features = read(rows)
    if features.ndim != 2 or len(features) != len(rows) or features.shape[1] == 0:
        raise ValueError(
            f"Features of {len(rows)} items have shape {features.shape}: expected one row each "
            "and at least one column."
        )
    if not np.isfinite(squared_lengths(features)).all():
        refuse_not_finite(features, "features")
        raise ValueError(
            f"Features go up to {np.abs(features).max():.1e}, too far for their squares: scale "
            "them to 0..1."
        )
    return features


def refuse_not_finite(table: NDArray[Any], what: str) -> None:
    """Make sure that all numbers of a table are finite.

    Parameters
    ----------
    table : (r, w) array
        May be empty.
    what
        What the rows hold, as the message says it: ``"features"``.

    Raises
    ------
    ValueError
        If one is NaN or infinite.
    """
    wrong = int((~np.isfinite(table)).any(axis=1).sum())
    if wrong:
        raise ValueError(
            f"{wrong} of {len(table)} rows of {what} hold NaN or infinite numbers: expected "
            "finite ones."
        )


def squared_lengths(rows: NDArray[np.float32]) -> NDArray[np.float32]:
    """Give the squared Euclidean length of each row of (r, d), in shape (r,); it may overflow."""
    with np.errstate(over="ignore", invalid="ignore"):
        lengths: NDArray[np.float32] = np.vecdot(rows, rows)
    return lengths


def chunks(count: int) -> Iterator[slice]:
    """Cut `count` items into chunks that are read at once."""
    for start in range(0, count, CHUNK_ROWS):
        yield slice(start, min(start + CHUNK_ROWS, count))


def fit_clusters(
    features: NDArray[np.float32],
    n_clusters: int,
    rng: Generator,
    *,
    weights: NDArray[np.floating[Any]] | None = None,
    mini_batches: bool = False,
) -> Any:
    """Fit k-means.

    Parameters
    ----------
    features : (r, d) float32 array
        At least `n_clusters` rows; where fewer of them differ, some clusters stay empty.
    n_clusters
        How many centres.
    rng
        Places the first centres.
    weights : (r,) floating array, optional
        How much each item counts, above 0.
    mini_batches
        Look at a part of the items in each step: faster, and a little worse.

    Returns
    -------
    sklearn.cluster.KMeans or sklearn.cluster.MiniBatchKMeans

    References
    ----------
    Lloyd, "Least squares quantization in PCM", IEEE Transactions on Information Theory 1982;
    Sculley, "Web-scale k-means clustering", WWW 2010.
    """
    from sklearn.cluster import KMeans, MiniBatchKMeans
    from sklearn.exceptions import ConvergenceWarning

    kind = MiniBatchKMeans if mini_batches else KMeans
    kmeans = kind(n_clusters, n_init=1, max_iter=30, random_state=int(rng.integers(2**32)))
    with warnings.catch_warnings():
        # It warns of fewer distinct items than centres; callers cope with that.
        warnings.simplefilter("ignore", ConvergenceWarning)
        return kmeans.fit(features, sample_weight=weights)


def cluster_pool(
    read: Read, rows: NDArray[np.intp], n_clusters: int, rng: Generator
) -> NDArray[np.intp]:
    """Cluster items of a pool; the centres of a big one are found on a random sample.

    Parameters
    ----------
    read
        Where the features come from.
    rows : (r,) intp array
        Rows of the pool, at least `n_clusters`.
    n_clusters
        How many clusters; some may stay empty.
    rng
        Draws the sample and places the first centres.

    Returns
    -------
    (r,) intp array
        The number of each item's cluster, 0 to n_clusters - 1.

    Raises
    ------
    ValueError
        As `read_features` does.
    """
    seen = min(len(rows), max(SAMPLE_ROWS, SAMPLE_ROWS_PER_CLUSTER * n_clusters))
    # In ascending order a memory-mapped pool is read forwards.
    sample = rows[np.sort(rng.choice(len(rows), seen, replace=False))]
    kmeans = fit_clusters(
        read_features(read, sample),
        n_clusters,
        rng,
        mini_batches=n_clusters > MINI_BATCHES_ABOVE,
    )
    centres = kmeans.cluster_centers_.astype(np.float32)
    half_lengths = squared_lengths(centres) / 2
    clusters = np.empty(len(rows), dtype=np.intp)
    for chunk in chunks(len(rows)):
        features = read_features(read, rows[chunk])
        clusters[chunk] = (features @ centres.T - half_lengths).argmax(axis=1)
    return clusters


def typical_first(read: Read, rows: NDArray[np.intp], rng: Generator) -> Iterator[int]:
    """Yield the items of a cluster, the most typical first.

    Typical is who has a small mean distance to the 20 nearest neighbours. A cluster too big to
    compare each with each is taken in random parts, one after another. Nothing is read or drawn
    before it is needed.

    Parameters
    ----------
    read
        Where the features come from.
    rows : (r,) intp array
        Rows of the pool; may be empty.
    rng
        Draws the parts and breaks ties.

    Yields
    ------
    int
        Positions in `rows`, each once.
    """
    if len(rows) == 0:
        return
    shuffled = rng.permutation(len(rows))
    for part in np.array_split(shuffled, -(-len(rows) // COMPARED_ROWS)):
        distances = _neighbour_distances(read_features(read, rows[part]))
        # A part is in random order, so a stable sort leaves ties in random order.
        yield from part[np.argsort(distances, kind="stable")].tolist()


def _neighbour_distances(features: NDArray[np.float32]) -> NDArray[np.float64]:
    """Give each row's mean distance to its nearest neighbours; 0 where it has none."""
    count = min(TYPICALITY_NEIGHBOURS, len(features) - 1)
    if count == 0:
        return np.zeros(len(features))
    # In float64 and around their mean, near neighbours do not drown in rounding.
    centred = features - features.mean(axis=0, dtype=np.float64)
    lengths = np.einsum("ij,ij->i", centred, centred)
    squares = lengths[:, None] + lengths - 2 * (centred @ centred.T)
    np.fill_diagonal(squares, np.inf)
    nearest = np.partition(squares, count - 1, axis=1)[:, :count]
    distances: NDArray[np.float64] = np.sqrt(np.maximum(nearest, 0)).mean(axis=1)
    return distances
