"""Strategies: how much each item is worth asking for, by its predicted probabilities.

A strategy is a pure function from predicted probabilities, shape (n, k), to utilities, shape
(n,): higher = ask first. Rows are independent, so a pool may be passed in chunks.
`tuilabel.learn.batch` picks a batch from the utilities.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

Utilities = NDArray[np.floating[Any]]
Strategy = Callable[[NDArray[Any], Generator], Utilities]
"""Maps probabilities, (n, k), and a generator to utilities, (n,), none of them NaN: what a name of
the group ``strategies`` stands for, also in a plug-in."""


def least_confident(probabilities: NDArray[Any], rng: Generator) -> Utilities:
    """Return one minus the probability of the most probable class.

    Parameters
    ----------
    probabilities : (n, k) array
        One row per item, one column per class; rows sum to 1.
    rng
        Not drawn from.

    Returns
    -------
    (n,) floating array
        Utilities in [0, 1 - 1/k].

    Raises
    ------
    ValueError
        If `probabilities` is not (n, k) with k >= 1.

    References
    ----------
    Lewis & Gale, "A sequential algorithm for training text classifiers", SIGIR 1994.
    """
    best: Utilities = _rows_of_classes(probabilities).max(axis=1)
    return 1 - best


def margin(probabilities: NDArray[Any], rng: Generator) -> Utilities:
    """Return one minus the gap between the two most probable classes.

    With a single class, the probability of the second one counts as 0.

    Parameters
    ----------
    probabilities : (n, k) array
        One row per item, one column per class; rows sum to 1.
    rng
        Not drawn from.

    Returns
    -------
    (n,) floating array
        Utilities in [0, 1]; 1 where the two are equally probable.

    Raises
    ------
    ValueError
        If `probabilities` is not (n, k) with k >= 1.

    References
    ----------
    Scheffer, Decomain & Wrobel, "Active hidden Markov models for information extraction",
    IDA 2001.
    """
    rows = _rows_of_classes(probabilities)
    if rows.shape[1] == 1:
        return 1 - rows[:, 0]
    best_two = np.partition(rows, -2, axis=1)[:, -2:]
    return 1 - (best_two[:, 1] - best_two[:, 0])


def entropy(probabilities: NDArray[Any], rng: Generator) -> Utilities:
    """Return the Shannon entropy of the predicted distribution, in nats, with 0 log 0 = 0.

    Parameters
    ----------
    probabilities : (n, k) array
        One row per item, one column per class; rows sum to 1.
    rng
        Not drawn from.

    Returns
    -------
    (n,) floating array
        Utilities in [0, log k].

    Raises
    ------
    ValueError
        If `probabilities` is not (n, k) with k >= 1.

    References
    ----------
    Shannon, "A mathematical theory of communication", Bell System Technical Journal 1948; as a
    query strategy: Settles, "Active learning literature survey", 2009, section 3.1.
    """
    rows = _rows_of_classes(probabilities)
    logs = np.zeros_like(rows)
    np.log(rows, out=logs, where=rows > 0)
    # Subtracted from zero, not negated, so that a certain row gives 0.0 and not -0.0.
    utilities: Utilities = 0 - (rows * logs).sum(axis=1)
    return utilities


def uniform(probabilities: NDArray[Any], rng: Generator) -> Utilities:
    """Return utilities drawn uniformly at random, whatever the probabilities: the baseline.

    Parameters
    ----------
    probabilities : (n, k) array
        Only its shape is used.
    rng
        Drawn from n times.

    Returns
    -------
    (n,) float64 array
        Utilities in [0, 1).

    Raises
    ------
    ValueError
        If `probabilities` is not (n, k) with k >= 1.
    """
    return rng.random(len(_rows_of_classes(probabilities)))


def committee(member_probabilities: NDArray[Any], rng: Generator) -> Utilities:
    """Return the Shannon entropy of a committee's votes: each member votes for its likeliest class.

    Votes are used instead of the divergence of the members' distributions from their mean.
    Members drawn by `bootstrap_rows` differ most about classes with several labels, whose rows
    vary, and hardly about a class with one label, which is the same for all members. So the
    divergence would keep asking about classes it has asked about already. A vote counts the same
    for every class. The members' models are fitted elsewhere.

    Parameters
    ----------
    member_probabilities : (members, n, k) array
        One distribution per member and item; rows sum to 1. Items may come a chunk at a time.
    rng
        Not drawn from.

    Returns
    -------
    (n,) float32 array
        Utilities in nats, 0 to log(min(members, k)). A few members can split their votes in only
        a few ways, so many items have exactly equal utilities.

    Raises
    ------
    ValueError
        If the array is not (members, n, k) with at least one member and one class, or has NaN.

    References
    ----------
    Seung, Opper & Sompolinsky, "Query by committee", COLT 1992; the entropy of votes: Dagan &
    Engelson, "Committee-based sampling for training probabilistic classifiers", ICML 1995; the
    divergence: McCallum & Nigam, "Employing EM and pool-based active learning for text
    classification", ICML 1998.
    """
    shape = member_probabilities.shape
    if len(shape) != 3 or shape[0] == 0 or shape[2] == 0:
        raise ValueError(
            f"A committee's probabilities have shape {shape}, not (members, items, classes) with "
            "at least one member and one class."
        )
    unknown = int(np.isnan(member_probabilities).any(axis=(0, 2)).sum())
    if unknown:
        raise ValueError(
            f"A committee's probabilities of {unknown} of {shape[1]} items have NaN: expected "
            "numbers from 0 to 1."
        )
    members, n, k = shape
    votes = np.zeros((n, k), dtype=np.float32)
    for elected in member_probabilities.argmax(axis=2):
        votes[np.arange(n), elected] += 1
    # Sorted, so that the same split gives exactly the same sum, whatever its classes.
    return entropy(np.sort(votes, axis=1) / np.float32(members), rng)


def bootstrap_rows(labels: NDArray[np.integer], members: int, rng: Generator) -> NDArray[np.intp]:
    """Draw the training rows of each member of a committee, with replacement within each class.

    Every class keeps its number of labels, so all members know the same classes. A class with a
    single label has that label in all members. If no class has more than one label, the members
    differ only by their own random choices.

    Parameters
    ----------
    labels : (m,) integer array
        Class indices.
    members
        How many members, at least 1.
    rng
        Draws the rows.

    Returns
    -------
    (members, m) intp array
        Positions in `labels`; in each row, place i holds one of the class of label i.

    Raises
    ------
    ValueError
        If there is no member, or `labels` is not one-dimensional.

    References
    ----------
    Efron & Tibshirani, "An introduction to the bootstrap", 1993; as a committee: Abe & Mamitsuka,
    "Query learning strategies using boosting and bagging", ICML 1998.
    """
    if members < 1:
        raise ValueError(f"The committee has {members} members; expected 1 or more.")
    if labels.ndim != 1:
        raise ValueError(f"Labels have shape {labels.shape}; expected (items,).")
    rows = np.empty((members, len(labels)), dtype=np.intp)
    for label in np.unique(labels):
        own = np.flatnonzero(labels == label)
        rows[:, own] = rng.choice(own, (members, len(own)))
    return rows


def _rows_of_classes(probabilities: NDArray[Any]) -> Utilities:
    """Check the shape, and return integers as float32, so that 1 - p cannot wrap around."""
    if probabilities.ndim != 2 or probabilities.shape[1] == 0:
        raise ValueError(
            f"Probabilities have shape {probabilities.shape}, not (items, classes) "
            "with at least one class."
        )
    if np.issubdtype(probabilities.dtype, np.floating):
        return probabilities
    return probabilities.astype(np.float32)
