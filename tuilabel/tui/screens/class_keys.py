"""The part of a labelling screen that turns keys into classes, and shows how far it is."""

from __future__ import annotations

from textual import events

from tuilabel.session import Session
from tuilabel.tui.answering.class_entry import ClassEntry, KeyOutcome, OutcomeKind, Place
from tuilabel.tui.answering.entry_text import entry_classes, entry_line
from tuilabel.tui.screens.painted import PaintedScreen
from tuilabel.tui.text.pieces import Piece
from tuilabel.tui.views.labelling import Presenter
from tuilabel.tui.widgets.board import Board


class ClassKeysScreen(PaintedScreen, inherit_bindings=False):
    """Takes class keys, chords and names; what a class means is for the screen above to say."""

    loop: Session
    presenter: Presenter
    board: Board
    _message: Piece | None = None

    def take_class_keys(self) -> None:
        """Begin to take the keys that the presenter has for the classes."""
        self.entry = ClassEntry(self.presenter.keys, self.loop.info.class_names)

    async def on_key(self, event: events.Key) -> None:
        """Take what means a class, or an action of this screen; at once, and in turn.

        Left to textual, an action would be done after the keys that were pressed behind its own:
        what is typed behind the key that begins a name would label.
        """
        was_begun = self.entry.is_begun
        outcome = self.entry.press(event.key, event.character, self._place())
        if outcome.kind is OutcomeKind.NOT_OURS:
            self._message = None
            if was_begun:
                self._show_entry()
            for binding in self._bindings.key_to_bindings.get(event.key, ()):
                event.stop()
                event.prevent_default()
                await self.app.run_action(binding.action, self)
            return
        event.stop()
        event.prevent_default()
        self._message = None
        if self.entry.is_begun and not was_begun:
            self.answer_begun()
        if was_begun or self.entry.is_begun:
            self._show_entry()
        self._take(outcome)

    def on_paste(self, event: events.Paste) -> None:
        """Add pasted text to a name; anywhere else it means nothing."""
        if self.entry.paste(event.text):
            event.stop()
            self._message = None
            self._show_entry()

    def action_name(self) -> None:
        """Begin to type the name of a class."""
        place = self._place()
        if place.item is None:
            self.say(self.presenter.ending(), "muted")
            return
        self._message = None
        self.answer_begun()
        self.entry.begin_name(place)
        self._show_entry()

    def answer_begun(self) -> None:
        """Hear that the person has begun an answer of several keys."""

    def class_key(self, index: int) -> None:
        """Take a class as an answer for the image on the screen."""
        raise NotImplementedError

    def say(self, text: str, style: str) -> None:
        """Show a sentence until the next key."""
        raise NotImplementedError

    def hold_key(self) -> None:
        """Count an answer that was pressed before its image was there, and say so."""
        self.guard.hold()
        self.say(self.guard.words, "accent")

    def entry_line(self) -> Piece | None:
        """Say what was begun: the first key of a chord, or a part of a name."""
        return entry_line(self.entry, self.presenter.names, self._message)

    def _place(self) -> Place:
        return Place(self.loop.current_id, not self.holds_key(self._clock()))

    def _take(self, outcome: KeyOutcome) -> None:
        match outcome.kind:
            case OutcomeKind.LABEL:
                assert outcome.class_index is not None
                self.class_key(outcome.class_index)
            case OutcomeKind.HELD:
                self.hold_key()
            case OutcomeKind.SAID:
                self.say(outcome.text, "accent")

    def _show_entry(self) -> None:
        self.board.show_classes(*entry_classes(self.entry))
        self.show_status()

    def show_status(self) -> None:
        """Show what was saved, or what was begun, or the sentence that is to be said."""
        raise NotImplementedError
