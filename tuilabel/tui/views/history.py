"""The content of the history screen: events as rows of text, and a filter."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

from rich.cells import cell_len

from tuilabel.events.lines import Event, order_of
from tuilabel.events.payloads import (
    LONGEST_NOTE,
    Adopted,
    Answer,
    Batch,
    Begin,
    Bulk,
    Carried,
    ClassAdded,
    ClassMerged,
    ClassRenamed,
    ClassRestyled,
    Ended,
    Fitted,
    Flag,
    Moved,
    Note,
    Opened,
    Remark,
    Settled,
    Skip,
    SpotCheck,
    Suggestion,
    Undo,
    Window,
    actual_name,
)
from tuilabel.session.answers import Given
from tuilabel.session.class_sets import said
from tuilabel.session.classes import CLASS_EVENTS
from tuilabel.session.imported import answer_event
from tuilabel.session.labels import Labels
from tuilabel.session.undoing import bulk_text, counts
from tuilabel.text import counted, inert
from tuilabel.tui.text.names import shown_name
from tuilabel.tui.views.values import Detail, local_time


class EventRow(NamedTuple):
    """One event in words; a field is empty where the event has nothing for it.

    A skip has its reason in place of a class. The class of an answer that was replaced or undone is
    in brackets. Classes and annotators of a dispute have commas between them.
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


class Facts(NamedTuple):
    """What filters by field ask of an event: it is kept, since an event is read from its file.

    Attributes
    ----------
    kind : str
    class_id : str or None
        Of an undo, the class of what it took back.
    who, round, why : str
        The last is the reason of a skip.
    is_hidden : bool
        Whether it is the program's own.
    """

    kind: str
    class_id: str | None
    who: str
    round: str
    why: str
    is_hidden: bool


FIELDS = {"kind": "kind", "class": "class_name", "who": "who", "round": "round", "why": "why"}
"""Words that a filter may have before a colon, and the field of a row that each is about."""

DISPUTES = "is:disputed"
"""The word of a filter that lists disputes instead of events."""

FLAGGED, NOTED = "is:flagged", "is:noted"
"""Words that list the images with a flag, and those with a note, each by the event about it."""

_LISTS = frozenset({DISPUTES, FLAGGED, NOTED})

_LONGEST_NAME = 40
"""Characters of the name of an annotator."""

_UNDOABLE = (Answer, Settled, *CLASS_EVENTS)
"""Payloads whose class, or reason, is in brackets where they are not in effect."""

_OF_THE_PROGRAM = (Begin, Opened, Batch, Ended, Window, Suggestion)
"""Payloads of events that nobody did; a filter by kind lists them."""


class History:
    """What people and models did in a session, as far as a filter keeps it, the newest first.

    The program's own events are listed by a filter such as ``kind:batch`` alone. With `DISPUTES` in
    the filter there is one row for each dispute, at the place of the newest answer; with `FLAGGED`
    or `NOTED` there are the flags, or each image's newest note, in effect.

    Parameters
    ----------
    events : sequence of Event
        All events, oldest first; more may be appended.
    known : Labels
        What everybody said.
    reader : str
        Who reads it: where nobody else did anything, it does not matter who did what.
    find : callable, optional
        Returns an event by its number, from 0; None as long as it is not read. By default all are.
    """

    def __init__(
        self,
        events: Sequence[Event],
        known: Labels,
        reader: str = "",
        find: Callable[[int], Event | None] | None = None,
    ) -> None:
        self._events = events
        self._event = find or events.__getitem__
        self._known = known
        self._by_id: dict[str, int] = {}
        self._texts: list[str] = []
        self._kept: list[int] = []
        self._looked_at = 0
        self._longest = dict.fromkeys(("kind", "class_name", "who"), 0)
        self._facts: list[Facts] = []
        self._same: dict[Facts, Facts] = {}
        self._names: set[str] = set()
        self._reader = shown_name(reader, _LONGEST_NAME)
        self._slowest = 0
        self._programs = 0
        self._all_read = True
        self._words: tuple[str, ...] = ()
        self.filter = ""
        self.grow()

    def __len__(self) -> int:
        return len(self._kept)

    @property
    def share(self) -> float:
        """The share of the events that were looked at, 0 to 1."""
        return self._looked_at / max(len(self._events), 1)

    @property
    def total(self) -> int:
        """The number of events that are not the program's own, with or without a filter."""
        return self._looked_at - self._programs

    @property
    def shows_disputes(self) -> bool:
        """Whether there is a row for each dispute instead of each event."""
        return DISPUTES in self._words

    @property
    def widths(self) -> dict[str, int]:
        """Cells that the longest text of a field takes, by field; 0 for one that says nothing."""
        number = len(f"{self._looked_at}")
        if self.shows_disputes:
            kind = len("dispute")
            return {**dict.fromkeys(EventRow._fields, 0), "number": number, "kind": kind}
        widths = {**self._longest, "number": number, "ms": len(f"{self._slowest:,}")}
        if self._names <= {self._reader}:
            widths["who"] = 0
        return widths

    def event(self, place: int) -> Event | None:
        """Return the event at a place of the list, where 0 is the newest; None if unread."""
        return self._event(self._kept[-1 - place])

    def place_of_dispute(self, item: str) -> int | None:
        """Return the place of a dispute in the list; None if the filter leaves it out."""
        standing = self._known.disputed.get(item)
        return None if standing is None else self._place(standing.given.number)

    def number_of(self, event: Event) -> int:
        """Return the number of an event, from 1."""
        return self._by_id[event.id] + 1

    def place_of(self, event: Event) -> int | None:
        """Return the place of an event in the list; None if the filter leaves it out."""
        return self._place(self._by_id.get(event.id))

    def _place(self, number: int | None) -> int | None:
        places = enumerate(reversed(self._kept))
        return next((place for place, index in places if index == number), None)

    def item_of(self, event: Event) -> str | None:
        """Return the item that an event is about: of a group, among disputes, a disputed frame."""
        items = list(map(self._known.carries.end, items_of(event)))
        if self.shows_disputes:
            items = [item for item in items if item in self._known.disputed] or items
        return items[0] if items else None

    def target(self, event: Event) -> Event | None:
        """Return the event that another one refers to, such as the answer that was undone."""
        undo = event.payload
        index = self._by_id.get(undo.event) if isinstance(undo, Undo) else None
        return None if index is None else self._event(index)

    def _class_name(self, event: Event) -> str | None:
        """Return the name of the class that an event gives or changes; None if there is none."""
        class_id = _class_id(event)
        return None if class_id is None else self._known.classes.name(class_id)

    def said(self, item: str) -> str:
        """Return who said what about a disputed item."""
        return ", ".join(f"{by}: {name}" for by, name in self._votes(item))

    def _votes(self, item: str) -> list[tuple[str, str]]:
        name = self._known.classes.name
        return [
            (shown_name(vote.by, _LONGEST_NAME), shown_name(name(vote.class_id or "")))
            for vote in self._known.votes(item)
        ]

    def row(self, place: int) -> EventRow:
        """Return the event at a place in words; only some of them as long as it is not read."""
        event = self.event(place)
        if event is not None:
            return self.row_of(event)
        index = self._kept[-1 - place]
        facts = self._facts[index]
        name = self._name_of(facts)
        return EventRow(f"{index + 1}", "", "", facts.kind, name, facts.who, facts.round, "", "…")

    def row_of(self, event: Event) -> EventRow:
        """Return an event in words."""
        item = self.item_of(event)
        if self.shows_disputes and item in self._known.disputed:
            return self._dispute(event, item)
        date, time = _date_and_time(event.at)
        target = self.target(event)
        name = self._class_name(event if target is None else target)
        answer = event.payload
        if isinstance(answer, Skip):
            name = answer.why
        name = "" if name is None else shown_name(name)
        if name and isinstance(answer, _UNDOABLE) and not counts(event, self._known):
            name = f"({name})"
        ms = getattr(answer, "ms", None)
        return EventRow(
            f"{self.number_of(event)}",
            date,
            time,
            _kind(event),
            name,
            _who(event),
            _round(event),
            "" if ms is None else f"{ms:,}",
            self._about(event, target),
        )

    def _dispute(self, event: Event, item: str) -> EventRow:
        date, time = _date_and_time(event.at)
        votes = self._votes(item)
        names = ", ".join(dict.fromkeys(name for _, name in votes))
        who = ", ".join(by for by, _ in votes)
        about = f"{self.said(item)}   {self._reference(item)}"
        number = f"{self.number_of(event)}"
        return EventRow(number, date, time, "dispute", names, who, "", "", about)

    def details(self, place: int) -> list[Detail]:
        """Return the details of the event at a place; none as long as it is not read."""
        event = self.event(place)
        if event is None:
            return []
        row = self.row_of(event)
        details = [("event", f"#{row.number} {row.kind}")]
        item = self.item_of(event)
        decision = None if item is None else self._known.decision(item)
        if item in self._known.disputed:
            details.append(("disputed", self.said(item)))
        elif decision is not None and not isinstance(event.payload, Settled):
            name = shown_name(self._known.classes.name(decision.class_id))
            details.append(("decided", f"{name}, by {shown_name(decision.by, _LONGEST_NAME)}"))
        if row.kind == "dispute":
            return [*details, ("image", self._reference(item)), ("time", f"{row.date} {row.time}")]
        details += self.remarks(item)
        if row.class_name and isinstance(event.payload, Skip):
            details.append(("reason", row.class_name))
        elif row.class_name:
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

    def remarks(self, item: str | None) -> Iterator[Detail]:
        """Yield who flagged an item, and every note about it."""
        remarks = self._known.remarks
        if item is not None:
            flag = remarks.flagged.get(item)
            if flag is not None:
                yield "flagged", f"by {shown_name(flag.by, _LONGEST_NAME)}"
            for note in remarks.notes(item):
                yield (
                    "note",
                    f"{shown_name(note.by, _LONGEST_NAME)}: {inert(note.text or '', LONGEST_NOTE)}",
                )

    def _before(self, event: Event) -> Event | None:
        """Return the answer that an image had before an event."""
        item = item_of(event)
        answers = () if item is None else self._known.every(item)
        before = [given for given in answers if (given.t, given.id) < order_of(event)]
        return None if item is None or not before else self._answer_event(before[-1])

    def _answer_event(self, given: Given) -> Event | None:
        event = self._event(given.number)
        return None if event is None else answer_event(event, self._known, given)

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
            case Bulk() as bulk:
                method = f", method {inert(bulk.method, 20)}" if bulk.method else ""
                return bulk_text(bulk) + method
            case ClassAdded(key=key):
                return f"key {inert(key, 20)}" if key else ""
            case ClassRenamed(name=name):
                return f"to {shown_name(name)}"
            case ClassMerged(into=into):
                return f"into {shown_name(self._known.classes.name(into))}"
            case ClassRestyled(key=key):
                return f"key {inert(key, 20)}"
            case Carried(pairs=pairs):
                what = f"{counted(len(pairs), 'file')} with other metadata"
                return what if counts(event, self._known) else f"({what})"
            case SpotCheck(items=drawn, units=units):
                return f"{len(drawn):,} of {units:,} drawn at random"
            case Moved(source=source, names=names):
                return f"{counted(len(names), 'file')} to {inert(actual_name(source), 200)}"
            case Adopted(uuid=uuid):
                return f"session {inert(uuid, 40)}"
            case Note(text=text):
                said = inert(text, LONGEST_NOTE) if text else "removed"
                here = said if counts(event, self._known) else f"({said})"
                return f"{here}   {self._reference_of(event)}".rstrip()
            case Undo() if target is not None:
                return f"of #{self.number_of(target)} {self._reference_of(target)}".rstrip()
        return self._reference_of(event)

    def _reference_of(self, event: Event) -> str:
        """Return the name of the image that an event is about."""
        if isinstance(event.payload, Answer | Remark):
            more = len(getattr(event.payload, "frames", ()))
            frames = f" and {counted(more, 'frame')} more" if more else ""
            return inert(next(iter(event.payload.references), ""), 200) + frames
        return self._reference(item_of(event))

    def _reference(self, item: str | None) -> str:
        """Return the name under which an item was answered last."""
        answers = () if item is None else self._known.every(item)
        answer = self._answer_event(answers[-1]) if answers else None
        return "" if answer is None else self._reference_of(answer)

    def _measure(self, facts: Facts) -> None:
        """Widen the fields that an event needs more room for."""
        self._names.add(facts.who)
        # The class of an answer that no longer counts is in brackets.
        name = self._name_of(facts) if facts.class_id else shown_name(facts.why)
        name = f"({name})" if name else ""
        for part, text in {"kind": facts.kind, "class_name": name, "who": facts.who}.items():
            self._longest[part] = max(self._longest[part], cell_len(text))

    def _facts_of(self, event: Event) -> Facts:
        index = self._by_id.get(event.payload.event) if isinstance(event.payload, Undo) else None
        class_id = _class_id(event)
        if index is not None and index < len(self._facts):
            class_id = self._facts[index].class_id
        is_hidden = isinstance(event.payload, _OF_THE_PROGRAM)
        why = event.payload.why if isinstance(event.payload, Skip) else ""
        return Facts(_kind(event), class_id, _who(event), _round(event), why, is_hidden)

    def grow(self) -> bool:
        """Add the events that were appended, as far as they are read; return whether any were."""
        before, count = self._looked_at, len(self._events)
        for index in range(before, count):
            event = self._event(index)
            if event is None:
                count = index
                break
            self._by_id[event.id] = index
            facts = self._facts_of(event)
            # Most events share these with others.
            known = self._same.setdefault(facts, facts)
            self._facts.append(known)
            self._slowest = max(self._slowest, getattr(event.payload, "ms", None) or 0)
            self._programs += facts.is_hidden
            if known is facts and not facts.is_hidden:
                self._measure(facts)
        self._looked_at = count
        listed = self._listed()
        if listed is not None:
            self._kept = [index for index in listed if self._lets_through(index)]
        else:
            self._kept += [index for index in range(before, count) if self._lets_through(index)]
        return count > before

    def _listed(self) -> list[int] | None:
        """Return the events of the lists that the filter asks for; None if it asks for none."""
        known = self._known
        if self.shows_disputes:
            numbers = sorted({standing.given.number for standing in known.disputes.values()})
            return [number for number in numbers if number < self._looked_at]
        lists = {FLAGGED: known.remarks.flagged, NOTED: known.remarks.noted}
        wanted = [lists[word] for word in lists if word in self._words]
        if not wanted:
            return None
        items = set(wanted[0]).intersection(*wanted)
        numbers = sorted(remarks[item].number for remarks in wanted for item in items)
        return [number for number in numbers if number < self._looked_at]

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
        among: Sequence[int] = range(self._looked_at)
        all_read, self._all_read = self._all_read, True
        listed = self._listed()
        if listed is not None:
            among = listed
        elif longer and ":" not in text and all_read:
            # More letters of the same words can only narrow the list.
            among = self._kept
        self._kept = [index for index in among if self._lets_through(index)]

    def arrived(self, numbers: range) -> None:
        """Take events into account that were read, while they are in memory."""
        if any(":" not in word for word in self._words):
            for index in range(numbers.start, min(numbers.stop, self._looked_at)):
                self._text(index)
        self.grow()

    def _lets_through(self, index: int) -> bool:
        is_hidden = self._facts[index].is_hidden
        for word in self._words:
            field, colon, value = word.partition(":")
            if colon and field in FIELDS:
                texts = self._field(index, FIELDS[field]).lower().split(", ")
                if not any(text.startswith(value) for text in texts):
                    return False
                is_hidden = is_hidden and field != "kind"
            elif word not in _LISTS and word not in self._text(index):
                return False
        return not is_hidden

    def _field(self, index: int, field: str) -> str:
        """Return a field of a row, without brackets; no event is read for it."""
        if self.shows_disputes and field in EventRow._fields:
            event = self._read(index)
            return "" if event is None else str(getattr(self.row_of(event), field))
        facts = self._facts[index]
        return self._name_of(facts) if field == "class_name" else str(getattr(facts, field))

    def _name_of(self, facts: Facts) -> str:
        return shown_name(self._known.classes.name(facts.class_id)) if facts.class_id else ""

    def _read(self, index: int) -> Event | None:
        """Return an event for the filter, and note if it is not read."""
        event = self._event(index)
        self._all_read = self._all_read and event is not None
        return event

    def _text(self, index: int) -> str:
        """Return the text of an event in lower case, made when it is first needed and read."""
        if len(self._texts) <= index:
            self._texts += [""] * (self._looked_at - len(self._texts))
        if self._texts[index] and not self.shows_disputes:
            return self._texts[index]
        event = self._read(index)
        if event is None:
            return ""
        row = self.row_of(event)
        if self.shows_disputes:
            return f"{row.date} {row.time} {row.about}".lower()
        parts = (row.kind, row.class_name, row.who, row.date, row.time, row.about)
        self._texts[index] = " ".join(parts).lower()
        return self._texts[index]


def item_of(event: Event) -> str | None:
    """Return the item that an event is about; None if it is about none."""
    item = getattr(event.payload, "item", None)
    return item if isinstance(item, str) else None


def items_of(event: Event) -> list[str]:
    """Return every item that an event is about."""
    payload = event.payload
    if isinstance(payload, Answer | Undo | Settled):
        return list(payload.items)
    item = item_of(event)
    return [] if item is None else [item]


def _class_id(event: Event) -> str | None:
    """Return the class that an event is about, or the set of an answer."""
    found = said(event.payload)
    return getattr(event.payload, "class_id", None) if found is None else found


def _kind(event: Event) -> str:
    if isinstance(event.payload, Flag) and not event.payload.is_set:
        return "unflag"
    is_relabel = isinstance(event.payload, Answer) and event.payload.relabel
    return "relabel" if is_relabel else _KINDS.get(event.kind, event.kind)


_KINDS = {
    "label-set": "label",
    "decided-set": "decided",
    "class-added": "class",
    "class-renamed": "rename",
    "class-merged": "merge",
    "class-retired": "retire",
    "class-restyled": "key",
    "adopted": "merge",
    "spot-check": "check",
}
"""Shorter words for some kinds of events."""


def _origin(event: Event) -> str:
    return str(getattr(event.payload, "origin", "human"))


def _who(event: Event) -> str:
    origin = _origin(event)
    return shown_name(event.by if origin == "human" else origin, _LONGEST_NAME)


def _round(event: Event) -> str:
    number = getattr(event.payload, "round", 0)
    return f"{number}" if number else ""


def _date_and_time(time: str) -> tuple[str, str]:
    here = local_time(time)
    if here is None:
        return "", inert(time, 8)
    return here.strftime("%m-%d"), here.strftime("%H:%M:%S")


def _fit(fit: Fitted) -> str:
    model = f"{fit.model} on {fit.features}"
    what = "of whole sets right" if fit.tallies else "right"
    return f"{fit.accuracy.value:.1%} {what}, {model}" if fit.accuracy else model
