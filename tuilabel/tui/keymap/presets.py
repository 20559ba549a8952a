"""The sets of keys that come with the program."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

_LOWER, _UPPER = "abcdefghijklmnopqrstuvwxyz", "ABCDEFGHIJKLMNOPQRSTUVWXYZ"


class Preset(NamedTuple):
    """One set of keys.

    Attributes
    ----------
    about : str
        Whom it is for, in a sentence.
    keys : mapping of str to tuple of str
        By the id of an action, where it differs from the registry.
    classes : str
        The characters for classes in order; those that an action has are left out.
    """

    about: str
    keys: Mapping[str, tuple[str, ...]]
    classes: str


PRESETS = {
    "default": Preset("Digits and Enter.", {}, "1234567890" + _LOWER + _UPPER),
    "prodigy": Preset(
        "What Prodigy has: a accepts, x rejects (here: type what it is), Space ignores.",
        {
            "accept": ("a", "enter"),
            "skip": ("space",),
            "undo": ("backspace", "delete"),
            "name": ("x", "slash"),
        },
        "1234567890" + _LOWER + _UPPER,
    ),
    "numpad": Preset(
        "All on the numeric keypad, with Num Lock on.",
        {
            "skip": ("full_stop", "comma", "space"),
            "undo": ("minus", "backspace"),
            "forward": ("plus", "right"),
            "back": ("asterisk", "left"),
            "more_contrast": ("c",),
            "less_contrast": ("C",),
        },
        "1234567890" + _LOWER + _UPPER,
    ),
    "left-hand": Preset(
        "All in reach of the left hand on a QWERTY keyboard; the right one may hold a mug.",
        {
            "accept": ("space",),
            "skip": ("tab",),
            "undo": ("z", "backspace"),
            "name": ("T", "slash"),
            "back": ("a", "left"),
            "forward": ("d", "right"),
            "above": ("W", "up"),
            "below": ("Z", "down"),
            "view": ("R",),
            "suggestions": ("G",),
            "invert": ("V",),
            "more_contrast": ("C",),
            "less_contrast": ("X",),
            "help": ("f1", "question_mark"),
            "history": ("E", "f6"),
            "home": ("S", "f7"),
            "quit": ("Q", "ctrl+c"),
            "pause": ("G",),
        },
        "12345qwertsfgxcvbWAFZDB",
    ),
    "vim": Preset(
        "h, j, k and l move, u undoes, x skips, : finds an action.",
        {
            "skip": ("x", "space"),
            "undo": ("u", "backspace"),
            "back": ("h", "left"),
            "forward": ("l", "right"),
            "above": ("k", "up"),
            "below": ("j", "down"),
            "palette": ("colon", "f2"),
        },
        "1234567890" + _LOWER + _UPPER,
    ),
}
"""By name; the names are `tuilabel.settings.KEYMAPS`."""
