"""Sessions on disk, and the answers in a session, in order."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tuilabel.events.lines import Event
from tuilabel.events.payloads import About, Answer, ClassAdded, Label, Payload, stored_names
from tuilabel.journal.description import create_session
from tuilabel.journal.journal import Journal
from tuilabel.session import Session
from tuilabel.session.classes import class_id_of


def new_session(
    path: Path,
    *payloads: Payload,
    source: str = "digits",
    classes: Sequence[str] = ("cat", "dog"),
    by: str = "me",
    **about: Any,
) -> list[Event]:
    """Create a session with classes and further events; return all events but the first.

    The first event, which says whose log it is, has the number 1, and the classes follow.
    """
    assert create_session(path, About(uuid="test", source="test", **about))
    with Journal(path, by, source) as journal:
        added = [ClassAdded(class_id_of(name), name) for name in classes]
        return journal.append([*added, *payloads], by)


def label_of(item: str, name: str, *references: str, **more: Any) -> Label:
    """Return a label for an item by the name of its class."""
    return Label(item=item, class_id=class_id_of(name), names=stored_names(references), **more)


def answer_events(session: Session) -> list[Event]:
    """Return the events with a label or a skip, also those that were taken back."""
    return [event for event in session.events if isinstance(event.payload, Answer)]


def answered(session: Session) -> list[str | None]:
    """Return the class names in the answers, None for a skip."""
    return [session.class_name(event) for event in answer_events(session)]


def answer_of(session: Session, item: str) -> tuple[str | None, Answer]:
    """Return the newest answer that agrees with what counts for an item, and its class name."""
    standing = session.known.standing(item)
    assert standing is not None
    event = session.events[standing.given.number]
    assert isinstance(event.payload, Answer)
    return session.class_name(event), event.payload
