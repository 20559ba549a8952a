"""Images drawn smaller than they are, so that one can still be told from another."""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from tuilabel.tui.images.kinds import ImageKind, Pixels
from tuilabel.tui.images.palettes import Floats
from tuilabel.tui.images.sampling import between, fit, sampled

_FILLED = 2 / 3
"""Share of its box that an image has to fill at a whole scale, or it is drawn at another scale."""

_LEAST_KEPT = 0.7
"""Share of an image's sides that is left at least: a small thing still looks small."""
_PLAIN = 0.1
"""How far an edge that is cut off may be from the corner's value, as a share of the range."""
_MARGIN = 1 / 16
"""Margin that is left around a thing, as a share of its longer side."""

_SHARPER = 1.0
"""Share of a pixel's difference from its neighbours that is added to it."""
_DULL, _BRIGHT = 0.05, 0.95
"""Quantiles of the averaged values that become the darkest and the brightest of the image."""


def is_small(image: Pixels, box: tuple[int, int]) -> bool:
    """Return whether an image has more pixels than half blocks show, or far fewer than fit.

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
    """Return an image in the pixels of a box, which it fills, without its plain edge.

    The plain edge that many images have would take most of a small box. In grey images, averaging
    dims thin strokes as well, so grey images are sharpened and stretched. Colours keep their
    values: a rim of another colour would be taken for a part of the image.

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
    is_grey = image.ndim == 2
    pixels = sampled(part, *((tall, wide) if scale < 1 else (height, width)))
    if is_grey:
        # Before it is enlarged: in a picture larger than its image, pixels are like their
        # neighbours.
        pixels = _sharpened(pixels)
    if scale >= 1:
        pixels = between(pixels, tall, wide)
    return _stretched(pixels, image) if is_grey else pixels


def _side(length: int, most: int) -> int:
    """Return the pixels of a side; a side that is one pixel short of the box fills it."""
    return most if length >= most - 1 else max(1, length)


def _stretched(pixels: Floats, image: Pixels) -> Floats:
    """Return pixels as dark and as bright as those of the image."""
    ordered = np.sort(pixels, axis=None)
    least, most, last = float(ordered[0]), float(ordered[-1]), ordered.size - 1
    low, high = float(ordered[round(last * _DULL)]), float(ordered[round(last * _BRIGHT)])
    # A few bright pixels on a plain ground are above every quantile.
    low, high = min(low, least + (most - least) / 4), max(high, most - (most - least) / 4)
    darkest, brightest = float(image.min()), float(image.max())
    factor = (brightest - darkest) / max(high - low, 1.0)
    return np.asarray(np.clip((pixels - low) * factor + darkest, darkest, brightest), np.float32)


def _trimmed(image: Pixels, box: tuple[int, int]) -> Pixels:
    """Cut a plain edge off, as far as that enlarges what is inside it."""
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
    """Return pixels less like their neighbours; beyond an edge, the edge is repeated."""
    down, across = _blur(pixels.shape[0]), _blur(pixels.shape[1])
    blurred = (down @ pixels.transpose(2, 0, 1) @ across.T).transpose(1, 2, 0)
    sharp = pixels + _SHARPER * (pixels - blurred)
    # Beside strokes it is darker than the ground, which would then be a grey.
    return np.asarray(np.clip(sharp, pixels.min(), pixels.max()), np.float32)


@lru_cache(maxsize=64)
def _blur(length: int) -> Floats:
    """Return the matrix that averages the values of a line with their neighbours."""
    beside = np.eye(length, k=1) + np.eye(length, k=-1)
    beside[0, 0] += 1
    beside[-1, -1] += 1
    return np.asarray(beside / 4 + np.eye(length) / 2, np.float32)
