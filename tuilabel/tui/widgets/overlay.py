"""The image over the cells: never another than the one that is asked about.

It goes out in the same piece as the frame it belongs to, and so before the question whose answer
lets keys through. The image that was shown before is removed first, even if the new one fails.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Hashable
from typing import NamedTuple

from rich.console import Console
from rich.style import Style
from textual.geometry import Region
from textual.screen import Screen
from textual.strip import Strip
from textual.widget import Widget

from tuilabel.tui.images import Pixels
from tuilabel.tui.images.protocols.encoders import (
    KITTY_DELETE,
    kitty,
    sixel,
    size_in,
)
from tuilabel.tui.images.protocols.support import Graphics, ProtocolName, cell_of
from tuilabel.tui.terminal.tty import TTY

_KEPT = 16


class _Wanted(NamedTuple):
    widget: Widget
    key: Hashable
    image: Pixels


class _Placed(NamedTuple):
    """An image in its place."""

    key: Hashable
    region: Region
    cell: tuple[int, int]


class Overlay:
    """Puts one image over the cells of a widget, which leaves them blank.

    Parameters
    ----------
    graphics : Graphics
    """

    def __init__(self, graphics: Graphics) -> None:
        self._graphics = graphics
        self._wanted: _Wanted | None = None
        self._shown: _Placed | None = None
        self._style = Style()
        # Another program may have left an image of this number.
        self._is_stale = True
        self._encoded: OrderedDict[_Placed, str] = OrderedDict()

    def show(self, widget: Widget, key: Hashable, image: Pixels) -> bool:
        """Request an image over a widget from the next frame on; return whether it is another.

        Parameters
        ----------
        widget : Widget
        key : hashable
            Names the image as it should look; an image shown under another name is removed.
        image : (H, W) or (H, W, 3) uint8
        """
        before, self._wanted = self._wanted, _Wanted(widget, key, image)
        return before is None or (before.widget, before.key) != (widget, key)

    def prepare(self, widget: Widget, key: Hashable, image: Pixels) -> None:
        """Encode an image ahead of time, without showing it."""
        place = self._place_of(_Wanted(widget, key, image))
        if place is not None:
            self._encode(place, image)

    def clear(self) -> bool:
        """Request no image from the next frame on; return whether there was one."""
        before, self._wanted = self._wanted, None
        return before is not None

    def forget(self) -> None:
        """Assume nothing about what the terminal shows."""
        self._is_stale = True

    def erase(self, screen: Screen[object], console: Console) -> tuple[str, Region | None]:
        """Remove the image shown before, unless the next frame has it, before any of it is written.

        Parameters
        ----------
        screen : Screen
            The screen on top.
        console : Console

        Returns
        -------
        str
            Codes to write.
        Region or None
            Cells that are blank afterwards.
        """
        shown, is_stale = self._shown, self._is_stale
        if not is_stale and (shown is None or shown == self._place(screen)):
            return "", None
        self._shown, self._is_stale = None, False
        if self._graphics.protocol is ProtocolName.KITTY:
            return KITTY_DELETE, None
        if is_stale:
            # A terminal of another size has moved the image, nobody knows where to.
            return "\x1b[m\x1b[2J", screen.size.region
        assert shown is not None
        region = shown.region
        blank = Strip.blank(region.width, self._style).render(console)
        return "".join(_at(region.x, y) + blank for y in region.line_range), region

    def draw(self, screen: Screen[object], written: list[Region]) -> str:
        """Return the codes that show the image, to be written after the cells of a frame.

        Parameters
        ----------
        screen : Screen
            The screen on top.
        written : list of Region
            Cells that may have been written, which erases the image over them.
        """
        place = self._place(screen)
        if place is None or self._wanted is None:
            return ""
        # Sixels are painted into the cells, and erased where a cell is written again.
        is_lost = self._graphics.protocol is ProtocolName.SIXEL and any(
            place.region.overlaps(region) for region in written
        )
        if place == self._shown and not is_lost:
            return ""
        self._shown, self._style = place, self._wanted.widget.rich_style
        return self._encode(place, self._wanted.image)

    def gone(self) -> str:
        """Return the codes that leave nothing behind in the terminal."""
        return KITTY_DELETE if self._graphics.protocol is ProtocolName.KITTY else ""

    def _place(self, screen: Screen[object]) -> _Placed | None:
        wanted = self._wanted
        if wanted is None or not wanted.widget.is_attached or wanted.widget.screen is not screen:
            return None
        place = self._place_of(wanted)
        # Below the last row a sixel image would scroll the screen, and be elsewhere from then on.
        if place is None or not screen.size.region.contains_region(place.region):
            return None
        return place

    def _place_of(self, wanted: _Wanted) -> _Placed | None:
        # Fonts change size while a program runs.
        cell = cell_of(TTY.drawing) or self._graphics.cell
        box = wanted.widget.region
        if not box.area:
            return None
        columns, rows = _cells(wanted.image, box, cell)
        left, top = (box.width - columns) // 2, (box.height - rows) // 2
        return _Placed(wanted.key, Region(box.x + left, box.y + top, columns, rows), cell)

    def _encode(self, place: _Placed, image: Pixels) -> str:
        codes = self._encoded.get(place)
        if codes is None:
            region, (width, height) = place.region, place.cell
            encode = kitty if self._graphics.protocol is ProtocolName.KITTY else sixel
            drawn = encode(image, region.width * width, region.height * height)
            codes = self._encoded[place] = _at(region.x, region.y) + drawn
            while len(self._encoded) > _KEPT:
                self._encoded.popitem(last=False)
        return codes


def _cells(image: Pixels, box: Region, cell: tuple[int, int]) -> tuple[int, int]:
    """Return the columns and rows of a box that an image takes."""
    height, width = size_in(image, box.width * cell[0], box.height * cell[1])
    return -(-width // cell[0]), -(-height // cell[1])


def _at(x: int, y: int) -> str:
    return f"\x1b[{y + 1};{x + 1}H"
