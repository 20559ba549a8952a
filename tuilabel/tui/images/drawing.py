"""The one function that draws images."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from rich.color import Color
from rich.segment import Segment
from rich.style import Style
from textual.strip import Strip

from tuilabel.tui.images.cells import Cells, ascii_cells, cells_of, luma, stretched
from tuilabel.tui.images.kinds import ImageKind, Pixels, kind_for, kind_for_small
from tuilabel.tui.images.palettes import INK, NOTHING, Floats
from tuilabel.tui.images.sampling import fit, sampled
from tuilabel.tui.images.small import as_ink, is_small, is_two_toned, small
from tuilabel.tui.terminal.capabilities import Blocks, Colours, Depth

__all__ = ["Pixels", "draw", "draw_small"]


def draw(
    image: Pixels, box: tuple[int, int], colours: Colours, kind: ImageKind | None = None
) -> list[Strip]:
    """Draw an image as large as it fits a box, without any space around it.

    Parameters
    ----------
    image : (H, W) or (H, W, 3) uint8
    box : tuple of int
        Columns and rows of cells.
    colours : Colours
        What the terminal can show.
    kind : ImageKind, optional
        The blocks to draw with, where the terminal has them; by default those that suit the image.

    Returns
    -------
    list of Strip
        One per row of cells, all of one width. Equal cells side by side are one segment.
    """
    kind = kind_for(colours, kind, image, box)
    few = colours.depth in (Depth.SIXTEEN, Depth.NONE)
    in_ascii = few and Blocks.SHADE not in colours.blocks
    if in_ascii:
        kind = ImageKind.HALF
    pixels = sampled(image, *fit(image.shape[0], image.shape[1], box, kind))
    if few:
        pixels = stretched(pixels)
    blocks, inside, columns = _blocks(pixels, kind)
    cells = ascii_cells(blocks, colours) if in_ascii else cells_of(blocks, inside, kind, colours)
    return _strips(cells, columns, colours.depth is Depth.TRUECOLOR)


def draw_small(image: Pixels, box: tuple[int, int], colours: Colours) -> list[Strip]:
    """Draw an image so that it can be told in a small box: for orientation, and not faithfully.

    Where half blocks show all of its pixels at a size that fills the box, it is as `draw` has it,
    but for drawings where there are few colours: shades would be blots beside their strokes.

    Parameters
    ----------
    image : (H, W) or (H, W, 3) uint8
    box : tuple of int
        Columns and rows of cells.
    colours : Colours

    Returns
    -------
    list of Strip
        As of `draw`.
    """
    few = colours.depth in (Depth.SIXTEEN, Depth.NONE)
    as_drawing = few and is_two_toned(image)
    if (few and Blocks.SHADE not in colours.blocks) or not (as_drawing or is_small(image, box)):
        return draw(image, box, colours)
    kind = kind_for_small(colours, box[1])
    pixels = small(image, box, kind)
    if colours.depth is Depth.NONE and pixels.shape[2] == 3:
        pixels = luma(pixels)
    if as_drawing and pixels.shape[2] == 1:
        pixels = as_ink(pixels, colours.depth is Depth.SIXTEEN)
    elif few:
        pixels = stretched(pixels)
    blocks, inside, columns = _blocks(pixels, kind)
    cells = cells_of(blocks, inside, kind, colours)
    return _strips(cells, columns, colours.depth is Depth.TRUECOLOR)


def _blocks(pixels: Floats, kind: ImageKind) -> tuple[Floats, NDArray[np.bool_], int]:
    """Give the pixels cell by cell, which of them are the image's, and the cells in a row."""
    height, width, channels = pixels.shape
    rows, columns = -(-height // kind.rows), -(-width // kind.columns)
    missing = ((0, rows * kind.rows - height), (0, columns * kind.columns - width))
    if missing != ((0, 0), (0, 0)):
        pixels = np.pad(pixels, (*missing, (0, 0)), mode="edge")
    inside = np.zeros(pixels.shape[:2], np.bool_)
    inside[:height, :width] = True
    shape = (rows, kind.rows, columns, kind.columns)
    return (
        pixels.reshape(*shape, channels).swapaxes(1, 2).reshape(rows * columns, -1, channels),
        inside.reshape(shape).swapaxes(1, 2).reshape(rows * columns, -1),
        columns,
    )


def _strips(cells: Cells, columns: int, truecolor: bool) -> list[Strip]:
    chars, front, back = (values.reshape(-1, columns) for values in cells)
    changes = (front[:, 1:] != front[:, :-1]) | (back[:, 1:] != back[:, :-1])
    strips: list[Strip] = []
    drawn: dict[bytes, Strip] = {}
    for y in range(len(chars)):
        # A pixel that is drawn several cells high makes several equal rows.
        key = chars[y].tobytes() + front[y].tobytes() + back[y].tobytes()
        strip = drawn.get(key)
        if strip is None:
            text = chars[y].tobytes().decode("utf-32-le" if _LITTLE else "utf-32-be")
            starts = [0, *(np.flatnonzero(changes[y]) + 1).tolist()]
            ends = [*starts[1:], columns]
            fronts, backs = front[y, starts].tolist(), back[y, starts].tolist()
            strip = drawn[key] = Strip(
                [
                    Segment(text[start:end], _style(of_text, behind, truecolor))
                    for start, end, of_text, behind in zip(starts, ends, fronts, backs, strict=True)
                ],
                columns,
            )
        strips.append(strip)
    return strips


_LITTLE = np.little_endian


@lru_cache(maxsize=8192)
def _style(front: int, back: int, truecolor: bool) -> Style:
    if back == INK:
        # Braille cannot be turned about instead: its gaps are wider than its dots.
        return Style(reverse=True)
    return Style(color=_colour(front, truecolor), bgcolor=_colour(back, truecolor))


@lru_cache(maxsize=4096)
def _colour(code: int, truecolor: bool) -> Color | None:
    if code == NOTHING:
        return None
    if truecolor:
        return Color.from_rgb(code >> 16, code >> 8 & 255, code & 255)
    return Color.from_ansi(code)
