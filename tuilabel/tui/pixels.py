"""Images as half blocks: two pixels to a cell, runs of equal colour in one segment."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from rich.segment import Segment
from rich.style import Style
from rich_pixels import HalfcellRenderer
from textual.strip import Strip

CONTRAST_STEPS = 4
"""How far contrast can be raised and lowered from 0."""


def fit(height: int, width: int, columns: int, rows: int) -> tuple[int, int]:
    """Give the largest size at which an image fits a box of cells, its aspect ratio kept.

    Parameters
    ----------
    height, width : int
        Of the image, in pixels.
    columns, rows : int
        Of the box, in cells; a cell holds two pixels, one above the other.

    Returns
    -------
    tuple of int
        Height and width to draw, in pixels: a whole multiple of the image where it fits at all.
    """
    scale = min(rows * 2 / height, columns / width)
    if scale >= 1:
        return height * int(scale), width * int(scale)
    return max(1, int(height * scale)), max(1, int(width * scale))


def adjust(image: NDArray[np.uint8], *, inverted: bool, contrast: int) -> NDArray[np.uint8]:
    """Swap dark and light, and stretch or squeeze values about the middle.

    Parameters
    ----------
    image : (H, W) or (H, W, 3) uint8
    inverted : bool
    contrast : int
        From -`CONTRAST_STEPS` to `CONTRAST_STEPS`; each step is a factor of 1.4.
    """
    if inverted:
        image = 255 - image
    if contrast:
        table = np.clip((np.arange(256) - 127.5) * 1.4**contrast + 127.5, 0, 255)
        image = table.astype(np.uint8)[image]
    return image


def draw(image: NDArray[np.uint8], columns: int, rows: int, *, levels: int = 256) -> list[Strip]:
    """Draw an image as large as it fits a box, without any space around it.

    Parameters
    ----------
    image : (H, W) or (H, W, 3) uint8
    columns, rows : int
        The box, in cells.
    levels : int
        How many values each channel may have, 2 to 256.

    Returns
    -------
    list of Strip
        One per row of cells, all of one width.
    """
    height, width = fit(image.shape[0], image.shape[1], columns, rows)
    picture = Image.fromarray(image)
    shrunk = height < image.shape[0] or width < image.shape[1]
    resampling = Image.Resampling.BOX if shrunk else Image.Resampling.NEAREST
    picture = picture.convert("RGBA").resize((width, height), resampling)
    if levels < 256:
        step = 255 / (levels - 1)
        picture = picture.point([round(round(value / step) * step) for value in range(256)] * 4)
    if height % 2:
        # The last row of cells has no lower pixel.
        taller = Image.new("RGBA", (width, height + 1))
        taller.paste(picture, (0, 0))
        picture = taller
    strips: list[Strip] = []
    row: list[Segment] = []
    for segment in _RENDERER.render(picture, None):
        if segment.text == "\n":
            strips.append(Strip(row, width))
            row = []
        else:
            row.append(segment)
    return strips


_Pixel = tuple[int, int, int, int]


class _RunRenderer(HalfcellRenderer):
    """rich-pixels' half blocks, one segment for each run of equal cells."""

    def _render_line(
        self, *, line_index: int, width: int, get_pixel: Callable[[tuple[int, int]], _Pixel]
    ) -> list[Segment]:
        line: list[Segment] = []
        start, pair = 0, None
        for x in range(width + 1):
            here = None
            if x < width:
                here = (get_pixel((x, line_index)), get_pixel((x, line_index + 1)))
            if here != pair:
                if pair is not None:
                    cell = _cell(*pair)
                    line.append(Segment(cell.text * (x - start), cell.style))
                start, pair = x, here
        return line


@lru_cache(maxsize=4096)
def _cell(upper: _Pixel, lower: _Pixel) -> Segment:
    if not lower[3]:
        # Below the last row of an odd image, what is behind shows through.
        return Segment("▀", Style.parse("rgb({},{},{})".format(*upper)))
    if upper == lower:
        return Segment(" ", Style.parse("on rgb({},{},{})".format(*upper)))
    pixels = (upper, lower)
    return _RENDERER._render_halfcell(x=0, y=0, get_pixel=lambda place: pixels[place[1]])


_RENDERER = _RunRenderer()
