"""The classes as the screens of one run show them: names, keys, and which can be chosen."""

from __future__ import annotations

from tuilabel.session import Session
from tuilabel.session.classes import ClassInfo
from tuilabel.tui.keymap.classes import ClassKeys, KeyWish
from tuilabel.tui.keymap.resolved import Keymap
from tuilabel.tui.text.names import shown_name


class ShownClasses:
    """Names and keys by class index; a class keeps its index and its key while the program runs.

    Screens and widgets share one object, and read from it what is in effect now.

    Parameters
    ----------
    session : Session
    keymap : Keymap
    by : str
        The annotator whose keys these are.

    Attributes
    ----------
    version : int
        Grows with each change.
    names, keys : tuple of str
        By class index. The keys of classes that cannot be chosen are empty.
    full_names : tuple of str
        By class index, as they are typed.
    open : tuple of int
        Indices of the classes that can be chosen, in order.
    """

    def __init__(self, session: Session, keymap: Keymap, by: str) -> None:
        self._session = session
        self._by = by
        self._assigned = ClassKeys(keymap.order, keymap.own, self._wishes())
        self._before: dict[str, list[str]] = {}
        self.version = -1
        self.names: tuple[str, ...] = ()
        self.full_names: tuple[str, ...] = ()
        self.keys: tuple[str, ...] = ()
        self.open: tuple[int, ...] = ()
        self.update()

    def _wishes(self) -> list[KeyWish]:
        return list(map(self._wish, self._session.known.classes.every()))

    def _wish(self, info: ClassInfo) -> KeyWish:
        chosen = self._session.known.classes.key(info.id, self._by)
        return KeyWish(info.id, info.name, info.added_as, info.is_first, info.key, chosen)

    def update(self) -> list[str]:
        """Take changes into account; return ids of new classes whose own key was taken here."""
        classes = self._session.classes
        if self.version == classes.version:
            return []
        self.version = classes.version
        moved = [wish.id for wish in self._wishes() if not self._assigned.take_in(wish)]
        self.full_names = classes.names
        self.names = tuple(map(shown_name, classes.names))
        self.open = classes.open
        chosen = set(self.open)
        keys = self._assigned.keys
        self.keys = tuple(
            keys.get(id_, "") if index in chosen else "" for index, id_ in enumerate(classes.ids)
        )
        return moved

    def key(self, class_id: str) -> str:
        """Return the characters of a class, also of one that cannot be chosen."""
        return self._assigned.keys.get(class_id, "")

    def free_key(self, name: str) -> str | None:
        """Return the key for a class that is added under a name; None where there is none."""
        return self._assigned.free_key(name) or None

    def may_have(self, key: str) -> bool:
        """Return whether a class can be given a key."""
        return self._assigned.is_free(key)

    def give_key(self, class_id: str, key: str) -> None:
        """Show another key of a class, which was saved."""
        self._before.setdefault(class_id, []).append(self.key(class_id))
        self._set_key(class_id, key)

    def take_key_back(self, class_id: str) -> None:
        """Show the key that a class had before the last one, if no other class has it now."""
        before = self._before.get(class_id)
        if before:
            key = before.pop()
            self._set_key(class_id, "")
            name = self._session.known.classes.own_name(class_id)
            self._set_key(class_id, key if self.may_have(key) else self._assigned.free_key(name))

    def _set_key(self, class_id: str, key: str) -> None:
        self._assigned.give(class_id, key)
        self.version = -1
        self.update()
