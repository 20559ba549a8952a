"""The one way in which this application draws text: rows that are redrawn only if they changed."""

from __future__ import annotations

from collections.abc import Sequence

from rich.segment import Segment
from rich.style import Style
from textual.geometry import Region, Size
from textual.strip import Strip
from textual.widget import Widget

from tuilabel.tui.terminal.capabilities import Blocks, Colours
from tuilabel.tui.text.glyphs import drawable
from tuilabel.tui.text.pieces import Piece, kept_apart
from tuilabel.tui.text.theme import colours_of


class Lines(Widget):
    """A widget made of rows; textual is told to redraw only those that differ from before.

    Textual's compositor keeps no copy of the last frame: a widget that is refreshed as a whole is
    written to the terminal as a whole.
    """

    can_focus = False

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._rows: list[Strip] = []
        self._rows_size = Size(0, 0)
        self._is_in_frame = False
        self._own_style: Style | None = None

    def show(self, rows: Sequence[Strip]) -> bool:
        """Replace the rows, redrawing those that changed; tell whether any did."""
        old, self._rows = self._rows, list(rows)
        self._rows_size = self.size
        width = self.size.width
        changed = [
            Region(0, y, width, 1)
            for y in range(max(len(old), len(rows)))
            if y >= len(old) or y >= len(rows) or old[y] != rows[y]
        ]
        if changed and not self._is_in_frame:
            self.refresh(*changed)
        return bool(changed)

    def render_line(self, y: int) -> Strip:
        """Give row y; below the last there is nothing.

        The first frame in another size comes before word of that size does.
        """
        if self._rows_size != self.size:
            self._is_in_frame = True
            self.redraw()
            self._is_in_frame, self._rows_size = False, self.size
        row = self._rows[y] if y < len(self._rows) else Strip.blank(self.size.width)
        return row.apply_style(self.rich_style)

    @property
    def rich_style(self) -> Style:
        """What is behind its text; worked out once, and not for each row of each frame."""
        if self._own_style is None:
            self._own_style = super().rich_style
        return self._own_style

    @property
    def colours(self) -> Colours:
        """What the terminal can show."""
        return colours_of(self.app)

    def style_of(self, name: str) -> Style:
        """Give the style that the style sheet has for a name."""
        return self.screen.get_component_rich_style(name, partial=True)

    def row(self, *pieces: Piece, width: int | None = None) -> Strip:
        """Make one row of pieces, cut or filled up to a width in cells (by default the whole)."""
        width = self.size.width if width is None else width
        blocks = self.colours.blocks
        if Blocks.EIGHTH in blocks:
            pieces = kept_apart(pieces)
        segments = [
            Segment(drawable(text, blocks), self.style_of(style)) for text, style in pieces if text
        ]
        return Strip(segments).adjust_cell_length(width)

    def notify_style_update(self) -> None:
        """Draw anew with another theme's colours."""
        super().notify_style_update()
        self._own_style = None
        if self._rows:
            # Later, because the screen's own styles may still be those of before.
            self.call_later(self._redraw_in_other_colours)

    def _redraw_in_other_colours(self) -> None:
        self._own_style = None
        self.redraw()

    def on_resize(self) -> None:
        """Draw anew in another size, where no frame has done so."""
        if self._rows_size != self.size:
            self.redraw()

    def redraw(self) -> None:
        """Make the rows from what was shown last; the widgets override it."""
