"""The loop: which item is asked, what an answer changes, and when to fit the model.

A synchronous state machine without clock, thread or screen. Its caller (a screen, a simulation, a
test) passes in the milliseconds that an answer took, hands `Request`s to a trainer and brings back
its rankings.

Every change of state is an event that is on disk before it takes effect, and the state is the fold
of `LoopState` over those events: opening a session again replays them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from itertools import count
from typing import Any

import numpy as np

from tuilabel.data import Dataset
from tuilabel.errors import SessionFileError
from tuilabel.journal import Annotator, Draft, Event, EventKind
from tuilabel.journal.summary import check_body
from tuilabel.learn.requests import ColdStart, Fit, FitFinished
from tuilabel.session.payloads import fit_body, rounded
from tuilabel.session.requests import Material, cold_start_request, fit_request, labelled_rows
from tuilabel.session.state import LoopState, Requested
from tuilabel.session.values import (
    EventLog,
    LoopSettings,
    NotAnsweredError,
    NotCurrentError,
    Predictions,
    Ranking,
    Request,
)


class Session(LoopState):
    """One labelling job in progress.

    Parameters
    ----------
    dataset : Dataset
        With a hold-out, accuracy is measured on it; otherwise an audit set is drawn.
    log : EventLog
        The journal, whose events are replayed.
    settings : LoopSettings
        The settings from now on.
    by : Annotator
        Who opens the session.

    Raises
    ------
    SessionFileError
        The journal belongs to another dataset or other classes.
    SaveError
        The opening cannot be written.
    """

    def __init__(
        self, dataset: Dataset, log: EventLog, settings: LoopSettings, by: Annotator
    ) -> None:
        super().__init__(dataset, log.info)
        self.predictions: Predictions | None = None
        self._log = log
        self._replay()
        self._refuse_other_dataset()
        answered = [str(event.item) for event in self.ledger.answers()]
        # Items that are no longer in the source keep their answers.
        self.missing = sum(1 for item in answered if dataset.row_of(item) is None)
        items = len(dataset) + self.missing
        self._write(Draft(EventKind.OPEN, body={**asdict(settings), "items": items}), by)
        self._shown = {self.cursor}
        self._wanted = not self._fitted

    # What an annotator can do.

    def label(
        self,
        item: str,
        class_index: int,
        *,
        by: Annotator,
        ms: int | None = None,
        accepted: bool = False,
    ) -> Event:
        """Label the current item; the label replaces an earlier answer.

        Parameters
        ----------
        item : str
            The item id that the annotator saw.
        class_index : int
        by : Annotator
            Who answers.
        ms : int, optional
            Milliseconds since the item was shown.
        accepted : bool
            Whether the annotator accepted the model's suggestion.

        Raises
        ------
        NotCurrentError
            Another item is current. A key is never applied to an image that was not seen.
        SaveError
            Not on disk; nothing has changed.
        """
        name = self.info.class_names[class_index]
        return self._answer(item, EventKind.LABEL, name, by, ms, accepted)

    def skip(self, item: str, *, by: Annotator, ms: int | None = None) -> Event:
        """Skip the current item; it is not asked again. Raises the errors of `label`."""
        return self._answer(item, EventKind.SKIP, None, by, ms, accepted=False)

    def suggestion(self) -> int | None:
        """Return the most likely class index of the current item, if it has a prediction."""
        slot = self.current
        if slot is None or slot.probabilities is None:
            return None
        return int(np.argmax(slot.probabilities))

    def accept_suggestion(self, item: str, *, by: Annotator, ms: int | None = None) -> Event | None:
        """Label the current item with `suggestion`; return None if there is none."""
        suggestion = self.suggestion()
        if suggestion is None:
            return None
        return self.label(item, suggestion, by=by, ms=ms, accepted=True)

    def undo(self, *, by: Annotator) -> Event | None:
        """Take back the last answer in effect, however long ago it was given.

        Its item becomes current again, in its batch.

        Parameters
        ----------
        by : Annotator
            Who takes it back.

        Returns
        -------
        Event or None
            None if no answer is left to take back.

        Raises
        ------
        SaveError
            Not on disk; nothing has changed.
        """
        answer = self.ledger.last_answer()
        if answer is None:
            return None
        undone = Draft(EventKind.UNDO, item=answer.item, round=answer.round, target=answer.uuid)
        event = self._write(undone, by)
        self._shown.add(self.cursor)
        return event

    def move(self, step: int) -> bool:
        """Go to another place of the batch; return whether there is one."""
        target = self.cursor + step
        if not 0 <= target < len(self.batch):
            return False
        self.cursor = target
        self._shown.add(target)
        return True

    def relabel(
        self, item: str, class_index: int, *, by: Annotator, ms: int | None = None
    ) -> Event:
        """Change the answer of an item that was answered before; the current item stays.

        Parameters
        ----------
        item : str
            The item id that the annotator saw.
        class_index : int
        by : Annotator
            Who answers.
        ms : int, optional
            Milliseconds since the item was shown.

        Raises
        ------
        NotAnsweredError
            The item has no answer yet; it is asked in its turn.
        SaveError
            Not on disk; nothing has changed.
        """
        before = self.ledger.answer(item)
        row = self.items.row_of(item)
        if before is None or row is None:
            raise NotAnsweredError("This image has no answer to change. It is asked in its turn.")
        body: dict[str, Any] = {"relabel": True, "references": list(self.items.references(row))}
        if before.body.get("audit"):
            body["audit"] = True
        name = self.info.class_names[class_index]
        return self._write(
            Draft(EventKind.LABEL, item=item, class_name=name, round=self.round, ms=ms, body=body),
            by,
        )

    def show_all(self) -> None:
        """Note that the annotator sees the whole batch, so that no ranking replaces its places."""
        self._shown = set(range(len(self.batch)))

    # The trainer.

    @property
    def request_is_due(self) -> bool:
        """Whether `take_request` returns a request."""
        if self.round == 1:
            return self._wanted and self.settings.cold_start != "random"
        return self._wanted and self.labels > 0

    def take_request(self) -> Request | None:
        """Return the request for the trainer, once; None if there is none."""
        wanted, self._wanted = self._wanted, False
        if not wanted:
            return None
        request = self._fit_request() if self.round > 1 else self._cold_start_request()
        if request is not None:
            audit: Mapping[int, int] = {}
            if isinstance(request, Fit):
                audit = dict(zip(request.audit_items, request.audit_classes, strict=True))
            requested = Requested(self.round - 1, self.labels, self.ledger.last_seq, audit)
            self._requested[request.generation] = requested
        return request

    def learn_again(self) -> None:
        """Request another fit, since the trainer can do better with the same labels now.

        The result of an earlier request is still accepted, since it comes sooner.
        """
        self.generation += 1
        self._wanted = True

    def accept_ranking(
        self, ranking: Ranking, *, by: Annotator, shown: bool = True
    ) -> Event | None:
        """Fill the batch from a ranking; places that were shown keep their items.

        A ranking is stale if a label was undone since its request, but not if one was added. A cold
        start fills the places from the second on: the first depends on the seed alone, so that it
        can be shown at once, and is the same however long the cold start takes.

        The event records the first place that the ranking could fill (`place`, from 0), and whether
        it came too late for an earlier one (`late`): the annotator was faster, and answered for
        items in the order of the seed or of an earlier ranking.

        Parameters
        ----------
        ranking : FitFinished or ColdStartFinished
        by : Annotator
            Who labels as it arrives.
        shown : bool
            Whether an annotator sees the current image; False in a simulation.

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
        seen = {place for place, slot in enumerate(self.batch) if slot.row in self._answered}
        seen |= self._shown if shown else {0} if fit is None else set()
        kept = {place: slot for place, slot in enumerate(self.batch) if place in seen or slot.audit}
        first = next(place for place in count() if place not in seen)
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
            "place": first,
            "late": first > 1 or self.round > requested.round + 1,
        }
        event = self._write(Draft(EventKind.ROUND, round=requested.round, body=body), by)
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

    # State changes by events only.

    def _answer(
        self,
        item: str,
        kind: EventKind,
        class_name: str | None,
        by: Annotator,
        ms: int | None,
        accepted: bool,
    ) -> Event:
        slot = self.current
        if slot is None or self.items.ids[slot.row] != item:
            raise NotCurrentError(
                "This image is no longer the one being asked. Look at the image again."
            )
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
            Draft(kind, item=item, class_name=class_name, round=self.round, ms=ms, body=body), by
        )
        self._shown.add(self.cursor)
        return event

    def _write(self, draft: Draft, by: Annotator) -> Event:
        event = self._log.append(draft, by)
        self._apply(event)
        return event

    def _replay(self) -> None:
        try:
            for event in self._log.events():
                if event.kind is EventKind.ROUND:
                    check_body(event)
                self._apply(event)
        except (LookupError, TypeError, ValueError) as error:
            raise SessionFileError(
                f"The session for {self.info.source} has an invalid event ({error!r}): it was not "
                "written by tuilabel, or is damaged. Use a copy of the session file F, or recover "
                "its valid events with `tuilabel repair F`."
            ) from error

    # Requests.

    def _cold_start_request(self) -> ColdStart | None:
        if self.settings.cold_start == "random" or self.current is None:
            return None
        # What is shown will be labelled: the cold start looks for items that differ from it.
        shown = [slot.row for place, slot in enumerate(self.batch) if place in self._shown]
        return cold_start_request(self._material(), shown, self.generation, self.info.seed)

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
            f"its answers ({answered:,}) is for an item of that source. Open it with its own "
            "source, or start another session with --session FILE."
        )
