"""Batch strategies: items to ask for together, so that no two of them teach the same.

A batch strategy is a pure function from a `QueryContext`, a batch size and a generator to
positions among the candidates. Unlike the strategies of `tuilabel.learn.strategies`, it compares
items with each other and reads their features. Memory holds a few numbers per item, the batch,
and one chunk or one bounded sample of features.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable
from dataclasses import dataclass
from inspect import unwrap
from typing import Any

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from tuilabel.learn.batch import pick_batch
from tuilabel.learn.checks import check_indices
from tuilabel.learn.clusters import (
    Read,
    chunks,
    cluster_pool,
    fit_clusters,
    read_features,
    refuse_not_finite,
    squared_lengths,
    typical_first,
)
from tuilabel.learn.strategies import margin

SHORTLIST = 10
"""Number of items of small margin that are clustered for each item picked: Zhdanov's beta."""

SAME_SHARE = 1e-5
"""Two gradients count as equal if their squared distance is at most this share of the sum of their
squared lengths: in float32 the difference is then only rounding."""

MAX_CLUSTERS = 500
"""The most clusters that TypiClust makes, as in its paper."""

SMALL_CLUSTER = 5
"""Clusters of fewer items count as outliers in TypiClust."""


@dataclass(frozen=True, eq=False)
class QueryContext:
    """The input of a batch strategy.

    Attributes
    ----------
    rows
        Maps rows of the pool, (r,) intp, to their features, (r, d) float32 with d >= 1. The pool
        may be memory-mapped and far larger than memory: strategies read one chunk at a time.
    candidates : (c,) intp array
        Rows of the pool that may be asked for, ascending.
    probabilities : (c, k) float32 array
        Their predicted class probabilities; rows sum to 1.
    labelled : (m,) intp array
        Rows of the pool that have a label, in any order.
    """

    rows: Read
    candidates: NDArray[np.intp]
    probabilities: NDArray[np.float32]
    labelled: NDArray[np.intp]


BatchStrategy = Callable[[QueryContext, int, Generator], NDArray[np.intp]]
"""Maps a context, a batch size and a generator to (min(size, c),) distinct positions in
`candidates`, in the order to ask for them."""


def batch_strategy(function: BatchStrategy) -> BatchStrategy:
    """Mark a function of the group ``strategies`` as a `BatchStrategy`, also in a plug-in."""
    vars(function)["is_batch_strategy"] = True
    return function


def is_batch_strategy(function: Callable[..., Any]) -> bool:
    """Return whether a function is marked as a `BatchStrategy`."""
    return hasattr(unwrap(function), "is_batch_strategy")


@batch_strategy
def diverse_margin(context: QueryContext, size: int, rng: Generator) -> NDArray[np.intp]:
    """Pick uncertain items that differ from one another.

    The items of smallest margin, ten for each one picked, are clustered by k-means, weighted by
    their uncertainty. The item nearest to each centre is picked. If centres coincide, as among
    identical items, each takes a different item.

    Parameters
    ----------
    context
        Features of the 10 x size items of smallest margin are read.
    size
        How many to pick, and the number of clusters.
    rng
        Breaks ties and places the first centres.

    Returns
    -------
    (min(size, c),) intp array
        Distinct positions in the candidates, the smallest margin first.

    Raises
    ------
    ValueError
        If `size` is negative, shapes do not match, or a number that is read is not finite.

    References
    ----------
    Zhdanov, "Diverse mini-batch active learning", arXiv:1901.05954, 2019.
    """
    size = _checked_size(context, size)
    utilities = margin(context.probabilities, rng)
    if size in (0, len(utilities)):
        return pick_batch(utilities, size, rng)
    # In ascending order a memory-mapped pool is read forwards.
    shortlist = np.sort(pick_batch(utilities, SHORTLIST * size, rng))
    features = read_features(context.rows, context.candidates[shortlist])
    # With a weight of 0 a cluster would vanish.
    weights = np.maximum(utilities[shortlist], 1e-6)
    distances = fit_clusters(features, size, rng, weights=weights).transform(features)
    chosen = np.empty(size, dtype=np.intp)
    for centre in range(size):
        nearest = distances[:, centre].argmin()
        chosen[centre] = shortlist[nearest]
        distances[nearest] = np.inf
    return chosen[pick_batch(utilities[chosen], size, rng)]


@batch_strategy
def badge(context: QueryContext, size: int, rng: Generator) -> NDArray[np.intp]:
    """Pick items whose gradients are long and point in different directions.

    An item's gradient is the gradient of the loss with respect to the weights of a softmax over
    the features, as if the likeliest class were its label: the outer product of (probabilities
    minus one-hot class) and features. A long gradient would change the model much. The picks are
    the first centres of k-means++ among the gradients: first the longest, then each with a
    probability proportional to its squared distance from the nearest one picked. When no
    remaining gradient differs from the picks, the rest is drawn uniformly.

    No gradient is computed in full, because the inner product of two outer products is the
    product of the inner products. This takes O(size c (k + d)) time, one pass over the features
    for each item picked, and O(c k) memory.

    Parameters
    ----------
    context
        All candidates' features are read, `size` times.
    size
        How many to pick.
    rng
        Draws the picks.

    Returns
    -------
    (min(size, c),) intp array
        Distinct positions in the candidates. A longer batch begins with the shorter one.

    Raises
    ------
    ValueError
        If `size` is negative, shapes do not match, or a number that is read is not finite.

    References
    ----------
    Ash, Zhang, Krishnamurthy, Langford & Agarwal, "Deep batch active learning by diverse,
    uncertain gradient lower bounds", ICLR 2020; the seeding: Arthur & Vassilvitskii, "k-means++:
    the advantages of careful seeding", SODA 2007.
    """
    size = _checked_size(context, size)
    if size == 0:
        return np.empty(0, dtype=np.intp)
    count = len(context.candidates)
    errors = context.probabilities.astype(np.float32)
    errors[np.arange(count), errors.argmax(axis=1)] -= 1
    lengths = np.empty(count)
    for chunk in chunks(count):
        features = read_features(context.rows, context.candidates[chunk])
        lengths[chunk] = squared_lengths(features)
    lengths *= squared_lengths(errors)

    picked = np.empty(size, dtype=np.intp)
    picked[0] = pick_batch(lengths, 1, rng)[0]
    nearest = np.full(count, np.inf)
    for place in range(1, size):
        newest = picked[place - 1]
        centre = context.rows(context.candidates[newest : newest + 1])[0]
        products = (errors @ errors[newest]).astype(np.float64)
        for chunk in chunks(count):
            products[chunk] *= context.rows(context.candidates[chunk]) @ centre
        sums = lengths + lengths[newest]
        distances = sums - 2 * products
        distances[distances <= SAME_SHARE * sums] = 0
        np.minimum(nearest, distances, out=nearest)
        nearest[newest] = 0
        if not nearest.any():
            free = np.ones(count, dtype=bool)
            free[picked[:place]] = False
            picked[place:] = rng.permutation(np.flatnonzero(free))[: size - place]
            break
        picked[place] = rng.choice(count, p=nearest / nearest.sum())
    return picked


@batch_strategy
def typiclust(context: QueryContext, size: int, rng: Generator) -> NDArray[np.intp]:
    """Pick the most typical item of each big cluster that has no label yet.

    Labelled items and candidates are clustered by k-means into as many clusters as there will be
    labels, at most 500. Of the clusters with the fewest labels, the biggest one contributes the
    item with the smallest mean distance to its 20 nearest neighbours within the cluster, and
    counts as labelled once more. Clusters of fewer than five items are outliers and come last.
    The model is not used: this strategy is for the first labels, when the model knows little.

    The work is bounded: in a large pool the centres are found on a random sample, and an item is
    compared with at most 999 others of its cluster.

    Parameters
    ----------
    context
        The features of all candidates and labelled items are read once, and some again: a sample
        to find the centres, and up to 1,000 of each cluster that is picked from. The
        probabilities are not used.
    size
        How many to pick.
    rng
        Draws the samples, places the first centres and breaks ties.

    Returns
    -------
    (min(size, c),) intp array
        Distinct positions in the candidates.

    Raises
    ------
    ValueError
        If `size` is negative, shapes do not match, or a number that is read is not finite.

    References
    ----------
    Hacohen, Dekel & Weinshall, "Active learning on a budget: opposite strategies suit high and low
    budgets", ICML 2022.
    """
    size = _checked_size(context, size)
    if size == 0:
        return np.empty(0, dtype=np.intp)
    count = len(context.candidates)
    labelled = np.unique(context.labelled)
    rows = np.concatenate([context.candidates, labelled])
    n_clusters = min(len(labelled) + size, len(rows), MAX_CLUSTERS)
    clusters = cluster_pool(context.rows, rows, n_clusters, rng)
    members = np.bincount(clusters, minlength=n_clusters).tolist()
    labels = np.bincount(clusters[count:], minlength=n_clusters).tolist()

    positions = [np.flatnonzero(clusters[:count] == cluster) for cluster in range(n_clusters)]
    typical = [typical_first(context.rows, context.candidates[own], rng) for own in positions]
    waiting = [
        (members[cluster] < SMALL_CLUSTER, labels[cluster], -members[cluster], cluster)
        for cluster in range(n_clusters)
    ]
    heapq.heapify(waiting)
    picked: list[int] = []
    while len(picked) < size:
        small, labels_so_far, minus_members, cluster = heapq.heappop(waiting)
        place = next(typical[cluster], None)
        if place is not None:
            picked.append(positions[cluster][place])
            heapq.heappush(waiting, (small, labels_so_far + 1, minus_members, cluster))
    return np.array(picked, dtype=np.intp)


def with_random_share(
    order: NDArray[np.integer], candidates_count: int, size: int, epsilon: float, rng: Generator
) -> tuple[NDArray[np.intp], NDArray[np.float64]]:
    """Replace a share of the picks of each batch with uniform random draws.

    A batch of b items gets floor(epsilon b + u) draws, u uniform in [0, 1), at random places, so
    the share is epsilon on average, whatever the size. The other places go to the picks in their
    order; picks without a place in this batch lead the next one. A draw is uniform over the
    candidates that are neither in an earlier batch nor among this batch's picks. So a later pick
    may be drawn early, and with an epsilon of 1 the result is a uniform sample.

    Parameters
    ----------
    order : (r,) integer array
        Distinct positions among the candidates, best first.
    candidates_count
        c, the number of candidates, at least r.
    size
        Items in a batch; the last batch may be shorter.
    epsilon
        The share, 0 to 1. With 0 nothing is drawn and the order stays as it is.
    rng
        Draws the numbers, the places and the items.

    Returns
    -------
    (r,) intp array
        Distinct positions among the candidates.
    (r,) float64 array
        The draw probability of each: the number of draws in its batch, divided by the number of
        candidates that these draws were made from. NaN for a pick.

    Raises
    ------
    ValueError
        If `epsilon` is not within 0..1, `size` is below 1 where there is something to ask for, or
        positions repeat or lie outside.

    References
    ----------
    The epsilon-greedy rule: Watkins, "Learning from delayed rewards", PhD thesis, Cambridge 1989.
    """
    if not 0 <= epsilon <= 1:
        raise ValueError(f"The random share is {epsilon}; expected a number from 0 to 1.")
    if size < 0 or (size == 0 and len(order)):
        raise ValueError(f"The batch size is {size}; expected 1 or more.")
    check_indices(order, candidates_count, "Positions among the candidates")
    free = np.ones(candidates_count, dtype=bool)
    free[order] = False
    repeated = len(order) - (candidates_count - int(free.sum()))
    if repeated:
        raise ValueError(f"{repeated} of {len(order)} positions are repeated; expected each once.")
    mixed = order.astype(np.intp)
    chances = np.full(len(mixed), np.nan)
    if epsilon == 0:
        return mixed, chances

    free[:] = True
    picks = mixed.copy()
    for start in range(0, len(order), max(size, 1)):
        batch = mixed[start : start + size]
        # With a share of 1 and u just below 1, rounding may give one draw too many.
        draws = min(int(epsilon * len(batch) + rng.random()), len(batch))
        random = np.zeros(len(batch), dtype=bool)
        random[rng.choice(len(batch), draws, replace=False)] = True
        picks = picks[free[picks]]
        batch[~random] = picks[: len(batch) - draws]
        free[batch[~random]] = False
        drawn_from = np.flatnonzero(free)
        batch[random] = rng.choice(drawn_from, draws, replace=False)
        chances[start : start + size][random] = draws / max(len(drawn_from), 1)
        free[batch[random]] = False
    return mixed, chances


def _checked_size(context: QueryContext, size: int) -> int:
    """Check the arguments of a strategy, and return the number of items to pick."""
    if size < 0:
        raise ValueError(f"The batch size is {size}; expected 0 or more.")
    count = len(context.candidates)
    shape = context.probabilities.shape
    if len(shape) != 2 or shape[0] != count or shape[1] == 0:
        raise ValueError(
            f"Probabilities of {count} candidates have shape {shape}: expected one row each and "
            "at least one class."
        )
    refuse_not_finite(context.probabilities, "probabilities")
    return min(size, count)
