"""Curves in cells, on axes that never scale themselves to the data."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import NamedTuple

from tuilabel.tui.colours import Blocks, Colours
from tuilabel.tui.widgets.lines import Piece

Point = tuple[float, float]


class Alphabet(NamedTuple):
    """Characters to draw with.

    Attributes
    ----------
    across, down : int
        Dots in a cell.
    marks : str
        The character of each set of dots, as a number with a bit for each dot, row by row.
    band, newest, upright, tick, corner, level, foot : str
        For the interval, the newest point, and the axes.
    """

    across: int
    down: int
    marks: str
    band: str
    newest: str
    upright: str
    tick: str
    corner: str
    level: str
    foot: str


def _braille(dots: int) -> str:
    # Unicode numbers the dots column by column, the lowest two last.
    bits = (0x01, 0x08, 0x02, 0x10, 0x04, 0x20, 0x40, 0x80)
    return chr(0x2800 + sum(bit for place, bit in enumerate(bits) if dots >> place & 1))


BRAILLE = Alphabet(2, 4, "".join(map(_braille, range(256))), "░", "●", "│", "┤", "└", "─", "┬")
HALVES = Alphabet(1, 2, " ▀▄█", "░", "●", "│", "┤", "└", "─", "┬")
ASCII = Alphabet(1, 1, " *", ":", "o", "|", "+", "+", "-", "+")


def alphabet_for(colours: Colours) -> Alphabet:
    """Give the finest characters that the terminal draws."""
    if Blocks.BRAILLE in colours.blocks:
        return BRAILLE
    return HALVES if Blocks.HALF in colours.blocks else ASCII


class Axis(NamedTuple):
    """From where to where an axis goes, and where its numbers stand."""

    low: float
    high: float
    ticks: tuple[float, ...]

    def share(self, value: float) -> float:
        """Tell where on the axis a value is: 0 at its low end, 1 at its high end."""
        return (value - self.low) / max(self.high - self.low, 1e-9)


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
    """

    x: Axis
    y: Axis
    line: Sequence[Point] = ()
    band: Sequence[tuple[float, float, float]] = ()
    beside: Sequence[Point] = ()
    percent: bool = False


GUTTER = 6
"""Columns at the left for the numbers of the upright axis."""


def nice_ticks(low: float, high: float, most: int) -> tuple[float, ...]:
    """Give round numbers between two, both included where they are round, at most so many."""
    span = max(high - low, 1e-9)
    exponent = math.floor(math.log10(span)) - 2
    while True:
        for factor in (1, 2, 5):
            step = factor * 10.0**exponent
            first, last = math.ceil(low / step - 1e-6), math.floor(high / step + 1e-6)
            if last - first + 1 <= most:
                return tuple(round(number * step, 9) for number in range(first, last + 1))
        exponent += 1


def draw_chart(
    drawing: Drawing, width: int, height: int, alphabet: Alphabet = BRAILLE
) -> list[list[Piece]]:
    """Draw curves, with both axes.

    Parameters
    ----------
    drawing : Drawing
    width, height : int
        Of the box, in cells, with the axes' numbers: at least `GUTTER` + 2 and 4.
    alphabet : Alphabet

    Returns
    -------
    list of list of (text, style)
        One list for each row, runs of one style merged.
    """
    columns, rows = width - GUTTER, height - 2
    cells = [[(" ", "plain")] * columns for _ in range(rows)]
    _draw_band(cells, drawing, alphabet)
    dashed = _dots(drawing.beside, drawing, columns, rows, alphabet)
    for (x, y), dots in dashed.items():
        if x % 2 == 0 or (alphabet.across == 1 and x % 3):
            cells[y][x] = (alphabet.marks[dots], "muted")
    for (x, y), dots in _dots(drawing.line, drawing, columns, rows, alphabet).items():
        cells[y][x] = (alphabet.marks[dots], "bar")
    if drawing.line:
        x, y = _cell(drawing.line[-1], drawing, columns, rows, alphabet.down)
        cells[y][x] = (alphabet.newest, "accent")
    numbers = {
        _cell_row(drawing.y.share(tick), rows, alphabet.down): f"{tick:.2f}"
        for tick in reversed(drawing.y.ticks)
    }
    drawn: list[list[Piece]] = []
    for y, row in enumerate(cells):
        mark = alphabet.tick if y in numbers else alphabet.upright
        axis: list[Piece] = [(f"{numbers.get(y, ''):>{GUTTER - 1}}", "muted"), (mark, "track")]
        drawn.append([*axis, *_merged(row)])
    return [*drawn, *_foot(drawing, columns, alphabet)]


def _draw_band(cells: list[list[tuple[str, str]]], drawing: Drawing, alphabet: Alphabet) -> None:
    columns, rows = len(cells[0]), len(cells)
    lows = [(x, low) for x, low, _ in drawing.band]
    highs = [(x, high) for x, _, high in drawing.band]
    for x in range(columns):
        at = _value_of(x, columns, drawing.x)
        low, high = _between(lows, at, drawing.x, columns), _between(highs, at, drawing.x, columns)
        if low is None or high is None:
            continue
        if drawing.y.share(high) < 0:
            continue
        top = _row(drawing.y.share(high), rows * alphabet.down)
        foot = _row(drawing.y.share(low), rows * alphabet.down)
        # Cells that it fills half at least: of a narrow one only pieces would be seen, here and
        # there beside the line.
        half = (alphabet.down + 1) // 2
        for y in range(top // alphabet.down, foot // alphabet.down + 1):
            first, last = max(top, y * alphabet.down), min(foot, (y + 1) * alphabet.down - 1)
            if last - first + 1 >= half:
                cells[y][x] = (alphabet.band, "area")


def _dots(
    points: Sequence[Point], drawing: Drawing, columns: int, rows: int, alphabet: Alphabet
) -> dict[tuple[int, int], int]:
    """Give the dots of a line, by cell."""
    across, down = columns * alphabet.across, rows * alphabet.down
    found: dict[tuple[int, int], int] = {}
    before: int | None = None
    for x in range(across):
        at = _value_of(x, across, drawing.x)
        value = _between(points, at, drawing.x, across)
        share = None if value is None else drawing.y.share(value)
        if share is None or share < 0:
            before = None
            continue
        y = _row(share, down)
        for dot in _stroke(before, y):
            cell = (x // alphabet.across, dot // alphabet.down)
            bit = (dot % alphabet.down) * alphabet.across + x % alphabet.across
            found[cell] = found.get(cell, 0) | 1 << bit
        before = y
    return found


def _stroke(before: int | None, now: int) -> Iterator[int]:
    """Give the dots of a column that join it to the one before."""
    if before is None or abs(before - now) <= 1:
        yield now
    elif before < now:
        yield from range(before + 1, now + 1)
    else:
        yield from range(now, before)


def _between(points: Sequence[Point], at: float, axis: Axis, across: int) -> float | None:
    """Give the height of a line at a place; None where it is not."""
    if not points:
        return None
    half = (axis.high - axis.low) / max(1, across - 1) / 2
    if not points[0][0] - half <= at <= points[-1][0] + half:
        return None
    if at <= points[0][0]:
        return points[0][1]
    for (left, low), (right, high) in pairwise(points):
        if left <= at <= right:
            return low + (high - low) * (at - left) / max(right - left, 1e-9)
    return points[-1][1]


def _value_of(place: int, across: int, axis: Axis) -> float:
    return axis.low + (axis.high - axis.low) * place / max(1, across - 1)


def _row(share: float, rows: int) -> int:
    return round((1 - max(0.0, min(1.0, share))) * (rows - 1))


def _cell_row(share: float, rows: int, down: int) -> int:
    """Give the row of cells that has the dot of a share."""
    return _row(share, rows * down) // down


def _cell(point: Point, drawing: Drawing, columns: int, rows: int, down: int) -> tuple[int, int]:
    share = max(0.0, min(1.0, drawing.x.share(point[0])))
    return round(share * (columns - 1)), _cell_row(drawing.y.share(point[1]), rows, down)


def _merged(row: Sequence[tuple[str, str]]) -> list[Piece]:
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
