"""What the curve screen shows, as plain values."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from itertools import pairwise
from typing import Any, NamedTuple

from tuilabel.learn.metrics import wilson_interval
from tuilabel.session import CurvePoint
from tuilabel.tui.chart import Alphabet, Axis, Drawing, nice_ticks
from tuilabel.tui.widgets.lines import Piece

ZOOMED = 0.9
"""Where the axis of accuracies begins by wish."""

SURE = 0.95
"""The confidence that is told of in words: what auto-labels take by default."""

_ROWS_PER_TICK = 3
_COLUMNS_PER_TICK = 9

Sentences = list[list[Piece]]


class BaselinePoint(NamedTuple):
    """Accuracy after labels for images drawn at random: mean, least and most of the runs."""

    labels: int
    mean: float
    least: float
    most: float


class Baseline(NamedTuple):
    """What labels for images drawn at random would be worth."""

    points: tuple[BaselinePoint, ...]
    runs: int

    def at(self, labels: int) -> float | None:
        """Give the mean accuracy after a number of labels; None where it is not known."""
        points = self.points
        if not points or not points[0].labels <= labels <= points[-1].labels:
            return None
        for left, right in pairwise(points):
            if left.labels <= labels <= right.labels:
                share = (labels - left.labels) / max(1, right.labels - left.labels)
                return left.mean + share * (right.mean - left.mean)
        return points[-1].mean

    def labels_for(self, accuracy: float) -> int | None:
        """Tell after how many labels an accuracy is first reached; None where it is not."""
        return next((point.labels for point in self.points if point.mean >= accuracy), None)


def read_baseline(text: str | bytes) -> Baseline:
    """Read what `tuilabel simulate --json` wrote.

    Raises
    ------
    ValueError
        It is something else, or holds no run of the baseline.
    """
    try:
        runs: list[dict[str, Any]] = [
            run
            for run in json.loads(text)["runs"]
            if run["strategy"] == "random" and run["cold_start"] == "random"
        ]
        columns = zip(
            *(zip(run["labels"], run["accuracy"], strict=True) for run in runs), strict=True
        )
        points = []
        for column in columns:
            values = [float(accuracy) for _, accuracy in column]
            mean = math.fsum(values) / len(values)
            points.append(BaselinePoint(int(column[0][0]), mean, min(values), max(values)))
    except (LookupError, TypeError) as error:
        raise ValueError(f"no results of a simulation ({error!r})") from error
    if not points or not all(0 <= p.least <= p.most <= 1 for p in points):
        raise ValueError("no run of the baseline is in the results")
    return Baseline(tuple(points), len(runs))


def budget_for(labels: int, items: int) -> int:
    """Round labels up to what a baseline is worth working out for: 50, 100, 200, 500, ..."""
    budget = 50
    while budget < labels:
        budget = next(step for step in _ladder(budget) if step > budget)
    return min(budget, items)


def _ladder(budget: int) -> Sequence[int]:
    power = 10 ** (len(str(budget)) - 1)
    return [power, 2 * power, 5 * power, 10 * power]


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


def accuracy_axis(chance: float, rows: int, *, zoomed: bool) -> Axis:
    """Give the axis of accuracies: from chance, or by wish from `ZOOMED`, to 1."""
    low = max(ZOOMED, chance) if zoomed else chance
    low = min(low, 0.99)
    ticks = nice_ticks(low, 1.0, max(2, rows // _ROWS_PER_TICK))
    return Axis(low, 1.0, ticks)


def by_labels(
    curve: Sequence[CurvePoint],
    baseline: Baseline | None,
    columns: int,
    rows: int,
    *,
    labels: int,
    chance: float,
    zoomed: bool,
) -> Drawing:
    """Draw accuracy by labels, beside the baseline.

    Parameters
    ----------
    curve : sequence of CurvePoint
    baseline : Baseline or None
    columns, rows : int
        Of the box.
    labels : int
        So far; the axis goes on a little beyond them.
    chance : float
    zoomed : bool
    """
    most = max([budget_for(labels, 10**9), *(point.labels for point in curve)])
    shown = baseline.points if baseline else ()
    return Drawing(
        Axis(0, most, nice_ticks(0, most, max(2, columns // _COLUMNS_PER_TICK))),
        accuracy_axis(chance, rows, zoomed=zoomed),
        [(point.labels, point.accuracy.value) for point in curve],
        [(point.labels, point.accuracy.low, point.accuracy.high) for point in curve],
        [(point.labels, point.mean) for point in shown if point.labels <= most],
    )


def labels_title(set_name: str, baseline: Baseline | None, alphabet: Alphabet) -> list[Piece]:
    """Say what the curves are."""
    pieces: list[Piece] = [
        (f" accuracy on {set_name} by labels", "strong"),
        (f"   {_solid(alphabet)} ", "bar"),
        ("measured", "muted"),
        (f"  {alphabet.band} ", "area"),
        ("95 %", "muted"),
    ]
    if baseline is not None:
        pieces += [(f"  {_dashed(alphabet)} at random", "muted")]
    return pieces


def _solid(alphabet: Alphabet) -> str:
    return "--" if alphabet.down == 1 else "──"


def _dashed(alphabet: Alphabet) -> str:
    return "- -" if alphabet.down == 1 else "╴╴"


def labels_sentences(
    curve: Sequence[CurvePoint],
    set_name: str,
    baseline: Baseline | None,
    state: Piece,
    *,
    waiting: str,
) -> Sentences:
    """Say the newest accuracy, and how that compares with labels for random images.

    Parameters
    ----------
    curve : sequence of CurvePoint
    set_name : str
    baseline : Baseline or None
    state : Piece
        What is to be said of the baseline while there is none.
    waiting : str
        Why there is no accuracy yet.
    """
    if not curve:
        return [[(f" No accuracy yet: {waiting}.", "muted")], [(" ", "plain"), state]]
    labels, newest = curve[-1]
    first: list[Piece] = [
        (f" {newest.value:6.1%}", "strong"),
        (f"  95 %: {newest.low:.1%} to {newest.high:.1%}", "plain"),
        (f"  n {newest.n:,} ({set_name}), after {labels:,} labels", "muted"),
    ]
    if baseline is None:
        return [first, [(" ", "plain"), state]]
    there = baseline.at(labels)
    if there is None:
        return [first, [(" ", "plain"), state]]
    points = (newest.value - there) * 100
    needed = baseline.labels_for(newest.value)
    takes = f"over {baseline.points[-1].labels:,}" if needed is None else f"{needed:,}"
    runs = f"{baseline.runs} run" + ("" if baseline.runs == 1 else "s")
    second: list[Piece] = [
        (f" {there:6.1%}", "strong"),
        (
            f"  at random ({runs}): {points:+.1f} points; the same takes {takes} labels",
            "muted",
        ),
    ]
    return [first, second]


def by_confidence(
    found: Confident | None, columns: int, rows: int, *, chance: float, zoomed: bool
) -> Drawing:
    """Draw the accuracy of the surest share of predictions, from none to all."""
    x = Axis(0, 1, nice_ticks(0, 1, max(2, columns // _COLUMNS_PER_TICK)))
    y = accuracy_axis(chance, rows, zoomed=zoomed)
    if found is None or not found.counts:
        return Drawing(x, y, percent=True)
    n = found.counts[-1]
    line, band = [], []
    for count, correct in zip(found.counts, found.correct, strict=True):
        line.append((count / n, correct / count))
        band.append((count / n, *wilson_interval(correct, count)))
    return Drawing(x, y, line, band, percent=True)


def confidence_title(set_name: str, alphabet: Alphabet) -> list[Piece]:
    """Say what the curve is."""
    return [
        (f" accuracy on the surest share of {set_name}", "strong"),
        (f"   {_solid(alphabet)} ", "bar"),
        ("measured", "muted"),
        (f"  {alphabet.band} ", "area"),
        ("95 %", "muted"),
    ]


def confidence_sentences(found: Confident | None, set_name: str, *, waiting: str) -> Sentences:
    """Say how right the sure predictions are."""
    if found is None or not found.counts:
        return [[(f" No predictions yet: {waiting}.", "muted")], []]
    n = found.counts[-1]
    first: list[Piece] = [
        (f" {found.correct[-1] / n:6.1%}", "strong"),
        (f"  of all {n:,} are right ({set_name})", "muted"),
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
