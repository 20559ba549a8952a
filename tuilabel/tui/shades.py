"""Cells that are shaded by a share and have readable text on them, at every depth of colour."""

from __future__ import annotations

from functools import lru_cache

from rich.color import Color
from rich.style import Style

from tuilabel.tui.colours import Colours, Depth, Rgb, contrast

_BLACK, _WHITE = (0, 0, 0), (255, 255, 255)

_RAMPS: dict[tuple[bool, bool], tuple[Rgb, Rgb]] = {
    (True, False): ((0x16, 0x19, 0x1C), (0x8F, 0xC7, 0xDE)),
    (True, True): ((0x16, 0x19, 0x1C), (0xFF, 0xB4, 0x54)),
    (False, False): ((0xF6, 0xF7, 0xF4), (0x1B, 0x62, 0x7C)),
    (False, True): ((0xF6, 0xF7, 0xF4), (0x96, 0x45, 0x00)),
}
"""The first and last colour by (dark, wrong): blue is right, orange is wrong, to most eyes."""

_PALETTE_RAMPS: dict[tuple[bool, bool], tuple[int, ...]] = {
    (True, False): (234, 235, 236, 237, 238, 24, 31, 38, 74, 117),
    (True, True): (234, 235, 236, 237, 238, 94, 130, 172, 208, 214),
    (False, False): (231, 195, 159, 153, 117, 75, 74, 38, 31, 24),
    (False, True): (231, 230, 223, 222, 216, 215, 208, 172, 130, 94),
}
"""The same in the palette of 256, picked for their hues and in the order of their lightness."""

_STEPS = 16
"""More shades are not told apart, and equal ones make long runs."""

_FEW = (
    (0.05, Style()),
    (0.15, Style(bold=True)),
    (0.35, Style(bold=True, underline=True)),
    (0.7, Style(reverse=True)),
    (1.0, Style(bold=True, reverse=True)),
)
"""The shades where there are few colours or none, each with the share that it goes up to. They have
more and more ink; small numbers are plain, or a matrix is all lines. Nothing has its own sign."""


def shade(share: float, colours: Colours, *, wrong: bool = False) -> Style:
    """Give the style of a cell with a number in it, the fuller the larger its share.

    Parameters
    ----------
    share : float
        0 to 1; what is outside counts as the nearest.
    colours : Colours
    wrong : bool
        Whether what the cell counts is a mistake. It is another hue, which says nothing that its
        place does not.

    Returns
    -------
    Style
        Text on it has a contrast of at least 4.5. With 16 colours and less it is one of five
        steps of underlined, bold and reversed text.
    """
    share = max(0.0, min(1.0, share))
    if colours.depth in (Depth.SIXTEEN, Depth.NONE):
        return next(style for up_to, style in _FEW if share <= up_to)
    if colours.depth is Depth.PALETTE:
        ramp = _PALETTE_RAMPS[colours.dark, wrong]
        return _in_palette(ramp[round(share * (len(ramp) - 1))])
    return _filled(round(share * (_STEPS - 1)), colours.dark, wrong)


@lru_cache(maxsize=256)
def _in_palette(number: int) -> Style:
    fill = Color.from_ansi(number)
    red, green, blue = fill.get_truecolor()
    on_white, on_black = contrast((red, green, blue), _WHITE), contrast((red, green, blue), _BLACK)
    # The two that no terminal changes.
    return Style(color=Color.from_ansi(231 if on_white > on_black else 232), bgcolor=fill)


@lru_cache(maxsize=4 * _STEPS)
def _filled(step: int, dark: bool, wrong: bool) -> Style:
    first, last = _RAMPS[dark, wrong]
    share = step / (_STEPS - 1)
    fill: Rgb = tuple(round(a + (b - a) * share) for a, b in zip(first, last, strict=True))  # type: ignore[assignment]
    text = max(_BLACK, _WHITE, key=lambda colour: contrast(colour, fill))
    return Style(color=Color.from_rgb(*text), bgcolor=Color.from_rgb(*fill))
