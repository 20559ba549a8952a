"""The classes of a session: a fold over the events about them."""

from __future__ import annotations

import hashlib
import unicodedata
from collections.abc import Callable, Collection, Iterable, Iterator
from typing import NamedTuple

from tuilabel.events.lines import Event
from tuilabel.events.payloads import (
    ClassAdded,
    ClassMerged,
    ClassRenamed,
    ClassRestyled,
    ClassRetired,
    Undo,
)
from tuilabel.text import DEFAULT_LIMIT, inert

CLASS_EVENTS = (ClassAdded, ClassMerged, ClassRenamed, ClassRestyled, ClassRetired)

LONGEST_NAME = DEFAULT_LIMIT
"""Characters of a name at most."""


class ClassInfo(NamedTuple):
    """One class.

    Attributes
    ----------
    id, name : str
    key : str or None
        The key it was added with.
    is_retired : bool
        Whether it can no longer be chosen. Its labels still count.
    added_as : str
        The name it was added under.
    is_first : bool
        Whether it is one of the classes that the session began with.
    """

    id: str
    name: str
    key: str | None = None
    is_retired: bool = False
    added_as: str = ""
    is_first: bool = False


def normal_name(name: str) -> str:
    """Return the name of a class as it is compared: in Unicode's form NFC, without outer blanks."""
    return inert(unicodedata.normalize("NFC", name).strip(), LONGEST_NAME)


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
    version : int
        Grows whenever the classes may have changed.
    """

    def __init__(self, is_used: Callable[[str], bool]) -> None:
        self._is_used = is_used
        self._events: dict[str, Event] = {}
        self._undone: set[str] = set()
        self._folded: _Folded | None = None
        self.version = 0

    @property
    def problems(self) -> list[str]:
        """Merges without effect, and names that two classes share, as sentences."""
        return self._now.problems

    @property
    def _now(self) -> _Folded:
        # Many classes may be added at once, so they are folded when they are asked for.
        if self._folded is None:
            self._folded = _Folded(self._events.values(), self._undone, self._is_used)
        return self._folded

    def __iter__(self) -> Iterator[ClassInfo]:
        """Yield the classes that can be chosen, in the order in which they were added."""
        return (info for info in self._now.known.values() if self.is_open(info.id))

    def every(self) -> Iterator[ClassInfo]:
        """Yield all classes, also those retired or merged, in the order they were added in."""
        return iter(self._now.known.values())

    def is_open(self, class_id: str) -> bool:
        """Return whether a class can be chosen."""
        return self._now.is_open(class_id)

    def apply(self, event: Event) -> bool:
        """Apply an event about a class, or an undo; return whether answers count for others."""
        is_new = isinstance(event.payload, ClassAdded) and event.id not in self._undone
        before = None if is_new else self._now.merged
        if isinstance(event.payload, Undo):
            self._undone.add(event.payload.event)
            if event.payload.event not in self._events:
                return False
        else:
            self._events[event.id] = event
        self.version += 1
        self._folded = None
        return before is not None and self._now.merged != before

    def depends_on(self, class_id: str) -> bool:
        """Return whether an answer to a class may keep one whose adding was undone."""
        return class_id in self._now.deciding

    def answers_changed(self) -> None:
        """Take into account that a class on which the classes depend is named, or no longer."""
        self.version += 1
        self._folded = None

    def resolved(self, class_id: str) -> str:
        """Return the id of the class that answers to a class count for."""
        return self._now.resolved(class_id)

    def name(self, class_id: str) -> str:
        """Return the name of a class; the id where no event has added it."""
        return self.own_name(self.resolved(class_id))

    def own_name(self, class_id: str) -> str:
        """Return the name of a class, of one merged into another as well."""
        info = self._now.known.get(class_id)
        return self._now.gone.get(class_id, class_id) if info is None else info.name

    def written_name(self, class_id: str) -> str:
        """Return what stands for a class in an export: its id where two classes have its name."""
        class_id = self.resolved(class_id)
        name = self.own_name(class_id)
        return class_id if name in self._now.shared else name

    def find(self, name: str) -> ClassInfo | None:
        """Return the class that can be chosen under a name; None if there is none."""
        wanted = normal_name(name)
        return next((info for info in self if info.name == wanted), None)

    def get(self, class_id: str) -> ClassInfo | None:
        """Return a class; None if no event has added it."""
        return self._now.known.get(class_id)

    def new_id(self, name: str) -> str:
        """Return the id for a class that is to be added under a name."""
        name = normal_name(name)
        others = {info.id for info in self._now.known.values() if info.name != name}
        return class_id_of(name, others)

    def key(self, class_id: str, by: str) -> str | None:
        """Return the key that an annotator chose for a class; None if there is none."""
        return self._now.keys.get((by, class_id))

    def names_of_source(self) -> list[str]:
        """Return the distinct names under which classes were added, in order.

        The first of them are those of the source's own classes, in the order of its ground truth,
        whatever has become of these classes since.
        """
        ordered = sorted(self._events.values(), key=lambda event: (event.t, event.id))
        added = (event.payload for event in ordered if isinstance(event.payload, ClassAdded))
        names = [(normal_name(found.name), found.class_id) for found in added]
        own = [name for name, id_ in names if class_id_of(name) == id_]
        # Only a log that another program wrote has ids of another kind.
        return list(dict.fromkeys(own or [name or id_ for name, id_ in names]))

    def newest(self, by: str) -> Iterator[Event]:
        """Yield the events about classes whose undo has an effect, the newest first.

        Parameters
        ----------
        by : str
            The annotator who would undo them: the keys of others are theirs.
        """
        for event in sorted(self._events.values(), key=lambda event: (-event.t, event.id)):
            found = event.payload
            if event.id in self._undone or (isinstance(found, ClassRestyled) and event.by != by):
                continue
            if isinstance(found, ClassAdded):
                again = any(
                    isinstance(other.payload, ClassAdded)
                    and other.payload.class_id == found.class_id
                    and other.id not in self._undone | {event.id}
                    for other in self._events.values()
                )
                ids = (id_ for id_ in self._now.known if self.resolved(id_) == found.class_id)
                if again or any(map(self._is_used, (found.class_id, *ids))):
                    continue
            yield event


class _Folded:
    """The state of the classes after some events, see `Classes`.

    Attributes
    ----------
    known : dict of str to ClassInfo
    gone : dict of str to str
        Names of classes whose adding was undone.
    merged : dict of str to str
        The class that another was merged into.
    keys : dict of (str, str) to str
        Keys by annotator and class.
    deciding : set of str
        Classes whose answers may keep a class whose adding was undone.
    shared : frozenset of str
        Names of several classes.
    problems : list of str
    """

    def __init__(
        self, events: Iterable[Event], undone: Collection[str], is_used: Callable[[str], bool]
    ) -> None:
        self.known: dict[str, ClassInfo] = {}
        self.gone: dict[str, str] = {}
        self.merged: dict[str, str] = {}
        self.keys: dict[tuple[str, str], str] = {}
        self.deciding: set[str] = set()
        self.problems: list[str] = []
        ordered = sorted(events, key=lambda event: (event.t, event.id))
        standing = [event for event in ordered if event.id not in undone]
        added_as = {
            event.payload.class_id: normal_name(event.payload.name)
            for event in reversed(ordered)
            if isinstance(event.payload, ClassAdded)
        }
        for event in standing:
            if isinstance(event.payload, ClassMerged):
                self._merge(event.payload, added_as)
        counted_for: dict[str, list[str]] = {}
        for id_ in {*added_as, *self.merged}:
            counted_for.setdefault(self.resolved(id_), []).append(id_)
        first = _first(ordered)
        for event in ordered:
            found = event.payload
            if event.id in undone:
                if isinstance(found, ClassAdded):
                    # The class stays while answers to it stand, or to one merged into it.
                    ids = {found.class_id, *counted_for.get(found.class_id, ())}
                    self.deciding |= ids
                    self.gone[found.class_id] = normal_name(found.name)
                    if any(map(is_used, ids)):
                        self._fold(event, added_as, first)
            else:
                self._fold(event, added_as, first)
        named: dict[str, list[str]] = {}
        for info in self.known.values():
            if self.is_open(info.id):
                named.setdefault(info.name, []).append(info.id)
        several = {name: ids for name, ids in named.items() if len(ids) > 1}
        self.shared = frozenset(several)
        self.problems += [
            f"{len(ids)} classes have the name {name}: {', '.join(ids)}. Rename or merge one of "
            "them."
            for name, ids in several.items()
        ]

    def _merge(self, merge: ClassMerged, added_as: dict[str, str]) -> None:
        id_, into = merge.class_id, merge.into
        if self.merged.get(id_) == into:
            return
        if id_ not in self.merged and self.resolved(into) != id_:
            self.merged[id_] = into
            return
        one, other = added_as.get(id_, id_), added_as.get(into, into)
        why = "one is merged into the other, or into a third, already"
        if id_ == into:
            why = "they are one class"
        self.problems.append(f"The merge of {one} into {other} has no effect: {why}.")

    def _fold(self, event: Event, added_as: dict[str, str], first: set[str]) -> None:
        match event.payload:
            case ClassAdded(class_id=id_, name=name, key=key):
                before = self.known.get(id_)
                if before is None:
                    name = normal_name(name) or id_
                    self.known[id_] = ClassInfo(id_, name, key, False, added_as[id_], id_ in first)
                else:  # added again after it was retired
                    self.known[id_] = before._replace(is_retired=False)
            case ClassRenamed(class_id=id_, name=name) if id_ in self.known:
                name = normal_name(name) or id_
                self.known[id_] = self.known[id_]._replace(name=name)
            case ClassRetired(class_id=id_) if id_ in self.known:
                self.known[id_] = self.known[id_]._replace(is_retired=True)
            case ClassRestyled(class_id=id_, key=key):
                self.keys[event.by, id_] = key

    def is_open(self, class_id: str) -> bool:
        """Return whether a class can be chosen."""
        info = self.known.get(class_id)
        return info is not None and not info.is_retired and class_id not in self.merged

    def resolved(self, class_id: str) -> str:
        """Return the id of the class that answers to a class count for."""
        while class_id in self.merged:
            class_id = self.merged[class_id]
        return class_id


def _first(ordered: list[Event]) -> set[str]:
    """Return the ids of the classes that were added together when the session began."""
    found: set[str] = set()
    before: Event | None = None
    for event in ordered:
        if not isinstance(event.payload, ClassAdded):
            break
        if before is not None and (event.log, event.n) != (before.log, before.n + 1):
            break
        found.add(event.payload.class_id)
        before = event
    return found
