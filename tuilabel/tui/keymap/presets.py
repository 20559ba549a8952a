"""The keymaps that come with the program. More are in docs/keymaps/, as settings."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

_LOWER, _UPPER = "abcdefghijklmnopqrstuvwxyz", "ABCDEFGHIJKLMNOPQRSTUVWXYZ"


class Preset(NamedTuple):
    """One keymap.

    Attributes
    ----------
    about : str
        A sentence about it.
    keys : mapping of str to tuple of str
        Keys by the id of an action, where they differ from the registry.
    classes : str
        Characters for classes in order; the keys of actions are left out.
    """

    about: str
    keys: Mapping[str, tuple[str, ...]]
    classes: str


PRESETS = {
    "default": Preset("Digits and Enter.", {}, "1234567890" + _LOWER + _UPPER),
    "prodigy": Preset(
        "Prodigy's keys: a accepts, Space ignores, x rejects (here: type the class name).",
        {
            "accept": ("a", "enter"),
            "skip": ("space",),
            "undo": ("backspace", "delete"),
            "name": ("x", "slash"),
        },
        "1234567890" + _LOWER + _UPPER,
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
"""The keymaps by name; the names are `tuilabel.settings.KEYMAPS`."""
