"""Images as block characters, for any program that prints with Rich."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterable, Sequence
from functools import cache

import numpy as np
import rich
from numpy.typing import NDArray
from PIL import Image
from rich.cells import cell_len
from rich.color import Color
from rich.segment import Segment
from rich_pixels import Renderer

from tuilabel.data.window import sketch, window_of
from tuilabel.errors import UsageError
from tuilabel.tui.images import ImageKind, draw_at, fit, kind_for
from tuilabel.tui.images.kinds import alphabet
from tuilabel.tui.terminal.capabilities import Depth, decide_colours
from tuilabel.tui.text.pieces import fitted

BLOCKS = ("auto", "octant", "braille", "quarter", "half", "ascii")
COLORS = ("auto", *Depth)
BACKGROUNDS = ("auto", "dark", "light")

_DEPTHS = {
    "truecolor": Depth.TRUECOLOR,
    "256": Depth.PALETTE,
    "standard": Depth.SIXTEEN,
    "windows": Depth.SIXTEEN,
}
"""What Rich calls the numbers of colours that a console may have."""


class BlockRenderer(Renderer):
    """Draws images with half, quarter, octant or braille blocks, for `rich_pixels.Pixels`.

    Each cell shows the two colours that come closest to its pixels. With 256 colours they are the
    nearest ones to the eye; with 16 or none, shades stand for what lies between.

    Parameters
    ----------
    blocks : str
        ``octant`` (2 by 4 pixels in a cell, for terminals with Unicode 16), ``braille`` (2 by 4),
        ``quarter`` (2 by 2), ``half`` (1 by 2), ``ascii``, or ``auto``: what suits the image among
        the blocks that the terminal is known to have.
    color : str
        ``truecolor``, ``256``, ``16``, ``none``, or ``auto``: what `rich.get_console` has.
        With ``none`` the picture is plain text without any style.
    background : str
        The terminal's own background, ``dark``, ``light`` or ``auto``: without colours, a picture
        for a dark terminal is inverted on a light one.
    size : tuple of int, optional
        Columns and rows that an image may take when it is rendered without `resize`. By default
        all columns and all rows but one of the terminal.
    default_color : str, optional
        A colour as Rich names them, to stand behind transparent images. By default the terminal's
        own background shows through where an image is less than half opaque.

    Raises
    ------
    UsageError
        There is no such choice.

    Examples
    --------
    >>> from rich_pixels import Pixels
    >>> picture = Pixels.from_image_path("cat.jpg", renderer=BlockRenderer(size=(60, 20)))
    """

    def __init__(
        self,
        *,
        blocks: str = "auto",
        color: str = "auto",
        background: str = "auto",
        size: tuple[int, int] | None = None,
        default_color: str | None = None,
    ) -> None:
        super().__init__(default_color=default_color)
        for name, value, choices in (
            ("blocks", blocks, BLOCKS),
            ("color", color, COLORS),
            ("background", background, BACKGROUNDS),
        ):
            if value not in choices:
                raise UsageError(
                    f"There is no {name} {value!r}: choose one of {', '.join(choices)}."
                )
        console = rich.get_console()
        if color == "auto":
            system = None if console.no_color else console.color_system
            color = _DEPTHS.get(system or "", Depth.NONE)
        self.size = size
        self._kind = ImageKind.QUARTER if blocks == "quarter" else None
        self._colours = decide_colours(
            # A notebook is shown by a browser, whatever terminal its kernel was started from.
            {"TERM": "xterm-256color"} if console.is_jupyter else os.environ,
            color=color,
            background=background,
            # Terminals that draw braille draw quarters.
            blocks="braille" if blocks == "quarter" else blocks,
        )

    def render(self, image: Image.Image, resize: tuple[int, int] | None = None) -> list[Segment]:
        """Return an image as segments, each row ending in a newline.

        Parameters
        ----------
        image : PIL.Image.Image
            Of any mode. Values of more than 8 bits are shown from their 0.5th to their 99.5th
            percentile.
        resize : tuple of int, optional
            Width in columns and height in half rows, as for `rich_pixels.HalfcellRenderer`: the
            picture takes exactly this space. Without it the picture is as large as fits `size`,
            its aspect ratio kept.
        """
        width, height = resize or self._space()
        box = (width, -(-height // 2))
        pixels, opaque = self._pixels(image, box)
        kind = kind_for(self._colours, self._kind, pixels, box)
        if resize is None:
            size = fit(pixels.shape[0], pixels.shape[1], box, kind)
        else:
            size = (-(-height * kind.rows // 2), width * kind.columns)
        plain = self._colours.depth is Depth.NONE
        segments = []
        for row in draw_at(pixels, size, self._colours, kind, opaque).rows:
            segments += [*(_plain(row) if plain else row), Segment("\n", self.null_style)]
        return segments

    def _space(self) -> tuple[int, int]:
        """Return the columns and half rows that an image may take."""
        columns, rows = self.size or shutil.get_terminal_size()
        return max(1, columns), 2 * max(1, rows if self.size else rows - 1)

    def _pixels(
        self, image: Image.Image, box: tuple[int, int]
    ) -> tuple[NDArray[np.uint8], NDArray[np.bool_] | None]:
        """Return an image's pixels, and where it is opaque, if not everywhere.

        A photograph is made smaller, but stays larger than it will be drawn in this box.

        Returns
        -------
        (H, W) or (H, W, 3) uint8
            Grey where all pixels are.
        (H, W) bool or None
        """
        if image.mode.startswith(("I", "F")):
            # Pillow would show every value above 255 as white.
            values = np.asarray(image)
            image = Image.fromarray(window_of([sketch(values)]).apply(values))
        transparent = image.has_transparency_data
        image = image.convert("RGBA" if transparent else "RGB")
        factor = min(image.width // (4 * box[0]), image.height // (8 * box[1]))
        if factor > 1:
            image = image.reduce(factor)
        opaque = None
        if transparent:
            ground = Color.parse(self.default_color or ("black" if self._colours.dark else "white"))
            if self.default_color is None:
                opaque = np.asarray(image)[:, :, 3] >= 128
            below = Image.new("RGBA", image.size, (*ground.get_truecolor(), 255))
            image = Image.alpha_composite(below, image)
        pixels = np.asarray(image)[:, :, :3]
        return pixels[:, :, 0] if (pixels == pixels[:, :, :1]).all() else pixels, opaque


def contact_sheet(
    tiles: Sequence[tuple[Image.Image, str]], renderer: BlockRenderer, across: int
) -> list[Segment]:
    """Return images side by side, each with a line of text below, for `Pixels.from_segments`.

    Parameters
    ----------
    tiles : sequence of (PIL.Image.Image, str)
        Images and captions. A caption too long for its image's space is cut.
    renderer : BlockRenderer
        Its `size` is the space of one image.
    across : int
        Images in a row.
    """
    segments: list[Segment] = []
    for start in range(0, len(tiles), across):
        segments += _tiles_abreast(tiles[start : start + across], renderer)
    return segments


def _tiles_abreast(
    tiles: Sequence[tuple[Image.Image, str]], renderer: BlockRenderer
) -> Iterable[Segment]:
    pictures = [list(Segment.split_lines(renderer.render(image))) for image, _ in tiles]
    widths = [Segment.get_line_length(lines[0]) for lines in pictures]
    columns = max(renderer.size[0] if renderer.size else 0, *widths)
    height = max(len(lines) for lines in pictures)
    for y in range(height):
        for lines, width in zip(pictures, widths, strict=True):
            left, top = (columns - width) // 2, (height - len(lines)) // 2
            line = lines[y - top] if 0 <= y - top < len(lines) else []
            yield Segment(" " * left)
            yield from Segment.adjust_line_length(line, columns - left + 1)
        yield Segment.line()
    captions = [fitted(caption, columns).rstrip() for _, caption in tiles]
    lefts = [(columns - cell_len(caption)) // 2 for caption in captions]
    for left, caption in zip(lefts, captions, strict=True):
        yield Segment(" " * left + fitted(caption, columns - left + 1))
    yield Segment.line()


def _plain(row: Sequence[Segment]) -> list[Segment]:
    """Return a row without styles: cells in reverse video become the opposite block."""
    return [
        Segment(text.translate(_opposites()) if style is not None and style.reverse else text)
        for text, style, _ in row
    ]


@cache
def _opposites() -> dict[int, int]:
    """Return the code point of each block's opposite, which has ink where the other has none."""
    opposites: dict[int, int] = {}
    for octants in (False, True):
        codes = alphabet(ImageKind.TWO_BY_FOUR, octants).tolist()
        opposites |= dict(zip(codes, reversed(codes), strict=True))
    return opposites
