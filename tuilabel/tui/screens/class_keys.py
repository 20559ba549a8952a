"""The part of a labelling screen that turns keys into classes, and shows how far it is."""

from __future__ import annotations

from textual import events

from tuilabel.session import Session
from tuilabel.tui.class_entry import MATCHES_SHOWN, ClassEntry, Kind, Outcome, Place
from tuilabel.tui.class_names import SCATTERED
from tuilabel.tui.presenter import Presenter
from tuilabel.tui.screens.painted import PaintedScreen
from tuilabel.tui.widgets.board import Board
from tuilabel.tui.widgets.lines import Piece


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
        if outcome.kind is Kind.NOT_OURS:
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
        self._message = None
        self.answer_begun()
        self.entry.begin_name(self._place())
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
        entry = self.entry
        if entry.leader:
            count = len(entry.chords())
            which = "1 class begins" if count == 1 else f"{count} classes begin"
            return f"{entry.leader} …  {which} with this key; Esc leaves.", "accent"
        if entry.text is None:
            return None
        if self._message is not None:
            return f"/{entry.text}_  {self._message[0]}", self._message[1]
        found = entry.matches()
        taken = entry.meant()
        if taken is not None:
            rest = f"Enter: {self.presenter.names[taken]}"
        else:
            rest = f"{len(found):,} fit" if found else "no class has that in its name"
            if found and found[0].rank == SCATTERED:
                rest = f"Tab: {self.presenter.names[found[0].place]}"
        return f"/{entry.text}_  {rest} · Tab completes · ↑↓ choose · Esc leaves", "accent"

    def _place(self) -> Place:
        return Place(self.loop.current_id, not self.holds_key(self._clock()))

    def _take(self, outcome: Outcome) -> None:
        match outcome.kind:
            case Kind.LABEL:
                assert outcome.class_index is not None
                self.class_key(outcome.class_index)
            case Kind.HELD:
                self.hold_key()
            case Kind.SAID:
                self.say(outcome.text, "accent")

    def _show_entry(self) -> None:
        entry = self.entry
        if entry.is_typing:
            shown = [match.place for match in entry.matches()]
            first = max(0, (entry.marked or 0) - MATCHES_SHOWN // 2)
            marked = None if entry.marked is None else shown[entry.marked]
            self.board.show_classes(shown[first:], marked)
        else:
            self.board.show_classes(entry.chords() if entry.leader else None)
        self.show_status()

    def show_status(self) -> None:
        """Show what was saved, or what was begun, or the sentence that is to be said."""
        raise NotImplementedError
