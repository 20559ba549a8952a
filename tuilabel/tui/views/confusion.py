"""The confusion matrix of the newest fit, as plain values."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

from tuilabel.events.payloads import Fitted
from tuilabel.learn.metrics import merged_confusion, wilson_interval
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
    classes : sequence of int
        The class index of each row and column.
    """

    counts: Sequence[Sequence[int]]
    labels: int
    classes: Sequence[int]

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
        size = len(fit.classes)
        is_square = len(fit.confusion) == size and all(len(row) == size for row in fit.confusion)
        found = _in_classes_of_now(fit, session) if is_square else None
        if found is not None:
            return found
    return None


def _in_classes_of_now(fit: Fitted, session: Session) -> Confusion | None:
    """Return a matrix by the classes as they are now: those merged since are one row and column.

    A class added since has a row and a column of zeros. None for a class that nobody has added.
    """
    assert fit.confusion is not None
    places = [session.classes.index(id_) for id_ in fit.classes]
    if None in places:
        return None
    classes = sorted({*session.classes.open, *(index for index in places if index is not None)})
    at = {index: place for place, index in enumerate(classes)}
    where = [at[index] for index in places if index is not None]
    counts = merged_confusion(fit.confusion, where, len(classes))
    return Confusion(counts, fit.labels, classes)


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


def in_classes_of_now(
    session: Session, predictions: Predictions
) -> tuple[Sequence[int], Sequence[int]]:
    """Return the true and the predicted class indices, -1 for a class that nobody has added."""

    def indices(ids: Sequence[str]) -> list[int]:
        at = {id_: session.classes.index(id_) for id_ in set(ids)}
        return [-1 if (index := at[id_]) is None else index for id_ in ids]

    holdout = session.items.holdout
    if predictions.truth is not None or holdout is None:
        truth: Sequence[str] = predictions.truth or ()
    else:
        of_source = session.classes.of_source
        truth = [of_source[number] for number in holdout.truth.tolist()]
    return indices(truth), indices(predictions.predicted)


def items_of_cell(
    predictions: Predictions,
    truth: Sequence[int],
    predicted: Sequence[int],
    cell: tuple[int, int],
) -> list[CellItem]:
    """Return the items of a cell, the most confident predictions first.

    Parameters
    ----------
    predictions : Predictions
    truth, predicted : sequence of int
        Class indices of the same items.
    cell : tuple of int
        Indices of the true and the predicted class.
    """
    found = [
        CellItem(row, confidence)
        for row, true, guess, confidence in zip(
            predictions.rows, truth, predicted, predictions.confidence, strict=True
        )
        if (true, guess) == cell
    ]
    return sorted(found, key=lambda item: -item.confidence)
