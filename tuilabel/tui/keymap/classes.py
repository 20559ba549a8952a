"""The keys of classes: one key, a chord of two, or none where the name is typed."""

from __future__ import annotations

import string
from collections.abc import Collection, Mapping, Sequence
from typing import NamedTuple


def class_sequences(
    names: Sequence[str], order: str, own: Mapping[str, str] | None = None
) -> tuple[str, ...]:
    """Return the characters that label each class.

    A class named by a digit has that digit. Other classes get one character of `order` each. If
    these are not enough, as few letters as needed become leaders: the first of two characters, a
    chord. A leader alone labels no class. The last letter is never given to a class: as a leader it
    has room for classes to come. Classes beyond the chords get no characters and are labelled by
    name.

    Parameters
    ----------
    names : sequence of str
        Names of the classes.
    order : str
        Characters for classes, best first, each once.
    own : mapping of str to str, optional
        Characters that the user has set for class names; they are used first. Names of other
        classes have no effect.

    Returns
    -------
    tuple of str
        One or two characters for each class, or none. None is the beginning of another.
    """
    own = own or {}
    fixed = {place: own[name] for place, name in enumerate(names) if name in own}
    free = [character for character in order if character not in fixed.values()]
    for place, name in enumerate(names):
        if len(name) == 1 and name in string.digits and name in free and place not in fixed:
            fixed[place] = name
            free.remove(name)
    # As on a keyboard, 0 comes after 9.
    waiting = sorted(
        (place for place in range(len(names)) if place not in fixed),
        key=lambda place: names[place] == "0",
    )
    leaders = _leaders(free, len(waiting), len(order))
    singles = [character for character in free if character not in leaders]
    chords = [leader + second for leader in leaders for second in order]
    fixed.update(zip(waiting, [*singles, *chords], strict=False))
    return tuple(fixed.get(place, "") for place in range(len(names)))


def _leaders(free: Sequence[str], needed: int, seconds: int) -> list[str]:
    """Return the letters that begin chords: the last ones, lower case first."""
    letters = _last_letters(free)
    if needed <= len(free) - bool(letters):
        return []
    for count in range(1, len(letters) + 1):
        if len(free) - count + count * seconds >= needed:
            return letters[:count]
    return letters


def _last_letters(free: Sequence[str]) -> list[str]:
    letters = [character for character in reversed(free) if character.isalpha()]
    letters.sort(key=str.isupper)
    return letters


class KeyWish(NamedTuple):
    """What is known about the key of a class.

    Attributes
    ----------
    id, name : str
    added_as : str
        The name it was added under.
    is_first : bool
        Whether it is one of the classes that the session began with.
    added_with : str or None
        The key that it was added with.
    chosen : str or None
        The key that this annotator chose for it.
    """

    id: str
    name: str
    added_as: str
    is_first: bool
    added_with: str | None
    chosen: str | None


class ClassKeys:
    """The keys of the classes at one desk: a class keeps its key when others come and go.

    Parameters
    ----------
    order : str
        Characters for classes, best first, each once.
    own : mapping of str to str
        Characters that the user has set for class names.
    wishes : sequence of KeyWish
        The classes at the start of the run, in the order in which they were added.

    Attributes
    ----------
    keys : dict of str to str
        The characters by class id: one, two, or none. Of retired and merged classes as well, so
        that these have their keys when they come back.
    """

    def __init__(self, order: str, own: Mapping[str, str], wishes: Sequence[KeyWish]) -> None:
        self._order = order
        self._own = own
        first = [wish for wish in wishes if wish.is_first]
        set_by_user = {wish.added_as: own[wish.name] for wish in first if wish.name in own}
        found = class_sequences(
            [wish.added_as for wish in first], order, self._added_with(first) | set_by_user
        )
        self.keys = {wish.id: key for wish, key in zip(first, found, strict=True)}
        self._left: set[str] = set()
        self._leaders = list(dict.fromkeys(key[0] for key in found if len(key) == 2))
        self._choose(wishes)
        for wish in wishes:
            if wish.id not in self.keys:
                self.take_in(wish)

    def _added_with(self, first: Sequence[KeyWish]) -> dict[str, str]:
        """Return the keys that a session began with, where none of them has another meaning."""
        found = {wish.added_as: wish.added_with for wish in first if wish.added_with}
        keys = [key for key in found.values() if len(key) == 1 and key in self._order]
        of_user = [self._own[wish.name] for wish in first if wish.name in self._own]
        return found if len({*keys, *of_user}) == len(found) + len(of_user) else {}

    def _choose(self, wishes: Sequence[KeyWish]) -> None:
        """Assign the keys that this annotator chose, all at once: two may have swapped."""
        chosen = [wish for wish in wishes if wish.chosen is not None]
        usual = {wish.id: self.keys.pop(wish.id, None) for wish in chosen}
        self._left |= {key for key in usual.values() if key}
        for wish in chosen:
            if wish.chosen is not None and self.is_free(wish.chosen):
                self.keys[wish.id] = wish.chosen
        for wish in chosen:
            key = usual[wish.id]
            if wish.id not in self.keys and key is not None:
                self.keys[wish.id] = key if self.is_free(key) else self.free_key(wish.name)

    def give(self, class_id: str, key: str) -> None:
        """Assign a key to a class; the one it had goes to no other unless somebody chooses it."""
        self._left.add(self.keys.get(class_id, ""))
        self.keys[class_id] = key

    def take_in(self, wish: KeyWish) -> bool:
        """Assign a key to a class without one; return whether it is the one it was added with."""
        if wish.id in self.keys:
            return True
        wanted = wish.added_with
        is_free = wanted is not None and self.is_free(wanted)
        key = wanted if is_free and wanted is not None else self.free_key(wish.name)
        if len(key) == 2 and key[0] not in self._leaders:
            self._leaders.append(key[0])
        self.keys[wish.id] = key
        return wanted is None or is_free

    def is_free(self, key: str) -> bool:
        """Return whether a class can be given a key."""
        return self._is_free(key, set(self.keys.values()), self._leading())

    def free_key(self, name: str) -> str:
        """Return the key that a new class would have; nothing where its name has to be typed."""
        taken, leading = set(self.keys.values()), self._leading()
        wanted = self._own.get(name, name if len(name) == 1 and name in string.digits else "")
        # A key that fingers know for another class is not given to a new one.
        singles = (character for character in self._order if character not in self._left)
        chords = (leader + second for leader in leading for second in self._order)
        wishes = (key for key in (wanted, *singles, *chords) if key)
        return next((key for key in wishes if self._is_free(key, taken, leading)), "")

    def _is_free(self, key: str, taken: Collection[str], leading: Sequence[str]) -> bool:
        if key in taken:
            return False
        if len(key) == 1:
            return key in self._order and key not in leading
        return len(key) == 2 and key[0] in leading and key[1] in self._order

    def _leading(self) -> list[str]:
        """Return the leaders; as long as there are none, the letter that is kept for chords."""
        if self._leaders:
            return self._leaders
        taken = set(self.keys.values())
        return _last_letters([character for character in self._order if character not in taken])[:1]
