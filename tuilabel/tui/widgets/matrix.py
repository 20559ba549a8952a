"""The confusion matrix: shaded cells with their numbers, and a mark that moves over them."""

from __future__ import annotations

from collections.abc import Sequence

from rich.cells import cell_len
from rich.segment import Segment
from rich.style import Style
from textual.strip import Strip

from tuilabel.text import percent
from tuilabel.tui.terminal.capabilities import Depth
from tuilabel.tui.text.glyphs import drawable
from tuilabel.tui.text.pieces import fitted
from tuilabel.tui.text.shades import cursor_style, shade
from tuilabel.tui.views.confusion import Confusion
from tuilabel.tui.views.shown_classes import ShownClasses
from tuilabel.tui.widgets.lines import Lines, scrolled

_MOST_NAME = 14
_RATE = 6
"""Columns for the share of a class that is found."""

_WIDEST = 9
"""Columns of a cell beyond which its numbers are no easier to read."""
_FOR_TALL = 8
"""Columns from which a cell of three rows does not look like a tower."""


class Matrix(Lines):
    """Rows are the truth, columns the prediction; the mark scrolls to cells that do not fit.

    Parameters
    ----------
    classes : ShownClasses
    """

    def __init__(self, classes: ShownClasses, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._shown = classes
        self._keys: Sequence[str] = ()
        self._names: Sequence[str] = ()
        self._found: Confusion | None = None
        self._waiting = ""
        self.cursor = (0, 0)
        self._top = self._left = 0
        self._comma = ","
        self._tall = 1

    def show_matrix(self, found: Confusion | None, cursor: tuple[int, int], waiting: str) -> None:
        """Show counts with the mark on a cell, or a sentence that says why there are none."""
        self._found, self.cursor, self._waiting = found, cursor, waiting
        self.redraw()

    def page(self) -> int:
        """Return how many rows of the matrix are shown at once."""
        return max(1, self.size.height - 2)

    def redraw(self) -> None:
        """Draw the matrix in this size."""
        if not self.size.area:
            return
        found = self._found
        if found is None:
            self.show([self.row((" " + self._waiting, "muted"))])
            return
        self._keys = [self._shown.keys[index] for index in found.classes]
        self._names = [self._shown.short[index] for index in found.classes]
        width, height = self.size
        biggest = max(max(row) for row in found.counts)
        head = self._head_width()
        room = width - head - _RATE
        # Commas are left out if all classes fit without them.
        self._comma = "," if (len(f"{biggest:,}") + 2) * len(self._keys) <= room else ""
        pitch = max(4, len(f"{biggest:{self._comma}}") + 2)
        named = min(_MOST_NAME, max(map(cell_len, self._names))) + 2
        pitch = max(pitch, min(max(named, _WIDEST), room // len(self._keys)))
        columns = max(1, min(len(self._keys), room // pitch))
        lines = max(1, min(len(self._keys), height - 2))
        # Cells as high as they look wide, where all classes have room; the number in the middle.
        self._tall = 3 if 3 * len(self._keys) + 2 <= height and pitch >= _FOR_TALL else 1
        self._top = scrolled(self._top, self.cursor[0], lines, len(self._keys))
        self._left = scrolled(self._left, self.cursor[1], columns, len(self._keys))
        shown = range(self._left, self._left + columns)
        used = head + columns * pitch + _RATE
        indent = " " * max(0, (width - used) // 2)
        rows = self._titles(found, shown, pitch, head, indent)
        for truth in range(self._top, self._top + lines):
            around = [self._padding(found, truth, shown, pitch, head, indent)] * (self._tall // 2)
            rows += [*around, self._line(found, truth, shown, pitch, head, indent), *around]
        self.show(rows)

    def _head_width(self) -> int:
        return 2 + max(cell_len(self._head(index)) for index in range(len(self._keys)))

    def _head(self, index: int) -> str:
        key, name = self._keys[index], self._names[index]
        if key == name:
            return name
        return f"{key} {fitted(name, min(cell_len(name), _MOST_NAME))}"

    def _titles(
        self, found: Confusion, shown: range, pitch: int, head: int, indent: str
    ) -> list[Strip]:
        arrows = ("‹ " if shown.start else "") + "taken for"
        arrows += " ›" if shown.stop < len(self._keys) else ""
        over = self.row((indent + " " * head + " " + arrows, "muted"))
        names = []
        for index in shown:
            name = self._names[index]
            text = name if cell_len(name) <= pitch - 2 else self._keys[index] or name
            text = text if cell_len(text) <= pitch - 2 else fitted(text, pitch - 2)
            style = "strong" if index == self.cursor[1] else "muted"
            names.append((" " * (pitch - 1 - cell_len(text)) + text + " ", style))
        corner = fitted("truth", head) if head >= 5 else " " * head
        return [
            over,
            self.row((indent + corner, "muted"), *names, (f"{'found':>{_RATE}}", "muted")),
        ]

    def _line(
        self, found: Confusion, truth: int, shown: range, pitch: int, head: int, indent: str
    ) -> Strip:
        here = truth == self.cursor[0]
        colours = self.colours
        lead = "›" if here else " "
        style_of_head = "strong" if here else "plain"
        named = fitted(self._head(truth), head - 1)
        begin = self.row(
            (indent + lead, "strong"), (named, style_of_head), width=len(indent) + head
        )
        segments: list[Segment] = []
        for predicted in shown:
            count = found.counts[truth][predicted]
            number = f"{count:{self._comma}}" if count else "·"
            style = shade(found.darkness(truth, predicted), colours, wrong=truth != predicted)
            number = f"{number:>{pitch - 2}}"
            if (truth, predicted) == self.cursor:
                segments += self._marked("[", number, "]", style)
                continue
            after = "✓" if truth == predicted else " "
            segments.append(Segment(drawable(f" {number}{after}", colours.blocks), style))
        total = found.of_truth(truth)
        rate = percent(found.share(truth, truth)) if total else "–"
        segments.append(Segment(f"{rate:>{_RATE}}", self.style_of("muted")))
        return Strip.join([begin, Strip(segments)]).adjust_cell_length(self.size.width)

    def _marked(self, before: str, text: str, after: str, style: Style) -> list[Segment]:
        """Return a marked cell, which looks neither like a filled cell nor like an empty one."""
        mark = cursor_style(style, self.colours)
        inside = mark
        if self.colours.depth in (Depth.SIXTEEN, Depth.NONE):
            inside = style + Style(bold=True, underline=False)
        text = drawable(text, self.colours.blocks)
        return [Segment(before, mark), Segment(text, inside), Segment(after, mark)]

    def _padding(
        self, found: Confusion, truth: int, shown: range, pitch: int, head: int, indent: str
    ) -> Strip:
        """Return the shades of a class without its numbers, for the rows above and below them."""
        begin = self.row(width=len(indent) + head)
        segments = []
        for predicted in shown:
            wrong = truth != predicted
            style = shade(found.darkness(truth, predicted), self.colours, wrong=wrong)
            # Without a number, an underline has no meaning.
            style += Style(underline=False)
            if (truth, predicted) == self.cursor:
                segments += self._marked(" ", " " * (pitch - 2), " ", style)
            else:
                segments.append(Segment(" " * pitch, style))
        return Strip.join([begin, Strip(segments)]).adjust_cell_length(self.size.width)
