"""What the history shows of events, as plain values: rows, and which of them a filter keeps."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import NamedTuple

from rich.cells import cell_len

from tuilabel.journal import Event, EventKind
from tuilabel.text import inert
from tuilabel.tui.text.names import shown_name
from tuilabel.tui.views.values import Detail


class EventRow(NamedTuple):
    """One event in words; empty where it has nothing of a kind to say.

    The class of an answer that no longer holds is in brackets.
    """

    number: str
    date: str
    time: str
    kind: str
    class_name: str
    who: str
    round: str
    ms: str
    about: str


FIELDS = {"kind": "kind", "class": "class_name", "who": "who", "round": "round"}
"""Words before a colon that a filter may have, and the part of a row that each is about."""


class History:
    """The events of a session, the newest first, as far as a filter lets them through.

    Parameters
    ----------
    events : sequence of Event
        All of them in order; it grows.
    holds : callable
        Tells whether an answer still holds.

    Attributes
    ----------
    widths : dict of str to int
        Cells that the longest of all events needs, by parts of a row.
    """

    def __init__(self, events: Sequence[Event], holds: Callable[[Event], bool]) -> None:
        self._events = events
        self._holds = holds
        self._by_uuid: dict[str, int] = {}
        self._texts: list[str] = []
        self._kept: list[int] = []
        self._looked_at = 0
        self.widths = dict.fromkeys(("number", "kind", "class_name", "who", "ms"), 0)
        self._measured: set[tuple[str | None, ...]] = set()
        self._longest = 0
        self._words: tuple[str, ...] = ()
        self.filter = ""
        self.grow()

    def __len__(self) -> int:
        return len(self._kept)

    @property
    def total(self) -> int:
        """How many events there are, whatever the filter."""
        return len(self._events)

    def event(self, place: int) -> Event:
        """Give the event at a place of what is kept, 0 being the newest."""
        return self._events[self._kept[-1 - place]]

    def place_of(self, seq: int) -> int | None:
        """Give where an event is among what is kept."""
        for place, index in enumerate(reversed(self._kept)):
            if self._events[index].seq == seq:
                return place
        return None

    def target(self, event: Event) -> Event | None:
        """Give the event that another is about: what an undo took back, what a label is part of."""
        index = self._by_uuid.get(event.target or "")
        return None if index is None else self._events[index]

    def row(self, place: int) -> EventRow:
        """Put an event into words."""
        return self.row_of(self.event(place))

    def row_of(self, event: Event) -> EventRow:
        """Put an event into words."""
        date, time = _local(event.time)
        name = event.class_name
        if event.kind is EventKind.UNDO:
            target = self.target(event)
            name = target.class_name if target else None
        name = "" if name is None else shown_name(name)
        if name and event.is_answer and not self._holds(event):
            name = f"({name})"
        return EventRow(
            f"{event.seq}",
            date,
            time,
            _kind(event),
            name,
            _who(event),
            f"{event.round}" if event.round else "",
            "" if event.ms is None else f"{event.ms:,}",
            _about(event, self.target(event)),
        )

    def details(self, place: int) -> list[Detail]:
        """Say all that is known of an event."""
        event, row = self.event(place), self.row(place)
        details = [("event", f"#{row.number} {row.kind}")]
        if row.class_name:
            before = self._before(event) if row.kind == "relabel" else None
            was = "" if before is None else f", was {_answer(before)}"
            details.append(("class", row.class_name + was))
        if event.item is not None and event.kind not in (EventKind.UNDO, EventKind.REVERT):
            details.append(("image", row.about))
        elif row.about:
            details.append(("about", row.about))
        accuracy = event.body.get("accuracy")
        if event.kind is EventKind.ROUND and accuracy:
            details.append(("tested", f"on {accuracy['n']:,} images"))
        details.append(("who", row.who + (f", round {row.round}" if row.round else "")))
        if row.ms:
            details.append(("took", f"{row.ms} ms"))
        details.append(("time", f"{row.date} {row.time}".strip()))
        return details

    def _before(self, event: Event) -> Event | None:
        """Give the answer that an image had before another."""
        earlier = (other for other in reversed(self._events) if other.seq < event.seq)
        return next((one for one in earlier if one.item == event.item and one.is_answer), None)

    def _measure(self, event: Event) -> None:
        """Widen what an event needs more room for."""
        self._longest = max(self._longest, event.ms or 0)
        looks = (_kind(event), event.class_name, event.annotator, event.origin)
        if looks in self._measured:
            return
        self._measured.add(looks)
        # A class that no longer holds is in brackets.
        name = "" if event.class_name is None else f"({shown_name(event.class_name)})"
        parts = {"kind": _kind(event), "class_name": name, "who": _who(event)}
        for part, text in parts.items():
            self.widths[part] = max(self.widths[part], cell_len(text))

    def grow(self) -> bool:
        """Take in the events that came since; tell whether there were any."""
        before = self._looked_at
        for index in range(before, len(self._events)):
            self._by_uuid[self._events[index].uuid] = index
            self._measure(self._events[index])
            if self._lets_through(index):
                self._kept.append(index)
        self._looked_at = len(self._events)
        self.widths["number"] = len(f"{self._events[-1].seq}") if self._events else 0
        self.widths["ms"] = len(f"{self._longest:,}")
        return self._looked_at > before

    def narrow(self, text: str) -> None:
        """Keep the events that have all the words of a text.

        A word such as ``kind:skip`` is looked for in one part only, see `FIELDS`; any other in
        all of them.
        """
        words = tuple(text.lower().split())
        before = self._words
        self.filter, self._words = text, words
        longer = len(words) >= len(before) and all(
            new.startswith(old) for new, old in zip(words, before, strict=False)
        )
        # Whoever types on narrows what is there already.
        among = self._kept if longer and ":" not in text else range(len(self._events))
        self._kept = [index for index in among if self._lets_through(index)]

    def _lets_through(self, index: int) -> bool:
        if not self._words:
            return True
        row: EventRow | None = None
        for word in self._words:
            field, colon, value = word.partition(":")
            if colon and field in FIELDS:
                row = row or self.row_of(self._events[index])
                if not getattr(row, FIELDS[field]).lower().strip("()").startswith(value):
                    return False
            elif word not in self._text(index):
                return False
        return True

    def _text(self, index: int) -> str:
        """Give all that is said of an event in small letters; made once, when first looked at."""
        if len(self._texts) <= index:
            self._texts += [""] * (len(self._events) - len(self._texts))
        if not self._texts[index]:
            row = self.row_of(self._events[index])
            self._texts[index] = " ".join(
                (row.kind, row.class_name, row.who, row.date, row.time, row.about)
            ).lower()
        return self._texts[index]


def _kind(event: Event) -> str:
    return "relabel" if event.body.get("relabel") else event.kind.value


def _who(event: Event) -> str:
    return inert(event.annotator if event.origin == "human" else event.origin, 40)


def _answer(event: Event) -> str:
    return "a skip" if event.class_name is None else shown_name(event.class_name)


def _local(time: str) -> tuple[str, str]:
    """Give date and time of day where the annotator is."""
    try:
        here = datetime.fromisoformat(time).astimezone()
    except (ValueError, OverflowError, OSError):  # the journal keeps whatever a clock said
        return "", inert(time, 8)
    return here.strftime("%m-%d"), here.strftime("%H:%M:%S")


def _about(event: Event, target: Event | None) -> str:
    """Say where the image is, or what else an event is about."""
    body = event.body
    match event.kind:
        case EventKind.ROUND:
            return _round(event)
        case EventKind.OPEN:
            return f"model {body.get('model', '–')}, strategy {body.get('strategy', '–')}"
        case EventKind.AUTO_BATCH:
            return f"{body.get('count', 0):,} labels by {inert(str(body.get('method', '')), 20)}"
        case EventKind.UNDO | EventKind.REVERT:
            about = f"takes #{target.seq} back" if target else ""
            return f"{about} {_reference(target)}".rstrip() if target else about
    return _reference(event)


def _reference(event: Event) -> str:
    references = event.body.get("references")
    return inert(str(references[0]), 200) if references and isinstance(references, list) else ""


def _round(event: Event) -> str:
    body = event.body
    if not body.get("model"):
        return "first images chosen"
    said = f"{body['model']} on {body.get('features')}"
    accuracy = body.get("accuracy")
    return f"{accuracy['value']:.1%} right, {said}" if accuracy else said
