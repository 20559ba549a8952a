"""The keys and classes, on one page."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from textual import events
from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import VerticalScroll

from tuilabel.text import counted
from tuilabel.tui.keymap.actions import Action
from tuilabel.tui.keymap.resolved import Keymap
from tuilabel.tui.terminal.pacing import PacedScreen
from tuilabel.tui.terminal.textual_internals import set_bindings
from tuilabel.tui.text.pieces import STYLES, Piece
from tuilabel.tui.views.help import HelpRow, help_rows
from tuilabel.tui.widgets.bar import Bar
from tuilabel.tui.widgets.lines import Lines

AROUND = 6
"""Columns of the page that are its margins and the scroll bar, with a space before it."""


class HelpPage(Lines):
    """The rows of the help page, all of them: what is around it scrolls."""

    def __init__(self) -> None:
        super().__init__()
        self._pieces: list[HelpRow] = []

    def show_page(self, rows: list[HelpRow]) -> None:
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


class HelpScreen(PacedScreen, inherit_bindings=False):
    """Shows what each key does; any of the usual keys leads back.

    Parameters
    ----------
    keymap : Keymap
    actions : sequence of Action
        Those of the screen below.
    classes : sequence of (str, str)
        The keys of each class, empty where its name is typed; and its name.
    """

    COMPONENT_CLASSES: ClassVar[set[str]] = set(STYLES)

    def __init__(
        self, keymap: Keymap, actions: Sequence[Action], classes: Sequence[tuple[str, str]]
    ) -> None:
        super().__init__()
        self._keymap = keymap
        self._actions = actions
        self._named = classes
        self._page = HelpPage()
        self._header, self._footer = Bar(id="header"), Bar(id="status")
        self._scroll = VerticalScroll(id="help")
        back = {*keymap.keys["help"], *keymap.keys["quit"], "escape", "enter", "space"}
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
        self._header.show_bar([(" help", "strong")])
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
        self._page.show_page(help_rows(self._keymap, self._actions, self._named, width))
        self.call_after_refresh(self._show_place)
