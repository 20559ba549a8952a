"""Cold start: choosing the first items, before there is a model."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from tuilabel.learn.feature_view import View
from tuilabel.learn.features import candidate_rows
from tuilabel.learn.names import look_up

SUBSAMPLE_NUMBERS = 4_000_000
"""The most numbers of a view that k-means reads; a larger pool is sampled."""

ROWS_PER_CENTRE = 4
"""Least number of sampled items for each centre."""

Method = Callable[
    [View, NDArray[np.intp], NDArray[np.intp], int, Generator],
    NDArray[np.intp],
]
"""Maps a pool, its candidate rows, its labelled rows, the total number of labels wanted and a
generator to the chosen rows: at least one, at most as many as are missing."""

_NONE = np.empty(0, dtype=np.intp)


def cold_start(
    name: str,
    view: View,
    size: int,
    rng: Generator,
    *,
    labelled: NDArray[np.integer] = _NONE,
    excluded: NDArray[np.integer] = _NONE,
) -> NDArray[np.intp]:
    """Choose first items by the method of that name.

    Parameters
    ----------
    name
        A key of `COLD_STARTS`.
    view : View of n items
        The pool, perhaps memory-mapped; only the rows that are read are copied.
    size
        Total number of items to label in the cold start.
    rng
        Source of all random choices.
    labelled : (m,) integer array
        Rows that have a label already. With the same generator, choosing all items at once and
        choosing them one by one, each labelled before the next, gives the same items.
    excluded : (e,) integer array
        Further rows that are never chosen.

    Returns
    -------
    (min(size - m, c),) intp array
        Distinct rows among the c that are neither labelled nor excluded, in the order to ask for
        them; empty if m has reached `size`.

    Raises
    ------
    UsageError
        If there is no such method.
    ValueError
        If `size` is negative or a row is not in the pool.
    """
    method = look_up(COLD_STARTS, "cold start", name)
    if size < 0:
        raise ValueError(f"The size of the cold start is {size}; expected 0 or more.")
    candidates = candidate_rows(len(view), labelled, excluded)
    missing = min(size - len(labelled), len(candidates))
    if missing <= 0:
        return _NONE.copy()
    return method(view, candidates, np.asarray(labelled, dtype=np.intp), size, rng)[:missing]


def _uniform(
    view: View,
    candidates: NDArray[np.intp],
    labelled: NDArray[np.intp],
    size: int,
    rng: Generator,
) -> NDArray[np.intp]:
    """Draw uniformly at random, without replacement."""
    order = rng.permutation(len(view))
    return order[np.isin(order, candidates, assume_unique=True)].astype(np.intp)


def _kmeans_medoids(
    view: View,
    candidates: NDArray[np.intp],
    labelled: NDArray[np.intp],
    size: int,
    rng: Generator,
) -> NDArray[np.intp]:
    """Choose the item nearest to each centre of k-means, the largest cluster first.

    Each item represents many others, and no two represent the same ones. Clusters with a labelled
    item come last. A larger pool is represented by a random sample. If centres coincide, as among
    identical images, each takes a different item.

    References
    ----------
    Arthur & Vassilvitskii, "k-means++: the advantages of careful seeding", SODA 2007; as a first
    batch: Kang, Ryu & Kwon, "Using cluster-based sampling to select initial training set for
    active learning in text classification", PAKDD 2004.
    """
    from sklearn.cluster import KMeans
    from sklearn.exceptions import ConvergenceWarning

    size = min(size, len(candidates) + len(labelled))
    width = view.rows(slice(0, 1)).shape[1]
    seen = max(SUBSAMPLE_NUMBERS // max(width, 1), ROWS_PER_CENTRE * size)
    # Ascending, so that a memory-mapped pool is read forwards.
    sample = np.sort(rng.permutation(len(view))[:seen])
    kmeans = KMeans(size, n_init=1, max_iter=100, random_state=int(rng.integers(2**32)))
    with warnings.catch_warnings():
        # The warning is about fewer distinct items than centres, which is handled below.
        warnings.simplefilter("ignore", ConvergenceWarning)
        kmeans.fit(view.rows(sample))
    members = np.bincount(kmeans.labels_, minlength=size)
    # Items of the sample, unless it has too few open ones.
    open_ = np.union1d(candidates, labelled)
    free = sample[np.isin(sample, open_, assume_unique=True)]
    if len(free) < size:
        free = open_
    distances = kmeans.transform(view.rows(free))
    picks: dict[int, np.intp] = {}
    for centre in np.argsort(-members, kind="stable").tolist():
        nearest = distances[:, centre].argmin()
        picks[centre] = free[nearest]
        distances[nearest] = np.inf
    # A labelled item that is picked here covers its centre, even if another centre is nearer;
    # any other labelled item covers the cluster it is in.
    others = np.setdiff1d(labelled, list(picks.values()))
    covered = set(kmeans.predict(view.rows(others)).tolist()) if len(others) else set()
    left = [centre for centre, row in picks.items() if row not in labelled]
    chosen = [picks[centre] for centre in left if centre not in covered]
    chosen += [picks[centre] for centre in left if centre in covered]
    return np.array(chosen, dtype=np.intp)


COLD_STARTS: Mapping[str, Method] = {"random": _uniform, "kmeans": _kmeans_medoids}
