"""Accuracy by labels on the curve screen, as plain values."""

from __future__ import annotations

from collections.abc import Sequence

from tuilabel.session import CurvePoint
from tuilabel.text import counted
from tuilabel.tui.charts.axes import accuracy_axis, level_axis
from tuilabel.tui.charts.chart import Chart
from tuilabel.tui.text.pieces import Piece
from tuilabel.tui.views.baseline import Baseline, budget_for

Sentences = list[list[Piece]]


def by_labels(
    curve: Sequence[CurvePoint],
    baseline: Baseline | None,
    columns: int,
    rows: int,
    *,
    labels: int,
    chance: float,
    zoomed: bool,
) -> Chart:
    """Return accuracy by labels, beside the baseline.

    Parameters
    ----------
    curve : sequence of CurvePoint
    baseline : Baseline or None
    columns, rows : int
        Size of the graph, without the axes' numbers.
    labels : int
        Labels so far; the axis goes on a little beyond them.
    chance : float
    zoomed : bool
    """
    most = max([budget_for(labels, 10**9), *(point.labels for point in curve)])
    shown = baseline.points if baseline else ()
    y, used = accuracy_axis(chance, rows, zoomed=zoomed)
    return Chart(
        level_axis(most, columns),
        y,
        [(point.labels, point.accuracy.value) for point in curve],
        [(point.labels, point.accuracy.low, point.accuracy.high) for point in curve],
        [(point.labels, point.mean) for point in shown if point.labels <= most],
        newest=f"{curve[-1].accuracy.value:.1%}" if curve else "",
        rows=used,
    )


def labels_title(set_name: str) -> str:
    """Return the title of the curves."""
    return f" accuracy on {set_name} by labels"


def labels_sentences(
    curve: Sequence[CurvePoint],
    set_name: str,
    baseline: Baseline | None,
    state: Piece,
    *,
    waiting: str,
    disputed: str = "",
) -> Sentences:
    """Return sentences about the newest accuracy and its distance from the random baseline.

    Parameters
    ----------
    curve : sequence of CurvePoint
    set_name : str
    baseline : Baseline or None
    state : Piece
        A sentence about the baseline while there is none.
    waiting : str
        Why there is no accuracy yet.
    disputed : str
        How many audit images are disputed, in words.
    """
    if not curve:
        return [[(f" No accuracy yet: {waiting}.", "muted")], [(" ", "plain"), state]]
    labels, newest = curve[-1]
    first: list[Piece] = [
        (f" {newest.value:6.1%}", "strong"),
        (f"  95%: {newest.low:.1%} to {newest.high:.1%}", "plain"),
        (f"  n {newest.n:,} ({set_name}){disputed}, after {labels:,} labels", "muted"),
    ]
    if baseline is None:
        return [first, [(" ", "plain"), state]]
    there = baseline.at(labels)
    if there is None:
        return [first, [(" ", "plain"), state]]
    points = (newest.value - there) * 100
    needed = baseline.labels_for(newest.value)
    takes = f"over {baseline.points[-1].labels:,}" if needed is None else f"{needed:,}"
    runs = counted(baseline.runs, "run")
    compared = f"{points:+.1f} points; {takes} labels to reach {newest.value:.1%}"
    second: list[Piece] = [
        (f" {there:6.1%}", "strong"),
        (f"  at random ({runs}): {compared}", "muted"),
    ]
    return [first, second]
