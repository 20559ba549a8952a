"""Axes of charts, with round numbers."""

from __future__ import annotations

import math
from typing import NamedTuple


class Axis(NamedTuple):
    """The ends of an axis, and where its numbers stand."""

    low: float
    high: float
    ticks: tuple[float, ...]

    def share(self, value: float) -> float:
        """Return where on the axis a value is: 0 at its low end, 1 at its high end."""
        return (value - self.low) / max(self.high - self.low, 1e-9)


def nice_ticks(low: float, high: float, most: int) -> tuple[float, ...]:
    """Return at most `most` round numbers from `low` to `high`, equally far apart."""
    span = max(high - low, 1e-9)
    exponent = math.floor(math.log10(span)) - 2
    while True:
        for factor in (1, 2, 5):
            step = factor * 10.0**exponent
            first, last = math.ceil(low / step - 1e-6), math.floor(high / step + 1e-6)
            if last - first + 1 <= most:
                return tuple(round(number * step, 9) for number in range(first, last + 1))
        exponent += 1


_COLUMNS_PER_TICK = 9


def level_axis(high: float, columns: int) -> Axis:
    """Return an axis from 0 to a number, for a number of columns."""
    return Axis(0, high, nice_ticks(0, high, max(2, columns // _COLUMNS_PER_TICK)))


ZOOMED = 0.9
"""Where the axis of accuracies begins when it is zoomed."""

_MANY = 0.25
"""From this chance on, the axis begins at chance. Below it, the axis begins at 0: that costs little
room, and shows an accuracy below chance, which a few images may have."""


def accuracy_axis(chance: float, rows: int, *, zoomed: bool) -> tuple[Axis, int]:
    """Return the axis of accuracies, as `even_axis` does.

    Parameters
    ----------
    chance : float
    rows : int
    zoomed : bool
        Whether it begins at `ZOOMED` instead of 0 or chance.
    """
    low = chance if chance >= _MANY else 0.0
    return even_axis(min(max(ZOOMED, low) if zoomed else low, 0.99), rows)


_STEPS = (1.0, 0.5, 0.25, 0.2, 0.1, 0.05, 0.02, 0.01, 0.005, 0.002, 0.001)
_BEST_APART = 3
"""Rows from one number to the next that are easiest to read."""
_FEWEST = 3
"""Fewer numbers do not show a scale."""
_WIDER = 1.12
"""Factor by which an axis may be longer than asked for, so that its numbers fall on rows."""
_SPARED = 3
"""Rows that may be left empty for the same reason."""


def even_axis(low: float, rows: int) -> tuple[Axis, int]:
    """Return an upright axis to 1 whose numbers stand on rows, all at the same distance.

    Parameters
    ----------
    low : float
        Where it begins; it may begin a little lower, but never below 0.
    rows : int
        Rows that there are; 1 is in the middle of the first.

    Returns
    -------
    tuple of Axis and int
        The axis, and how many of the rows it takes.
    """
    found = _even(low, rows, min(1.0, (1.0 - low) * _WIDER)) or _even(low, rows, 1.0)
    if not found:
        return Axis(low, 1.0, (1.0,)), rows
    _, step, apart, used = min(found)
    last = (used - 1) // apart
    values = tuple(abs(round(1.0 - step * number, 9)) for number in range(last, -1, -1))
    return Axis(max(0.0, 1.0 - step * (used - 1) / apart), 1.0, values), used


def _even(low: float, rows: int, most: float) -> list[tuple[float, float, int, int]]:
    """Return scales: a penalty, the step, the rows from number to number, and the rows taken."""
    found: list[tuple[float, float, int, int]] = []
    for used in range(max(2, rows - _SPARED), rows + 1):
        for step in _STEPS:
            for apart in range(1, used):
                reach = step * (used - 1) / apart
                if not 1.0 - low - 1e-9 <= reach <= most + 1e-9:
                    continue
                ticks = (used - 1) // apart + 1
                penalty = 1.5 * (rows - used) + abs(apart - _BEST_APART)
                penalty += 2 * (apart == 1) + 4 * max(0, _FEWEST - ticks)
                found.append((penalty, step, apart, used))
    return found
