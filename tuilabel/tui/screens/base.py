"""What every screen of a session has: a sentence at its foot, its keys, the ways to the others."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import ClassVar

from textual import events
from textual.app import ComposeResult
from textual.geometry import Size
from textual.widget import Widget
from textual.widgets import Static

from tuilabel.tui.keymap.actions import READ_FROM_DISK, Action
from tuilabel.tui.keymap.bindings import bind
from tuilabel.tui.keymap.resolved import Keymap
from tuilabel.tui.screens.places import open_place
from tuilabel.tui.terminal.pacing import PacedScreen
from tuilabel.tui.terminal.size import too_small
from tuilabel.tui.text.pieces import STYLES, Piece
from tuilabel.tui.views.open_session import OpenSession

A_WHILE = 6.0
"""Seconds in which a sentence is read, before what stood there is wanted again."""


class BaseScreen(PacedScreen, inherit_bindings=False):
    """A screen that shows a sentence on request, and only a sentence where there is no room.

    Parameters
    ----------
    keymap : Keymap

    Attributes
    ----------
    is_side : bool
        Whether the screen stands beside the labelling one: another takes its place.
    actions : sequence of Action
        What its keys do.
    opened : OpenSession
        The open session; missing where there is none.
    sentence : Piece or None
        What the foot shows now.
    waiting : Piece or None
        What the foot shows in its place while something is being saved.
    too_small : bool
        Whether the terminal is too small for the screen.
    """

    COMPONENT_CLASSES: ClassVar[set[str]] = set(STYLES)
    is_side: ClassVar[bool] = False
    opened: OpenSession

    def __init__(self, keymap: Keymap) -> None:
        super().__init__()
        self.keymap = keymap
        self.actions: Sequence[Action] = ()
        self.sentence: Piece | None = None
        self.waiting: Piece | None = None
        self.too_small = False
        self._has_session = False
        self._no_room = Static(id="too-small", markup=False)

    def stand_on(self, opened: OpenSession) -> None:
        """Show an open session."""
        self.opened = opened
        self._has_session = True

    def take_actions(self, actions: Sequence[Action]) -> None:
        """Have the keys do these actions, and no others."""
        self.actions = actions
        bind(self, actions)

    # Room.

    def compose(self) -> ComposeResult:
        """Lay out the widgets, and the sentence that stands in for them where space is short."""
        yield from self.content()
        yield self._no_room

    def content(self) -> Iterable[Widget]:
        """Return all widgets of the screen."""
        raise NotImplementedError

    def on_resize(self, event: events.Resize) -> None:
        """Share the space out, or show how much is needed."""
        self.fit(event.size)

    def fit(self, size: Size) -> None:
        """Share the space of a terminal of this size out, or show how much is needed."""
        was_small = self.too_small
        sentence = too_small(*size, self.key_of("quit"))
        self.too_small = sentence is not None
        self.set_class(self.too_small, "-too-small")
        self._no_room.update(sentence or "")
        self.fit_to(*size)
        if was_small and not self.too_small:
            self.has_room_again()

    def key_of(self, action_id: str) -> str:
        """Return the first key of an action of this screen, as people know it."""
        return next(action.shown_keys[0] for action in self.actions if action.id == action_id)

    def fit_to(self, width: int, height: int) -> None:
        """Share the space of a terminal of this size out."""

    def has_room_again(self) -> None:
        """Show what was not on the terminal until now."""

    # The sentence at the foot.

    def show_foot(self) -> None:
        """Show the sentence if there is one, else what usually stands at the foot."""
        raise NotImplementedError

    def say(self, text: str, style: str = "muted") -> None:
        """Show a sentence until the next key or `hush`."""
        self.sentence = (text, style)
        self.show_foot()

    def hush(self) -> None:
        """Take the sentence away."""
        if self.sentence is not None:
            self.sentence = None
            self.show_foot()

    def mention(self, text: str, style: str = "muted") -> None:
        """Show a sentence for a while: about something that nobody did, and no key answers."""
        before = self.sentence
        self.say(text, style)
        mentioned = self.sentence

        def end() -> None:
            if self.sentence is mentioned:
                self.sentence = before
                self.show_foot()

        self.set_timer(A_WHILE, end)

    # Ways to other screens.

    def session_changed(self) -> None:
        """Show what the trainer has found meanwhile."""

    def relay_changed(self) -> None:
        """Show whether keys wait for a terminal that may be far, on a screen that shows it."""

    def visit(self, place: str) -> None:
        """Go to one of `tuilabel.tui.keymap.actions.PLACES`."""
        if place in READ_FROM_DISK and self.opened.saving.hangs:
            self.opened.saving.show_again(refused=place)
            return
        open_place(self.app, place, self.opened)
        self.opened.saving.show_again()

    def action_curve(self) -> None:
        """Show the accuracy by labels."""
        self.visit("curve")

    def action_confusion(self) -> None:
        """Show the confusion matrix."""
        self.visit("confusion")

    def action_classes(self) -> None:
        """Show the classes."""
        self.visit("classes")

    def action_history(self) -> None:
        """Show every event."""
        self.visit("history")

    def action_home(self) -> None:
        """Show sessions and sources."""
        self.visit("home")

    def action_messages(self) -> None:
        """Show what the annotator should know."""
        self.visit("messages")

    def action_help(self) -> None:
        """Show the keys and classes."""
        from tuilabel.tui.screens.help import HelpScreen

        named: list[tuple[str, str]] = []
        if self._has_session:
            classes = self.opened.presenter.classes
            named = [(classes.keys[index], classes.names[index]) for index in classes.open]
        self.app.push_screen(HelpScreen(self.keymap, self.actions, named))

    async def action_quit(self) -> None:
        """Leave the program."""
        self.app.exit(return_code=0)
