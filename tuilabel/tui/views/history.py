"""The content of the history screen: events as rows of text, and a filter."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

from rich.cells import cell_len

from tuilabel.journal import Event, EventKind
from tuilabel.text import counted, inert
from tuilabel.tui.text.names import shown_name
from tuilabel.tui.views.values import Detail, local_time


class EventRow(NamedTuple):
    """One event in words; a field is empty where the event has nothing for it.

    The class of an answer that was replaced or undone is in brackets.
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
"""Words that a filter may have before a colon, and the field of a row that each is about."""


class History:
    """The events of a session that a filter keeps, the newest first.

    Parameters
    ----------
    events : sequence of Event
        All events, oldest first; more may be appended.
    holds : callable
        Returns whether an answer still counts.

    Attributes
    ----------
    widths : dict of str to int
        Cells that the longest text of a field takes, by field.
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
        """The number of all events, with or without a filter."""
        return len(self._events)

    def event(self, place: int) -> Event:
        """Return the event at a place of the list, where 0 is the newest."""
        return self._events[self._kept[-1 - place]]

    def place_of(self, seq: int) -> int | None:
        """Return the place of an event in the list; None if the filter leaves it out."""
        for place, index in enumerate(reversed(self._kept)):
            if self._events[index].seq == seq:
                return place
        return None

    def target(self, event: Event) -> Event | None:
        """Return the event that another one refers to, such as the answer that was undone."""
        index = self._by_uuid.get(event.target or "")
        return None if index is None else self._events[index]

    def row(self, place: int) -> EventRow:
        """Return the event at a place in words."""
        return self.row_of(self.event(place))

    def row_of(self, event: Event) -> EventRow:
        """Return an event in words."""
        date, time = _date_and_time(event.time)
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
        """Return the details of the event at a place."""
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
            details.append(("tested", f"on {counted(accuracy['n'], 'image')}"))
        details.append(("who", row.who + (f", round {row.round}" if row.round else "")))
        if row.ms:
            details.append(("took", f"{row.ms} ms"))
        details.append(("time", f"{row.date} {row.time}".strip()))
        return details

    def _before(self, event: Event) -> Event | None:
        """Return the answer that an image had before an event."""
        earlier = (other for other in reversed(self._events) if other.seq < event.seq)
        return next((one for one in earlier if one.item == event.item and one.is_answer), None)

    def _measure(self, event: Event) -> None:
        """Widen the fields that an event needs more room for."""
        self._longest = max(self._longest, event.ms or 0)
        looks = (_kind(event), event.class_name, event.annotator, event.origin)
        if looks in self._measured:
            return
        self._measured.add(looks)
        # The class of an answer that no longer counts is in brackets.
        name = "" if event.class_name is None else f"({shown_name(event.class_name)})"
        parts = {"kind": _kind(event), "class_name": name, "who": _who(event)}
        for part, text in parts.items():
            self.widths[part] = max(self.widths[part], cell_len(text))

    def grow(self) -> bool:
        """Add the events that were appended; return whether there were any."""
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

        A word such as ``kind:skip`` is searched for in one of the `FIELDS`, any other in all of
        them.
        """
        words = tuple(text.lower().split())
        before = self._words
        self.filter, self._words = text, words
        longer = len(words) >= len(before) and all(
            new.startswith(old) for new, old in zip(words, before, strict=False)
        )
        # More letters of the same words can only narrow the list.
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
        """Return the text of an event in lower case, made when it is first needed."""
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


def _date_and_time(time: str) -> tuple[str, str]:
    here = local_time(time)
    if here is None:
        return "", inert(time, 8)
    return here.strftime("%m-%d"), here.strftime("%H:%M:%S")


def _about(event: Event, target: Event | None) -> str:
    """Return where the image is, or what else an event is about."""
    body = event.body
    match event.kind:
        case EventKind.ROUND:
            return _round(event)
        case EventKind.OPEN:
            return f"model {body.get('model', '–')}, strategy {body.get('strategy', '–')}"
        case EventKind.AUTO_BATCH:
            count = counted(body.get("count", 0), "label")
            return f"{count}, method {inert(str(body.get('method', '')), 20)}"
        case EventKind.UNDO | EventKind.REVERT:
            return f"of #{target.seq} {_reference(target)}".rstrip() if target else ""
    return _reference(event)


def _reference(event: Event) -> str:
    references = event.body.get("references")
    return inert(str(references[0]), 200) if references and isinstance(references, list) else ""


def _round(event: Event) -> str:
    body = event.body
    if not body.get("model"):
        return "first images chosen"
    model = f"{body['model']} on {body.get('features')}"
    accuracy = body.get("accuracy")
    return f"{accuracy['value']:.1%} right, {model}" if accuracy else model
