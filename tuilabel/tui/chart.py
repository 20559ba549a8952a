"""Curves in cells, on axes that never scale themselves to the data."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

from tuilabel.tui.axes import Axis
from tuilabel.tui.chart_looks import BRAILLE, Alphabet
from tuilabel.tui.dots import Point, between, depth_of, dot_of, dots_of, value_of
from tuilabel.tui.widgets.lines import Piece


class Drawing(NamedTuple):
    """What is to be drawn.

    Attributes
    ----------
    x, y : Axis
    line : sequence of Point
        From left to right.
    band : sequence of (x, low, high)
        An interval about each point of the line.
    beside : sequence of Point
        A line to compare with, drawn in dashes.
    percent : bool
        Whether x is a share.
    newest : str
        The value of the last point, written beside it where there is room.
    rows : int
        Rows that the upright axis is made for; 0 takes all.
    """

    x: Axis
    y: Axis
    line: Sequence[Point] = ()
    band: Sequence[tuple[float, float, float]] = ()
    beside: Sequence[Point] = ()
    percent: bool = False
    newest: str = ""
    rows: int = 0


GUTTER = 6
"""Columns at the left for the numbers of the upright axis."""

FOOT = 2
"""Rows at the foot for the level axis and its numbers."""

ON_BAND = " on band"
"""The end of the name of a style whose text stands on the surface of an interval."""

Cells = dict[tuple[int, int], Piece]
Spans = list[tuple[float, float] | None]
"""From where to where an interval goes in each column, in rows from above."""


class Chart(NamedTuple):
    """What was drawn.

    Attributes
    ----------
    rows : list of list of (text, style)
        Runs of one style merged.
    band : float
        The share of the line's columns in which its interval is seen.
    """

    rows: list[list[Piece]]
    band: float


def draw_chart(drawing: Drawing, width: int, height: int, alphabet: Alphabet = BRAILLE) -> Chart:
    """Draw curves, with both axes.

    Parameters
    ----------
    drawing : Drawing
    width, height : int
        Of the box, in cells, with the axes' numbers: at least `GUTTER` + 2 and `FOOT` + 2.
    alphabet : Alphabet

    Returns
    -------
    Chart
        With as many rows as the box has.
    """
    columns, room = width - GUTTER, height - FOOT
    rows = min(drawing.rows or room, room)
    spans, seen = _seen_spans(drawing, columns, rows, alphabet)
    ink = _ink(drawing, columns, rows, alphabet)
    numbers = {math.floor(depth_of(drawing.y.share(t), rows)): _number(t) for t in drawing.y.ticks}
    drawn: list[list[Piece]] = [[] for _ in range(room - rows)]
    for y in range(rows):
        mark = alphabet.tick if y in numbers else alphabet.upright
        axis: list[Piece] = [(f"{numbers.get(y, ''):>{GUTTER - 1}}", "muted"), (mark, "track")]
        cells = [_on_band(ink.get((x, y)), spans[x], y, alphabet) for x in range(columns)]
        drawn.append([*axis, *_merged(cells)])
    return Chart([*drawn, *_foot(drawing, columns, alphabet)], seen)


def _number(tick: float) -> str:
    return f"{tick:.2f}" if round(tick, 2) == round(tick, 6) else f"{tick:.3f}"


# Intervals.

_THINNEST = 0.75
_THINNEST_SHADED = 2.1
"""Rows from which an interval is seen around its line: a colour is behind the line, too, but of
shades, which have no room in the line's cells, only pieces would be seen here and there."""

_SHORTEST, _SEEN = 4, 0.25
"""Columns side by side, and the share of all that a line has, for which its interval is shown:
less is a patch."""


def _seen_spans(
    drawing: Drawing, columns: int, rows: int, alphabet: Alphabet
) -> tuple[Spans, float]:
    """Give the interval in each column where it can be drawn, and the share of those columns."""
    thinnest = _THINNEST if alphabet.filled else _THINNEST_SHADED
    lows = [(x, low) for x, low, _ in drawing.band]
    highs = [(x, high) for x, _, high in drawing.band]
    across, there = columns * alphabet.across, 0
    spans: Spans = [None] * columns
    for x in range(columns):
        # At the middle of the column, and at both its edges: where a line is steep, its interval
        # goes up or down a way within the column.
        found = []
        for part in (0.5, 0.0, 1.0):
            at = value_of((x + part) * alphabet.across - 0.5, across, drawing.x)
            low, high = (
                between(lows, at, drawing.x, columns),
                between(highs, at, drawing.x, columns),
            )
            if low is not None and high is not None and drawing.y.share(high) >= 0:
                ends = (drawing.y.share(high), drawing.y.share(low))
                found.append((depth_of(ends[0], rows), depth_of(ends[1], rows)))
        there += bool(found)
        if found and found[0][1] - found[0][0] >= thinnest:
            spans[x] = (min(top for top, _ in found), min(max(foot for _, foot in found), rows))
    _drop_short(spans, min(_SHORTEST, there))
    seen = sum(span is not None for span in spans) / max(1, there)
    return (spans, seen) if seen >= _SEEN else ([None] * columns, 0.0)


def _drop_short(spans: Spans, shortest: int) -> None:
    """Take out what stands in fewer columns side by side."""
    start = 0
    for x, span in enumerate([*spans, None]):
        if span is None:
            if x - start < shortest:
                spans[start:x] = [None] * (x - start)
            start = x + 1


def _on_band(
    inked: Piece | None, span: tuple[float, float] | None, y: int, alphabet: Alphabet
) -> Piece:
    """Give a cell with what is drawn in it, and the interval around or behind that."""
    upper, lower = (0.0, 0.0) if span is None else (max(span[0] - y, 0.0), min(span[1] - y, 1.0))
    covered = lower - upper
    if inked is not None:
        # Its characters have two colours: what is behind them is all of one.
        behind = alphabet.filled and covered >= 0.5
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


# Lines.


def _ink(drawing: Drawing, columns: int, rows: int, alphabet: Alphabet) -> Cells:
    """Give the cells that lines and the newest point stand in."""
    ink: Cells = {}
    axes, size = (drawing.x, drawing.y), (columns, rows)
    for (x, y), dots in dots_of(drawing.beside, *axes, size, alphabet).items():
        if x % 2 == 0 if alphabet.across > 1 else x % 3:
            ink[x, y] = (alphabet.marks[dots], "muted")
    dots_of_line = dots_of(drawing.line, *axes, size, alphabet)
    for place, dots in dots_of_line.items():
        ink[place] = (alphabet.marks[dots], "bar")
    if not drawing.line or drawing.y.share(drawing.line[-1][1]) < 0:
        return ink
    last_x, last_y = drawing.line[-1]
    share = max(0.0, min(1.0, drawing.x.share(last_x)))
    column = round(share * (columns * alphabet.across - 1)) // alphabet.across
    dot = dot_of(drawing.y.share(last_y), rows, alphabet.down)
    place = (column, dot // alphabet.down)
    dots = dots_of_line.get(place, 0) | _blob(dot % alphabet.down, alphabet)
    ink[place] = (alphabet.newest or alphabet.marks[dots], "accent")
    _write(ink, drawing.newest, *place, size)
    return ink


def _blob(dot: int, alphabet: Alphabet) -> int:
    """Give the dots that make a point of a line stand out, at its own height."""
    across = alphabet.across
    if across == 1:
        return 1 << dot
    # Two by two, which is a round point: the second row is the one nearer to the cell's middle.
    upper = dot if dot < alphabet.down // 2 else dot - 1
    return 0b1111 << upper * across


def _write(ink: Cells, text: str, x: int, y: int, size: tuple[int, int]) -> None:
    """Write a value beside, below or above its point: if need be, over the line in dashes."""
    columns, rows = size
    last = columns - len(text)
    places = [(x + 2, y), (min(x, last), y + 1), (min(x, last), y - 1)]
    for clear in (frozenset[str](), frozenset({"muted"})):
        for left, row in places:
            around = [(column, row) for column in range(left - 1, left + len(text) + 1)]
            taken = {ink[cell][1] for cell in around if cell in ink}
            if 0 <= row < rows and left <= last and taken <= clear:
                ink |= {cell: (" ", "plain") for cell in around if cell in ink}
                for place, letter in enumerate(text, start=left):
                    ink[place, row] = (letter, "accent")
                return


def _merged(row: Sequence[Piece]) -> list[Piece]:
    pieces: list[Piece] = []
    for character, style in row:
        if pieces and pieces[-1][1] == style:
            pieces[-1] = (pieces[-1][0] + character, style)
        else:
            pieces.append((character, style))
    return pieces


def _foot(drawing: Drawing, columns: int, alphabet: Alphabet) -> list[list[Piece]]:
    """Draw the level axis and its numbers."""
    marks, numbers = [alphabet.level] * columns, [" "] * (GUTTER + columns)
    end = 0
    for tick in drawing.x.ticks:
        place = round(drawing.x.share(tick) * (columns - 1))
        text = f"{tick:.0%}" if drawing.percent else f"{tick:,.0f}"
        start = min(GUTTER + place - len(text) // 2, len(numbers) - len(text))
        marks[place] = alphabet.foot
        if start >= end:
            numbers[start : start + len(text)] = text
            end = start + len(text) + 1
    return [
        [(" " * (GUTTER - 1), "plain"), (alphabet.corner + "".join(marks), "track")],
        [("".join(numbers), "muted")],
    ]


def legend(drawing: Drawing, chart: Chart, room: int, alphabet: Alphabet) -> list[Piece]:
    """Say what is seen, and nothing else.

    Parameters
    ----------
    drawing : Drawing
    chart : Chart
        As it was drawn.
    room : int
        Columns for it; what there is no room for is left out as a whole.
    alphabet : Alphabet
    """
    piece = alphabet.sample
    dashes = f"{piece} {piece}" if alphabet.across > 1 else f"{piece * 2} {piece * 2}"
    shade = (alphabet.levels[-1] * 2, "plain")
    if alphabet.filled and len(alphabet.levels) > 2:
        # The upper half, so that it does not run into a surface right below it.
        shade = ("▀▀", "band")
    elif alphabet.filled:
        shade = ("  ", "page" + ON_BAND)
    entries: list[list[Piece]] = []
    if drawing.line:
        entries.append([(piece * 3, "bar"), (" measured", "muted")])
    if drawing.beside:
        entries.append([(f"{dashes} at random", "muted")])
    if drawing.band and chart.band == 0:
        entries.append([("95 % is thinner than the line", "muted")])
    elif drawing.band:
        entries.append([shade, (" 95 %", "muted")])
        if chart.band < 1:
            entries.append([("where it is wider than the line", "muted")])
    pieces: list[Piece] = []
    for entry in entries:
        length = 2 + sum(len(text) for text, _ in entry)
        if length > room:
            break
        room -= length
        pieces += [("  ", "plain"), *entry]
    return pieces
