"""Every setting, declared once: its name, values, default, scope and help.

The options of the command line, the checks, the report and the table in the documentation are made
from these declarations.
"""

from __future__ import annotations

import getpass
import os
import reprlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any, NamedTuple

from tuilabel.errors import UsageError
from tuilabel.learn.names import COLD_START_NAMES
from tuilabel.plugins import GROUPS, exists, names
from tuilabel.text import inert, meant

SUGGESTIONS = ("before", "after", "off")
"""When the model's suggestions are shown: before the label, only after it, or never."""

THEMES = (
    "auto",
    "tuilabel",
    "tuilabel-light",
    "terminal",
    "high-contrast",
    "deuteranopia",
    "tritanopia",
    "ansi",
    "plain",
)
"""The colour themes; `auto` depends on the terminal."""

KEYMAPS = ("default", "prodigy", "vim")
"""The sets of keys."""

MAX_BATCH_SIZE = 1000
"""With more, a ranking would take too long to send and to store between two keys."""

MAX_KEY_DELAY = 10_000
"""Milliseconds; no round trip on which one can label is longer."""

MAX_CACHE_SIZE = 100_000
"""Gigabytes; no disk of one host is larger."""

MAX_ANNOTATOR = 64
"""Characters in the longest name of an annotator."""

_LONGEST_PATH = 1000
"""Characters."""

_REPR = reprlib.Repr()
_REPR.maxstring = 100

SESSION, NEW_SESSION, PERSON = "session", "new session", "person"
"""The scope of a setting.

A session keeps its own value of the first until an option changes it. The second is fixed when a
session is made. The third belongs to a person and a terminal: no session changes it.
"""


class Values(NamedTuple):
    """The values that a setting may have.

    Attributes
    ----------
    expected : str
        A description that completes "expected".
    read : callable
        Return the value that an object of the right type, or a string, stands for. The second
        argument names the place that the object comes from. Raises `UsageError`.
    metavar : str
        Stands for the value in the help of the command line; empty for a table, which only
        settings.toml can contain.
    choices : tuple of str
        All values, if they can be listed; those that are built in.
    group : str
        The group of plug-ins that add further values; empty if there is none.
    """

    expected: str
    read: Callable[[Any, str], Any]
    metavar: str = ""
    choices: tuple[str, ...] = ()
    group: str = ""


class Setting(NamedTuple):
    """A setting as `Settings` declares it.

    Attributes
    ----------
    name : str
    values : Values
    default : str
        As the help shows it.
    scope : str
        `SESSION`, `NEW_SESSION` or `PERSON`.
    help : str
        One sentence.
    """

    name: str
    values: Values
    default: str
    scope: str
    help: str

    @property
    def option(self) -> str:
        """Return the option of the command line."""
        return "--" + self.name.replace("_", "-")

    @property
    def variable(self) -> str:
        """Return the environment variable."""
        return "TUILABEL_" + self.name.upper()

    @property
    def is_table(self) -> bool:
        """Whether it is a table, which only settings.toml can contain."""
        return not self.values.metavar


def _checked(expected: str, parse: Callable[[Any], Any], **more: Any) -> Values:
    """Return values that a function reads, which may raise any error of a conversion."""

    def read(value: Any, place: str) -> Any:
        try:
            return parse(value)
        except (ValueError, TypeError, OverflowError, RuntimeError):
            raise UsageError(f"{place} is {_shown(value)}; expected {expected}.") from None

    return Values(expected, read, **more)


def _shown(value: Any) -> str:
    """Return a value that is invalid, shortened, however long or deeply nested it is."""
    try:
        return _REPR.repr(value)
    except ValueError:  # Python writes no numbers of more than 4300 digits
        return "a number that is too large"


def _one_of(choices: tuple[str, ...]) -> Values:
    def parse(value: Any) -> str:
        # A number of colours may be a number in settings.toml.
        return choices[choices.index(str(value) if type(value) is int else value)]

    shown = f"[{'|'.join(choices)}]"
    return _checked(f"one of {', '.join(choices)}", parse, metavar=shown, choices=choices)


def _one_of_group(group: str) -> Values:
    values = _one_of(tuple(GROUPS[group].built_in))

    def read(value: Any, place: str) -> Any:
        if value in values.choices:
            return value
        if not (isinstance(value, str) and exists(group, value)):
            known = names(group)
            raise UsageError(
                f"{place} is {_shown(value)}; expected one of {', '.join(known)}."
                f"{meant(str(value)[:100], known)}"
            )
        return value

    return values._replace(read=read, group=group)


def _share(highest: float) -> Values:
    def parse(value: Any) -> Any:
        return _within(float(_no_bool(value)), 0.0, highest)

    return _checked(f"a share from 0 to {highest:g}", parse, metavar="SHARE")


def _whole(lowest: int, highest: int, shown: str, metavar: str = "N") -> Values:
    def parse(value: Any) -> Any:
        whole = int(_no_bool(value))
        if isinstance(value, float) and value != whole:
            raise ValueError
        return _within(whole, lowest, highest)

    return _checked(f"a whole number from {lowest} to {shown}", parse, metavar=metavar)


def _name(longest: int) -> Values:
    def parse(value: Any) -> str:
        name = value.strip() if isinstance(value, str) else ""
        _within(len(name), 1, longest)
        return inert(name)

    return _checked(f"a name of 1 to {longest} characters", parse, metavar="NAME")


def _path(what: str) -> Values:
    def parse(value: Any) -> str:
        # A session keeps it, and text that would be changed there would name another file.
        path = str(Path(value).expanduser().absolute()) if value not in ("", "none") else ""
        if path != inert(path, _LONGEST_PATH):
            raise ValueError
        return path

    return _checked(f"the path of {what}, or none", parse, metavar="FILE")


def _table(content: str, entry: Values, name_of: Callable[[str], str] = str) -> Values:
    def read(table: Any, place: str) -> tuple[tuple[str, Any], ...]:
        if not isinstance(table, Mapping):
            raise UsageError(f"{place} is {_shown(table)}; expected a table {content}.")
        return tuple(
            (name_of(name), entry.read(value, f"{place}.{inert(name, 40)}"))
            for name, value in table.items()
        )

    return Values(f"a table {content}", read)


def _key(value: Any) -> str:
    if not isinstance(value, str) or not value:
        raise ValueError
    return value


def _keys(value: Any) -> tuple[str, ...]:
    return tuple(map(_key, value if isinstance(value, list) else [value]))


def _two_keys(value: Any) -> str:
    one, other = value
    if one == other or not all(key.isprintable() and not key.isspace() for key in (one, other)):
        raise ValueError
    return f"{one}{other}"


def _no_bool(value: Any) -> Any:
    if isinstance(value, bool):
        raise TypeError
    return value


def _within(value: Any, low: float, high: float) -> Any:
    if not low <= value <= high:
        raise ValueError
    return value


def user_name() -> str:
    """Return the name of the user who runs this process."""
    try:
        name = getpass.getuser()
    except (KeyError, OSError):  # a numeric user without an entry in the password file
        name = str(os.getuid())
    return inert(name, MAX_ANNOTATOR)


def _declared(
    values: Values, default: Any, help: str, scope: str = SESSION, *, shown: str | None = None
) -> Any:
    """Return a field of `Settings`; a callable makes the default when it is needed."""
    about = {
        "values": values,
        "default": f"{default}" if shown is None else shown,
        "scope": scope,
        "help": help,
    }
    if callable(default):
        return field(default_factory=default, metadata=about)
    return field(default=default, metadata=about)


@dataclass(frozen=True, slots=True)
class Settings:
    """The settings in effect in one run, each with its declaration."""

    model: str = _declared(_one_of_group("models"), "auto", "Model to train.")
    features: str = _declared(_one_of_group("features"), "auto", "Features to train the model on.")
    strategy: str = _declared(
        _one_of_group("strategies"), "auto", "Strategy that chooses the images to ask next."
    )
    cold_start: str = _declared(
        _one_of(COLD_START_NAMES), "auto", "Method that chooses the first images."
    )
    epsilon: float = _declared(_share(1), 0.0, "Share of each batch to draw at random.", shown="0")
    batch_size: int = _declared(
        _whole(1, MAX_BATCH_SIZE, f"{MAX_BATCH_SIZE:,}"), 10, "Labels between two fits."
    )
    suggestions: str = _declared(
        _one_of(SUGGESTIONS), "before", "When to show the model's suggestions."
    )
    guidelines: str = _declared(
        _path("a file"),
        "",
        "Guidelines for labelling, a file of Markdown that one key shows.",
        shown="none",
    )
    seed: int = _declared(
        _whole(0, 2**63 - 1, "2^63 - 1"), 0, "Seed of every random choice.", NEW_SESSION
    )
    audit: float = _declared(
        _share(0.5),
        0.1,
        "Share of the pool kept apart to measure accuracy, if there is no hold-out.",
        NEW_SESSION,
    )
    yesno_keys: str = _declared(
        _checked("two different characters, such as fj", _two_keys, metavar="KEYS"),
        "fj",
        "Keys of the two classes of --yesno.",
        NEW_SESSION,
    )
    annotator: str = _declared(
        _name(MAX_ANNOTATOR), user_name, "Name of the annotator.", PERSON, shown="your user name"
    )
    color: str = _declared(
        _one_of(("auto", "truecolor", "256", "16", "none")),
        "auto",
        "Number of colours that the terminal shows.",
        PERSON,
    )
    theme: str = _declared(_one_of(THEMES), "auto", "Colour theme.", PERSON)
    background: str = _declared(
        _one_of(("auto", "dark", "light")), "auto", "Background of the terminal.", PERSON
    )
    blocks: str = _declared(
        _one_of(("auto", "octant", "braille", "half", "ascii")),
        "auto",
        "Characters to draw images with.",
        PERSON,
    )
    graphics: str = _declared(
        _one_of(("off", "sixel", "kitty")), "off", "Graphics protocol to draw images with.", PERSON
    )
    link: str = _declared(
        _one_of(("auto", "fast", "slow")), "auto", "Speed of the line to the terminal.", PERSON
    )
    key_delay: int = _declared(
        _whole(0, MAX_KEY_DELAY, f"{MAX_KEY_DELAY:,}", "MS"),
        500,
        "Milliseconds for which keys wait after each image, where the terminal may be far.",
        PERSON,
    )
    cache_size: int = _declared(
        _whole(1, MAX_CACHE_SIZE, f"{MAX_CACHE_SIZE:,}", "GB"),
        4,
        "Gigabytes to cache at most; what was used longest ago is removed first.",
        PERSON,
    )
    keymap: str = _declared(_one_of(KEYMAPS), "default", "Set of keys.", PERSON)
    view: str = _declared(
        _one_of(("single", "row")), "single", "Show one image at a time, or a whole batch.", PERSON
    )
    keys: tuple[tuple[str, tuple[str, ...]], ...] = _declared(
        _table(
            "[keys] of actions and their keys",
            _checked('a key such as "x", or a list of keys such as ["x", "delete"]', _keys),
            lambda action: action.replace("-", "_"),
        ),
        (),
        "Keys of actions, instead of those in the keymap; an empty list is no key.",
        PERSON,
        shown="",
    )
    class_keys: tuple[tuple[str, str], ...] = _declared(
        _table("[class_keys] of class names and their keys", _checked('a key such as "x"', _key)),
        (),
        "Keys of classes, by name.",
        PERSON,
        shown="",
    )


SETTINGS = {
    declared.name: Setting(declared.name, **declared.metadata) for declared in fields(Settings)
}
"""Every setting by name, in the order in which they are shown."""
