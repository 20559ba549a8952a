"""Resizing images to the pixels of the cells that they are drawn in."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from tuilabel.tui.images.kinds import ImageKind

CONTRAST_STEPS = 4
"""How far contrast can be raised and lowered from 0."""

_ALMOST = 1e-9

_NEARLY = 0.75
"""At a whole scale an image may be this much smaller than its box; else another scale is used."""


def fit(
    height: int, width: int, box: tuple[int, int], kind: ImageKind = ImageKind.HALF
) -> tuple[int, int]:
    """Return the largest size at which an image fits a box of cells, its aspect ratio kept.

    Parameters
    ----------
    height, width : int
        Of the image, in pixels.
    box : tuple of int
        Columns and rows of cells; a cell is twice as high as wide.
    kind : ImageKind
        The pixels in a cell.

    Returns
    -------
    tuple of int
        Height and width to draw, in pixels of this kind. The scale is a whole number if each
        pixel of the image is at least as wide as a cell, or if little size is lost by it.
    """
    columns, rows = box
    # Pixels of the kind in a cell's width, and in half of its height, which is as long.
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
    """Resize an image: repeat its pixels, or take the mean of those that share one.

    Parameters
    ----------
    image : (H, W) or (H, W, C) uint8
    height, width : int

    Returns
    -------
    (height, width, C) float32
        C is 1 for a grey image.
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
    """Return the share that each of `here` pixels has in each of `there` ones, (there, here)."""
    edges = np.arange(there + 1)[:, None] * (here / there)
    cumulative = np.clip(edges - np.arange(here)[None, :], 0, 1)
    overlaps = np.diff(cumulative, axis=0)
    return np.asarray(overlaps / overlaps.sum(axis=1, keepdims=True), np.float32)


def between(values: NDArray[np.float32], height: int, width: int) -> NDArray[np.float32]:
    """Return (H, W, C) pixels enlarged by linear interpolation."""
    for axis, length in enumerate((height, width)):
        here = values.shape[axis]
        places = np.clip((np.arange(length) + 0.5) * here / length - 0.5, 0, here - 1)
        first = np.minimum(places.astype(np.intp), max(0, here - 2))
        part = (places - first).astype(np.float32)
        part = part[:, None, None] if axis == 0 else part[None, :, None]
        before, behind = (
            values.take(first, axis),
            values.take(np.minimum(first + 1, here - 1), axis),
        )
        values = before + (behind - before) * part
    return values


def enlarged(image: NDArray[np.uint8], box: tuple[int, int]) -> NDArray[np.uint8]:
    """Return an image as large as fits a width and height in pixels, without hard edges."""
    height, width = image.shape[:2]
    scale = min(box[0] / width, box[1] / height)
    if scale <= 1:
        return image
    values = between(
        image.reshape(height, width, -1).astype(np.float32),
        max(1, round(height * scale)),
        max(1, round(width * scale)),
    )
    pixels = np.rint(values).astype(np.uint8)
    return pixels[:, :, 0] if image.ndim == 2 else pixels


def adjust(image: NDArray[np.uint8], *, inverted: bool, contrast: int) -> NDArray[np.uint8]:
    """Swap dark and light, and change the contrast; that never makes any part darker.

    Parameters
    ----------
    image : (H, W) or (H, W, 3) uint8
    inverted : bool
    contrast : int
        From -`CONTRAST_STEPS` to `CONTRAST_STEPS`; each step is a factor of 1.4. Above 0, values
        are stretched upwards from the darkest; below 0, squeezed upwards to the brightest.
    """
    if inverted:
        image = 255 - image
    if contrast and image.size:
        fixed = float(image.min() if contrast > 0 else image.max())
        table = np.rint(np.clip((np.arange(256) - fixed) * 1.4**contrast + fixed, 0, 255))
        image = table.astype(np.uint8)[image]
    return image
