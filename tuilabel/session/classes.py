"""The classes of a session: a fold over the events about them."""

from __future__ import annotations

import hashlib
import unicodedata
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from typing import NamedTuple

from tuilabel.events.lines import Event, order_of
from tuilabel.events.payloads import (
    ClassAdded,
    ClassMerged,
    ClassRenamed,
    ClassRestyled,
    ClassRetired,
    Undo,
)
from tuilabel.session import class_sets
from tuilabel.session.class_sets import is_set
from tuilabel.session.hierarchy import SEPARATOR, above_each
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
    merged : dict of str to str
        Ids of merged classes, each with the one whose answers it counts for, which is not merged
        itself; replaced and never changed.
    above : dict of str to tuple of str
        The classes above each that lies below others, see `tuilabel.session.hierarchy`; replaced
        and never changed.
    version : int
        Grows whenever the classes may have changed.
    """

    def __init__(self, is_used: Callable[[str], bool]) -> None:
        self._is_used = is_used
        self._events: dict[str, Event] = {}
        self._undone: set[str] = set()
        self.merged: dict[str, str] = {}
        self._without_effect: list[ClassMerged] = []
        # Made when it is asked for: a session may begin with a thousand classes.
        self._folded: _Folded | None = None
        self._above: dict[str, tuple[str, ...]] | None = {}
        self._has_levels = False
        self.version = 0

    def __iter__(self) -> Iterator[ClassInfo]:
        """Yield the classes that can be chosen, in the order in which they were added."""
        return (info for info in self.every() if self.is_open(info.id))

    def every(self) -> Iterator[ClassInfo]:
        """Yield all classes, also those retired or merged, in the order they were added in."""
        return iter(self._now.known.values())

    def is_open(self, class_id: str) -> bool:
        """Return whether a class can be chosen."""
        info = self.get(class_id)
        return info is not None and not info.is_retired and class_id not in self.merged

    @property
    def problems(self) -> list[str]:
        """Merges without effect, and names that two classes share, as sentences."""
        added_as = self._now.added_as
        found = []
        for merge in self._without_effect:
            one, other = (added_as.get(id_, id_) for id_ in (merge.class_id, merge.into))
            why = "one is merged into the other, or into a third, already"
            if merge.class_id == merge.into:
                why = "they are one class"
            found.append(f"The merge of {one} into {other} has no effect: {why}.")
        for name, ids in self._shared_names().items():
            found.append(
                f"{len(ids)} classes have the name {name}: {', '.join(ids)}. Rename or merge one "
                "of them."
            )
        return found

    def _shared_names(self) -> dict[str, list[str]]:
        named: dict[str, list[str]] = {}
        for info in self:
            named.setdefault(info.name, []).append(info.id)
        return {name: ids for name, ids in named.items() if len(ids) > 1}

    def apply(self, *events: Event) -> bool:
        """Apply events about classes, or undos; return whether answers count for others."""
        changed = []
        for event in events:
            if isinstance(event.payload, Undo):
                self._undone.add(event.payload.event)
                changed.append(self._events.get(event.payload.event))
            else:
                changed.append(event)
                self._events[event.id] = event
        if not any(changed):
            return False
        names = (getattr(one.payload, "name", "") for one in changed if one is not None)
        self._has_levels |= any(SEPARATOR in name for name in names)
        if self._has_levels:
            self._above = None
        self.answers_changed()
        if not any(one is not None and isinstance(one.payload, ClassMerged) for one in changed):
            return False
        before = self.merged
        self._merge_again()
        return self.merged != before

    def event(self, id_: str) -> Event | None:
        """Return an event about classes, also one that was taken back; None for any other."""
        return self._events.get(id_)

    @property
    def changes(self) -> int:
        """The number of events about classes, and of undos."""
        return len(self._events) + len(self._undone)

    @property
    def above(self) -> dict[str, tuple[str, ...]]:
        """The classes above each that lies below others."""
        if self._above is None:
            self._above = above_each(self._standing_names())
        return self._above

    @above.setter
    def above(self, above: dict[str, tuple[str, ...]]) -> None:
        self._above = above

    def _standing_names(self) -> dict[str, str]:
        """Return the names of classes that were not merged, whether or not they have answers."""
        names: dict[str, str] = {}
        for event in _ordered(self._events.values()):
            match event.payload:
                case ClassAdded(class_id=id_, name=name) if id_ not in self.merged:
                    names.setdefault(id_, normal_name(name))
                case ClassRenamed(class_id=id_, name=name) if id_ in names:
                    if event.id not in self._undone:
                        names[id_] = normal_name(name)
        return names

    def depends_on(self, class_id: str) -> bool:
        """Return whether an answer to a class may keep one whose adding was undone."""
        return class_id in self._now.deciding

    def answers_changed(self) -> None:
        """Take into account that a class on which the classes depend is named, or no longer."""
        self._folded = None
        self.version += 1

    def _merge_again(self) -> None:
        into_which: dict[str, str] = {}
        roots: dict[str, str] = {}
        self._without_effect = []
        for event in _ordered(self._events.values()):
            if isinstance(event.payload, ClassMerged) and event.id not in self._undone:
                id_, into = event.payload.class_id, event.payload.into
                if id_ not in into_which and _root(roots, into) != id_:
                    into_which[id_] = roots[id_] = into
                elif into_which.get(id_) != into:
                    self._without_effect.append(event.payload)
        self.merged = {id_: _root(roots, id_) for id_ in roots}

    @property
    def _now(self) -> _Folded:
        if self._folded is None:
            ordered = _ordered(self._events.values())
            self._folded = _Folded(ordered, self._undone, self._merged_into(), self._is_used)
            self._folded.shared = set(self._shared_names())
        return self._folded

    def _merged_into(self) -> dict[str, list[str]]:
        """Return the ids of the classes that were merged into each."""
        found: dict[str, list[str]] = {}
        for id_ in self.merged:
            found.setdefault(self.resolved(id_), []).append(id_)
        return found

    def resolved(self, class_id: str, merged: Mapping[str, str] | None = None) -> str:
        """Return the id of the class that answers to a class count for: by default, now."""
        merged = self.merged if merged is None else merged
        if merged and is_set(class_id):
            return class_sets.resolved(class_id, lambda one: merged.get(one, one))
        return merged.get(class_id, class_id)

    def name(self, class_id: str) -> str:
        """Return the name of a class; the id where no event has added it."""
        return self.own_name(self.resolved(class_id))

    def own_name(self, class_id: str) -> str:
        """Return the name of a class, of one merged into another as well, or those of a set."""
        if is_set(class_id):
            return class_sets.named(class_id, self.own_name)
        info = self.get(class_id)
        return self._now.gone.get(class_id, class_id) if info is None else info.name

    def written_name(self, class_id: str) -> str:
        """Return what stands for a class in an export: its id where two classes have its name."""
        class_id = self.resolved(class_id)
        if is_set(class_id):
            return class_sets.named(class_id, self.written_name, separator="|")
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
        return class_id_of(name, {info.id for info in self.every() if info.name != name})

    def key(self, class_id: str, by: str) -> str | None:
        """Return the key that an annotator chose for a class; None if there is none."""
        return self._now.keys.get((by, class_id))

    def keys_at_start(self, by: str) -> dict[str, int]:
        """Return the keys of the classes that a session began with, if it began with keys.

        Parameters
        ----------
        by : str
            The annotator, who may have chosen others since.

        Returns
        -------
        dict of str to int
            By key: the place among the classes that can be chosen.
        """
        began = ((place, info) for place, info in enumerate(self) if info.is_first and info.key)
        return {self.key(info.id, by) or info.key or "": place for place, info in began}

    def names_of_source(self) -> list[str]:
        """Return the distinct names under which classes were added, in order.

        The first of them are those of the source's own classes, in the order of its ground truth,
        whatever has become of these classes since.
        """
        ordered = _ordered(self._events.values())
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
            if isinstance(found, ClassRetired):
                info = self.get(found.class_id)
                if info is not None and not info.is_retired:
                    continue  # it was added again since
            if isinstance(found, ClassAdded) and not self._reopens(event):
                again = any(
                    isinstance(other.payload, ClassAdded)
                    and other.payload.class_id == found.class_id
                    and other.id not in self._undone | {event.id}
                    for other in self._events.values()
                )
                ids = (info.id for info in self.every() if self.resolved(info.id) == found.class_id)
                if again or any(map(self._is_used, (found.class_id, *ids))):
                    continue
            yield event

    def _reopens(self, added: Event) -> bool:
        """Return whether an event that stands has added a retired class again, and no later one."""
        assert isinstance(added.payload, ClassAdded)
        of_class = [
            event
            for event in _ordered(self._events.values())
            if event.id not in self._undone
            and isinstance(event.payload, ClassAdded | ClassRetired)
            and event.payload.class_id == added.payload.class_id
        ]
        before = of_class[-2:-1]
        return of_class[-1] is added and any(
            isinstance(event.payload, ClassRetired) for event in before
        )


class _Folded:
    """The classes by the events about them.

    Parameters
    ----------
    ordered : sequence of Event
    undone : set of str
        Ids of the events that were taken back.
    merged_into : dict of str to list of str
        The ids of the classes that were merged into each.
    is_used : callable
        Returns whether standing answers name a class id.

    Attributes
    ----------
    known : dict of str to ClassInfo
    gone : dict of str to str
        Names of classes whose adding was taken back.
    keys : dict of (str, str) to str
        Keys by annotator and class id.
    deciding : set of str
        Classes whose answers keep one whose adding was taken back.
    shared : set of str
        Names that several classes have which can be chosen.
    added_as : dict of str to str
        The names under which classes were added first.
    """

    def __init__(
        self,
        ordered: list[Event],
        undone: Collection[str],
        merged_into: Mapping[str, Collection[str]],
        is_used: Callable[[str], bool],
    ) -> None:
        self.known: dict[str, ClassInfo] = {}
        self.gone: dict[str, str] = {}
        self.keys: dict[tuple[str, str], str] = {}
        self.deciding: set[str] = set()
        self.shared: set[str] = set()
        self.added_as: dict[str, str] = {}
        self._first = _first(ordered)
        for event in ordered:
            found = event.payload
            if isinstance(found, ClassAdded):
                self.added_as.setdefault(found.class_id, normal_name(found.name))
            if event.id not in undone:
                self._fold(event)
            elif isinstance(found, ClassAdded):
                # The class stays while answers to it stand, or to one merged into it.
                ids = {found.class_id, *merged_into.get(found.class_id, ())}
                self.deciding |= ids
                self.gone[found.class_id] = normal_name(found.name)
                # A class that was added again, after it was retired, is retired again.
                if found.class_id not in self.known and any(map(is_used, ids)):
                    self._fold(event)

    def _fold(self, event: Event) -> None:
        match event.payload:
            case ClassAdded(class_id=id_, name=name, key=key):
                before = self.known.get(id_)
                if before is None:
                    name, is_first = normal_name(name) or id_, id_ in self._first
                    self.known[id_] = ClassInfo(id_, name, key, False, self.added_as[id_], is_first)
                else:  # added again after it was retired
                    self.known[id_] = before._replace(is_retired=False)
            case ClassRenamed(class_id=id_, name=name) if id_ in self.known:
                name = normal_name(name) or id_
                self.known[id_] = self.known[id_]._replace(name=name)
            case ClassRetired(class_id=id_) if id_ in self.known:
                self.known[id_] = self.known[id_]._replace(is_retired=True)
            case ClassRestyled(class_id=id_, key=key):
                self.keys[event.by, id_] = key


def _root(roots: dict[str, str], id_: str) -> str:
    """Return the end of a chain, and shorten the chain: it may have a thousand links."""
    passed = []
    while id_ in roots:
        passed.append(id_)
        id_ = roots[id_]
    for one in passed[:-1]:
        roots[one] = id_
    return id_


def _ordered(events: Iterable[Event]) -> list[Event]:
    return sorted(events, key=order_of)


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
