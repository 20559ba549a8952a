"""Pictures made of characters: a row of small grey images, and a sorted curve."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

_RAMP = " .:-=+*#%@"
_RESET = "\x1b[0m"
# The dots of a Braille cell, from the lowest up, in its left and right column.
_LEFT = (0x40, 0x04, 0x02, 0x01)
_RIGHT = (0x80, 0x20, 0x10, 0x08)


def image_rows(
    images: Sequence[NDArray[Any]], columns: int, *, colour: bool, gap: int = 1
) -> Iterator[str]:
    """Draw grey images side by side, each so many columns wide; a cell is two pixels high.

    Parameters
    ----------
    images : sequence of (height, width) arrays
        Greys, 0 to 255, all of one shape.
    columns
        Columns of each image; no more than its width are used.
    colour
        Half blocks in 24-bit colour; without it, a ramp of ten characters.
    gap
        Blank columns between two images.

    Yields
    ------
    str
        One line of the picture, ``len(images) * (columns + gap) - gap`` columns wide or less.
    """
    height, width = images[0].shape
    columns = max(1, min(columns, width))
    cells = max(1, round(height * columns / width / 2))
    small = [_shrunk(image, 2 * cells, columns) for image in images]
    for y in range(cells):
        parts = [_half_blocks(image[2 * y], image[2 * y + 1]) for image in small]
        if not colour:
            parts = [_ramp((image[2 * y] + image[2 * y + 1]) / 2) for image in small]
        yield (" " * gap).join(parts)


def _shrunk(image: NDArray[Any], height: int, width: int) -> NDArray[np.float64]:
    """Average an image over equal areas, which a thin stroke survives."""
    rows, columns = _areas(image.shape[0], height), _areas(image.shape[1], width)
    small: NDArray[np.float64] = rows @ image.astype(np.float64) @ columns.T
    return small


def _areas(old: int, new: int) -> NDArray[np.float64]:
    """Give the share of each of `old` cells in each of `new` ones, (new, old); rows sum to 1."""
    edges = np.linspace(0, old, new + 1)
    ends = np.minimum(edges[1:, np.newaxis], np.arange(1, old + 1))
    overlap = np.maximum(0, ends - np.maximum(edges[:-1, np.newaxis], np.arange(old)))
    shares: NDArray[np.float64] = overlap * (new / old)
    return shares


def _ramp(greys: NDArray[np.float64]) -> str:
    levels = np.clip(np.rint(greys / 255 * (len(_RAMP) - 1)), 0, len(_RAMP) - 1).astype(int)
    return "".join(_RAMP[level] for level in levels)


def _half_blocks(upper: NDArray[np.float64], lower: NDArray[np.float64]) -> str:
    drawn, before = "", None
    for cell in np.clip(np.rint(np.stack([upper, lower], axis=1)), 0, 255).astype(int).tolist():
        # Said again only where it changes: a dark margin is one code, not ten.
        if cell != before:
            top, foot = cell
            drawn += f"\x1b[38;2;{top};{top};{top};48;2;{foot};{foot};{foot}m"
        drawn, before = drawn + "▀", cell
    return drawn + _RESET


def braille_curve(values: Sequence[float], columns: int, height: int) -> Iterator[str]:
    """Draw values from 0 to 1 as an area, left to right, on an axis that is always 0 to 1.

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
