"""Cold start: choosing the first items, before a model knows anything."""

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
"""Numbers of a view that k-means looks at in a bigger pool; the rest of its items are like them."""

ROWS_PER_CENTRE = 4
"""A subsample has at least that many items for each centre."""

Method = Callable[
    [View, NDArray[np.intp], NDArray[np.intp], int, Generator],
    NDArray[np.intp],
]
"""From a pool, its candidate rows, its labelled rows, how many are to be labelled in the end and
a generator to the rows chosen: at least one, at most as many as are missing."""

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
        The pool, perhaps memory-mapped; only the rows that are looked at are copied.
    size
        How many items are to have a label in the end.
    rng
        Where all random choices come from.
    labelled : (m,) integer array
        Rows that have one already. With the same generator, items chosen at once and items chosen
        one by one, each labelled before the next, are the same.
    excluded : (e,) integer array
        Further rows that are never chosen.

    Returns
    -------
    (min(size - m, c),) intp array
        Distinct rows of the c that are neither labelled nor excluded, in the order to ask for
        them; empty where m is size already.

    Raises
    ------
    UsageError
        If there is no such method.
    ValueError
        If `size` is negative or a row is not in the pool.
    """
    method = look_up(COLD_STARTS, "cold start", name)
    if size < 0:
        raise ValueError(f"A batch of {size} items cannot be chosen: give 0 or more.")
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
    """Take the item nearest to each centre of k-means, the biggest cluster first.

    Each item stands for many others and no two for the same ones; a cluster with a labelled item
    has its own already. A bigger pool is represented by a random subsample. Where centres
    coincide, as among identical images, each takes another item.

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
    # In ascending order a memory-mapped pool is read forwards.
    sample = np.sort(rng.permutation(len(view))[:seen])
    kmeans = KMeans(size, n_init=1, max_iter=100, random_state=int(rng.integers(2**32)))
    with warnings.catch_warnings():
        # It warns of fewer distinct items than centres; the choice below copes with that.
        warnings.simplefilter("ignore", ConvergenceWarning)
        kmeans.fit(view.rows(sample))
    members = np.bincount(kmeans.labels_, minlength=size)
    # Among the items of the subsample, unless too few of them are in it.
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
    # Who was picked here and has a label stands for that centre, though another may be nearer;
    # any other label stands for the cluster it lies in.
    others = np.setdiff1d(labelled, list(picks.values()))
    covered = set(kmeans.predict(view.rows(others)).tolist()) if len(others) else set()
    left = [centre for centre, row in picks.items() if row not in labelled]
    chosen = [picks[centre] for centre in left if centre not in covered]
    chosen += [picks[centre] for centre in left if centre in covered]
    return np.array(chosen, dtype=np.intp)


COLD_STARTS: Mapping[str, Method] = {"random": _uniform, "kmeans": _kmeans_medoids}
