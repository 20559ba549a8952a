"""The loop: what is asked, what an answer changes, and when the model is to learn.

A synchronous state machine. It knows no clock, no thread and no screen; whoever drives it (the
screen, a simulation, a test) passes in the milliseconds an answer took, carries `Request`s to a
trainer and brings its rankings back.

Every change of state is an event that is on disk before it takes effect, and every state is the
fold of `Session._apply` over those events: opening a session again replays them.
"""

from __future__ import annotations

from collections.abc import Container, Iterator, Mapping, Sequence
from dataclasses import asdict
from itertools import islice
from typing import Any, NamedTuple

import numpy as np

from tuilabel.data import Dataset
from tuilabel.errors import SessionFileError
from tuilabel.journal import Draft, Event, Kind, Ledger
from tuilabel.learn.candidates import Candidates
from tuilabel.learn.metrics import Accuracy
from tuilabel.learn.requests import ColdStart, Fit, FitFinished
from tuilabel.session.asking import Material, cold_start_request, fit_request, labelled_rows
from tuilabel.session.bodies import fit_body, rounded, settings_from
from tuilabel.session.values import (
    Answer,
    CurvePoint,
    EventLog,
    LoopSettings,
    Moves,
    NotAnsweredError,
    NotCurrentError,
    Predictions,
    Ranking,
    Recipe,
    Request,
    Slot,
)


class _Requested(NamedTuple):
    """What held when a request was taken: batches closed, labels, newest event, audit labels."""

    round: int
    labels: int
    seq: int
    audit: Mapping[int, int]


class Session:
    """One labelling job in progress.

    Parameters
    ----------
    dataset : Dataset
        With a hold-out, accuracy is measured on it; otherwise an audit set is drawn.
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

    def __init__(self, dataset: Dataset, log: EventLog, settings: LoopSettings) -> None:
        self.items = dataset
        self.info = log.info
        self.settings = LoopSettings()
        self.ledger = Ledger()
        self.round = 1
        self.cursor = 0
        self.generation = 0
        self.batch: list[Slot] = []
        self.curve: list[CurvePoint] = []
        self.recipe: Recipe | None = None
        self.moves: list[Moves] = []
        self.predictions: Predictions | None = None
        self._log = log
        self._classes = {name: index for index, name in enumerate(self.info.class_names)}
        self._closed: list[list[Slot]] = []
        self._answered: dict[int, Answer] = {}
        self._shown: set[int] = set()
        self._ranked: dict[int, tuple[float, ...] | None] = {}
        self._fitted = False
        self._wanted = False
        self._requested: dict[int, _Requested] = {}

        audit = 0.0 if dataset.holdout is not None else self.info.audit
        keys = np.array([int(item[:16], 16) for item in dataset.ids], dtype=np.uint64)
        self._candidates = Candidates(keys, audit, self.info.seed)
        self._replay()
        self._refuse_other_dataset()
        answered = [str(event.item) for event in self.ledger.answers()]
        # Items that have left the source since keep their answers.
        self.missing = sum(1 for item in answered if dataset.row_of(item) is None)
        items = len(dataset) + self.missing
        self._write(Draft(Kind.OPEN, body={**asdict(settings), "items": items}))
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
        return len(self.items) - len(self._answered)

    @property
    def ranked(self) -> bool:
        """Whether the ranking in use comes from a model."""
        return any(probabilities is not None for probabilities in self._ranked.values())

    def likely_next(self, count: int) -> list[int]:
        """Give rows that the next batch will probably have, for whoever draws ahead of time."""
        batch = {slot.row for slot in self.batch}
        rows = (row for row in self._ranked if row not in self._answered and row not in batch)
        return list(islice(rows, count))

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

    def relabel(self, item: str, class_index: int, *, ms: int | None = None) -> Event:
        """Give an item that was answered before another answer; the place in the loop stays.

        Parameters
        ----------
        item : str
            The item id that the annotator saw.
        class_index : int
        ms : int, optional
            Milliseconds since the item was shown.

        Raises
        ------
        NotAnsweredError
            No answer holds for the item: it is asked in its turn.
        SaveError
            Not on disk; nothing has changed.
        """
        before = self.ledger.answer(item)
        row = self.items.row_of(item)
        if before is None or row is None:
            raise NotAnsweredError("That image has no answer to change; it is asked in its turn.")
        body: dict[str, Any] = {"relabel": True, "references": list(self.items.references(row))}
        if before.body.get("audit"):
            body["audit"] = True
        name = self.info.class_names[class_index]
        return self._write(
            Draft(Kind.LABEL, item=item, class_name=name, round=self.round, ms=ms, body=body)
        )

    def show_all(self) -> None:
        """Note that the annotator sees the whole batch: no ranking replaces one of its places."""
        self._shown = set(range(len(self.batch)))

    # What a trainer may do.

    @property
    def request_is_due(self) -> bool:
        """Whether `take_request` has something to give."""
        if self.round == 1:
            return self._wanted and self.settings.cold_start != "random"
        return self._wanted and self.labels > 0

    def take_request(self) -> Request | None:
        """Give what a trainer should do now, once."""
        wanted, self._wanted = self._wanted, False
        if not wanted:
            return None
        request = self._fit_request() if self.round > 1 else self._cold_start_request()
        if request is not None:
            audit: Mapping[int, int] = {}
            if isinstance(request, Fit):
                audit = dict(zip(request.audit_items, request.audit_classes, strict=True))
            requested = _Requested(self.round - 1, self.labels, self.ledger.last_seq, audit)
            self._requested[request.generation] = requested
        return request

    def learn_anew(self) -> None:
        """Ask a trainer once more, as it can do better with the same labels now.

        What was requested before stays welcome: its answer comes sooner.
        """
        self.generation += 1
        self._wanted = True

    def accept_ranking(self, ranking: Ranking, *, shown: bool = True) -> Event | None:
        """Let a ranking decide what is asked next; places already shown keep their items.

        Labels that came after its request do not make it stale; an undone one does.

        Parameters
        ----------
        ranking : FitFinished or ColdStartFinished
        shown : bool
            Whether the current image is before somebody's eyes; in a simulation nothing is.

        Returns
        -------
        Event or None
            None for a stale ranking.

        Raises
        ------
        SaveError
            Not on disk; nothing has changed.
        """
        requested = self._requested.get(ranking.generation)
        if requested is None:
            return None
        fit = ranking if isinstance(ranking, FitFinished) else None
        probabilities = fit.probabilities if fit else [None] * len(ranking.items)
        ranked = dict(zip(ranking.items, map(rounded, probabilities), strict=True))
        kept = {
            place: slot
            for place, slot in enumerate(self.batch)
            if (shown and place in self._shown) or slot.audit or slot.row in self._answered
        }
        queries = self._queries(ranked, taken={slot.row for slot in kept.values()})
        batch = [
            kept[place] if place in kept else next(queries) for place in range(len(self.batch))
        ]
        ids = self.items.ids
        body = {
            **fit_body(fit),
            "settings": asdict(self.settings),
            "labels": requested.labels,
            "ranking": [ids[row] for row in ranked],
            "probabilities": list(ranked.values()) if fit else None,
            "batch": [ids[slot.row] for slot in batch],
            "audits": [ids[slot.row] for slot in batch if slot.audit],
        }
        event = self._write(Draft(Kind.ROUND, round=requested.round, body=body))
        if fit is not None:
            self.predictions = self._predictions(fit, requested.audit)
        self._requested = {
            generation: later
            for generation, later in self._requested.items()
            if generation > ranking.generation
        }
        return event

    def _predictions(self, fit: FitFinished, audit: Mapping[int, int]) -> Predictions | None:
        if not fit.predicted:
            return None
        on_holdout = self.items.holdout is not None
        rows = range(len(fit.predicted)) if on_holdout else tuple(audit)
        truth = None if on_holdout else tuple(audit.values())
        return Predictions(rows, truth, fit.predicted, fit.confidence)

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
                f"({error!r}): it was not written by tuilabel, or is damaged. Go back to a copy of "
                "the session file F, or bring back what makes sense with `tuilabel repair F`."
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
        before = self.settings
        self.settings = settings_from(event.body, before)
        resized = self.settings.batch_size != before.batch_size
        if not self.batch or (resized and not any(map(self.answer, self.batch))):
            self._compose()
        if self.settings != before and self.round > 1:
            # Another model or strategy is to have its say at once.
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
        """Find an item's place in the batch, making one where the source has changed since."""
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
        """Let the model learn what an answer that came out of turn has changed."""
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
            # The item was not in the source when its batch was last written down.
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
            # What was asked for is still missing, now without the answer that was undone.
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
        # An answered item that had left the source when this was written may be back.
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
        """Begin a new batch."""
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

    # What a trainer is asked.

    def _cold_start_request(self) -> ColdStart | None:
        if self.settings.cold_start == "random" or self.current is None:
            return None
        return cold_start_request(self._material(), self.generation, self.info.seed)

    def _fit_request(self) -> Fit | None:
        return fit_request(self._material(), self.generation, (self.info.seed, 2, self.round - 1))

    def _material(self) -> Material:
        training, audit = labelled_rows(self.ledger, self.items, self._classes)
        reserve = np.flatnonzero(self._candidates.reserved).tolist()
        excluded = tuple(sorted({*self._answered, *reserve}.difference(training)))
        return Material(self.settings, len(self._classes), training, audit, excluded)

    def _refuse_other_dataset(self) -> None:
        answered = self.ledger.labels_held + self.ledger.skips_held
        if self._answered or (not answered and self.items.source == self.info.source):
            return
        raise SessionFileError(
            f"The session was made for {self.info.source}, not for {self.items.source}: none of "
            f"its {answered} answered items is among the {len(self.items)} of that source. "
            "Open it with its own source, or start another session with --session FILE."
        )


def _holds(batch: Sequence[Slot], row: int) -> bool:
    return any(slot.row == row for slot in batch)
