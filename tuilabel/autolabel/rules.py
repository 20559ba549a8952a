"""Auto-labels: which items a model may label, and how many of these labels to expect to be right.

Positions here are rows of the given probabilities. Storing auto-labels, and preferring a person's
label to a model's, is left to the caller.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from tuilabel.errors import UsageError
from tuilabel.learn.batch import pick_batch
from tuilabel.learn.calibration import check_probabilities
from tuilabel.learn.metrics import Accuracy
from tuilabel.learn.names import look_up
from tuilabel.text import counted

STEP = 10
"""Number of items that `ordered` accepts between two fits."""

_NONE = np.empty(0, dtype=np.intp)


@dataclass(frozen=True, eq=False)
class Choice:
    """The items that a method accepts.

    Attributes
    ----------
    accepted : (n,) bool array
        Which items get a label.
    classes : (n,) intp array
        The likeliest class of every item; the first one of a tie.
    confidences : (n,) floating array
        Its probability.
    """

    accepted: NDArray[np.bool_]
    classes: NDArray[np.intp]
    confidences: NDArray[np.floating[Any]]


@dataclass(frozen=True, eq=False)
class Step:
    """The items that `ordered` accepts between two fits.

    Attributes
    ----------
    rows, classes : (s,) intp array
        Items and the classes they get, the most confident first.
    confidences : (s,) floating array
    shadow_rows, shadow_classes : (h,) intp array
        Items kept for measuring that this step would have accepted too, and the classes it
        would have given them.
    """

    rows: NDArray[np.intp]
    classes: NDArray[np.intp]
    confidences: NDArray[np.floating[Any]]
    shadow_rows: NDArray[np.intp]
    shadow_classes: NDArray[np.intp]


Refit = Callable[[NDArray[np.intp], NDArray[np.intp]], NDArray[Any]]
"""Maps the rows accepted so far and their classes to probabilities of all rows, (n, k)."""


def naive(probabilities: NDArray[Any], threshold: float | None) -> NDArray[np.bool_]:
    """Accept every item, however unsure.

    Parameters
    ----------
    probabilities : (n, k) floating array
    threshold
        Must be None: this method has no threshold.

    Returns
    -------
    (n,) bool array

    Raises
    ------
    UsageError
        If there is a threshold.
    """
    if threshold is not None:
        raise UsageError(
            f"The method 'naive' labels everything, so a threshold of {threshold:g} has no effect: "
            "leave it out, or choose 'confident'."
        )
    return np.ones(len(probabilities), dtype=bool)


def accept_confident(probabilities: NDArray[Any], threshold: float | None) -> NDArray[np.bool_]:
    """Accept the items whose likeliest class is likely enough.

    Parameters
    ----------
    probabilities : (n, k) floating array
        Should be calibrated: otherwise the threshold means little.
    threshold
        The lowest probability to accept, 0 to 1.

    Returns
    -------
    (n,) bool array

    Raises
    ------
    UsageError
        If there is no threshold, or it is not from 0 to 1.

    References
    ----------
    Lee, "Pseudo-label: the simple and efficient semi-supervised learning method for deep neural
    networks", ICML workshop 2013; with a threshold: Sohn et al., "FixMatch", NeurIPS 2020.
    """
    if threshold is None:
        raise UsageError("The method 'confident' needs a threshold from 0 to 1.")
    check_threshold(threshold)
    accepted: NDArray[np.bool_] = probabilities.max(axis=1) >= threshold
    return accepted


ACCEPTANCE_RULES: Mapping[str, Callable[[NDArray[Any], float | None], NDArray[np.bool_]]] = {
    "naive": naive,
    "confident": accept_confident,
}


def choose(method: str, probabilities: NDArray[Any], threshold: float | None = None) -> Choice:
    """Choose which items a model labels, without a fit in between.

    Parameters
    ----------
    method
        A key of `ACCEPTANCE_RULES`.
    probabilities : (n, k) floating array
        Of the items without an answer; calibrated.
    threshold
        As the method requires.

    Returns
    -------
    Choice

    Raises
    ------
    UsageError
        If there is no such method, or the threshold does not suit it.
    ValueError
        If the rows are not probabilities.
    """
    accept = look_up(ACCEPTANCE_RULES, "method", method)
    check_probabilities(probabilities)
    return Choice(
        accept(probabilities, threshold), probabilities.argmax(axis=1), probabilities.max(axis=1)
    )


def ordered(
    probabilities: NDArray[Any],
    refit: Refit,
    *,
    rng: Generator,
    threshold: float | None = None,
    step: int = STEP,
    shadow: NDArray[np.bool_] | None = None,
) -> Iterator[Step]:
    """Accept the most confident items a few at a time, with a fit in between.

    An accepted item keeps its class. The generator ends when no item is left, or when none is
    likely enough.

    Items with a known class can take part as shadows. They are never accepted and never trained
    on. But a shadow that is at least as confident as the least confident item of a step would
    have been accepted in that step, with its likeliest class. The share of shadows whose class is
    right estimates the share of accepted items that are right, including mistakes that follow
    from earlier mistakes.

    Parameters
    ----------
    probabilities : (n, k) floating array
        Of the unanswered items and the shadows; calibrated if there is a threshold.
    refit
        Called between two steps with all rows accepted so far and their classes, (a,) each, in
        the order in which they were accepted.
    rng
        Breaks ties between equally confident items.
    threshold
        The lowest probability to accept, 0 to 1; None to go on until no item is left.
    step
        Number of items between two fits, at least 1.
    shadow : (n,) bool array, optional
        Which items are shadows.

    Yields
    ------
    Step

    Raises
    ------
    UsageError
        If the threshold is not from 0 to 1, or `step` is below 1.
    ValueError
        If the rows given, or returned by `refit`, are not probabilities of n items.
    """
    if threshold is not None:
        check_threshold(threshold)
    if step < 1:
        raise UsageError(f"A step of {step} items is too small: give 1 or more.")
    n = len(probabilities)
    shadows_left = np.zeros(n, dtype=bool) if shadow is None else shadow.copy()
    if shadows_left.shape != (n,):
        raise ValueError(f"Shadows have shape {shadows_left.shape}; expected ({n},).")
    left = ~shadows_left
    rows, classes = _NONE, _NONE
    while left.any():
        check_probabilities(probabilities)
        if len(probabilities) != n:
            raise ValueError(
                f"A fit returned probabilities of {len(probabilities)} items; expected {n}."
            )
        likeliest, confidences = probabilities.argmax(axis=1), probabilities.max(axis=1)
        candidates = np.flatnonzero(left)
        picked = candidates[pick_batch(confidences[candidates], step, rng)]
        full = len(picked) < len(candidates)
        if threshold is not None:
            passing = confidences[picked] >= threshold
            full = full and bool(passing.all())
            picked = picked[passing]
        if len(picked) == 0:
            return
        # A step that is not full would have accepted any item that passes the threshold.
        least = confidences[picked[-1]] if full else threshold or 0.0
        shadows = np.flatnonzero(shadows_left & (confidences >= least))
        yield Step(picked, likeliest[picked], confidences[picked], shadows, likeliest[shadows])
        left[picked] = False
        shadows_left[shadows] = False
        rows, classes = np.append(rows, picked), np.append(classes, likeliest[picked])
        if left.any():
            probabilities = refit(rows, classes)


def training_set(
    rows: NDArray[np.integer],
    classes: NDArray[np.integer],
    auto_rows: NDArray[np.integer],
    auto_classes: NDArray[np.integer],
) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Combine annotators' labels and auto-labels into a training set for a student model.

    Parameters
    ----------
    rows, classes : (m,) integer array
        Items that annotators labelled, and their classes.
    auto_rows, auto_classes : (a,) integer array
        Items that a model labelled, and their classes. If an annotator labelled the same item,
        the annotator's class counts.

    Returns
    -------
    rows, classes : (at most m + a,) intp array

    Raises
    ------
    ValueError
        If the numbers of rows and classes differ.

    References
    ----------
    Hinton, Vinyals & Dean, "Distilling the knowledge in a neural network", 2015, with the
    teacher's classes in place of its probabilities.
    """
    if rows.shape != classes.shape or auto_rows.shape != auto_classes.shape:
        raise ValueError(
            f"{len(rows)} and {len(auto_rows)} rows have {len(classes)} and "
            f"{len(auto_classes)} classes; expected one class for each row."
        )
    new = ~np.isin(auto_rows, rows)
    return (
        np.concatenate([rows, auto_rows[new]]).astype(np.intp),
        np.concatenate([classes, auto_classes[new]]).astype(np.intp),
    )


@dataclass(frozen=True)
class Estimate:
    """The expected number of right auto-labels.

    Attributes
    ----------
    count
        Number of auto-labels.
    summed
        The sum of their probabilities: the expected number of right ones if the probabilities
        are calibrated.
    measured
        The share that was right among items with a known class that were chosen in the same way;
        None if there was no such item.
    """

    count: int
    summed: float
    measured: Accuracy | None

    @property
    def right(self) -> float:
        """The expected number of right labels: as measured, or else by their probabilities."""
        return self.summed if self.measured is None else self.count * self.measured.value

    @property
    def interval(self) -> tuple[float, float] | None:
        """The 95% interval of `right`; None if nothing was measured."""
        if self.measured is None:
            return None
        return self.count * self.measured.low, self.count * self.measured.high

    def sentence(self) -> str:
        """Return the estimate as one sentence."""
        if self.count == 0:
            return "No prediction is confident enough, so nothing is labelled."
        begin = f"Of {counted(self.count, 'auto-label')} about {self.right:,.0f}"
        if self.measured is None or self.interval is None:
            return (
                f"{begin} would be right if the model's probabilities were right. That could not "
                "be measured: no item with a known class was chosen in the same way."
            )
        low, high = self.interval
        found = self.measured
        return (
            f"{begin} are expected to be right ({low:,.0f} to {high:,.0f}, 95%): "
            f"{found.correct:,} of {found.n:,} {found.name} items chosen in the same way were "
            "right."
        )

    def to_json(self) -> dict[str, Any]:
        """Return the estimate as plain values for a JSON file."""
        return {
            "count": self.count,
            "summed": round(self.summed, 2),
            "right": round(self.right, 2),
            "interval": None if self.interval is None else [round(end, 2) for end in self.interval],
            "measured": None if self.measured is None else asdict(self.measured),
        }


def estimate(confidences: NDArray[Any], measured: Accuracy | None = None) -> Estimate:
    """Estimate how many auto-labels are right.

    Parameters
    ----------
    confidences : (a,) floating array
        Probabilities of the accepted classes.
    measured
        The result of `measure`.

    Returns
    -------
    Estimate
    """
    return Estimate(len(confidences), float(confidences.sum(dtype=np.float64)), measured)


def check_threshold(threshold: float) -> None:
    """Raise an error for a threshold that is not a probability.

    Raises
    ------
    UsageError
    """
    if not 0 <= threshold <= 1:
        raise UsageError(f"The threshold is {threshold:g}; expected a number from 0 to 1.")
