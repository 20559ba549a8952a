"""The answers in a session, in order."""

from __future__ import annotations

from tuilabel.journal.lines import Event
from tuilabel.journal.payloads import Answer
from tuilabel.session import Session


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
