"""Answers about one item as events: also imported ones, and those about a group."""

from __future__ import annotations

from msgspec.structs import replace

from tuilabel.events.lines import Event
from tuilabel.events.payloads import IMPORT, Answer
from tuilabel.session.answers import Given
from tuilabel.session.class_sets import label_of, said
from tuilabel.session.labels import Labels


def answer_event(event: Event, known: Labels, given: Given) -> Event:
    """Return the event with an answer, as if that were about one item alone.

    For an imported one, it is the event of its file as an answer.

    Parameters
    ----------
    event : Event
        The one whose number the answer has.
    known : Labels
    given : Given
    """
    line = known.imported(given)
    if line is None:
        payload = event.payload
        if not (isinstance(payload, Answer) and payload.frames):
            return event
        frames = {frame.item: frame for frame in payload.frames}
        one = frames.get(given.item, payload)
        about = {"item": given.item, "names": one.names, "pixels": one.pixels}
        return event._replace(payload=replace(payload, **about, frames=()))
    label = label_of(
        said(line) or "",
        item=given.item,
        round=line.round,
        ms=line.ms,
        audit=line.audit,
        reason=line.reason,
        draw=line.draw,
        names=line.names,
        origin=IMPORT,
    )
    return event._replace(by=given.by, at=line.at or event.at, payload=label)
