"""Changes to the classes of a session: what may be changed, and the events that do it."""

from __future__ import annotations

import unicodedata

from tuilabel.errors import UsageError
from tuilabel.events.lines import Event
from tuilabel.events.payloads import (
    ClassAdded,
    ClassMerged,
    ClassRenamed,
    ClassRestyled,
    ClassRetired,
    Payload,
    Undo,
)
from tuilabel.session.classes import LONGEST_NAME, Classes, ClassInfo, normal_name
from tuilabel.session.hierarchy import SEPARATOR
from tuilabel.session.values import RefusedError
from tuilabel.text import inert

MOST_CLASSES = 1000


class ClassError(UsageError, RefusedError):
    """A change to the classes that cannot be made."""


class NameTakenError(ClassError):
    """A new name that another class has; `other` is that class."""

    def __init__(self, message: str, other: ClassInfo) -> None:
        super().__init__(message)
        self.other = other


def checked_name(name: str) -> str:
    """Return a new name of a class as it is stored.

    Raises
    ------
    ClassError
        It is empty or too long, or has characters that are no part of a name.
    """
    name = unicodedata.normalize("NFC", name).strip()
    shown = inert(name, 40)
    if not name:
        raise ClassError("A class needs a name: type one.")
    if len(name) > LONGEST_NAME:
        raise ClassError(
            f"The name {shown} has {len(name):,} characters: use at most {LONGEST_NAME}."
        )
    if inert(name, LONGEST_NAME) != name:
        raise ClassError(f"The name {shown} has characters that cannot be shown: leave them out.")
    parts = [part.strip() for part in name.split(SEPARATOR)]
    if "\\" in name or any(part in ("", ".", "..") for part in parts):
        raise ClassError(
            f"The name {shown} reads as a path: use a name such as owl or bird/owl, without \\."
        )
    return SEPARATOR.join(parts)


def check_for_sets(name: str) -> None:
    """Raise an error for a name that would look like two in an export of several classes.

    Raises
    ------
    ClassError
    """
    if "|" in name:
        raise ClassError(
            f"The name {inert(name, 40)} has a |, which separates classes in exports: leave it out."
        )


def first(classes: Classes, name: str, key: str | None = None) -> ClassAdded:
    """Return the event that adds a class of the source when the session begins."""
    return ClassAdded(class_id=classes.new_id(name), name=normal_name(name), key=key)


def check_open(classes: Classes, class_id: str) -> None:
    """Raise an error for a class that cannot be chosen.

    Raises
    ------
    ClassError
    """
    if not classes.is_open(class_id):
        name, into = classes.own_name(class_id), classes.name(class_id)
        what = "was retired" if name == into else f"was merged into `{into}`"
        raise ClassError(f"The class `{name}` {what}: choose another class.")


def add(classes: Classes, name: str, key: str | None = None) -> ClassAdded:
    """Return the event that adds a class, or brings a retired one back.

    Raises
    ------
    ClassError
        The name cannot be used, or a class has it.
    """
    name = checked_name(name)
    other = classes.find(name)
    if other is not None:
        raise NameTakenError(f"There is a class `{name}` already.", other)
    same = [info for info in classes.every() if info.name == name]
    before = next((info for info in same if classes.resolved(info.id) == info.id), None)
    if sum(1 for _ in classes.every()) >= MOST_CLASSES:
        raise ClassError(f"A session has at most {MOST_CLASSES:,} classes.")
    id_ = before.id if before is not None else same[0].id if same else classes.new_id(name)
    if classes.resolved(id_) != id_:
        into = classes.name(id_)
        raise ClassError(
            f"`{name}` was merged into `{into}`: undo that merge, or use another name."
        )
    return ClassAdded(class_id=id_, name=name, key=key)


def rename(classes: Classes, class_id: str, name: str) -> ClassRenamed:
    """Return the event that renames a class.

    Raises
    ------
    NameTakenError
        Another class has the name: the two could be merged.
    ClassError
        The name cannot be used.
    """
    name, before = checked_name(name), classes.own_name(class_id)
    if classes.get(class_id) is None:
        raise ClassError(f"Nobody has added the class `{before}`, or that was undone.")
    other = next((info for info in classes.every() if info.name == name), None)
    if other is not None and other.id == class_id:
        raise ClassError(f"The class is called `{name}` already.")
    if other is not None:
        raise NameTakenError(
            f"There is a class `{name}` already: merge `{before}` into it, or use another name.",
            other,
        )
    return ClassRenamed(class_id=class_id, name=name)


def merge(classes: Classes, class_id: str, into: str) -> ClassMerged:
    """Return the event that makes the answers to a class count for another.

    Raises
    ------
    ClassError
        It would be merged into itself, or into a class that cannot be chosen.
    """
    if classes.resolved(class_id) == classes.resolved(into):
        name, other = classes.own_name(class_id), classes.own_name(into)
        if class_id == into:
            raise ClassError(f"`{name}` cannot be merged into itself: name another class.")
        raise ClassError(f"The labels of `{name}` and `{other}` count for one class already.")
    into = classes.resolved(into)
    check_open(classes, into)
    return ClassMerged(class_id=classes.resolved(class_id), into=into)


def retire(classes: Classes, class_id: str) -> ClassRetired:
    """Return the event after which a class can no longer be chosen.

    Raises
    ------
    ClassError
        It is the last one, or retired already.
    """
    name = classes.own_name(class_id)
    if not classes.is_open(class_id):
        into = classes.name(class_id)
        what = "is retired" if name == into else f"is merged into `{into}`"
        raise ClassError(f"`{name}` {what} already: it cannot be chosen.")
    if sum(1 for _ in classes) == 1:
        raise ClassError(f"`{name}` is the only class that can be chosen: add another one first.")
    return ClassRetired(class_id=class_id)


def restyle(class_id: str, key: str) -> ClassRestyled:
    """Return the event that gives a class another key, for the annotator who writes it."""
    return ClassRestyled(class_id=class_id, key=key)


def undo(classes: Classes, by: str) -> tuple[Event, Undo]:
    """Return the newest event about a class that can be undone, and the event that undoes it.

    Raises
    ------
    ClassError
        There is none.
    """
    count = sum(1 for _ in classes)
    for event in classes.newest(by):
        found = event.payload
        is_last = isinstance(found, ClassAdded) and classes.is_open(found.class_id) and count == 1
        if not is_last:
            return event, Undo(event.id)
    raise ClassError("There is no change to the classes to undo.")


def described(payload: Payload, classes: Classes) -> str:
    """Return a change to the classes in words, such as "the merge of `dog` into `cat`"."""
    name = classes.own_name
    match payload:
        case ClassAdded(class_id=id_):
            return f"the adding of `{name(id_)}`"
        case ClassRenamed(class_id=_, name=new):
            return f"the renaming to `{normal_name(new)}`"
        case ClassMerged(class_id=id_, into=into):
            return f"the merge of `{name(id_)}` into `{name(into)}`"
        case ClassRetired(class_id=id_):
            return f"the retiring of `{name(id_)}`"
        case ClassRestyled(class_id=id_, key=key):
            return f"the key {inert(key, 4)} of `{name(id_)}`"
    raise TypeError(f"{type(payload).__name__} is about no class")
