"""The base of all widgets: rows of text that are redrawn only where they changed."""

from __future__ import annotations

from collections.abc import Sequence

from rich.segment import Segment
from rich.style import Style
from textual.geometry import Region, Size
from textual.strip import Strip
from textual.widget import Widget

from tuilabel.tui.terminal.capabilities import Blocks, Colours
from tuilabel.tui.terminal.screen_diff import ScreenCopy
from tuilabel.tui.text.glyphs import drawable
from tuilabel.tui.text.pieces import Piece, isolated
from tuilabel.tui.text.theme import colours_of


class Lines(Widget):
    """A widget made of rows, of which textual redraws only those that changed.

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
        """Replace the rows and redraw those that changed; return whether any did.

        Rows that are missing are blank; rows that do not fit are left out.
        """
        width, height = self.size
        new = [*rows[:height], *[Strip.blank(width)] * (height - len(rows))]
        old, self._rows = self._rows, new
        self._rows_size = self.size
        changed = [
            Region(0, y, width, 1) for y, row in enumerate(new) if y >= len(old) or old[y] != row
        ]
        if changed and not self._is_in_frame:
            self.refresh(*changed)
        return bool(changed)

    def render_line(self, y: int) -> Strip:
        """Return row y.

        The first frame in another size may come before the resize event does.
        """
        if self._rows_size != self.size:
            self._is_in_frame = True
            self.redraw()
            self._is_in_frame, self._rows_size = False, self.size
        row = self._rows[y] if y < len(self._rows) else Strip.blank(self.size.width)
        return row.apply_style(self.rich_style)

    def get_ready(self, rows: Sequence[Strip]) -> None:
        """Work out how rows are drawn before a frame has them; in any thread."""
        copy = getattr(self.app, "copy", None)
        if isinstance(copy, ScreenCopy):
            # What a frame would work out for each of thousands of cells, the rows remember.
            copy.get_ready([row.apply_style(self.rich_style) for row in rows])

    @property
    def rich_style(self) -> Style:
        """The style behind the text; worked out once, and not for each row of each frame."""
        if self._own_style is None:
            self._own_style = super().rich_style
        return self._own_style

    @property
    def colours(self) -> Colours:
        """What the terminal can show."""
        return colours_of(self.app)

    def style_of(self, name: str) -> Style:
        """Return the style that the style sheet has for a name."""
        return self.screen.get_component_rich_style(name, partial=True)

    def row(self, *pieces: Piece, width: int | None = None) -> Strip:
        """Return a row of pieces, cut or filled up to a width in cells, by default the widget's."""
        width = self.size.width if width is None else width
        blocks = self.colours.blocks
        if Blocks.EIGHTH in blocks:
            pieces = isolated(pieces)
        segments = [
            Segment(drawable(text, blocks), self.style_of(style)) for text, style in pieces if text
        ]
        return Strip(segments).adjust_cell_length(width)

    def notify_style_update(self) -> None:
        """Draw the rows again in another theme's colours."""
        super().notify_style_update()
        self._own_style = None
        if self._rows:
            # Later, because the screen's own styles may still be those of before.
            self.call_later(self._redraw_in_other_colours)

    def _redraw_in_other_colours(self) -> None:
        self._own_style = None
        self.redraw()

    def on_resize(self) -> None:
        """Draw the rows again in another size, unless a frame has done so."""
        if self._rows_size != self.size:
            self.redraw()

    def redraw(self) -> None:
        """Make the rows from the values shown last; each widget overrides this."""


def scrolled(first: int, cursor: int, page: int, count: int) -> int:
    """Return the first entry to show so that the marked one is seen, scrolling as little as needed.

    Parameters
    ----------
    first : int
        The first entry that was shown before.
    cursor : int
        The marked entry.
    page, count : int
        Entries that fit, and all entries.
    """
    first = min(max(first, cursor - page + 1), cursor)
    return max(0, min(first, count - page))
