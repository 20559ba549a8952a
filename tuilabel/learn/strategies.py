"""Strategies: how much each item is worth asking for, given what the model believes about it.

A strategy is a pure function from predicted probabilities, shape (n, k), to utilities, shape
(n,): higher = ask first. It looks at each row by itself, so it may be called on one chunk of the
pool after another. Picking a batch from the utilities is `tuilabel.learn.batch`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from tuilabel.learn.names import look_up

Utilities = NDArray[np.floating[Any]]
Strategy = Callable[[NDArray[Any], Generator], Utilities]


def least_confident(probabilities: NDArray[Any], rng: Generator) -> Utilities:
    """One minus the probability of the most probable class.

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
    """One minus the gap between the two most probable classes.

    With a single class there is no second one: its probability counts as 0.

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
    """Shannon entropy of the predicted distribution, in nats, with 0 log 0 = 0.

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
    # Taken from zero rather than negated: a certain row is 0.0, not -0.0.
    utilities: Utilities = 0 - (rows * logs).sum(axis=1)
    return utilities


def uniform(probabilities: NDArray[Any], rng: Generator) -> Utilities:
    """Utilities drawn uniformly at random, whatever the probabilities: the baseline.

    Parameters
    ----------
    probabilities : (n, k) array
        Only its shape counts.
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


STRATEGIES: dict[str, Strategy] = {
    "least-confident": least_confident,
    "margin": margin,
    "entropy": entropy,
    "random": uniform,
}


def get_strategy(name: str) -> Strategy:
    """Give the strategy of that name.

    Raises
    ------
    UsageError
        If there is none; the message lists those that exist.
    """
    return look_up(STRATEGIES, "strategy", name)


def _rows_of_classes(probabilities: NDArray[Any]) -> Utilities:
    """Check the shape; whole numbers become float32, so that 1 - p cannot wrap around."""
    if probabilities.ndim != 2 or probabilities.shape[1] == 0:
        raise ValueError(
            f"Probabilities have shape {probabilities.shape}, not (items, classes) "
            "with at least one class."
        )
    if np.issubdtype(probabilities.dtype, np.floating):
        return probabilities
    return probabilities.astype(np.float32)
