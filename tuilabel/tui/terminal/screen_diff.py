"""A copy of what is on the terminal, so that of a frame only the cells that differ are written.

Textual writes a widget that was refreshed as a whole, each run of cells with all its colours and a
reset behind it. Here the cells are compared with those written before, and of the colours only
those are sent that change from one cell to the next.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache
from typing import NamedTuple

from rich.cells import cell_len, get_character_cell_size
from rich.color import Color, ColorSystem
from rich.style import Style
from textual._compositor import ChopsUpdate, CompositorUpdate, LayoutUpdate
from textual.geometry import Region, Size
from textual.strip import Strip

from tuilabel.text import inert, is_inert

_UNKNOWN = None
"""A cell that may hold anything."""

_TURNED = dict(zip("▀▜▛▌▐▘▟▝▙▚▞", "▄▖▗▐▌▟▘▙▝▞▚", strict=True))
"""Halves and quarters of a cell, which may be drawn as others with both colours swapped: those that
have no more ink in the top row of pixels, which fonts leave to the background."""


class Pen(NamedTuple):
    """How a cell is drawn, as the numbers of SGR (ECMA-48); empty is the terminal's own.

    Attributes
    ----------
    attributes, colour, ground, link : str
    turned : tuple of str, or None
        Colour and ground swapped; None where that cannot be.
    """

    attributes: str
    colour: str
    ground: str
    link: str
    turned: tuple[str, str] | None


_PLAIN = Pen("", "", "", "", None)

_MOST_PENS = 8192
"""Styles whose pens are remembered: the newest, and those of before."""

_ATTRIBUTES = tuple(dict.fromkeys(Style.STYLE_ATTRIBUTES.values()))
"""What a style may have besides colours and a link."""


class ScreenCopy:
    """What was written to the terminal, cell by cell.

    A cell holds its character; what takes several cells, such as a wide character, stands in the
    first of them, and the others hold an empty text.
    """

    def __init__(self) -> None:
        self._size = Size(0, 0)
        self._texts: list[list[str | None]] = []
        self._pens: list[list[Pen]] = []
        self._system = ColorSystem.TRUECOLOR
        self._pen_of: dict[Style | None, Pen] = {}
        self._older_pens: dict[Style | None, Pen] = {}
        self._pens_made = {_PLAIN: _PLAIN}
        self._single: set[str] = set()

    def forget(self) -> bool:
        """Take nothing for written any more; tell whether anything was."""
        known = bool(self._texts)
        self._size, self._texts, self._pens = Size(0, 0), [], []
        return known

    def forget_cells(self, region: Region) -> None:
        """Take some cells for unknown: something else than a frame has written there."""
        for y in region.line_range:
            if y < len(self._texts):
                row = self._texts[y]
                row[region.x : region.right] = [_UNKNOWN] * len(row[region.x : region.right])

    def get_ready(self, strips: Iterable[Strip]) -> None:
        """Work out how the cells of strips are drawn, before a frame has them; in any thread."""
        for strip in strips:
            for _, style, _ in strip:
                self._pen(style)

    def difference(self, update: CompositorUpdate, size: Size, system: ColorSystem | None) -> str:
        """Return what to write for a frame, and note it as written.

        Parameters
        ----------
        update : LayoutUpdate or ChopsUpdate
        size : Size
            Of the terminal.
        system : ColorSystem or None
            What it has of colours.

        Returns
        -------
        str
            Empty where the terminal shows the frame already.
        """
        system = system or ColorSystem.TRUECOLOR
        if system != self._system:
            self._system = system
            self._pen_of, self._older_pens = {}, {}
            self.forget()
        if size != self._size:
            self._size = size
            self._texts = [[_UNKNOWN] * size.width for _ in range(size.height)]
            self._pens = [[_PLAIN] * size.width for _ in range(size.height)]
        writer = _Writer()
        for x, y, strip in _pieces(update):
            if 0 <= y < size.height and 0 <= x < size.width:
                self._write(writer, x, y, strip)
        return writer.finished()

    def _write(self, writer: _Writer, x: int, y: int, strip: Strip) -> None:
        texts: list[str] = []
        pens: list[Pen] = []
        for text, style, control in strip:
            if control or not text:
                continue
            cells = self._cells(text)
            texts += cells
            pens += [self._pen(style)] * len(cells)
        end = min(x + len(texts), self._size.width)
        del texts[end - x :], pens[end - x :]
        old_texts, old_pens = self._texts[y], self._pens[y]
        if old_texts[x:end] == texts and old_pens[x:end] == pens:
            return
        self._break_up(old_texts, x, end)
        at, length = 0, end - x
        while at < length:
            if texts[at] == old_texts[x + at] and pens[at] is old_pens[x + at]:
                at += 1
                continue
            start, pen = at, pens[at]
            while at < length and pens[at] is pen:
                # What takes several cells is written as one, and the cursor is behind it then.
                if texts[at] and texts[at] == old_texts[x + at] and pen is old_pens[x + at]:
                    break
                at += 1
            writer.put(x + start, y, texts[start:at], pen, old_texts, old_pens)
        old_texts[x:end], old_pens[x:end] = texts, pens

    def _break_up(self, texts: list[str | None], start: int, end: int) -> None:
        """Forget what takes several cells and is about to lose some of them."""
        if texts[start] == "":
            at = start - 1
            while at > 0 and texts[at] == "":
                at -= 1
            texts[at] = _UNKNOWN
        while end < len(texts) and texts[end] == "":
            texts[end] = _UNKNOWN
            end += 1

    def _cells(self, text: str) -> Sequence[str]:
        if self._single.issuperset(text):
            return text
        if not is_inert(text, len(text)):
            # Every text should be inert by now. One that was forgotten must not be obeyed either.
            text = "".join(
                char if inert(char) == char else " " * get_character_cell_size(char)
                for char in text
            )
        if all(get_character_cell_size(character) == 1 for character in text):
            self._single.update(text)
            return text
        # Terminals do not agree on the width of what is joined or combined: it is one piece.
        return [text] + [""] * (cell_len(text) - 1) if cell_len(text) else []

    def _pen(self, style: Style | None) -> Pen:
        pen = self._pen_of.get(style)
        if pen is None:
            pen = self._older_pens.get(style)
            if pen is None:
                # Equal pens are one object.
                pen = _PLAIN if style is None else _pen_of(style, self._system)
                pen = self._pens_made.setdefault(pen, pen)
            if len(self._pen_of) >= _MOST_PENS:
                # Each photograph brings thousands of colours, and seldom needs them again.
                self._older_pens, self._pen_of = self._pen_of, {}
                used = [pen for row in self._pens for pen in row]
                self._pens_made = {pen: pen for pen in (*used, *self._older_pens.values())}
            self._pen_of[style] = pen
        return pen


def _pieces(update: CompositorUpdate) -> Iterator[tuple[int, int, Strip]]:
    """Return the parts of a frame with the columns and rows at which they begin."""
    if isinstance(update, LayoutUpdate):
        for y, line in enumerate(update.strips, update.region.y):
            x = update.region.x
            for strip in line:
                yield x, y, strip
                x += strip.cell_length
    elif isinstance(update, ChopsUpdate):
        for y, start, stop in update.spans:
            for end, (x, part) in zip(update.chop_ends[y], update.chops[y].items(), strict=False):
                if part is None or x >= stop or end <= start:
                    continue
                if x >= start and end <= stop:
                    yield x, y, part
                else:
                    first = max(start, x)
                    yield first, y, part.crop(first - x, min(end, stop) - x)


def _pen_of(style: Style, system: ColorSystem) -> Pen:
    # Most styles are colours of images, and finding that they are nothing else is quick.
    is_plain = not any(getattr(style, name) for name in _ATTRIBUTES)
    attributes = "" if is_plain else Strip.render_ansi(style.without_color, system)
    front, behind = style.color, style.bgcolor
    colour = _numbers(front, system, True) if front else ""
    ground = _numbers(behind, system, False) if behind else ""
    turned = None
    # Only of 256 colours and more: of sixteen not all can be behind a character.
    if not attributes and colour.startswith("38;") and ground.startswith("48;"):
        turned = "3" + ground[1:], "4" + colour[1:]
    return Pen(attributes, colour, ground, style.link or "", turned)


@lru_cache(maxsize=4096)
def _numbers(colour: Color, system: ColorSystem, foreground: bool) -> str:
    return ";".join(_shortest(colour.downgrade(system)).get_ansi_codes(foreground))


def _shortest(colour: Color) -> Color:
    """Return a colour as the grey of the 256 colours that it equals, if it does."""
    triplet = colour.triplet
    if triplet is not None and triplet.red == triplet.green == triplet.blue:
        step, rest = divmod(triplet.red - 8, 10)
        if not rest and 0 <= step < 24:
            return Color.from_ansi(232 + step)
    return colour


class _Writer:
    """Puts cells one after another, from left to right and top to bottom."""

    def __init__(self) -> None:
        self._out: list[str] = []
        self._attributes = self._colour = self._ground = self._link = ""
        self._at: tuple[int, int] | None = None

    def put(
        self,
        x: int,
        y: int,
        cells: Sequence[str],
        pen: Pen,
        row: Sequence[str | None],
        pens: Sequence[Pen],
    ) -> None:
        """Put cells of one pen, or of one that looks the same and is shorter to write.

        `row` and `pens` are what the row shows, up to those that were put before.
        """
        if self._at != (x, y):
            self._move(x, y, row, pens)
        self._at = (x + len(cells), y)
        text = "".join(cells)
        attributes, colour, ground, link, turned = pen
        if link != self._link:
            self._out.append(f"\x1b]8;;{link}\x1b\\")
            self._link = link
        if attributes != self._attributes:
            numbers = ";".join(part for part in ("0", attributes, colour, ground) if part)
            self._out.append(f"\x1b[{numbers}m{text}")
            self._attributes, self._colour, self._ground = attributes, colour, ground
            return
        if turned is not None and text in _TURNED:
            if self._cost(*turned) < self._cost(colour, ground):
                (colour, ground), text = turned, _TURNED[text]
        elif not attributes and text.isspace():
            colour = self._colour
        elif not attributes and not text.strip("█"):
            ground = self._ground
        if colour == self._colour:
            if ground != self._ground:
                text = f"\x1b[{ground or 49}m{text}"
        elif ground == self._ground:
            text = f"\x1b[{colour or 39}m{text}"
        else:
            text = f"\x1b[{colour or 39};{ground or 49}m{text}"
        self._out.append(text)
        self._colour, self._ground = colour, ground

    def finished(self) -> str:
        """Return all that was put, followed by a reset to the terminal's own pen."""
        if self._link:
            self._out.append("\x1b]8;;\x1b\\")
        if self._attributes or self._colour or self._ground:
            self._out.append("\x1b[m")
        return "".join(self._out)

    def _cost(self, colour: str, ground: str) -> int:
        return (len(colour) if colour != self._colour else 0) + (
            len(ground) if ground != self._ground else 0
        )

    def _holds(self, pen: Pen) -> bool:
        return pen[:4] == (self._attributes, self._colour, self._ground, self._link)

    def _move(self, x: int, y: int, row: Sequence[str | None], pens: Sequence[Pen]) -> None:
        if self._at is None or self._at[1] != y or self._at[0] >= x:
            self._out.append(f"\x1b[{y + 1};{x + 1}H")
            return
        left = self._at[0]
        step = f"\x1b[{x - left}C" if x - left > 1 else "\x1b[C"
        gap = row[left:x]
        if x - left <= len(step) and None not in gap and all(map(self._holds, pens[left:x])):
            again = "".join(map(str, gap))
            if len(again.encode()) <= len(step):
                step = again
        self._out.append(step)
