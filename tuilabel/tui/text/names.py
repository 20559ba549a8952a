"""Names of classes in a form that takes the same cells on every terminal.

Terminals agree on how wide a character is, but not on sequences: a family of emoji joined to one
takes 2 cells on some and 6 on others, a heart with a variation selector 1 or 2. The text after such
a name would stand in another column on each of them, so names are shown without sequences.
"""

from __future__ import annotations

import unicodedata

from tuilabel.text import inert

MOST_MARKS = 3
"""Most combining marks of a character; more would be drawn over the rows around it."""

_JOINER, _NON_JOINER = "\u200d", "\u200c"
_SELECTORS = frozenset(map(chr, range(0xFE00, 0xFE10)))
_KEYCAP = "\u20e3"
_SKIN_FROM, _SKIN_TO = 0x1F3FB, 0x1F3FF
_FLAG_A, _FLAG_Z = 0x1F1E6, 0x1F1FF


def shown_name(name: str, limit: int = 40) -> str:
    """Return a name in a form that is harmless and equally wide on all terminals.

    Accents are composed with their letters. Joined emoji stand side by side with a plus between
    them, so that different sequences still differ. Flags become letters, and skin tones their
    number.

    Parameters
    ----------
    name : str
        As a file or an option has it.
    limit : int
        The most characters.
    """
    name = inert(name, limit)
    if name.isascii():
        return name
    shown: list[str] = []
    marks = 0
    for character in unicodedata.normalize("NFC", name):
        if unicodedata.category(character) in ("Mn", "Me") and character not in _SELECTORS:
            marks += 1
            if character == _KEYCAP or marks > MOST_MARKS:
                continue
            # A mark without a letter would be drawn over the cell before the name.
            shown.append(character if shown and shown[-1] != " " else "◌" + character)
            continue
        if character == _NON_JOINER:
            shown += [character] if shown else []
            continue
        before = len(shown)
        if _FLAG_A <= ord(character) <= _FLAG_Z:
            shown.append(chr(ord("A") + ord(character) - _FLAG_A))
        elif character == _JOINER:
            shown += ["+"] if shown and _is_pictograph(shown[-1]) else []
        elif _SKIN_FROM <= ord(character) <= _SKIN_TO:
            # The number on the Fitzpatrick scale. Alone, these characters take 0 cells or 2.
            shown.append(f"+{ord(character) - _SKIN_FROM + 2}")
        elif character not in _SELECTORS:
            shown.append(character)
        if len(shown) > before:  # characters that are left out do not separate marks
            marks = 0
    return "".join(shown)


def _is_pictograph(text: str) -> bool:
    return unicodedata.category(text[-1]) in ("So", "Sk")


def is_right_to_left(text: str) -> bool:
    """Return whether a terminal may write a part of a text from right to left."""
    return not text.isascii() and any(
        unicodedata.bidirectional(character) in ("R", "AL", "AN") for character in text
    )
