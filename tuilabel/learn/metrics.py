"""How good the model is, with the uncertainty of the measurement."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from tuilabel.learn.checks import check_indices
from tuilabel.text import accuracy_text


def wilson_interval(correct: int, n: int, confidence: float = 0.95) -> tuple[float, float]:
    """Return the Wilson score interval of a proportion.

    Unlike the textbook interval it stays within [0, 1] and keeps its coverage for few items and
    for proportions near 0 or 1: the beginning and the end of a labelling session.

    Parameters
    ----------
    correct
        Items that were right, 0 to n.
    n
        Items in all; with none the interval is (0.0, 1.0).
    confidence
        Coverage, strictly between 0 and 1.

    Returns
    -------
    tuple of float
        Lower and upper end.

    Raises
    ------
    ValueError
        If `correct` is not within 0..n or `confidence` is not within (0, 1).

    References
    ----------
    Wilson, "Probable inference, the law of succession, and statistical inference", JASA 1927.
    """
    if not 0 <= correct <= n:
        raise ValueError(f"{correct} of {n} items are right; expected 0 to {n}.")
    if not 0 < confidence < 1:
        raise ValueError(f"The confidence is {confidence}; expected a number between 0 and 1.")
    if n == 0:
        return 0.0, 1.0
    # Imported here to save milliseconds at start-up.
    from statistics import NormalDist

    z = NormalDist().inv_cdf((1 + confidence) / 2)
    share = correct / n
    shrink = 1 + z * z / n
    centre = (share + z * z / (2 * n)) / shrink
    half = z / shrink * math.sqrt(share * (1 - share) / n + z * z / (4 * n * n))
    # At the ends the formula is exactly 0 or 1, but for rounding.
    low = 0.0 if correct == 0 else max(0.0, centre - half)
    high = 1.0 if correct == n else min(1.0, centre + half)
    return low, high


@dataclass(frozen=True)
class Rate:
    """The share of items a model predicts right, such as the recall of a class.

    Attributes
    ----------
    correct
        Items predicted right.
    n
        Items predicted, at least 1.
    """

    correct: int
    n: int

    @property
    def value(self) -> float:
        """The share, 0 to 1."""
        return self.correct / self.n

    @property
    def low(self) -> float:
        """Lower end of the 95% Wilson interval."""
        return wilson_interval(self.correct, self.n)[0]

    @property
    def high(self) -> float:
        """Upper end of the 95% Wilson interval."""
        return wilson_interval(self.correct, self.n)[1]


@dataclass(frozen=True)
class Accuracy(Rate):
    """The share of items a model predicts right, with the set it was measured on.

    Attributes
    ----------
    correct
        Items predicted right.
    n
        Items predicted, at least 1.
    name
        Name of the set: ``"hold-out"``, ``"t10k"``, ``"audit"``.
    """

    name: str

    def __post_init__(self) -> None:
        if self.n < 1 or not 0 <= self.correct <= self.n:
            raise ValueError(
                f"The accuracy on {self.name!r} is {self.correct} of {self.n}; expected at least "
                "one item, and no more right ones than items."
            )

    @property
    def text(self) -> str:
        """The accuracy with its interval, set and n, in words."""
        return accuracy_text(self.value, self.low, self.high, self.n, self.name)


class Estimate(NamedTuple):
    """An estimated share with the ends of its 95% interval, all 0 to 1."""

    value: float
    low: float
    high: float


def merged_confusion(
    confusion: Sequence[Sequence[int]], places: Sequence[int], size: int
) -> list[list[int]]:
    """Return a confusion matrix in which some rows and columns are added up.

    Parameters
    ----------
    confusion : (k, k) sequence of sequences of int
    places : sequence of int
        Where each of the k classes is in the result, 0 to size - 1.
    size
        Rows and columns of the result; those that are no class's place are zeros.
    """
    counts = [[0] * size for _ in range(size)]
    for truth, row in zip(places, confusion, strict=True):
        for predicted, count in zip(places, row, strict=True):
            counts[truth][predicted] += count
    return counts


def recall_by_class(confusion: Sequence[Sequence[int]]) -> list[Rate | None]:
    """Return the share of each class that is predicted as that class.

    Parameters
    ----------
    confusion : (k, k) sequence of sequences of int
        Rows are the truth, columns the prediction.

    Returns
    -------
    list of Rate or None
        In the order of the rows; None for a class of which there is no item.
    """
    rows = ((place, row, sum(row)) for place, row in enumerate(confusion))
    return [Rate(row[place], n) if n else None for place, row, n in rows]


def balanced_accuracy(recalls: Sequence[Rate]) -> Estimate:
    """Return the mean recall, in which a class counts as much as any other, however rare it is.

    Each class is a sample of its own, so the variances of the recalls add up. The distance to each
    end of the interval is the root of the summed squares of the distances to the same end of the
    classes' Wilson intervals. Unlike the normal interval it stays within [0, 1], is never empty
    (also where every item is right), and of one class it is the Wilson interval.

    Parameters
    ----------
    recalls
        Those of the classes of which there are items, at least one.

    Raises
    ------
    ValueError
        If there are none.

    References
    ----------
    Brodersen et al., "The balanced accuracy and its posterior distribution", ICPR 2010.

    Zou, Huang and Zhang, "A note on confidence interval estimation for a linear function of
    binomial proportions", Computational Statistics & Data Analysis 2009.
    """
    if not recalls:
        raise ValueError("No class has items; expected the recall of at least one class.")
    k = len(recalls)
    value = math.fsum(rate.value for rate in recalls) / k
    below = math.hypot(*(rate.value - rate.low for rate in recalls)) / k
    above = math.hypot(*(rate.high - rate.value for rate in recalls)) / k
    # Within [0, 1] but for rounding.
    return Estimate(value, max(0.0, value - below), min(1.0, value + above))


def measure(classes: NDArray[np.integer], truth: NDArray[np.integer], name: str) -> Accuracy | None:
    """Compare the classes that a method gives to items it never saw with the true ones.

    Parameters
    ----------
    classes : (h,) integer array
        Of hold-out or audit items. Of auto-labels: of those that the method accepts, with the same
        threshold and fits as for the items it labels.
    truth : (h,) integer array
    name
        The set: ``"hold-out"``, ``"t10k"``, ``"audit"``.

    Returns
    -------
    Accuracy or None
        None if there are no items.

    Raises
    ------
    ValueError
        If the lengths differ.
    """
    if classes.shape != truth.shape:
        raise ValueError(
            f"There are {len(classes)} classes and {len(truth)} true classes; expected as many."
        )
    if len(classes) == 0:
        return None
    return Accuracy(int((classes == truth).sum()), len(classes), name)


def confusion_matrix(
    truth: NDArray[np.integer], predicted: NDArray[np.integer], n_classes: int
) -> NDArray[np.int64]:
    """Return the confusion matrix: how often each class was predicted for each true class.

    Parameters
    ----------
    truth : (m,) integer array
        True class indices, 0 to n_classes - 1.
    predicted : (m,) integer array
        Predicted class indices, likewise.
    n_classes
        k, the number of classes.

    Returns
    -------
    (k, k) int64 array
        Rows are the truth, columns the prediction; the sum is m.

    Raises
    ------
    ValueError
        If the lengths differ or an index is not a class.
    """
    if truth.shape != predicted.shape or truth.ndim != 1:
        raise ValueError(
            f"The truth has shape {truth.shape} and the predictions {predicted.shape}; expected "
            "two lists of the same length."
        )
    check_indices(truth, n_classes, "True classes")
    check_indices(predicted, n_classes, "Predicted classes")
    cells = truth.astype(np.int64) * n_classes + predicted
    return np.bincount(cells, minlength=n_classes * n_classes).reshape(n_classes, n_classes)
