"""Features and the label graph: computed once from the images, then used by every fit."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import repeat
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from tuilabel.learn.exploring import COMPONENTS, VECTORS, Terrain
from tuilabel.learn.feature_sources import ArraySource, FeatureSource, array_digest
from tuilabel.learn.feature_view import View
from tuilabel.learn.features import CHUNK_ROWS, unit_rows
from tuilabel.learn.graph import VERSION as GRAPH_VERSION
from tuilabel.learn.graph import LabelGraph, build_graph, usable_cores, vectors_for
from tuilabel.learn.names import AUTO, RAW
from tuilabel.learn.store import Store
from tuilabel.plugins import blame, check, load, package_of
from tuilabel.progress import Progress

SMALL_SIDE = 64
"""The most pixels along the longer side of a glyph."""

_LOOKED_AT = 500
_EMPTY_BORDER = 0.9
_FLAT = 0.1

FEATURE_VERSIONS = {RAW: 0, "hog": 1, "deskew-hog": 1}
"""Part of the name of cached features, and of what a model in a file needs; raised when features
are computed differently."""


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


@dataclass(frozen=True, eq=False)
class Prepared:
    """Numbers for the pool and for the hold-out, computed alike."""

    pool: FeatureSource
    holdout: FeatureSource | None


@dataclass(frozen=True, eq=False)
class Images:
    """The images of the pool and of the hold-out."""

    pool: ArraySource
    holdout: ArraySource | None = None


def choose_features(pool: ArraySource) -> str:
    """Choose features by the look of the images, without any label.

    Gradients are better than pixels where shapes matter. Small grey glyphs, such as handwritten
    digits, are also set upright. An image is a glyph if its border is nearly all background and
    its middle is not.

    Parameters
    ----------
    pool : ArraySource

    Returns
    -------
    str
        ``"raw"`` for images too small for gradients on a grid and for rows that are not images,
        ``"deskew-hog"`` for glyphs, ``"hog"`` for all others.
    """
    shape = pool.shape
    if len(shape) not in (2, 3) or min(shape[:2]) < 4:
        return RAW
    if len(shape) == 3 or max(shape) > SMALL_SIDE or len(pool) == 0:
        return "hog"
    from tuilabel.learn.transformers import brightness, ink

    step = max(1, len(pool) // _LOOKED_AT)
    drawn = ink(brightness(np.asarray(pool.items(slice(0, step * _LOOKED_AT, step)))))
    border = np.concatenate([drawn[:, 0], drawn[:, -1], drawn[:, :, 0], drawn[:, :, -1]], axis=1)
    empty_border = (border < _FLAT).mean()
    has_ink = (drawn.reshape(len(drawn), -1).max(axis=1) > 2 * _FLAT).mean()
    return "deskew-hog" if empty_border > _EMPTY_BORDER and has_ink > 0.5 else "hog"


def resolve_features(name: str, pool: ArraySource) -> str:
    """Return a name of features, with ``auto`` replaced by the result of `choose_features`."""
    return choose_features(pool) if name == AUTO else name


def prepare_features(
    name: str, images: Images, store: Store, *, progress: Progress | None = None
) -> Prepared:
    """Compute the features of all images, or load them from the store.

    Parameters
    ----------
    name
        Never ``"auto"``.
    images : Images
    store : Store
        Features are kept for each part of the images.
    progress : callable, optional

    Returns
    -------
    Prepared

    Raises
    ------
    UsageError
        There are no features of that name.
    PluginError
        They are a plug-in's, and it fails.
    """
    if name == RAW:
        return Prepared(images.pool, images.holdout)
    make, version = load("features", name), feature_version(name)

    def kept(source: ArraySource) -> ArraySource:
        parts = [
            _kept(part, f"{name}-{version}-{digest}", name, make(), store, progress)
            for part, digest in zip(source.parts, source.digests, strict=True)
        ]
        return ArraySource(name, version, parts, source.digests)

    return Prepared(kept(images.pool), None if images.holdout is None else kept(images.holdout))


def features_of(name: str, images: NDArray[Any]) -> NDArray[np.float32]:
    """Return the features of some images, each independent of the others.

    Parameters
    ----------
    name
        Never ``"auto"``.
    images : (m, H, W) or (m, H, W, 3) uint8 array

    Returns
    -------
    (m, d) float32 array

    Raises
    ------
    UsageError
        There are no features of that name.
    PluginError
        They are a plug-in's, and it fails.
    """
    if name == RAW:
        return unit_rows(images)
    transformer: Transformer = load("features", name)()
    with blame("features", name):
        transformer.fit(images[:1])
    return _transformed(transformer, name, images)


def feature_hash(name: str, shape: Sequence[int]) -> str:
    """Return a hash of how features are computed of images of a shape.

    Features with the same hash are the same numbers, but for rounding. It is that of the name, the
    version and the shape.

    Raises
    ------
    UsageError, PluginError
        There are no features of that name, or they cannot be used.
    """
    check("features", name)
    text = f"{name} {feature_version(name)} {'x'.join(map(str, shape))}"
    return hashlib.blake2b(text.encode(), digest_size=16).hexdigest()


def prepare_graph(
    features: Prepared, n_classes: int, store: Store, *, progress: Progress | None = None
) -> tuple[Prepared, Terrain]:
    """Build the label graph of the pool and embed the hold-out, or load both from the store.

    Parameters
    ----------
    features : Prepared
        Features to measure distances on.
    n_classes
        k
    store : Store
    progress : callable, optional

    Returns
    -------
    Prepared
        Rows of length 1.
    Terrain
        Where the pool's images lie.

    Raises
    ------
    NoGraphError
        This pool cannot have a graph.
    """
    pool, holdout = features.pool, features.holdout
    # Another class seldom needs another graph.
    version = f"{GRAPH_VERSION}-{pool.name}-{pool.version}-{vectors_for(n_classes)}"
    kept = store.load(f"graph-{version}-{pool.digest}")
    if kept is None:
        # Sessions of all seeds share the graph.
        rng = np.random.default_rng(0)
        graph = build_graph(View(pool), n_classes, rng, progress=progress)
        parts = _packed(graph)
        size = sum(len(part) for part in parts)
        store.save(f"graph-{version}-{pool.digest}", (size,), lambda: parts)
    else:
        graph = _unpacked(kept, len(pool))
    embedded = None
    if holdout is not None:
        # On another machine or with more threads the vectors may be rotated, so the name of the
        # embedding depends on this very graph.
        own = f"graph-{version}-{array_digest(graph.vectors)}-{holdout.digest}"
        found = store.load(own)
        if found is None:
            made = graph.embed(View(holdout), progress=progress)
            found = store.save(own, made.shape, lambda: [made])
        embedded = ArraySource("graph", version, [found], [holdout.digest])
    rows = graph.rows()
    terrain = Terrain(
        np.ascontiguousarray(graph.reduced[:, :COMPONENTS]),
        np.ascontiguousarray(rows[:, :VECTORS]),
    )
    return Prepared(ArraySource("graph", version, [rows], [pool.digest]), embedded), terrain


def feature_version(name: str) -> str:
    """Return the version of features: a hash of the package where they are a plug-in's."""
    package = package_of("features", name)
    if package:
        return hashlib.blake2b(package.encode(), digest_size=8).hexdigest()
    return str(FEATURE_VERSIONS[name])


def _kept(
    images: NDArray[Any],
    stored: str,
    name: str,
    transformer: Transformer,
    store: Store,
    progress: Progress | None,
) -> NDArray[np.float32]:
    """Load transformed images from the store, or transform them in chunks on every core."""
    found = store.load(stored)
    if found is not None:
        return found
    with blame("features", name):
        transformer.fit(images[:1])
    chunks = [slice(start, start + CHUNK_ROWS) for start in range(0, len(images), CHUNK_ROWS)]

    def transform(chunk: slice, width: int | None = None) -> NDArray[np.float32]:
        return _transformed(transformer, name, images[chunk], width)

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


def _transformed(
    transformer: Transformer, name: str, images: NDArray[Any], width: int | None = None
) -> NDArray[np.float32]:
    """Return what a fitted transformer makes of images, checked."""
    with blame("features", name):
        rows = np.asarray(transformer.transform(images), dtype=np.float32)
        expected = (len(images), width or max(rows.shape[-1:], default=1))
        if rows.shape != expected:
            raise ValueError(f"features have shape {rows.shape}; expected {expected}")
        if not np.isfinite(rows).all():
            raise ValueError("features have NaN or infinite numbers")
    return rows


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
