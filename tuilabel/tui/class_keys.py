"""Which key stands for which class."""

from __future__ import annotations

import string
from collections.abc import Sequence

from tuilabel.errors import UsageError
from tuilabel.tui.actions import ACTIONS, DEMO_ACTIONS

_RESERVED = {key for action in ACTIONS + DEMO_ACTIONS for key in action.keys}
FREE_KEYS = "1234567890" + "".join(
    letter for letter in string.ascii_lowercase + string.ascii_uppercase if letter not in _RESERVED
)
"""The keys for classes in order: 1 to 9 and 0, then the letters that no action uses."""


def class_keys(class_names: Sequence[str]) -> tuple[str, ...]:
    """Give each class its key.

    Classes that are named by one digit each are labelled by that digit; any others by `FREE_KEYS`
    in order.

    Raises
    ------
    UsageError
        There are more classes than keys.
    """
    if all(len(name) == 1 and name in string.digits for name in class_names):
        return tuple(class_names)
    if len(class_names) > len(FREE_KEYS):
        raise UsageError(
            f"There are {len(class_names)} classes and {len(FREE_KEYS)} keys to label them with. "
            "Give at most that many classes."
        )
    return tuple(FREE_KEYS[: len(class_names)])
