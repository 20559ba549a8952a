"""The character and the two colours of each cell, chosen to come closest to its pixels."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from tuilabel.tui.images.kinds import ImageKind, alphabet, turned
from tuilabel.tui.images.palettes import (
    BLACK,
    INK,
    NOTHING,
    WHITE,
    Codes,
    Floats,
    Inks,
    palette_codes,
    plain_inks,
    seen,
    sixteen_inks,
    truecolor_codes,
)
from tuilabel.tui.terminal.capabilities import Blocks, Colours, Depth

_BLANK = ord(" ")

_EDGES = 1.5
"""By this factor the error of a shade must be smaller than that of two solid colours."""

_MOST_STRETCH = 3.0
_HIGHEST = 99.0
"""Percentile of brightness that is shown as white where there are few inks."""


class Cells(NamedTuple):
    """Cells in reading order.

    Attributes
    ----------
    chars : (N,) uint32
        Code points.
    front, back : (N,) int32
        Codes of the character's colour and of its background. Only `back` may be `INK`, which is
        reverse video in the terminal's own colours.
    """

    chars: NDArray[np.uint32]
    front: Codes
    back: Codes


class CellSplit(NamedTuple):
    """The pixels of each cell in two groups, with the mean of each group.

    Attributes
    ----------
    pattern : (N,) intp
        Bit n is set where pixel n belongs to the front.
    front, back : (N, C) float32
    """

    pattern: NDArray[np.intp]
    front: Floats
    back: Floats


def split(pixels: Floats) -> CellSplit:
    """Divide the pixels of each cell into the two groups that differ least from their means.

    For greys the result is optimal. For colours it is optimal along the first principal axis of
    the cell's colours.

    Parameters
    ----------
    pixels : (N, P, C) float32
        P pixels of N cells.
    """
    count = pixels.shape[1]
    if count <= 2:
        return CellSplit(np.ones(len(pixels), np.intp), pixels[:, 0], pixels[:, -1])
    along = _along(pixels)
    order = np.argsort(along, axis=1)
    ordered = np.take_along_axis(pixels, order[:, :, None], 1)
    sums = np.cumsum(ordered, axis=1)
    sizes = np.arange(1, count, dtype=np.float32)[None, :, None]
    lower, upper = sums[:, :-1] / sizes, (sums[:, -1:] - sums[:, :-1]) / (count - sizes)
    # The variance that the groups' means explain; the rest is the error.
    explained = (sizes * lower**2 + (count - sizes) * upper**2).sum(axis=2)
    best = explained.argmax(axis=1)
    every = np.arange(len(pixels))
    rank = np.argsort(order, axis=1)
    is_upper = rank > best[:, None]
    # The larger group is the background: it continues in the next cell, and braille has large gaps.
    is_front = is_upper == (best + 1 >= count / 2)[:, None]
    low, high = lower[every, best], upper[every, best]
    upper_in_front = (best + 1 >= count / 2)[:, None]
    return CellSplit(
        is_front @ (1 << np.arange(count)),
        np.where(upper_in_front, high, low),
        np.where(upper_in_front, low, high),
    )


def _along(pixels: Floats) -> Floats:
    """Return where each pixel lies on the first principal axis of its cell's colours."""
    if pixels.shape[2] == 1:
        return pixels[:, :, 0]
    apart = pixels - pixels.mean(axis=1, keepdims=True)
    line = np.ptp(pixels, axis=1) + 1
    # Power iteration finds the first principal axis; its sign depends on the start.
    line *= np.where((apart * apart[:, :, 1:2]).sum(axis=1) < 0, -1, 1)
    for _ in range(4):
        shares = np.einsum("npc,nc->np", apart, line)
        line = np.einsum("npc,np->nc", apart, shares)
        line /= np.abs(line).max(axis=1, keepdims=True) + 1e-6
    return np.asarray(np.einsum("npc,nc->np", apart, line), np.float32)


def stretched(pixels: Floats) -> Floats:
    """Stretch pixels over the whole range: a pale picture would use one or two of a few inks."""
    low, high = float(pixels.min()), float(np.percentile(pixels, _HIGHEST))
    factor = min(_MOST_STRETCH, 255 / max(high - low, 1.0))
    # The middle of a narrow range stays in the middle of the new range.
    room = 255 - (high - low) * factor
    start = low * room / max(255 - (high - low), 1.0)
    return np.asarray(np.clip((pixels - low) * factor + start, 0, 255), np.float32)


def cells_of(pixels: Floats, inside: NDArray[np.bool_], kind: ImageKind, colours: Colours) -> Cells:
    """Choose the character and the colours of each cell.

    Parameters
    ----------
    pixels : (N, P, C) float32
        P pixels of N cells, 0 to 255.
    inside : (N, P) bool
        Where the image is; elsewhere the terminal's background shows.
    kind : ImageKind
    colours : Colours
    """
    octants = Blocks.OCTANT in colours.blocks
    chars = alphabet(kind, octants)
    parts = split(pixels)
    turn = turned(kind, octants)[parts.pattern]
    parts = CellSplit(
        np.where(turn, len(chars) - 1 - parts.pattern, parts.pattern),
        np.where(turn[:, None], parts.back, parts.front),
        np.where(turn[:, None], parts.front, parts.back),
    )
    partly = np.asarray(~inside.all(axis=1))
    if partly.any():
        mean = _mean_inside(pixels[partly], inside[partly])
        parts.pattern[partly] = inside[partly] @ (1 << np.arange(pixels.shape[1]))
        parts.front[partly] = mean
        parts.back[partly] = mean
    if colours.depth is Depth.SIXTEEN:
        return _few(pixels, parts, partly, chars, sixteen_inks(pixels.shape[2] == 3))
    if colours.depth is Depth.NONE:
        grey = pixels if pixels.shape[2] == 1 else luma(pixels)
        if grey is not pixels:
            parts = CellSplit(parts.pattern, luma(parts.front), luma(parts.back))
        return _few(grey, parts, partly, chars, plain_inks(colours.dark))
    codes = truecolor_codes if colours.depth is Depth.TRUECOLOR else palette_codes
    front, back = codes(parts.front, colours.greys), codes(parts.back, colours.greys)
    equal = (front == back) & ~partly
    return Cells(
        np.where(equal, _BLANK, chars[parts.pattern]).astype(np.uint32),
        np.where(equal, NOTHING, front),
        np.where(partly, NOTHING, back),
    )


def _mean_inside(pixels: Floats, inside: NDArray[np.bool_]) -> Floats:
    weights = inside[:, :, None].astype(np.float32)
    # Where none is inside, nothing is drawn.
    return np.asarray((pixels * weights).sum(axis=1) / np.maximum(weights.sum(axis=1), 1))


def luma(values: Floats) -> Floats:
    """Return the brightness of (..., 3) colours as (..., 1)."""
    return np.asarray(values @ np.array([[0.299], [0.587], [0.114]], np.float32))


def _few(
    pixels: Floats,
    parts: CellSplit,
    partly: NDArray[np.bool_],
    chars: NDArray[np.uint32],
    inks: Inks,
) -> Cells:
    """Choose between two solid colours and one even shade for each cell."""
    here, solid, shades = seen(pixels), seen(inks.solid_values), seen(inks.shade_values)
    front, back = _nearest(seen(parts.front), solid), _nearest(seen(parts.back), solid)
    even = _nearest(here.mean(axis=1), shades)
    bits = (parts.pattern[:, None] >> np.arange(pixels.shape[1])) & 1
    as_split = np.where(bits[:, :, None] == 1, solid[front][:, None], solid[back][:, None])
    error = np.square(here - as_split).sum(axis=(1, 2))
    error_even = np.square(here - shades[even][:, None]).sum(axis=(1, 2))
    # Edges make a picture readable: a shade has to be much closer than two solid colours.
    factor = np.where((front == back) | (even < len(solid)), 1, _EDGES)
    is_even = (error_even * factor <= error) & ~partly
    fronts = np.where(is_even, inks.shade_codes[even, 0], inks.solid_codes[front])
    backs = np.where(is_even, inks.shade_codes[even, 1], inks.solid_codes[back])
    backs = np.where(partly, NOTHING, backs)
    behind = ~is_even & (backs == INK)
    pattern = parts.pattern
    # Nothing is drawn where part of a cell is outside and the rest has no ink.
    pattern = np.where(~is_even & (fronts == NOTHING) & ~behind, 0, pattern)
    drawn = np.where(is_even, inks.shade_chars[even], chars[pattern]).astype(np.uint32)
    return Cells(drawn, np.where(fronts == INK, NOTHING, fronts), backs)


def _nearest(values: Floats, targets: Floats) -> NDArray[np.intp]:
    """Return the index of the nearest of (M, C) targets for each of (N, C) values."""
    return np.asarray((np.square(targets).sum(axis=1) - 2 * values @ targets.T).argmin(axis=1))


_ASCII = {
    " ": (0.0, 0.0),
    ".": (0.0, 0.20),
    "'": (0.24, 0.0),
    ":": (0.20, 0.20),
    '"': (0.48, 0.0),
    "_": (0.0, 0.50),
    ";": (0.20, 0.32),
    "!": (0.41, 0.23),
    "=": (0.43, 0.43),
    "*": (0.68, 0.04),
    "c": (0.42, 0.56),
    "x": (0.43, 0.67),
    "u": (0.39, 0.83),
    "a": (0.43, 1.0),
    "Y": (0.80, 0.37),
    "F": (0.93, 0.36),
    "P": (1.0, 0.48),
    "g": (0.58, 1.0),
    "m": (0.72, 0.90),
    "#": (0.94, 0.89),
    "@": (1.0, 1.0),
}
"""How full the upper and the lower half of each letter are, measured on a common font."""


def ascii_cells(pixels: Floats, colours: Colours) -> Cells:
    """Choose the letters whose halves are about as full as the two pixels of a cell are bright.

    Parameters
    ----------
    pixels : (N, 2, C) float32
    colours : Colours
        Of 16 colours or none.
    """
    grey = (pixels if pixels.shape[2] == 1 else luma(pixels))[:, :, 0]
    few = colours.depth is Depth.SIXTEEN
    # With colours the ink is light; without them it is the terminal's own.
    bright = grey if few or colours.dark else 255 - grey
    full = np.array(list(_ASCII.values()), np.float32) * 255
    codes = np.array([ord(char) for char in _ASCII], np.uint32)
    chars = codes[_nearest(bright, full)]
    front, back = (WHITE, BLACK) if few else (NOTHING, NOTHING)
    everywhere = np.ones(len(chars), np.int32)
    return Cells(chars, everywhere * front, everywhere * back)
