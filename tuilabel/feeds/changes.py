"""What changes in a session, as lines of JSON for other programs."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from typing import Any

from tuilabel.events.lines import Event
from tuilabel.events.payloads import (
    SUGGESTED,
    Answer,
    Bulk,
    Carried,
    ClassAdded,
    ClassMerged,
    ClassRenamed,
    ClassRetired,
    Payload,
    Settled,
    Skip,
    Undo,
)
from tuilabel.session.class_sets import decoded, is_set, said
from tuilabel.session.view import SessionView

Line = dict[str, Any]

_CHANGES = {
    ClassAdded: "added",
    ClassMerged: "merged",
    ClassRenamed: "renamed",
    ClassRetired: "retired",
}


def gap(count: int) -> bytes:
    """Return the line in place of lines that were dropped."""
    return _encoded({"kind": "gap", "count": count})


def lines_of(events: Iterable[Event], view: SessionView) -> Iterator[bytes]:
    """Yield the lines about some events, of which the session knows.

    Parameters
    ----------
    events : iterable of Event
    view : SessionView
        What is known with all of them.
    """
    changes = Changes(view)
    for event in events:
        for line in changes.of(event):
            yield _encoded(line)


def _encoded(line: Line) -> bytes:
    # In ASCII, which can express any file name.
    return (json.dumps(line) + "\n").encode("ascii")


class Changes:
    """Describes events of a session.

    Parameters
    ----------
    view : SessionView
    """

    def __init__(self, view: SessionView) -> None:
        self._view, self._known = view, view.known
        self._is_multi = view.about.multi

    def of(self, event: Event) -> Iterator[Line]:
        """Yield a line for each item that an event is about, or one for the event."""
        payload = event.payload
        match payload:
            case Answer():
                for item, references in payload.places():
                    kind = self._kind(event, item)
                    yield self._about(event, kind, item, said(payload), references)
            case Settled():
                for item in payload.items:
                    yield self._about(event, "relabel", item, said(payload))
            case Undo(item=None):
                yield from self._undone(event, payload)
            case Undo():
                for item in payload.items:
                    if (found := self._known.find(payload.event, item)) is not None:
                        line = self._about(event, "undo", item, found.class_id)
                        yield {**line, "undone": payload.event}
            case Bulk(origin=origin, count=count) if origin != SUGGESTED:
                yield {**self._line(event, "bulk"), "origin": origin, "count": count}
            case Carried(pairs=pairs):
                yield {**self._line(event, "bulk"), "origin": "carried", "count": len(pairs)}
            case _ if type(payload) in _CHANGES:
                yield {**self._line(event, "class"), **self._class(payload)}

    def _kind(self, event: Event, item: str) -> str:
        if isinstance(event.payload, Skip):
            return "skip"
        earlier = (
            given.class_id is not None and self._known.stands(given)
            for given in self._known.every(item)
            if given.by == event.by and (given.t, given.id) < (event.t, event.id)
        )
        return "relabel" if any(earlier) else "label"

    def _line(self, event: Event, kind: str) -> Line:
        return {"kind": kind, "event_id": event.id, "annotator": event.by, "time": event.at}

    def _about(
        self,
        event: Event,
        kind: str,
        item: str,
        class_id: str | None,
        references: list[str] | None = None,
    ) -> Line:
        if references is None:
            is_known = bool(self._known.every(item))  # another desk's log may be missing
            references = [self._view.reference(item)] if is_known else []
        name, id_ = self._named(class_id)
        return {
            **self._line(event, kind),
            "item_id": item,
            "reference": references[0] if references else "",
            "class": name,
            "class_id": id_,
            "now": self._now(item),
        }

    def _named(self, class_id: str | None) -> tuple[Any, Any]:
        """Return the name and the id of a class; in a session of several, those of a set."""
        if class_id is None:
            return None, None
        name, class_id = self._known.classes.written_name, self._known.classes.resolved(class_id)
        if not self._is_multi and not is_set(class_id):
            return name(class_id), class_id
        ids = sorted(decoded(class_id).chosen, key=name)
        return [*map(name, ids)], ids

    def _now(self, item: str) -> Any:
        """Return the class in effect; None if there is none, or annotators disagree."""
        standing = self._known.standing(item)
        if standing is None:
            auto = self._known.auto_label(item)
            return None if auto is None else self._named(auto.class_id)[0]
        return None if standing.is_disputed else self._named(standing.class_id)[0]

    def _class(self, payload: Payload) -> Line:
        classes = self._known.classes
        id_ = getattr(payload, "class_id", "")
        line = {"change": _CHANGES[type(payload)], "class": classes.own_name(id_), "class_id": id_}
        if isinstance(payload, ClassMerged):
            line |= {"into": classes.own_name(payload.into), "into_id": payload.into}
        return line

    def _undone(self, event: Event, payload: Undo) -> Iterator[Line]:
        """Yield a line about what was taken back and is about no single item."""
        line = {**self._line(event, "undo"), "undone": payload.event}
        undone = self._known.classes.event(payload.event)
        if undone is None:
            yield line
        elif type(undone.payload) in _CHANGES:
            yield {**line, **self._class(undone.payload)}
