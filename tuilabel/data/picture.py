"""An image, or a part of it, at the size that a terminal shows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tuilabel.data.region import WHOLE, Region
from tuilabel.data.window import Window, is_deep, sketch, window_of


@dataclass(frozen=True, eq=False)
class Picture:
    """A part of an image, reduced to a box.

    Attributes
    ----------
    values : array of shape (h, w) or (h, w, 3)
        As deep as in the source.
    size : tuple of int
        Height and width of the whole image.
    window : Window or None
        The window through which values of more than 8 bits are seen.
    facts : sequence of (str, str)
        What the image's metadata says: a word and a text each, inert.
    """

    values: NDArray[Any]
    size: tuple[int, int]
    window: Window | None = None
    facts: Sequence[tuple[str, str]] = ()

    def pixels(self, window: Window | None = None) -> NDArray[np.uint8]:
        """Return what is seen of it, shape (h, w) or (h, w, 3).

        Parameters
        ----------
        window : Window, optional
            Another window for values of more than 8 bits.
        """
        seen = window or self.window
        return self.values if seen is None or self.window is None else seen.apply(self.values)


def picture_of(
    values: NDArray[Any],
    box: tuple[int, int],
    region: Region = WHOLE,
    window: Window | None = None,
) -> Picture:
    """Return a part of an image that is in memory, reduced to a box.

    Parameters
    ----------
    values : array of shape (H, W) or (H, W, 3)
    box : tuple of int
        Largest width and height.
    region : Region
    window : Window, optional
        For values of more than 8 bits; by default that of this image alone.
    """
    from tuilabel.data.decoding.resizing import fitted  # not at the start: few sources need it

    height, width = values.shape[:2]
    if is_deep(values) and window is None:
        window = window_of([sketch(values)])
    return Picture(fitted(region.part(values), box), (height, width), window)
