"""The confusion matrix of the newest fit, as plain values."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

from tuilabel.journal.payloads import Fitted
from tuilabel.learn.metrics import wilson_interval
from tuilabel.session import Predictions, Session
from tuilabel.text import percent


class Confusion(NamedTuple):
    """A confusion matrix, and the number of labels behind it.

    Attributes
    ----------
    counts : sequence of sequences of int
        Rows are the truth, columns the prediction.
    labels : int
        Labels that the model was fitted to.
    """

    counts: Sequence[Sequence[int]]
    labels: int

    @property
    def n(self) -> int:
        """The number of items that were predicted."""
        return sum(map(sum, self.counts))

    def of_truth(self, truth: int) -> int:
        """Return the number of items of a class."""
        return sum(self.counts[truth])

    def of_predicted(self, predicted: int) -> int:
        """Return the number of items that are predicted as a class."""
        return sum(row[predicted] for row in self.counts)

    def share(self, truth: int, predicted: int) -> float:
        """Return the share of a true class that is predicted as a class."""
        return self.counts[truth][predicted] / max(1, self.of_truth(truth))

    def darkness(self, truth: int, predicted: int) -> float:
        """Return how full a cell is drawn, 0 to 1, so that small shares still differ from none."""
        return math.sqrt(self.share(truth, predicted))

    def worst(self) -> tuple[int, int]:
        """Return the cell of the most frequent mistake; the first cell if there is none."""
        size = len(self.counts)
        wrong = [(t, p) for t in range(size) for p in range(size) if t != p and self.counts[t][p]]
        return max(wrong, key=lambda cell: self.counts[cell[0]][cell[1]], default=(0, 0))


def newest_confusion(session: Session) -> Confusion | None:
    """Return the matrix of the newest fit to labels that were not undone; None before the first."""
    for event in reversed(session.known.fits):
        fit = event.payload
        if not isinstance(fit, Fitted) or not fit.confusion or fit.labels > session.labels:
            continue
        size = len(session.class_ids)
        is_square = len(fit.confusion) == size and all(len(row) == size for row in fit.confusion)
        if is_square and fit.classes == session.class_ids:
            return Confusion(fit.confusion, fit.labels)
    return None


def cell_sentence(found: Confusion, truth: int, predicted: int, names: Sequence[str]) -> str:
    """Return a sentence about a cell."""
    count, total = found.counts[truth][predicted], found.of_truth(truth)
    what = f"{names[truth]} taken for {names[predicted]}"
    if truth == predicted:
        what = f"{names[truth]} recognised"
    return f"{what}: {count:,} of {total:,} ({percent(count / max(1, total))})"


def rates_sentences(
    found: Confusion, truth: int, predicted: int, names: Sequence[str]
) -> tuple[str, str]:
    """Return the recall of the row's class and the precision of the column's in words."""
    recall = _rate(found.counts[truth][truth], found.of_truth(truth), "found")
    precision = _rate(found.counts[predicted][predicted], found.of_predicted(predicted), "right")
    return f"{names[truth]}: {recall}", f"taken for {names[predicted]}: {precision}"


def _rate(correct: int, n: int, what: str) -> str:
    if not n:
        return "none"
    low, high = wilson_interval(correct, n)
    return f"{correct / n:.1%} {what} ({low:.1%} to {high:.1%})"


class CellItem(NamedTuple):
    """One item of a cell: its row in the hold-out or the pool, and the model's confidence."""

    row: int
    confidence: float


def items_of_cell(
    predictions: Predictions, truth: Sequence[int], cell: tuple[int, int]
) -> list[CellItem]:
    """Return the items of a cell, the most confident predictions first.

    Parameters
    ----------
    predictions : Predictions
    truth : sequence of int
        Class indices of the same items.
    cell : tuple of int
        True and predicted class.
    """
    found = [
        CellItem(row, confidence)
        for row, true, predicted, confidence in zip(
            predictions.rows, truth, predictions.predicted, predictions.confidence, strict=True
        )
        if (true, predicted) == cell
    ]
    return sorted(found, key=lambda item: -item.confidence)
