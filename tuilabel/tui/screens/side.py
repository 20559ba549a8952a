"""What the screens beside the labelling one share."""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar

from textual.containers import Vertical
from textual.geometry import Size
from textual.widget import Widget

from tuilabel.tui.keymap.actions import PLACES, Action
from tuilabel.tui.keymap.resolved import Keymap
from tuilabel.tui.screens.base import BaseScreen
from tuilabel.tui.text.pieces import Piece, cells_in
from tuilabel.tui.views.open_session import OpenSession
from tuilabel.tui.widgets.bar import Bar


class SideScreen(BaseScreen, inherit_bindings=False):
    """A header, a body and the keys.

    Each screen returns its widgets from `body`, and shows what has changed in `show_all`.

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
    is_side = True

    def __init__(self, opened: OpenSession | None, keymap: Keymap | None = None) -> None:
        keymap = keymap or (None if opened is None else opened.presenter.keymap)
        assert keymap is not None
        super().__init__(keymap)
        if opened is not None:
            self.stand_on(opened)
        self.in_vain: set[str] = set()
        self.take_actions(keymap.side_actions(self.place, alone=opened is None))
        self.header = Bar(id="header")
        self.footer = Bar(id="status")

    def content(self) -> Iterable[Widget]:
        """Lay out header, body and footer."""
        with Vertical(id="whole"):
            yield self.header
            with Vertical(id="body"):
                yield from self.body()
            yield self.footer

    def body(self) -> Iterable[Widget]:
        """Return the widgets between the header and the keys."""
        raise NotImplementedError

    def show_all(self) -> None:
        """Show the session as it is now."""
        raise NotImplementedError

    def on_mount(self) -> None:
        """Show what there is."""
        # Before the first frame, which comes before the size is reported.
        self.fit(self.app.size)
        self.show_all()

    def fit(self, size: Size) -> None:
        """Share the space out; the footer shows as many keys as fit."""
        super().fit(size)
        self.show_foot()

    def session_changed(self) -> None:
        """Show what the trainer has found meanwhile."""
        self.show_all()

    # Ways to other screens.

    def visit(self, place: str) -> None:
        """Go to another screen; from this one to itself, back."""
        if place == self.place:
            self.action_leave()
        else:
            super().visit(place)

    def action_leave(self) -> None:
        """Go back."""
        self.app.pop_screen()

    # The header and the footer.

    def show_header(self, title: str, *pieces: Piece, right: str = "") -> None:
        """Show which screen this is."""
        left: list[Piece] = [(" " + title, "strong"), *pieces]
        self.header.show_bar(left, [[(right + " ", "muted")]] if right else [])

    def shown_sentence(self) -> Piece | None:
        """Return the sentence that stands in for the keys, if any."""
        return self.sentence

    def show_foot(self) -> None:
        """Show a sentence if there is one, else the keys."""
        sentence = self.waiting or self.shown_sentence()
        if sentence is not None:
            self.footer.show_bar([(" " + sentence[0], sentence[1])])
            return
        left: list[Piece] = [(" ", "plain")]
        hidden = {"help", *self.in_vain}
        left += keys_of(a for a in self.actions if a.footer and a.id not in hidden)
        others = [action for action in self.actions if action.id in PLACES]
        help_ = keys_of(action for action in self.actions if action.id == "help")
        right = [*keys_of(action for action in others if action.id != self.place), *help_]
        if cells_in(left) + cells_in(right) >= self.app.size.width:
            right = help_
            if others:
                between = f"{others[0].shown_keys[0]}–{others[-1].shown_keys[0]} "
                short = [(between, "strong"), ("screens  ", "muted"), *help_]
                fits = cells_in(left) + cells_in(short) < self.app.size.width
                right = short if fits else help_
        self.footer.show_bar(left, [right])


def keys_of(actions: Iterable[Action]) -> list[Piece]:
    """Return actions as their first key and a word."""
    pieces: list[Piece] = []
    for action in actions:
        if not action.keys:
            continue
        pieces += [(f"{action.shown_keys[0]} ", "strong"), (f"{action.label}  ", "muted")]
    return pieces
