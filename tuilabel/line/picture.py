"""Images as lines of characters."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

ASCII = " .:-=+*#%@"
SHADES = " ░▒▓█"
"""Characters from dark to bright, as they look on a dark terminal."""

MOST_COLUMNS = 60
MOST_ROWS = 20


@dataclass(frozen=True)
class Look:
    """The size and the characters that images are drawn with.

    Attributes
    ----------
    columns, rows : int
        The largest size of a picture, in characters.
    ramp : str
        Characters from dark to bright.
    """

    columns: int = MOST_COLUMNS
    rows: int = MOST_ROWS
    ramp: str = ASCII

    def inverted(self) -> Look:
        """Return the look with dark and bright swapped."""
        return Look(self.columns, self.rows, self.ramp[::-1])


def picture(image: NDArray[np.uint8], look: Look) -> list[str]:
    """Draw an image as large as it fits, with its aspect ratio.

    A character counts as twice as high as wide, and shows the mean of the pixels it covers.

    Parameters
    ----------
    image : uint8 array of shape (H, W) or (H, W, 3)
    look : Look

    Returns
    -------
    list of str
        Lines without blanks at their ends; empty if every character would be blank.
    """
    grey = image.astype(np.float64)
    if grey.ndim == 3:
        grey = grey @ np.array([0.299, 0.587, 0.114])
    height, width = grey.shape
    scale = min(look.rows / height, look.columns / (2 * width))
    if scale >= 1:
        scale = int(scale)
    rows, columns = max(1, int(height * scale)), max(1, int(2 * width * scale))
    small = _resized(_resized(grey, rows).T, columns).T
    steps = np.clip((small / 256 * len(look.ramp)).astype(int), 0, len(look.ramp) - 1)
    lines = ["".join(look.ramp[step] for step in row).rstrip() for row in steps.tolist()]
    return lines if any(lines) else []


def _resized(values: NDArray[np.float64], count: int) -> NDArray[np.float64]:
    """Return `count` rows, each the mean of the rows that it covers."""
    edges = np.linspace(0, len(values), count + 1)
    # Between two rows, the sum of all rows up to a place is linear.
    sums = np.concatenate([np.zeros((1, values.shape[1])), np.cumsum(values, axis=0)])
    whole = np.minimum(edges.astype(int), len(values) - 1)
    up_to = sums[whole] + (edges - whole)[:, None] * values[whole]
    means: NDArray[np.float64] = np.diff(up_to, axis=0) / np.diff(edges)[:, None]
    return means
