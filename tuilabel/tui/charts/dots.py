"""Lines as dots in cells."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from itertools import pairwise

from tuilabel.tui.charts.alphabets import Alphabet
from tuilabel.tui.charts.axes import Axis

Point = tuple[float, float]


def depth_of(share: float, rows: int) -> float:
    """Return how far below the top a share is, in rows: 1 is in the middle of the first row."""
    return (1 - share) * (rows - 1) + 0.5


def dot_of(share: float, rows: int, down: int) -> int:
    """Return the row of dots of a share."""
    depth = depth_of(max(0.0, min(1.0, share)), rows)
    return max(0, math.ceil(depth * down - 1 - 1e-9))


def dots_of(
    points: Sequence[Point], x_axis: Axis, y_axis: Axis, size: tuple[int, int], alphabet: Alphabet
) -> dict[tuple[int, int], int]:
    """Return the dots of a line, by cell.

    Parameters
    ----------
    points : sequence of Point
        From left to right.
    x_axis, y_axis : Axis
        Parts of the line below the upright axis are left out.
    size : tuple of int
        Columns and rows.
    alphabet : Alphabet
    """
    columns, rows = size
    across = columns * alphabet.across
    found: dict[tuple[int, int], int] = {}
    before: int | None = None
    for x in range(across):
        at = _value_of(x, across, x_axis)
        value = _between(points, at, x_axis, across)
        share = None if value is None else y_axis.share(value)
        if share is None or share < 0:
            before = None
            continue
        y = dot_of(share, rows, alphabet.down)
        for dot in _stroke(before, y):
            cell = (x // alphabet.across, dot // alphabet.down)
            bit = (dot % alphabet.down) * alphabet.across + x % alphabet.across
            found[cell] = found.get(cell, 0) | 1 << bit
        before = y
    return found


def _stroke(before: int | None, now: int) -> Iterator[int]:
    """Yield the dots of a column that join it to the column before."""
    if before is None or abs(before - now) <= 1:
        yield now
    elif before < now:
        yield from range(before + 1, now + 1)
    else:
        yield from range(now, before)


def _between(points: Sequence[Point], at: float, axis: Axis, across: int) -> float | None:
    """Return the height of a line at a place; None beyond its ends."""
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
    """Return the value at one of `across` places."""
    return axis.low + (axis.high - axis.low) * place / max(1, across - 1)
