"""Draw a terminal's screen as a picture: block characters as exact shapes, text with a font."""

from __future__ import annotations

import math
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

from PIL import Image, ImageColor, ImageDraw, ImageFont

Box = tuple[float, float, float, float]
"""A part of a cell: left, top, width, height, of 0 to 1."""

CELL = (10, 20)
"""Width and height of a cell, in pixels."""

_FONT_SIZE = 16
_FONTS = (
    "/usr/share/fonts/truetype/dejavu/DejaVuSansMono{}.ttf",
    "/usr/share/fonts/TTF/DejaVuSansMono{}.ttf",
    "/usr/share/fonts/dejavu-sans-mono-fonts/DejaVuSansMono{}.ttf",
    "/Library/Fonts/DejaVuSansMono{}.ttf",
)


class NoFontError(Exception):
    """No monospaced font is installed."""


class Cell(NamedTuple):
    """One cell of a terminal; colours are pyte's names or six hexadecimal digits."""

    char: str
    front: str = "default"
    back: str = "default"
    bold: bool = False
    dim: bool = False
    underline: bool = False
    reverse: bool = False


@dataclass(frozen=True)
class Look:
    """The colours of a terminal.

    Attributes
    ----------
    front, back : str
        Default colours of text and background.
    sixteen : mapping of str to str
        The sixteen colours by pyte's names.
    """

    front: str
    back: str
    sixteen: Mapping[str, str]

    def rgb(self, name: str, default: str) -> tuple[int, ...]:
        """Return the colour of this name."""
        if name == "default":
            return ImageColor.getrgb(default)
        return ImageColor.getrgb(self.sixteen.get(name) or f"#{name}")


_NAMES = ("black", "red", "green", "brown", "blue", "magenta", "cyan", "white")


def _sixteen(colours: str) -> dict[str, str]:
    names = [*_NAMES, *("bright" + name for name in _NAMES)]
    table = dict(zip(names, colours.split(), strict=True))
    # pyte's name of this colour as a background.
    return {**table, "bfightmagenta": table["brightmagenta"]}


LOOKS = {
    # The palette of GNOME's terminal, and that of Apple's.
    "dark": Look(
        "#d0d0d0",
        "#1e1e1e",
        _sixteen(
            "#2e3436 #cc0000 #4e9a06 #c4a000 #3465a4 #75507b #06989a #d3d7cf "
            "#555753 #ef2929 #8ae234 #fce94f #729fcf #ad7fa8 #34e2e2 #eeeeec"
        ),
    ),
    "light": Look(
        "#000000",
        "#ffffff",
        _sixteen(
            "#000000 #990000 #00a600 #999900 #0000b2 #b200b2 #00a6b2 #bfbfbf "
            "#666666 #e50000 #00d900 #e5e500 #0000ff #e500e5 #00e5e5 #e5e5e5"
        ),
    ),
}


# Shapes.


@lru_cache
def _shapes() -> dict[str, tuple[Box, ...]]:
    full = (0.0, 0.0, 1.0, 1.0)
    shapes: dict[str, tuple[Box, ...]] = {"█": (full,), "▀": ((0, 0, 1, 0.5),)}
    shapes |= {"▐": ((0.5, 0, 0.5, 1),), "▔": ((0, 0, 1, 1 / 8),), "▕": ((7 / 8, 0, 1 / 8, 1),)}
    shapes |= {char: ((0, 1 - n / 8, 1, n / 8),) for n, char in enumerate("▁▂▃▄▅▆▇", 1)}
    shapes |= {char: ((0, 0, n / 8, 1),) for n, char in enumerate("▏▎▍▌▋▊▉", 1)}
    # Four quarters, as bits: upper left, upper right, lower left, lower right.
    quarters = dict(zip("▘▝▖▗▚▞▙▛▜▟", (1, 2, 4, 8, 9, 6, 13, 7, 11, 14), strict=True))
    shapes |= {char: _parts(pattern, 2) for char, pattern in quarters.items()}
    shapes |= dict(zip(map(chr, range(0x1CD00, 0x1CDE6)), map(_eighths, _octants()), strict=True))
    return shapes | {char: _eighths(pattern) for char, pattern in _ODD_EIGHTHS.items()}


_ODD_EIGHTHS = {
    "\U0001cea8": 0b00000001,
    "\U0001ceab": 0b00000010,
    "\U0001cea3": 0b01000000,
    "\U0001cea0": 0b10000000,
    "\U0001fb82": 0b00000011,
    "\U0001fb85": 0b00111111,
    "\U0001fbe6": 0b00010100,
    "\U0001fbe7": 0b00101000,
}
"""Blocks of two by four parts that are elsewhere in Unicode than the octants."""


def _octants() -> list[int]:
    """Return the patterns of U+1CD00 and the characters after it: all that no other one has."""
    doubled = {0b0101 * (a | b << 1) | 0b01010000 * (c | d << 1) for a, b, c, d in _bits()}
    elsewhere = doubled | {0b11000000, 0b11111100} | set(_ODD_EIGHTHS.values())
    return [pattern for pattern in range(256) if pattern not in elsewhere]


def _bits() -> list[tuple[int, int, int, int]]:
    return [(n & 1, n >> 1 & 1, n >> 2 & 1, n >> 3 & 1) for n in range(16)]


def _eighths(pattern: int) -> tuple[Box, ...]:
    return _parts(pattern, 4)


def _parts(pattern: int, rows: int) -> tuple[Box, ...]:
    return tuple(
        (bit % 2 / 2, bit // 2 / rows, 1 / 2, 1 / rows)
        for bit in range(2 * rows)
        if pattern >> bit & 1
    )


_BRAILLE = (0, 2, 4, 1, 3, 5, 6, 7)
"""From the bits of U+2800 to places in two columns of four, row by row."""

_SHADES = {"░": 0.25, "▒": 0.5, "▓": 0.75}


# Drawing.


@lru_cache
def font(weight: str = "") -> ImageFont.FreeTypeFont:
    """Find a monospaced font.

    Parameters
    ----------
    weight : str
        Part of the file name: ``""`` or ``"-Bold"``.

    Raises
    ------
    NoFontError
        If none is installed.
    """
    paths = [Path(name.format(weight)) for name in _FONTS]
    if shutil.which("fc-match"):
        style = "monospace:bold" if weight else "monospace"
        command = ["fc-match", "--format=%{file}", style]
        found = subprocess.run(command, capture_output=True, text=True, check=False).stdout
        paths += [Path(found)] if found.endswith((".ttf", ".otf")) else []
    for path in paths:
        if path.is_file():
            return ImageFont.truetype(str(path), _FONT_SIZE)
    raise NoFontError(
        "No monospaced font was found: install DejaVu Sans Mono (Debian: fonts-dejavu-core)."
    )


def draw(rows: Sequence[Sequence[Cell]], look: Look) -> Image.Image:
    """Draw a screen.

    Parameters
    ----------
    rows : sequence of sequence of Cell
        A character that is two cells wide is followed by an empty cell.
    look : Look
    """
    width, height = CELL
    size = (width * len(rows[0]), height * len(rows))
    image = Image.new("RGB", size, ImageColor.getrgb(look.back))
    pen = ImageDraw.Draw(image)
    inks = [[_inks(cell, look) for cell in row] for row in rows]
    # Draw all backgrounds first, because a letter may reach into the next cell.
    for y, row in enumerate(inks):
        for x, (_, back) in enumerate(row):
            pen.rectangle(_box((x, y), (0, 0, 1, 1)), fill=back)
    for y, row in enumerate(rows):
        for x, cell in enumerate(row):
            _draw_cell(pen, (x, y), cell, *inks[y][x])
    return image


def _inks(cell: Cell, look: Look) -> tuple[tuple[int, ...], tuple[int, ...]]:
    front, back = look.rgb(cell.front, look.front), look.rgb(cell.back, look.back)
    if cell.reverse:
        front, back = back, front
    return (_mixed(front, back, 0.6) if cell.dim else front), back


def _draw_cell(
    pen: ImageDraw.ImageDraw,
    place: tuple[int, int],
    cell: Cell,
    front: tuple[int, ...],
    back: tuple[int, ...],
) -> None:
    char = cell.char
    left, top, right, bottom = _box(place, (0, 0, 1, 1))
    if cell.underline:
        pen.line((left, bottom - 1, right, bottom - 1), fill=front)
    if not char.strip():
        return
    if char in _SHADES:
        pen.rectangle((left, top, right, bottom), fill=_mixed(front, back, _SHADES[char]))
    elif boxes := _shapes().get(char):
        for box in boxes:
            pen.rectangle(_box(place, box), fill=front)
    elif 0x2800 <= ord(char[0]) < 0x2900:
        for bit, where in enumerate(_BRAILLE):
            if (ord(char) - 0x2800) >> bit & 1:
                x = left + (2.5 if where % 2 == 0 else 7.5) * CELL[0] / 10
                y = top + (where // 2 + 0.5) * CELL[1] / 4
                pen.ellipse((x - 1.5, y - 1.5, x + 1.5, y + 1.5), fill=front)
    else:
        face = font("-Bold" if cell.bold else "")
        pen.text((left, top + 1), char, font=face, fill=front)


def _box(place: tuple[int, int], part: Box) -> tuple[int, int, int, int]:
    """Return the pixels of a part of a cell, the last ones included."""
    (x, y), (left, top, width, height) = place, part
    return (
        math.floor((x + left) * CELL[0] + 0.5),
        math.floor((y + top) * CELL[1] + 0.5),
        math.floor((x + left + width) * CELL[0] - 0.5),
        math.floor((y + top + height) * CELL[1] - 0.5),
    )


def _mixed(front: tuple[int, ...], back: tuple[int, ...], share: float) -> tuple[int, ...]:
    return tuple(round(f * share + b * (1 - share)) for f, b in zip(front, back, strict=True))


def sheet(pictures: Sequence[tuple[str, Path]], columns: int, scale: float) -> Image.Image:
    """Return a sheet of pictures of one size, each below its caption."""
    gap, head = 12, 24
    with Image.open(pictures[0][1]) as first:
        width, height = (round(side * scale) for side in first.size)
    rows = math.ceil(len(pictures) / columns)
    size = (columns * (width + gap) + gap, rows * (height + head + gap) + gap)
    whole = Image.new("RGB", size, (128, 128, 128))
    pen = ImageDraw.Draw(whole)
    for number, (caption, path) in enumerate(pictures):
        left = gap + number % columns * (width + gap)
        top = gap + number // columns * (height + head + gap)
        pen.text((left, top), caption, font=font("-Bold"), fill=(0, 0, 0))
        with Image.open(path) as picture:
            whole.paste(
                picture.resize((width, height), Image.Resampling.LANCZOS), (left, top + head)
            )
    return whole
