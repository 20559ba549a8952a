"""What a source says about its items: labels to continue from, or suggestions to check."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from tuilabel.text import counted, inert

_NAMED = 3


class Guess(NamedTuple):
    """A class that a source names for an item, and its probability, 0 to 1, if it has one."""

    class_name: str
    probability: float | None = None


class Guesses(NamedTuple):
    """What a source says about its items.

    Attributes
    ----------
    origin : str
        Where it comes from, such as the name of a file; inert.
    are_labels : bool
        Whether these are labels, and not suggestions.
    class_names : tuple of str
        The names of the classes, if nobody has given others.
    by_reference : mapping of str to Guess
        By path and part of the item.
    """

    origin: str
    are_labels: bool
    class_names: tuple[str, ...]
    by_reference: Mapping[str, Guess]

    def of(self, references: Iterable[str]) -> Guess | None:
        """Return what is said about an item that has these references, if anything is.

        Of suggestions the first counts; labels that contradict each other do not count.
        """
        found = [self.by_reference[name] for name in references if name in self.by_reference]
        if not found or (self.are_labels and len({guess.class_name for guess in found}) > 1):
            return None
        return found[0]

    def among(self, class_names: Sequence[str]) -> tuple[Guesses, str | None]:
        """Return the guesses of some classes, and a sentence about the others, if there are any."""
        known = set(class_names)
        kept = {key: guess for key, guess in self.by_reference.items() if guess.class_name in known}
        if len(kept) == len(self.by_reference):
            return self, None
        others = Counter(
            guess.class_name
            for guess in self.by_reference.values()
            if guess.class_name not in known
        )
        named = ", ".join(inert(name, 40) for name, _ in others.most_common(_NAMED))
        more = ", ..." if len(others) > _NAMED else ""
        what = "label" if self.are_labels else "suggestion"
        return self._replace(by_reference=kept), (
            f"Left out: {counted(len(self.by_reference) - len(kept), what)} in "
            f"{inert(self.origin)} of other classes ({named}{more})."
        )
