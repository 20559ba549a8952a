"""How good the model is, with the uncertainty of the measurement."""

from __future__ import annotations

import math
from dataclasses import dataclass

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
class Accuracy:
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

    correct: int
    n: int
    name: str

    def __post_init__(self) -> None:
        if self.n < 1 or not 0 <= self.correct <= self.n:
            raise ValueError(
                f"The accuracy on {self.name!r} is {self.correct} of {self.n}; expected at least "
                "one item, and no more right ones than items."
            )

    @property
    def value(self) -> float:
        """The share, 0 to 1."""
        return self.correct / self.n

    @property
    def low(self) -> float:
        """Lower end of the 95% Wilson interval."""
        return wilson_interval(self.correct, self.n)[0]

    @property
    def text(self) -> str:
        """The accuracy with its interval, set and n, in words."""
        return accuracy_text(self.value, self.low, self.high, self.n, self.name)

    @property
    def high(self) -> float:
        """Upper end of the 95% Wilson interval."""
        return wilson_interval(self.correct, self.n)[1]


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
