"""Accuracy by confidence on the curve screen, as plain values."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from tuilabel.learn.metrics import wilson_interval
from tuilabel.tui.charts.axes import accuracy_axis, level_axis
from tuilabel.tui.charts.chart import Chart
from tuilabel.tui.text.pieces import Piece
from tuilabel.tui.views.curve import Sentences

SURE = 0.95
"""The confidence that a sentence is about: the default threshold of auto-labels."""

LEAST = 30
"""Fewest predictions that an accuracy is shown of."""


class ConfidenceCounts(NamedTuple):
    """How many of the most confident predictions are right.

    Attributes
    ----------
    counts : tuple of int
        Numbers of predictions, counted from the most confident one.
    correct : tuple of int
        How many of them are right.
    sure, sure_correct : int
        The same for the predictions with a confidence of at least `SURE`.
    """

    counts: tuple[int, ...]
    correct: tuple[int, ...]
    sure: int
    sure_correct: int


_MOST_POINTS = 200


def counts_by_confidence(confidence: Sequence[float], right: Sequence[bool]) -> ConfidenceCounts:
    """Return how many of the most confident predictions are right.

    Predictions of equal confidence are counted together, because their order would be chance.
    """
    order = sorted(range(len(confidence)), key=lambda place: -confidence[place])
    counts, correct, so_far = [], [], 0
    for number, place in enumerate(order, start=1):
        so_far += right[place]
        is_last = number == len(order)
        if is_last or confidence[order[number]] < confidence[place]:
            counts.append(number)
            correct.append(so_far)
    step = max(1, len(counts) // _MOST_POINTS)
    kept = sorted({*range(0, len(counts), step), len(counts) - 1}) if counts else []
    sure = [hit for value, hit in zip(confidence, right, strict=True) if value >= SURE]
    return ConfidenceCounts(
        tuple(counts[place] for place in kept),
        tuple(correct[place] for place in kept),
        len(sure),
        sum(sure),
    )


def by_confidence(
    found: ConfidenceCounts | None, columns: int, rows: int, *, chance: float, zoomed: bool
) -> Chart:
    """Return the accuracy of the most confident share of predictions, up to all of them.

    It begins at `LEAST` predictions: with fewer, a single mistake would look like a cliff.
    """
    x = level_axis(1, columns)
    y, used = accuracy_axis(chance, rows, zoomed=zoomed)
    if found is None or not found.counts or found.counts[-1] < LEAST:
        return Chart(x, y, percent=True, rows=used)
    n = found.counts[-1]
    line, interval = [], []
    for count, correct in zip(found.counts, found.correct, strict=True):
        if count >= LEAST:
            line.append((count / n, correct / count))
            interval.append((count / n, *wilson_interval(correct, count)))
    return Chart(x, y, line, interval, percent=True, newest=f"{line[-1][1]:.1%}", rows=used)


def confidence_title(set_name: str) -> str:
    """Return the title of the curve."""
    return f" accuracy on {set_name}, most confident first"


def confidence_sentences(
    found: ConfidenceCounts | None, set_name: str, *, waiting: str
) -> Sentences:
    """Return sentences about the accuracy of all and of the sure predictions."""
    if found is None or not found.counts:
        return [[(f" No predictions yet: {waiting}.", "muted")], []]
    n = found.counts[-1]
    low, high = wilson_interval(found.correct[-1], n)
    rest = f"are right ({set_name})" if n >= LEAST else f"are right; the curve needs {LEAST} images"
    first: list[Piece] = [
        (f" {found.correct[-1] / n:6.1%}", "strong"),
        (f"  95%: {low:.1%} to {high:.1%}", "plain"),
        (f"  of all {n:,} {rest}", "muted"),
    ]
    if not found.sure:
        return [first, [(f" No prediction has a confidence of at least {SURE:.0%}.", "muted")]]
    low, high = wilson_interval(found.sure_correct, found.sure)
    second: list[Piece] = [
        (f" {found.sure_correct / found.sure:6.1%}", "strong"),
        (f"  95%: {low:.1%} to {high:.1%}", "plain"),
        (f"  of {found.sure:,} with a confidence of at least {SURE:.0%}", "muted"),
    ]
    return [first, second]
