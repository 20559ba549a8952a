"""The kinds of blocks and their characters."""

from __future__ import annotations

from enum import Enum
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from tuilabel.tui.terminal.capabilities import Blocks, Colours, Depth

Pixels = NDArray[np.uint8]


class ImageKind(Enum):
    """The pixels in a cell, as columns and rows. A cell is twice as high as wide."""

    RAMP = (1, 1)
    HALF = (1, 2)
    QUARTER = (2, 2)
    TWO_BY_FOUR = (2, 4)

    @property
    def columns(self) -> int:
        """Pixels side by side in a cell."""
        return self.value[0]

    @property
    def rows(self) -> int:
        """Pixels above each other in a cell."""
        return self.value[1]


def kind_for(
    colours: Colours, wish: ImageKind | None, image: Pixels, box: tuple[int, int]
) -> ImageKind:
    """Return the kind of blocks to draw an image with.

    Parameters
    ----------
    colours : Colours
    wish : ImageKind or None
        The kind that was asked for; a coarser one is returned where the terminal does not draw it.
        None for half blocks, which have a colour for each pixel, or finer blocks if the image has
        more pixels than half blocks show.
    image : (H, W) or (H, W, 3) uint8
    box : tuple of int
        Columns and rows of cells.
    """
    if wish is None:
        wish = ImageKind.HALF
        if colours.wished in (Blocks.OCTANT, Blocks.BRAILLE):
            wish = ImageKind.TWO_BY_FOUR
        elif colours.wished is None and not _holds(box, image):
            # Braille has gaps between its dots: with many colours, four solid quarters show more
            # than eight dots.
            fine = Blocks.OCTANT in colours.blocks or colours.depth is Depth.NONE
            enough = _holds((box[0] * 2, box[1]), image)
            wish = ImageKind.TWO_BY_FOUR if fine and not enough else ImageKind.QUARTER
    return _drawn(wish, colours)


_HALF_BLOCKS_DO = 9
"""Rows of cells in which half blocks have 18 pixels."""


def kind_for_small(colours: Colours, rows: int) -> ImageKind:
    """Return the kind of blocks to draw an image with that is smaller in cells than in pixels.

    They are the finest solid ones: braille's dots beside solid blocks are of another brightness.
    With many colours, in a box of so many rows that half blocks tell a digit, they are those: a
    batch of finer ones takes twice as long to send.
    """
    if colours.wished in (Blocks.BRAILLE, Blocks.OCTANT) or Blocks.OCTANT in colours.blocks:
        return _drawn(ImageKind.TWO_BY_FOUR, colours)
    many = colours.depth in (Depth.TRUECOLOR, Depth.PALETTE)
    fine = colours.wished is None and not (many and rows >= _HALF_BLOCKS_DO)
    return _drawn(ImageKind.QUARTER if fine else ImageKind.HALF, colours)


def draws_letters(colours: Colours) -> bool:
    """Return whether images are drawn with letters: there are neither colours nor shades."""
    few = colours.depth in (Depth.SIXTEEN, Depth.NONE)
    return few and Blocks.SHADE not in colours.blocks


def _drawn(wish: ImageKind, colours: Colours) -> ImageKind:
    """Return a kind, or the next coarser one that the terminal draws."""
    if draws_letters(colours):
        return ImageKind.HALF
    needs = {
        ImageKind.TWO_BY_FOUR: {Blocks.OCTANT, Blocks.BRAILLE},
        ImageKind.QUARTER: {Blocks.QUADRANT},
        ImageKind.HALF: {Blocks.HALF},
    }
    coarser = [ImageKind.TWO_BY_FOUR, ImageKind.QUARTER, ImageKind.HALF, ImageKind.RAMP]
    for kind in coarser[coarser.index(wish) :]:
        if kind is ImageKind.RAMP or needs[kind] & colours.blocks:
            return kind
    raise AssertionError("every terminal has characters")


def _holds(box: tuple[int, int], image: Pixels) -> bool:
    """Return whether half blocks show every pixel of an image."""
    height, width = image.shape[:2]
    return bool(height <= box[1] * 2 and width <= box[0])


# Characters by pattern: bit n is pixel n of the cell, row by row from the top left.

_QUARTERS = " ▘▝▀▖▌▞▛▗▚▐▜▄▙▟█"

_OLDER_OCTANTS = {
    0x01: 0x1CEA8,
    0x02: 0x1CEAB,
    0x03: 0x1FB82,
    0x14: 0x1FBE6,
    0x28: 0x1FBE7,
    0x3F: 0x1FB85,
    0x40: 0x1CEA3,
    0x80: 0x1CEA0,
    0xC0: 0x2582,
    0xFC: 0x2586,
}
"""Patterns of two by four that had characters of their own before Unicode 16."""


def _as_two_by_four(quarters: int) -> int:
    """Return the pattern of two by four that looks like one of two by two."""
    top, bottom = quarters & 3, quarters >> 2
    return top * 0b0101 | (bottom * 0b0101) << 4


def _quarters_by_eighths() -> dict[int, int]:
    return {_as_two_by_four(quarters): ord(_QUARTERS[quarters]) for quarters in range(16)}


def _octants() -> list[int]:
    known = _quarters_by_eighths() | _OLDER_OCTANTS
    # Unicode 16 numbers the others in the order of their patterns.
    codes = iter(range(0x1CD00, 0x1CDE6))
    return [known[pattern] if pattern in known else next(codes) for pattern in range(256)]


def _braille() -> list[int]:
    # Braille dots are numbered down the columns, and the lowest row was added last.
    weights = (0x01, 0x08, 0x02, 0x10, 0x04, 0x20, 0x40, 0x80)
    known = _quarters_by_eighths()
    return [
        # Solid blocks stand for the patterns that they can show.
        known.get(pattern, 0x2800 + sum(w for bit, w in enumerate(weights) if pattern >> bit & 1))
        for pattern in range(256)
    ]


@lru_cache
def alphabet(kind: ImageKind, octants: bool) -> NDArray[np.uint32]:
    """Return the code points of a kind's characters, by pattern.

    Parameters
    ----------
    kind : ImageKind
    octants : bool
        Whether two by four pixels are octants; otherwise they are braille.
    """
    match kind:
        case ImageKind.RAMP:
            codes = [ord(" "), ord("█")]
        case ImageKind.HALF:
            codes = [ord(character) for character in " ▀▄█"]
        case ImageKind.QUARTER:
            codes = [ord(character) for character in _QUARTERS]
        case ImageKind.TWO_BY_FOUR:
            codes = _octants() if octants else _braille()
    return np.array(codes, np.uint32)


@lru_cache
def turned(kind: ImageKind, octants: bool) -> NDArray[np.bool_]:
    """Return where the opposite of a pattern, with both colours swapped, is better drawn.

    Both look the same, but fonts leave the top row of pixels of a cell to its background: the
    character with less ink there is the better one.

    Parameters
    ----------
    kind, octants
        As for `alphabet`.
    """
    if kind is ImageKind.RAMP:
        return np.zeros(2, np.bool_)
    patterns = np.arange(1 << kind.columns * kind.rows)
    top = (1 << kind.columns) - 1
    is_better = np.bitwise_count(patterns & top) * 2 > kind.columns
    if kind is ImageKind.TWO_BY_FOUR and not octants:
        # The gaps of braille are wider than its dots: only solid blocks have an opposite.
        is_better &= np.isin(patterns, list(_quarters_by_eighths()))
    return np.asarray(is_better)
