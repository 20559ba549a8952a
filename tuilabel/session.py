"""The loop: what is asked, what an answer changes, and when the model is to learn.

A synchronous state machine. It knows no clock, no thread and no screen; whoever drives it (the
screen, a simulation, a test) passes in the milliseconds an answer took, carries `Request`s to a
trainer and brings its rankings back.

Every change of state is an event that is on disk before it takes effect, and every state is the
fold of `Session._apply` over those events: opening a session again replays them.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Protocol

import numpy as np

from tuilabel.errors import SessionFileError, TuilabelError
from tuilabel.journal import Draft, Event, Kind, Ledger, SessionInfo
from tuilabel.learn.metrics import Accuracy

RANKED_BATCHES = 5
"""How many batches a ranking covers: labelling goes on from it while the next fit runs."""

RANKED_AT_LEAST = 50


class Items(Protocol):
    """What the loop needs to know of a `tuilabel.data.Dataset`."""

    @property
    def source(self) -> str:
        """What `tuilabel.data.open_dataset` takes."""

    @property
    def ids(self) -> Sequence[str]:
        """Item ids, unique, in dataset order."""

    def row_of(self, item: str) -> int | None:
        """Find the row of an item id."""

    def references(self, i: int) -> tuple[str, ...]:
        """Tell where the source has the item."""


class EventLog(Protocol):
    """What the loop needs of a `tuilabel.journal.Journal`."""

    @property
    def info(self) -> SessionInfo:
        """What the session is about."""

    def append(self, draft: Draft) -> Event:
        """Put an event on disk, or raise."""

    def events(self) -> Iterable[Event]:
        """Give every event so far."""


@dataclass(frozen=True, slots=True)
class LoopSettings:
    """What an annotator may change from one opening of a session to the next."""

    model: str = "softmax"
    strategy: str = "least-confident"
    cold_start: str = "kmeans"
    batch_size: int = 10


@dataclass(frozen=True, slots=True)
class Slot:
    """One place of a batch.

    Attributes
    ----------
    row : int
        The item, as a row of the dataset.
    audit : bool
        Drawn uniformly at random to measure accuracy on; training never sees it.
    probabilities : tuple of float or None
        What the last ranking held of the item, one per class; None before any model, and for
        audit items, where a suggestion would sway the measure.
    """

    row: int
    audit: bool = False
    probabilities: tuple[float, ...] | None = None


@dataclass(frozen=True, slots=True)
class Answer:
    """What holds for an item: a class index, or None for a skip."""

    class_index: int | None


@dataclass(frozen=True, slots=True)
class FitRequest:
    """Please fit a model to these labels and rank what is left.

    Attributes
    ----------
    generation : int
        To be returned with the ranking; an older one is stale.
    items, classes : tuple of int
        Rows and class indices to train on.
    audit_items, audit_classes : tuple of int
        Rows and class indices to measure on; never to train on.
    excluded : tuple of int
        Rows that are not to be ranked, beside `items`.
    limit : int
        How many of the best to return.
    seed : tuple of int
        Seeds the generator of this round.
    """

    generation: int
    items: tuple[int, ...]
    classes: tuple[int, ...]
    audit_items: tuple[int, ...]
    audit_classes: tuple[int, ...]
    excluded: tuple[int, ...]
    model: str
    strategy: str
    limit: int
    seed: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class ColdStartRequest:
    """Please choose a first batch, before any model exists."""

    generation: int
    method: str
    excluded: tuple[int, ...]
    limit: int
    seed: tuple[int, ...]


Request = FitRequest | ColdStartRequest


@dataclass(frozen=True, slots=True)
class Ranking:
    """The answer to a request: the items to ask next, best first.

    Attributes
    ----------
    generation : int
        Of the request.
    rows : sequence of int, (m,)
    probabilities : sequence of sequence of float, (m, k), or None
        None from a cold start.
    fit_seconds, rank_seconds : float
    accuracy : Accuracy or None
        On the hold-out or the audit set.
    """

    generation: int
    rows: Sequence[int]
    probabilities: Sequence[Sequence[float]] | None = None
    fit_seconds: float = 0.0
    rank_seconds: float = 0.0
    accuracy: Accuracy | None = None


@dataclass(frozen=True, slots=True)
class CurvePoint:
    """Accuracy after a number of labels."""

    labels: int
    accuracy: Accuracy


class NotCurrentError(TuilabelError):
    """An answer for an item that is not the one being asked."""


class Session:
    """One labelling job in progress.

    Parameters
    ----------
    items : Items
        The opened dataset.
    has_holdout : bool
        Whether accuracy is measured on a hold-out; otherwise an audit set is drawn.
    log : EventLog
        Its journal; what it holds already is replayed.
    settings : LoopSettings
        From now on.

    Raises
    ------
    SessionFileError
        The journal is of another dataset or other classes.
    SaveError
        The opening cannot be written.
    """

    def __init__(
        self, items: Items, log: EventLog, settings: LoopSettings, *, has_holdout: bool
    ) -> None:
        self.items = items
        self.info = log.info
        self.settings = LoopSettings()
        self.ledger = Ledger()
        self.round = 1
        self.cursor = 0
        self.generation = 0
        self.batch: list[Slot] = []
        self.curve: list[CurvePoint] = []
        self.missing = 0
        self._log = log
        self._classes = {name: index for index, name in enumerate(self.info.class_names)}
        self._closed: list[list[Slot]] = []
        self._answered: dict[int, Answer] = {}
        self._shown: set[int] = set()
        self._ranked: dict[int, tuple[float, ...] | None] = {}
        self._fitted = False
        self._wanted = False

        count = len(items.ids)
        rng = np.random.default_rng([self.info.seed, 0])
        self._random_order = rng.permutation(count)
        self._reserve = np.zeros(count, dtype=bool)
        if not has_holdout:
            self._reserve[rng.permutation(count)[: round(count * self.info.audit)]] = True
        self._next_query = self._next_audit = 0

        self._replay()
        self._refuse_other_dataset()
        self._write(Draft(Kind.OPEN, body={**asdict(settings), "items": count}))
        self._shown = {self.cursor}
        self._wanted = not self._fitted

    # What is there to see.

    @property
    def current(self) -> Slot | None:
        """The place of the batch that is being asked; None when nothing is left to ask."""
        return self.batch[self.cursor] if self.cursor < len(self.batch) else None

    @property
    def current_id(self) -> str | None:
        """The item id of `current`."""
        return None if self.current is None else self.items.ids[self.current.row]

    def answer(self, slot: Slot) -> Answer | None:
        """Tell what holds for the item of a place; None while it is open."""
        return self._answered.get(slot.row)

    @property
    def labels(self) -> int:
        """How many items have a label."""
        return self.ledger.labels_held

    @property
    def pool_left(self) -> int:
        """How many items have no answer yet."""
        return len(self.items.ids) - len(self._answered)

    @property
    def ranked(self) -> bool:
        """Whether the ranking in use comes from a model."""
        return any(probabilities is not None for probabilities in self._ranked.values())

    # What an annotator may do.

    def label(
        self, item: str, class_index: int, *, ms: int | None = None, accepted: bool = False
    ) -> Event:
        """Give the current item a class; an answer it had before no longer holds.

        Parameters
        ----------
        item : str
            The item id that the annotator saw.
        class_index : int
        ms : int, optional
            Milliseconds since the item was shown.
        accepted : bool
            Whether the annotator took the model's suggestion over.

        Raises
        ------
        NotCurrentError
            Another item is current: a key is never applied to an image that was not seen.
        SaveError
            Not on disk; nothing has changed.
        """
        return self._answer(item, Kind.LABEL, self.info.class_names[class_index], ms, accepted)

    def skip(self, item: str, *, ms: int | None = None) -> Event:
        """Pass the current item over; it is not asked again. Raises as `label` does."""
        return self._answer(item, Kind.SKIP, None, ms, accepted=False)

    def suggestion(self) -> int | None:
        """Give the class that the model finds likeliest for the current item, where it has one."""
        slot = self.current
        if slot is None or slot.probabilities is None:
            return None
        return int(np.argmax(slot.probabilities))

    def accept_suggestion(self, item: str, *, ms: int | None = None) -> Event | None:
        """Label the current item with `suggestion`; None where there is none."""
        suggestion = self.suggestion()
        if suggestion is None:
            return None
        return self.label(item, suggestion, ms=ms, accepted=True)

    def undo(self) -> Event | None:
        """Take the last answer that holds back, however long ago it was given.

        Its item becomes current again, in its batch.

        Returns
        -------
        Event or None
            None when no answer is left to take back.

        Raises
        ------
        SaveError
            Not on disk; nothing has changed.
        """
        answer = self.ledger.last_answer()
        if answer is None:
            return None
        undone = Draft(Kind.UNDO, item=answer.item, round=answer.round, target=answer.uuid)
        event = self._write(undone)
        self._shown.add(self.cursor)
        return event

    def move(self, step: int) -> bool:
        """Look at another place of the batch; tell whether there was one."""
        target = self.cursor + step
        if not 0 <= target < len(self.batch):
            return False
        self.cursor = target
        self._shown.add(target)
        return True

    # What a trainer may do.

    def take_request(self) -> Request | None:
        """Give what a trainer should do now, once."""
        wanted, self._wanted = self._wanted, False
        if not wanted:
            return None
        return self._fit_request() if self.round > 1 else self._cold_start_request()

    def accept_ranking(self, ranking: Ranking) -> Event | None:
        """Let a ranking decide what is asked next; places already shown keep their items.

        Returns
        -------
        Event or None
            None for a stale ranking: the labels it was made from no longer hold.

        Raises
        ------
        SaveError
            Not on disk; nothing has changed.
        """
        if ranking.generation != self.generation:
            return None
        probabilities = ranking.probabilities
        ranked: dict[int, tuple[float, ...] | None] = {
            int(row): None if probabilities is None else _rounded(probabilities[place])
            for place, row in enumerate(ranking.rows)
        }
        kept = {
            place: slot
            for place, slot in enumerate(self.batch)
            if place in self._shown or slot.audit or slot.row in self._answered
        }
        queries = self._queries(ranked, taken={slot.row for slot in kept.values()})
        batch = [
            kept[place] if place in kept else next(queries) for place in range(len(self.batch))
        ]
        accuracy = ranking.accuracy
        body = {
            "model": self.settings.model if probabilities is not None else None,
            "settings": asdict(self.settings),
            "labels": self.labels,
            "fit_seconds": round(ranking.fit_seconds, 4),
            "rank_seconds": round(ranking.rank_seconds, 4),
            "accuracy": accuracy and _accuracy_body(accuracy),
            "ranking": [self.items.ids[row] for row in ranked],
            "probabilities": None if probabilities is None else list(ranked.values()),
            "batch": [self.items.ids[slot.row] for slot in batch],
        }
        return self._write(Draft(Kind.ROUND, round=self.round - 1, body=body))

    # How state changes: by events only.

    def _answer(
        self, item: str, kind: Kind, class_name: str | None, ms: int | None, accepted: bool
    ) -> Event:
        slot = self.current
        if slot is None or self.items.ids[slot.row] != item:
            raise NotCurrentError("That image is no longer the one being asked; look again.")
        body: dict[str, Any] = {"position": self.cursor}
        if slot.audit:
            body["audit"] = True
        if slot.probabilities is not None:
            body["probabilities"] = {
                name: probability
                for name, probability in zip(self.info.class_names, slot.probabilities, strict=True)
                if probability > 0
            }
        if accepted:
            body["accepted"] = True
        body["references"] = list(self.items.references(slot.row))
        event = self._write(
            Draft(kind, item=item, class_name=class_name, round=self.round, ms=ms, body=body)
        )
        self._shown.add(self.cursor)
        return event

    def _write(self, draft: Draft) -> Event:
        event = self._log.append(draft)
        self._apply(event)
        return event

    def _replay(self) -> None:
        try:
            for event in self._log.events():
                self._apply(event)
        except (LookupError, TypeError, ValueError) as error:
            raise SessionFileError(
                f"The session for {self.info.source} holds an event that makes no sense "
                f"({error!r}): it was not written by tuilabel, or is damaged."
            ) from error

    def _apply(self, event: Event) -> None:
        self.ledger.apply(event)
        if event.is_answer:
            self._apply_answer(event)
        elif event.kind is Kind.UNDO:
            self._apply_undo(event)
        elif event.kind is Kind.ROUND:
            self._apply_round(event)
        elif event.kind is Kind.OPEN:
            self._apply_open(event)

    def _apply_open(self, event: Event) -> None:
        before = self.settings.batch_size
        self.settings = _settings_from(event.body, self.settings)
        resized = self.settings.batch_size != before and not any(map(self.answer, self.batch))
        if resized or not self.batch:
            self._compose()

    def _apply_answer(self, event: Event) -> None:
        place = self._place_of(str(event.item), event)
        if place is not None:
            self._note_answer(self.batch[place].row, event)
            self.cursor = place
        self._advance()

    def _place_of(self, item: str, event: Event) -> int | None:
        """Find an item's place in the batch, making one where the source has changed since."""
        row = self.items.row_of(item)
        for place, slot in enumerate(self.batch):
            if slot.row == row:
                return place
        still_open = [p for p, slot in enumerate(self.batch) if slot.row not in self._answered]
        if row is None:
            self.missing += 1
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
            self._next_query = self._next_audit = 0
        else:
            name = event.class_name
            self._answered[row] = Answer(None if name is None else self._classes[name])

    def _advance(self) -> None:
        """Go to the next open place, or close the batch where none is left."""
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
        if all(slot.row != row for slot in self.batch):
            # The item lies in an earlier batch: that one is current again, and what a trainer
            # may be making of its labels is stale.
            while self._closed and all(slot.row != row for slot in self.batch):
                self.batch = self._closed.pop()
                self.round -= 1
            self.generation += 1
            self._fitted, self._wanted = True, False
            self._shown = set(range(len(self.batch)))
        self._note_answer(row, self.ledger.answer(str(event.item)))
        self.cursor = next(p for p, slot in enumerate(self.batch) if slot.row == row)

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
        wanted = [self.items.row_of(item) for item in body["batch"]]
        self.batch = [
            slots.get(row) or Slot(row, probabilities=self._ranked.get(row))
            for row in wanted
            if row is not None
        ]
        self.cursor = min(self.cursor, len(self.batch))
        self._fitted = True
        if body["accuracy"] is not None:
            found = body["accuracy"]
            labels = int(body["labels"])
            while self.curve and self.curve[-1].labels >= labels:
                self.curve.pop()
            accuracy = Accuracy(found["correct"], found["n"], found["set"])
            self.curve.append(CurvePoint(labels, accuracy))

    # What a batch is made of.

    def _compose(self) -> None:
        size = self.settings.batch_size
        rng = np.random.default_rng([self.info.seed, 1, self.round])
        audits = self._audits()
        queries = self._queries(self._ranked, taken=set())
        places: set[int] = set()
        if self._reserve.any():
            count = int(size * self.info.audit + rng.random())
            places = set(rng.choice(size, count, replace=False).tolist())
        batch: list[Slot] = []
        for place in range(size):
            first, second = (audits, queries) if place in places else (queries, audits)
            slot = next(first, None) or next(second, None)
            if slot is None:
                break
            batch.append(slot)
        self.batch = batch
        self.cursor = 0
        self._shown = {0}

    def _queries(
        self, ranked: Mapping[int, tuple[float, ...] | None], taken: set[int]
    ) -> Iterator[Slot]:
        """Yield candidates: the ranked ones best first, then the others in random order."""
        for row, probabilities in ranked.items():
            if row not in self._answered and row not in taken and not self._reserve[row]:
                yield Slot(row, probabilities=probabilities)
        order = self._random_order
        while self._next_query < len(order) and order[self._next_query] in self._answered:
            self._next_query += 1
        for row in map(int, order[self._next_query :]):
            if not (row in self._answered or row in taken or row in ranked or self._reserve[row]):
                yield Slot(row)

    def _audits(self) -> Iterator[Slot]:
        """Yield what is left of the audit reserve, in random order."""
        order = self._random_order
        while self._next_audit < len(order) and (
            order[self._next_audit] in self._answered or not self._reserve[order[self._next_audit]]
        ):
            self._next_audit += 1
        for row in map(int, order[self._next_audit :]):
            if self._reserve[row] and row not in self._answered:
                yield Slot(row, audit=True)

    # What a trainer is asked.

    def _cold_start_request(self) -> ColdStartRequest | None:
        if self.settings.cold_start == "random" or self.current is None:
            return None
        excluded = {*self._answered, *np.flatnonzero(self._reserve).tolist()}
        return ColdStartRequest(
            generation=self.generation,
            method=self.settings.cold_start,
            excluded=tuple(sorted(excluded)),
            limit=self.settings.batch_size,
            seed=(self.info.seed, 2, 0),
        )

    def _fit_request(self) -> FitRequest | None:
        training: dict[int, int] = {}
        audit: dict[int, int] = {}
        for event in self.ledger.labels():
            row = self.items.row_of(str(event.item))
            if row is not None:
                target = audit if event.body.get("audit") else training
                target[row] = self._classes[str(event.class_name)]
        if not training:
            return None
        reserve = np.flatnonzero(self._reserve).tolist()
        return FitRequest(
            generation=self.generation,
            items=tuple(training),
            classes=tuple(training.values()),
            audit_items=tuple(audit),
            audit_classes=tuple(audit.values()),
            excluded=tuple(sorted({*self._answered, *reserve}.difference(training))),
            model=self.settings.model,
            strategy=self.settings.strategy,
            limit=max(RANKED_AT_LEAST, RANKED_BATCHES * self.settings.batch_size),
            seed=(self.info.seed, 2, self.round - 1),
        )

    def _refuse_other_dataset(self) -> None:
        answered = self.ledger.labels_held + self.ledger.skips_held
        if self._answered or (not answered and self.items.source == self.info.source):
            return
        raise SessionFileError(
            f"The session was made for {self.info.source}, not for {self.items.source}: none of "
            f"its {answered} answered items is among the {len(self.items.ids)} of that source. "
            "Open it with its own source, or start another session with --session FILE."
        )


def _settings_from(body: Mapping[str, Any], default: LoopSettings) -> LoopSettings:
    known = asdict(default)
    return LoopSettings(**{name: body.get(name, value) for name, value in known.items()})


def _rounded(probabilities: Sequence[float]) -> tuple[float, ...]:
    return tuple(round(float(probability), 4) for probability in probabilities)


def _accuracy_body(accuracy: Accuracy) -> dict[str, Any]:
    return {
        "correct": accuracy.correct,
        "n": accuracy.n,
        "set": accuracy.name,
        "value": round(accuracy.value, 6),
        "low": round(accuracy.low, 6),
        "high": round(accuracy.high, 6),
    }
