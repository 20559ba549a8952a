"""The display window: which stored values are shown as black and as white.

Values of more than 8 bits have no set range: a CT uses 12 of 16 bits, a float image any range. One
window for all images of a source keeps them comparable, on the screen and for models. 8-bit images
need none.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

SAMPLED_IMAGES = 256
_SAMPLED_VALUES = 2**16
_QUANTILES = (np.arange(256) + 0.5) / 256
_ENDS = (0.005, 0.995)
_TOO_FEW = 2
_IMAGES_PER_OUTLIER = 50
_MUCH_WIDER = 2
_BAND_VALUES = 2**20


class Window(NamedTuple):
    """A range of stored values, linearly shown from black to white.

    Attributes
    ----------
    low, high : float
        The values shown as black and as white; all beyond are shown alike.
    """

    low: float
    high: float

    def apply(self, values: NDArray[Any]) -> NDArray[np.uint8]:
        """Return values as they are shown; NaN is black.

        Parameters
        ----------
        values : numeric array of shape (n, ...)

        Returns
        -------
        uint8 array of the same shape
        """
        pixels = np.empty(values.shape, dtype=np.uint8)
        rows = max(1, _BAND_VALUES // max(1, values[:1].size))
        with np.errstate(all="ignore"):
            width = self.high - self.low
            for start in range(0, len(values), rows):
                band = values[start : start + rows].astype(np.float64)
                band = np.nan_to_num((band - self.low) / width * 255, nan=0, posinf=255, neginf=0)
                pixels[start : start + rows] = np.rint(band.clip(0, 255))
        return pixels


def is_deep(values: NDArray[Any]) -> bool:
    """Return whether values need a window: all but unsigned bytes."""
    return values.dtype != np.uint8


def sampled(count: int) -> NDArray[np.intp]:
    """Return which of `count` images to choose a window by, in order: always the same ones."""
    rng = np.random.default_rng(0)
    chosen = rng.choice(count, min(count, SAMPLED_IMAGES), replace=False)
    return np.sort(chosen).astype(np.intp)


def sketch(values: NDArray[Any]) -> NDArray[np.float64]:
    """Return 256 quantiles of the finite values of an image, or none if it has no finite value.

    The outermost ones leave out 0.2 % at each end, such as defective pixels. Of a large image a
    sample of the values is used, always the same one.
    """
    values = values.reshape(-1)
    if values.size > _SAMPLED_VALUES:
        rng = np.random.default_rng(0)
        values = values[rng.integers(values.size, size=_SAMPLED_VALUES)]
    finite: NDArray[np.float64] = values[np.isfinite(values)].astype(np.float64)
    if not finite.size:
        return finite
    # Interpolation would overflow between huge values.
    return np.asarray(np.quantile(finite, _QUANTILES, method="nearest"))


def window_of(sketches: Sequence[NDArray[np.float64]]) -> Window:
    """Return the window for images with these sketches.

    It has the values of each image from the 0.5th to the 99.5th percentile. One image in 50, and
    one in any case if there are at least three, is left out if the window would be more than
    twice as wide with it: one white image must not make all others black.

    Where that is a single value, as in sparse masks, the window is the whole range of the
    sketches; where they have a single value too, it is the middle of the window.
    """
    found = [_ends(each) for each in sketches if each.size]
    if not found:
        return Window(0.0, 1.0)
    spare = max(1, len(found) // _IMAGES_PER_OUTLIER) if len(found) > _TOO_FEW else 0
    low, high = _range(found)
    without = _narrowest(found, spare)
    if high - low > _MUCH_WIDER * (without[1] - without[0]) > 0:
        low, high = without
    if low == high:
        values = np.concatenate(sketches)
        low, high = float(values.min()), float(values.max())
    if low == high:
        margin = max(0.5, abs(low) * 1e-6)
        low, high = low - margin, high + margin
    return Window(low, high)


def _ends(values: NDArray[np.float64]) -> tuple[float, float]:
    low, high = np.quantile(values, _ENDS, method="nearest").tolist()
    return low, high


def _range(ranges: Sequence[tuple[float, float]]) -> tuple[float, float]:
    return min(low for low, _ in ranges), max(high for _, high in ranges)


def _narrowest(ranges: Sequence[tuple[float, float]], spare: int) -> tuple[float, float]:
    """Return the narrowest range that has all ranges but so many."""
    by_low = sorted(ranges)
    found = []
    for dropped in range(spare + 1):
        rest = sorted(by_low[dropped:], key=lambda ends: ends[1])
        found.append(_range(rest[: len(ranges) - spare]))
    return min(found, key=lambda ends: ends[1] - ends[0])
