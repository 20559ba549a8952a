"""A sorted curve as braille characters."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

# The dots of a braille cell, from the lowest up, in its left and right column.
_LEFT = (0x40, 0x04, 0x02, 0x01)
_RIGHT = (0x80, 0x20, 0x10, 0x08)


def braille_curve(values: Sequence[float], columns: int, height: int) -> Iterator[str]:
    """Draw values from 0 to 1 as an area, left to right, on an axis from 0 to 1.

    Parameters
    ----------
    values : sequence of float
        At equal steps; stretched or thinned to the columns.
    columns, height
        Cells; each has two dots across and four up.

    Yields
    ------
    str
        The highest line first, `columns` wide.
    """
    if not values:
        yield from [" " * columns] * height
        return
    places = np.linspace(0, len(values) - 1, 2 * columns)
    heights = np.interp(places, np.arange(len(values)), np.asarray(values, dtype=np.float64))
    # A value above 0 shows at least one dot.
    dots = np.ceil(np.clip(heights, 0, 1) * 4 * height).astype(int)
    for y in range(height - 1, -1, -1):
        filled = np.clip(dots - 4 * y, 0, 4)
        cells = []
        for left, right in filled.reshape(columns, 2).tolist():
            bits = sum(_LEFT[:left]) + sum(_RIGHT[:right])
            cells.append(chr(0x2800 + bits) if bits else " ")
        yield "".join(cells)
