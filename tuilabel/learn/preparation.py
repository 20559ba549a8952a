"""Features and the label graph: computed once from the images, then used by every fit."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cached_property
from itertools import repeat
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from tuilabel.learn.feature_view import View
from tuilabel.learn.features import CHUNK_ROWS
from tuilabel.learn.graph import VERSION as GRAPH_VERSION
from tuilabel.learn.graph import LabelGraph, build_graph, usable_cores, vectors_for
from tuilabel.learn.names import AUTO, RAW
from tuilabel.learn.store import Store
from tuilabel.plugins import blame, load, package_of
from tuilabel.progress import Progress

SMALL_SIDE = 64
"""The most pixels along the longer side of a glyph."""

_LOOKED_AT = 500
_EMPTY_BORDER = 0.9
_FLAT = 0.1

FEATURE_VERSIONS = {RAW: 0, "hog": 1, "deskew-hog": 1}
"""Part of the name of cached features; raised when features are computed differently."""


class Transformer(Protocol):
    """Computes features, as a transformer of scikit-learn does.

    A name of the group ``features``, also in a plug-in, stands for a function without arguments
    that returns one.
    """

    def fit(self, X: NDArray[Any]) -> object:
        """Read the shape of the images; called once, with a single one."""

    def transform(self, X: NDArray[Any]) -> NDArray[Any]:
        """Return the features of images, each independent of the others.

        Called from several threads at once, with some images at a time.

        Parameters
        ----------
        X : (m, H, W) or (m, H, W, 3) uint8 or float32 array

        Returns
        -------
        (m, d) array
            Finite numbers; d >= 1 is the same in every call.
        """


class Images:
    """The images of the pool and the hold-out.

    Parameters
    ----------
    pool : (n, H, W) or (n, H, W, 3) uint8 or float32 array
    holdout : array of the same, with h items, or None
    """

    def __init__(self, pool: NDArray[Any], holdout: NDArray[Any] | None) -> None:
        self.pool = pool
        self.holdout = holdout

    @cached_property
    def digests(self) -> tuple[str, str]:
        """Hashes of the content of the pool and the hold-out."""
        return _digest(self.pool), "" if self.holdout is None else _digest(self.holdout)


@dataclass(frozen=True, eq=False)
class PreparedFeatures:
    """Arrays of features, one row per item, for the pool and the hold-out."""

    pool: NDArray[Any]
    holdout: NDArray[Any] | None


def choose_features(pool: NDArray[Any]) -> str:
    """Choose features by the look of the images, without any label.

    Gradients are better than pixels where shapes matter. Small grey glyphs, such as handwritten
    digits, are also set upright. An image is a glyph if its border is nearly all background and
    its middle is not.

    Parameters
    ----------
    pool : (n, H, W) or (n, H, W, 3) uint8 or float32 array

    Returns
    -------
    str
        ``"raw"`` for images too small for gradients on a grid and for rows that are not images,
        ``"deskew-hog"`` for glyphs, ``"hog"`` for all others.
    """
    if pool.ndim not in (3, 4) or min(pool.shape[1:3]) < 4:
        return "raw"
    if pool.ndim == 4 or max(pool.shape[1:3]) > SMALL_SIDE or len(pool) == 0:
        return "hog"
    from tuilabel.learn.transformers import brightness, ink

    step = max(1, len(pool) // _LOOKED_AT)
    drawn = ink(brightness(np.asarray(pool[::step][:_LOOKED_AT])))
    border = np.concatenate([drawn[:, 0], drawn[:, -1], drawn[:, :, 0], drawn[:, :, -1]], axis=1)
    empty_border = (border < _FLAT).mean()
    has_ink = (drawn.reshape(len(drawn), -1).max(axis=1) > 2 * _FLAT).mean()
    return "deskew-hog" if empty_border > _EMPTY_BORDER and has_ink > 0.5 else "hog"


def resolve_features(name: str, pool: NDArray[Any]) -> str:
    """Return a name of features, with ``auto`` replaced by the result of `choose_features`."""
    return choose_features(pool) if name == AUTO else name


def prepare_features(
    name: str, images: Images, store: Store, *, progress: Progress | None = None
) -> PreparedFeatures:
    """Compute the features of all images, or load them from the store.

    Parameters
    ----------
    name
        Never ``"auto"``.
    images : Images
    store : Store
    progress : callable, optional

    Returns
    -------
    PreparedFeatures

    Raises
    ------
    UsageError
        There are no features of that name.
    PluginError
        They are a plug-in's, and it fails.
    """
    if name == RAW:
        return PreparedFeatures(images.pool, images.holdout)
    make = load("features", name)

    def kept(part: NDArray[Any], digest: str) -> NDArray[np.float32]:
        return _kept(part, name, digest, make(), store, progress)

    pool, holdout = images.digests
    return PreparedFeatures(
        kept(images.pool, pool), None if images.holdout is None else kept(images.holdout, holdout)
    )


def prepare_graph(
    features: PreparedFeatures,
    name: str,
    images: Images,
    n_classes: int,
    store: Store,
    *,
    progress: Progress | None = None,
) -> PreparedFeatures:
    """Build the label graph of the pool and embed the hold-out, or load both from the store.

    Parameters
    ----------
    features : PreparedFeatures
        Features to measure distances on.
    name
        Name of the features.
    images : Images
    n_classes
        k
    store : Store
    progress : callable, optional

    Returns
    -------
    PreparedFeatures
        (n, m) and (h, m) float32 arrays, rows of length 1.

    Raises
    ------
    NoGraphError
        This pool cannot have a graph.
    """
    digest, of_holdout = images.digests
    # Another class seldom needs another graph.
    version = f"graph-{GRAPH_VERSION}-{_versioned(name)}-{vectors_for(n_classes)}"
    kept = store.load(f"{version}-{digest}")
    if kept is None:
        # Sessions of all seeds share the graph.
        rng = np.random.default_rng(0)
        graph = build_graph(View(features.pool), n_classes, rng, progress=progress)
        parts = _packed(graph)
        size = sum(len(part) for part in parts)
        store.save(f"{version}-{digest}", (size,), lambda: parts)
    else:
        graph = _unpacked(kept, len(images.pool))
    embedded = None
    if features.holdout is not None:
        # On another machine or with more threads the vectors may be rotated, so the name of the
        # embedding depends on this very graph.
        own = f"{version}-{_digest(graph.vectors)}-{of_holdout}"
        embedded = store.load(own)
        if embedded is None:
            made = graph.embed(View(features.holdout), progress=progress)
            embedded = store.save(own, made.shape, lambda: [made])
    return PreparedFeatures(graph.rows(), embedded)


def _versioned(name: str) -> str:
    """Return the name of features with their version, or with a hash of a plug-in's package."""
    package = package_of("features", name)
    if package:
        return f"{name}-{hashlib.blake2b(package.encode(), digest_size=8).hexdigest()}"
    return f"{name}-{FEATURE_VERSIONS[name]}"


def _kept(
    images: NDArray[Any],
    name: str,
    digest: str,
    transformer: Transformer,
    store: Store,
    progress: Progress | None,
) -> NDArray[np.float32]:
    """Load transformed images from the store, or transform them in chunks on every core."""
    stored = f"{_versioned(name)}-{digest}"
    found = store.load(stored)
    if found is not None:
        return found
    with blame("features", name):
        transformer.fit(images[:1])
    chunks = [slice(start, start + CHUNK_ROWS) for start in range(0, len(images), CHUNK_ROWS)]

    def transform(chunk: slice, width: int | None = None) -> NDArray[np.float32]:
        with blame("features", name):
            rows = np.asarray(transformer.transform(images[chunk]), dtype=np.float32)
            expected = (len(images[chunk]), width or max(rows.shape[-1:], default=1))
            if rows.shape != expected:
                raise ValueError(f"features have shape {rows.shape}; expected {expected}")
            if not np.isfinite(rows).all():
                raise ValueError("features have NaN or infinite numbers")
        return rows

    def parts() -> Iterator[NDArray[np.float32]]:
        cores = usable_cores()
        with ThreadPoolExecutor(cores) as threads:
            # A few chunks at a time, to bound the memory of those not written yet.
            for start in range(0, len(chunks), 2 * cores):
                some = chunks[start : start + 2 * cores]
                yield from threads.map(transform, some, repeat(width))
                if progress is not None:
                    done = min((start + 2 * cores) * CHUNK_ROWS, len(images))
                    progress("features", done, len(images))

    width = transform(slice(0, 1)).shape[1]
    return store.save(stored, (len(images), width), parts)


def _packed(graph: LabelGraph) -> list[NDArray[np.float32]]:
    """Return a graph as one sequence of numbers, so that its parts are always stored together."""
    sizes = np.array([graph.vectors.shape[1], graph.reduced.shape[1]], dtype=np.float32)
    parts = (graph.vectors, graph.reduced, graph.scales, graph.mean, graph.basis)
    return [sizes, *(part.ravel() for part in parts)]


def _unpacked(numbers: NDArray[np.float32], n: int) -> LabelGraph:
    """Return the graph of n items from the result of `_packed`."""
    m, c = int(numbers[0]), int(numbers[1])
    rest = numbers[2:]
    width = (len(rest) - n * (m + c + 1)) // (1 + c)
    ends = np.cumsum([n * m, n * c, n, width])
    vectors, reduced, scales, mean, basis = np.split(rest, ends)
    return LabelGraph(
        vectors.reshape(n, m), reduced.reshape(n, c), scales, mean, basis.reshape(width, c)
    )


def _digest(array: NDArray[Any]) -> str:
    """Hash an array's shape, type and content, a chunk at a time."""
    digest = hashlib.blake2b(f"{array.shape} {array.dtype.str}".encode(), digest_size=16)
    for start in range(0, len(array), CHUNK_ROWS):
        digest.update(np.ascontiguousarray(array[start : start + CHUNK_ROWS]).data)
    return digest.hexdigest()
