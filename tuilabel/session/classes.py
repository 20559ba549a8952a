"""The classes of a session: a fold over the events about them."""

from __future__ import annotations

import hashlib
import unicodedata
from collections.abc import Callable, Collection, Iterator
from typing import NamedTuple

from tuilabel.journal.lines import Event
from tuilabel.journal.payloads import (
    ClassAdded,
    ClassMerged,
    ClassRenamed,
    ClassRestyled,
    ClassRetired,
    Undo,
)

CLASS_EVENTS = (ClassAdded, ClassMerged, ClassRenamed, ClassRestyled, ClassRetired)


class ClassInfo(NamedTuple):
    """One class.

    Attributes
    ----------
    id, name : str
    key : str or None
        The key it was added with.
    is_retired : bool
        Whether it can no longer be chosen. Its labels still count.
    """

    id: str
    name: str
    key: str | None = None
    is_retired: bool = False


def normal_name(name: str) -> str:
    """Return the name of a class as it is compared: in Unicode's form NFC, without outer blanks."""
    return unicodedata.normalize("NFC", name).strip()


def class_id_of(name: str, taken: Collection[str] = ()) -> str:
    """Return the id of a class that is added under a name.

    Parameters
    ----------
    name : str
    taken : collection of str
        Ids of classes with other names: of those renamed since they were added.

    Returns
    -------
    str
        ``c1:`` and a BLAKE2b-64 hash in hexadecimal digits. Two annotators who add one name add one
        class.
    """
    name = normal_name(name)
    for number in range(1, len(taken) + 2):
        text = name if number == 1 else f"{name}#{number}"
        found = "c1:" + hashlib.blake2b(text.encode(), digest_size=8).hexdigest()
        if found not in taken:
            return found
    raise AssertionError("each id differs from the others")


class Classes:
    """The classes after a set of events, whatever order these arrive in.

    Parameters
    ----------
    is_used : callable
        Returns whether standing answers name a class id.

    Attributes
    ----------
    problems : list of str
        Merges without effect, and names that two classes share, as sentences.
    unadded : bool
        Whether the adding of a class was undone, so that it depends on the answers.
    """

    def __init__(self, is_used: Callable[[str], bool]) -> None:
        self._is_used = is_used
        self._events: dict[str, Event] = {}
        self._undone: set[str] = set()
        self._known: dict[str, ClassInfo] = {}
        self._merged: dict[str, str] = {}
        self._keys: dict[tuple[str, str], str] = {}
        self.problems: list[str] = []
        self.unadded = False

    def __iter__(self) -> Iterator[ClassInfo]:
        """Yield the classes that can be chosen, in the order in which they were added."""
        return (
            info
            for info in self._known.values()
            if not info.is_retired and info.id not in self._merged
        )

    def apply(self, event: Event) -> bool:
        """Apply an event about a class, or an undo; return whether answers count for others."""
        if isinstance(event.payload, Undo):
            self._undone.add(event.payload.event)
            if event.payload.event not in self._events:
                return False
        else:
            self._events[event.id] = event
        merged = self._merged
        self.fold_again()
        return self._merged != merged

    def fold_again(self) -> None:
        """Fold all events again, since answers have changed or an event has arrived."""
        self.unadded = False
        self._known, self._merged, self._keys, self.problems = {}, {}, {}, []
        for event in sorted(self._events.values(), key=lambda event: (event.t, event.id)):
            found = event.payload
            if event.id in self._undone:
                if not isinstance(found, ClassAdded):
                    continue
                self.unadded = True
                if not self._is_used(found.class_id):
                    continue
            self._fold(event)
        names: dict[str, str] = {}
        for info in self:
            if info.name in names:
                self.problems.append(
                    f"Two classes have the name {info.name}: {names[info.name]} and {info.id}. "
                    "Rename or merge one of them."
                )
            names[info.name] = info.id

    def _fold(self, event: Event) -> None:
        match event.payload:
            case ClassAdded(class_id=id_, name=name, key=key):
                before = self._known.get(id_)
                if before is None:
                    self._known[id_] = ClassInfo(id_, normal_name(name), key)
                else:  # added again after it was retired
                    self._known[id_] = before._replace(is_retired=False)
            case ClassRenamed(class_id=id_, name=name) if id_ in self._known:
                self._known[id_] = self._known[id_]._replace(name=normal_name(name))
            case ClassRetired(class_id=id_) if id_ in self._known:
                self._known[id_] = self._known[id_]._replace(is_retired=True)
            case ClassRestyled(class_id=id_, key=key):
                self._keys[event.by, id_] = key
            case ClassMerged(class_id=id_, into=into) if self._merged.get(id_) != into:
                if id_ not in self._merged and self.resolved(into) != id_:
                    self._merged[id_] = into
                else:
                    self.problems.append(
                        f"The merge of {self._own_name(id_)} into {self._own_name(into)} has no "
                        "effect: one is merged into the other, or into a third, already."
                    )

    def resolved(self, class_id: str) -> str:
        """Return the id of the class that answers to a class count for."""
        while class_id in self._merged:
            class_id = self._merged[class_id]
        return class_id

    def name(self, class_id: str) -> str:
        """Return the name of a class; the id where no event has added it."""
        return self._own_name(self.resolved(class_id))

    def _own_name(self, class_id: str) -> str:
        info = self._known.get(class_id)
        return class_id if info is None else info.name

    def find(self, name: str) -> ClassInfo | None:
        """Return the class that can be chosen under a name; None if there is none."""
        wanted = normal_name(name)
        return next((info for info in self if info.name == wanted), None)

    def get(self, class_id: str) -> ClassInfo | None:
        """Return a class; None if no event has added it."""
        return self._known.get(class_id)

    def new_id(self, name: str) -> str:
        """Return the id for a class that is to be added under a name."""
        name = normal_name(name)
        return class_id_of(name, {info.id for info in self._known.values() if info.name != name})

    def key(self, class_id: str, by: str) -> str | None:
        """Return the key of a class for an annotator; None if neither chose one."""
        info = self._known.get(class_id)
        return self._keys.get((by, class_id)) or (None if info is None else info.key)
