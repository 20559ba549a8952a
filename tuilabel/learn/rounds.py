"""One round: fit a model on the labels so far, measure it, and rank the pool."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from tuilabel.learn.batch import pick_batch
from tuilabel.learn.batch_strategies import QueryContext, is_batch_strategy, with_random_share
from tuilabel.learn.class_sets import LeastCertain, Tally, tallies, whole_sets
from tuilabel.learn.feature_view import View
from tuilabel.learn.features import CHUNK_ROWS, candidate_rows
from tuilabel.learn.levels import as_answered, subtrees
from tuilabel.learn.metrics import Accuracy, confusion_matrix
from tuilabel.learn.models import Model, fit_model, score_rows
from tuilabel.learn.requests import COLD_START
from tuilabel.learn.strategies import bootstrap_rows, committee, margin
from tuilabel.plugins import blame, check, load

Mix = Callable[
    [NDArray[np.intp], NDArray[np.intp], NDArray[np.float64]],
    tuple[NDArray[np.intp], dict[int, str]],
]
"""Maps ranked rows, all candidate rows and the share that is predicted of each class, (k,), to
ranked rows with others between them, and why each of these is asked."""

AUDIT_NAME = "audit"
"""Name of the audit set in an accuracy."""

COMMITTEE = "committee"
COMMITTEE_MEMBERS = 5

_NONE, _NO_SHARES = np.empty(0, dtype=np.intp), np.empty(0, dtype=np.float32)


@dataclass(frozen=True, eq=False)
class RoundResult:
    """The result of a round.

    Attributes
    ----------
    items : (r,) intp array
        Rows of the pool to ask for, best first; neither labelled nor excluded nor audit rows.
    probabilities : (r, k) float32 array
        Their predicted class probabilities.
    draws : (r,) float64 array
        Their draw probabilities; NaN for those that were not drawn at random.
    reasons : tuple of str
        Why each is asked, as in `tuilabel.learn.requests.FitFinished`.
    fit_seconds, rank_seconds
        Wall-clock seconds of the fit, and of scoring and ranking the pool.
    accuracy
        On the hold-out, or else on the audit set; None without both or without a label.
    tallies : tuple of Tally
        With sets of classes, how each class was predicted for the audit set.
    confusion : (k, k) int64 array or None
        Confusion matrix of the same items; rows are the truth.
    predicted : (m,) intp array
        The likeliest class of each of these items, in their order; may be empty.
    confidence : (m,) float32 array
        Its probability.
    stop_predictions : (s,) intp array
        The likeliest class of each row of the stop set.
    """

    items: NDArray[np.intp]
    probabilities: NDArray[np.float32]
    draws: NDArray[np.float64]
    reasons: tuple[str, ...]
    fit_seconds: float
    rank_seconds: float
    accuracy: Accuracy | None
    tallies: tuple[Tally, ...] = ()
    confusion: NDArray[np.int64] | None = None
    predicted: NDArray[np.intp] = field(default_factory=lambda: _NONE)
    confidence: NDArray[np.float32] = field(default_factory=lambda: _NO_SHARES)
    stop_predictions: NDArray[np.intp] = field(default_factory=lambda: _NONE)


def run_round(
    pool: View,
    *,
    labelled: NDArray[np.integer],
    labels: NDArray[np.integer],
    n_classes: int,
    excluded: NDArray[np.integer],
    model: str,
    strategy: str,
    limit: int,
    rng: Generator,
    batch_size: int = 10,
    epsilon: float = 0.0,
    first: NDArray[np.integer] = _NONE,
    holdout: tuple[View, NDArray[np.integer]] | None = None,
    audit: tuple[NDArray[np.integer], NDArray[np.integer]] | None = None,
    holdout_name: str = "hold-out",
    stop_rows: NDArray[np.integer] = _NONE,
    parents: Sequence[int] = (),
    sets: NDArray[np.int8] | None = None,
    sought: int = -1,
    mix: Mix | None = None,
    chunk_rows: int = CHUNK_ROWS,
) -> RoundResult:
    """Fit, measure and rank.

    Memory is a few bytes for each item and class of the pool, and one chunk of rows.

    Parameters
    ----------
    pool : View of n items
        The model's input for all items, perhaps memory-mapped.
    labelled : (m,) integer array
        Rows of the pool to train on.
    labels : (m,) integer array
        Their class indices.
    n_classes
        k, the number of classes.
    excluded : (e,) integer array
        Further rows to leave out, such as skipped ones and those of the audit set.
    model, strategy
        Names of these groups in `tuilabel.plugins`, but not ``auto``.
    limit
        The most items to return.
    rng
        Source of every random choice: of the fit, of the strategy, between ties.
    batch_size
        Number of items that are asked together; batch strategies choose them jointly.
    epsilon
        Share of each batch that is drawn at random, 0 to 1.
    first : (f,) integer array
        Rows to return first, in this order.
    holdout : (View of h items, (h,) integer array), optional
        Items that training never sees, and their classes.
    audit : ((a,) integer array, (a,) integer array), optional
        Labelled rows of the pool that are kept out of training, and their classes; measured on
        if there is no hold-out.
    holdout_name
        Name of the hold-out in the accuracy.
    stop_rows : (s,) integer array
        Rows of the pool whose predictions are returned.
    parents
        The class above each, as for `fit_model`. An answer that lies above a prediction counts as
        right.
    sets : (s, k) int8 array, optional
        Sets of classes, as for `fit_model`: labels and classes of audit items are rows of it. The
        accuracy is then of whole sets. Without a hold-out, and without predictions of the stop set.
    sought
        Column of a class by whose probability to rank, in place of the strategy; -1 for none.
    mix : Mix, optional
        Puts other rows between those of the ranking.
    chunk_rows
        Number of items in memory as float32 at once.

    Returns
    -------
    RoundResult

    Raises
    ------
    UsageError
        If there is no such model or strategy.
    PluginError
        If one of them is a plug-in's, and it fails.
    ValueError
        If the numbers of rows and labels differ, or an audit row is also trained on.
    """
    check("models", model)
    check("strategies", strategy)
    audit_rows = _NONE if audit is None else audit[0]
    candidates = candidate_rows(len(pool), labelled, excluded, audit_rows)
    if np.isin(audit_rows, labelled).any():
        raise ValueError("An audit item is also trained on, so the accuracy would be too high.")

    started = time.perf_counter()
    fit = partial(fit_model, n_classes=n_classes, rng=rng, parents=parents, sets=sets)
    fitted = fit(model, pool.rows(labelled), labels)
    members = []
    if strategy == COMMITTEE and len(labels) and sought < 0:
        members = [
            fit(model, pool.rows(labelled[drawn]), labels[drawn])
            for drawn in bootstrap_rows(labels, COMMITTEE_MEMBERS, rng)
        ]
    fit_seconds = time.perf_counter() - started

    started = time.perf_counter()
    order, draws, shares = _rank(
        fitted if sets is None else LeastCertain(fitted),
        members if sets is None else list(map(LeastCertain, members)),
        pool,
        candidates,
        labelled,
        strategy=strategy,
        limit=limit,
        batch_size=batch_size,
        epsilon=epsilon,
        n_classes=n_classes if sets is None else 2,
        sought=sought,
        rng=rng,
        chunk_rows=chunk_rows,
    )
    first = first[np.isin(first, candidates, assume_unique=True)].astype(np.intp)
    items = candidates[order]
    others = ~np.isin(items, first)
    items = np.concatenate([first, items[others]])[:limit]
    draws = np.concatenate([np.full(len(first), np.nan), draws[others]])[:limit]
    reasons = dict.fromkeys(first.tolist(), COLD_START)
    if mix is not None:
        chances = dict(zip(items.tolist(), draws.tolist(), strict=True))
        items, mixed = mix(items, candidates, shares)
        reasons |= mixed
        # What is mixed in was chosen, even if it would have been drawn.
        draws = np.array([np.nan if r in mixed else chances.get(r, np.nan) for r in items.tolist()])
    why = tuple(reasons.get(row, "") for row in items.tolist())
    believed = np.empty((len(items), n_classes), dtype=np.float32)
    for chunk, probabilities in score_rows(fitted, pool, items, chunk_rows):
        believed[chunk] = probabilities
    rank_seconds = time.perf_counter() - started

    if sets is not None:
        return RoundResult(
            items,
            believed,
            draws,
            why,
            fit_seconds,
            rank_seconds,
            *measure_sets(fitted, pool, audit_rows, _NONE if audit is None else audit[1], sets),
        )
    accuracy = confusion = None
    predicted, confidence = _NONE, np.empty(0, dtype=np.float32)
    truth, name = audit[1] if audit is not None else _NONE, AUDIT_NAME
    if len(labels) and holdout is not None:
        truth, name = holdout[1], holdout_name
        everything = np.arange(len(holdout[0]))
        predicted, confidence = predict_rows(fitted, holdout[0], everything, chunk_rows)
    elif len(labels):
        predicted, confidence = predict_rows(fitted, pool, audit_rows, chunk_rows)
    if len(predicted):
        predicted = as_answered(predicted, truth, subtrees(parents, n_classes)).astype(np.intp)
        confusion = confusion_matrix(truth, predicted, n_classes)
        accuracy = Accuracy(correct=int(confusion.trace()), n=int(confusion.sum()), name=name)
    stop_predictions, _ = predict_rows(fitted, pool, stop_rows, chunk_rows)
    return RoundResult(
        items,
        believed,
        draws,
        why,
        fit_seconds,
        rank_seconds,
        accuracy,
        (),
        confusion,
        predicted,
        confidence,
        stop_predictions,
    )


def measure_sets(
    fitted: Model,
    pool: View,
    rows: NDArray[np.integer],
    truth: NDArray[np.integer],
    sets: NDArray[np.int8],
) -> tuple[Accuracy | None, tuple[Tally, ...]]:
    """Return how many whole sets are right, and how each class was predicted."""
    predicted = np.empty((len(rows), sets.shape[1]), dtype=bool)
    for chunk, probabilities in score_rows(fitted, pool, rows):
        predicted[chunk] = probabilities >= 0.5
    correct, n = whole_sets(sets[truth], predicted)
    accuracy = Accuracy(correct=correct, n=n, name=AUDIT_NAME) if n else None
    return accuracy, tallies(sets[truth], predicted) if len(rows) else ()


def _rank(
    fitted: Model,
    members: Sequence[Model],
    pool: View,
    candidates: NDArray[np.intp],
    labelled: NDArray[np.integer],
    *,
    strategy: str,
    limit: int,
    batch_size: int,
    epsilon: float,
    n_classes: int,
    sought: int,
    rng: Generator,
    chunk_rows: int,
) -> tuple[NDArray[np.intp], NDArray[np.float64], NDArray[np.float64]]:
    """Rank the candidates.

    Returns
    -------
    (r,) intp array
        Positions in `candidates`, best first, at most `limit`.
    (r,) float64 array
        Draw probabilities.
    (k,) float64 array
        The share of the candidates that is predicted to be of each class.
    """
    predicted = np.zeros(n_classes)
    utilities = np.empty(len(candidates), dtype=np.float32)
    function = load("strategies", strategy)
    joint = is_batch_strategy(function) and sought < 0
    score = margin if joint or strategy == COMMITTEE else function
    kept = np.empty((len(candidates), n_classes) if joint else (0, 0), dtype=np.float32)
    for chunk, probabilities in score_rows(fitted, pool, candidates, chunk_rows):
        predicted += np.bincount(probabilities.argmax(axis=1), minlength=n_classes)
        if joint:
            kept[chunk] = probabilities
        if members:
            rows = pool.rows(candidates[chunk])
            utilities[chunk] = committee(np.stack([m.probabilities(rows) for m in members]), rng)
        elif sought >= 0:
            utilities[chunk] = probabilities[:, sought]
        else:
            with blame("strategies", strategy):
                utilities[chunk] = _of_shape(score(probabilities, rng), len(probabilities))
    with blame("strategies", strategy):
        order = pick_batch(utilities, limit, rng)
        if joint:
            context = QueryContext(pool.rows, candidates, kept, labelled.astype(np.intp))
            size = min(batch_size, limit)
            together = _of_shape(function(context, size, rng), min(size, len(candidates)))
            order = np.concatenate([together, order[~np.isin(order, together)]])[:limit]
        share = epsilon if sought < 0 else 0.0
        drawn = with_random_share(order, len(candidates), batch_size, share, rng)
    return *drawn, predicted / max(1, len(candidates))


def _of_shape(numbers: Any, n: int) -> NDArray[Any]:
    """Check the number of a strategy's numbers: numpy would repeat a single one."""
    if np.shape(numbers) != (n,):
        raise ValueError(f"its numbers have shape {np.shape(numbers)}; expected ({n},)")
    return np.asarray(numbers)


def predict_rows(
    model: Model, view: View, rows: NDArray[np.integer], chunk_rows: int = CHUNK_ROWS
) -> tuple[NDArray[np.intp], NDArray[np.float32]]:
    """Return the likeliest class of each of some rows, and its probability: (r,) arrays."""
    predicted = np.empty(len(rows), dtype=np.intp)
    confidence = np.empty(len(rows), dtype=np.float32)
    for chunk, probabilities in score_rows(model, view, rows, chunk_rows):
        predicted[chunk] = probabilities.argmax(axis=1)
        confidence[chunk] = probabilities.max(axis=1)
    return predicted, confidence
