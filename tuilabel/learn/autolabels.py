"""Auto-labels: which items a model may label by itself, and how many of them will be right.

Positions here are rows of the probabilities that are given. What is written down, and that a
person's label always goes before a model's, is for those who keep labels.
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

ORDERED = "ordered"
"""The method that `ordered` drives; those of `ACCEPTANCE_RULES` take one look."""

STEP = 10
"""Items that `ordered` accepts between two fits."""

_NONE = np.empty(0, dtype=np.intp)


@dataclass(frozen=True, eq=False)
class Choice:
    """What a method makes of predictions.

    Attributes
    ----------
    accepted : (n,) bool array
        Which items get a label.
    classes : (n,) intp array
        The likeliest class of every item; of equals the first.
    confidences : (n,) floating array
        Its probability.
    """

    accepted: NDArray[np.bool_]
    classes: NDArray[np.intp]
    confidences: NDArray[np.floating[Any]]


@dataclass(frozen=True, eq=False)
class Step:
    """What `ordered` accepts between two fits.

    Attributes
    ----------
    rows, classes : (s,) intp array
        Items and the classes they get, the most confident first.
    confidences : (s,) floating array
    shadow_rows, shadow_classes : (h,) intp array
        Items kept to measure on that would have been accepted in this step as well, and the
        classes they would have got.
    """

    rows: NDArray[np.intp]
    classes: NDArray[np.intp]
    confidences: NDArray[np.floating[Any]]
    shadow_rows: NDArray[np.intp]
    shadow_classes: NDArray[np.intp]


Refit = Callable[[NDArray[np.intp], NDArray[np.intp]], NDArray[Any]]
"""From the rows accepted so far and their classes to probabilities of all rows, (n, k)."""


def naive(probabilities: NDArray[Any], threshold: float | None) -> NDArray[np.bool_]:
    """Accept every item, however unsure.

    Parameters
    ----------
    probabilities : (n, k) floating array
    threshold
        None: there is nothing to pass.

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
            f"The method 'naive' labels everything, so a threshold of {threshold:g} cannot be "
            "meant: leave it out, or choose 'confident'."
        )
    return np.ones(len(probabilities), dtype=bool)


def accept_confident(probabilities: NDArray[Any], threshold: float | None) -> NDArray[np.bool_]:
    """Accept the items whose likeliest class is likely enough.

    Parameters
    ----------
    probabilities : (n, k) floating array
        Calibrated, or the threshold means little.
    threshold
        The least probability that is accepted, 0 to 1.

    Returns
    -------
    (n,) bool array

    Raises
    ------
    UsageError
        If there is no threshold, or one that is no probability.

    References
    ----------
    Lee, "Pseudo-label: the simple and efficient semi-supervised learning method for deep neural
    networks", ICML workshop 2013; with a threshold: Sohn et al., "FixMatch", NeurIPS 2020.
    """
    if threshold is None:
        raise UsageError("The method 'confident' needs a threshold: give one from 0 to 1.")
    check_threshold(threshold)
    accepted: NDArray[np.bool_] = probabilities.max(axis=1) >= threshold
    return accepted


ACCEPTANCE_RULES: Mapping[str, Callable[[NDArray[Any], float | None], NDArray[np.bool_]]] = {
    "naive": naive,
    "confident": accept_confident,
}


def choose(method: str, probabilities: NDArray[Any], threshold: float | None = None) -> Choice:
    """Choose what a model labels by itself in one look.

    Parameters
    ----------
    method
        A key of `ACCEPTANCE_RULES`.
    probabilities : (n, k) floating array
        Of the items that nobody has answered; calibrated.
    threshold
        See the method.

    Returns
    -------
    Choice

    Raises
    ------
    UsageError
        If there is no such method, or the threshold does not suit it.
    ValueError
        If these are no probabilities.
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

    What is accepted keeps its class. Ends when no item is left, or none is likely enough.

    Items with a known class can go along as shadows: they are never accepted or trained on, but
    one that is at least as confident as the least confident item of a step would have been
    accepted there, and has the class it would have got. The share of these classes that are right
    is what can be expected of the accepted ones, mistakes that feed on mistakes included.

    Parameters
    ----------
    probabilities : (n, k) floating array
        Of the unanswered items, and of the shadows; calibrated, where there is a threshold.
    refit
        Called between two steps with all rows accepted so far and their classes, (a,) each, in
        the order in which they were accepted.
    rng
        Decides between equally confident items.
    threshold
        The least probability that is accepted, 0 to 1; None for no end but that of the items.
    step
        Items between two fits, at least 1.
    shadow : (n,) bool array, optional
        Which items are shadows.

    Yields
    ------
    Step

    Raises
    ------
    UsageError
        If the threshold is no probability or `step` is not at least 1.
    ValueError
        If these, or what `refit` gives, are no probabilities of n items.
    """
    if threshold is not None:
        check_threshold(threshold)
    if step < 1:
        raise UsageError(f"Steps of {step} items lead nowhere: give 1 or more.")
    n = len(probabilities)
    shadows_left = np.zeros(n, dtype=bool) if shadow is None else shadow.copy()
    if shadows_left.shape != (n,):
        raise ValueError(f"Shadows have shape {shadows_left.shape} for {n} items: give one each.")
    left = ~shadows_left
    rows, classes = _NONE, _NONE
    while left.any():
        check_probabilities(probabilities)
        if len(probabilities) != n:
            raise ValueError(f"A fit gave probabilities of {len(probabilities)} items, not of {n}.")
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
        # A step that ran out of items, and not of places, would have taken any that pass.
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
    """Put annotators' labels and auto-labels together, for a student to be fitted on.

    Parameters
    ----------
    rows, classes : (m,) integer array
        Items that annotators labelled, and their classes.
    auto_rows, auto_classes : (a,) integer array
        Items that a model labelled, and their classes; where an annotator has labelled the same
        item, the annotator's class is taken.

    Returns
    -------
    rows, classes : (at most m + a,) intp array

    Raises
    ------
    ValueError
        If there is not one class for each row.

    References
    ----------
    Hinton, Vinyals & Dean, "Distilling the knowledge in a neural network", 2015, with the
    teacher's classes in place of its probabilities.
    """
    if rows.shape != classes.shape or auto_rows.shape != auto_classes.shape:
        raise ValueError(
            f"{len(rows)} and {len(auto_rows)} rows came with {len(classes)} and "
            f"{len(auto_classes)} classes: give one each."
        )
    new = ~np.isin(auto_rows, rows)
    return (
        np.concatenate([rows, auto_rows[new]]).astype(np.intp),
        np.concatenate([classes, auto_classes[new]]).astype(np.intp),
    )


@dataclass(frozen=True)
class Estimate:
    """How many auto-labels will be right.

    Attributes
    ----------
    count
        Auto-labels.
    summed
        The sum of their probabilities: what is expected if these are calibrated.
    measured
        The share that was right among items with a known class that were chosen in the same way;
        None where there was no such item.
    """

    count: int
    summed: float
    measured: Accuracy | None

    @property
    def right(self) -> float:
        """How many are expected to be right: as measured, or else by their probabilities."""
        return self.summed if self.measured is None else self.count * self.measured.value

    @property
    def interval(self) -> tuple[float, float] | None:
        """The 95 % interval of `right`; None where nothing was measured."""
        if self.measured is None:
            return None
        return self.count * self.measured.low, self.count * self.measured.high

    def sentence(self) -> str:
        """Say it in one plain sentence."""
        if self.count == 0:
            return "No item is likely enough: nothing is labelled."
        begin = f"Of {counted(self.count, 'auto-label')} about {self.right:,.0f}"
        if self.measured is None or self.interval is None:
            return (
                f"{begin} would be right if the model's probabilities were: no item with a known "
                "class was chosen in the same way, so nothing is measured."
            )
        low, high = self.interval
        found = self.measured
        return (
            f"{begin} are expected to be right ({low:,.0f} to {high:,.0f}, 95 %): of {found.n:,} "
            f"{found.name} items chosen in the same way {found.correct:,} were."
        )

    def to_json(self) -> dict[str, Any]:
        """Give plain values to write down."""
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
        Probabilities of the classes that were given.
    measured
        What `measure` found.

    Returns
    -------
    Estimate
    """
    return Estimate(len(confidences), float(confidences.sum(dtype=np.float64)), measured)


def measure(classes: NDArray[np.integer], truth: NDArray[np.integer], name: str) -> Accuracy | None:
    """Compare classes that a method gives items it never saw with their true ones.

    Parameters
    ----------
    classes : (h,) integer array
        Of the hold-out or audit items that the method accepts, by the same threshold and fits as
        those it labels.
    truth : (h,) integer array
    name
        The set: ``"hold-out"``, ``"t10k"``, ``"audit"``.

    Returns
    -------
    Accuracy or None
        None if there are none: then nothing is known.

    Raises
    ------
    ValueError
        If the lengths differ.
    """
    if classes.shape != truth.shape:
        raise ValueError(f"{len(classes)} classes with {len(truth)} true ones: give one each.")
    if len(classes) == 0:
        return None
    return Accuracy(int((classes == truth).sum()), len(classes), name)


def check_threshold(threshold: float) -> None:
    """Refuse a threshold that is no probability.

    Raises
    ------
    UsageError
    """
    if not 0 <= threshold <= 1:
        raise UsageError(f"A threshold of {threshold:g} is no probability: give 0 to 1.")
