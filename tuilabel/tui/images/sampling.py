"""From an image's pixels to those of the cells it is drawn in."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from tuilabel.tui.images.kinds import ImageKind

CONTRAST_STEPS = 4
"""How far contrast can be raised and lowered from 0."""

_ALMOST = 1e-9

_NEARLY = 0.75
"""How large an image smaller than its cells has to be at a whole scale, or it takes another."""


def fit(
    height: int, width: int, box: tuple[int, int], kind: ImageKind = ImageKind.HALF
) -> tuple[int, int]:
    """Give the largest size at which an image fits a box of cells, its aspect ratio kept.

    Parameters
    ----------
    height, width : int
        Of the image, in pixels.
    box : tuple of int
        Columns and rows of cells; a cell is twice as high as wide.
    kind : ImageKind
        What pixels a cell holds.

    Returns
    -------
    tuple of int
        Height and width to draw, in pixels of this kind: a whole multiple of the image where a
        pixel of it is as large as a cell is wide, and below that where little is lost by it.
    """
    columns, rows = box
    # Pixels of the kind in the width of a cell, and in half of its height, which is as long.
    across, down = float(kind.columns), kind.rows / 2
    scale = min(rows * 2 / height, columns / width)
    whole = int(scale * min(across, down) + _ALMOST) / min(across, down)
    if whole >= 1 or whole >= scale * _NEARLY:
        scale = whole
    return (
        max(1, int(height * scale * down + _ALMOST)),
        max(1, int(width * scale * across + _ALMOST)),
    )


def sampled(image: NDArray[np.uint8], height: int, width: int) -> NDArray[np.float32]:
    """Give an image in another size: repeated pixels, or the mean of those that share one.

    Parameters
    ----------
    image : (H, W) or (H, W, C) uint8
    height, width : int

    Returns
    -------
    (height, width, C) float32
        C is 1 for greys.
    """
    values = image.astype(np.float32)
    if values.ndim == 2:
        values = values[:, :, None]
    for axis, length in enumerate((height, width)):
        here = values.shape[axis]
        if length % here == 0:
            values = np.repeat(values, length // here, axis)
        else:
            mean = np.tensordot(_overlaps(here, length), values, (1, axis))
            values = np.moveaxis(mean, 0, axis)
    return values


@lru_cache(maxsize=64)
def _overlaps(here: int, there: int) -> NDArray[np.float32]:
    """Give how much of each of `there` pixels every one of `here` fills, (there, here)."""
    edges = np.arange(there + 1)[:, None] * (here / there)
    cumulative = np.clip(edges - np.arange(here)[None, :], 0, 1)
    overlaps = np.diff(cumulative, axis=0)
    return np.asarray(overlaps / overlaps.sum(axis=1, keepdims=True), np.float32)


def adjust(image: NDArray[np.uint8], *, inverted: bool, contrast: int) -> NDArray[np.uint8]:
    """Swap dark and light, and stretch or squeeze values about the middle.

    Parameters
    ----------
    image : (H, W) or (H, W, 3) uint8
    inverted : bool
    contrast : int
        From -`CONTRAST_STEPS` to `CONTRAST_STEPS`; each step is a factor of 1.4.
    """
    if inverted:
        image = 255 - image
    if contrast:
        table = np.clip((np.arange(256) - 127.5) * 1.4**contrast + 127.5, 0, 255)
        image = table.astype(np.uint8)[image]
    return image
