"""What a typed line means: a class, a command, or neither."""

from __future__ import annotations

import difflib
import unicodedata
from collections.abc import Sequence
from enum import Enum
from typing import NamedTuple

LONGEST = 200
"""Characters beyond which a line is no answer; no class has a longer name."""


class Command(Enum):
    """What can be typed beside classes: letter, word, what it does."""

    ACCEPT = ("=", "accept", "Label with the model's first choice; y does the same.")
    SKIP = ("s", "skip", "Pass this image over; it is not asked again.")
    UNDO = ("u", "undo", "Take the last answer back, however long ago it was given.")
    CLASSES = ("c", "classes", "List the classes; c again goes on with the next of them.")
    ACCURACY = ("a", "accuracy", "Tell the accuracy, and what the model does.")
    SHOW = ("r", "repeat", "Show this image once more.")
    IMAGE = ("i", "image", "Draw images with characters, or only name them.")
    INVERT = ("v", "invert", "Swap dark and light in images.")
    SUGGESTIONS = ("p", "suggestions", "Tell the model's classes before the label, after, or not.")
    HELP = ("?", "help", "Tell what can be typed.")
    QUIT = ("q", "quit", "Leave; the next start goes on from here.")

    @property
    def letter(self) -> str:
        """The short form, which a class of that name takes away."""
        return self.value[0]

    @property
    def word(self) -> str:
        """The long form, which always works behind a colon."""
        return self.value[1]

    @property
    def help(self) -> str:
        """What it does."""
        return self.value[2]


_LETTERS = {command.letter: command for command in Command} | {"y": Command.ACCEPT}
_COLONS = {":" + letter: command for letter, command in _LETTERS.items()} | {
    ":" + command.word: command for command in Command
}


class Chosen(NamedTuple):
    """A class."""

    class_index: int


class Ambiguous(NamedTuple):
    """The beginning of several classes, or the name of several that differ in case alone."""

    indices: tuple[int, ...]


class Unknown(NamedTuple):
    """No class and no command; the classes whose names are nearest, nearest first."""

    nearest: tuple[int, ...]


Meaning = Chosen | Command | Ambiguous | Unknown | None
"""None is an empty line: it never answers anything."""


class Vocabulary:
    """Everything that can be typed where these are the classes.

    In this order a line is: a command behind a colon; a class by its name; a class by its number
    in the list, where no class is named by a number; a command's letter; a class by the beginning
    of its name. Upper and lower case count only where names differ by nothing else.

    Parameters
    ----------
    names : sequence of str
        Of the classes, in class order.
    """

    def __init__(self, names: Sequence[str]) -> None:
        self.names = tuple(names)
        self.numbered = not any(name.isdecimal() for name in names)
        self._exact = {name: index for index, name in enumerate(names)}
        self._folded: dict[str, list[int]] = {}
        for index, name in enumerate(names):
            self._folded.setdefault(_folded(name), []).append(index)

    def meaning(self, line: str) -> Meaning:
        """Tell what a line means."""
        typed = line.strip()
        if len(typed) > LONGEST:
            return Unknown(())
        folded = _folded(typed)
        if not folded:
            return None
        if typed.lower() in _COLONS:
            return _COLONS[typed.lower()]
        by_name = self._named(typed, folded)
        if by_name is not None:
            return by_name
        if typed.isascii() and typed.isdecimal():
            # Beyond a few digits no class is meant, and Python refuses thousands of them.
            number = int(typed[:9])
            if self.numbered and 1 <= number <= len(self.names):
                return Chosen(number - 1)
            return Unknown(())
        if typed.lower() in _LETTERS:
            return _LETTERS[typed.lower()]
        begun = [
            i for name, found in self._folded.items() if name.startswith(folded) for i in found
        ]
        if begun:
            return Chosen(begun[0]) if len(begun) == 1 else Ambiguous(tuple(sorted(begun)))
        nearest = difflib.get_close_matches(folded, self._folded, n=3)
        return Unknown(tuple(index for name in nearest for index in self._folded[name]))

    def _named(self, typed: str, folded: str) -> Chosen | Ambiguous | None:
        if typed in self._exact:
            return Chosen(self._exact[typed])
        same = self._folded.get(folded, [])
        if not same:
            return None
        return Chosen(same[0]) if len(same) == 1 else Ambiguous(tuple(same))

    def form(self, command: Command) -> str:
        """Give what to type for a command: its letter, or its word where a class has that name."""
        if self.meaning(command.letter) is command:
            return command.letter
        return ":" + command.word


def _folded(text: str) -> str:
    """Make two texts equal that look the same but for upper and lower case."""
    return unicodedata.normalize("NFKC", text).casefold().strip()
