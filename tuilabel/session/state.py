"""The state of the loop as a fold over events; no other code changes it."""

from __future__ import annotations

from collections.abc import Container, Iterator, Mapping, Sequence
from itertools import islice
from typing import NamedTuple

import numpy as np

from tuilabel.data import Dataset
from tuilabel.journal import Event, EventKind, Ledger, SessionInfo
from tuilabel.learn.metrics import Accuracy
from tuilabel.session.candidates import Candidates
from tuilabel.session.payloads import settings_from
from tuilabel.session.values import (
    Answer,
    CurvePoint,
    LoopSettings,
    Moves,
    Recipe,
    Slot,
)


class Requested(NamedTuple):
    """The state when a request was taken: closed batches, labels, newest event, audit labels."""

    round: int
    labels: int
    seq: int
    audit: Mapping[int, int]


class LoopState:
    """The state of the loop after a session's events.

    Parameters
    ----------
    dataset : Dataset
        With a hold-out, accuracy is measured on it; otherwise an audit set is drawn.
    info : SessionInfo
    """

    def __init__(self, dataset: Dataset, info: SessionInfo) -> None:
        self.items = dataset
        self.info = info
        self.settings = LoopSettings()
        self.ledger = Ledger()
        self.round = 1
        self.cursor = 0
        self.generation = 0
        self.batch: list[Slot] = []
        self.curve: list[CurvePoint] = []
        self.recipe: Recipe | None = None
        self.moves: list[Moves] = []
        self._classes = {name: index for index, name in enumerate(self.info.class_names)}
        self._closed: list[list[Slot]] = []
        self._answered: dict[int, Answer] = {}
        self._shown: set[int] = set()
        self._ranked: dict[int, tuple[float, ...] | None] = {}
        self._fitted = False
        self._wanted = False
        self._requested: dict[int, Requested] = {}
        audit = 0.0 if dataset.holdout is not None else self.info.audit
        keys = np.array(
            [int(item.rpartition(":")[2][:16], 16) for item in dataset.ids], dtype=np.uint64
        )
        self._candidates = Candidates(keys, audit, self.info.seed)

    # Reading it.

    @property
    def current(self) -> Slot | None:
        """The place of the batch that is being asked; None if nothing is left to ask."""
        return self.batch[self.cursor] if self.cursor < len(self.batch) else None

    @property
    def current_id(self) -> str | None:
        """The item id of `current`."""
        return None if self.current is None else self.items.ids[self.current.row]

    def answer(self, slot: Slot) -> Answer | None:
        """Return the answer in effect for the item of a place; None if there is none."""
        return self._answered.get(slot.row)

    @property
    def labels(self) -> int:
        """Number of items with a label."""
        return self.ledger.labels_held

    @property
    def pool_left(self) -> int:
        """Number of items without an answer."""
        return len(self.items) - len(self._answered)

    def likely_next(self, count: int) -> list[int]:
        """Return rows that the next batch will probably have, to draw them ahead of time."""
        batch = {slot.row for slot in self.batch}
        rows = (row for row in self._ranked if row not in self._answered and row not in batch)
        return list(islice(rows, count))

    # Applying events.

    def _apply(self, event: Event) -> None:
        self.ledger.apply(event)
        if event.is_answer:
            self._apply_answer(event)
        elif event.kind is EventKind.UNDO:
            self._apply_undo(event)
        elif event.kind is EventKind.ROUND:
            self._apply_round(event)
        elif event.kind is EventKind.OPEN:
            self._apply_open(event)

    def _apply_open(self, event: Event) -> None:
        before = self.settings
        self.settings = settings_from(event.body, before)
        resized = self.settings.batch_size != before.batch_size
        if not self.batch or (resized and not any(map(self.answer, self.batch))):
            self._compose()
        if self.settings != before and self.round > 1:
            # Another model or strategy has to rank at once.
            self._fitted = False

    def _apply_answer(self, event: Event) -> None:
        if event.body.get("relabel"):
            row = self.items.row_of(str(event.item))
            if row is not None:
                self._note_answer(row, event)
                self._want_another_fit()
            return
        place = self._place_of(str(event.item), event)
        if place is not None:
            self._note_answer(self.batch[place].row, event)
            self.cursor = place
        self._advance()

    def _place_of(self, item: str, event: Event) -> int | None:
        """Return an item's place in the batch, with a new one if the source has changed since."""
        row = self.items.row_of(item)
        for place, slot in enumerate(self.batch):
            if slot.row == row:
                return place
        still_open = [p for p, slot in enumerate(self.batch) if slot.row not in self._answered]
        if row is None:
            if still_open:
                del self.batch[still_open[-1]]
            return None
        slot = Slot(row, audit=bool(event.body.get("audit")))
        if still_open:
            self.batch[still_open[-1]] = slot
            return still_open[-1]
        self.batch.append(slot)
        return len(self.batch) - 1

    def _note_answer(self, row: int, event: Event | None) -> None:
        if event is None:
            del self._answered[row]
            self._candidates.forget_progress()
        else:
            name = event.class_name
            self._answered[row] = Answer(None if name is None else self._classes[name])

    def _advance(self) -> None:
        """Go to the next place without an answer, or close the batch if there is none."""
        count = len(self.batch)
        for step in range(1, count + 1):
            place = (self.cursor + step) % count
            if self.batch[place].row not in self._answered:
                self.cursor = place
                return
        self._closed.append(self.batch)
        self.round += 1
        self.generation += 1
        self._fitted = False
        self._wanted = True
        self._compose()

    def _apply_undo(self, event: Event) -> None:
        row = self.items.row_of(str(event.item))
        if row is None or row not in self._answered:
            return
        self._forget_fits_of_what_was_undone()
        undone = self.ledger.taken_back
        if undone is not None and undone.body.get("relabel"):
            self._note_answer(row, self.ledger.answer(str(event.item)))
            self._want_another_fit()
            return
        if all(slot.row != row for slot in self.batch):
            self._return_to_batch_of(row)
        self._note_answer(row, self.ledger.answer(str(event.item)))
        self.cursor = [slot.row for slot in self.batch].index(row)

    def _want_another_fit(self) -> None:
        """Request a fit after an answer that came out of turn."""
        if self.round > 1:
            self._fitted = False
            self.generation += 1
            self._wanted = True

    def _return_to_batch_of(self, row: int) -> None:
        """Make an earlier batch the current one again."""
        back = next(
            (n for n, batch in enumerate(reversed(self._closed), 1) if _holds(batch, row)), None
        )
        if back is None:
            # The item was not in the source when its batch was last recorded.
            self.batch.append(Slot(row))
            return
        self.batch = self._closed[-back]
        del self._closed[-back:]
        self.round -= back
        self._fitted, self._wanted = True, False
        self._shown = set(range(len(self.batch)))
        self.curve = [point for point in self.curve if point.labels <= self.labels]
        self.moves = [moves for moves in self.moves if moves.labels <= self.labels]

    def _forget_fits_of_what_was_undone(self) -> None:
        undone = self.ledger.taken_back
        stale = [
            generation
            for generation, requested in self._requested.items()
            if undone is not None and requested.seq >= undone.seq
        ]
        for generation in stale:
            del self._requested[generation]
        if stale:
            # The request is still open, now without the answer that was undone.
            self.generation += 1
            self._wanted = True

    def _apply_round(self, event: Event) -> None:
        body = event.body
        rows = [self.items.row_of(item) for item in body["ranking"]]
        probabilities = body["probabilities"] or [None] * len(rows)
        self._ranked = {
            row: None if p is None else tuple(p)
            for row, p in zip(rows, probabilities, strict=True)
            if row is not None
        }
        slots = {slot.row: slot for slot in self.batch}
        audits = {self.items.row_of(item) for item in body.get("audits", ())}
        wanted = [self.items.row_of(item) for item in body["batch"]]
        # An answered item that was missing from the source when this was written may be back.
        wanted += [row for row in slots if row in self._answered and row not in wanted]
        self.batch = [
            slots.get(row) or Slot(row, row in audits, self._ranked.get(row))
            for row in wanted
            if row is not None
        ]
        self.cursor = min(self.cursor, len(self.batch))
        self._fitted = event.round >= self.round - 1
        if body.get("features") is not None:
            self.recipe = Recipe(body["model"], body["features"], body["strategy"])
        if body.get("moved") is not None:
            found = (body["labels"], body["moved"], body["agreement"], body["stop_set"])
            self.moves.append(Moves(*found))
        if body["accuracy"] is not None:
            found = body["accuracy"]
            labels = int(body["labels"])
            while self.curve and self.curve[-1].labels >= labels:
                self.curve.pop()
            accuracy = Accuracy(found["correct"], found["n"], found["set"])
            self.curve.append(CurvePoint(labels, accuracy))

    def _compose(self) -> None:
        """Start a new batch."""
        size = self.settings.batch_size
        candidates, answered = self._candidates, self._answered
        audits = (Slot(row, audit=True) for row in candidates.audits(answered))
        queries = self._queries(self._ranked)
        audit_places = candidates.audit_places(size, self.round)
        batch = []
        for place in range(size):
            first, second = (audits, queries) if place in audit_places else (queries, audits)
            slot = next(first, None) or next(second, None)
            if slot is None:
                break
            batch.append(slot)
        self.batch = batch
        self.cursor = 0
        self._shown = {0}

    def _queries(
        self, ranked: Mapping[int, tuple[float, ...] | None], taken: Container[int] = ()
    ) -> Iterator[Slot]:
        for row in self._candidates.queries(ranked, self._answered, taken):
            yield Slot(row, probabilities=ranked.get(row))


def _holds(batch: Sequence[Slot], row: int) -> bool:
    return any(slot.row == row for slot in batch)
