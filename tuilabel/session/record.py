"""What was read of a session: the fold over everybody's events, and where each event lies."""

from __future__ import annotations

from array import array
from collections import Counter, deque
from collections.abc import Callable, Collection, Iterator, Sequence
from itertools import chain
from typing import Protocol, overload

from tuilabel.events.lines import Event, Unknown
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
    Note,
    Opened,
    Skip,
    Undo,
    Window,
    actual_name,
)
from tuilabel.journal.reader import Reader
from tuilabel.session.labels import Labels

BATCHES_KEPT = 1000
"""Batch events of a desk that are read again when it is continued. An undo of an earlier answer
brings its item back in the batch of that moment."""


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
        self._log_numbers: dict[str, int] = {}
        self._log_names: list[str] = []

    def append(self, event: Event) -> int:
        """Add an event; return its number, from 0."""
        log = self._log_numbers.get(event.log)
        if log is None:
            log = self._log_numbers[event.log] = len(self._log_names)
            self._log_names.append(event.log)
        self._places.append(event.place)
        self._logs.append(log)
        return len(self._places) - 1

    def __len__(self) -> int:
        return len(self._places)

    @overload
    def __getitem__(self, number: int) -> Event: ...
    @overload
    def __getitem__(self, number: slice) -> list[Event]: ...
    def __getitem__(self, number: int | slice) -> Event | list[Event]:
        if isinstance(number, slice):
            return [self[one] for one in range(*number.indices(len(self)))]
        return self._read(self._places[number]) or _UNREADABLE

    def number(self, event: Event) -> int:
        """Return the number of an event that was added, from 0."""
        return self._places.index(event.place)

    def log(self, number: int) -> str:
        """Return the name of the log of an event."""
        return self._log_names[self._logs[number]]

    def of_logs(self, logs: Collection[str], start: int = 0) -> Iterator[Event]:
        """Yield the events of some logs, in order, from the one with a number on."""
        wanted = {self._log_numbers[log] for log in logs if log in self._log_numbers}
        if wanted:
            numbers = range(start, len(self._logs))
            yield from (self[n] for n in numbers if self._logs[n] in wanted)


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
        Each event by which a run took a desk.
    batches, begun : dict of str to Event
        The newest batch in each log, and the first event.
    acts : Counter of str
        Number of answers, remarks, decisions, and undos of any of them, by log.
    window : (float, float) or None
        The display window of images of more than 8 bits.
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
        self.window: tuple[float, float] | None = None

    @property
    def source(self) -> str:
        """Where the images were found last."""
        found = self._source.about.source
        for event in self.begun.values():
            assert isinstance(event.payload, Begin)
            found = event.payload.source
        return actual_name(found)

    def apply(self, event: Event) -> None:
        """Take an event into account that was not applied before."""
        number = self.events.append(event)
        self.known.apply(event, number)
        type_ = type(event.payload)
        if type_ in _ACTS:
            self.acts[event.log] += 1
        elif type_ in _ALSO:
            self._take(event, number)

    def _take(self, event: Event, number: int) -> None:
        match event.payload:
            case Batch():
                self.batches[event.log] = event
                self._batches_in.setdefault(event.log, deque(maxlen=BATCHES_KEPT)).append(number)
            case Undo(item=str()):
                self.acts[event.log] += 1
            case Begin():
                self.begun.setdefault(event.log, event)
            case Opened():
                self.opened.append(event)
            case Window(low=low, high=high):
                self.window = low, high

    def about_desks(self) -> Iterator[Event]:
        """Yield the events that say who works at which desk, and what is asked there."""
        yield from self.begun.values()
        yield from self.opened
        yield from self.batches.values()

    def newest_of(self, logs: Collection[str]) -> Iterator[Event]:
        """Yield the events of some logs from the newest `BATCHES_KEPT` batches on, in order."""
        numbers = sorted(chain.from_iterable(self._batches_in.get(log, ()) for log in logs))
        start = numbers[-BATCHES_KEPT] if len(numbers) >= BATCHES_KEPT else 0
        return self.events.of_logs(logs, start)

    @classmethod
    def read(cls, reader: Reader) -> Record:
        """Return the record of a session that was not read before."""
        record = cls(reader)
        with record.known.reading():
            for event in reader.replay():
                record.apply(event)
        if reader.is_in_order:
            return record
        again = cls(reader)
        with again.known.reading():
            for event in reader.in_order(record.events):
                again.apply(event)
        return again


_ALSO = frozenset({Batch, Begin, Opened, Undo, Window})
_ACTS = frozenset({Label, LabelSet, Skip, Flag, Note, Decided, DecidedSet})
