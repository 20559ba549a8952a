"""Pictures on standard output, in as many colours as it can show."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import click
import numpy as np
from numpy.typing import NDArray
from PIL import Image
from rich.color import ColorSystem
from rich.segment import Segment

from tuilabel.pictures import BlockRenderer, contact_sheet
from tuilabel.settings import resolve
from tuilabel.tui.terminal.capabilities import Depth, decide_colours

_SYSTEMS = {
    Depth.TRUECOLOR: ColorSystem.TRUECOLOR,
    Depth.PALETTE: ColorSystem.EIGHT_BIT,
    Depth.SIXTEEN: ColorSystem.STANDARD,
}

_LARGEST, _SMALLEST = 12, 6
"""Rows that an image of a contact sheet may take."""

Pixels = NDArray[np.uint8]
SheetTile = tuple[Pixels, str]
"""An image and the text below it."""


class SheetLayout(NamedTuple):
    """The cells of each image, and how many images stand beside and above each other."""

    columns: int
    rows: int
    across: int
    down: int = 1

    @property
    def size(self) -> int:
        """How many images it has room for."""
        return self.across * self.down


class PicturePrinter:
    """Turns pictures into lines of text, after deciding what standard output can show.

    A pipe gets no colours unless the command line asks for some, and letters instead of blocks.

    Parameters
    ----------
    flags : mapping
        The options ``color``, ``background`` and ``blocks``; None or absent where not given.

    Attributes
    ----------
    columns, rows : int
        The space for pictures: the terminal without a last row, which is the prompt's.
    """

    def __init__(self, flags: Mapping[str, Any]) -> None:
        settings = resolve(flags)
        self.columns, lines = shutil.get_terminal_size()
        self.rows = max(1, lines - 1)
        color, self._blocks = settings.color, settings.blocks
        is_forced = os.environ.get("FORCE_COLOR") or (flags.get("color") or "auto") != "auto"
        if not sys.stdout.isatty() and not is_forced:
            color = Depth.NONE
            self._blocks = "ascii" if self._blocks == "auto" else self._blocks
        self._depth = decide_colours(os.environ, color=color).depth
        self._background = settings.background

    def picture(self, image: Pixels, columns: int, rows: int) -> Iterator[str]:
        """Yield the lines of an image as large as it fits into so many cells."""
        return self._lines(self._renderer(columns, rows).render(Image.fromarray(image)))

    def sheet(self, tiles: Sequence[SheetTile], layout: SheetLayout) -> Iterator[str]:
        """Yield the lines of images side by side, each with its text below."""
        images = [(Image.fromarray(image), text) for image, text in tiles]
        renderer = self._renderer(layout.columns, layout.rows)
        return self._lines(contact_sheet(images, renderer, layout.across))

    def layout(self, images: int) -> SheetLayout:
        """Return how a contact sheet fits the terminal: images as large as can be if all do."""
        for rows in range(_LARGEST, _SMALLEST - 1, -1):
            across = max(1, (self.columns + 1) // (2 * rows + 1))
            layout = SheetLayout(2 * rows, rows, across, max(1, self.rows // (rows + 1)))
            if layout.size >= images:
                break
        return layout

    def _renderer(self, columns: int, rows: int) -> BlockRenderer:
        return BlockRenderer(
            blocks=self._blocks,
            color=self._depth,
            background=self._background,
            size=(columns, rows),
        )

    def _lines(self, segments: Iterable[Segment]) -> Iterator[str]:
        system = _SYSTEMS.get(self._depth)
        for line in Segment.split_lines(segments):
            parts = (
                style.render(text, color_system=system) if style else text
                for text, style, _ in line
            )
            yield "".join(parts).rstrip()


def echo(lines: Iterable[str]) -> None:
    """Print lines with the colours that they have, also into a pipe."""
    for line in lines:
        click.echo(line, color=True)
