"""The label graph: which images form a cluster, whatever their labels.

Each image of the pool is connected to its nearest images. The leading eigenvectors of the
normalised graph are nearly constant within a cluster and differ between clusters, so a softmax on
them needs about one label per cluster. New images are embedded by interpolation between their
neighbours in the pool; they are never part of the graph.
"""

from __future__ import annotations

import math
import os
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from tuilabel.errors import UsageError
from tuilabel.learn.feature_view import View
from tuilabel.progress import Progress
from tuilabel.text import counted

VERSION = 4
"""Part of the name of every cached graph; raised when graphs are built differently."""

NEIGHBOURS = 10
COMPONENTS = 64
"""Number of principal components that distances are measured in."""

LOCAL_SCALE = 7
"""The distance to this neighbour is the local scale around an image."""

LEAST_VECTORS = 20
MOST_VECTORS = 100

LEAST_ROWS = 30
"""The least size of a pool: in a smaller one, clusters are of no help."""

MOST_NUMBERS = 4096
"""The most numbers of an item: principal components of more take much time and memory."""

EXACT_ROWS = 100_000
"""In larger pools neighbours are found by an approximate index."""

_EIGENVALUE_FLOOR = 0.01
_DECAY = 0.75
"""How strongly slowly varying eigenvectors are preferred. On MNIST's pool with 20 to 60 labels this
is more reliable than 0.5, where fast ones mislead, and than 1, which may lose a cluster."""

_STRAY_SHARE = 0.02
_SEARCH_ROWS = 2048
_RESOLUTION = 1e-4


class NoGraphError(UsageError):
    """These images cannot have a label graph; the message says why."""


class TooFewError(NoGraphError):
    """Too few images differ: no option changes that."""


@dataclass(frozen=True, eq=False)
class LabelGraph:
    """The spectral embedding of a pool.

    Attributes
    ----------
    vectors : (n, m) float32 array
        The leading eigenvectors, slowly varying ones weighted up; row lengths differ.
    reduced : (n, c) float32 array
        The principal components of the pool, in which neighbours are found.
    scales : (n,) float32 array
        The distance scale around each image.
    mean : (d,) float32 array
    basis : (d, c) float32 array
        Maps features to components: ``(features - mean) @ basis``.
    """

    vectors: NDArray[np.float32]
    reduced: NDArray[np.float32]
    scales: NDArray[np.float32]
    mean: NDArray[np.float32]
    basis: NDArray[np.float32]

    def rows(self) -> NDArray[np.float32]:
        """Return the embedded pool: (n, m) float32 rows of length 1."""
        return _unit_length(np.asarray(self.vectors))

    def embed(self, features: View, *, progress: Progress | None = None) -> NDArray[np.float32]:
        """Embed further images by interpolation between their neighbours in the pool.

        Parameters
        ----------
        features : View of h items
            With the columns that the graph was built on.
        progress : callable, optional

        Returns
        -------
        (h, m) float32 array
            Rows of length 1.

        References
        ----------
        Bengio et al., "Out-of-sample extensions for LLE, Isomap, MDS, eigenmaps, and spectral
        clustering", NIPS 2003.
        """
        if len(features) == 0:
            return np.empty((0, self.vectors.shape[1]), dtype=np.float32)
        reduced = _reduce(features, self.mean, self.basis)
        count = min(NEIGHBOURS, len(self.reduced))
        distances, nearest = search(self.reduced, reduced, count, "hold-out", progress)
        scales = np.maximum(distances[:, min(LOCAL_SCALE, count) - 1], self.scales.min())
        weights = _affinity(distances, scales[:, None], self.scales[nearest])
        weights += np.float32(1e-12)
        weights /= weights.sum(axis=1, keepdims=True)
        embedded = np.einsum("hj,hjm->hm", weights, self.vectors[nearest])
        return _unit_length(embedded.astype(np.float32))


def build_graph(
    features: View, n_classes: int, rng: Generator, *, progress: Progress | None = None
) -> LabelGraph:
    """Embed a pool by the leading eigenvectors of its normalised graph of nearest neighbours.

    Copies of an image share one place in the graph. Otherwise a dozen copies, each other's only
    neighbours, would take up an eigenvector.

    Parameters
    ----------
    features : View of n items
        Perhaps memory-mapped; read in chunks.
    n_classes
        k: the more classes, the more eigenvectors.
    rng
        Draws the start of the eigensolver, and the training sample of a large pool's index.
    progress : callable, optional

    Returns
    -------
    LabelGraph
        With max(20, 2 k) eigenvectors, at most 100, or fewer for a small pool.

    Raises
    ------
    NoGraphError
        The pool is too small, its images are too alike or too large, or the pool is larger than
        `EXACT_ROWS` and faiss is not installed.

    References
    ----------
    Zelnik-Manor & Perona, "Self-tuning spectral clustering", NIPS 2004 (weights and row
    lengths); Shi & Malik, "Normalized cuts and image segmentation", PAMI 2000 (eigenvectors);
    Belkin & Niyogi, "Using manifold structure for partially labeled classification", NIPS 2002
    (a linear classifier on them).
    """
    n = len(features)
    if n < LEAST_ROWS:
        raise TooFewError(
            f"{counted(n, 'image is', 'images are')} too few for a label graph, which needs "
            f"{LEAST_ROWS}."
        )
    if features.width > MOST_NUMBERS:
        raise NoGraphError(
            f"A label graph allows {MOST_NUMBERS:,} numbers an image, not {features.width:,}. Use "
            "--features hog."
        )
    mean, basis = principal_components(features)
    if basis.shape[1] == 0:
        raise NoGraphError("All images look alike, so they form no clusters.")
    reduced = _reduce(features, mean, basis)
    distinct, same = _distinct(reduced)
    if len(distinct) < LEAST_ROWS:
        raise TooFewError(
            f"Only {len(distinct)} of {n:,} images differ; a label graph needs {LEAST_ROWS}."
        )
    places = reduced[distinct]
    distances, nearest = neighbours(places, NEIGHBOURS, rng, progress)
    scales = _local_scales(distances)
    if progress is not None:
        progress("eigenvectors", 0, 1)
    weights = _connected(_weights(distances, nearest, scales), places, scales)
    count = min(vectors_for(n_classes), len(places) - 2)
    vectors = _leading_vectors(weights, count, rng)
    if progress is not None:
        progress("eigenvectors", 1, 1)
    return LabelGraph(vectors[same], reduced, scales[same], mean, basis)


def vectors_for(n_classes: int) -> int:
    """Return the number of eigenvectors for a number of classes, in a pool that is large enough."""
    return min(max(LEAST_VECTORS, 2 * n_classes), MOST_VECTORS)


def principal_components(
    features: View,
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Return the mean (d,) and the leading principal directions (d, at most 64) of rows.

    Directions in which the rows hardly differ are left out: all of them if the rows are equal.

    Raises
    ------
    UsageError
        A number is NaN or infinite.
    """
    n, d = len(features), features.rows(slice(0, 1)).shape[1]
    total = np.zeros(d)
    with np.errstate(invalid="ignore"):
        for chunk in _chunks(n):
            total += features.rows(chunk).sum(axis=0, dtype=np.float64)
    if not np.isfinite(total).all():
        raise UsageError(
            "The features have NaN or infinite numbers: replace them, or leave the items out."
        )
    mean = total / n
    covariance = np.zeros((d, d))
    for chunk in _chunks(n):
        centred = features.rows(chunk) - mean.astype(np.float32)
        covariance += centred.T @ centred
    values, directions = np.linalg.eigh(covariance / n)
    values, directions = values[::-1][:COMPONENTS], directions[:, ::-1][:, :COMPONENTS]
    kept = values > max(1e-7 * float(values[0]), 1e-9)
    return mean.astype(np.float32), np.ascontiguousarray(directions[:, kept], dtype=np.float32)


def components(features: View) -> NDArray[np.float32]:
    """Return rows in their principal components: (n, c) float32, with c = 0 if all are equal."""
    return _reduce(features, *principal_components(features))


def neighbours(
    rows: NDArray[np.float32], count: int, rng: Generator, progress: Progress | None = None
) -> tuple[NDArray[np.float32], NDArray[np.intp]]:
    """Find the nearest other rows of each row.

    Parameters
    ----------
    rows : (n, c) float32 array
    count
        Number of neighbours, at most n - 1.
    rng
        Draws the training sample of an approximate index.
    progress : callable, optional

    Returns
    -------
    distances : (n, count) float32 array
        Ascending.
    nearest : (n, count) intp array
        Never the row itself.

    Raises
    ------
    NoGraphError
        There are more than `EXACT_ROWS` rows and faiss is not installed.
    """
    if len(rows) <= EXACT_ROWS:
        distances, nearest = search(rows, rows, count + 1, "neighbours", progress)
    else:
        from tuilabel.learn.faiss_search import search_approximately

        distances, nearest = search_approximately(rows, count + 1, rng, progress)
    return _without_self(distances, nearest)


def search(
    rows: NDArray[np.float32],
    queries: NDArray[np.float32],
    count: int,
    what: str,
    progress: Progress | None = None,
) -> tuple[NDArray[np.float32], NDArray[np.intp]]:
    """Find the nearest rows of each query exactly, on every core.

    Parameters
    ----------
    rows : (n, c) float32 array
    queries : (h, c) float32 array
    count
        How many to find for each, at most n.
    what
        Name of the work for `progress`.
    progress : callable, optional

    Returns
    -------
    distances : (h, count) float32 array
        Ascending.
    nearest : (h, count) intp array
    """
    from sklearn.neighbors import NearestNeighbors

    index = NearestNeighbors(n_neighbors=count, algorithm="brute").fit(rows)
    distances = np.empty((len(queries), count), dtype=np.float32)
    nearest = np.empty((len(queries), count), dtype=np.intp)
    chunks = _chunks(len(queries), _SEARCH_ROWS)

    def find(chunk: slice) -> None:
        distances[chunk], nearest[chunk] = index.kneighbors(queries[chunk])

    # The search releases Python's lock, so threads of one process share the cores, even where
    # numerical libraries may use only one thread.
    with ThreadPoolExecutor(usable_cores()) as threads:
        for done, _ in enumerate(threads.map(find, chunks), 1):
            if progress is not None:
                progress(what, min(done * _SEARCH_ROWS, len(queries)), len(queries))
    return distances, nearest


def usable_cores() -> int:
    """Return the number of cores this process may run on."""
    try:
        return len(os.sched_getaffinity(0))
    except AttributeError:  # Not on every system.
        return os.cpu_count() or 1


def _without_self(
    distances: NDArray[np.float32], nearest: NDArray[np.intp]
) -> tuple[NDArray[np.float32], NDArray[np.intp]]:
    """Remove each row from its own neighbours; if it is not among them, the last neighbour."""
    n, count = nearest.shape
    own = nearest == np.arange(n)[:, None]
    own[~own.any(axis=1), -1] = True
    keep = ~own
    return distances[keep].reshape(n, count - 1), nearest[keep].reshape(n, count - 1)


def _local_scales(distances: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return each row's distance scale; for duplicates, a small part of the median scale."""
    scales = distances[:, min(LOCAL_SCALE, distances.shape[1]) - 1]
    positive = scales[scales > 0]
    usual = float(np.median(positive)) if len(positive) else 1.0
    return np.maximum(scales, np.float32(1e-3 * usual))


def _affinity(
    distances: NDArray[np.float32], scales: NDArray[np.float32], others: NDArray[np.float32]
) -> NDArray[np.float32]:
    return np.exp(-(distances**2) / (scales * others))


def _weights(
    distances: NDArray[np.float32], nearest: NDArray[np.intp], scales: NDArray[np.float32]
) -> Any:
    """Return the symmetric sparse matrix of the weights between neighbours."""
    from scipy.sparse import csr_matrix

    n, count = nearest.shape
    weights = _affinity(distances, scales[:, None], scales[nearest]).astype(np.float64)
    # No weight is 0, so that a distant neighbour stays connected.
    weights = np.maximum(weights, 1e-9)
    starts = np.arange(0, n * count + 1, count)
    matrix = csr_matrix((weights.ravel(), nearest.ravel(), starts), shape=(n, n))
    return matrix.maximum(matrix.T)


def _connected(weights: Any, reduced: NDArray[np.float32], scales: NDArray[np.float32]) -> Any:
    """Connect small components to the nearest images outside of them.

    The connections are weak, so that a small cluster remains one. Large components stay separate.
    """
    from scipy.sparse import coo_matrix
    from scipy.sparse.csgraph import connected_components

    count, member = connected_components(weights, directed=False)
    if count == 1:
        return weights
    sizes = np.bincount(member)
    small = sizes < max(_STRAY_SHARE * len(member), NEIGHBOURS + 1)
    small[sizes.argmax()] = False
    stray, home = np.flatnonzero(small[member]), np.flatnonzero(~small[member])
    if len(stray) == 0:
        return weights
    distances, nearest = search(
        reduced[home], reduced[stray], min(NEIGHBOURS, len(home)), "strays", None
    )
    nearest = home[nearest]
    own = np.maximum(scales[stray], distances[:, -1])
    ties = np.maximum(_affinity(distances, own[:, None], scales[nearest]), 1e-3)
    rows = np.repeat(stray, nearest.shape[1])
    shape = weights.shape
    bridge = coo_matrix((ties.ravel(), (rows, nearest.ravel())), shape=shape).tocsr()
    return weights.maximum(bridge).maximum(bridge.T)


def _leading_vectors(weights: Any, count: int, rng: Generator) -> NDArray[np.float32]:
    """Return the leading eigenvectors of the normalised graph, without the constant one.

    The constant one is projected out. If the graph has several components, its eigenvalue has
    several eigenvectors, and dropping any one of them would lose a component.
    """
    from scipy.sparse import diags
    from scipy.sparse.linalg import LinearOperator, eigsh

    n = weights.shape[0]
    degrees = np.asarray(weights.sum(axis=1)).ravel()
    root = diags(1 / np.sqrt(degrees))
    normalised = (root @ weights @ root).tocsr()
    constant = np.sqrt(degrees / degrees.sum())

    def apply(vector: NDArray[np.float64]) -> NDArray[np.float64]:
        flat = vector.ravel()
        product = normalised @ flat
        # The shift separates the other eigenvalues from the projected vector's 0.
        return np.asarray(product + flat - 2 * constant * (constant @ flat))

    if n <= 500:
        dense = normalised.toarray() + np.eye(n) - 2 * np.outer(constant, constant)
        values, vectors = np.linalg.eigh(dense)
    else:
        values, vectors = eigsh(
            LinearOperator((n, n), matvec=apply, dtype=np.float64),
            k=count,
            which="LA",
            v0=rng.standard_normal(n),
            tol=1e-4,
        )
    order = np.argsort(-values)[:count]
    values, vectors = values[order] - 1, vectors[:, order]
    # The sign of an eigenvector is arbitrary; a fixed sign makes runs repeatable.
    vectors = vectors * np.where(vectors[np.abs(vectors).argmax(axis=0), range(count)] < 0, -1, 1)
    scaled = vectors / np.sqrt(degrees)[:, None] / (1 - values + _EIGENVALUE_FLOOR) ** _DECAY
    return np.ascontiguousarray(scaled * math.sqrt(degrees.sum()), dtype=np.float32)


def _reduce(
    features: View, mean: NDArray[np.float32], basis: NDArray[np.float32]
) -> NDArray[np.float32]:
    reduced = np.empty((len(features), basis.shape[1]), dtype=np.float32)
    for chunk in _chunks(len(features)):
        reduced[chunk] = (features.rows(chunk) - mean) @ basis
    return reduced


def _distinct(rows: NDArray[np.float32]) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Return the first row of each group of copies, ascending, and the group of each row.

    Rows are compared at a resolution far below the differences between images, and above the
    rounding differences of one image that is computed in different chunks.
    """
    length = math.sqrt(float(np.einsum("nc,nc->", rows, rows, dtype=np.float64)) / len(rows))
    cells = np.ascontiguousarray(np.rint(rows * np.float32(1 / (_RESOLUTION * length))), np.int32)
    # Rows sort much faster as strings of bytes than number by number.
    strings = cells.view(np.dtype((np.void, cells.itemsize * cells.shape[1]))).ravel()
    _, first, kind = np.unique(strings, return_index=True, return_inverse=True)
    order = np.argsort(first)
    rank = np.empty(len(order), dtype=np.intp)
    rank[order] = np.arange(len(order))
    return first[order], rank[kind.ravel()]


def _unit_length(rows: NDArray[np.float32]) -> NDArray[np.float32]:
    length = np.linalg.norm(rows, axis=1, keepdims=True)
    return np.asarray(rows / np.where(length > 0, length, 1), dtype=np.float32)


def _chunks(n: int, size: int = 4096) -> list[slice]:
    return [slice(start, min(start + size, n)) for start in range(0, n, size)]
