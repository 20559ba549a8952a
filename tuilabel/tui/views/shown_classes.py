"""The classes as the screens of one run show them: names, keys, and which can be chosen."""

from __future__ import annotations

from collections import Counter

from tuilabel.session import Session
from tuilabel.session.classes import ClassInfo
from tuilabel.session.hierarchy import SEPARATOR
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
    relative, short : tuple of str
        By class index: the name as it is shown behind the class above it, such as `/owl`, and the
        last part of the name alone, if no other class is called so. Elsewhere the name.
    open : tuple of int
        Indices of the classes that can be chosen, in order, each followed by those below it.
    """

    def __init__(self, session: Session, keymap: Keymap, by: str) -> None:
        self._session = session
        self._by = by
        self._assigned = ClassKeys(keymap.order, keymap.own, self._wishes())
        self._before: dict[str, list[str]] = {}
        self.version = -1
        self.names: tuple[str, ...] = ()
        self.full_names: tuple[str, ...] = ()
        self.relative: tuple[str, ...] = ()
        self.short: tuple[str, ...] = ()
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
        self._take_levels()
        chosen = set(self.open)
        keys = self._assigned.keys
        self.keys = tuple(
            keys.get(id_, "") if index in chosen else "" for index, id_ in enumerate(classes.ids)
        )
        return moved

    def _take_levels(self) -> None:
        """Bring classes behind those above them, and shorten their names."""
        ids, above = self._session.classes.ids, self._session.known.classes.above
        self.relative = self.short = self.names
        if not above:
            return
        at = {id_: index for index, id_ in enumerate(ids)}
        own = [(*above.get(id_, ()), id_) for id_ in ids]
        self.open = tuple(sorted(self.open, key=lambda index: [at[id_] for id_ in own[index]]))
        lasts = [name.rpartition(SEPARATOR)[2] for name in self.full_names]
        counts = Counter((*lasts, *(name for name in self.full_names if SEPARATOR in name)))
        self.short = tuple(
            shown_name(last) if id_ in above and counts[last] == 1 else name
            for id_, last, name in zip(ids, lasts, self.names, strict=True)
        )
        self.relative = tuple(
            shown_name(full.removeprefix(self.full_names[at[path[-2]]])) if len(path) > 1 else name
            for path, full, name in zip(own, self.full_names, self.names, strict=True)
        )

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
