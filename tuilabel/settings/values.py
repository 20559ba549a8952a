"""The settings there are, and what each may be."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

from tuilabel.errors import UsageError
from tuilabel.learn.names import COLD_START_NAMES, FEATURE_NAMES, MODEL_NAMES, STRATEGY_NAMES

SUGGESTIONS = ("before", "after", "off")
"""When the model's classes are shown: before the label, only after it, or not at all."""

COLORS = ("auto", "truecolor", "256", "16", "none")
"""How many colours the terminal is taken to have."""

THEMES = (
    "auto",
    "tuilabel",
    "tuilabel-light",
    "high-contrast",
    "deuteranopia",
    "tritanopia",
    "ansi",
    "plain",
)
"""The colours by name; `auto` goes by the terminal."""

BACKGROUNDS = ("auto", "dark", "light")
"""What the terminal's own background is taken to be."""

LINKS = ("auto", "fast", "slow")
"""How fast the line to the terminal is taken to be."""

GRAPHICS = ("off", "sixel", "kitty")
"""Whether images are drawn by a graphics protocol instead of characters."""

KEYMAPS = ("default", "prodigy", "vim")
"""The sets of keys that there are."""

VIEWS = ("single", "row")
"""One image at a time, or a whole batch at once."""

BLOCKS = ("auto", "octant", "braille", "half", "ascii")
"""The characters that images are drawn with."""

MAX_BATCH_SIZE = 1000
"""More would make rankings too long to hand over and write down between two keys."""

MAX_ANNOTATOR = 64
"""Characters in the longest name of an annotator."""

CHOICES = {
    "model": MODEL_NAMES,
    "features": FEATURE_NAMES,
    "strategy": STRATEGY_NAMES,
    "cold_start": COLD_START_NAMES,
    "suggestions": SUGGESTIONS,
    "color": COLORS,
    "theme": THEMES,
    "background": BACKGROUNDS,
    "link": LINKS,
    "graphics": GRAPHICS,
    "keymap": KEYMAPS,
    "view": VIEWS,
    "blocks": BLOCKS,
}

OF_THE_PERSON = frozenset(
    ["color", "theme", "background", "link", "graphics", "keymap", "view", "blocks"]
)
"""What belongs to a person and a terminal: a session that was opened elsewhere has no say in it."""

TABLES = ("keys", "class_keys")
"""What only settings.toml can set: a table of names and keys each."""


@dataclass(frozen=True, slots=True)
class Settings:
    """The resolved settings of one run.

    Attributes
    ----------
    model, features, strategy, cold_start : str
        Names from `tuilabel.learn.names`.
    epsilon : float
        Share of each batch to draw at random, 0 to 1.
    batch_size : int
        Labels between two fits.
    seed : int
        From which every random choice follows; fixed when a session is made.
    audit : float
        Share of the pool, 0 to 0.5, kept out of training to measure accuracy on where the source
        has no hold-out; fixed when a session is made.
    annotator : str
        Who answers.
    suggestions, color, theme, background, link, graphics, keymap, view, blocks : str
        One of their `CHOICES`.
    keys : tuple of (str, tuple of str)
        Actions with the keys that replace those of the keymap; none take the action's keys away.
    class_keys : tuple of (str, str)
        Names of classes with their keys.
    """

    model: str = "auto"
    features: str = "auto"
    strategy: str = "auto"
    cold_start: str = "auto"
    epsilon: float = 0.0
    batch_size: int = 10
    seed: int = 0
    audit: float = 0.1
    annotator: str = ""
    suggestions: str = "before"
    color: str = "auto"
    theme: str = "auto"
    background: str = "auto"
    link: str = "auto"
    graphics: str = "off"
    keymap: str = "default"
    view: str = "single"
    blocks: str = "auto"
    keys: tuple[tuple[str, tuple[str, ...]], ...] = ()
    class_keys: tuple[tuple[str, str], ...] = ()


NAMES = tuple(field.name for field in fields(Settings) if field.name not in TABLES)
"""The settings that are one value each."""


def checked(name: str, value: Any, origin: str) -> Any:
    """Give a setting's value as it holds.

    Parameters
    ----------
    name : str
        One of `NAMES`.
    value : object
        A value of the right type, or a string that says it.
    origin : str
        Where the value came from, for the message.

    Raises
    ------
    UsageError
        It cannot be meant.
    """
    option = "--" + name.replace("_", "-")
    if name == "color" and value in (16, 256):
        value = str(value)  # a file has it as a number
    if name in CHOICES:
        if value not in CHOICES[name]:
            raise UsageError(
                f"{origin}There is no {name.replace('_', ' ')} {value!r}: "
                f"choose one of {', '.join(CHOICES[name])}."
            )
        return value
    try:
        match name:
            case "batch_size":
                return _within(_whole(value), 1, MAX_BATCH_SIZE)
            case "seed":
                return _within(_whole(value), 0, 2**63 - 1)
            case "audit":
                return _within(_number(value), 0.0, 0.5)
            case "epsilon":
                return _within(_number(value), 0.0, 1.0)
            case _:
                return _annotator(value)
    except (ValueError, TypeError, OverflowError):
        expected = {
            "batch_size": f"a whole number from 1 to {MAX_BATCH_SIZE:,}",
            "seed": "a whole number from 0 to 2^63 - 1",
            "audit": "a share from 0 to 0.5",
            "epsilon": "a share from 0 to 1",
            "annotator": f"a name of 1 to {MAX_ANNOTATOR} characters",
        }[name]
        raise UsageError(f"{origin}{option} is {value!r}; expected {expected}.") from None


def checked_keys(table: Any, origin: str) -> tuple[tuple[str, tuple[str, ...]], ...]:
    """Give the table `[keys]` as it holds: which actions and keys there are, the keymap knows.

    Raises
    ------
    UsageError
        It is no table, or something in it is neither a key nor a list of keys.
    """
    found = []
    for action, keys in _table("keys", table, origin):
        several = keys if isinstance(keys, list) else [keys]
        if not all(isinstance(key, str) and key for key in several):
            raise UsageError(
                f'{origin}[keys] sets {action} to {keys!r}; expected a key such as "x", or a list '
                'of keys such as ["x", "delete"].'
            )
        found.append((action.replace("-", "_"), tuple(several)))
    return tuple(found)


def checked_class_keys(table: Any, origin: str) -> tuple[tuple[str, str], ...]:
    """Give the table `[class_keys]` as it holds.

    Raises
    ------
    UsageError
        It is no table, or something in it is no key.
    """
    found = []
    for name, key in _table("class_keys", table, origin):
        if not isinstance(key, str) or not key:
            raise UsageError(
                f'{origin}[class_keys] sets {name!r} to {key!r}; expected a key such as "x".'
            )
        found.append((name, key))
    return tuple(found)


def _table(name: str, value: Any, origin: str) -> list[tuple[str, Any]]:
    if not isinstance(value, Mapping):
        raise UsageError(
            f"{origin}{name} is {value!r}; expected a table, which begins with a line [{name}]."
        )
    return list(value.items())


def _number(value: Any) -> float:
    if isinstance(value, bool):
        raise TypeError
    return float(value)


def _whole(value: Any) -> int:
    if isinstance(value, bool) or (isinstance(value, float) and not value.is_integer()):
        raise TypeError
    return int(value)


def _within(value: float, low: float, high: float) -> float:
    if not low <= value <= high:
        raise ValueError
    return value


def _annotator(value: Any) -> str:
    name = value.strip() if isinstance(value, str) else ""
    if not 1 <= len(name) <= MAX_ANNOTATOR:
        raise ValueError
    # Imported here: the names of settings are needed where data's arrays are not.
    from tuilabel.text import inert

    return inert(name)
