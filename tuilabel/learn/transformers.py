"""Features of images, as scikit-learn transformers.

Importing this module loads scikit-learn, so only the functions that compute features do. `fit`
reads only the shape of the images, so a pool may be transformed in chunks.
"""

from __future__ import annotations

from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.pipeline import Pipeline, make_pipeline

from tuilabel.learn.checks import check_finite
from tuilabel.learn.features import unit_rows

LUMA = np.array([0.299, 0.587, 0.114], dtype=np.float32)
"""Weights of red, green and blue in brightness (ITU-R BT.601)."""


class Hog(TransformerMixin, BaseEstimator):  # type: ignore[misc]
    """Histograms of oriented gradients, pooled softly over a grid.

    The gradient of each pixel is split between the two nearest of `bins` directions over the
    whole circle, so that a dark edge on light differs from a light edge on dark. Each direction
    is pooled over `grid` x `grid` Gaussian windows. The square roots of these numbers are scaled
    to a row of length 1. An image without any edge becomes zeros.

    Parameters
    ----------
    bins
        Number of directions.
    grid
        Number of windows along each axis.
    spread
        Standard deviation of a window, in distances between windows.

    References
    ----------
    Dalal & Triggs, "Histograms of oriented gradients for human detection", CVPR 2005; the square
    root: Arandjelović & Zisserman, "Three things everyone should know to improve object
    retrieval", CVPR 2012.
    """

    def __init__(self, bins: int = 8, grid: int = 7, spread: float = 0.5) -> None:
        self.bins = bins
        self.grid = grid
        self.spread = spread

    def fit(self, X: NDArray[Any], y: None = None) -> Self:
        """Place the windows on images of this shape; their content is not used."""
        self.image_shape_ = _image_shape(X)
        height, width = self.image_shape_[:2]
        self.windows_ = (
            _windows(height, self.grid, self.spread),
            _windows(width, self.grid, self.spread),
        )
        return self

    def transform(self, X: NDArray[Any]) -> NDArray[np.float32]:
        """Transform images.

        Parameters
        ----------
        X : (m, H, W) or (m, H, W, 3) uint8 or floating array

        Returns
        -------
        (m, grid * grid * bins) float32 array
        """
        images = brightness(X)
        count, height, width = images.shape
        down, across = np.zeros_like(images), np.zeros_like(images)
        if height > 1:
            down[:, 1:-1] = images[:, 2:] - images[:, :-2]
        if width > 1:
            across[:, :, 1:-1] = images[:, :, 2:] - images[:, :, :-2]
        strength = np.hypot(across, down)
        turn = np.arctan2(down, across) * np.float32(self.bins / (2 * np.pi))
        low = np.floor(turn)
        share = (turn - low) * strength
        first = low.astype(np.int8) % self.bins
        rows, columns = self.windows_
        cells = np.empty((count, self.bins, self.grid, self.grid), dtype=np.float32)
        upper, lower = share, strength - share
        for bin_ in range(self.bins):
            split = np.where(first == bin_, lower, np.float32(0))
            split += np.where(first == (bin_ - 1) % self.bins, upper, np.float32(0))
            by_column = split.reshape(count * height, width) @ columns.T
            cells[:, bin_] = rows @ by_column.reshape(count, height, self.grid)
        flat = np.sqrt(cells.reshape(count, self.grid * self.grid * self.bins))
        length = np.linalg.norm(flat, axis=1, keepdims=True)
        flat /= np.where(length > 0, length, 1)
        return flat


class Deskew(TransformerMixin, BaseEstimator):  # type: ignore[misc]
    """Glyphs set upright and centred, by the moments of their ink.

    The image is sheared so that its principal vertical axis is upright, and moved so that the
    centre of its ink is the centre of the image. Ink is the difference from the background, the
    median of the border pixels. An image without ink stays as it is.

    References
    ----------
    The preprocessing of LeCun, Bottou, Bengio & Haffner, "Gradient-based learning applied to
    document recognition", Proceedings of the IEEE 1998 (deslanting).
    """

    def fit(self, X: NDArray[Any], y: None = None) -> Self:
        """Store the shape of the images; nothing is learned."""
        self.image_shape_ = _image_shape(X)
        return self

    def transform(self, X: NDArray[Any]) -> NDArray[np.float32]:
        """Transform images.

        Parameters
        ----------
        X : (m, H, W) or (m, H, W, 3) uint8 or floating array

        Returns
        -------
        (m, H, W) float32 array
            The ink, 0 to 1.
        """
        images = ink(brightness(X))
        _, height, width = images.shape
        ys = np.arange(height, dtype=np.float32)
        xs = np.arange(width, dtype=np.float32)
        by_row, by_column = images.sum(axis=2), images.sum(axis=1)
        mass = by_row.sum(axis=1)
        safe = np.where(mass > 0, mass, 1)
        middle_y, middle_x = by_row @ ys / safe, by_column @ xs / safe
        offset_y = ys - middle_y[:, None]
        variance = np.einsum("ny,ny->n", by_row, offset_y**2) / safe
        row_x = images @ xs - by_row * middle_x[:, None]
        covariance = np.einsum("ny,ny->n", row_x, offset_y) / safe
        # A glyph of one row has no slant; more than 45 degrees is its shape, not a slant.
        slant = np.clip(covariance / np.maximum(variance, np.float32(0.1)), -1, 1)
        target_y = ys - np.float32((height - 1) / 2)
        target_x = xs - np.float32((width - 1) / 2)
        source_y = np.broadcast_to((target_y + middle_y[:, None])[:, :, None], images.shape)
        source_x = (
            target_x[None, None, :]
            + middle_x[:, None, None]
            + slant[:, None, None] * target_y[None, :, None]
        )
        moved = _bilinear(images, source_y, source_x)
        return np.asarray(np.where((mass > 0)[:, None, None], moved, images), dtype=np.float32)


def deskew_hog() -> Pipeline:
    """Return the transformer of `Deskew`, then `Hog`."""
    return make_pipeline(Deskew(), Hog())


def brightness(images: NDArray[Any]) -> NDArray[np.float32]:
    """Return each image as one float32 plane, 0 to 1; raise an error for NaN and infinity."""
    check_finite(images, "The array of images")
    planes: NDArray[np.float32] = unit_rows(images).reshape(images.shape)
    if images.ndim == 4:
        planes = np.asarray(planes @ LUMA, dtype=np.float32)
    return planes


def ink(images: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the difference of each pixel from the background, the median of the border."""
    border = np.concatenate(
        [images[:, 0], images[:, -1], images[:, :, 0], images[:, :, -1]], axis=1
    )
    background = np.median(border, axis=1).astype(np.float32)
    inked: NDArray[np.float32] = np.abs(images - background[:, None, None])
    return inked


def _image_shape(images: NDArray[Any]) -> tuple[int, ...]:
    if images.ndim == 3 or (images.ndim == 4 and images.shape[3] == 3):
        return tuple(images.shape[1:])
    raise ValueError(
        f"Images have shape {images.shape}; expected (items, height, width), with or without 3 "
        "colours."
    )


def _windows(length: int, grid: int, spread: float) -> NDArray[np.float32]:
    """Return the weights (grid, length) of the pixels of one axis in each window."""
    step = length / grid
    centres = (np.arange(grid) + 0.5) * step - 0.5
    distance = (np.arange(length)[None, :] - centres[:, None]) / step
    weights = np.exp(-0.5 * (distance / spread) ** 2)
    return np.asarray(weights / weights.sum(axis=1, keepdims=True), dtype=np.float32)


def _bilinear(
    images: NDArray[np.float32], y: NDArray[np.float32], x: NDArray[np.float32]
) -> NDArray[np.float32]:
    """Interpolate images between their pixels; beyond their edge there is no ink."""
    count, height, width = images.shape
    padded = np.zeros((count, height + 2, width + 2), dtype=np.float32)
    padded[:, 1:-1, 1:-1] = images
    y = np.clip(y + 1, 0, np.float32(height + 0.999))
    x = np.clip(x + 1, 0, np.float32(width + 0.999))
    top, left = y.astype(np.intp), x.astype(np.intp)
    down, across = y - top, x - left
    start = (np.arange(count) * (height + 2) * (width + 2))[:, None, None]
    corner = start + top * (width + 2) + left
    flat = padded.reshape(-1)
    upper = flat[corner] * (1 - across) + flat[corner + 1] * across
    lower = flat[corner + width + 2] * (1 - across) + flat[corner + width + 3] * across
    return np.asarray(upper * (1 - down) + lower * down, dtype=np.float32)
