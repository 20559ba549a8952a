"""One query on plain arrays: the rows to label next, for loops of one's own."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.random import Generator
from numpy.typing import ArrayLike, NDArray

from tuilabel.errors import UsageError
from tuilabel.learn.batch import pick_batch
from tuilabel.learn.batch_strategies import QueryContext, is_batch_strategy
from tuilabel.learn.clusters import Read
from tuilabel.learn.features import candidate_rows, unit_rows
from tuilabel.learn.learner import AUTO_STRATEGY
from tuilabel.learn.names import AUTO
from tuilabel.learn.requests import HUNT
from tuilabel.learn.rounds import COMMITTEE
from tuilabel.plugins import blame, load

_LARGEST_ERROR = 1e-3


def query(
    features: ArrayLike | None,
    proba: ArrayLike,
    n: int,
    strategy: str = AUTO,
    *,
    labelled: Sequence[int] | NDArray[np.integer] = (),
    rng: Generator | int = 0,
) -> NDArray[np.intp]:
    """Return the rows that a model would learn most from, the best one first.

    Parameters
    ----------
    features : (m, ...) array, optional
        The model's input: floating numbers, or bytes, which are scaled to 0..1. It may be
        memory-mapped. Only strategies that choose a batch jointly read it; None for others.
    proba : (m, k) array
        Predicted class probabilities, as ``predict_proba`` of scikit-learn returns them. For
        ``committee`` (members, m, k), with the predictions of each member.
    n : int
        How many rows to choose.
    strategy : str
        ``auto``, ``least-confident``, ``margin``, ``entropy``, ``random``, ``committee``,
        ``diverse-margin``, ``badge``, ``typiclust``, or the name of a plug-in. ``auto`` is
        ``diverse-margin``, or ``margin`` without features.
    labelled : (l,) integer array
        Rows that have a label: they are not returned.
    rng : numpy.random.Generator or int
        Source of every random choice, such as between ties, or its seed.

    Returns
    -------
    (min(n, m - l),) intp array
        Distinct rows.

    Raises
    ------
    ValueError
        Shapes do not match, or numbers are no probabilities.
    UsageError, PluginError
        There is no such strategy, it needs a session, or its plug-in fails.

    Examples
    --------
    >>> import numpy as np, tuilabel
    >>> proba = np.array([[0.9, 0.1], [0.5, 0.5], [0.7, 0.3]])
    >>> tuilabel.query(None, proba, 2, "margin")
    array([1, 2])
    """
    if strategy == AUTO:
        strategy = "margin" if features is None else AUTO_STRATEGY
    if strategy == HUNT:
        raise UsageError("The strategy hunt needs labels and a label graph: use it in a session.")
    function = load("strategies", strategy)
    rows = _checked(np.asarray(proba), is_committee=strategy == COMMITTEE)
    count = rows.shape[-2]
    candidates = candidate_rows(count, taken := np.asarray(labelled, dtype=np.intp))
    rows = rows[..., candidates, :]
    generator = np.random.default_rng(rng)
    with blame("strategies", strategy):
        if is_batch_strategy(function):
            context = QueryContext(_reader(features, count, strategy), candidates, rows, taken)
            chosen = function(context, n, generator)
        else:
            chosen = pick_batch(function(rows, generator), n, generator)
    found: NDArray[np.intp] = candidates[chosen]
    return found


def _checked(proba: NDArray[Any], *, is_committee: bool) -> NDArray[np.float32]:
    """Return probabilities as strategies take them."""
    shape, wanted = proba.shape, "(members, rows, classes)" if is_committee else "(rows, classes)"
    if len(shape) != 2 + is_committee or 0 in (*shape[:-2], shape[-1]):
        raise ValueError(f"The probabilities have shape {shape}; expected {wanted}.")
    rows = proba.astype(np.float32)
    is_fine = (rows >= 0).all(axis=-1) & (np.abs(rows.sum(axis=-1) - 1) <= _LARGEST_ERROR)
    if not is_fine.all():
        raise ValueError(
            f"{int((~is_fine).sum()):,} of {is_fine.size:,} rows of the probabilities have a "
            "negative number or do not sum to 1: pass what `predict_proba` returns."
        )
    return rows


def _reader(features: ArrayLike | None, count: int, strategy: str) -> Read:
    """Return what reads the features of some rows."""
    if features is None:
        raise ValueError(f"The strategy {strategy} compares features: pass the model's input.")
    every = np.asarray(features)
    if every.ndim < 2 or len(every) != count:
        raise ValueError(
            f"The features have shape {every.shape}; expected {count:,} rows, as in the "
            "probabilities."
        )
    return lambda rows: unit_rows(every[rows])
