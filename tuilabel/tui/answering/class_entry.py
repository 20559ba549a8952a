"""From keys to a class: one key, a chord of two, or a name that is typed.

A small state machine without a screen or a clock. Each key comes with the image that is on the
terminal, and with whether the key was pressed after that image was there. A chord or a name labels
the image it began on, or nothing at all.
"""

from __future__ import annotations

from collections.abc import Sequence
from enum import Enum, auto
from typing import NamedTuple

from tuilabel.session.class_changes import ClassError, checked_name
from tuilabel.tui.answering.class_search import SCATTERED, ClassNames, Match

MATCHES_SHOWN = 50

LONGEST_TEXT = 200
"""Characters that can be typed in search of something: each is a search of its own."""

PASSED = frozenset(["ctrl+c", "ctrl+z"])
"""Keys that are never part of an answer: they leave or suspend the program."""


class OutcomeKind(Enum):
    """What became of a key."""

    NOT_OURS = auto()
    """It has nothing to do with classes."""

    LABEL = auto()
    """It completes an answer."""

    HELD = auto()
    """It was an answer, pressed before the image was on the terminal."""

    WAITING = auto()
    """It is a part of an answer; more is to come."""

    SAID = auto()
    """It ends an answer without a label, and the text says why."""

    LEFT = auto()
    """It cancels an answer that was begun."""

    NEW = auto()
    """It labels with a class that is not there yet; the text is its name."""


class KeyOutcome(NamedTuple):
    """What became of a key, with the class of a label and what there is to say."""

    kind: OutcomeKind
    class_index: int | None = None
    text: str = ""


class Place(NamedTuple):
    """What is on the terminal when a key arrives.

    Attributes
    ----------
    item : str or None
        The item that is asked.
    seen : bool
        Whether the key was pressed after its image was on the terminal.
    """

    item: str | None
    seen: bool


_ANOTHER_IMAGE = "Another image came meanwhile: Enter again labels this one."

_NOT_OURS = KeyOutcome(OutcomeKind.NOT_OURS)
_WAITING = KeyOutcome(OutcomeKind.WAITING)
_LEFT = KeyOutcome(OutcomeKind.LEFT)


class ClassEntry:
    """Handles keys one by one.

    Parameters
    ----------
    keys : sequence of str
        The characters of each class: one, two, or none.
    names : sequence of str
        Of the classes.

    Attributes
    ----------
    leader : str
        The first character of a chord that was begun, else nothing.
    text : str or None
        What was typed of a name; None where none is being typed.
    chosen : int
        Which of the matches is marked, by the arrows.
    new : str
        The name of a class that Enter would add, else nothing.
    """

    def __init__(self, keys: Sequence[str], names: Sequence[str]) -> None:
        self.take_classes(keys, names, range(len(names)))
        self._begun = Place(None, False)
        self.new = ""
        self._arrow = False
        self.leader = ""
        self.text: str | None = None
        self.chosen = 0

    def take_classes(
        self, keys: Sequence[str], names: Sequence[str], indices: Sequence[int]
    ) -> None:
        """Label with these classes from now on; what was begun goes on.

        Parameters
        ----------
        keys, names : sequence of str
            By class index.
        indices : sequence of int
            The classes that can be chosen.
        """
        self._class_of = {keys[index]: index for index in indices if keys[index]}
        self._leaders = {key[0] for key in self._class_of if len(key) == 2}
        self._names = ClassNames([names[index] for index in indices], indices)

    @property
    def is_typing(self) -> bool:
        """Whether a name is being typed, so that every key is text."""
        return self.text is not None

    @property
    def is_begun(self) -> bool:
        """Whether an answer was begun."""
        return self.is_typing or bool(self.leader)

    @property
    def marked(self) -> int | None:
        """Which of the matches the arrows chose; None before any arrow."""
        return self.chosen if self._arrow else None

    def meant(self) -> int | None:
        """Return the class that Enter would take."""
        if self.text is None:
            return None
        return self.matches()[self.chosen].place if self._arrow else self._names.meant(self.text)

    def matches(self) -> list[Match]:
        """Return the classes that the typed text may mean, best first."""
        return [] if self.text is None else self._names.matches(self.text)

    def chords(self) -> list[int]:
        """Return the classes whose chord begins with the leader."""
        return [index for key, index in self._class_of.items() if self.leader == key[:-1] != ""]

    def begin_name(self, place: Place) -> None:
        """Begin to type a name."""
        self._leave()
        self.text, self._begun = "", place

    def press(self, key: str, character: str | None, place: Place) -> KeyOutcome:
        """Take a key.

        Parameters
        ----------
        key : str
            In textual's name.
        character : str or None
            What it sends, where that can be seen.
        place : Place
            What is on the terminal.
        """
        if character is not None and not character.isprintable():
            character = None
        if self.is_typing:
            return self._type(key, character, place)
        if self.leader:
            return self._second(key, character, place)
        if character in self._leaders:
            self.leader, self._begun = character, place
            return _WAITING
        index = self._class_of.get(character or "")
        if index is None:
            return _NOT_OURS
        return KeyOutcome(OutcomeKind.LABEL if place.seen else OutcomeKind.HELD, index)

    def paste(self, text: str) -> bool:
        """Add text to the name that is being typed; tell whether one is."""
        if self.text is None:
            return False
        line = text.partition("\n")[0].partition("\r")[0]
        self._add("".join(filter(str.isprintable, line)))
        return True

    def _second(self, key: str, character: str | None, place: Place) -> KeyOutcome:
        """Handle the second key of a chord, or any key in its place."""
        leader, begun = self.leader, self._begun
        self._leave()
        if key in PASSED:
            return _NOT_OURS
        if key == "escape":
            return _LEFT
        chord = leader + (character or "")
        index = self._class_of.get(chord) if len(chord) == 2 else None
        if index is None:
            what = f"{leader} {character}" if character and character != " " else f"{leader} alone"
            return KeyOutcome(OutcomeKind.SAID, None, f"{what} is no class: nothing was labelled.")
        if begun.item != place.item:
            return KeyOutcome(
                OutcomeKind.SAID, None, f"{chord} began on another image: nothing was labelled."
            )
        return KeyOutcome(
            OutcomeKind.LABEL if begun.seen and place.seen else OutcomeKind.HELD, index
        )

    def _type(self, key: str, character: str | None, place: Place) -> KeyOutcome:
        assert self.text is not None
        match key:
            case "escape":
                self._leave()
                return _LEFT
            case _ if key in PASSED:
                return _NOT_OURS
            case "enter":
                return self._take_new(place) if self.new else self._take(place)
            case "tab":
                self._set(self._names.completed(self.text, self.chosen))
            case "up" | "down":
                count = min(len(self.matches()), MATCHES_SHOWN)
                step = 1 if key == "down" else -1
                self.chosen = max(0, min(count - 1, self.chosen + (step if self._arrow else 0)))
                self._arrow, self.new = count > 0, ""
            case "backspace":
                self._set(self.text[:-1])
            case "ctrl+u":
                self._set("")
            case _ if character is not None:
                self._add(character)
        return _WAITING

    def _take(self, place: Place) -> KeyOutcome:
        """Label with the name, where there is one that it must mean."""
        assert self.text is not None
        index = self.meant()
        if index is None:
            return self._offer_new() or KeyOutcome(
                OutcomeKind.SAID, None, self._names.why_not(self.text)
            )
        if self._begun == Place(place.item, True) == place:
            self._leave()
            return KeyOutcome(OutcomeKind.LABEL, index)
        if not place.seen:
            return KeyOutcome(OutcomeKind.HELD, index)
        # The person sees this image now: from here on the name is one for it.
        self._begun = place
        return KeyOutcome(OutcomeKind.SAID, None, _ANOTHER_IMAGE)

    def _offer_new(self) -> KeyOutcome | None:
        """Offer to add a class; None where some class has the text in its name."""
        assert self.text is not None
        found = self.matches()
        if not self.text.strip() or (found and found[0].rank != SCATTERED):
            return None
        try:
            self.new = checked_name(self.text)
        except ClassError as error:
            return KeyOutcome(OutcomeKind.SAID, None, str(error))
        return _WAITING

    def _take_new(self, place: Place) -> KeyOutcome:
        """Add the class that was offered, and label with it."""
        name, begun = self.new, self._begun
        if begun == Place(place.item, True) == place:
            self._leave()
            return KeyOutcome(OutcomeKind.NEW, None, name)
        if not place.seen:
            return KeyOutcome(OutcomeKind.HELD)
        self._begun = place
        return KeyOutcome(OutcomeKind.SAID, None, _ANOTHER_IMAGE)

    def _add(self, text: str) -> None:
        assert self.text is not None
        self._set(self.text + text[: max(0, LONGEST_TEXT - len(self.text))])

    def _set(self, text: str) -> None:
        self.text, self.chosen, self._arrow, self.new = text, 0, False, ""

    def _leave(self) -> None:
        self.leader, self.text, self.chosen, self._arrow, self.new = "", None, 0, False, ""
        self._begun = Place(None, False)
