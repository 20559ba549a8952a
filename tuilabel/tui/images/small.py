"""Images that are drawn smaller than they are: what they are told apart by is brought out."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from tuilabel.tui.images.kinds import ImageKind, Pixels
from tuilabel.tui.images.palettes import Floats
from tuilabel.tui.images.sampling import fit, sampled

_FILLED = 2 / 3
"""What part of its box an image has to fill at a whole scale; below that it takes another."""

_LEAST_KEPT = 0.7
"""What part of an image's sides is left at least: a small thing is still seen to be small."""
_PLAIN = 0.1
"""How far from its corner's value an edge may be that is cut off, as a share of the range."""
_MARGIN = 1 / 16
"""What is left around a thing, as a share of its longer side."""

_SHARPER = 1.0
"""How much of what a pixel differs from its neighbours by is added to it."""
_DULL, _BRIGHT = 0.05, 0.95
"""Quantiles of the mean values that become the darkest and the brightest of the image."""

_TWO_TONED = 0.8
"""The part of the variance that two values explain in drawings and letters; ramps have 3/4."""
_SAMPLE = 64
_INK = 0.4
"""How far from the ground towards the ink a pixel is ink: strokes rather touch than break."""
_LIGHT = 0.75
"""From where light ink is white and not light grey."""


def is_small(image: Pixels, box: tuple[int, int]) -> bool:
    """Tell whether an image has more pixels than half blocks show, or far fewer than fit.

    Parameters
    ----------
    image : (H, W) or (H, W, 3) uint8
    box : tuple of int
        Columns and rows of cells.
    """
    height, width = image.shape[:2]
    columns, rows = box
    if height > rows * 2 or width > columns:
        return True
    drawn_height, drawn_width = fit(height, width, box, ImageKind.HALF)
    return max(drawn_height / (rows * 2), drawn_width / columns) < _FILLED


def small(image: Pixels, box: tuple[int, int], kind: ImageKind) -> Floats:
    """Give an image in the pixels of a box, which it fills: without its plain edge.

    Most of a small box goes to the plain edge that many images have. Of grey drawings and letters,
    thin strokes lose their brightness to the mean as well: they are sharpened and stretched. All
    other images, colours above all, keep the values they have: a rim or a shade that an image does
    not have would be taken for a part of it.

    Parameters
    ----------
    image : (H, W) or (H, W, 3) uint8
    box : tuple of int
        Columns and rows of cells.
    kind : ImageKind
        What pixels a cell holds.

    Returns
    -------
    (height, width, C) float32
        C is 1 for greys.
    """
    part = _trimmed(image, box)
    height, width = part.shape[:2]
    columns, rows = box
    scale = min(rows * 2 / height, columns / width)
    tall = _side(round(height * scale * kind.rows / 2), rows * kind.rows)
    wide = _side(round(width * scale * kind.columns), columns * kind.columns)
    is_drawing = image.ndim == 2 and is_two_toned(image)
    pixels = sampled(part, *((tall, wide) if scale < 1 else (height, width)))
    if is_drawing:
        # The smaller of the two: in a picture larger than its image, pixels are like their
        # neighbours.
        pixels = _sharpened(pixels)
    if scale >= 1:
        pixels = _between(pixels, tall, wide)
    return _stretched(pixels, image) if is_drawing else pixels


def _side(length: int, most: int) -> int:
    """Give the pixels of a side; a box that is filled but for one of them is filled."""
    return most if length >= most - 1 else max(1, length)


def _stretched(pixels: Floats, image: Pixels) -> Floats:
    """Give pixels as dark and as bright as those of the image are."""
    ordered = np.sort(pixels, axis=None)
    least, most, last = float(ordered[0]), float(ordered[-1]), ordered.size - 1
    low, high = float(ordered[round(last * _DULL)]), float(ordered[round(last * _BRIGHT)])
    # A few bright pixels on a plain ground are above every quantile.
    low, high = min(low, least + (most - least) / 4), max(high, most - (most - least) / 4)
    darkest, brightest = float(image.min()), float(image.max())
    factor = (brightest - darkest) / max(high - low, 1.0)
    return np.asarray(np.clip((pixels - low) * factor + darkest, darkest, brightest), np.float32)


def _between(values: Floats, height: int, width: int) -> Floats:
    """Give pixels in a larger size, what lies between others being between them in value."""
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


def _trimmed(image: Pixels, box: tuple[int, int]) -> Pixels:
    """Cut a plain edge off, as far as it makes what is inside larger in this box."""
    height, width = image.shape[:2]
    apart = np.abs(image.astype(np.int16) - image[0, 0])
    differs = apart > (int(image.max()) - int(image.min())) * _PLAIN
    if image.ndim == 3:
        differs = differs.any(axis=2)
    down, across = np.flatnonzero(differs.any(axis=1)), np.flatnonzero(differs.any(axis=0))
    if not down.size:
        return image
    top, bottom, left, right = int(down[0]), int(down[-1]) + 1, int(across[0]), int(across[-1]) + 1
    around = 2 * max(1, round(max(bottom - top, right - left) * _MARGIN))
    tall = max(bottom - top + around, height * _LEAST_KEPT)
    wide = max(right - left + around, width * _LEAST_KEPT)
    # The part has the shape of the box, where the image is large enough for it.
    shape = box[0] / (2 * box[1])
    tall, wide = max(tall, wide / shape), max(wide, tall * shape)
    rows, columns = min(height, round(tall)), min(width, round(wide))
    top = max(0, min((top + bottom - rows + 1) // 2, height - rows))
    left = max(0, min((left + right - columns + 1) // 2, width - columns))
    return image[top : top + rows, left : left + columns]


def _sharpened(pixels: Floats) -> Floats:
    """Give pixels less like their neighbours; those beyond an edge are like the edge."""
    down, across = _blur(pixels.shape[0]), _blur(pixels.shape[1])
    blurred = (down @ pixels.transpose(2, 0, 1) @ across.T).transpose(1, 2, 0)
    sharp = pixels + _SHARPER * (pixels - blurred)
    # Beside strokes it is darker than the ground, which would then be a grey.
    return np.asarray(np.clip(sharp, pixels.min(), pixels.max()), np.float32)


@lru_cache(maxsize=64)
def _blur(length: int) -> Floats:
    """Give the matrix that makes values in a line means of themselves and their neighbours."""
    beside = np.eye(length, k=1) + np.eye(length, k=-1)
    beside[0, 0] += 1
    beside[-1, -1] += 1
    return np.asarray(beside / 4 + np.eye(length) / 2, np.float32)


def is_two_toned(image: Pixels) -> bool:
    """Tell whether an image is mostly of two brightnesses, as a drawing or a letter is.

    Parameters
    ----------
    image : (H, W) or (H, W, 3) uint8
    """
    every = max(1, -(-max(image.shape[:2]) // _SAMPLE))
    grey = image[::every, ::every]
    if grey.ndim == 3:
        grey = grey.mean(axis=2).astype(np.uint8)
    counts = np.bincount(grey.ravel(), minlength=256)
    values = np.arange(256)
    lower, total = counts.cumsum()[:-1], grey.size
    sums, whole = (counts * values).cumsum()[:-1], float(counts @ values)
    variance = float(counts @ values**2) - whole**2 / total
    upper = total - lower
    some = (lower > 0) & (upper > 0)
    if not some.any() or variance <= 0:
        return False
    lower, upper, sums = lower[some], upper[some], sums[some]
    explained = sums**2 / lower + (whole - sums) ** 2 / upper - whole**2 / total
    return bool(explained.max() >= _TWO_TONED * variance)


def as_ink(pixels: Floats, greys: bool) -> Floats:
    """Give grey pixels of a drawing as ink and ground only, black and white.

    The weak pixels beside a stroke are ground: as shades they are blots.

    Parameters
    ----------
    pixels : (H, W, 1) float32
    greys : bool
        Whether white ink may be light grey where it is weak, as the terminal's own white is.
    """
    low, high = float(pixels.min()), float(pixels.max())
    share = (pixels - low) / max(high - low, 1.0)
    if float(share.mean()) > 0.5:
        return np.asarray(np.where(share > 1 - _INK, 255, 0), np.float32)
    if greys:
        light: NDArray[np.float64] = np.where(share < _LIGHT, 200, 255)
        return np.asarray(np.where(share < _INK, 0, light), np.float32)
    return np.asarray(np.where(share < _INK, 0, 255), np.float32)
