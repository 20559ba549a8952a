"""What charts are drawn with: characters, and the colour of a surface behind a line."""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple

from tuilabel.tui.terminal.capabilities import Blocks, Colours, Depth, Rgb, contrast


class Alphabet(NamedTuple):
    """Characters to draw with.

    Attributes
    ----------
    across, down : int
        Dots in a cell.
    marks : str
        The character of each set of dots, as a number with a bit for each dot, row by row.
    sample : str
        A piece of a line, for the legend.
    newest : str
        For the newest point; empty where its dots say exactly where it is.
    levels : str
        The surface of an interval, from none of a cell to all of it, from below.
    filled : bool
        Whether that surface is a colour behind the text, or made of the last of `levels`.
    upright, tick, corner, level, foot : str
        For the axes.
    """

    across: int
    down: int
    marks: str
    sample: str
    newest: str
    levels: str
    filled: bool
    upright: str
    tick: str
    corner: str
    level: str
    foot: str


def _braille(dots: int) -> str:
    # Unicode numbers the dots column by column, the lowest two last.
    bits = (0x01, 0x08, 0x02, 0x10, 0x04, 0x20, 0x40, 0x80)
    return chr(0x2800 + sum(bit for place, bit in enumerate(bits) if dots >> place & 1))


BRAILLE = Alphabet(
    *(2, 4, "".join(map(_braille, range(256))), "⠒", ""), " ░", False, *("│", "┤", "└", "─", "┬")
)
HALVES = Alphabet(*(1, 2, " ▀▄█", "▀", ""), " ░", False, *("│", "┤", "└", "─", "┬"))
ASCII = Alphabet(*(1, 1, " *", "*", "o"), " :", False, *("|", "+", "+", "-", "+"))


def alphabet_for(colours: Colours, *, filled: bool = False) -> Alphabet:
    """Give the finest characters that the terminal draws.

    Parameters
    ----------
    colours : Colours
    filled : bool
        Whether a surface may have a colour of its own.
    """
    blocks = colours.blocks
    coarse = HALVES if Blocks.HALF in blocks else ASCII
    alphabet = BRAILLE if Blocks.BRAILLE in blocks else coarse
    if not filled:
        return alphabet
    levels = " ▄█" if Blocks.HALF in blocks else "  "
    levels = " ▁▂▃▄▅▆▇█" if Blocks.EIGHTH in blocks else levels
    return alphabet._replace(levels=levels, filled=True)


_SURFACE = 1.7
"""The contrast of a surface to the page: it is seen, and a line on it is clear."""

_GREYS = tuple((8 + 10 * number,) * 3 for number in range(24))
"""The greys of the palette of 256: dark hues of it are too far apart for a calm surface."""


def grey_number(grey: Rgb) -> int:
    """Give the number that one of the greys of the palette has."""
    return 232 + _GREYS.index(grey)


@lru_cache(maxsize=8)
def surface_colour(page: Rgb, line: Rgb, depth: Depth) -> Rgb:
    """Give the colour of a surface that a line is drawn on.

    Parameters
    ----------
    page, line : tuple of int
        The colours of what is around it, and of the line.
    depth : Depth
        `TRUECOLOR` or `PALETTE`.
    """
    if depth is Depth.PALETTE:
        shades: tuple[Rgb, ...] = _GREYS
    else:
        shades = tuple(_mixed(page, line, step / 64) for step in range(65))
    return min(shades, key=lambda shade: abs(contrast(shade, page) - _SURFACE))


def _mixed(one: Rgb, other: Rgb, share: float) -> Rgb:
    red, green, blue = (round(a + (b - a) * share) for a, b in zip(one, other, strict=True))
    return red, green, blue
