"""Cold start: choosing the first batch, before any model exists."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from tuilabel.learn.features import candidate_rows, unit_rows
from tuilabel.learn.names import look_up

SUBSAMPLE_ROWS = 4096
"""Items that k-means looks at in a bigger pool; their share of each cluster is what counts."""

ROWS_PER_CENTRE = 4
"""A subsample has at least that many items for each one asked for."""

ColdStart = Callable[[NDArray[Any], NDArray[np.intp], int, Generator], NDArray[np.intp]]
"""From a pool, its candidate rows, how many of them to choose (1 to all) and a generator to the
rows chosen."""

_NONE = np.empty(0, dtype=np.intp)


def cold_start(
    name: str,
    features: NDArray[Any],
    size: int,
    rng: Generator,
    *,
    excluded: NDArray[np.integer] = _NONE,
) -> NDArray[np.intp]:
    """Choose a first batch by the method of that name.

    Parameters
    ----------
    name
        A key of `COLD_STARTS`.
    features : (n, ...) uint8 or float32 array
        The pool, perhaps memory-mapped; only the rows that are looked at are copied.
    size
        How many items to choose.
    rng
        Where all random choices come from.
    excluded : (m,) integer array
        Rows that are never chosen.

    Returns
    -------
    (min(size, c),) intp array
        Distinct rows of the c that are not excluded, in the order to ask for them.

    Raises
    ------
    UsageError
        If there is no such method.
    ValueError
        If `size` is negative or an excluded row is not in the pool.
    """
    method = look_up(COLD_STARTS, "cold start", name)
    if size < 0:
        raise ValueError(f"A batch of {size} items cannot be chosen: give 0 or more.")
    candidates = candidate_rows(len(features), excluded)
    size = min(size, len(candidates))
    return method(features, candidates, size, rng) if size else _NONE.copy()


def _uniform(
    features: NDArray[Any], candidates: NDArray[np.intp], size: int, rng: Generator
) -> NDArray[np.intp]:
    """Draw uniformly at random, without replacement."""
    return rng.choice(candidates, size, replace=False)


def _kmeans_medoids(
    features: NDArray[Any], candidates: NDArray[np.intp], size: int, rng: Generator
) -> NDArray[np.intp]:
    """Take the item nearest to each centre of k-means, the biggest cluster first.

    Each item stands for many others and no two for the same ones. A bigger pool is represented
    by a random subsample. Where centres coincide, as among identical images, each takes another
    item.

    References
    ----------
    Arthur & Vassilvitskii, "k-means++: the advantages of careful seeding", SODA 2007; as a first
    batch: Kang, Ryu & Kwon, "Using cluster-based sampling to select initial training set for
    active learning in text classification", PAKDD 2004.
    """
    from sklearn.cluster import KMeans
    from sklearn.exceptions import ConvergenceWarning

    seen = min(len(candidates), max(SUBSAMPLE_ROWS, ROWS_PER_CENTRE * size))
    # In ascending order a memory-mapped pool is read forwards.
    sample = np.sort(rng.choice(candidates, seen, replace=False))
    rows = unit_rows(features[sample])
    kmeans = KMeans(size, n_init=1, max_iter=30, random_state=int(rng.integers(2**32)))
    with warnings.catch_warnings():
        # It warns of fewer distinct items than centres; the choice below copes with that.
        warnings.simplefilter("ignore", ConvergenceWarning)
        distances = kmeans.fit_transform(rows)
    members = np.bincount(kmeans.labels_, minlength=size)
    chosen = np.empty(size, dtype=np.intp)
    for place, centre in enumerate(np.argsort(-members, kind="stable")):
        nearest = distances[:, centre].argmin()
        chosen[place] = sample[nearest]
        distances[nearest] = np.inf
    return chosen


COLD_STARTS: Mapping[str, ColdStart] = {"random": _uniform, "kmeans": _kmeans_medoids}
