"""The keymap in effect: a preset with the user's own keys, checked."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import chain

from tuilabel.errors import UsageError
from tuilabel.settings import Settings
from tuilabel.tui.keymap.actions import (
    ACTIONS,
    ALSO,
    LEAVE,
    PAUSE,
    PLACES,
    QUIT,
    REGISTRY,
    SIDE_ACTIONS,
    Action,
)
from tuilabel.tui.keymap.classes import class_sequences
from tuilabel.tui.keymap.keys import FIRST, character_key, character_of, key_of, shown_key
from tuilabel.tui.keymap.presets import PRESETS

ALWAYS = {"quit": "ctrl+c"}
"""Keys that no setting removes, so that there is always a way out."""

_ON_OTHER_SCREENS = frozenset([*PLACES, *chain.from_iterable(ALSO.values()), "help", "palette"])
"""Actions with one key each: screens without an image to answer for take no two keys."""


@dataclass(frozen=True, eq=False)
class Keymap:
    """The keys of actions and classes.

    Attributes
    ----------
    name : str
        The name of the preset.
    keys : mapping of str to tuple of str
        The keys of every action by its id, in textual's names.
    changed : frozenset of str
        The actions whose keys the user has set.
    order : str
        The characters for classes, best first.
    own : mapping of str to str
        Characters that the user has set for class names.
    """

    name: str
    keys: Mapping[str, tuple[str, ...]]
    changed: frozenset[str]
    order: str
    own: Mapping[str, str]

    @cached_property
    def actions(self) -> tuple[Action, ...]:
        """The actions of a labelling screen, with their keys."""
        return tuple(self.action(action.id) for action in ACTIONS)

    @cached_property
    def demo_actions(self) -> tuple[Action, ...]:
        """The actions of a labelling screen while the demo runs."""
        pause = self.action(PAUSE.id)
        kept = (action for action in self.actions if not set(action.keys) & set(pause.keys))
        return (*kept, pause)

    def side_actions(self, place: str, *, alone: bool = False) -> tuple[Action, ...]:
        """Return the actions of a screen beside the labelling one.

        Parameters
        ----------
        place : str
            A key of `SIDE_ACTIONS`.
        alone : bool
            Whether no session is open, so that no other place can be reached.
        """
        own = SIDE_ACTIONS[place]
        its = {action.id for action in own}
        ends = tuple(action for action in (LEAVE, QUIT) if action.id not in its)
        taken = {key for action in (*own, *ends) for key in action.keys}
        shared = []
        places = () if alone else PLACES
        for action_id in (*ALSO.get(place, ()), *places, "help", "palette", "suspend"):
            action = self.action(action_id)
            keys = tuple(key for key in action.keys if key not in taken)
            shared.append(action._replace(keys=keys, footer=False))
        return (*own, *ends[:-1], *shared, *ends[-1:])

    def action(self, action_id: str) -> Action:
        """Return an action with its keys."""
        return REGISTRY[action_id]._replace(keys=self.keys[action_id])

    def key(self, action_id: str) -> str:
        """Return the name of an action's first key; a dash where it has none."""
        keys = self.keys[action_id]
        return shown_key(keys[0]) if keys else "–"

    def hint(self, action_id: str) -> str:
        """Return the name of an action's first key in brackets, to end a sentence with."""
        return f" ({self.key(action_id)})" if self.keys[action_id] else ""

    def class_keys(self, names: Sequence[str]) -> tuple[str, ...]:
        """Return the characters of each class: one, two, or none where the name is typed."""
        return class_sequences(names, self.order, self.own)

    def check_yesno(self, keys: str) -> None:
        """Raise an error if an action has one of the keys of two classes.

        Raises
        ------
        UsageError
        """
        for key in keys:
            if key in self.order:
                continue
            named = character_key(key, key)
            action = next((id_ for id_, own in self.keys.items() if named in own), None)
            why = f"is the key of {action}" if action else "labels no class"
            raise UsageError(
                f"--yesno-keys has {key!r}, which {why} in the keymap `{self.name}`: choose two "
                f"keys such as {self.order[:2]}."
            )

    def check_classes(self, names: Sequence[str]) -> None:
        """Raise an error if two of these classes have the same key.

        Raises
        ------
        UsageError
        """
        taken: dict[str, str] = {}
        for name in names:
            key = self.own.get(name)
            if key is not None and (other := taken.setdefault(key, name)) != name:
                raise UsageError(
                    f"[class_keys] has {key!r} for both {other!r} and {name!r}: "
                    "give one of them another key in settings.toml."
                )


def keymap_of(settings: Settings) -> Keymap:
    """Return the keymap that settings ask for.

    Raises
    ------
    UsageError
        An action does not exist, no terminal sends a key, or one key has two meanings.
    """
    preset = PRESETS[settings.keymap]
    keys = {action.id: preset.keys.get(action.id, action.keys) for action in REGISTRY.values()}
    for action_id, texts in settings.keys:
        if action_id not in REGISTRY:
            known = ", ".join(sorted(REGISTRY))
            raise UsageError(
                f"[keys] in settings.toml has {action_id!r}, which is not an action: "
                f"choose among {known}."
            )
        keys[action_id] = tuple(
            dict.fromkeys(_key(text, f"[keys] in settings.toml: {action_id}") for text in texts)
        )
    if any(FIRST in several for several in keys.values()):
        # Somebody's own keys have it alone: the palette offers what has it as the first of two.
        for action_id in keys.keys() - dict(settings.keys).keys():
            keys[action_id] = tuple(key for key in keys[action_id] if " " not in key)
    for action_id, key in ALWAYS.items():
        if key not in keys[action_id]:
            keys[action_id] += (key,)
    if "pause" not in dict(settings.keys) and "pause" not in preset.keys:
        keys["pause"] = keys["suggestions"] or keys["pause"]
    changed = frozenset(action_id for action_id, _ in settings.keys)
    own = {
        name: _class_key(text, f"[class_keys] in settings.toml: {name!r}")
        for name, text in settings.class_keys
    }
    _give_way(keys, changed, own)
    _check_clashes(settings.keymap, keys, changed, own)
    reserved = {character_of(key) for each in keys.values() for key in each}
    order = "".join(character for character in preset.classes if character not in reserved)
    _check_digits(preset.classes, order, keys)
    return Keymap(settings.keymap, keys, changed, order, own)


def _key(text: str, where: str) -> str:
    try:
        key = key_of(text)
    except UsageError as error:
        raise UsageError(f"{where}: {error}") from None
    if key == "escape":
        raise UsageError(f"{where}: Esc always leads back; give another key.")
    return key


def _class_key(text: str, where: str) -> str:
    if len(text) != 1:
        raise UsageError(f"{where}: {text!r} is not a single character; give one character.")
    if text == " ":
        raise UsageError(f"{where}: a space cannot be shown as a key; give another character.")
    try:
        character_key(text, text)
    except UsageError as error:
        raise UsageError(f"{where}: {error}") from None
    return text


def _uses(keys: Mapping[str, tuple[str, ...]]) -> Iterator[tuple[str, str]]:
    for action_id, several in keys.items():
        yield from ((key, action_id) for key in several)


def _give_way(
    keys: dict[str, tuple[str, ...]], changed: frozenset[str], own: Mapping[str, str]
) -> None:
    """Leave keys that the user has set to what they were set for."""
    taken = {key for action_id in changed for key in keys[action_id]}
    taken |= {character_key(character, character) for character in own.values()}
    for action_id, action in REGISTRY.items():
        if action.yields and action_id not in changed:
            keys[action_id] = tuple(key for key in keys[action_id] if key not in taken)


def _check_clashes(
    name: str,
    keys: Mapping[str, tuple[str, ...]],
    changed: frozenset[str],
    own: Mapping[str, str],
) -> None:
    """Raise an error if a key has two meanings, which only the user's own keys can cause."""
    users: dict[str, str] = {}
    for key, action_id in _uses(keys):
        if " " in key and action_id in _ON_OTHER_SCREENS:
            raise UsageError(
                f"[keys] in settings.toml gives {action_id} the keys {shown_key(key)!r}, but other "
                "screens have it too, and take one key at a time: give it a single key there."
            )
        other = users.setdefault(key, action_id)
        if other == action_id or {other, action_id} == {"pause", "suggestions"}:
            continue
        changeable = action_id if action_id in changed else other
        also = other if changeable == action_id else action_id
        raise UsageError(
            f"[keys] in settings.toml gives {changeable} the key {shown_key(key)!r}, which the "
            f"keymap {name!r} has for {also}: give one of them another key there."
        )
    two = next((action_id for key, action_id in _uses(keys) if key.startswith(f"{FIRST} ")), None)
    if FIRST in users and two is not None:
        raise UsageError(
            f"[keys] in settings.toml gives {users[FIRST]} the key {shown_key(FIRST)!r}, with "
            f"which the keys of {two} begin: give one of them another key there."
        )
    for class_name, character in own.items():
        action = users.get(character_key(character, character))
        if action is not None:
            raise UsageError(
                f"[class_keys] in settings.toml gives {class_name!r} the key {character!r}, which "
                f"is the key of {action}: give one of them another key there."
            )


def _check_digits(wanted: str, order: str, keys: Mapping[str, tuple[str, ...]]) -> None:
    """Raise an error if an action has a digit that labels: only letters give way to actions."""
    for digit in wanted:
        if digit.isdigit() and digit not in order:
            action = next(action_id for key, action_id in _uses(keys) if key == digit)
            raise UsageError(
                f"[keys] in settings.toml gives {action} the key {digit!r}, which labels a "
                "class: give it another key there."
            )
