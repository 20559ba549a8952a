"""The colours that a terminal can show, and the nearest of them to a pixel."""

from __future__ import annotations

from functools import cache, lru_cache
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from tuilabel.tui.terminal.capabilities import MOST_GREYS

Floats = NDArray[np.float32]
Codes = NDArray[np.int32]

NOTHING = -1
"""The code of no colour: the terminal's own."""


# All colours: a code is 0xRRGGBB.


def quantised(values: Floats, levels: int) -> Floats:
    """Round values of 0 to 255 to the nearest of so many levels."""
    step = 255 / (levels - 1)
    return np.asarray(np.rint(np.rint(values / step) * step), np.float32)


def truecolor_codes(values: Floats, levels: int) -> Codes:
    """Return the codes of colours.

    Parameters
    ----------
    values : (..., C) float32
        C is 1 or 3.
    levels : int
        The number of values that each channel may have.

    Returns
    -------
    (...) int32
    """
    if values.shape[-1] == 1:
        whole = np.clip(np.rint(values[..., 0]), 0, 255).astype(np.intp)
        return np.asarray(_greys(levels)[whole] * 0x010101)
    whole = quantised(values, levels).astype(np.int32)
    return np.asarray(whole[..., 0] << 16 | whole[..., 1] << 8 | whole[..., 2])


@lru_cache
def _greys(levels: int) -> Codes:
    """Return one of so many greys for each of 256 values.

    As many of them as can be are also in the palette of 256 colours, where they are shorter to
    write; between 3 and 243 every other one is.
    """
    if levels >= MOST_GREYS:
        greys = np.array([0, *range(3, 244, 5), 249, 255])
    else:
        inner = np.linspace(0, 255, levels)[1:-1]
        greys = np.array([0, *(np.rint((inner - 8) / 10) * 10 + 8), 255])
    nearest = np.abs(np.arange(256)[:, None] - greys).argmin(axis=1)
    return np.asarray(greys[nearest], np.int32)


# 256 colours: a code is a place in the palette.

_STEPS = (0, 95, 135, 175, 215, 255)


@cache
def _palette() -> tuple[NDArray[np.int32], Floats]:
    """Return the codes and RGB of the cube and the greys.

    The first sixteen are the terminal's own choice. Some terminals also have a colour of their own
    for the seventeenth, which is black: 232 looks as dark.
    """
    cube = [(r, g, b) for r in _STEPS for g in _STEPS for b in _STEPS]
    greys = [(8 + 10 * step,) * 3 for step in range(24)]
    rgb = np.array([*cube, *greys], np.float32)[1:]
    return np.arange(17, 256, dtype=np.int32), rgb


def oklab(rgb: Floats) -> Floats:
    """Convert colours to Oklab, where distances are as the eye sees them (Ottosson 2020).

    Parameters
    ----------
    rgb : (..., 3) float32
        sRGB, 0 to 255.
    """
    channels = rgb / 255
    linear = np.where(channels <= 0.04045, channels / 12.92, ((channels + 0.055) / 1.055) ** 2.4)
    cones = np.cbrt(linear @ _TO_CONES)
    return np.asarray(cones @ _TO_LAB, np.float32)


_TO_CONES = np.array(
    [
        [0.4122214708, 0.2119034982, 0.0883024619],
        [0.5363325363, 0.6806995451, 0.2817188376],
        [0.0514459929, 0.1073969566, 0.6299787005],
    ],
    np.float32,
)
_TO_LAB = np.array(
    [
        [0.2104542553, 1.9779984951, 0.0259040371],
        [0.7936177850, -2.4285922050, 0.7827717662],
        [-0.0040720468, 0.4505937099, -0.8086757660],
    ],
    np.float32,
)


@cache
def _palette_lab() -> Floats:
    return oklab(_palette()[1])


@lru_cache
def _grey_codes(levels: int) -> NDArray[np.int32]:
    """Return the code of the nearest grey for each of 256 values, using so many greys."""
    codes, rgb = _palette()
    grey = np.flatnonzero(np.ptp(rgb, axis=1) == 0)
    grey = grey[np.argsort(rgb[grey, 0])]
    # 3 apart, of which the first is as good as both.
    grey = grey[np.insert(np.diff(rgb[grey, 0]) > 3, 0, True)]
    if levels < len(grey):
        grey = grey[np.rint(np.linspace(0, len(grey) - 1, levels)).astype(int)]
    nearest = np.abs(np.arange(256)[:, None] - rgb[None, grey, 0]).argmin(axis=1)
    return np.asarray(codes[grey][nearest])


_CELL = 4
"""Values of each channel that share a place in the table of known colours."""


@cache
def _known() -> NDArray[np.int16]:
    """Return the table from colours to palette places; it is filled as colours are needed."""
    return np.full((64, 64, 64), NOTHING, np.int16)


def palette_codes(values: Floats, levels: int) -> Codes:
    """Return the places of the nearest colours in the palette of 256.

    Parameters
    ----------
    values : (..., C) float32
        C is 1 or 3.
    levels : int
        The number of greys to use.
    """
    whole = np.clip(np.rint(values), 0, 255).astype(np.intp)
    if whole.shape[-1] == 1:
        return np.asarray(_grey_codes(levels)[whole[..., 0]])
    place = tuple(np.moveaxis(whole // _CELL, -1, 0))
    known = _known()
    missing = known[place] == NOTHING
    if missing.any():
        cells = np.unique((whole // _CELL)[missing], axis=0)
        codes, _ = _palette()
        middle = oklab((cells * _CELL + _CELL / 2 - 0.5).astype(np.float32))
        targets = _palette_lab()
        distances = -2 * middle @ targets.T + np.square(targets).sum(axis=1)
        known[tuple(cells.T)] = codes[distances.argmin(axis=1)]
    return np.asarray(known[place], np.int32)


def nearest_in_palette(colour: str) -> str:
    """Return the nearest of 256 colours, both as ``#rrggbb``; hue counts more than lightness."""
    _, palette = _palette()
    hues_first = np.array([1, 2, 2], np.float32)
    here = oklab(np.array([list(bytes.fromhex(colour.removeprefix("#")))], np.float32))
    apart = (_palette_lab() - here) * hues_first
    red, green, blue = palette[np.square(apart).sum(axis=1).argmin()].astype(int)
    return f"#{red:02x}{green:02x}{blue:02x}"


# 16 colours and none: solid colours, and shades made of two of them.


class Inks(NamedTuple):
    """The solid colours and shades that can be drawn with few colours.

    Attributes
    ----------
    solid_codes : (S,) int32
    solid_values : (S, C) float32
        How each colour looks, 0 to 255.
    shade_chars : (F,) uint32
        Code points that fill a cell evenly; the solid colours come first.
    shade_codes : (F, 2) int32
        Colour and background of each shade.
    shade_values : (F, C) float32
    """

    solid_codes: Codes
    solid_values: Floats
    shade_chars: NDArray[np.uint32]
    shade_codes: Codes
    shade_values: Floats


_SHADES = {" ": 0.0, "░": 0.30, "▒": 0.55, "▓": 0.78}
"""How full shades look: terminals draw them as dots or as a mixture, which is darker."""

BLACK, WHITE, BRIGHT = 0, 7, 15

_HUES = {
    1: (200, 30, 30),
    2: (40, 170, 40),
    3: (185, 140, 20),
    4: (40, 70, 210),
    5: (180, 40, 170),
    6: (30, 165, 175),
}
"""The six hues as in most palettes. The bright ones are not used: some palettes have greys in their
place, and bright black may be the background, or darker than black."""

_NEUTRALS = {BLACK: (0, 0, 0), WHITE: (200, 200, 200), BRIGHT: (255, 255, 255)}


@cache
def sixteen_inks(coloured: bool) -> Inks:
    """Return what sixteen colours can draw, with greys only or with hues too."""
    solid = dict(_NEUTRALS)
    pairs = [(WHITE, BLACK), (BRIGHT, WHITE)]
    if coloured:
        solid.update(_HUES)
        pairs += [(hue, dark) for hue in _HUES for dark in (BLACK, WHITE)]
    return _inks({code: solid[code] for code in sorted(solid)}, pairs, 3 if coloured else 1)


@cache
def plain_inks(dark: bool) -> Inks:
    """Return what can be drawn without colours: ink, which is light on a dark terminal."""
    ink = 255 if dark else 0
    return _inks({NOTHING: (255 - ink,) * 3, INK: (ink,) * 3}, [(INK, NOTHING)], 1)


INK = -2
"""The code of the terminal's own text colour; its background is `NOTHING`."""


def _inks(
    solid: dict[int, tuple[int, int, int]], pairs: list[tuple[int, int]], channels: int
) -> Inks:
    chars, codes, values = [], [], []
    for code, value in solid.items():
        chars.append("█" if code == INK else " ")
        codes.append((INK, NOTHING) if code == INK else (NOTHING, code))
        values.append(value)
    for front, back in pairs:
        for char, share in _SHADES.items():
            if share:
                chars.append(char)
                codes.append((front, back))
                mixed = np.array(solid[back]) * (1 - share) + np.array(solid[front]) * share
                values.append(tuple(mixed))
    return Inks(
        np.array(list(solid), np.int32),
        np.array(list(solid.values()), np.float32)[:, :channels],
        np.array([ord(char) for char in chars], np.uint32),
        np.array(codes, np.int32),
        np.array(values, np.float32)[:, :channels],
    )


def seen(values: Floats) -> Floats:
    """Convert colours so that lightness counts more than hue; greys stay as they are."""
    if values.shape[-1] == 1:
        return values
    return np.asarray(values @ _LIGHTNESS_FIRST)


_LIGHTNESS_FIRST = np.array(
    [[0.299, 0.300, -0.101], [0.587, -0.251, -0.199], [0.114, -0.049, 0.300]], np.float32
)
