"""Images drawn as rows of characters."""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from rich.color import Color
from rich.segment import Segment
from rich.style import Style

from tuilabel.tui.images.cells import Cells, ascii_cells, cells_of, stretched
from tuilabel.tui.images.kinds import (
    ImageKind,
    Pixels,
    draws_letters,
    kind_for,
    kind_for_small,
)
from tuilabel.tui.images.palettes import INK, NOTHING, Floats
from tuilabel.tui.images.sampling import fit, sampled
from tuilabel.tui.images.small import is_small, small
from tuilabel.tui.terminal.capabilities import Blocks, Colours, Depth

__all__ = ["Drawing", "Pixels", "draw", "draw_at", "draw_small"]


class Drawing(NamedTuple):
    """An image as characters.

    Attributes
    ----------
    columns : int
        Cells in each row.
    rows : list of list of Segment
        Equal cells side by side are one segment; equal rows are one list.
    """

    columns: int
    rows: list[list[Segment]]


def draw(
    image: Pixels, box: tuple[int, int], colours: Colours, kind: ImageKind | None = None
) -> Drawing:
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
    """
    kind = kind_for(colours, kind, image, box)
    return draw_at(image, fit(image.shape[0], image.shape[1], box, kind), colours, kind)


def draw_at(
    image: Pixels,
    size: tuple[int, int],
    colours: Colours,
    kind: ImageKind,
    opaque: NDArray[np.bool_] | None = None,
) -> Drawing:
    """Draw an image at a size of its own, whatever its shape.

    Parameters
    ----------
    image : (H, W) or (H, W, 3) uint8
    size : tuple of int
        Height and width in pixels of `kind`.
    colours : Colours
    kind : ImageKind
        One that the terminal draws, see `kind_for`.
    opaque : (H, W) bool, optional
        Where the image covers the terminal's background; everywhere if not given.
    """
    few = colours.depth in (Depth.SIXTEEN, Depth.NONE)
    pixels = sampled(image, *size)
    if few:
        pixels = stretched(pixels)
    blocks, inside, columns = _blocks(pixels, kind)
    if opaque is not None:
        cover, _, _ = _blocks(sampled(opaque.astype(np.uint8), *size), kind)
        inside &= cover[:, :, 0] >= 0.5
    if draws_letters(colours):
        return _drawing(ascii_cells(blocks, colours), columns, False)
    cells = cells_of(blocks, inside, kind, colours)
    return _drawing(cells, columns, colours.depth is Depth.TRUECOLOR)


def draw_small(image: Pixels, box: tuple[int, int], colours: Colours) -> Drawing:
    """Draw an image so that it can be recognized in a small box, though not faithfully.

    Where half blocks show all of its pixels at a size that fills the box, it is drawn as by `draw`.

    Parameters
    ----------
    image : (H, W) or (H, W, 3) uint8
    box : tuple of int
        Columns and rows of cells.
    colours : Colours
    """
    few = colours.depth in (Depth.SIXTEEN, Depth.NONE)
    if (few and Blocks.SHADE not in colours.blocks) or not is_small(image, box):
        return draw(image, box, colours)
    kind = kind_for_small(colours, box[1])
    pixels = small(image, box, kind)
    if few:
        pixels = stretched(pixels)
    blocks, inside, columns = _blocks(pixels, kind)
    cells = cells_of(blocks, inside, kind, colours)
    return _drawing(cells, columns, colours.depth is Depth.TRUECOLOR)


def _blocks(pixels: Floats, kind: ImageKind) -> tuple[Floats, NDArray[np.bool_], int]:
    """Return the pixels cell by cell, which of them are the image's, and the cells in a row."""
    height, width, channels = pixels.shape
    rows, columns = -(-height // kind.rows), -(-width // kind.columns)
    # What is missing is above the image: the ink of its first row is then at the bottom of a cell.
    above = rows * kind.rows - height
    missing = ((above, 0), (0, columns * kind.columns - width))
    if missing != ((0, 0), (0, 0)):
        pixels = np.pad(pixels, (*missing, (0, 0)), mode="edge")
    inside = np.zeros(pixels.shape[:2], np.bool_)
    inside[above:, :width] = True
    shape = (rows, kind.rows, columns, kind.columns)
    return (
        pixels.reshape(*shape, channels).swapaxes(1, 2).reshape(rows * columns, -1, channels),
        inside.reshape(shape).swapaxes(1, 2).reshape(rows * columns, -1),
        columns,
    )


def _drawing(cells: Cells, columns: int, truecolor: bool) -> Drawing:
    chars, front, back = (values.reshape(-1, columns) for values in cells)
    changes = (front[:, 1:] != front[:, :-1]) | (back[:, 1:] != back[:, :-1])
    rows: list[list[Segment]] = []
    drawn: dict[bytes, list[Segment]] = {}
    for y in range(len(chars)):
        # A pixel that is drawn several cells high makes several equal rows.
        key = chars[y].tobytes() + front[y].tobytes() + back[y].tobytes()
        row = drawn.get(key)
        if row is None:
            text = chars[y].tobytes().decode("utf-32-le" if _LITTLE else "utf-32-be")
            starts = [0, *(np.flatnonzero(changes[y]) + 1).tolist()]
            ends = [*starts[1:], columns]
            fronts, backs = front[y, starts].tolist(), back[y, starts].tolist()
            row = drawn[key] = [
                Segment(text[start:end], _style(of_text, behind, truecolor))
                for start, end, of_text, behind in zip(starts, ends, fronts, backs, strict=True)
            ]
        rows.append(row)
    return Drawing(columns, rows)


_LITTLE = np.little_endian


@lru_cache(maxsize=8192)
def _style(front: int, back: int, truecolor: bool) -> Style:
    if back == INK:
        # The opposite braille pattern would not do instead: its gaps are wider than its dots.
        return Style(reverse=True)
    return Style(color=_colour(front, truecolor), bgcolor=_colour(back, truecolor))


@lru_cache(maxsize=4096)
def _colour(code: int, truecolor: bool) -> Color | None:
    if code == NOTHING:
        return None
    if truecolor:
        return Color.from_rgb(code >> 16, code >> 8 & 255, code & 255)
    return Color.from_ansi(code)
