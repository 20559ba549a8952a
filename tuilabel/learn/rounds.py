"""One round: fit a model on the labels so far, measure it, and rank what to ask for next."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from tuilabel.learn.batch import pick_batch
from tuilabel.learn.features import CHUNK_ROWS, candidate_rows
from tuilabel.learn.metrics import Accuracy, confusion_matrix
from tuilabel.learn.models import Model, fit_model, score_rows
from tuilabel.learn.strategies import get_strategy

AUDIT_NAME = "audit"
"""What an accuracy on the audit set is called."""


@dataclass(frozen=True, eq=False)
class RoundResult:
    """What a round found.

    Attributes
    ----------
    items : (r,) intp array
        Rows of the pool to ask for, best first; neither labelled nor excluded nor audit rows.
    probabilities : (r, k) float32 array
        What the model believes about them.
    fit_seconds, rank_seconds
        Wall-clock seconds of the fit, and of scoring and ranking the pool.
    accuracy
        On the hold-out or else on the audit set; None without either or without a label.
    confusion : (k, k) int64 array or None
        Of the same items; rows are the truth.
    """

    items: NDArray[np.intp]
    probabilities: NDArray[np.float32]
    fit_seconds: float
    rank_seconds: float
    accuracy: Accuracy | None
    confusion: NDArray[np.int64] | None


def run_round(
    pool: NDArray[Any],
    *,
    labelled: NDArray[np.integer],
    labels: NDArray[np.integer],
    n_classes: int,
    excluded: NDArray[np.integer],
    model: str,
    strategy: str,
    limit: int,
    rng: Generator,
    holdout: tuple[NDArray[Any], NDArray[np.integer]] | None = None,
    audit: tuple[NDArray[np.integer], NDArray[np.integer]] | None = None,
    holdout_name: str = "hold-out",
    chunk_rows: int = CHUNK_ROWS,
) -> RoundResult:
    """Fit, measure and rank.

    Beyond a few bytes for each item of the pool, memory grows with the chunk only.

    Parameters
    ----------
    pool : (n, ...) uint8 or float32 array
        All items, perhaps memory-mapped.
    labelled : (m,) integer array
        Rows of the pool to train on.
    labels : (m,) integer array
        Their class indices.
    n_classes
        k, the number of classes.
    excluded : (e,) integer array
        Further rows never to return: skipped ones, those kept for the audit set.
    model, strategy
        Names: keys of `MODELS` and `STRATEGIES`.
    limit
        How many items to return at most.
    rng
        Where every random choice comes from: the fit's, the strategy's, the ties'.
    holdout : ((h, ...) array, (h,) integer array), optional
        Items that training never sees, and their classes.
    audit : ((a,) integer array, (a,) integer array), optional
        Labelled rows of the pool that are kept out of training, and their classes; measured on
        where there is no hold-out.
    holdout_name
        What the accuracy on the hold-out is called.
    chunk_rows
        Items that are in memory as float32 at once.

    Returns
    -------
    RoundResult

    Raises
    ------
    UsageError
        If there is no such model or strategy.
    ValueError
        If rows and labels do not match, or an audit row is also trained on.
    """
    score = get_strategy(strategy)
    audit_rows = np.empty(0, dtype=np.intp) if audit is None else audit[0]
    candidates = candidate_rows(len(pool), labelled, excluded, audit_rows)
    if np.isin(audit_rows, labelled).any():
        raise ValueError("An audit item is also trained on: the accuracy would not be honest.")

    started = time.perf_counter()
    fitted = fit_model(model, pool[labelled], labels, n_classes=n_classes, rng=rng)
    fit_seconds = time.perf_counter() - started

    started = time.perf_counter()
    utilities = np.empty(len(candidates), dtype=np.float32)
    for chunk, probabilities in score_rows(fitted, pool, candidates, chunk_rows):
        utilities[chunk] = score(probabilities, rng)
    items = candidates[pick_batch(utilities, limit, rng)]
    believed = np.empty((len(items), n_classes), dtype=np.float32)
    for chunk, probabilities in score_rows(fitted, pool, items, chunk_rows):
        believed[chunk] = probabilities
    rank_seconds = time.perf_counter() - started

    accuracy = confusion = None
    if len(labels) and holdout is not None:
        everything = np.arange(len(holdout[0]))
        confusion = _confusion(fitted, holdout[0], everything, holdout[1], n_classes, chunk_rows)
        accuracy = _accuracy(confusion, holdout_name)
    elif len(labels) and audit is not None:
        confusion = _confusion(fitted, pool, audit_rows, audit[1], n_classes, chunk_rows)
        accuracy = _accuracy(confusion, AUDIT_NAME)
    return RoundResult(items, believed, fit_seconds, rank_seconds, accuracy, confusion)


def _confusion(
    model: Model,
    features: NDArray[Any],
    rows: NDArray[np.integer],
    truth: NDArray[np.integer],
    n_classes: int,
    chunk_rows: int,
) -> NDArray[np.int64] | None:
    """Predict rows and compare; None where there are none, as nothing is known then."""
    if len(rows) == 0:
        return None
    predicted = np.empty(len(rows), dtype=np.intp)
    for chunk, probabilities in score_rows(model, features, rows, chunk_rows):
        predicted[chunk] = probabilities.argmax(axis=1)
    return confusion_matrix(truth, predicted, n_classes)


def _accuracy(confusion: NDArray[np.int64] | None, name: str) -> Accuracy | None:
    if confusion is None:
        return None
    return Accuracy(correct=int(confusion.trace()), n=int(confusion.sum()), name=name)
