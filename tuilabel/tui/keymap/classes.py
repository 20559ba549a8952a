"""Which keys stand for which class: one key, or a chord of two, or none but its name."""

from __future__ import annotations

import string
from collections.abc import Mapping, Sequence


def class_sequences(
    names: Sequence[str], order: str, own: Mapping[str, str] | None = None
) -> tuple[str, ...]:
    """Give each class the characters that label it.

    A class named by one digit keeps that digit. The others get the characters of `order`, one
    each. Where these do not suffice, as few of the letters as needed become leaders: the first
    of two characters, a chord. A leader stands for no class by itself. What even chords do not
    suffice for gets none, and is labelled by its name.

    Parameters
    ----------
    names : sequence of str
        Of the classes.
    order : str
        The characters for classes, best first, each once.
    own : mapping of str to str, optional
        Characters that a person gave to names of classes; they go before all others. Names that
        are not among the classes play no part.

    Returns
    -------
    tuple of str
        One or two characters for each class, or none. No one is the beginning of another.
    """
    wished = {} if own is None else own
    fixed = {place: wished[name] for place, name in enumerate(names) if name in wished}
    free = [character for character in order if character not in fixed.values()]
    for place, name in enumerate(names):
        if len(name) == 1 and name in string.digits and name in free and place not in fixed:
            fixed[place] = name
            free.remove(name)
    # Digits that have no key go on where the row of digits ends: 0 comes after 9 there.
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
    """Choose the letters that begin chords: the last ones, small ones first."""
    if needed <= len(free):
        return []
    letters = [character for character in reversed(free) if character.isalpha()]
    letters.sort(key=str.isupper)
    for count in range(1, len(letters) + 1):
        if len(free) - count + count * seconds >= needed:
            return letters[:count]
    return letters
