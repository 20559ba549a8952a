"""Cells shaded by a share, with readable text on them, at every colour depth."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from rich.color import Color
from rich.style import Style

from tuilabel.tui.images.palettes import Floats, oklab
from tuilabel.tui.terminal.capabilities import Colours, Depth, Rgb, contrast

_BLACK, _WHITE = (0, 0, 0), (255, 255, 255)

_RAMPS: dict[tuple[bool, bool], tuple[Rgb, Rgb]] = {
    (True, False): ((0x16, 0x19, 0x1C), (0x8F, 0xC7, 0xDE)),
    (True, True): ((0x16, 0x19, 0x1C), (0xFF, 0xB4, 0x54)),
    (False, False): ((0xF6, 0xF7, 0xF4), (0x1B, 0x62, 0x7C)),
    (False, True): ((0xF6, 0xF7, 0xF4), (0x96, 0x45, 0x00)),
}
"""The first and last colour by (dark, wrong): blue is right, orange is wrong."""

_PALETTE_RAMPS: dict[tuple[bool, bool], tuple[int, ...]] = {
    (True, False): (234, 235, 236, 237, 238, 239, 24, 67, 110, 117),
    (True, True): (234, 235, 236, 237, 238, 239, 94, 130, 172, 208, 214),
    (False, False): (231, 255, 254, 153, 110, 67, 24),
    (False, True): (231, 255, 223, 180, 137, 130, 94),
}
"""The same hues in the palette of 256, in the order of their brightness. Where the palette has no
colour dark or pale enough, the fill is grey and the text has the hue."""

_PALETTE_TEXT = {(True, False): 153, (True, True): 215, (False, False): 24, (False, True): 94}
"""Text on greys, with enough contrast; text on the first fill is black or white."""

_ON_DARK, _ON_LIGHT = 231, 232
"""White and black that no terminal theme changes."""

_STEPS = 16
"""More shades cannot be distinguished, and equal ones make long runs."""

_FEW = (
    (0.05, Style()),
    (0.15, Style(bold=True)),
    (0.35, Style(bold=True, underline=True)),
    (0.7, Style(reverse=True)),
    (1.0, Style(bold=True, reverse=True)),
)
"""The shades for few colours or none, each with the share that it goes up to. They have more and
more ink. Small numbers are plain, or a matrix would be full of lines. Zero has its own sign."""


def shade(share: float, colours: Colours, *, wrong: bool = False) -> Style:
    """Return the style of a cell with a number in it, which is fuller for a larger share.

    Parameters
    ----------
    share : float
        0 to 1; values outside are clipped.
    colours : Colours
    wrong : bool
        Whether the cell counts mistakes. They have another hue, which only repeats what the
        cell's place shows.

    Returns
    -------
    Style
        Text on it has a contrast of at least 4.5. With 16 colours or fewer it is one of five
        steps of underlined, bold and reversed text.
    """
    share = max(0.0, min(1.0, share))
    if colours.depth in (Depth.SIXTEEN, Depth.NONE):
        return next(style for up_to, style in _FEW if share <= up_to)
    # The smallest share differs from none.
    step = max(int(share > 0), round(share * (_STEPS - 1)))
    if colours.depth is Depth.PALETTE:
        return _in_palette(step, colours.dark, wrong)
    return _filled(step, colours.dark, wrong)


def cursor_style(style: Style, colours: Colours) -> Style:
    """Return the style of the cell with the mark: dark on light on a dark terminal, or the reverse.

    Parameters
    ----------
    style : Style
        The style that `shade` returned.
    colours : Colours
        With 16 colours or fewer, filled cells look the same, so only the cell's sides get the
        style.
    """
    if colours.depth in (Depth.SIXTEEN, Depth.NONE):
        return style + Style(bold=True, reverse=not style.reverse, underline=False)
    text, fill = (_ON_LIGHT, _ON_DARK) if colours.dark else (_ON_DARK, _ON_LIGHT)
    return Style(color=Color.from_ansi(text), bgcolor=Color.from_ansi(fill), bold=True)


@lru_cache(maxsize=4 * _STEPS)
def _in_palette(step: int, dark: bool, wrong: bool) -> Style:
    ramp = _PALETTE_RAMPS[dark, wrong]
    # Only the first step is the empty cell's.
    number = ramp[0]
    if step:
        apart = _as_seen(*map(_rgb, ramp[1:])) - _as_seen(_ramp_colour(step, dark, wrong))
        number = ramp[1:][int(np.square(apart).sum(axis=1).argmin())]
    red, green, blue = fill = _rgb(number)
    text = _ON_DARK if contrast(fill, _WHITE) > contrast(fill, _BLACK) else _ON_LIGHT
    if step and red == green == blue:
        text = _PALETTE_TEXT[dark, wrong]
    return Style(color=Color.from_ansi(text), bgcolor=Color.from_ansi(number))


def _rgb(code: int) -> Rgb:
    red, green, blue = Color.from_ansi(code).get_truecolor()
    return red, green, blue


def _as_seen(*colours: Rgb) -> Floats:
    return oklab(np.array(colours, np.float32))


def _ramp_colour(step: int, dark: bool, wrong: bool) -> Rgb:
    first, last = _RAMPS[dark, wrong]
    share = step / (_STEPS - 1)
    red, green, blue = (round(a + (b - a) * share) for a, b in zip(first, last, strict=True))
    return red, green, blue


@lru_cache(maxsize=4 * _STEPS)
def _filled(step: int, dark: bool, wrong: bool) -> Style:
    fill = _ramp_colour(step, dark, wrong)
    text = max(_BLACK, _WHITE, key=lambda colour: contrast(colour, fill))
    return Style(color=Color.from_rgb(*text), bgcolor=Color.from_rgb(*fill))
