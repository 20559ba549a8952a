"""Imported answers, which are lines of a file, as events like any other answer."""

from __future__ import annotations

from tuilabel.events.lines import Event
from tuilabel.events.payloads import IMPORT, Label
from tuilabel.session.answers import Given
from tuilabel.session.labels import Labels


def answer_event(event: Event, known: Labels, item: str, given: Given) -> Event:
    """Return the event with an answer; for an imported one, the event of its file as an answer.

    Parameters
    ----------
    event : Event
        The one whose number the answer has.
    known : Labels
    item : str
    given : Given
    """
    line = known.imported(item, given)
    if line is None:
        return event
    label = Label(
        item=item,
        class_id=line.class_id,
        round=line.round,
        ms=line.ms,
        audit=line.audit,
        reason=line.reason,
        draw=line.draw,
        names=line.names,
        origin=IMPORT,
    )
    return event._replace(by=given.by, at=line.at or event.at, payload=label)
