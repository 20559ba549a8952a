"""The keymap that holds: a preset with a person's own keys, checked."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from tuilabel.errors import UsageError
from tuilabel.settings import Settings
from tuilabel.tui.keymap.actions import ACTIONS, PAUSE, REGISTRY, Action
from tuilabel.tui.keymap.classes import class_sequences
from tuilabel.tui.keymap.keys import character_key, character_of, key_of, shown_key
from tuilabel.tui.keymap.presets import PRESETS

ALWAYS = {"quit": "ctrl+c"}
"""Keys that no wish takes away, so that there is always a way out."""


@dataclass(frozen=True)
class Keymap:
    """Which keys do what.

    Attributes
    ----------
    name : str
        Of the preset.
    keys : mapping of str to tuple of str
        The keys of every action by its id, in textual's names.
    changed : frozenset of str
        The actions whose keys are a person's own.
    order : str
        The characters for classes, best first.
    own : mapping of str to str
        Characters that a person gave to names of classes.
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

    def action(self, action_id: str) -> Action:
        """Give an action with its keys."""
        return REGISTRY[action_id]._replace(keys=self.keys[action_id])

    def key(self, action_id: str) -> str:
        """Give the first key of an action as a person knows it; a dash where it has none."""
        keys = self.keys[action_id]
        return shown_key(keys[0]) if keys else "–"

    def hint(self, action_id: str) -> str:
        """Give the first key of an action in brackets, to end a sentence with."""
        return f" ({self.key(action_id)})" if self.keys[action_id] else ""

    def class_keys(self, names: Sequence[str]) -> tuple[str, ...]:
        """Give each class its characters: one, two, or none where names are typed."""
        return class_sequences(names, self.order, self.own)

    def check_classes(self, names: Sequence[str]) -> None:
        """Refuse keys that a person gave to two of these classes.

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
    """Make the keymap that settings ask for.

    Raises
    ------
    UsageError
        An action that does not exist, a key that no terminal sends, or one key for two things.
    """
    preset = PRESETS[settings.keymap]
    keys = {action.id: preset.keys.get(action.id, action.keys) for action in REGISTRY.values()}
    for action_id, wished in settings.keys:
        if action_id not in REGISTRY:
            known = ", ".join(sorted(REGISTRY))
            raise UsageError(
                f"[keys] in settings.toml has {action_id!r}, which is no action: "
                f"choose among {known}."
            )
        keys[action_id] = tuple(
            dict.fromkeys(_key(wish, f"[keys] in settings.toml: {action_id}") for wish in wished)
        )
    for action_id, key in ALWAYS.items():
        if key not in keys[action_id]:
            keys[action_id] += (key,)
    if "pause" not in dict(settings.keys) and "pause" not in preset.keys:
        keys["pause"] = keys["suggestions"] or keys["pause"]
    changed = frozenset(action_id for action_id, _ in settings.keys)
    own = {
        name: _class_key(wish, f"[class_keys] in settings.toml: {name!r}")
        for name, wish in settings.class_keys
    }
    _check_clashes(settings.keymap, keys, changed, own)
    reserved = {character_of(key) for each in keys.values() for key in each}
    order = "".join(character for character in preset.classes if character not in reserved)
    _check_digits(preset.classes, order, keys)
    return Keymap(settings.keymap, keys, changed, order, own)


def _key(wish: str, where: str) -> str:
    try:
        key = key_of(wish)
    except UsageError as error:
        raise UsageError(f"{where}: {error}") from None
    if key == "escape":
        raise UsageError(f"{where}: Esc leads back, and can mean nothing else.")
    return key


def _class_key(wish: str, where: str) -> str:
    if len(wish) != 1:
        raise UsageError(f"{where}: {wish!r} is not one character, which a class's key has to be.")
    if wish == " ":
        raise UsageError(f"{where}: a space cannot be shown as a key, give another character.")
    try:
        character_key(wish, wish)
    except UsageError as error:
        raise UsageError(f"{where}: {error}") from None
    return wish


def _uses(keys: Mapping[str, tuple[str, ...]]) -> Iterator[tuple[str, str]]:
    for action_id, several in keys.items():
        yield from ((key, action_id) for key in several)


def _check_clashes(
    name: str,
    keys: Mapping[str, tuple[str, ...]],
    changed: frozenset[str],
    own: Mapping[str, str],
) -> None:
    """Refuse one key for two things; whoever changed nothing has no such keys."""
    users: dict[str, str] = {}
    for key, action_id in _uses(keys):
        other = users.setdefault(key, action_id)
        if other == action_id or {other, action_id} == {"pause", "suggestions"}:
            continue
        changeable = action_id if action_id in changed else other
        also = other if changeable == action_id else action_id
        raise UsageError(
            f"[keys] in settings.toml gives {changeable} the key {shown_key(key)!r}, which the "
            f"keymap {name!r} has for {also}: give one of them another key there."
        )
    for class_name, character in own.items():
        action = users.get(character_key(character, character))
        if action is not None:
            raise UsageError(
                f"[class_keys] in settings.toml gives {class_name!r} the key {character!r}, which "
                f"is the key of {action}: give one of them another key there."
            )


def _check_digits(wanted: str, order: str, keys: Mapping[str, tuple[str, ...]]) -> None:
    """Refuse an action on a digit that labels: letters make room for actions, digits do not."""
    for digit in wanted:
        if digit.isdigit() and digit not in order:
            action = next(action_id for key, action_id in _uses(keys) if key == digit)
            raise UsageError(
                f"[keys] in settings.toml gives {action} the key {digit!r}, which is a class's: "
                "give it another key there."
            )
