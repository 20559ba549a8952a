"""Intervals about a line, as a surface behind it."""

from __future__ import annotations

import math
from collections.abc import Sequence

from tuilabel.tui.charts.alphabets import Alphabet
from tuilabel.tui.charts.axes import Axis
from tuilabel.tui.charts.dots import between, depth_of, value_of
from tuilabel.tui.text.pieces import Piece

ON_BAND = " on band"
"""The end of the name of a style whose text stands on the surface of an interval."""

Spans = list[tuple[float, float] | None]
"""From where to where an interval goes in each column, in rows from above."""

_THINNEST, _SEEN = 0.5, 0.75
_SHADED = 2.1
"""Rows from which an interval is drawn, and clearly seen, around its line. A colour is behind the
line, too; of shades, which have no room in the line's cells, only pieces would be seen."""

_LEAST_SEEN = 0.25
"""The share of a line's columns in which its interval has to be clearly seen to be drawn at all:
of less there would be patches, which look like something else."""

_BEHIND_LINE = 0.3
"""The share of a cell of the line that an interval takes if it is `_THINNEST` and the line is at
the cell's edge."""

_SHORTEST = 4
"""Columns side by side in which an interval is shown at least: less is a patch."""


def seen_spans(
    band: Sequence[tuple[float, float, float]],
    x_axis: Axis,
    y_axis: Axis,
    size: tuple[int, int],
    alphabet: Alphabet,
) -> tuple[Spans, float]:
    """Give the interval in each column where it is drawn, and the share of the line's columns.

    The share is -1 where it could be drawn in so few of them that it is not.

    Parameters
    ----------
    band : sequence of (x, low, high)
        From left to right.
    x_axis, y_axis : Axis
    size : tuple of int
        Columns and rows.
    alphabet : Alphabet
    """
    columns, rows = size
    thinnest, clear = (_THINNEST, _SEEN) if alphabet.filled else (_SHADED, _SHADED)
    lows = [(x, low) for x, low, _ in band]
    highs = [(x, high) for x, _, high in band]
    across, there, seen = columns * alphabet.across, 0, 0
    spans: Spans = [None] * columns
    for x in range(columns):
        dots = [
            at
            for at in range(x * alphabet.across, (x + 1) * alphabet.across)
            if between(lows, value_of(at, across, x_axis), x_axis, across) is not None
        ]
        if not dots:
            continue
        # At the edges of the column, too: where a line is steep, its interval goes up or down a
        # way within it.
        found = []
        for place in (dots[0], x * alphabet.across - 0.5, (x + 1) * alphabet.across - 0.5):
            at = value_of(place, across, x_axis)
            low, high = between(lows, at, x_axis, across), between(highs, at, x_axis, across)
            if low is not None and high is not None and y_axis.share(high) >= 0:
                ends = (y_axis.share(high), y_axis.share(low))
                found.append((depth_of(ends[0], rows), depth_of(ends[1], rows)))
        if not found:
            continue
        there += 1
        thick = found[0][1] - found[0][0]
        seen += thick >= clear
        if thick >= thinnest:
            spans[x] = (min(top for top, _ in found), min(max(foot for _, foot in found), rows))
    _drop_short(spans, min(_SHORTEST, there))
    drawn = sum(span is not None for span in spans)
    if drawn and seen >= _LEAST_SEEN * there:
        return spans, drawn / there
    return [None] * columns, -1.0 if drawn else 0.0


def _drop_short(spans: Spans, shortest: int) -> None:
    """Take out what stands in fewer columns side by side."""
    start = 0
    for x, span in enumerate([*spans, None]):
        if span is None:
            if x - start < shortest:
                spans[start:x] = [None] * (x - start)
            start = x + 1


def on_band(
    inked: Piece | None, span: tuple[float, float] | None, y: int, alphabet: Alphabet
) -> Piece:
    """Give a cell with what is drawn in it, and the interval around or behind that.

    Parameters
    ----------
    inked : Piece or None
        What is drawn in it.
    span : tuple of float, optional
        Of its column.
    y : int
        Its row.
    alphabet : Alphabet
    """
    upper, lower = (0.0, 0.0) if span is None else (max(span[0] - y, 0.0), min(span[1] - y, 1.0))
    covered = lower - upper
    if inked is not None:
        # What is behind a character is all of one colour. The cells of the line itself have it
        # from less on: a thin interval would be seen on one side of the line only.
        behind = alphabet.filled and covered >= (_BEHIND_LINE if inked[1] == "bar" else 0.5)
        return (inked[0], inked[1] + ON_BAND) if behind else inked
    steps = len(alphabet.levels) - 1
    step = math.floor(max(0.0, covered) * steps + 0.5)
    if step == 0:
        return " ", "plain"
    if not alphabet.filled:
        return alphabet.levels[step], "plain"
    if step < steps and lower >= 1:
        return alphabet.levels[step], "band"
    rest = alphabet.levels[steps - step] if upper <= 0 else " "
    return rest, "page" + ON_BAND
