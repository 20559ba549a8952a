"""Choosing a model by cross-validation on the labels so far."""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Mapping, Sequence
from typing import TypeVar

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from tuilabel.learn.levels import subtrees
from tuilabel.learn.models import fit_model

LEAST_WEIGHED = 30
"""With fewer labels models are not compared."""

REPEATS = 2
FOLDS = 5

CLEARLY = 1.0
"""Standard errors by which a model must be better to replace the current one."""

LEAST_GAIN = 0.05
"""Nats per label by which it must be better too: less is not worth a change."""

LEAST_PROBABILITY = 1e-3
"""Lower limit for the probability of a label, so that a single label cannot decide."""

T = TypeVar("T", bound=Hashable)


def cross_validate(
    rows: Mapping[T, NDArray[np.float32]],
    labels: NDArray[np.integer],
    *,
    n_classes: int,
    rng: Generator,
    parents: Sequence[int] = (),
) -> Iterator[Mapping[T, NDArray[np.float64]] | None]:
    """Score models on labels that they were not fitted on, a fit at a time.

    Parameters
    ----------
    rows : mapping of (m, d) float32 arrays
        The input of each model for the labelled items.
    labels : (m,) integer array
        Class indices.
    n_classes
        k
    rng
        Draws the folds.
    parents
        The class above each, as for `fit_model`. The probability of a class is that of all below.

    Yields
    ------
    mapping of (m,) float64 arrays, or None
        None after each fit, so that the caller may stop. At the end, for each model the log of
        its probability for each label, in nats, averaged over the repeats. This distinguishes
        models with fewer labels than counting right predictions does.

    References
    ----------
    Repeated, stratified: Kohavi, "A study of cross-validation and bootstrap for accuracy
    estimation and model selection", IJCAI 1995.
    """
    scores = {name: np.zeros(len(labels)) for name in rows}
    below = subtrees(parents, n_classes)[labels]
    for _ in range(REPEATS):
        fold = stratified_folds(labels, FOLDS, rng)
        for held_out in range(FOLDS):
            train, test = np.flatnonzero(fold != held_out), np.flatnonzero(fold == held_out)
            for name, features in rows.items():
                model = fit_model(
                    "softmax",
                    features[train],
                    labels[train],
                    n_classes=n_classes,
                    rng=rng,
                    parents=parents,
                )
                given = model.probabilities(features[test]).sum(axis=1, where=below[test])
                scores[name][test] += np.log(np.maximum(given, LEAST_PROBABILITY)) / REPEATS
                yield None
    yield scores


def stratified_folds(labels: NDArray[np.integer], folds: int, rng: Generator) -> NDArray[np.intp]:
    """Return a fold, 0 to folds - 1, for each label, each class spread evenly: (m,) intp."""
    shuffled = rng.permutation(len(labels))
    order = shuffled[np.argsort(labels[shuffled], kind="stable")]
    fold = np.empty(len(labels), dtype=np.intp)
    fold[order] = np.arange(len(labels)) % folds
    return fold


def decide(scores: Mapping[T, NDArray[np.float64]], current: T, preference: Sequence[T]) -> T:
    """Keep the current model unless another one is clearly better.

    Parameters
    ----------
    scores : mapping of (m,) float64 arrays
        For each model, how well it predicted each label: higher is better.
    current
        The model in use.
    preference
        All models, the preferred one of equals first.

    Returns
    -------
    model
        The best one if its mean score is higher than that of the current one by more than
        `LEAST_GAIN` and by more than `CLEARLY` standard errors of the paired difference; otherwise
        the current one.
    """
    best = max(preference, key=lambda name: (scores[name].mean(), -preference.index(name)))
    difference = scores[best] - scores[current]
    error = difference.std() / np.sqrt(max(len(difference), 1))
    return best if difference.mean() > max(CLEARLY * error, LEAST_GAIN) else current
