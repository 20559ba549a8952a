"""Characters that charts are drawn with."""

from __future__ import annotations

from typing import NamedTuple

from tuilabel.tui.terminal.capabilities import Blocks, Colours


class Alphabet(NamedTuple):
    """Characters to draw with.

    Attributes
    ----------
    across, down : int
        Dots in a cell.
    marks : str
        The character for each set of dots. A set is a number with one bit per dot, row by row.
    thin : str
        The same for a dotted line.
    measured, random, interval : str
        Samples of the three kinds of line, for the legend.
    newest : str
        The newest point; empty where its dots show exactly where it is.
    upright, tick, corner, level, foot : str
        Characters of the axes.
    """

    across: int
    down: int
    marks: str
    thin: str
    measured: str
    random: str
    interval: str
    newest: str
    upright: str
    tick: str
    corner: str
    level: str
    foot: str


def _braille(dots: int) -> str:
    # Unicode numbers the dots column by column, the lowest two last.
    bits = (0x01, 0x08, 0x02, 0x10, 0x04, 0x20, 0x40, 0x80)
    return chr(0x2800 + sum(bit for place, bit in enumerate(bits) if dots >> place & 1))


_LINES = ("│", "┤", "└", "─", "┬")
_DOTS = "".join(map(_braille, range(256)))
BRAILLE = Alphabet(2, 4, _DOTS, _DOTS, "⠒⠒⠒", "⠒ ⠒", "⠂⠂⠂", "", *_LINES)
HALVES = Alphabet(1, 2, " ▀▄█", " ···", "▀▀▀", "▀▀ ▀▀", "···", "", *_LINES)
ASCII = Alphabet(1, 1, " *", " .", "***", "** **", "...", "o", *("|", "+", "+", "-", "+"))


def alphabet_for(colours: Colours) -> Alphabet:
    """Return the finest characters that the terminal draws."""
    if Blocks.BRAILLE in colours.blocks:
        return BRAILLE
    return HALVES if Blocks.HALF in colours.blocks else ASCII
