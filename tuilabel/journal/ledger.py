"""The state of a session as a fold over its events."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from itertools import islice
from typing import NamedTuple, Self

from tuilabel.journal.events import Event, EventKind


class AutoBatch(NamedTuple):
    """Auto-labels that were written together and are taken back together.

    Attributes
    ----------
    header : Event
        The `autobatch` event, whose uuid a revert names.
    written, held : int
        Number of auto-labels in the batch, and of those in effect: no annotator has answered the
        item, and no later batch has labelled it again.
    """

    header: Event
    written: int
    held: int


class Ledger:
    """The answers and auto-labels in effect after a sequence of events, and the rounds.

    Events are applied in the order of their numbers. Their times play no part, because clocks may
    go backwards.

    The answer in effect for an item is the latest label or skip by an annotator that was not taken
    back. Auto-labels are kept apart and change no count of answers. An auto-label is in effect
    while no annotator has answered its item, its batch is not reverted, and no later batch has
    labelled the item.

    Attributes
    ----------
    events : list of Event
        All of them, in order.
    rounds : list of Event
    opened : Event or None
        The newest opening.
    last_seq : int
        The number of the newest event.
    taken_back : Event or None
        The answer that the newest undo took back.
    acts : int
        Number of times an annotator labelled, skipped or undid.
    labels_held, skips_held : int
        Number of items with a label in effect, and with a skip.
    by_class : Counter
        Number of labelled items by class name.
    auto_labels_held : int
        Number of items with an auto-label in effect.
    """

    def __init__(self) -> None:
        self._standing: dict[str, Event] = {}
        self._by_item: dict[str, list[Event]] = {}
        self.events: list[Event] = []
        self.rounds: list[Event] = []
        self.opened: Event | None = None
        self.last_seq = 0
        self.taken_back: Event | None = None
        self.acts = 0
        self.by_class: Counter[str] = Counter()
        self.labels_held = 0
        self.skips_held = 0
        self.auto_labels_held = 0
        self._auto_by_item: dict[str, list[Event]] = {}
        self._auto_by_batch: dict[str, list[Event]] = {}
        self._auto_headers: dict[str, Event] = {}
        self._reverted: set[str] = set()

    @classmethod
    def of(cls, events: Iterable[Event]) -> Self:
        """Fold events into a new ledger."""
        ledger = cls()
        for event in events:
            ledger.apply(event)
        return ledger

    def apply(self, event: Event) -> None:
        """Apply one more event."""
        self.last_seq = event.seq
        self.events.append(event)
        if event.is_answer:
            self.acts += 1
            self._count(event.item, -1)
            self._standing[event.uuid] = event
            self._by_item.setdefault(str(event.item), []).append(event)
            self._count(event.item, +1)
        elif event.kind is EventKind.UNDO:
            self.acts += 1
            self._take_back(event)
        elif event.kind is EventKind.ROUND:
            self.rounds.append(event)
        elif event.kind is EventKind.OPEN:
            self.opened = event
        elif event.kind is EventKind.AUTO:
            self._take_auto_label(event)
        elif event.kind is EventKind.AUTO_BATCH:
            self._auto_headers[event.uuid] = event
        elif event.kind is EventKind.REVERT:
            self._revert(str(event.target))

    def _take_back(self, undo: Event) -> None:
        answer = self._standing.pop(undo.target or "", None)
        self.taken_back = answer
        if answer is None:
            return
        self._count(answer.item, -1)
        answers = self._by_item[str(answer.item)]
        answers.remove(answer)
        if not answers:
            del self._by_item[str(answer.item)]
        self._count(answer.item, +1)

    def _take_auto_label(self, event: Event) -> None:
        item, batch = str(event.item), str(event.target)
        if batch in self._reverted:
            return
        self._count(item, -1)
        self._auto_by_item.setdefault(item, []).append(event)
        self._auto_by_batch.setdefault(batch, []).append(event)
        self._count(item, +1)

    def _revert(self, batch: str) -> None:
        self._reverted.add(batch)
        for event in self._auto_by_batch.pop(batch, ()):
            item = str(event.item)
            self._count(item, -1)
            labels = self._auto_by_item[item]
            labels.remove(event)
            if not labels:
                del self._auto_by_item[item]
            self._count(item, +1)

    def _count(self, item: str | None, step: int) -> None:
        answer = self.answer(str(item))
        if answer is None:
            if str(item) in self._auto_by_item:
                self.auto_labels_held += step
            return
        if answer.kind is EventKind.SKIP:
            self.skips_held += step
            return
        self.labels_held += step
        name = str(answer.class_name)
        self.by_class[name] += step
        if not self.by_class[name]:
            del self.by_class[name]

    def answer(self, item: str) -> Event | None:
        """Return the label or skip in effect for an item."""
        answers = self._by_item.get(item)
        return answers[-1] if answers else None

    def last_answer(self) -> Event | None:
        """Return the answer that an undo would take back."""
        return next(reversed(self._standing.values()), None)

    def newest(self, count: int) -> Iterator[Event]:
        """Yield the newest answers that were not taken back, newest first."""
        return islice(reversed(self._standing.values()), count)

    def answers(self) -> Iterator[Event]:
        """Yield the answer in effect for each item, in the order of the first answers."""
        for answers in self._by_item.values():
            yield answers[-1]

    def labels(self) -> Iterator[Event]:
        """Yield the label in effect for each labelled item."""
        return (event for event in self.answers() if event.kind is EventKind.LABEL)

    def auto_label(self, item: str) -> Event | None:
        """Return the auto-label in effect for an item, if there is one."""
        labels = None if item in self._by_item else self._auto_by_item.get(item)
        return labels[-1] if labels else None

    def auto_labels(self) -> Iterator[Event]:
        """Yield the auto-label in effect for each item that has one."""
        return (
            labels[-1] for item, labels in self._auto_by_item.items() if item not in self._by_item
        )

    def auto_batches(self) -> list[AutoBatch]:
        """Return the batches of auto-labels that are not reverted, the oldest first."""
        held = Counter(event.target for event in self.auto_labels())
        return [
            AutoBatch(header, len(self._auto_by_batch.get(batch, ())), held[batch])
            for batch, header in self._auto_headers.items()
            if batch not in self._reverted
        ]
