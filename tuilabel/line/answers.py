"""The meaning of a typed line: a class, a command, or neither."""

from __future__ import annotations

import difflib
import unicodedata
from collections.abc import Mapping, Sequence
from enum import Enum
from typing import NamedTuple

from tuilabel.events.payloads import LONGEST_NOTE

LONGEST = 200
"""Most characters of an answer; no class has a longer name."""


class Command(Enum):
    """A command that can be typed instead of a class: letter, word, help.

    Those without a letter are typed as their word after a colon.
    """

    ACCEPT = (
        "=",
        "accept",
        "Label with the model's first choice; y does so too, unless a class is yes.",
    )
    NONE = ("", "none", "With --multi: label this image with none of the classes.")
    SKIP = ("s", "skip", "Pass this image over; it is not asked again.")
    UNSURE = ("", "unsure", "Pass this image over because its class is unclear.")
    UNUSABLE = ("", "unusable", "Pass this image over because it shows too little.")
    LATER = ("", "later", "Pass this image over until no other image is left.")
    FLAG = ("", "flag", "Flag this image for a second opinion, or unflag it.")
    NOTE = ("", "note", "Write the text behind it as a note about this image.")
    REST = ("", "rest", "Look for the rarer of two classes, and check the rest.")
    GUIDELINES = ("", "guidelines", "Print the guidelines for labelling.")
    UNDO = ("u", "undo", "Take back the last answer, however long ago it was given.")
    CLASSES = ("c", "classes", "List the classes; c again lists the next ones.")
    ACCURACY = ("a", "accuracy", "Show the accuracy, and what the model does.")
    SHOW = ("r", "repeat", "Show this image once more.")
    IMAGE = ("i", "image", "Draw images with characters, or only print their names.")
    INVERT = ("v", "invert", "Swap dark and light in images.")
    SUGGESTIONS = (
        "p",
        "suggestions",
        "Show the model's classes before the label, after it, or never.",
    )
    HELP = ("?", "help", "List what can be typed.")
    QUIT = ("q", "quit", "Quit; the next start continues from here.")

    @property
    def letter(self) -> str:
        """The short form, unless a class has this name; empty where there is none."""
        return self.value[0]

    @property
    def word(self) -> str:
        """The long form, which always works after a colon."""
        return self.value[1]

    @property
    def help(self) -> str:
        """What it does."""
        return self.value[2]


_LETTERS = {c.letter: c for c in Command if c.letter} | {"y": Command.ACCEPT}
_NOTE, _REST = f":{Command.NOTE.word} ", f":{Command.REST.word} "
_COLONS = {":" + letter: command for letter, command in _LETTERS.items()} | {
    ":" + command.word: command for command in Command
}


class Chosen(NamedTuple):
    """A class."""

    class_index: int


class ChosenSet(NamedTuple):
    """Several classes of one image."""

    indices: tuple[int, ...]


class Ambiguous(NamedTuple):
    """The beginning of several class names, or several names that differ only in case."""

    indices: tuple[int, ...]


class Unknown(NamedTuple):
    """Neither a class nor a command; with the nearest class names, nearest first."""

    nearest: tuple[int, ...]


class NoteText(NamedTuple):
    """A note."""

    text: str


class RestText(NamedTuple):
    """What to ask at the end of a session of two classes."""

    text: str


Meaning = Chosen | ChosenSet | Command | NoteText | RestText | Ambiguous | Unknown | None
"""None for an empty line, which is never an answer."""


class Vocabulary:
    """Everything that can be typed, for given classes.

    A line is, in this order: a command after a colon; a class name; the key of a class; the number
    of a class in the list, unless a class name is a number; the letter of a command; the beginning
    of a class name. Case counts only between names that differ in nothing else. Where `yes` is a
    class, `y` is its beginning and accepts no suggestion.

    Parameters
    ----------
    names : sequence of str
        The class names, in class order.
    keys : mapping of str to int, optional
        Letters that stand for a class, as the keys of `--yesno` do, each with its place.
    several : bool
        Whether an image may have several classes: a line may name them, with commas between.
    """

    def __init__(
        self,
        names: Sequence[str],
        keys: Mapping[str, int] | None = None,
        *,
        several: bool = False,
    ) -> None:
        self.names = tuple(names)
        self.several = several
        self.keys = dict(keys or {})
        self.numbered = not any(name.isdecimal() for name in names)
        self._exact = {name: index for index, name in enumerate(names)}
        self._folded: dict[str, list[int]] = {}
        for index, name in enumerate(names):
            self._folded.setdefault(_folded(name), []).append(index)

    def meaning(self, line: str) -> Meaning:
        """Return the meaning of a line."""
        typed = line.strip()
        if typed[: len(_NOTE)].lower() == _NOTE:
            note = "".join(filter(str.isprintable, typed[len(_NOTE) :]))
            return NoteText(note.strip()[:LONGEST_NOTE])
        if len(typed) > LONGEST:
            return Unknown(())
        if typed[: len(_REST)].lower() == _REST:
            return RestText(typed[len(_REST) :].strip().lower())
        folded = _folded(typed)
        if not folded:
            return None
        if typed.lower() in _COLONS:
            return _COLONS[typed.lower()]
        by_name = self._named(typed, folded)
        if by_name is not None:
            return by_name
        if self.several and "," in typed:
            return self._set(typed.split(","))
        if typed in self.keys:
            return Chosen(self.keys[typed])
        if typed.isascii() and typed.isdecimal():
            # A longer number is no class, and Python refuses thousands of digits.
            number = int(typed[:9])
            if self.numbered and 1 <= number <= len(self.names):
                return Chosen(number - 1)
            return Unknown(())
        if typed.lower() in _LETTERS and not (typed.lower() == "y" and "yes" in self._folded):
            return _LETTERS[typed.lower()]
        begun = self._begun(folded, 0) or self._begun(folded, -1)
        if begun:
            return Chosen(begun[0]) if len(begun) == 1 else Ambiguous(tuple(sorted(begun)))
        nearest = difflib.get_close_matches(folded, self._folded, n=3)
        return Unknown(tuple(index for name in nearest for index in self._folded[name]))

    def _set(self, parts: Sequence[str]) -> ChosenSet | Ambiguous | Unknown:
        """Return the classes that several names mean, or what is wrong with one of them."""
        found: set[int] = set()
        for part in filter(None, map(str.strip, parts)):
            match self.meaning(part):
                case Chosen(place):
                    found.add(place)
                case (Ambiguous() | Unknown()) as wrong:
                    return wrong
                case _:
                    return Unknown(())
        return ChosenSet(tuple(sorted(found))) if found else Unknown(())

    def _begun(self, folded: str, part: int) -> list[int]:
        """Return the classes whose name, or the last part of it, begins with a text."""
        return [
            index
            for name, found in self._folded.items()
            if (name.rpartition("/")[2] if part else name).startswith(folded)
            for index in found
        ]

    def _named(self, typed: str, folded: str) -> Chosen | Ambiguous | None:
        if typed in self._exact:
            return Chosen(self._exact[typed])
        same = self._folded.get(folded, [])
        if not same:
            return None
        return Chosen(same[0]) if len(same) == 1 else Ambiguous(tuple(same))

    def form(self, command: Command) -> str:
        """Return what to type for a command: its letter, or its word if the letter is a class."""
        if self.meaning(command.letter) is command:
            return command.letter
        return ":" + command.word


def _folded(text: str) -> str:
    """Return a text without the differences between upper and lower case."""
    return unicodedata.normalize("NFKC", text).casefold().strip()
