"""Clusters: k-means over more items than fit into memory, and the typical items of a cluster.

Items are read through a function from rows of the pool to features, a chunk or a bounded sample
at a time. scikit-learn is imported by the functions that fit.
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
"""With more clusters than this, centres are found by mini-batches."""

SAMPLE_ROWS = 4096
"""Size of the sample of a larger pool that centres are found on."""

SAMPLE_ROWS_PER_CLUSTER = 20
"""Least number of sampled items for each cluster."""

TYPICALITY_NEIGHBOURS = 20
"""Number of nearest neighbours whose mean distance measures how typical an item is."""

COMPARED_ROWS = 1000
"""The most items of a cluster that are all compared with each other."""

Read = Callable[[NDArray[np.intp]], NDArray[np.float32]]
"""Maps rows of a pool, (r,), to their features, (r, d) with d >= 1."""


def read_features(read: Read, rows: NDArray[np.intp]) -> NDArray[np.float32]:
    """Read items, and check that distances between them can be computed.

    Parameters
    ----------
    read
        Where the features come from.
    rows : (r,) intp array
        Rows of the pool.

    Returns
    -------
    (r, d) float32 array
        Finite, with finite squared lengths.

    Raises
    ------
    ValueError
        If the shape is wrong, or numbers are NaN, infinite or too large to be squared.
    """
    features = read(rows)
    if features.ndim != 2 or len(features) != len(rows) or features.shape[1] == 0:
        raise ValueError(
            f"Features of {len(rows)} items have shape {features.shape}; expected one row each "
            "and at least one column."
        )
    if not np.isfinite(squared_lengths(features)).all():
        refuse_not_finite(features, "features")
        raise ValueError(
            f"Features go up to {np.abs(features).max():.1e}, too large to be squared: scale "
            "them to 0..1."
        )
    return features


def refuse_not_finite(table: NDArray[Any], what: str) -> None:
    """Check that all numbers of a table are finite.

    Parameters
    ----------
    table : (r, w) array
        May be empty.
    what
        Name of the numbers in the error message, such as ``"features"``.

    Raises
    ------
    ValueError
        If a number is NaN or infinite.
    """
    wrong = int((~np.isfinite(table)).any(axis=1).sum())
    if wrong:
        raise ValueError(
            f"{wrong} of {len(table)} rows of {what} have NaN or infinite numbers: replace them, "
            "or leave the items out."
        )


def squared_lengths(rows: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the squared Euclidean length of each row of (r, d), shape (r,); it may overflow."""
    with np.errstate(over="ignore", invalid="ignore"):
        lengths: NDArray[np.float32] = np.vecdot(rows, rows)
    return lengths


def chunks(count: int) -> Iterator[slice]:
    """Yield slices of at most `CHUNK_ROWS` that cover `count` items."""
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
        At least `n_clusters` rows. If fewer of them are distinct, some clusters stay empty.
    n_clusters
        Number of centres.
    rng
        Places the first centres.
    weights : (r,) floating array, optional
        Weight of each item, above 0.
    mini_batches
        Use a part of the items in each step: faster, and a little worse.

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
        # The warning is about fewer distinct items than centres, which callers handle.
        warnings.simplefilter("ignore", ConvergenceWarning)
        return kmeans.fit(features, sample_weight=weights)


def cluster_pool(
    read: Read, rows: NDArray[np.intp], n_clusters: int, rng: Generator
) -> NDArray[np.intp]:
    """Cluster items of a pool; the centres of a large pool are found on a random sample.

    Parameters
    ----------
    read
        Where the features come from.
    rows : (r,) intp array
        Rows of the pool, at least `n_clusters`.
    n_clusters
        Number of clusters; some may stay empty.
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
    # Ascending, so that a memory-mapped pool is read forwards.
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

    An item is typical if its mean distance to its 20 nearest neighbours is small. A cluster too
    large to compare all items with each other is split into random parts, one after another.
    Nothing is read or drawn before it is needed.

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
        # The part is in random order, so a stable sort keeps ties in random order.
        yield from part[np.argsort(distances, kind="stable")].tolist()


def _neighbour_distances(features: NDArray[np.float32]) -> NDArray[np.float64]:
    """Return each row's mean distance to its nearest neighbours; 0 for a single row."""
    count = min(TYPICALITY_NEIGHBOURS, len(features) - 1)
    if count == 0:
        return np.zeros(len(features))
    # In float64 and centred, small distances are not lost in rounding.
    centred = features - features.mean(axis=0, dtype=np.float64)
    lengths = np.einsum("ij,ij->i", centred, centred)
    squares = lengths[:, None] + lengths - 2 * (centred @ centred.T)
    np.fill_diagonal(squares, np.inf)
    nearest = np.partition(squares, count - 1, axis=1)[:, :count]
    distances: NDArray[np.float64] = np.sqrt(np.maximum(nearest, 0)).mean(axis=1)
    return distances
