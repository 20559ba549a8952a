"""The command palette: every action of the screen, found by a part of its name."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import partial

from rich.segment import Segment
from rich.style import Style
from textual.app import ComposeResult
from textual.command import (
    CommandInput,
    CommandList,
    CommandPalette,
    DiscoveryHit,
    Hit,
    Hits,
    Provider,
)
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.strip import Strip
from textual.widgets import LoadingIndicator

from tuilabel.tui.answering.class_entry import LONGEST_TEXT
from tuilabel.tui.answering.class_search import SCATTERED, ClassNames
from tuilabel.tui.keymap.actions import Action
from tuilabel.tui.screens.base import BaseScreen
from tuilabel.tui.terminal.capabilities import Blocks
from tuilabel.tui.text.glyphs import drawable
from tuilabel.tui.text.theme import colours_of

_MARK = "› "
"""As wide as the space that entries have at their left."""

_REVERSED = Style(reverse=True)


class FoundList(CommandList, can_focus=False):
    """The actions found; the entry that Enter takes is marked without colours, too."""

    def render_line(self, y: int) -> Strip:
        """Return a row in characters that the terminal draws."""
        strip = super().render_line(y)
        blocks = colours_of(self.app).blocks
        if Blocks.EIGHTH not in blocks:
            drawn = [Segment(drawable(text, blocks), style) for text, style, _ in strip]
            strip = Strip(drawn, strip.cell_length)
        line = self.scroll_offset.y + y
        if line >= len(self._lines) or self._lines[line][0] != self.highlighted:
            return strip
        if not self._lines[line][1]:
            width = len(_MARK)
            style = next((style for _, style, _ in strip), None)
            mark = Strip([Segment(drawable(_MARK, blocks), style)], width)
            strip = Strip.join([mark, strip.crop(width)])
        # textual leaves the reverse of the style sheet out of what an entry is drawn with.
        return strip.apply_style(_REVERSED) if self.app.current_theme.ansi else strip


class Palette(CommandPalette):
    """Finds an action by a part of its name."""

    CSS_PATH = "palette.tcss"

    def __init__(self) -> None:
        super().__init__(placeholder="Type a part of an action…", id="--command-palette")

    def compose(self) -> ComposeResult:
        """Lay out the input, and the actions found right below it."""
        blocks = colours_of(self.app).blocks
        self.set_class(not blocks, "-ascii")
        with Vertical(id="--container"):
            with Horizontal(id="--input"):
                hint = drawable(self._placeholder, blocks)
                yield CommandInput(placeholder=hint, select_on_focus=False, max_length=LONGEST_TEXT)
            with Vertical(id="--results"):
                yield FoundList()
                yield LoadingIndicator()

    def on_mount(self) -> None:
        """Stop the cursor from blinking."""
        self.call_after_refresh(self._stand_still)

    def _stand_still(self) -> None:
        # A cursor that blinks wakes the program, and writes, twice a second.
        typed = self.query_one(CommandInput)
        typed.cursor_blink = False
        typed._pause_blink(visible=True)


class ActionProvider(Provider):
    """Offers the actions of the screen that is below the palette."""

    def _entries(self) -> list[tuple[str, Action]]:
        screen = self.screen
        if not isinstance(screen, BaseScreen):
            return []
        return [
            (f"{action.label}: {action.help}", action)
            for action in screen.actions
            if action.palette
        ]

    async def discover(self) -> Hits:
        """Offer everything before anything is typed."""
        for text, action in self._entries():
            yield DiscoveryHit(text, partial(self.screen.run_action, action.id), help=_keys(action))

    async def search(self, query: str) -> Hits:
        """Offer what contains the query: names that begin with it, other names, then help."""
        entries = self._entries()
        by_name = _ranks([action.label for _, action in entries], query)
        by_help = _ranks([action.help for _, action in entries], query)
        for place, (text, action) in enumerate(entries):
            rank = by_name.get(place, by_help.get(place, -1) + SCATTERED)
            if place in by_name or place in by_help:
                run = partial(self.screen.run_action, action.id)
                found = Content(text).highlight_regex(
                    re.compile(re.escape(query.strip()), re.IGNORECASE),
                    style=self.match_style or "",
                )
                yield Hit(1 - rank / 10 - place / 1000, found, run, help=_keys(action))


def _ranks(texts: Sequence[str], query: str) -> dict[int, int]:
    """Return the rank of each text that contains a query, by its place; 0 is the best."""
    found = ClassNames(texts).matches(query)
    return {match.place: match.rank for match in found if match.rank != SCATTERED}


def _keys(action: Action) -> str:
    return "key: " + " or ".join(action.shown_keys) if action.keys else "no key"
