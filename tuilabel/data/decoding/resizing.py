"""Reducing of images of any depth."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray


def fitted(pixels: NDArray[Any], box: tuple[int, int]) -> NDArray[Any]:
    """Reduce an image to fit into a box, aspect ratio kept; a smaller one stays as it is.

    Parameters
    ----------
    pixels : array of shape (H, W) or (H, W, 3)
    box : tuple of int
        Width and height.

    Returns
    -------
    array of shape (h, w) or (h, w, 3), of the same type
    """
    height, width = pixels.shape[:2]
    scale = min(box[0] / width, box[1] / height)
    if scale >= 1:
        return pixels
    return resized(pixels, (max(1, round(width * scale)), max(1, round(height * scale))))


def resized(pixels: NDArray[Any], size: tuple[int, int]) -> NDArray[Any]:
    """Resample an image to a width and height."""
    from PIL import Image

    is_deep = pixels.dtype != np.uint8
    if is_deep and pixels.ndim == 3:
        # Pillow has no deep colours.
        return np.stack([resized(channel, size) for channel in np.moveaxis(pixels, 2, 0)], axis=2)
    values = pixels.astype(np.float32) if is_deep else np.ascontiguousarray(pixels)
    image = Image.fromarray(values)
    if is_deep and not np.isfinite(values).all():
        # Any mean with these values would be one of them.
        return np.asarray(image.resize(size, Image.Resampling.NEAREST)).astype(pixels.dtype)
    result = np.asarray(image.resize(size, Image.Resampling.LANCZOS, reducing_gap=3.0))
    if is_deep:
        # Resampling overshoots at edges.
        result = result.clip(values.min(), values.max())
        result = (result if pixels.dtype.kind == "f" else result.round()).astype(pixels.dtype)
    return result
