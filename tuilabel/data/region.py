"""A part of an image."""

from __future__ import annotations

from math import ceil
from typing import Any, NamedTuple

from numpy.typing import NDArray


class Region(NamedTuple):
    """A part of an upright image, as shares of its width and height from the top left.

    Attributes
    ----------
    left, top, right, bottom : float
        From 0 to 1; right and bottom are larger than left and top.
    """

    left: float = 0.0
    top: float = 0.0
    right: float = 1.0
    bottom: float = 1.0

    def part(self, pixels: NDArray[Any]) -> NDArray[Any]:
        """Return this part of an image of shape (H, W) or (H, W, 3): at least one pixel."""
        height, width = pixels.shape[:2]
        left, top = min(int(self.left * width), width - 1), min(int(self.top * height), height - 1)
        right, bottom = ceil(self.right * width), ceil(self.bottom * height)
        return pixels[top : max(bottom, top + 1), left : max(right, left + 1)]


WHOLE = Region()
