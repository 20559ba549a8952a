"""A copy of what is on the terminal, so that of a frame only the cells that differ are written.

Textual writes a widget that was refreshed as a whole, each run of cells with all its colours and a
reset behind it. Here the cells are compared with those written before, and of the colours only
those are sent that change from one cell to the next.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from rich.cells import cell_len, get_character_cell_size
from rich.color import ColorSystem
from rich.style import Style
from textual._compositor import ChopsUpdate, CompositorUpdate, LayoutUpdate
from textual.geometry import Size
from textual.strip import Strip

_UNKNOWN = None
"""A cell that may hold anything."""

_SWAPPED = {"▀": "▄", "▄": "▀"}
"""Half blocks: either may be drawn as the other with its two colours swapped."""


class Pen(NamedTuple):
    """How a cell is drawn, as the numbers of SGR (ECMA-48); empty is the terminal's own."""

    attributes: str
    colour: str
    ground: str
    link: str


_PLAIN = Pen("", "", "", "")


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
        self._pen_of: dict[Style | None, Pen] = {None: _PLAIN}
        self._single: set[str] = set()

    def forget(self) -> bool:
        """Take nothing for written any more; tell whether anything was."""
        known = bool(self._texts)
        self._size, self._texts, self._pens = Size(0, 0), [], []
        return known

    def difference(self, update: CompositorUpdate, size: Size, system: ColorSystem | None) -> str:
        """Give what is to be written for a frame, and note it as written.

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
            self._pen_of = {None: _PLAIN}
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
        texts: list[str | None] = []
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
        for at, (text_, pen) in enumerate(zip(texts, pens, strict=True), x):
            if text_ != old_texts[at] or pen != old_pens[at]:
                old_texts[at], old_pens[at] = text_, pen
                if text_:
                    writer.put(at, y, text_, pen, old_texts, old_pens)

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
        if all(get_character_cell_size(character) == 1 for character in text):
            self._single.update(text)
            return text
        # Terminals do not agree on the width of what is joined or combined: it is one piece.
        return [text] + [""] * (cell_len(text) - 1) if cell_len(text) else []

    def _pen(self, style: Style | None) -> Pen:
        pen = self._pen_of.get(style)
        if pen is None:
            assert style is not None
            pen = self._pen_of[style] = _pen_of(style, self._system)
        return pen


def _pieces(update: CompositorUpdate) -> Iterator[tuple[int, int, Strip]]:
    """Give the parts of a frame with the columns and rows at which they begin."""
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
    colour, ground = style.color, style.bgcolor
    return Pen(
        Strip.render_ansi(style.without_color, system),
        ";".join(colour.downgrade(system).get_ansi_codes()) if colour else "",
        ";".join(ground.downgrade(system).get_ansi_codes(foreground=False)) if ground else "",
        style.link or "",
    )


class _Writer:
    """Puts cells one after another, from left to right and top to bottom."""

    def __init__(self) -> None:
        self._out: list[str] = []
        self._pen = _PLAIN
        self._at: tuple[int, int] | None = None

    def put(
        self,
        x: int,
        y: int,
        text: str,
        pen: Pen,
        row: Sequence[str | None],
        pens: Sequence[Pen],
    ) -> None:
        """Put a cell; `row` and `pens` are what its row shows, from its first cell to this one."""
        if self._at != (x, y):
            self._move(x, y, row, pens)
        if pen != self._pen:
            text = self._change(pen, text)
        self._out.append(text)
        self._at = (x + (1 if len(text) == 1 else cell_len(text)), y)

    def finished(self) -> str:
        """Give all that was put, with the terminal's own pen behind it."""
        if not self._out:
            return ""
        if self._pen.link:
            self._out.append("\x1b]8;;\x1b\\")
        if self._pen != _PLAIN:
            self._out.append("\x1b[m")
        return "".join(self._out)

    def _move(self, x: int, y: int, row: Sequence[str | None], pens: Sequence[Pen]) -> None:
        if self._at is not None and self._at[1] == y and self._at[0] < x:
            left = self._at[0]
            gap = row[left:x]
            step = f"\x1b[{x - left}C" if x - left > 1 else "\x1b[C"
            if None not in gap and all(pen == self._pen for pen in pens[left:x]):
                again = "".join(map(str, gap))
                if len(again.encode()) <= len(step):
                    step = again
            self._out.append(step)
        else:
            self._out.append(f"\x1b[{y + 1};{x + 1}H")

    def _change(self, pen: Pen, text: str) -> str:
        """Take another pen, or one that looks the same with this text; give the text to write."""
        old = self._pen
        if pen.link != old.link:
            self._out.append(f"\x1b]8;;{pen.link}\x1b\\")
        if pen.attributes != old.attributes:
            numbers = [part for part in ("0", pen.attributes, pen.colour, pen.ground) if part]
            self._out.append(f"\x1b[{';'.join(numbers)}m")
            self._pen = pen
            return text
        if not pen.attributes:
            if text == " ":
                pen = pen._replace(colour=old.colour)
            elif text == "█":
                pen = pen._replace(ground=old.ground)
            elif text in _SWAPPED and pen.colour[:3] == "38;" and pen.ground[:3] == "48;":
                # Only of 256 colours and more: of sixteen not all can be behind a character.
                swapped = Pen("", "3" + pen.ground[1:], "4" + pen.colour[1:], pen.link)
                if _cost(old, swapped) < _cost(old, pen):
                    pen, text = swapped, _SWAPPED[text]
        numbers = []
        if pen.colour != old.colour:
            numbers.append(pen.colour or "39")
        if pen.ground != old.ground:
            numbers.append(pen.ground or "49")
        if numbers:
            self._out.append(f"\x1b[{';'.join(numbers)}m")
        self._pen = pen
        return text


def _cost(old: Pen, new: Pen) -> int:
    return (len(new.colour) if new.colour != old.colour else 0) + (
        len(new.ground) if new.ground != old.ground else 0
    )
