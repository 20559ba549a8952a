"""Curves in cells, on axes that never scale themselves to the data."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

from tuilabel.tui.charts.alphabets import BRAILLE, Alphabet
from tuilabel.tui.charts.axes import Axis
from tuilabel.tui.charts.dots import Point, depth_of, dot_of, dots_of
from tuilabel.tui.text.pieces import Piece, cells_in


class Chart(NamedTuple):
    """Lines to draw, and the axes to draw them on.

    Attributes
    ----------
    x, y : Axis
    line : sequence of Point
        From left to right.
    interval : sequence of (x, low, high)
        The interval about each point of the line.
    beside : sequence of Point
        A line to compare with.
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
    interval: Sequence[tuple[float, float, float]] = ()
    beside: Sequence[Point] = ()
    percent: bool = False
    newest: str = ""
    rows: int = 0


GUTTER = 6
"""Columns at the left for the numbers of the upright axis."""

FOOT = 2
"""Rows at the foot for the level axis and its numbers."""

ChartCells = dict[tuple[int, int], Piece]


def draw_chart(
    chart: Chart, width: int, height: int, alphabet: Alphabet = BRAILLE
) -> list[list[Piece]]:
    """Draw curves, with both axes.

    Parameters
    ----------
    chart : Chart
    width, height : int
        Cells of the box, with the axes' numbers: at least `GUTTER` + 2 and `FOOT` + 2.
    alphabet : Alphabet

    Returns
    -------
    list of list of (text, style)
        As many rows as the box has, runs of one style merged.
    """
    columns, room = width - GUTTER, height - FOOT
    rows = min(chart.rows or room, room)
    ink = _ink(chart, columns, rows, alphabet)
    numbers = {math.floor(depth_of(chart.y.share(t), rows)): _number(t) for t in chart.y.ticks}
    drawn: list[list[Piece]] = [[] for _ in range((room - rows + 1) // 2)]
    for y in range(rows):
        mark = alphabet.tick if y in numbers else alphabet.upright
        axis: list[Piece] = [(f"{numbers.get(y, ''):>{GUTTER - 1}}", "muted"), (mark, "track")]
        drawn.append([*axis, *_merged([ink.get((x, y), _NOTHING) for x in range(columns)])])
    drawn += _foot(chart, columns, alphabet)
    return [*drawn, *([] for _ in range(height - len(drawn)))]


_NOTHING = (" ", "plain")


def _number(tick: float) -> str:
    return f"{tick:.2f}" if round(tick, 2) == round(tick, 6) else f"{tick:.3f}"


# Lines.

_EVERY_OTHER = 0b01010101
"""The left dots of a cell of two by four: a line of them alone is dotted."""


def _ink(chart: Chart, columns: int, rows: int, alphabet: Alphabet) -> ChartCells:
    """Return the cells that have lines or the newest point in them."""
    size, fine = (columns, rows), alphabet.across > 1
    ink: ChartCells = {}
    dots: dict[tuple[int, int], int] = {}

    def draw(points: Sequence[Point], look: str) -> set[tuple[int, int]]:
        marks = alphabet.thin if look == "dotted" else alphabet.marks
        style = "muted" if look == "dashed" else "bar"
        drawn = dots_of(points, chart.x, chart.y, size, alphabet)
        for cell, found in drawn.items():
            if look == "dotted" and fine:
                found &= _EVERY_OTHER
            if look == "dashed" and not (cell[0] % 2 == 0 if fine else cell[0] % 3):
                continue
            if fine:
                # Two lines in one cell do not hide each other.
                found |= dots.get(cell, 0)
            if found:
                dots[cell], ink[cell] = found, (marks[found], style)
        return set(drawn)

    draw([(x, low) for x, low, _ in chart.interval], "dotted")
    draw([(x, high) for x, _, high in chart.interval], "dotted")
    draw(chart.beside, "dashed")
    line = draw(chart.line, "solid")
    if not chart.line or chart.y.share(chart.line[-1][1]) < 0:
        return ink
    last_x, last_y = chart.line[-1]
    share = max(0.0, min(1.0, chart.x.share(last_x)))
    column = round(share * (columns * alphabet.across - 1)) // alphabet.across
    dot = dot_of(chart.y.share(last_y), rows, alphabet.down)
    place = (column, dot // alphabet.down)
    blob = dots.get(place, 0) | _blob(dot % alphabet.down, alphabet)
    ink[place] = (alphabet.newest or alphabet.marks[blob], "accent")
    _write(ink, chart.newest, place, size, {*line, place})
    return ink


def _blob(dot: int, alphabet: Alphabet) -> int:
    """Return the dots that make a point of a line stand out, at its own height."""
    across = alphabet.across
    if across == 1:
        return 1 << dot
    # Two by two, which is a round point: the second row is the one nearer to the cell's middle.
    upper = dot if dot < alphabet.down // 2 else dot - 1
    return 0b1111 << upper * across


def _write(
    ink: ChartCells,
    text: str,
    point: tuple[int, int],
    size: tuple[int, int],
    line: set[tuple[int, int]],
) -> None:
    """Write a value beside, below or above its point, over other lines if need be."""
    (x, y), (columns, rows) = point, size
    last = columns - len(text)
    places = [(x + 2, y), (min(x, last), y + 1), (min(x, last), y - 1)]
    for taken in (set(ink), line):
        for left, row in places:
            around = {(column, row) for column in range(left - 1, left + len(text) + 1)}
            if 0 <= row < rows and left <= last and not around & taken:
                ink |= dict.fromkeys(around & set(ink), _NOTHING)
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


def _foot(chart: Chart, columns: int, alphabet: Alphabet) -> list[list[Piece]]:
    """Draw the level axis and its numbers."""
    marks, numbers = [alphabet.level] * columns, [" "] * (GUTTER + columns)
    end = 0
    for tick in chart.x.ticks:
        place = round(chart.x.share(tick) * (columns - 1))
        text = f"{tick:.0%}" if chart.percent else f"{tick:,.0f}"
        start = min(GUTTER + place - len(text) // 2, len(numbers) - len(text))
        marks[place] = alphabet.foot
        if start >= end:
            numbers[start : start + len(text)] = text
            end = start + len(text) + 1
    return [
        [(" " * (GUTTER - 1), "plain"), (alphabet.corner + "".join(marks), "track")],
        [("".join(numbers), "muted")],
    ]


def legend(chart: Chart, room: int, alphabet: Alphabet) -> list[Piece]:
    """Return a sample and the name of each line that is drawn.

    Parameters
    ----------
    chart : Chart
    room : int
        Columns for it; an entry that does not fit is left out as a whole.
    alphabet : Alphabet
    """
    pieces: list[Piece] = []
    for points, sample, style, name in (
        (chart.line, alphabet.measured, "bar", "measured"),
        (chart.beside, alphabet.random, "muted", "at random"),
        (chart.interval, alphabet.interval, "bar", "95%"),
    ):
        entry: list[Piece] = [("  ", "plain"), (sample, style), (" " + name, "muted")]
        if points and cells_in(pieces) + cells_in(entry) <= room:
            pieces += entry
    return pieces
