"""What was read of a session: the fold over everybody's events, and where each event lies."""

from __future__ import annotations

from array import array
from bisect import insort
from collections import Counter, deque
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from itertools import chain, islice
from typing import Protocol, overload

from tuilabel.events.lines import Event, Unknown, order_of
from tuilabel.events.payloads import (
    About,
    Batch,
    Begin,
    Bulk,
    BulkLine,
    Decided,
    DecidedSet,
    Flag,
    Label,
    LabelSet,
    Moved,
    Note,
    Opened,
    Skip,
    Undo,
    Window,
    actual_name,
)
from tuilabel.journal.reader import Reader
from tuilabel.session.answers import Numbers
from tuilabel.session.labels import Labels

BATCHES_KEPT = 300
"""Batch events of a desk that are read again when it is continued. An undo of an earlier answer
brings its item back in the batch of that moment."""


EVENTS_KEPT = 2000
"""Events in memory: an undo needs no file for the answers of the last hours."""

_TOGETHER = 64
"""Events that are taken into account together."""


class EventSource(Protocol):
    """The part of a journal that a record needs."""

    @property
    def about(self) -> About:
        """The description of the session."""

    def event(self, place: int) -> Event | None:
        """Return an event from its place; None if its file is no longer there."""

    def bulk_lines(self, bulk: Bulk) -> Sequence[BulkLine]:
        """Return the lines of a bulk file."""


class Events(Sequence[Event]):
    """The events of a session in the order in which they were read, each read from its file again.

    Parameters
    ----------
    read : callable
        Returns an event from its place.
    """

    def __init__(self, read: Callable[[int], Event | None]) -> None:
        self._read = read
        self._places = array("q")
        self._logs = array("I")
        self._log_numbers: Numbers[str] = Numbers()
        self._in_memory: dict[int, Event] = {}

    def extend(self, events: Iterable[Event]) -> None:
        """Add events, whose numbers follow those of the events before."""
        self._places.extend([event.place for event in events])
        self._logs.extend([self._log_numbers[event.log] for event in events])

    def keep(self, number: int, event: Event) -> None:
        """Keep an event in memory, and as many of those that were kept last."""
        self._in_memory[number] = event
        if len(self._in_memory) > EVENTS_KEPT:
            del self._in_memory[next(iter(self._in_memory))]

    def in_memory(self, number: int) -> Event | None:
        """Return an event if no file has to be read for it."""
        return self._in_memory.get(number)

    def __len__(self) -> int:
        return len(self._places)

    @overload
    def __getitem__(self, number: int) -> Event: ...
    @overload
    def __getitem__(self, number: slice) -> list[Event]: ...
    def __getitem__(self, number: int | slice) -> Event | list[Event]:
        if isinstance(number, slice):
            return [self[one] for one in range(*number.indices(len(self)))]
        return self.in_memory(number) or self._read(self._places[number]) or _UNREADABLE

    def number(self, event: Event) -> int:
        """Return the number of an event that was added, from 0."""
        return self._places.index(event.place)

    def log(self, number: int) -> str:
        """Return the name of the log of an event."""
        return self._log_numbers.things[self._logs[number]]

    def of_logs(self, logs: Collection[str], start: int = 0) -> Iterator[Event]:
        """Yield the events of some logs, from the one with a number on; the last stay in memory."""
        wanted = {self._log_numbers[log] for log in logs if log in self._log_numbers}
        if wanted:
            for number in range(start, len(self._logs)):
                if self._logs[number] in wanted:
                    event = self[number]
                    self.keep(number, event)
                    yield event


_UNREADABLE = Event("", 0, 0, "", "", Unknown(kind="unreadable"))
"""In place of an event whose file has been removed or damaged since it was read."""


class Record:
    """Everything that was read of a session.

    Parameters
    ----------
    source : EventSource

    Attributes
    ----------
    events : Events
    known : Labels
        What everybody said.
    opened : list of Event
        Each event by which a run took a desk, in order.
    batches, begun : dict of str to Event
        The newest batch in each log, and the first event.
    acts : Counter of str
        Number of answers, remarks, decisions, and undos of any of them, by log.
    moves : list of Event
        Each event by which files were moved out of the source.
    has_sought : bool
        Whether any desk has looked for a class.
    """

    def __init__(self, source: EventSource) -> None:
        self._source = source
        self.events = Events(source.event)
        self.known = Labels(source.bulk_lines, multi=source.about.multi)
        self.opened: list[Event] = []
        self.batches: dict[str, Event] = {}
        self.begun: dict[str, Event] = {}
        self.acts: Counter[str] = Counter()
        self._batches_in: dict[str, deque[int]] = {}
        self._window: Event | None = None
        self.moves: list[Event] = []
        self.has_sought = False

    @property
    def source(self) -> str:
        """Where the images were found last."""
        found = self._source.about.source
        if self.begun:
            begin = max(self.begun.values(), key=order_of).payload
            assert isinstance(begin, Begin)
            found = begin.source
        return actual_name(found)

    @property
    def window(self) -> tuple[float, float] | None:
        """The display window of images of more than 8 bits."""
        window = None if self._window is None else self._window.payload
        return (window.low, window.high) if isinstance(window, Window) else None

    @property
    def moved(self) -> dict[str, str]:
        """The item ids of files that were moved out of the source, by their absolute paths."""
        found: dict[str, str] = {}
        for event in self.moves:
            if isinstance(event.payload, Moved) and not self.known.is_undone(event.id):
                found |= event.payload.places()
        return found

    def apply(self, event: Event) -> None:
        """Take an event into account that was not applied before, and keep it in memory."""
        self.events.keep(len(self.events), event)
        self.extend([event])

    def extend(self, events: Iterable[Event]) -> None:
        """Take events into account that were not applied before."""
        events = iter(events)
        while part := list(islice(events, _TOGETHER)):
            first = len(self.events)
            self.events.extend(part)
            self.known.extend(part, first)
            self.acts.update([event.log for event in part if type(event.payload) in _ACTS])
            for number, event in enumerate(part, first):
                if type(event.payload) in _ALSO:
                    self._take(event, number)
        self.known.count_added()

    def _take(self, event: Event, number: int) -> None:
        match event.payload:
            case Batch(sought=sought):
                self.has_sought |= bool(sought)
                before = self.batches.get(event.log, event)
                self.batches[event.log] = max(event, before, key=order_of)
                self._batches_in.setdefault(event.log, deque(maxlen=BATCHES_KEPT)).append(number)
            case Undo(item=str()):
                self.acts[event.log] += 1
            case Begin():
                before = self.begun.get(event.log, event)
                self.begun[event.log] = min(event, before, key=order_of)
            case Opened():
                insort(self.opened, event, key=order_of)
            case Moved():
                insort(self.moves, event, key=order_of)
            case Window():
                self._window = max(event, self._window or event, key=order_of)

    def newest_of(self, logs: Collection[str]) -> list[Event]:
        """Return the events of some logs from the newest `BATCHES_KEPT` batches on, in order."""
        numbers = sorted(chain.from_iterable(self._batches_in.get(log, ()) for log in logs))
        start = numbers[-BATCHES_KEPT] if len(numbers) >= BATCHES_KEPT else 0
        return sorted(self.events.of_logs(logs, start), key=order_of)

    @classmethod
    def read(cls, reader: Reader, note: Callable[[Event], object] | None = None) -> Record:
        """Return the record of a session that was not read before.

        Parameters
        ----------
        reader : Reader
        note : callable, optional
            Called with each event as it is read.
        """
        record = cls(reader)
        with record.known.reading():
            record.extend(reader.replay() if note is None else _noted(reader.replay(), note))
        if reader.is_in_order:
            return record
        again = cls(reader)
        with again.known.reading():
            again.extend(reader.in_order(record.events))
        return again


def _noted(events: Iterable[Event], note: Callable[[Event], object]) -> Iterator[Event]:
    for event in events:
        note(event)
        yield event


_ALSO = frozenset({Batch, Begin, Moved, Opened, Undo, Window})
_ACTS = frozenset({Label, LabelSet, Skip, Flag, Note, Decided, DecidedSet})
