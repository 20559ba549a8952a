"""Names of keys: in settings, in textual and on the screen.

Two keys, one after the other, are written with a space between them: ``tab u``. The first is always
Tab, which types no text and labels no class.

A terminal sends characters, not keys: Ctrl-M *is* Enter, Ctrl-Enter is Enter too, and the Command
key is never sent. Such keys are errors, because pressing them would have no effect.
"""

from __future__ import annotations

import difflib
import string
import unicodedata

from tuilabel.errors import UsageError

_SHOWN = {
    "enter": "Enter",
    "space": "Space",
    "backspace": "Backspace",
    "delete": "Delete",
    "insert": "Insert",
    "tab": "Tab",
    "escape": "Esc",
    "left": "←",
    "right": "→",
    "up": "↑",
    "down": "↓",
    "home": "Home",
    "end": "End",
    "pageup": "PgUp",
    "pagedown": "PgDn",
}

_ALIASES = {
    "return": "enter",
    "esc": "escape",
    "del": "delete",
    "ins": "insert",
    "bs": "backspace",
    "pgup": "pageup",
    "pgdn": "pagedown",
    "page_up": "pageup",
    "page_down": "pagedown",
    "backtab": "shift+tab",
    "control": "ctrl",
    "option": "alt",
}

_WITHOUT_MODIFIERS = frozenset(["enter", "space", "tab", "backspace", "escape"])
_WITH_MODIFIERS = frozenset(
    ["left", "right", "up", "down", "home", "end", "pageup", "pagedown", "insert", "delete"]
) | {f"f{number}" for number in range(1, 13)}

_NEVER_SENT = frozenset(["cmd", "command", "super", "win", "windows", "meta", "hyper", "fn"])
_SENT_AS = {"m": "Enter", "i": "Tab", "h": "Backspace", "[": "Esc", "j": "Enter on some terminals"}

_TEXTUAL_NAMES = {
    "solidus": "slash",
    "reverse_solidus": "backslash",
    "commercial_at": "at",
    "hyphen_minus": "minus",
    "plus_sign": "plus",
    "low_line": "underscore",
}

FIRST = "tab"
"""The first of two keys."""

KEYPAD = {
    "plus": "add",
    "minus": "subtract",
    "asterisk": "multiply",
    "slash": "divide",
    "full_stop": "decimal",
    "comma": "separator",
}
"""Keys of the numeric keypad for which some terminals send names of their own, by the character
that all others send."""


def key_of(text: str) -> str:
    """Return the key that a text names, in textual's name; or two keys, with a space between them.

    Parameters
    ----------
    text : str
        A character, or a name such as ``Enter``, ``f5``, ``ctrl+r``, ``shift+left``, ``slash``; or
        ``tab`` and a letter or digit, such as ``tab u``.

    Raises
    ------
    UsageError
        There is no such key, or no terminal sends it. The sentence begins with the key.
    """
    if len(text) == 1:
        return character_key(text, text)
    if not text.strip():
        raise UsageError(f"{text!r} is not a key: give a character or a name such as 'enter'.")
    first, *others = text.split()
    if others:
        second = " ".join(others)
        if first.lower() != FIRST or len(second) != 1 or not second.isalnum():
            raise UsageError(
                f"{text!r} is not a key: only Tab begins two keys; a letter or digit follows it."
            )
        return f"{FIRST} {character_key(second, second)}"
    *modifiers, base = _parts(text)
    if never := [modifier for modifier in modifiers if modifier in _NEVER_SENT]:
        raise UsageError(f"{text!r} never reaches a terminal, which has no {never[0]} key.")
    if unknown := [part for part in modifiers if part not in ("shift", "ctrl", "alt")]:
        raise UsageError(f"{text!r} is not a key: {unknown[0]!r} is none of shift, ctrl and alt.")
    held = sorted(set(modifiers))
    if base in _WITH_MODIFIERS or (base in _WITHOUT_MODIFIERS and not held):
        return "+".join([*held, base])
    if base == "tab" and held == ["shift"]:
        return "shift+tab"
    if base in ("space", "@") and held == ["ctrl"]:
        return "ctrl+@"
    if base in _WITHOUT_MODIFIERS:
        raise _unusable(text, f"most terminals send it as {_SHOWN[base]}")
    if len(base) == 1:
        return _with_modifiers(text, held, base)
    if not held and (character := _BY_NAME.get(base)):
        return character_key(character, text)
    close = difflib.get_close_matches(base, [*_SHOWN, *_WITH_MODIFIERS, *_BY_NAME], 1)
    hint = f"did you mean {close[0]!r}?" if close else "give a character or a name such as 'enter'."
    raise UsageError(f"{text!r} is not a key: {hint}")


def _parts(text: str) -> list[str]:
    """Return the parts of ``Ctrl-Shift-Left``; a sign at the end is the key itself."""
    body, last = (text[:-1], text[-1]) if text[-1] in "+-" else (text, "")
    parts = body.replace("-", "+").split("+")
    if last:
        parts = [*(part for part in parts if part), last]
    # A capital letter is a key of its own; the names of keys may have any case.
    *before, end = parts
    lowered = [_ALIASES.get(part.strip().lower(), part.strip().lower()) for part in before]
    end = end if len(end) == 1 else _ALIASES.get(end.strip().lower(), end.strip().lower())
    return [*lowered, *end.split("+")] if end == "shift+tab" else [*lowered, end]


def _with_modifiers(text: str, held: list[str], base: str) -> str:
    lower = base.lower()
    if held == ["shift"] and base.isalpha():
        return character_key(base.upper(), text)
    if held == ["shift"]:
        raise UsageError(f"{text!r} types a character of its own: give that character instead.")
    if held == ["ctrl"] and lower in _SENT_AS:
        raise _unusable(text, f"terminals send it as {_SENT_AS[lower]}")
    if (held == ["ctrl"] and lower in string.ascii_lowercase) or (
        held == ["alt"] and base in string.ascii_lowercase + string.digits
    ):
        return f"{held[0]}+{lower}"
    if held == ["ctrl", "shift"] and lower in string.ascii_lowercase:
        raise _unusable(text, f"terminals send it as ctrl+{lower}")
    raise _unusable(text, "most terminals do not send it")


def _unusable(text: str, reason: str) -> UsageError:
    return UsageError(f"{text!r} cannot be used: {reason}. Give another key.")


def character_key(character: str, text: str) -> str:
    """Return textual's name for the key that sends a character.

    Parameters
    ----------
    character : str
    text : str
        As the user wrote it, for the message.

    Raises
    ------
    UsageError
        No key sends it, or it would be drawn over another character.
    """
    if character == " ":
        return "space"
    if not character.isprintable() or unicodedata.category(character)[0] in "MZ":
        raise UsageError(f"{text!r} is not a key: give a visible character.")
    if character.isalnum():
        return character
    if character not in _SIGNS:
        raise UsageError(f"{text!r} is not on a known keyboard: give a letter, digit or sign.")
    return _SIGNS[character]


def _sign_key(character: str) -> str:
    name = unicodedata.name(character).lower().replace("-", "_").replace(" ", "_")
    return _TEXTUAL_NAMES.get(name, name)


_SIGNS = {
    character: _sign_key(character)
    for character in [*map(chr, range(0x21, 0x100)), "€"]
    if character.isprintable() and not character.isalnum()
}
_BY_NAME = {key: character for character, key in _SIGNS.items()}


def shown_key(key: str) -> str:
    """Return the name of a key that people know: ``?``, ``Enter``, ``Ctrl-C``, ``Tab u``."""
    if " " in key:
        return " ".join(map(shown_key, key.split()))
    *modifiers, base = key.split("+")
    if key == "ctrl+@":  # Ctrl-Space sends this
        name = "Space"
    elif base in _BY_NAME:
        name = _BY_NAME[base]
    elif base in _SHOWN:
        name = _SHOWN[base]
    elif len(base) == 1:
        name = base.upper() if modifiers else base
    else:
        name = base.upper()  # a function key
    return "-".join([*(modifier.capitalize() for modifier in modifiers), name])


def character_of(key: str) -> str | None:
    """Return the visible character that a key sends; None if there is none."""
    if "+" in key or key == "space":
        return None
    return key if len(key) == 1 else _BY_NAME.get(key)
