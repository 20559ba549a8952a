"""The image over the cells: never another than the one that is asked about.

It goes out in the same piece as the frame it belongs to, and so before the question whose answer
lets keys through. The image that was shown before is removed first, even if the new one fails.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Hashable
from math import sqrt
from typing import Any, NamedTuple, Protocol

from rich.console import Console
from rich.style import Style
from textual.geometry import Region
from textual.screen import Screen
from textual.strip import Strip

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
_KEPT_BYTES = 8 * 2**20

_BYTES_PER_PIXEL = 3
"""About what a pixel of a photograph takes in either protocol."""

_ALMOST = 0.98
"""Share of the pixels that may be sent from which an image was reduced to them."""

_SECONDS = 0.25
"""Seconds in which a picture should be sent."""

_LEAST_PIXELS, _USUAL_PIXELS, _MOST_PIXELS = 2**14, 2**18, 2**20
"""Pixels of a picture on the slowest line, on one not measured yet, and on the quickest."""


class Picturing(Protocol):
    """A widget that leaves cells blank for an image."""

    @property
    def image_region(self) -> Region:
        """The cells that an image may take."""

    @property
    def is_attached(self) -> bool:
        """Whether it is on a screen."""

    @property
    def screen(self) -> Screen[Any]:
        """The screen that it is on."""

    @property
    def rich_style(self) -> Style:
        """The style of its blank cells."""


class _Wanted(NamedTuple):
    widget: Picturing
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
        self._most = _USUAL_PIXELS

    def show(self, widget: Picturing, key: Hashable, image: Pixels) -> bool:
        """Request an image over a widget from the next frame on; return whether it is another.

        Parameters
        ----------
        widget : Picturing
        key : hashable
            Names the image as it should look; an image shown under another name is removed.
        image : (H, W) or (H, W, 3) uint8
        """
        before, self._wanted = self._wanted, _Wanted(widget, key, image)
        return before is None or (before.widget, before.key) != (widget, key)

    def prepare(self, widget: Picturing, key: Hashable, image: Pixels) -> None:
        """Encode an image ahead of time, without showing it."""
        place = self._place_of(_Wanted(widget, key, image))
        if place is not None:
            self._encode(place, image)

    def planned(
        self, widget: Picturing, key: Hashable
    ) -> Callable[[Pixels], tuple[_Placed | None, str]]:
        """Return a function that encodes an image for where it would be now, in any thread."""
        cell, box, protocol = self._cell(), widget.image_region, self._graphics.protocol
        most = self.box(widget)

        def encode(image: Pixels) -> tuple[_Placed | None, str]:
            place = _placed((key, image), box, cell, most, protocol)
            return place, "" if place is None else _encoded(place, image, protocol)

        return encode

    def keep(self, place: _Placed | None, codes: str) -> None:
        """Keep what a function of `planned` has returned."""
        if place is None:
            return
        self._encoded[place] = codes
        while len(self._encoded) > 1 and (
            len(self._encoded) > _KEPT or sum(map(len, self._encoded.values())) > _KEPT_BYTES
        ):
            self._encoded.popitem(last=False)

    def follow(self, rate: float | None) -> bool:
        """Send images of a size that suits the line; return whether it is another than before.

        Parameters
        ----------
        rate : float or None
            Bytes a second; None while that is unknown.
        """
        before, self._most = self._most, most_pixels(rate, self._most)
        return before != self._most

    def box(self, widget: Picturing) -> tuple[int, int]:
        """Return the width and height in pixels of the largest image that is sent."""
        columns, rows = widget.image_region.size
        width, height = columns * self._cell()[0], rows * self._cell()[1]
        share = min(1.0, sqrt(self._most / max(1, width * height)))
        return max(1, int(width * share)), max(1, int(height * share))

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

    def _cell(self) -> tuple[int, int]:
        """Return the width and height of a cell: fonts change size while a program runs."""
        return cell_of(TTY.drawing) or self._graphics.cell

    def _place_of(self, wanted: _Wanted) -> _Placed | None:
        widget = wanted.widget
        found = (wanted.key, wanted.image), widget.image_region, self._cell(), self.box(widget)
        return _placed(*found, self._graphics.protocol)

    def _encode(self, place: _Placed, image: Pixels) -> str:
        codes = self._encoded.get(place)
        if codes is None:
            codes = _encoded(place, image, self._graphics.protocol)
            self.keep(place, codes)
        return codes


def most_pixels(rate: float | None, before: int = _USUAL_PIXELS) -> int:
    """Return the most pixels of an image that is to arrive soon.

    It changes by doubling and halving, and not for every measurement: pictures of the same size
    lie in the same place.

    Parameters
    ----------
    rate : float or None
        Bytes a second that the line takes; None while that is unknown.
    before : int
        The most pixels until now.
    """
    if rate is None:
        return before
    wanted = rate * _SECONDS / _BYTES_PER_PIXEL
    while before > _LEAST_PIXELS and wanted < before / 2:
        before //= 2
    while before < _MOST_PIXELS and wanted > 3 * before:
        before *= 2
    return before


def _placed(
    wanted: tuple[Hashable, Pixels],
    box: Region,
    cell: tuple[int, int],
    most: tuple[int, int],
    protocol: ProtocolName,
) -> _Placed | None:
    """Return where an image goes in a box of cells.

    A picture that was reduced for the line has its usual size where the terminal can stretch it,
    and is smaller where not.
    """
    key, image = wanted
    if not box.area:
        return None
    height, width = image.shape[:2]
    room = box.width * cell[0], box.height * cell[1]
    is_reduced = most != room and max(width / most[0], height / most[1]) > _ALMOST
    if is_reduced and protocol is ProtocolName.KITTY:
        scale = min(room[0] / width, room[1] / height)
        columns = max(1, round(width * scale / cell[0]))
        rows = max(1, round(height * scale / cell[1]))
    else:
        columns, rows = _cells(image, most if is_reduced else room, cell)
    left, top = (box.width - columns) // 2, (box.height - rows) // 2
    return _Placed(key, Region(box.x + left, box.y + top, columns, rows), cell)


def _cells(image: Pixels, room: tuple[int, int], cell: tuple[int, int]) -> tuple[int, int]:
    """Return the columns and rows that an image takes of so many pixels."""
    height, width = size_in(image, *room)
    return -(-width // cell[0]), -(-height // cell[1])


def _encoded(place: _Placed, image: Pixels, protocol: ProtocolName) -> str:
    region, cell = place.region, place.cell
    room = region.width * cell[0], region.height * cell[1]
    cells = region.width, region.height
    if protocol is ProtocolName.SIXEL:
        codes = sixel(image, *room)
    else:
        codes = kitty(image, *room, None if _cells(image, room, cell) == cells else cells)
    return _at(region.x, region.y) + codes


def _at(x: int, y: int) -> str:
    return f"\x1b[{y + 1};{x + 1}H"
