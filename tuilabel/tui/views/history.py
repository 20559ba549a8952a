"""The content of the history screen: events as rows of text, and a filter."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from rich.cells import cell_len

from tuilabel.journal.lines import Event
from tuilabel.journal.payloads import (
    Answer,
    Batch,
    Begin,
    Bulk,
    ClassAdded,
    ClassMerged,
    ClassRenamed,
    Fitted,
    Opened,
    Undo,
)
from tuilabel.session.classes import Classes
from tuilabel.session.labels import Labels
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
    known : Labels
        What everybody said.

    Attributes
    ----------
    widths : dict of str to int
        Cells that the longest text of a field takes, by field.
    """

    def __init__(self, events: Sequence[Event], known: Labels) -> None:
        self._events = events
        self._known = known
        self._by_id: dict[str, int] = {}
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

    def number_of(self, event: Event) -> int:
        """Return the number of an event, from 1."""
        return self._by_id[event.id] + 1

    def place_of(self, event: Event) -> int | None:
        """Return the place of an event in the list; None if the filter leaves it out."""
        for place, index in enumerate(reversed(self._kept)):
            if self._events[index] is event:
                return place
        return None

    def target(self, event: Event) -> Event | None:
        """Return the event that another one refers to, such as the answer that was undone."""
        undo = event.payload
        index = self._by_id.get(undo.event) if isinstance(undo, Undo) else None
        return None if index is None else self._events[index]

    def _holds(self, event: Event) -> bool:
        answer = event.payload
        own = self._known.own(answer.item, event.by) if isinstance(answer, Answer) else None
        return own is not None and own.id == event.id

    def _class_name(self, event: Event | None) -> str | None:
        return None if event is None else class_name(event, self._known.classes)

    def row(self, place: int) -> EventRow:
        """Return the event at a place in words."""
        return self.row_of(self.event(place))

    def row_of(self, event: Event) -> EventRow:
        """Return an event in words."""
        date, time = _date_and_time(event.at)
        target = self.target(event)
        name = self._class_name(event if target is None else target)
        name = "" if name is None else shown_name(name)
        answer = event.payload
        if name and isinstance(answer, Answer) and not self._holds(event):
            name = f"({name})"
        number, ms = getattr(answer, "round", 0), getattr(answer, "ms", None)
        return EventRow(
            f"{self.number_of(event)}",
            date,
            time,
            _kind(event),
            name,
            _who(event),
            f"{number}" if number else "",
            "" if ms is None else f"{ms:,}",
            self._about(event, target),
        )

    def details(self, place: int) -> list[Detail]:
        """Return the details of the event at a place."""
        event, row = self.event(place), self.row(place)
        details = [("event", f"#{row.number} {row.kind}")]
        if row.class_name:
            before = self._before(event) if row.kind == "relabel" else None
            was = "" if before is None else f", was {self._answer(before)}"
            details.append(("class", row.class_name + was))
        if isinstance(event.payload, Answer):
            details.append(("image", row.about))
        elif row.about:
            details.append(("about", row.about))
        if isinstance(event.payload, Fitted) and event.payload.accuracy is not None:
            details.append(("tested", f"on {counted(event.payload.accuracy.n, 'image')}"))
        details.append(("who", row.who + (f", round {row.round}" if row.round else "")))
        if row.ms:
            details.append(("took", f"{row.ms} ms"))
        details.append(("time", f"{row.date} {row.time}".strip()))
        return details

    def _before(self, event: Event) -> Event | None:
        """Return the answer that an image had before an event."""
        item = item_of(event)
        for index in range(self._by_id[event.id] - 1, -1, -1):
            other = self._events[index]
            if isinstance(other.payload, Answer) and other.payload.item == item:
                return other
        return None

    def _answer(self, event: Event) -> str:
        name = self._class_name(event)
        return "a skip" if name is None else shown_name(name)

    def _about(self, event: Event, target: Event | None) -> str:
        """Return where the image is, or what else an event is about."""
        match event.payload:
            case Fitted() as fit:
                return _fit(fit)
            case Batch(items=items):
                return counted(len(items), "image")
            case Opened(settings=settings):
                return f"model {settings.get('model')}, strategy {settings.get('strategy')}"
            case Begin(host=host, program=program):
                return f"on {inert(host, 40)}, tuilabel {inert(program, 20)}"
            case Bulk(count=count, method=method):
                return f"{counted(count, 'label')}, method {inert(str(method), 20)}"
            case ClassAdded(name=name) | ClassRenamed(name=name):
                return inert(name, 80)
            case ClassMerged(into=into):
                return f"into {shown_name(self._known.classes.name(into))}"
            case Undo() if target is not None:
                return f"of #{self.number_of(target)} {_reference(target)}".rstrip()
        return _reference(event)

    def _measure(self, event: Event) -> None:
        """Widen the fields that an event needs more room for."""
        self._longest = max(self._longest, getattr(event.payload, "ms", None) or 0)
        found = self._class_name(event)
        looks = (_kind(event), found, event.by, _origin(event))
        if looks in self._measured:
            return
        self._measured.add(looks)
        # The class of an answer that no longer counts is in brackets.
        name = "" if found is None else f"({shown_name(found)})"
        parts = {"kind": _kind(event), "class_name": name, "who": _who(event)}
        for part, text in parts.items():
            self.widths[part] = max(self.widths[part], cell_len(text))

    def grow(self) -> bool:
        """Add the events that were appended; return whether there were any."""
        before = self._looked_at
        for index in range(before, len(self._events)):
            self._by_id[self._events[index].id] = index
            self._measure(self._events[index])
            if self._lets_through(index):
                self._kept.append(index)
        self._looked_at = len(self._events)
        self.widths["number"] = len(f"{len(self._events)}") if self._events else 0
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


def item_of(event: Event) -> str | None:
    """Return the item that an event is about; None if it is about none."""
    item = getattr(event.payload, "item", None)
    return item if isinstance(item, str) else None


def class_name(event: Event, classes: Classes) -> str | None:
    """Return the name of the class that an event gives or changes; None if there is none."""
    class_id = getattr(event.payload, "class_id", None)
    return classes.name(class_id) if isinstance(class_id, str) else None


def _kind(event: Event) -> str:
    is_relabel = isinstance(event.payload, Answer) and event.payload.relabel
    return "relabel" if is_relabel else _KINDS.get(event.kind, event.kind)


_KINDS = {"class-added": "class", "class-renamed": "rename", "class-merged": "merge"}
"""Shorter words for some kinds of events."""


def _origin(event: Event) -> str:
    return str(getattr(event.payload, "origin", "human"))


def _who(event: Event) -> str:
    origin = _origin(event)
    return inert(event.by if origin == "human" else origin, 40)


def _date_and_time(time: str) -> tuple[str, str]:
    here = local_time(time)
    if here is None:
        return "", inert(time, 8)
    return here.strftime("%m-%d"), here.strftime("%H:%M:%S")


def _reference(event: Event) -> str:
    answer = event.payload
    references = answer.references if isinstance(answer, Answer) else []
    return inert(references[0], 200) if references else ""


def _fit(fit: Fitted) -> str:
    model = f"{fit.model} on {fit.features}"
    return f"{fit.accuracy.value:.1%} right, {model}" if fit.accuracy else model
