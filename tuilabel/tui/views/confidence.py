"""What the curve screen shows of accuracy by confidence, as plain values."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from tuilabel.learn.metrics import wilson_interval
from tuilabel.tui.charts.axes import accuracy_axis, level_axis
from tuilabel.tui.charts.drawing import Drawing
from tuilabel.tui.text.pieces import Piece
from tuilabel.tui.views.curve import Sentences

SURE = 0.95
"""The confidence that is told of in words: what auto-labels take by default."""

LEAST = 30
"""Predictions whose accuracy means something."""


class Confident(NamedTuple):
    """How many of the surest predictions are right.

    Attributes
    ----------
    counts : tuple of int
        How many predictions, the surest first.
    correct : tuple of int
        How many of them are right.
    sure, sure_correct : int
        The same for those that are at least `SURE`.
    """

    counts: tuple[int, ...]
    correct: tuple[int, ...]
    sure: int
    sure_correct: int


_MOST_POINTS = 200


def confident(confidence: Sequence[float], right: Sequence[bool]) -> Confident:
    """Order predictions by confidence, the surest first, and count those that are right.

    Equal ones come together: their order would be chance.
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
    return Confident(
        tuple(counts[place] for place in kept),
        tuple(correct[place] for place in kept),
        len(sure),
        sum(sure),
    )


def by_confidence(
    found: Confident | None, columns: int, rows: int, *, chance: float, zoomed: bool
) -> Drawing:
    """Draw the accuracy of the surest share of predictions, up to all of them.

    It begins at `LEAST` of them: of fewer, one mistake more or less would be a cliff.
    """
    x = level_axis(1, columns)
    y, used = accuracy_axis(chance, rows, zoomed=zoomed)
    if found is None or not found.counts or found.counts[-1] < LEAST:
        return Drawing(x, y, percent=True, rows=used)
    n = found.counts[-1]
    line, band = [], []
    for count, correct in zip(found.counts, found.correct, strict=True):
        if count >= LEAST:
            line.append((count / n, correct / count))
            band.append((count / n, *wilson_interval(correct, count)))
    return Drawing(x, y, line, band, percent=True, newest=f"{line[-1][1]:.1%}", rows=used)


def confidence_title(set_name: str) -> str:
    """Say what the curve is."""
    return f" accuracy on the surest share of {set_name}"


def confidence_sentences(found: Confident | None, set_name: str, *, waiting: str) -> Sentences:
    """Say how right the sure predictions are."""
    if found is None or not found.counts:
        return [[(f" No predictions yet: {waiting}.", "muted")], []]
    n = found.counts[-1]
    low, high = wilson_interval(found.correct[-1], n)
    rest = f"are right ({set_name})" if n >= LEAST else f"are right; the curve begins at {LEAST}"
    first: list[Piece] = [
        (f" {found.correct[-1] / n:6.1%}", "strong"),
        (f"  95 %: {low:.1%} to {high:.1%}", "plain"),
        (f"  of all {n:,} {rest}", "muted"),
    ]
    if not found.sure:
        return [first, [(f" None is surer than {SURE:.0%}.", "muted")]]
    low, high = wilson_interval(found.sure_correct, found.sure)
    second: list[Piece] = [
        (f" {found.sure_correct / found.sure:6.1%}", "strong"),
        (f"  95 %: {low:.1%} to {high:.1%}", "plain"),
        (f"  of the {found.sure:,} that are surer than {SURE:.0%} ({found.sure / n:.0%})", "muted"),
    ]
    return [first, second]
