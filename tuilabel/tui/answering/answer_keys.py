"""From a key to a saved answer, for any screen that shows an image: the one home of promise 2.

A screen owns an `AnswerKeys` and hands it every key. Class keys, chords and typed names become a
class here; keys pressed before the image was on the terminal are held back here; and every answer
is written from here, or the screen says why it was not.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Sequence
from functools import partial
from typing import Protocol

from textual.geometry import Size

from tuilabel.events.lines import Event
from tuilabel.session import Annotator
from tuilabel.text import inert
from tuilabel.tui.answering.class_entry import PASSED, ClassEntry, OutcomeKind, Place
from tuilabel.tui.answering.entry_text import entry_classes, entry_line, first_key_line
from tuilabel.tui.answering.note_entry import NoteEntry
from tuilabel.tui.answering.paint_guard import PaintGuard
from tuilabel.tui.keymap.actions import Action
from tuilabel.tui.keymap.keys import FIRST, shown_key
from tuilabel.tui.terminal.pacing import Terminal
from tuilabel.tui.text.names import shown_name
from tuilabel.tui.text.pieces import Piece
from tuilabel.tui.views.shown_classes import ShownClasses
from tuilabel.workspace.saving import Saving, Then


class AnsweringScreen(Protocol):
    """What `AnswerKeys` needs of the screen that owns it."""

    too_small: bool
    actions: Sequence[Action]

    @property
    def size(self) -> Size:
        """Its size in cells."""

    @property
    def asked(self) -> str | None:
        """The id of the item whose image the screen shows; None where it shows none."""

    @property
    def first_actions(self) -> Collection[str]:
        """The ids of actions of two keys that come first where not all fit."""

    @property
    def is_on_top(self) -> bool:
        """Whether no other screen covers it."""

    @property
    def terminal(self) -> Terminal | None:
        """The terminal; None where the application draws for nobody."""

    def image_is_in_frame(self) -> bool:
        """Return whether the image went into a frame of this screen."""

    def choose_class(self, index: int) -> None:
        """Answer with a class."""

    def choose_new_class(self, name: str) -> None:
        """Add a class, and answer with it."""

    def write_note(self, item: str, text: str) -> None:
        """Save a note about an item, and call `AnswerKeys.end_note` once it is."""

    def entry_changed(self) -> None:
        """Show how far a chord, a name or a note is; called when one begins, goes on or ends."""

    def say(self, text: str, style: str) -> None:
        """Show a sentence until the next key."""

    def after_frame(self) -> None:
        """Do what the frame with a new image must not wait for."""

    def after_painting(self) -> None:
        """Do what can be done while the annotator looks at the image."""

    def call_later(self, callback: Callable[..., object], *args: object) -> object:
        """Call a function in turn with the keys."""


class AnswerKeys:
    """Turns keys into answers for the image on one screen.

    It hears of the screen's frames (`tuilabel.tui.terminal.pacing.FrameListener`).

    Parameters
    ----------
    screen : AnsweringScreen
    classes : ShownClasses
    annotator : Annotator
    saving : Saving
        Lets the session write.
    clock : callable
        A monotonic clock, in seconds.

    Attributes
    ----------
    annotator : Annotator
        Who answers; stored with each answer.
    guard : PaintGuard
        Whether the image is on the terminal.
    entry : ClassEntry
        What was begun of a chord or a name.

    An action may have two keys, of which `FIRST` is the first. They are for the image on which they
    began, as a chord is, or for none.
    """

    def __init__(
        self,
        screen: AnsweringScreen,
        classes: ShownClasses,
        annotator: Annotator,
        saving: Saving,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._screen = screen
        self.annotator = annotator
        self._saving = saving
        self._clock = clock
        self._classes = classes
        self._version = classes.version
        self._since = clock()
        self.guard = PaintGuard()
        self._is_another = True
        self.entry = ClassEntry((), ())
        self._note: NoteEntry | None = None
        self._first: Place | None = None
        self._first_was_early = False
        self._class_was_held = False
        self._take_classes()

    # The image: is it on the terminal?

    def expect_image(self) -> None:
        """Take no answer before the terminal shows another image."""
        self.guard.expect()
        self._is_another = True
        self.restart_clock()

    def expect_view(self) -> None:
        """Take no answer before the terminal shows another view of an image that was seen.

        The time to the answer goes on.
        """
        self.guard.expect()
        self._is_another = False

    def restart_clock(self) -> None:
        """Measure the time to the answer from now on."""
        self._since = self._clock()

    def terminal_back(self) -> None:
        """Take no answer before the image is back from under something else."""
        self.guard.expect()
        self._is_another = True

    def frame_written(self, question: int | None) -> None:
        """Note which question follows the frame with the image.

        Without a terminal, as in a test, what is drawn counts as painted.
        """
        if not self._waits_for_frame():
            return
        terminal = self._screen.terminal
        trips = None if terminal is None else terminal.round_trips
        known = trips is not None and trips.has_answered
        self.guard.asked(question or 0, self._clock(), answers=known)
        if question is None:
            self.painted_up_to(0)
        self._screen.after_frame()

    def frame_was_there(self) -> None:
        """Ask the terminal for an image that it shows already: no frame comes for it."""
        if self._waits_for_frame():
            terminal = self._screen.terminal
            self.frame_written(None if terminal is None else terminal.ask())

    def painted_up_to(self, question: int) -> None:
        """Handle the terminal's answer in turn with the keys, so that it keeps its place."""
        self._screen.call_later(self._painted, question)

    def _waits_for_frame(self) -> bool:
        screen = self._screen
        return self.guard.is_to_ask and screen.is_on_top and screen.image_is_in_frame()

    def _painted(self, question: int) -> None:
        if self.guard.acknowledged(question, self._clock()):
            if self._is_another:
                self.restart_clock()
            self._screen.call_later(self._screen.after_painting)

    def holds_key(self) -> bool:
        """Return whether a key that arrives now must not answer.

        It was pressed before the image was there, or while the answer before is still being saved.
        """
        if self._saving.is_pending:
            return True
        now = self._clock()
        terminal = self._screen.terminal
        if terminal is not None:
            self.guard.is_relayed = bool(terminal.relay)
            self.guard.delay = terminal.key_delay / 1000
        if not self.guard.holds(now):
            return False
        if self.guard.waits_in_vain(now):
            # The answer was lost, with the terminal that it was to come from.
            self.guard.expect()
            self.frame_was_there()
        return True

    # Keys: which class do they mean?

    @property
    def is_begun(self) -> bool:
        """Whether a chord, a name or a note was begun."""
        return self.entry.is_begun or self._note is not None

    def press(self, key: str, character: str | None) -> str | None:
        """Handle a key.

        Returns
        -------
        str or None
            What is left to the actions of the screen: the key, or two keys with a space between
            them. None where nothing is.
        """
        self._first_was_early = False
        if key == "escape":
            # What a relay has cut off a sequence comes behind it, and is no answer.
            self.guard.restart_delay(self._clock())
        if self._version != self._classes.version:
            self._take_classes()
        if self._note is not None:
            return self._type_note(self._note, key, character)
        if self._first is not None:
            return self._second(key, self._first)
        was_begun = self.is_begun
        outcome = self.entry.press(key, character, self._place())
        if was_begun or self.is_begun:
            self._screen.entry_changed()
        match outcome.kind:
            case OutcomeKind.NOT_OURS:
                if key != FIRST or not self._of_two_keys():
                    return key
                self._first = self._place()
                self._screen.entry_changed()
            case OutcomeKind.HELD if self._screen.asked is not None:
                self._class_was_held = True
                self._hold()
            case OutcomeKind.LABEL | OutcomeKind.HELD if outcome.class_index is not None:
                self._screen.choose_class(outcome.class_index)
            case OutcomeKind.NEW:
                self._screen.choose_new_class(outcome.text)
            case OutcomeKind.SAID:
                self._screen.say(outcome.text, "accent")
        return None

    def _of_two_keys(self) -> list[tuple[str, Action]]:
        """Return the actions of two keys, each with the second one."""
        begins = f"{FIRST} "
        return [
            (key.removeprefix(begins), action)
            for action in self._screen.actions
            for key in action.keys
            if key.startswith(begins)
        ]

    def _second(self, key: str, first: Place) -> str | None:
        """Handle the second of two keys, or any key in its place."""
        self._first = None
        self._screen.entry_changed()
        if key in PASSED:
            return key
        if key == "escape":
            return None
        both = f"{FIRST} {key}"
        place = self._place()
        if key not in [second for second, _ in self._of_two_keys()]:
            self._screen.say(f"{shown_key(both)} does nothing here.", "accent")
        elif first.item != place.item:
            self._screen.say(
                f"{shown_key(both)} began on another image: nothing was done.", "accent"
            )
        else:
            self._first_was_early = not first.seen
            return both
        return None

    def begin_note(self, text: str) -> None:
        """Begin to type a note about the image, with the text of an earlier one."""
        item, early, self._first_was_early = self._screen.asked, self._first_was_early, False
        if item is None or self._screen.too_small:
            return
        if early or self.holds_key():
            self._hold()
            return
        self._note = NoteEntry(item, text)
        self._screen.entry_changed()

    def end_note(self) -> None:
        """Close the note that is being typed."""
        self._note = None
        self._screen.entry_changed()

    def _type_note(self, note: NoteEntry, key: str, character: str | None) -> str | None:
        if key in PASSED:
            return key
        if key == "escape":
            self.end_note()
        elif key == "enter":
            self._screen.write_note(note.item, note.text.strip())
        else:
            note.press(key, character)
            self._screen.entry_changed()
        return None

    def _take_classes(self) -> None:
        """Label with the classes as they are now."""
        classes = self._classes
        self._version = classes.version
        self.entry.take_classes(classes.keys, classes.full_names, classes.open)

    def paste(self, text: str) -> bool:
        """Add pasted text to a name or a note; return False where none is being typed."""
        if self._note is not None:
            self._note.add(text)
            self._screen.entry_changed()
            return True
        if self._first is not None:
            self._first = None
            self._screen.entry_changed()
        if not self.entry.paste(text):
            return False
        self._screen.entry_changed()
        return True

    def begin_name(self) -> None:
        """Begin to type the name of a class."""
        self.entry.begin_name(self._place())
        self._screen.entry_changed()

    def line(self, sentence: Piece | None) -> Piece | None:
        """Return what was begun, with a sentence beside it; else the sentence."""
        if self._note is not None:
            return self._note.line(sentence)
        if self._first is not None:
            first = self._screen.first_actions
            actions = sorted(self._of_two_keys(), key=lambda one: one[1].id not in first)
            return first_key_line(actions, self._screen.size.width)
        return entry_line(self.entry, self._classes.names, sentence) or sentence

    def classes(self) -> tuple[Sequence[int] | None, int | None]:
        """Return the classes that are still possible, None for all; and the marked one."""
        return entry_classes(self.entry)

    def _place(self) -> Place:
        return Place(self._screen.asked, not self.holds_key())

    # Answers.

    def give(self, write: Callable[..., Event | None], then: Then) -> None:
        """Write an answer for the image, or say why not.

        Parameters
        ----------
        write : callable
            A method of the session. Takes the item's id, `by` and `ms`, the milliseconds it took
            to answer; returns the saved event.
        then : callable
            Called with the event once it is saved: soon, or when the disk has answered. It is not
            called where nothing was saved: no image, a key that was held back, a failed write.
        """
        item = self._screen.asked
        if item is None or self._screen.too_small:
            return
        early, self._first_was_early = self._first_was_early, False
        if early or self.holds_key():
            self._hold()
            return
        self.save(partial(write, item, ms=int((self._clock() - self._since) * 1000)), then)

    def save(self, write: Callable[..., Event | None], then: Then) -> None:
        """Let the session write; where that fails the screen says so, and the image stays."""
        if self._saving.is_pending:
            self._hold()
            return
        self._saving.write(partial(write, by=self.annotator), then, self._failed)

    def _failed(self, error: Exception) -> None:
        self._screen.say(f"✗ {inert(str(error), 300)}", "bad")

    def take_held(self) -> bool:
        """Return whether a class key was held back since the last call.

        Where several keys make one answer, it would lack that class.
        """
        was_held, self._class_was_held = self._class_was_held, False
        return was_held

    def may_look(self) -> bool:
        """Return whether the image was on the terminal; hold the key back where it was not."""
        if self.holds_key():
            self._hold()
            return False
        return True

    def _hold(self) -> None:
        """Count an answer that was held back, and say so."""
        self.guard.hold()
        if self._saving.is_pending:
            self._saving.hold()
        self._screen.say(self.guard.words, "accent")


def saved_sentence(acts: int, name: str, before: str | None) -> str:
    """Return the sentence that confirms another answer for an image.

    Parameters
    ----------
    acts : int
        How many answers were saved so far.
    name : str
        The class of the new answer.
    before : str or None
        The class of the answer that it replaces; None for a skip.
    """
    was = "a skip" if before is None else shown_name(before)
    return f"✓ {acts:,} saved: {shown_name(name)}, was {was}."
