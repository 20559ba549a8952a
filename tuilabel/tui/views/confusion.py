"""Which classes the newest fit takes for which, as plain values."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

from tuilabel.learn.metrics import wilson_interval
from tuilabel.session import Predictions, Session


class Confusion(NamedTuple):
    """A confusion matrix with what it was counted on.

    Attributes
    ----------
    counts : sequence of sequences of int
        Rows are the truth, columns the prediction.
    labels : int
        That the fit was made from.
    """

    counts: Sequence[Sequence[int]]
    labels: int

    @property
    def n(self) -> int:
        """How many items were predicted."""
        return sum(map(sum, self.counts))

    def of_truth(self, truth: int) -> int:
        """Count the items that are of a class."""
        return sum(self.counts[truth])

    def of_predicted(self, predicted: int) -> int:
        """Count the items that are taken for a class."""
        return sum(row[predicted] for row in self.counts)

    def share(self, truth: int, predicted: int) -> float:
        """Give the share of a true class that is taken for a class."""
        return self.counts[truth][predicted] / max(1, self.of_truth(truth))

    def darkness(self, truth: int, predicted: int) -> float:
        """Give how full a cell is drawn: by its share, small ones still apart from none."""
        return math.sqrt(self.share(truth, predicted))

    def worst(self) -> tuple[int, int]:
        """Give the largest of the mistakes; the first cell where there are none."""
        size = len(self.counts)
        wrong = [(t, p) for t in range(size) for p in range(size) if t != p and self.counts[t][p]]
        return max(wrong, key=lambda cell: self.counts[cell[0]][cell[1]], default=(0, 0))


def newest_confusion(session: Session) -> Confusion | None:
    """Give the matrix of the newest fit from labels that still hold; None before the first."""
    size = len(session.info.class_names)
    for event in reversed(session.ledger.rounds):
        counts, labels = event.body.get("confusion"), event.body.get("labels")
        if not counts or not isinstance(labels, int) or labels > session.labels:
            continue
        if len(counts) == size and all(len(row) == size for row in counts):
            return Confusion(counts, labels)
    return None


def cell_sentence(found: Confusion, truth: int, predicted: int, names: Sequence[str]) -> str:
    """Say what a cell counts."""
    count, total = found.counts[truth][predicted], found.of_truth(truth)
    what = f"{names[truth]} taken for {names[predicted]}"
    if truth == predicted:
        what = f"{names[truth]} recognised"
    return f"{what}: {count:,} of {total:,} ({percent(count / max(1, total))})"


def rates_sentence(found: Confusion, truth: int, predicted: int, names: Sequence[str]) -> str:
    """Say how well the row's class is found, and how far the column's can be believed."""
    recall = _rate(found.counts[truth][truth], found.of_truth(truth), "found")
    precision = _rate(found.counts[predicted][predicted], found.of_predicted(predicted), "right")
    return f"{names[truth]}: {recall}   taken for {names[predicted]}: {precision}"


def _rate(correct: int, n: int, what: str) -> str:
    if not n:
        return "none"
    low, high = wilson_interval(correct, n)
    return f"{correct / n:.1%} {what} ({low:.1%} to {high:.1%})"


def percent(share: float) -> str:
    """Give a share in whole percent; finer where that would read as all or none of them."""
    return f"{share:.0%}" if 0.01 <= share < 0.99 or share in (0, 1) else f"{share:.1%}"


class CellItem(NamedTuple):
    """One item of a cell: a row of the hold-out or the pool, and how sure the model is."""

    row: int
    confidence: float


def items_of_cell(
    predictions: Predictions, truth: Sequence[int], cell: tuple[int, int]
) -> list[CellItem]:
    """Give the items of a cell, the surest first.

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
