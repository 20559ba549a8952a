"""The keys of classes: one key, a chord of two, or none where the name is typed."""

from __future__ import annotations

import string
from collections.abc import Mapping, Sequence


def class_sequences(
    names: Sequence[str], order: str, own: Mapping[str, str] | None = None
) -> tuple[str, ...]:
    """Return the characters that label each class.

    A class named by a digit has that digit. Other classes get one character of `order` each. If
    these are not enough, as few letters as needed become leaders: the first of two characters, a
    chord. A leader alone labels no class. Classes beyond the chords get no characters and are
    labelled by name.

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
    if needed <= len(free):
        return []
    letters = [character for character in reversed(free) if character.isalpha()]
    letters.sort(key=str.isupper)
    for count in range(1, len(letters) + 1):
        if len(free) - count + count * seconds >= needed:
            return letters[:count]
    return letters
