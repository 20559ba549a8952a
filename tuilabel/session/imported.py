"""Answers about one item as events: also imported ones, and those about a group."""

from __future__ import annotations

from msgspec.structs import replace

from tuilabel.events.lines import Event
from tuilabel.events.payloads import IMPORT, Answer, Label
from tuilabel.session.answers import Given
from tuilabel.session.labels import Labels


def answer_event(event: Event, known: Labels, item: str, given: Given) -> Event:
    """Return the event with an answer, as if that were about this item alone.

    For an imported one, it is the event of its file as an answer.

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
        payload = event.payload
        if not (isinstance(payload, Answer) and payload.frames):
            return event
        frames = {frame.item: frame.names for frame in payload.frames}
        names = frames.get(item, payload.names)
        return event._replace(payload=replace(payload, item=item, names=names, frames=()))
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
