"""A screen that shows one page of text, such as the help; any of the usual keys leads back."""

from __future__ import annotations

from collections.abc import Callable
from typing import ClassVar

from textual import events
from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import VerticalScroll

from tuilabel.text import counted
from tuilabel.tui.keymap.resolved import Keymap
from tuilabel.tui.terminal.pacing import PacedScreen
from tuilabel.tui.terminal.textual_internals import set_bindings
from tuilabel.tui.text.pieces import STYLES, Piece
from tuilabel.tui.widgets.bar import Bar
from tuilabel.tui.widgets.lines import Lines

Row = list[Piece]

AROUND = 6
"""Columns of the page that are its margins and the scroll bar, with a space before it."""


class Page(Lines):
    """The rows of the page, all of them: what is around it scrolls."""

    def __init__(self) -> None:
        super().__init__()
        self._pieces: list[Row] = []

    def show_page(self, rows: list[Row]) -> None:
        """Show rows of pieces, and be as high as they are many."""
        self._pieces = rows
        self.styles.height = len(rows)
        self.redraw()

    @property
    def text(self) -> str:
        """All that the page says."""
        return "\n".join("".join(text for text, _ in row) for row in self._pieces)

    def redraw(self) -> None:
        """Draw the page in this width."""
        if self.size.width:
            self.show([self.row(*pieces) for pieces in self._pieces])


class PageScreen(PacedScreen, inherit_bindings=False):
    """Shows a page.

    Parameters
    ----------
    title : str
    rows : callable
        Returns the rows of the page for a width in cells.
    keymap : Keymap
    opened_by : str
        The id of the action that opened it, whose keys lead back too.
    """

    COMPONENT_CLASSES: ClassVar[set[str]] = set(STYLES)

    def __init__(
        self, title: str, rows: Callable[[int], list[Row]], keymap: Keymap, opened_by: str
    ) -> None:
        super().__init__()
        self._title = title
        self._rows = rows
        self._page = Page()
        self._header, self._footer = Bar(id="header"), Bar(id="status")
        self._scroll = VerticalScroll(id="page")
        back = {*keymap.keys[opened_by], *keymap.keys["quit"], "escape", "enter", "space"}
        set_bindings(
            self,
            [Binding(key, "app.pop_screen", "Back") for key in back - {"ctrl+c"}]
            + [Binding("ctrl+c", "app.quit", "Quit")],
        )

    def compose(self) -> ComposeResult:
        """Lay out one page that scrolls with the arrows."""
        yield self._header
        with self._scroll:
            yield self._page
        yield self._footer

    def on_mount(self) -> None:
        """Let the arrows scroll."""
        self._header.show_bar([(" " + self._title, "strong")])
        self._fit_to(self.app.size.width)
        self._scroll.focus()
        self.watch(self._scroll, "scroll_y", self._show_place)

    def _show_place(self) -> None:
        """Show how to go on, and how much is below."""
        left: list[Piece] = [(" Esc ", "strong"), ("back", "muted")]
        scroll = self._scroll
        below = round(scroll.max_scroll_y - scroll.scroll_y)
        right: list[Piece] = []
        if scroll.max_scroll_y:
            left += [("  ↑ ↓ ", "strong"), ("scroll", "muted")]
            more = counted(below, "more row") + " below "
            right = [(more if below else "the end ", "muted")]
        self._footer.show_bar(left, [right])

    def on_resize(self, event: events.Resize) -> None:
        """Lay the page out in another width."""
        self._fit_to(event.size.width)

    def _fit_to(self, width: int) -> None:
        width = max(20, width - AROUND)
        self._page.show_page(self._rows(width))
        self.call_after_refresh(self._show_place)
