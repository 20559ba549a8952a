"""The loop: which item is asked, what an answer changes, and when to fit the model.

A synchronous state machine without clock, thread or screen. Its caller (a screen, a simulation, a
test) passes in the milliseconds that an answer took, hands `Request`s to a trainer and brings back
its rankings.

Every change of state is an event that is on disk before it takes effect. The loop joins two folds
over the events: `Labels`, over what everybody said, and `Desk`, over what was done at one desk.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict
from functools import cache
from heapq import merge
from itertools import chain, count, islice, starmap, takewhile, zip_longest
from typing import NamedTuple

import numpy as np
from msgspec.structs import replace
from numpy.typing import NDArray

from tuilabel.data import Dataset
from tuilabel.errors import SessionFileError, StillSavingError
from tuilabel.events import payloads as said
from tuilabel.events.lines import Event, order_of
from tuilabel.events.payloads import (
    Asked,
    Batch,
    Fitted,
    Moved,
    Opened,
    Payload,
    Skip,
    Undo,
)
from tuilabel.learn.requests import LIKELY, ColdStart, ColdStartFinished, Fit, FitFinished
from tuilabel.session import class_changes
from tuilabel.session.answers import Given
from tuilabel.session.candidates import Candidates
from tuilabel.session.class_list import ClassList
from tuilabel.session.class_sets import coded, decision_of, decoded, label_of
from tuilabel.session.class_sets import said as said_by
from tuilabel.session.desk import Desk
from tuilabel.session.desks import Desks, start_of
from tuilabel.session.doubts import Doubts
from tuilabel.session.fits import FitHistory
from tuilabel.session.gone import Gone, gone
from tuilabel.session.hierarchy import parents_of
from tuilabel.session.imported import answer_event
from tuilabel.session.labelled_rows import LabelledRows
from tuilabel.session.labels import Decision
from tuilabel.session.payloads import asked_of, fitted, settings_from
from tuilabel.session.record import Record
from tuilabel.session.remarks import Remarked
from tuilabel.session.requests import (
    Material,
    cold_start_request,
    fit_request,
    rows_to_learn,
    sets_of,
)
from tuilabel.session.source_guesses import suggestion_of
from tuilabel.session.spot_checks import Ending, likeliest_first, predicted
from tuilabel.session.undoing import refusal
from tuilabel.session.units import Units
from tuilabel.session.values import (
    Annotator,
    Answer,
    Appender,
    Chosen,
    CurvePoint,
    EventLog,
    LoopSettings,
    Moves,
    NotAnsweredError,
    NotCurrentError,
    NotReadError,
    Predictions,
    Ranking,
    Recipe,
    RefusedError,
    Request,
    Slot,
)


def _nothing() -> None:
    """Change nothing."""


_Act = Given | Decision | Remarked


def _order(act: _Act) -> tuple[int, str]:
    return act.t, act.id


class Requested(NamedTuple):
    """The state when a request was taken: closed batches, labels, events read, audit labels."""

    round: int
    labels: int
    events: int
    audit: Mapping[int, str]


class Session:
    """One labelling job in progress, at one desk.

    Parameters
    ----------
    dataset : Dataset
        With a hold-out, accuracy is measured on it; otherwise an audit set is drawn.
    log : EventLog
        The journal, whose events are replayed.
    settings : LoopSettings
        The settings from now on.
    by : Annotator
        Who works at the desk.
    record : Record, optional
        What was read of the journal already.
    is_open : callable, optional
        Asks the annotator whether their window on a host is still open, which the journal does not
        show; without it, it is taken to be.
    first_keys : sequence of str, optional
        Keys of the classes that a new session begins with, in their order.

    Attributes
    ----------
    known : Labels
        What everybody said.
    classes : ClassList
        The classes with their indices in this run.
    desk : Desk
    events : Events
        Every event, in the order in which they were read.
    pool_rows : int
        Number of the first rows that the trainer has; it learns from no others.
    taken_back : Event or None
        What the newest undo here took back.

    Raises
    ------
    SessionFileError
        The journal belongs to another dataset.
    SaveError
        The opening cannot be written.
    """

    def __init__(
        self,
        dataset: Dataset,
        log: EventLog,
        settings: LoopSettings,
        by: Annotator,
        record: Record | None = None,
        is_open: Callable[[str], bool] | None = None,
        first_keys: Sequence[str] = (),
    ) -> None:
        self.items = dataset
        self.about = log.about
        self.settings = settings
        self.predictions: Predictions | None = None
        self.taken_back: Event | None = None
        self._record = Record(log) if record is None else record
        self.known, self.events = self._record.known, self._record.events
        self.generation = 0
        self._log = log
        self._fits = FitHistory(self.known.fits)
        self._writer: Appender = log
        self._unfinished: Callable[[], object] | None = None
        self._rows = LabelledRows(self.known, dataset)
        self._ranked: dict[int, Asked] = {}
        self._doubts = Doubts({}, dataset)
        self._doubts_of: tuple[object, int] = (None, 0)
        self._requested: dict[int, Requested] = {}
        self._shown: set[int] = set()
        self._slots: list[Slot] = []
        self._slots_of: tuple[list[Asked] | None, int] = (None, 0)
        audit = 0.0 if dataset.holdout is not None else self.about.audit
        self._units = Units(dataset, self.known, self._rows)
        self._whole: str | None = None
        self._frames: list[int] = []
        paths = self._units.role_paths(range(len(dataset)))
        self._candidates = Candidates(paths, audit, self.about.seed)
        self._join(range(len(dataset)))
        self._desks = Desks(self._record, self._candidates.keys, log.is_live)
        self._desk_id = ""
        self._opened: Event | None = None
        self._runs_before: set[str] = set()
        self._is_open = is_open
        self._first_keys = first_keys
        self.pool_rows = len(dataset) if dataset.reading is None else 0
        self.desk = self._new_desk()
        self._record.extend(log.read())
        self.known.read_bulk()
        if self._record.has_sought:
            self._candidates.release()
        self.classes = ClassList(self.known.classes, dataset.class_names)
        self._gone = Gone()
        self._count_rows()
        self._refuse_other_dataset()
        self._take_desk(by)
        self._shown = {self.cursor}
        self._wanted = True

    # Opening.

    def _refuse_other_dataset(self) -> None:
        missing = self.missing + self.changed
        if self._rows.answered.any() or self.same or not missing:
            return
        raise SessionFileError(
            f"The session was made for {self.about.source}, not for {self.items.source}: none of "
            f"its answers ({missing:,}) is for an item of that source. Open it with its own "
            "source, or start another session with --session FOLDER."
        )

    def _take_desk(self, by: Annotator) -> None:
        """Continue the annotator's newest desk whose run has ended, or make a new one."""
        desks: dict[str, list[str]] = {}
        sizes: dict[str, int] = {}
        for event in self._record.opened:
            opened = event.payload
            if isinstance(opened, Opened) and event.by == by.name and opened.origin == by.origin:
                desk = opened.desk or event.id
                desks.setdefault(desk, []).append(event.log)
                sizes[desk] = settings_from(opened.settings).batch_size
        desk = self._free_desk(desks)
        self._runs_before = {event.log for event in self._record.opened}
        logs, size = set(desks.get(desk, ())), sizes.get(desk, self.settings.batch_size)
        for event in self._record.newest_of(logs):
            self.desk.apply(event)
        self.desk.acts = sum(self._record.acts[log] for log in logs)
        payloads: list[Payload] = []
        if not any(True for _ in self.known.classes):
            first = zip_longest(self.items.class_names, self._first_keys)
            payloads += [class_changes.first(self.known.classes, *each) for each in first]
        items = len(self.items) + self.missing
        payloads.append(
            Opened(settings=asdict(self.settings), items=items, desk=desk, origin=by.origin)
        )
        self._desk_id = desk
        if not desk and self._desks.others():
            # Which items are asked at a desk depends on its identity.
            self._write(payloads, by)
            payloads = []
        untouched = not any(self._units.is_answered(asked.item) for asked in self.desk.batch)
        is_stale = size != self.settings.batch_size or self._doubts_are_new
        if self.desk.current is None or (untouched and is_stale):
            again = untouched and is_stale and self.desk.round > 0
            with suppress(NotReadError):
                batch = self._next_batch(self.desk.round + (not again))
                if batch.items or not self.desk.round:
                    payloads.append(batch)
        if payloads:
            self._write(payloads, by)

    def _count_rows(self) -> None:
        """Take the answers to all items that were read into account, and count what is gone."""
        reading = self.items.reading
        self.known.rejoined = ()
        answered, rows = self._rows.fill(self._columns())
        if reading is None or not reading.unread.any():
            self._gone = gone(self.known, self.events, self.items, answered, rows)

    @property
    def missing(self) -> int:
        """The number of answered items whose files are gone; 0 until all is read."""
        return self._gone.missing

    @property
    def changed(self) -> int:
        """The number of answered items whose file has other content now; 0 until all is read."""
        return self._gone.changed

    @property
    def same(self) -> int:
        """The number of those of which only metadata changed, see `carry`."""
        return len(self._gone.same)

    def _new_desk(self) -> Desk:
        units = self._units
        return Desk(units.is_answered, units.is_there, units.unit)

    def _free_desk(self, desks: dict[str, list[str]]) -> str:
        """Return the newest of some desks where nobody works; empty if there is none."""
        asked = False
        for desk, logs in reversed(desks.items()):
            going_on = [log for log in logs if not self._log.is_over(log)]
            if not going_on:
                return desk
            if self._is_open is not None and not asked:
                hosts = [self._log.unclosed_on(log) for log in going_on]
                if None not in hosts:
                    asked = True
                    if not self._is_open(str(hosts[-1])):
                        return desk
        return ""

    @property
    def desk_is_taken(self) -> bool:
        """Whether another run has continued this desk too, and was first."""
        own = self._opened
        return own is not None and any(
            isinstance(event.payload, Opened)
            and event.payload.desk == self._desk_id
            and event.log not in self._runs_before | {own.log}
            and order_of(event) < order_of(own)
            and not self._log.is_over(event.log)
            for event in self._record.opened
        )

    def take_new_desk(self, *, by: Annotator) -> Event:
        """Leave a desk that another run has; `go_on` then asks for a batch.

        Raises
        ------
        SaveError
            Not on disk; nothing has changed.
        """

        def left() -> None:
            self.desk = self._new_desk()
            self._shown = set()

        opened = Opened(
            settings=asdict(self.settings), items=len(self.items) + self.missing, origin=by.origin
        )
        return self._write([opened], by, left)[0]

    # Reading it.

    @property
    def round(self) -> int:
        """The number of the batch that is being asked, from 1."""
        return self.desk.round

    @property
    def cursor(self) -> int:
        """The place of the batch that is being asked."""
        return self.desk.cursor

    @property
    def batch(self) -> list[Slot]:
        """The places of the batch."""
        made_of = self.desk.batch, self.classes.version
        if self._slots_of[0] is not made_of[0] or self._slots_of[1] != made_of[1]:
            self._slots_of = made_of
            self._slots = [self._slot(asked) for asked in self.desk.batch]
        return self._slots

    def _slot(self, asked: Asked) -> Slot:
        row = self.items.row_of(asked.item)
        assert row is not None, "a desk has only items of the source"
        shares = asked.probabilities
        columns = None if shares is None else self.classes.spread(shares)
        again = asked.reason in (said.UNDONE, said.LATER)
        brought_back = again and bool(self._candidates.reserved[self._units.head(row)])
        return Slot(row, asked.reason == said.AUDIT or brought_back, columns)

    @property
    def current(self) -> Slot | None:
        """The place of the batch that is being asked; None if nothing is left to ask.

        It is None as well until all frames of a group were read.
        """
        return None if self.current_id is None else self.batch[self.cursor]

    @property
    def current_id(self) -> str | None:
        """The item id of `current`."""
        asked = self.desk.current
        if asked is None:
            return None
        if asked.item != self._whole:
            if self._units.groups is not None and self._units.lacking(self.batch[self.cursor].row):
                return None
            # It stays as it is shown, also if another frame arrives meanwhile.
            self._whole = asked.item
            self._frames = self._units.frames(self.batch[self.cursor].row)
        return asked.item

    def answer(self, slot: Slot) -> Answer | None:
        """Return the answer in effect for the item of a place; None if there is none."""
        item = self.items.ids[slot.row]
        standing = self.known.standing(item)
        if standing is None or not self._units.is_answered(item):
            return None
        # Of a dispute, the newest answer.
        class_id = standing.class_id or standing.given.class_id
        if class_id is None or not self.about.multi:
            return Answer(None if class_id is None else self.classes.index(class_id))
        return Answer(None, self._indices(decoded(class_id).chosen))

    @property
    def is_check(self) -> bool:
        """Whether what is asked was drawn by a check."""
        asked = self.desk.current
        return asked is not None and asked.reason == said.CHECK

    def classes_of(self, item: str) -> tuple[int, ...]:
        """Return the class indices that count for an item; none where it has no label."""
        standing = self.known.standing(item)
        if item == self._whole and len(self._frames) > 1 and not self._units.is_answered(item):
            standing = None  # it may have the answer about its first frame alone
        ids = () if standing is None or not standing.class_id else decoded(standing.class_id).chosen
        return self._indices(ids)

    def _indices(self, class_ids: Iterable[str]) -> tuple[int, ...]:
        found = {self.classes.index(id_) for id_ in class_ids}
        return tuple(sorted(index for index in found if index is not None))

    @property
    def labels(self) -> int:
        """Number of items with a label, in which a group counts once."""
        return self.known.labels_counted

    @property
    def audit_disputes(self) -> int:
        """Number of audit items about which annotators disagree; 0 where a hold-out measures."""
        return 0 if self.items.holdout is not None else self.known.audit_disputes

    @property
    def pool_left(self) -> int:
        """Number of items without an answer, or of groups."""
        return int(np.count_nonzero(self._units.open(self._rows.closed)))

    @property
    def curve(self) -> list[CurvePoint]:
        """The accuracy after each fit, without fits on labels that were taken back since."""
        return self._fits.curve(self.labels)

    @property
    def moves(self) -> list[Moves]:
        """How far each fit moved the predictions of the one before."""
        return self._fits.moves(self.labels)

    @property
    def recipe(self) -> Recipe | None:
        """The model, features and strategy of the newest fit."""
        if not self.known.fits:
            return None
        found = self.known.fits[-1].payload
        assert isinstance(found, Fitted)
        return Recipe(found.model, found.features, found.strategy)

    def class_name(self, event: Event | None) -> str | None:
        """Return the name of the class in an answer; None for a skip, or no answer."""
        class_id = None if event is None else said_by(event.payload)
        return None if class_id is None else self.known.classes.name(class_id)

    def likely_next(self) -> list[int]:
        """Return the rows of the next batch, to draw them ahead; a ranking may change them."""
        try:
            batch = self._next_batch(self.round + 1, *(slot.row for slot in self.batch))
        except NotReadError:
            return []
        rows = (self.items.row_of(asked.item) for asked in batch.items)
        return [row for row in rows if row is not None]

    # What an annotator can do.

    def label(
        self,
        item: str,
        class_index: Chosen,
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
        class_index : int, or a collection of int
            In a session of several classes, those of the item: perhaps none.
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
        ClassError
            The class was retired or merged, perhaps by another annotator just now.
        SaveError
            Not on disk; nothing has changed.
        """
        return self._answer(item, self.to_choose(class_index), by, ms, accepted)

    def skip(self, item: str, *, by: Annotator, ms: int | None = None, why: str = "") -> Event:
        """Skip the current item; raises errors as `label` does.

        It is not asked again, unless `why` is `LATER`: then it is once nothing else is left.
        """
        return self._answer(item, None, by, ms, accepted=False, why=why)

    def flag(self, item: str, *, by: Annotator) -> Event:
        """Flag an item for a second opinion; if it is flagged, remove the flag.

        Raises
        ------
        SaveError
            Not on disk; nothing has changed. So it is with `note`.
        """
        is_set = item not in self.known.remarks.flagged
        return self._write([said.Flag(item=item, names=self._names(item), is_set=is_set)], by)[0]

    def note(self, item: str, text: str, *, by: Annotator) -> Event:
        """Write a note about an item, in place of an earlier one; an empty text removes that."""
        note = said.Note(item=item, names=self._names(item), text=text[: said.LONGEST_NOTE])
        return self._write([note], by)[0]

    def own_note(self, item: str, *, by: Annotator) -> str:
        """Return an annotator's note about an item; empty if there is none."""
        notes = self.known.remarks.notes(item)
        return next((note.text or "" for note in notes if note.by == by.name), "")

    def _names(self, item: str) -> tuple[str, ...]:
        row = self.items.row_of(item)
        return () if row is None else said.stored_names(self.items.references(row))

    def suggestion(self) -> int | None:
        """Return the class index that is suggested for the current item, if one is.

        It is the model's most likely class, or that of `guess`.
        """
        slot, guess = self.current, self.guess()
        if slot is not None and slot.probabilities is not None:
            # A retired class is not suggested, so that no class may be left.
            return int(np.argmax(slot.probabilities)) if any(slot.probabilities) else None
        return None if guess is None else self.classes.index(guess.class_id)

    def guess(self) -> said.Suggestion | None:
        """Return a suggestion of another tool for the current item, where the model has none.

        None for audit items and checks, where a suggestion would bias the measurement.
        """
        slot = self.current
        if slot is None or slot.audit or slot.probabilities is not None or self.is_check:
            return None
        guess = self.known.suggestion(self.items.ids[slot.row])
        guess = suggestion_of(self.items, slot.row) if guess is None else guess
        classes = self.known.classes
        if guess is None or not classes.is_open(classes.resolved(guess.class_id)):
            return None
        return guess

    def accept_suggestion(self, item: str, *, by: Annotator, ms: int | None = None) -> Event | None:
        """Label the current item with `suggestion`; return None if there is none."""
        suggestion = self.suggestion()
        if suggestion is None:
            return None
        return self.label(item, suggestion, by=by, ms=ms, accepted=True)

    def undo(self, *, by: Annotator) -> Event | None:
        """Take back the last answer, remark or decision of this desk, however long ago it was.

        The item of an answer becomes current again, in its batch. Once none is left at this desk,
        the annotator's answers at other desks follow, except those where somebody works now.

        Parameters
        ----------
        by : Annotator
            Who takes it back.

        Returns
        -------
        Event or None
            None if nothing is left to take back.

        Raises
        ------
        SaveError
            Not on disk; nothing has changed.
        """
        act = self._last_act(by) or self._earlier_act(by)
        return None if act is None else self._take_back(act, by)

    def take_back(self, event: Event, *, by: Annotator) -> Event:
        """Take back any event that `tuilabel.session.undoing.refusal` allows.

        Raises
        ------
        RefusedError
            It is not in effect, or the answer of another annotator.
        SaveError
            Not on disk; nothing has changed.
        """
        reason = refusal(event, self.known, by.name)
        if reason is not None:
            raise RefusedError(reason)
        return self._take_back(event, by)

    def _take_back(self, act: Event, by: Annotator) -> Event:
        def taken_back() -> None:
            self._whole = None
            self.taken_back = act
            self._forget_fits_since(act)
            self._shown.add(self.cursor)

        items = getattr(act.payload, "items", None) or (getattr(act.payload, "item", None),)
        undo = Undo(act.id, items[0], items[1:])
        (event,) = self._write([undo], by, taken_back)
        return event

    def _last_act(self, by: Annotator) -> Event | None:
        for answer in self.desk.newest_answers():
            item = answer.item
            own, decision = self.known.own(item, by.name), self.known.decision(item)
            remarks = (one for one in self.known.remarks.of(item) if one.by == by.name)
            for found in (own, decision, *remarks):
                if found is not None and found.id == answer.id:
                    return self.events[found.number]
        return None

    def _earlier_act(self, by: Annotator) -> Event | None:
        answers: Iterable[_Act] = self.known.newest(by.name)
        others: list[_Act] = [one for one in self.known.decisions() if one.by == by.name]
        others += self.known.remarks.standing(by.name)
        others.sort(key=_order, reverse=True)
        is_live = cache(self._log.is_live)  # one log may have thousands of them
        for act in merge(answers, others, key=_order, reverse=True):
            if not is_live(self.events.log(act.number)):
                return self.events[act.number]
        return None

    def move(self, step: int) -> bool:
        """Go to another place of the batch; return whether there is one."""
        target = self.cursor + step
        if not 0 <= target < len(self.batch):
            return False
        self._whole = None
        self.desk.cursor = target
        self._shown.add(target)
        return True

    def relabel(
        self, item: str, class_index: Chosen, *, by: Annotator, ms: int | None = None
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
        ClassError
            The class was retired or merged.
        SaveError
            Not on disk; nothing has changed.
        """
        before = self.known.standing(item)
        row = self.items.row_of(item)
        if before is None or row is None:
            raise NotAnsweredError("This image has no answer to change. It is asked in its turn.")
        given = answer_event(self.events[before.given.number], self.known, before.given).payload
        assert isinstance(given, said.Answer)
        label = label_of(
            self.to_choose(class_index),
            item=item,
            round=self.round,
            ms=ms,
            audit=before.audit,
            reason=given.reason,
            draw=given.draw,
            relabel=True,
            names=said.stored_names(self.items.references(row)),
            origin=by.origin,
            group=self._units.name(row),
            pixels=self.items.pixel_hash(row),
        )
        (event,) = self._write([label], by, self._want_another_fit)
        return event

    def decide(self, item: str, class_index: Chosen, *, by: Annotator) -> Event:
        """Settle a dispute, or replace the decision that settled it; also for frames tied alike.

        Parameters
        ----------
        item : str
            The item id that the annotator saw.
        class_index : int
        by : Annotator
            Who decides.

        Raises
        ------
        RefusedError
            The annotators do not disagree about the item.
        SaveError
            Not on disk; nothing has changed.
        """
        if item not in self.known.disputed and self.known.decision(item) is None:
            raise RefusedError("Annotators agree about this image. Label it again instead.")
        frames = self.known.tied_alike(item)
        decided = decision_of(item, self.to_choose(class_index), frames)
        (event,) = self._write([decided], by, self._want_another_fit)
        return event

    def carry(self, *, by: Annotator) -> Event | None:
        """Let answers count for the files of which only metadata changed since.

        Returns
        -------
        Event or None
            None if there are no such files.

        Raises
        ------
        SaveError
            Not on disk; nothing has changed.
        """

        def carried() -> None:
            current = self.desk.current
            if current is not None and self._units.is_answered(current.item):
                self._whole = None
                self.desk.advance()
                self._shown.add(self.cursor)

        payloads = self._gone.carried()
        return self._write(payloads, by, carried)[0] if payloads else None

    def show_all(self) -> None:
        """Note that the annotator sees the whole batch, so that no ranking replaces its places."""
        self._shown = set(range(len(self.batch)))

    def _answer(
        self,
        item: str,
        class_id: str | None,
        by: Annotator,
        ms: int | None,
        accepted: bool,
        why: str = "",
    ) -> Event:
        asked, slot = self.desk.current, self.current
        if asked is None or slot is None or asked.item != item:
            raise NotCurrentError(
                "This image is no longer the one being asked. Look at the image again."
            )
        first, *others = self._units.covered(self.frames(slot), by.name, self.events)
        facts = {
            "item": self.items.ids[first],
            "round": self.round,
            "ms": ms,
            "place": self.cursor,
            "audit": slot.audit,
            "reason": said.AUDIT if slot.audit else asked.reason,
            "draw": self._draw(slot) if slot.audit else asked.draw,
            "probabilities": asked.probabilities,
            "accepted": accepted,
            "names": said.stored_names(self.items.references(first)),
            "origin": by.origin,
            "group": self._units.name(slot.row),
            "frames": self._units.frames_of(others),
            "pixels": self.items.pixel_hash(first),
        }
        answer: Payload = (
            Skip(why=why, **facts) if class_id is None else label_of(class_id, **facts)  # type: ignore[arg-type]
        )
        payloads, place = [answer], self.cursor
        rest = (one.row for n, one in enumerate(self.batch) if n != place)
        is_last = all(self._is_answered(row) for row in rest)
        if is_last:
            with suppress(NotReadError):  # `go_on` asks for it
                payloads.append(self._next_batch(self.round + 1, slot.row))

        def moved_on() -> None:
            self._whole = None
            if is_last:
                self.generation += 1
                self._wanted = True
                self._shown = set()
            self._shown.add(self.cursor)

        return self._write(payloads, by, moved_on)[0]

    def _is_answered(self, row: int) -> bool:
        return self._units.is_answered(self.items.ids[row])

    def _draw(self, slot: Slot) -> float:
        return self._candidates.draw(self._units.head(slot.row))

    # Frames of a group.

    def frames(self, slot: Slot) -> list[int]:
        """Return the rows that are answered together with a place, and its own, in order."""
        is_shown = self.items.ids[slot.row] == self._whole
        return self._frames if is_shown else self._units.frames(slot.row)

    def answer_frame(
        self,
        item: str,
        frame: int,
        class_index: Chosen | None,
        *,
        by: Annotator,
        ms: int | None = None,
        why: str = "",
    ) -> Event:
        """Answer about one frame of the current group alone; the group is asked further.

        Answers about the group leave it as it is. After the last frame the next place is asked.

        Parameters
        ----------
        item : str
            The item id of the group.
        frame : int
            The row that the annotator saw.
        class_index : int or None
            None to skip the frame.
        by, ms, why
            As for `label` and `skip`, whose errors are raised too.
        """
        asked, slot = self.desk.current, self.current
        if asked is None or slot is None or asked.item != item or frame not in self.frames(slot):
            raise NotCurrentError(
                "This image is no longer the one being asked. Look at the image again."
            )
        frame_id = self.items.ids[frame]
        facts = {
            "item": frame_id,
            "round": self.round,
            "ms": ms,
            "audit": slot.audit,
            "reason": said.AUDIT if slot.audit else asked.reason,
            "draw": self._draw(slot) if slot.audit else asked.draw,
            "relabel": True,
            "names": said.stored_names(self.items.references(frame)),
            "origin": by.origin,
            "group": self._units.name(frame),
            "pixels": self.items.pixel_hash(frame),
        }
        answer: Payload = (
            Skip(why=why, **facts)  # type: ignore[arg-type]
            if class_index is None
            else label_of(self.to_choose(class_index), **facts)
        )
        was_answered = self.known.is_answered(frame_id)

        def answered() -> None:
            if was_answered:
                self._want_another_fit()
            if self._units.is_answered(item):
                self._whole = None
                self.desk.advance()
                self._shown.add(self.cursor)

        return self._write([answer], by, answered)[0]

    def go_on(self, *, by: Annotator) -> Event | None:
        """Begin another batch where every item was answered, and some are to be asked.

        Others have taken answers back, items were skipped for later, or had to be read first.

        Returns
        -------
        Event or None
            None if an item is being asked already, or none can be asked.

        Raises
        ------
        SaveError
            Not on disk; nothing has changed.
        """
        if self.desk.current is not None or not (self.pool_left or any(self._postponed(()))):
            return None
        try:
            batch = self._next_batch(self.round + 1)
        except NotReadError:
            return None
        return self._write([batch], by, self._began_batch)[0] if batch.items else None

    def _began_batch(self) -> None:
        self._whole = None
        self.generation += 1
        self._wanted = True
        self._shown = {self.cursor}

    # Looking for a class.

    def rest(self) -> list[list[int]]:
        """Return the rows of each unit without an answer, first the one under whose id it is asked.

        Rows of equal items may be among them.

        Raises
        ------
        NotReadError
            Not all of the source was read yet.
        """
        reading = self.items.reading
        if reading is not None and reading.unread.any():
            raise NotReadError("The images are still being read. Check the rest after that.")
        rows = np.flatnonzero(self._units.open(self._rows.closed)).tolist()
        if self._units.groups is None:
            return [[row] for row in rows]
        found: dict[int, list[int]] = {}
        for row in rows:
            first = self._units.asked(row)
            if first is not None:
                others = (frame for frame in self._units.frames(row) if frame != first)
                found.setdefault(first, [first, *others])
        return list(found.values())

    def predicted(self, class_id: str) -> int | None:
        """Return how many unanswered items of the newest ranking are predicted to have a class.

        None where the newest ranking was made before the desk looked for it.
        """
        left = [asked for row, asked in self._ranked.items() if not self._is_answered(row)]
        if not self._ranked or next(iter(self._ranked.values())).reason != LIKELY:
            return None
        return predicted(left, class_id)

    def seek(self, class_id: str, *, by: Annotator) -> Event:
        """Ask from now on what is probably of a class; empty: as the strategy orders again.

        The audit set grows no more after that: it would no longer be a uniform sample of the pool.

        Raises
        ------
        RefusedError
            What is to be asked was not read yet.
        SaveError
            Not on disk; nothing has changed. So it is with `begin_check`.
        """
        return self._turn_to(self._ending._replace(sought=class_id), (), by)

    def ask_alike(self, rows: Iterable[int], *, by: Annotator) -> Event:
        """Ask some items right after the current one, as many as a batch has.

        Later items of the batch that belong to the audit set or to a check are asked after them;
        its queries are left for another batch.

        Parameters
        ----------
        rows : iterable of int
            Best first. Those that were answered or are in the audit reserve are left out.
        by : Annotator

        Raises
        ------
        RefusedError
            None of them can be asked.
        SaveError
            Not on disk; nothing has changed.
        """
        batch, behind = self.desk.batch, self.cursor + 1
        fixed = [a for a in batch[behind:] if a.reason in (said.AUDIT, said.CHECK)]
        kept = [*batch[:behind], *fixed]
        ids = self.items.ids
        ranked = {int(row): Asked(ids[int(row)], said.ALIKE) for row in rows}
        left_out = [row for a in kept if (row := self.items.row_of(a.item)) is not None]
        queries, _ = self._unasked(ranked, left_out)
        found = (a for part in queries for a in takewhile(_is_alike, part))
        try:
            alike = list(islice(found, self.settings.batch_size))
        except NotReadError:
            alike = []
        if not alike:
            raise RefusedError("No image like this one is left to ask.")
        asked = Batch(
            round=self.round,
            items=(*batch[:behind], *alike, *fixed),
            place=behind,
            sought=self.desk.sought,
            seen=self._log.seen(),
        )
        return self._write([asked], by)[0]

    def begin_check(self, check: said.SpotCheck, *, by: Annotator) -> Event:
        """Ask the items first that a check has drawn, here and where others look for a class."""
        return self._turn_to(Ending(check.class_id, check), (check,), by)

    def _turn_to(self, ending: Ending, payloads: Sequence[Payload], by: Annotator) -> Event:
        try:
            batch = self._next_batch(self.round + 1, ending=ending)
        except NotReadError as error:
            raise RefusedError("The next images are being read. Try again in a moment.") from error
        return self._write([*payloads, batch], by, self._began_batch)[0]

    @property
    def _ending(self) -> Ending:
        check = self.known.checks[-1].payload if self.known.checks else None
        return Ending(self.desk.sought, check if isinstance(check, said.SpotCheck) else None)

    # Reading of the source.

    def items_read(self, rows: Iterable[int]) -> None:
        """Take items into account that were read now; those that cannot be read are closed."""
        reading = self.items.reading
        assert reading is not None
        rows = [row for row in rows if not reading.refused[row]]
        self._join(rows)
        for row in rows:
            self._rows.follow(self.items.ids[row])
        if not reading.unread.any():
            self._count_rows()

    def items_added(self) -> None:
        """Take rows into account that the dataset has at its end now, and that were not read."""
        known, count = len(self._rows.answered), len(self.items)
        self._rows.grow(count)
        self._candidates.grow(list(self._units.role_paths(range(known, count))))
        self._desks.grow(self._candidates.keys)

    def _join(self, rows: Sequence[int]) -> None:
        """Take into account which of some rows are the same item as others."""
        reading = self.items.reading
        if reading is not None:
            firsts = reading.first[list(rows)].tolist()
            for row, first in zip(rows, firsts, strict=True):
                if row != first:
                    self._candidates.join(row, first)

    @property
    def window_is_new(self) -> bool:
        """Whether images of more than 8 bits have a window that the session does not know yet."""
        return self.items.window is not None and self._record.window is None

    def keep_window(self, *, by: Annotator) -> Event | None:
        """Record the window of the source, unless the session has one, or there is none.

        Raises
        ------
        SaveError
            Not on disk; nothing has changed.
        """
        window = self.items.window
        if window is None or self._record.window is not None:
            return None
        return self._write([said.Window(*window)], by)[0]

    @property
    def waits(self) -> bool:
        """Whether nothing can be asked before more of the source was read."""
        reading = self.items.reading
        return self.current is None and reading is not None and bool(reading.unread.any())

    def unread_next(self, count: int) -> list[int]:
        """Return the rows among the next ones to ask that have to be read before.

        Parameters
        ----------
        count : int
            How many of the next rows to look at; those of the audit set come besides.
        """
        reading = self.items.reading
        if reading is None:
            return []
        free = self._units.open(self._rows.closed)
        own = self._desks.share_of(self._desk_id)
        start = 0
        if own is not None:
            free &= own
            start = start_of(self._desk_id, self._first_rows)
        of_audit = int(count * self.about.audit) + 1
        # All of a group is read before it is shown: also of one that a model has chosen.
        units, here = self._units, [slot.row for slot in self.batch[self.cursor :]]
        ranked = self._heads(self._ranking) if units.groups is not None else ()
        queries = islice(self._candidates.queries(ranked, free, start), count)
        next_ones = [*queries, *islice(self._candidates.audits(free, start), of_audit)]
        rows = chain(
            map(units.lacking, here[:1]),
            map(units.lacking_first, next_ones),
            map(units.lacking, [*here[1:], *next_ones]),
        )
        return list(dict.fromkeys(chain.from_iterable(rows)))

    @property
    def _ranking(self) -> Mapping[int, Asked]:
        """The ranking of the model, or that by imported suggestions until there is one."""
        return self._ranked or self._by_doubt()

    def _by_doubt(self) -> Doubts:
        self.known.read_bulk()
        reading = self.items.reading
        made_of = self.known.doubts, 0 if reading is None else int(reading.unread.sum())
        if self._doubts_of[0] is not made_of[0] or self._doubts_of[1] != made_of[1]:
            self._doubts_of = made_of
            self._doubts = Doubts(made_of[0], self.items)
        return self._doubts

    @property
    def _doubts_are_new(self) -> bool:
        """Whether the batch was made before suggestions were imported that order it."""
        has_asked = any(asked.reason == said.DOUBT for asked in self.desk.batch)
        return not (self.known.fits or has_asked) and bool(self._by_doubt())

    def _heads(self, ranked: Mapping[int, Asked]) -> dict[int, Asked]:
        """Return a ranking by the first rows of its units."""
        return {self._units.head(row): asked for row, asked in ranked.items()}

    def unread_to_rank(self) -> list[int]:
        """Return the rows to read before it is known which of the first rows models rank."""
        groups = self._units.groups
        return [] if groups is None else groups.before(self.pool_rows_wanted)

    def can_rank(self, rows: int) -> bool:
        """Return whether it is known which of the first rows models rank."""
        return self._units.is_ranked(rows)

    @property
    def _first_rows(self) -> int:
        """The number of rows that are asked first: those that the trainer begins with."""
        return len(self.items) if self.items.reading is None else rows_to_learn(0, len(self.items))

    @property
    def pool_rows_wanted(self) -> int:
        """The number of the first rows that the trainer should have by now."""
        if self.desk.sought:
            return len(self.items)  # what is not ranked is not found
        return rows_to_learn(self.labels, len(self.items))

    def pool_opened(self, rows: int) -> None:
        """Take into account that the trainer has so many of the first rows; ask it again."""
        self.pool_rows = rows
        self.learn_again()

    # Batches.

    def _next_batch(self, number: int, *answered: int, ending: Ending | None = None) -> Batch:
        """Return the batch with a number, composed as if some more rows were answered.

        What is asked first is what `ending` says, by default that which is in effect.

        Raises
        ------
        NotReadError
            An item that is to be asked was not read yet. No other takes its place, so that the
            same seed asks the same on a slow disk.
        """
        ending = ending or self._ending
        ranked = self._ranked if ending.sought else self._ranking
        queries, audits = self._unasked(ranked, answered, ending)
        size = self.settings.batch_size
        audit_places = frozenset() if ending.sought else self._candidates.audit_places(size, number)
        places: list[Asked] = []
        postponed = self._postponed(answered)
        for place in range(size):
            first, second = (audits, queries) if place in audit_places else (queries, audits)
            both = chain.from_iterable(zip(first, second, strict=True))
            asked = next(chain(chain.from_iterable(both), postponed), None)
            if asked is None:
                break
            places.append(asked)
        # A log of another program may have used up the numbers.
        number = min(number, said.HIGHEST_COUNT)
        return Batch(round=number, items=tuple(places), sought=ending.sought, seen=self._log.seen())

    def _postponed(self, left_out: Collection[int]) -> Iterator[Asked]:
        """Yield the items that were skipped for later, the longest ago first.

        Those that another desk asks now are left out.
        """
        units, found = self._units, dict[object, list[tuple[int, str, str]]]()
        held = set(map(units.unit, self._desks.asked()))
        for item in self.known.postponed:
            skips = [one for one in self.known.answers(item) if one.why == said.LATER]
            if (unit := units.unit(item)) not in held:
                found.setdefault(unit, []).extend((one.t, one.id, item) for one in skips)
        heads = {units.head(row) for row in left_out}
        for skips_of_unit in sorted(map(sorted, found.values()), key=lambda each: each[-1]):
            item = skips_of_unit[-1][2]
            row = self.items.row_of(item)
            if row is not None and units.head(row) not in heads:
                again = dict.fromkeys(id_ for _, id_, _ in skips_of_unit)
                yield Asked(item, said.LATER, again=tuple(again))

    def _unasked(
        self,
        ranked: Mapping[int, Asked],
        left_out: Collection[int],
        ending: Ending | None = None,
    ) -> tuple[list[Iterator[Asked]], list[Iterator[Asked]]]:
        """Return the queries and the audit items that have no answer, in parts.

        What belongs to this desk comes first, then what belongs to others, and at the end what
        others are asking now. Where the desk looks for a class, what a check has drawn comes before
        all of it, except what others are asking, and there are no audit items.
        """

        units, ending = self._units, ending or self._ending
        taken = {self.items.ids[row] for row in left_out}
        if ending.sought:
            ranked = likeliest_first(ranked, ending.sought)
        ranked = ranked if units.groups is None else self._heads(ranked)

        def distinct(rows: Iterable[int]) -> Iterator[tuple[int, str]]:
            for row in rows:
                first = units.asked(row)
                if first is not None and (item := self.items.ids[first]) not in taken:
                    taken.add(item)
                    yield row, item

        def query(row: int, item: str) -> Asked:
            found = ranked.get(row) or Asked(item, said.ORDER)
            return found if found.item == item else replace(found, item=item)

        def audit(row: int, item: str) -> Asked:
            return Asked(item, said.AUDIT, self._candidates.draw(row))

        free = units.open(self._rows.closed)
        free[list(map(units.head, left_out))] = False
        held = np.zeros_like(free)
        rows = map(self.items.row_of, self._desks.asked())
        held[[units.head(row) for row in rows if row is not None]] = True
        own, parts = self._desks.share_of(self._desk_id), [free & ~held, free & held]
        start = 0
        if own is not None:
            parts[:1] = [parts[0] & own, parts[0] & ~own]
            start = start_of(self._desk_id, self._first_rows)
        queries, audits = self._candidates.queries, self._candidates.audits
        asked: list[Iterator[Asked]] = [
            starmap(query, distinct(queries(ranked, part, start))) for part in parts
        ]
        if not ending.sought:
            return asked, [starmap(audit, distinct(audits(part, start))) for part in parts]
        drawn = self._drawn(ending.check)

        def checked() -> Iterator[Asked]:
            for part in parts[:-1]:
                for row, one in drawn.items():
                    if part[row] and one.item not in taken:
                        taken.add(one.item)
                        yield one

        return [checked(), *asked], [iter(()) for _ in range(len(asked) + 1)]

    def _drawn(self, check: said.SpotCheck | None) -> dict[int, Asked]:
        """Return what a check has drawn by the first row of its unit, in the order of the draw."""
        if check is None:
            return {}
        share = round(len(check.items) / check.units, 12)
        rows = ((self.items.row_of(item), item) for item in check.items)
        return {
            self._units.head(row): Asked(item, said.CHECK, share)
            for row, item in rows
            if row is not None
        }

    # The trainer.

    @property
    def request_is_due(self) -> bool:
        """Whether `take_request` returns a request."""
        if not self.pool_rows:
            return False
        if self._is_first_round:
            return self._wanted and self.settings.cold_start != "random"
        return self._wanted and self.labels > 0

    @property
    def _is_first_round(self) -> bool:
        is_unanswered = self.desk.current is not None or not self.labels
        return self.round <= 1 and is_unanswered and not self.known.trains_on_imports

    def take_request(self) -> Request | None:
        """Return the request for the trainer, once; None if there is none."""
        wanted, self._wanted = self._wanted, False
        if not wanted:
            return None
        request = self._cold_start_request() if self._is_first_round else self._fit_request()
        if request is not None:
            audit: Mapping[int, str] = {}
            if isinstance(request, Fit) and not request.sets:
                ids = (request.columns[column] for column in request.audit_classes)
                audit = dict(zip(request.audit_items, ids, strict=True))
            requested = Requested(self.round - 1, self.labels, len(self.events), audit)
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
        if requested is None or (isinstance(ranking, ColdStartFinished) and self._by_doubt()):
            return None
        fit = ranking if isinstance(ranking, FitFinished) else None
        ranked = asked_of(ranking, self.items.ids)
        seen = {n for n, slot in enumerate(self.batch) if self._is_answered(slot.row)}
        seen |= self._shown if shown else {0} if fit is None else set()
        batch = self.desk.batch
        kept = {
            n: batch[n]
            for n, slot in enumerate(self.batch)
            if n in seen or slot.audit or batch[n].reason in (said.ALIKE, said.CHECK)
        }
        first = next(place for place in count() if place not in seen)
        queries, audits = self._unasked(ranked, [self.batch[n].row for n in kept])
        others = chain.from_iterable([*queries, *audits])
        try:
            items = tuple(kept[n] if n in kept else next(others) for n in range(len(batch)))
        except NotReadError:
            items = tuple(batch)
        replaced = Batch(
            round=self.round,
            items=items,
            place=first,
            late=first > 1 or self.round > requested.round + 1,
            sought=self.desk.sought,
            seen=self._log.seen(),
        )
        payloads: list[Payload] = [replaced]
        if fit is not None:
            payloads.insert(0, fitted(fit, requested.round, requested.labels))

        def replaced_it() -> None:
            self._ranked = ranked
            if fit is not None:
                self.predictions = self._predictions(fit, requested.audit)
            self._requested = {
                generation: later
                for generation, later in self._requested.items()
                if generation > ranking.generation
            }

        return self._write(payloads, by, replaced_it)[0]

    def _predictions(self, fit: FitFinished, audit: Mapping[int, str]) -> Predictions | None:
        if not fit.predicted:
            return None
        on_holdout = self.items.holdout is not None
        rows = range(len(fit.predicted)) if on_holdout else tuple(audit)
        truth = None if on_holdout else tuple(audit.values())
        predicted = [fit.columns[column] for column in fit.predicted]
        return Predictions(rows, truth, predicted, fit.confidence)

    def _want_another_fit(self) -> None:
        """Request a fit after an answer that came out of turn, or an import."""
        if self.round > 1 or self.known.trains_on_imports:
            self.generation += 1
            self._wanted = True

    def _forget_fits_since(self, answer: Event) -> None:
        """Refuse the answers to requests that contain an answer that was taken back."""
        if isinstance(answer.payload, said.Remark):
            return
        number = self.events.number(answer)
        stale = [n for n, requested in self._requested.items() if requested.events > number]
        for generation in stale:
            del self._requested[generation]
        if stale or getattr(answer.payload, "relabel", not isinstance(answer.payload, said.Answer)):
            self._want_another_fit()

    def _cold_start_request(self) -> ColdStart | None:
        if self.settings.cold_start == "random" or self.desk.current is None or self._by_doubt():
            return None
        # What is shown will be labelled: the cold start looks for items that differ from it.
        slots = (slot for place, slot in enumerate(self.batch) if place in self._shown)
        shown = [slot.row for slot in slots if slot.row < self.pool_rows]
        return cold_start_request(self.material(), shown, self.generation, self.about.seed)

    def _fit_request(self) -> Fit | None:
        return fit_request(self.material(), self.generation, (self.about.seed, 2, self.round - 1))

    @property
    def _has_truth(self) -> bool:
        return self.items.holdout is not None

    def _columns(self) -> dict[str, int]:
        """Return the class ids that a model has to tell apart, each with its column."""
        ids = self.classes.columns(self.known.by_class, has_truth=self._has_truth)
        return {id_: column for column, id_ in enumerate(ids)}

    def material(self) -> Material:
        """Return the labels and settings that a request is made from."""
        columns, equal = self._columns(), self._equal_in_pool()
        sets: dict[str, tuple[int, ...]] | None = None
        if self.about.multi:
            both = chain(self.known.training.values(), self.known.audit.values())
            sets = sets_of(both, tuple(columns))
        places = {one: place for place, one in enumerate(sets or ())}
        parts = self._rows.indices(columns if sets is None else places)
        of_audit = parts[1]
        training, audit = (
            self._units.once(
                {
                    place: column
                    for row, column in part.items()
                    if (place := equal.get(row, row)) < self.pool_rows
                },
                without,
            )
            for part, without in zip(parts, (of_audit, ()), strict=True)
        )
        excluded = ~self._units.to_rank(self._rows.closed) | self._reserved
        excluded[list(training)] = False
        return Material(
            self.settings,
            tuple(columns),
            training,
            audit,
            tuple(np.flatnonzero(excluded[: self.pool_rows]).tolist()),
            desks=1 + len(self._desks.others()),
            truth=tuple(columns[id_] for id_ in self.classes.of_source) if self._has_truth else (),
            parents=() if sets else parents_of(tuple(columns), self.known.classes.above),
            sets=() if sets is None else tuple(sets.values()),
            sought=columns.get(self.desk.sought, -1) if sets is None else -1,
            hunted=tuple(
                (columns[class_id], reason)
                for item, reason in self.known.hunted()
                if sets is None and (class_id := self.known.training[item]) in columns
            ),
        )

    @property
    def _reserved(self) -> NDArray[np.bool_]:
        """Whether the unit of each row is in the audit reserve: shape (n,)."""
        reserved, groups = self._candidates.reserved, self._units.groups
        return reserved if groups is None else groups.spread(reserved)

    def _equal_in_pool(self) -> dict[int, int]:
        """Return the rows that the trainer has of items whose first row it does not have.

        Of equal files the first is the one that was read first, wherever it is.
        """
        reading = self.items.reading
        if reading is None:
            return {}
        firsts = reading.first[: self.pool_rows]
        rows = np.flatnonzero(firsts >= self.pool_rows)[::-1]
        return dict(zip(firsts[rows].tolist(), rows.tolist(), strict=True))

    # Classes.

    def add_class(self, name: str, *, by: Annotator, key: str | None = None) -> Event:
        """Add a class, or bring a retired one back.

        Parameters
        ----------
        name : str
        by : Annotator
        key : str, optional
            The key that labels it.

        Raises
        ------
        ClassError
            The name cannot be used, or a class has it.
        SaveError
            Not on disk; nothing has changed. So it is with the other changes.
        """
        if self.about.multi:
            class_changes.check_for_sets(name)
        return self._change_classes(class_changes.add(self.known.classes, name, key), by)

    def rename_class(self, class_id: str, name: str, *, by: Annotator) -> Event:
        """Rename a class; its labels stay. Raises `ClassError`, as the other changes do."""
        if self.about.multi:
            class_changes.check_for_sets(name)
        return self._change_classes(class_changes.rename(self.known.classes, class_id, name), by)

    def merge_classes(self, class_id: str, into: str, *, by: Annotator) -> Event:
        """Make the answers to a class count for another one."""
        return self._change_classes(class_changes.merge(self.known.classes, class_id, into), by)

    def retire_class(self, class_id: str, *, by: Annotator) -> Event:
        """Let a class no longer be chosen; its labels still count."""
        return self._change_classes(class_changes.retire(self.known.classes, class_id), by)

    def restyle_class(self, class_id: str, key: str, *, by: Annotator) -> Event:
        """Set another key of a class, for this annotator."""
        return self._change_classes(class_changes.restyle(class_id, key), by)

    def undo_class_change(self, *, by: Annotator) -> Event:
        """Undo the newest change to the classes that can be undone, by whom it may be."""
        return self._change_classes(class_changes.undo(self.known.classes, by.name)[1], by)

    def to_choose(self, chosen: Chosen) -> str:
        """Return the id of a class that can be chosen, or a set of such classes.

        Raises
        ------
        ClassError
            A class was retired or merged.
        """
        several = [chosen] if isinstance(chosen, int) else chosen
        ids = [self.classes.ids[index] for index in several]
        for class_id in ids:
            class_changes.check_open(self.known.classes, class_id)
        if isinstance(chosen, int) and not self.about.multi:
            return ids[0]
        return coded(ids, (self.classes.ids[index] for index in self.classes.open))

    def _change_classes(self, payload: Payload, by: Annotator) -> Event:
        (event,) = self._write([payload], by)
        return event

    # Events.

    def take_in(self, events: Iterable[Event]) -> None:
        """Take what others have written into account."""
        with self.known.joining():
            for event in events:
                self._take_in(event)
        self._rejoin()

    def others(self) -> list[str]:
        """Return the names of those who work on the session at this moment, sorted."""
        return self._desks.annotators()

    def append_to(self, writer: Appender) -> None:
        """Append to another writer from now on, one that may raise `StillSavingError`.

        Then the events are pending. They are applied by `finish`, and until then nothing else can
        be written.
        """
        self._writer = writer

    def finish(self, take: Callable[[], list[Event]]) -> Event:
        """Apply events that were pending; return what the call that wrote them would have.

        Parameters
        ----------
        take : callable
            Returns the events.

        Raises
        ------
        SaveError
            They may not be on disk; nothing has changed.
        """
        then, self._unfinished = self._unfinished, None
        assert then is not None
        return self._apply(take(), then)[0]

    def _write(
        self,
        payloads: Sequence[Payload],
        by: Annotator,
        then: Callable[[], object] = _nothing,
    ) -> list[Event]:
        """Write events and apply them; `then` changes what no event says, once they are on disk."""
        if self._unfinished is not None:
            raise StillSavingError
        try:
            events = self._writer.append(payloads, by.name)
        except StillSavingError:
            self._unfinished = then
            raise
        return self._apply(events, then)

    def _apply(self, events: list[Event], then: Callable[[], object]) -> list[Event]:
        for event in events:
            self._take_in(event)
            self.desk.apply(event)
            if isinstance(event.payload, Opened):
                self._desk_id, self._opened = event.payload.desk or event.id, event
        self._rejoin()
        then()
        return events

    def _rejoin(self) -> None:
        """Take into account that other items count as one now."""
        if self.known.rejoined:
            for item in self.known.rejoined:
                self._rows.follow(item)
            self._count_rows()
            self._want_another_fit()

    def _take_in(self, event: Event) -> None:
        recounts = self.known.recounts
        self._record.apply(event)
        if self.known.recounts != recounts:
            self._want_another_fit()
        payload = event.payload
        of_import = payload.event if isinstance(payload, Undo) else event.id
        if imported := self.known.imported_items(of_import):
            self._want_another_fit()
            for item in imported:
                self._rows.follow(item)
        if isinstance(payload, said.Answer | Undo | said.Settled):
            for item in payload.items:
                self._rows.follow(item)
        elif isinstance(payload, Moved):
            self.items.look_at(payload.places())
        elif isinstance(payload, Batch):
            if payload.sought:
                self._candidates.release()
            for asked in payload.items:
                for id_ in asked.again:
                    for item in self.known.kept_for_later(id_):
                        self._rows.follow(item)


def _is_alike(asked: Asked) -> bool:
    return asked.reason == said.ALIKE
