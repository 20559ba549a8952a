"""The classes of a session on disk: listed and changed, also while somebody labels."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TypedDict

from tuilabel.errors import UsageError
from tuilabel.events.payloads import ClassAdded, ClassRenamed, Payload
from tuilabel.journal.journal import Journal
from tuilabel.session import class_changes
from tuilabel.session.class_changes import described
from tuilabel.session.classes import Classes, ClassInfo, normal_name
from tuilabel.session.view import SessionView
from tuilabel.settings import resolve
from tuilabel.text import inert, meant

_MOST_LISTED = 10
"""Names in a sentence."""


class ClassSummary(TypedDict):
    """One class, as `tuilabel classes --json` prints it.

    `merged_into` is the id of the class that its labels count for, None for itself. `labels` is
    the number of items with a label in effect; those of a merged class are in the other's.
    """

    id: str
    name: str
    labels: int
    is_retired: bool
    merged_into: str | None


def class_summaries(view: SessionView) -> Iterator[ClassSummary]:
    """Yield the classes of a session, also those retired or merged, and ids nobody has added."""
    classes, by_class = view.known.classes, view.known.by_class
    ids = dict.fromkeys((*(info.id for info in classes.every()), *by_class))
    for id_ in ids:
        info, into = classes.get(id_), classes.resolved(id_)
        yield ClassSummary(
            id=id_,
            name=classes.own_name(id_),
            labels=by_class[id_],
            is_retired=info is not None and info.is_retired,
            merged_into=None if into == id_ else into,
        )


def find_class(classes: Classes, name: str) -> ClassInfo:
    """Return the class with a name or an id, one that can be chosen if there is one.

    Raises
    ------
    UsageError
        There is none, or there are several.
    """
    by_id = classes.get(name)
    if by_id is not None:
        return by_id
    wanted = normal_name(name)
    named = [info for info in classes.every() if info.name == wanted]
    of_them = [info for info in named if classes.is_open(info.id)] or named
    if len(of_them) == 1:
        return of_them[0]
    if of_them:
        ids = " or ".join(info.id for info in of_them)
        raise UsageError(f"{len(of_them)} classes have the name `{wanted}`: give an id, {ids}.")
    names = [info.name for info in classes.every()]
    listed = ", ".join(f"`{inert(known, 40)}`" for known in names[:_MOST_LISTED])
    listed += f" and {len(names) - _MOST_LISTED:,} more" if len(names) > _MOST_LISTED else ""
    raise UsageError(
        f"There is no class `{inert(name, 40)}`.{meant(name, names)} The classes are {listed}."
    )


def add(path: Path, names: Sequence[str]) -> None:
    """Add classes to a session.

    Raises
    ------
    UsageError
        A name cannot be used; nothing has changed.
    SessionFileError, SaveError
        The session cannot be read or written. Other changes raise the same errors.
    """

    def payloads(classes: Classes) -> list[Payload]:
        found = [class_changes.add(classes, name) for name in names]
        if len({one.class_id for one in found}) < len(found):
            raise UsageError("A name is given twice: give each class once.")
        return list(found)

    _change(path, payloads)


def rename(path: Path, old: str, new: str) -> None:
    """Rename a class; its labels stay."""

    def payloads(classes: Classes) -> list[Payload]:
        return [class_changes.rename(classes, find_class(classes, old).id, new)]

    _change(path, payloads)


def merge(path: Path, name: str, into: str) -> None:
    """Make the labels of a class count for another."""

    def payloads(classes: Classes) -> list[Payload]:
        both = find_class(classes, name).id, find_class(classes, into).id
        return [class_changes.merge(classes, *both)]

    _change(path, payloads)


def retire(path: Path, name: str) -> None:
    """Let a class no longer be chosen."""
    _change(path, lambda classes: [class_changes.retire(classes, find_class(classes, name).id)])


def undo(path: Path) -> str:
    """Undo the newest change to the classes, whoever made it; return it in words."""
    words: list[str] = []

    def payloads(classes: Classes) -> list[Payload]:
        event, taken_back = class_changes.undo(classes, _annotator())
        words.append(described(event.payload, classes))
        return [taken_back]

    _change(path, payloads)
    return words[0]


def _annotator() -> str:
    return resolve({}).annotator


def _change(path: Path, payloads: Callable[[Classes], list[Payload]]) -> None:
    """Write events about classes, made from the classes as they are."""
    view = SessionView(path)
    found = payloads(view.known.classes)
    for payload in found:
        if view.about.multi and isinstance(payload, ClassAdded | ClassRenamed):
            class_changes.check_for_sets(payload.name)
    by = _annotator()
    with Journal(view.path, by, view.source) as journal:
        journal.read()
        journal.append(found, by)
