"""What the screens beside the labelling one have in common."""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar

from rich.cells import cell_len
from textual import events
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.geometry import Size
from textual.widget import Widget
from textual.widgets import Static

from tuilabel.tui.keymap.actions import PLACES, Action
from tuilabel.tui.keymap.bindings import bind
from tuilabel.tui.keymap.resolved import Keymap
from tuilabel.tui.keymap.side_actions import side_actions
from tuilabel.tui.screens.help import HelpScreen
from tuilabel.tui.screens.places import WithPlaces, open_place
from tuilabel.tui.terminal.size import too_small
from tuilabel.tui.text.pieces import STYLES, Piece
from tuilabel.tui.views.open_session import OpenSession
from tuilabel.tui.widgets.bar import Bar

_A_WHILE = 6.0
"""Seconds in which a sentence is read, before the keys are wanted again."""


class SideScreen(WithPlaces, inherit_bindings=False):
    """A header, a body and the keys; below the smallest size, one sentence.

    The screens give the body, and show what has changed in `show_all`.

    Parameters
    ----------
    opened : OpenSession or None
        None where no session is open: then no other place is reached from here.
    keymap : Keymap, optional
        By default that of the opened.

    Attributes
    ----------
    in_vain : set of str
        Actions that would change nothing now: their keys are not offered.
    """

    place: ClassVar[str]
    CSS_PATH = "side.tcss"
    COMPONENT_CLASSES: ClassVar[set[str]] = set(STYLES)

    def __init__(self, opened: OpenSession | None, keymap: Keymap | None = None) -> None:
        super().__init__()
        self._named: list[tuple[str, str]] = []
        self.in_vain: set[str] = set()
        if opened is not None:
            self.opened = opened
            presenter = opened.presenter
            keymap = keymap or presenter.keymap
            self._named = list(zip(presenter.keys, presenter.names, strict=True))
        assert keymap is not None
        self._keymap = keymap
        self.actions = side_actions(self.place, keymap, alone=opened is None)
        bind(self, self.actions)
        self.header = Bar(id="header")
        self.footer = Bar(id="status")
        self._message: Piece | None = None

    def compose(self) -> ComposeResult:
        """Lay the screen out."""
        with Vertical(id="whole"):
            yield self.header
            with Vertical(id="body"):
                yield from self.body()
            yield self.footer
        yield Static(id="too-small", markup=False)

    def body(self) -> Iterable[Widget]:
        """Give the widgets between the header and the keys."""
        raise NotImplementedError

    def show_all(self) -> None:
        """Show what there is to see now."""
        raise NotImplementedError

    def on_mount(self) -> None:
        """Show what there is."""
        # Before the first frame, which comes before word of the size does.
        self._fit_to(self.app.size)
        self.show_all()

    def on_resize(self, event: events.Resize) -> None:
        """Share the space out, or say how much is needed."""
        self._fit_to(event.size)

    def _fit_to(self, size: Size) -> None:
        sentence = too_small(*size, self._key_of("quit"))
        self.set_class(sentence is not None, "-too-small")
        self.query_one("#too-small", Static).update(sentence or "")
        self.fit_to(*size)
        self.show_footer()

    def _key_of(self, action_id: str) -> str:
        return next(a.shown_keys[0] for a in self.actions if a.id == action_id)

    def fit_to(self, width: int, height: int) -> None:
        """Share the space of a terminal of this size out."""

    def session_changed(self) -> None:
        """Show what the trainer has found meanwhile."""
        self.show_all()

    # Where one goes from here.

    def visit(self, place: str) -> None:
        """Go to another place; from this one itself, back."""
        if place == self.place:
            self.action_leave()
        else:
            open_place(self.app, place, self.opened)

    def action_leave(self) -> None:
        """Go back."""
        self.app.pop_screen()

    def action_help(self) -> None:
        """Say what the keys do."""
        self.app.push_screen(HelpScreen(self._keymap, self.actions, self._named))

    async def action_quit(self) -> None:
        """Leave the program."""
        self.app.exit(return_code=0)

    # The two rows that all of them have.

    def show_header(self, title: str, *pieces: Piece, right: str = "") -> None:
        """Say where one is."""
        left: list[Piece] = [(" " + title, "strong"), *pieces]
        self.header.show_bar(left, [[(right + " ", "muted")]] if right else [])

    def say(self, text: str, style: str = "muted") -> None:
        """Show a sentence until `hush`."""
        self._message = (text, style)
        self.show_footer()

    def mention(self, text: str, style: str = "muted") -> None:
        """Show a sentence for a while: of something that nobody did, and no key answers."""
        before = self._message
        self.say(text, style)
        mentioned = self._message

        def end() -> None:
            if self._message is mentioned:
                self._message = before
                self.show_footer()

        self.set_timer(_A_WHILE, end)

    def hush(self) -> None:
        """Show the keys again."""
        if self._message is not None:
            self._message = None
            self.show_footer()

    def show_footer(self) -> None:
        """Show a sentence if there is one, else the keys."""
        if self._message is not None:
            self.footer.show_bar([(" " + self._message[0], self._message[1])])
            return
        left: list[Piece] = [(" ", "plain")]
        hidden = {"help", *self.in_vain}
        left += keys_of(a for a in self.actions if a.footer and a.id not in hidden)
        others = [action for action in self.actions if action.id in PLACES]
        help_ = keys_of(action for action in self.actions if action.id == "help")
        right = [*keys_of(action for action in others if action.id != self.place), *help_]
        if _length(left) + _length(right) >= self.app.size.width:
            right = help_
            if others:
                between = f"{others[0].shown_keys[0]}–{others[-1].shown_keys[0]} "
                right = [(between, "strong"), ("screens  ", "muted"), *help_]
        self.footer.show_bar(left, [right])


def keys_of(actions: Iterable[Action]) -> list[Piece]:
    """Give actions as their first key and a word."""
    pieces: list[Piece] = []
    for action in actions:
        if not action.keys:
            continue
        pieces += [(f"{action.shown_keys[0]} ", "strong"), (f"{action.label}  ", "muted")]
    return pieces


def _length(pieces: Iterable[Piece]) -> int:
    return sum(cell_len(text) for text, _ in pieces)
