"""Find a class by a part of its name."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from typing import NamedTuple

SCATTERED = 4
"""The rank of a name that has the letters of a text, and others between them."""


class Match(NamedTuple):
    """A class that matches.

    Attributes
    ----------
    rank : int
        0 the whole name, 1 its beginning, 2 the beginning of a word in it, 3 a part of it,
        4 its letters in this order.
    place : int
        The class.
    """

    rank: int
    place: int


def _folded(text: str) -> str:
    """Fold text so that what people type alike is equal: no case, letters and marks apart."""
    return unicodedata.normalize("NFKD", text).casefold()


class ClassNames:
    """The names of all classes, ready to be searched at every key.

    Parameters
    ----------
    names : sequence of str
    places : sequence of int, optional
        The class of each name; by default its place among the names.
    """

    def __init__(self, names: Sequence[str], places: Sequence[int] | None = None) -> None:
        self._names = dict(zip(range(len(names)) if places is None else places, names, strict=True))
        self._folded = {index: _folded(name) for index, name in self._names.items()}
        self._newest: tuple[str, list[Match]] = ("", [])

    def matches(self, text: str) -> list[Match]:
        """Return the classes whose name has this text, best first; all if there is no text."""
        wanted = _folded(text.strip())
        if wanted and wanted == self._newest[0]:
            return self._newest[1]
        if not wanted:
            return [Match(1, index) for index in self._names]
        found = [
            Match(rank, index)
            for index, name in self._folded.items()
            if (rank := _rank(name, wanted)) is not None
        ]
        found.sort()
        self._newest = wanted, found
        return found

    def meant(self, text: str) -> int | None:
        """Return the class that a text must mean: its whole name, or a part that only it has.

        Letters that are scattered over a name are no part of it: they find, and Tab completes
        them, but they do not label.
        """
        text = text.strip()
        if not text:
            return None
        same = [index for index, name in self._names.items() if name == text]
        if len(same) == 1:
            return same[0]
        found = self.matches(text)
        if not found or found[0].rank == SCATTERED:
            return None
        best = [match for match in found if match.rank == found[0].rank]
        return best[0].place if len(best) == 1 else None

    def why_not(self, text: str) -> str:
        """Return why a text means no class."""
        if not text.strip():
            return "Type a part of the class's name, or Esc to leave."
        found = self.matches(text)
        if not found:
            return "No class has that in its name: Backspace, or Esc to leave."
        count = sum(match.rank == found[0].rank for match in found)
        return f"{count:,} classes fit: type on, or choose with the arrows."

    def completed(self, text: str, chosen: int) -> str:
        """Return the text continued as far as all matches agree; else the chosen name."""
        found = self.matches(text)
        if not found or not text.strip():
            return text
        best = [self._names[match.place] for match in found if match.rank == found[0].rank]
        if found[0].rank <= 1 and chosen == 0:
            common = _common([_folded(name) for name in best])
            if len(common) > len(_folded(text.strip())):
                return _beginning(best[0], common)
        return self._names[found[min(chosen, len(found) - 1)].place]


def _common(texts: Sequence[str]) -> str:
    """Return the longest common beginning of all texts."""
    first, last = min(texts), max(texts)
    pairs = enumerate(zip(first, last, strict=False))
    return first[: next((place for place, (one, other) in pairs if one != other), len(first))]


def _beginning(name: str, folded: str) -> str:
    """Return the beginning of a name that equals `folded` when it is folded."""
    for end in range(len(name) + 1):
        if len(_folded(name[:end])) >= len(folded):
            return name[:end]
    return name


def _rank(name: str, wanted: str) -> int | None:
    if name.startswith(wanted):
        return 0 if len(name) == len(wanted) else 1
    at = name.find(wanted)
    if at < 0:
        letters = iter(name)
        return SCATTERED if all(letter in letters for letter in wanted) else None
    while at > 0:
        if not name[at - 1].isalnum():
            return 2
        at = name.find(wanted, at + 1)
    return 3
