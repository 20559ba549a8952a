"""Curves in cells, on axes that never scale themselves to the data."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

from tuilabel.tui.charts.alphabets import BRAILLE, Alphabet
from tuilabel.tui.charts.axes import Axis
from tuilabel.tui.charts.band import ON_BAND, on_band, seen_spans
from tuilabel.tui.charts.dots import Point, depth_of, dot_of, dots_of
from tuilabel.tui.text.pieces import Piece


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

ChartCells = dict[tuple[int, int], Piece]


class DrawnChart(NamedTuple):
    """What was drawn.

    Attributes
    ----------
    rows : list of list of (text, style)
        Runs of one style merged.
    band : float
        The share of the line's columns in which its interval is drawn; -1 where that would be so
        few that it is not.
    """

    rows: list[list[Piece]]
    band: float


def draw_chart(
    drawing: Drawing, width: int, height: int, alphabet: Alphabet = BRAILLE
) -> DrawnChart:
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
    spans, seen = seen_spans(drawing.band, drawing.x, drawing.y, (columns, rows), alphabet)
    ink = _ink(drawing, columns, rows, alphabet)
    numbers = {math.floor(depth_of(drawing.y.share(t), rows)): _number(t) for t in drawing.y.ticks}
    drawn: list[list[Piece]] = [[] for _ in range((room - rows + 1) // 2)]
    for y in range(rows):
        mark = alphabet.tick if y in numbers else alphabet.upright
        axis: list[Piece] = [(f"{numbers.get(y, ''):>{GUTTER - 1}}", "muted"), (mark, "track")]
        cells = [on_band(ink.get((x, y)), spans[x], y, alphabet) for x in range(columns)]
        drawn.append([*axis, *_merged(cells)])
    drawn += _foot(drawing, columns, alphabet)
    return DrawnChart([*drawn, *([] for _ in range(height - len(drawn)))], seen)


def _number(tick: float) -> str:
    return f"{tick:.2f}" if round(tick, 2) == round(tick, 6) else f"{tick:.3f}"


# Lines.


def _ink(drawing: Drawing, columns: int, rows: int, alphabet: Alphabet) -> ChartCells:
    """Give the cells that lines and the newest point stand in."""
    ink: ChartCells = {}
    axes, size = (drawing.x, drawing.y), (columns, rows)
    dashes = {
        (x, y): dots
        for (x, y), dots in dots_of(drawing.beside, *axes, size, alphabet).items()
        if (x % 2 == 0 if alphabet.across > 1 else x % 3)
    }
    for place, dots in dashes.items():
        ink[place] = (alphabet.marks[dots], "muted")
    dots_of_line = dots_of(drawing.line, *axes, size, alphabet)
    for place, dots in dots_of_line.items():
        # Where both are in one cell, neither hides the other, if its dots are fine enough.
        behind = dashes.get(place, 0) if alphabet.across > 1 else 0
        ink[place] = (alphabet.marks[dots | behind], "bar")
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


def _write(ink: ChartCells, text: str, x: int, y: int, size: tuple[int, int]) -> None:
    """Write a value beside, below or above its point: if need be, over the line in dashes.

    It may stand on an interval, on which not every colour of text can be read.
    """
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
                    ink[place, row] = (letter, "strong")
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


_IN_PART = ", where wider than the line"


def legend(drawing: Drawing, chart: DrawnChart, room: int, alphabet: Alphabet) -> list[Piece]:
    """Say what is seen, and nothing else.

    Parameters
    ----------
    drawing : Drawing
    chart : DrawnChart
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
    if drawing.band and chart.band <= 0:
        mostly = "mostly " if chart.band < 0 else ""
        entries.append([(f"95 %: {mostly}thinner than the line", "muted")])
    elif drawing.band:
        entries.append([shade, (" 95 %", "muted")])
        if chart.band < 1:
            entries.append([(_IN_PART, "muted")])
    pieces: list[Piece] = []
    for entry in entries:
        gap = "" if entry[0][0] == _IN_PART else "  "
        length = len(gap) + sum(len(text) for text, _ in entry)
        if length > room:
            break
        room -= length
        pieces += [(gap, "plain"), *entry]
    return pieces
