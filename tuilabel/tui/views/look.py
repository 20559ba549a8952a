"""Which part of which image is looked at, as plain values."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from typing import NamedTuple

from tuilabel.data.region import WHOLE, Region
from tuilabel.data.window import Window
from tuilabel.tui.images import Pixels
from tuilabel.tui.text.pieces import Piece

CORNERS: Mapping[str, tuple[int, int]] = {
    "top_left": (0, 0),
    "top_right": (1, 0),
    "bottom_left": (0, 1),
    "bottom_right": (1, 1),
}
"""The columns and rows of the quarters of an image, by the id of the action that zooms there."""

MOST_CORNERS = 7
"""Quarters of quarters that one can zoom into: at 128 times, a photograph is a few pixels."""

_WINDOW_STEP = 1.25
_LEVEL_STEP = 1 / 16


class Look(NamedTuple):
    """What is looked at.

    Attributes
    ----------
    corners : tuple of str
        The quarters zoomed into, each a part of the one before; none for the whole image.
    step : int
        How many files away from the image that is asked; 0 is that image.
    frame : int
        The place in the group that is asked, from 0.
    """

    corners: tuple[str, ...] = ()
    step: int = 0
    frame: int = 0

    @property
    def region(self) -> Region:
        """The part of the image."""
        left = top = 0.0
        side = 1.0
        for corner in self.corners:
            side /= 2
            column, row = CORNERS[corner]
            left, top = left + column * side, top + row * side
        return WHOLE if not self.corners else Region(left, top, left + side, top + side)

    def towards(self, corner: str) -> Look:
        """Return the look into a quarter of this one; out again where it is the last one."""
        if self.corners[-1:] == (corner,):
            return self._replace(corners=self.corners[:-1])
        return self._replace(corners=(*self.corners, corner))

    def closer(self) -> Look:
        """Return the look into the same quarter again; of a whole image, the first."""
        return self._replace(corners=(*self.corners, *(self.corners[-1:] or ("top_left",))))

    @property
    def zoom(self) -> str:
        """How far it is zoomed in, such as ``4x``."""
        return f"{2 ** len(self.corners)}x"


class WindowLook(NamedTuple):
    """How images of more than 8 bits are seen, in steps from the source's window.

    Attributes
    ----------
    width : int
        Above 0 the window is narrower: more contrast.
    level : int
        Above 0 lower values are in its middle: brighter.
    """

    width: int = 0
    level: int = 0

    def of(self, window: Window) -> Window:
        """Return the window in effect."""
        full = window.high - window.low
        middle = (window.low + window.high) / 2 - self.level * full * _LEVEL_STEP
        half = full / 2 / _WINDOW_STEP**self.width
        return Window(middle - half, middle + half)


class Sight(NamedTuple):
    """An image to draw.

    Attributes
    ----------
    key : hashable
        Names the image among those drawn before.
    image : (H, W) or (H, W, 3) uint8
    caption : Piece
        A line below it; empty for none.
    """

    key: Hashable
    image: Pixels
    caption: Piece = ("", "muted")


class Looked(NamedTuple):
    """What stands beside an image that is looked at closely.

    Attributes
    ----------
    region : Region or None
        Where the part that is seen lies in the image; None where all of it is seen.
    image : (H, W) or (H, W, 3) uint8
        The whole image, for the map; small.
    words : str
        How far it is zoomed in.
    facts : sequence of (str, str)
        A word and a text each.
    """

    region: Region | None
    image: Pixels
    words: str
    facts: Sequence[tuple[str, str]]


def step_words(step: int) -> str:
    """Return where a neighbour lies, such as ``2 before``; nothing for the image itself."""
    if not step:
        return ""
    return f"{abs(step):,} {'before' if step < 0 else 'after'}, not asked"
