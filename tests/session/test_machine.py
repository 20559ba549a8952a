"""The loop against a plain model of it, driven by hypothesis."""

from __future__ import annotations

from typing import NamedTuple

from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule
from loop_fakes import CLASSES, ME, FakeItems, FakeLog, fake_ranking

from tuilabel.errors import SaveError
from tuilabel.events.lines import Event
from tuilabel.events.payloads import LATER, UNSURE, Batch, Flag, Label, Note, Undo
from tuilabel.session import LoopSettings, Request, Session, Slot


class Act(NamedTuple):
    """An answer, or a remark; with the number of answers before it and itself."""

    item: str
    answer: int | None
    number: int
    is_in_turn: bool
    is_remark: bool
    event: str


class LoopMachine(RuleBasedStateMachine):
    """Labels, skips, remarks, undoes, looks about, restarts and loses fits, in any order.

    The model is a stack of acts: what holds for an item is its last answer.
    """

    @initialize(
        count=st.integers(1, 25),
        batch_size=st.integers(1, 6),
        holdout=st.booleans(),
        seed=st.integers(0, 5),
        cold_start=st.sampled_from(["random", "kmeans", "auto"]),
    )
    def start(self, count: int, batch_size: int, holdout: bool, seed: int, cold_start: str) -> None:
        self.items = FakeItems(count, holdout=holdout)
        self.log = FakeLog(seed=seed, audit=0.3)
        self.loop_settings = LoopSettings(cold_start=cold_start, batch_size=batch_size)
        self.stack: list[Act] = []
        self.answers = 0
        self.looked_away = False
        self.seen_whole: list[Slot] | None = None
        self.requests: list[Request] = []
        self.valid: dict[int, int] = {}
        self.open()

    def open(self) -> None:
        self.seen_whole = None
        self.session = Session(self.items, self.log.reopened(), self.loop_settings, ME)

    @property
    def held(self) -> dict[str, int | None]:
        return {act.item: act.answer for act in self.stack if not act.is_remark}

    @precondition(lambda self: self.session.current is not None)
    @rule(class_index=st.integers(0, 2))
    def label(self, class_index: int) -> None:
        item = self.session.current_id
        assert item is not None
        event = self.session.label(item, class_index, by=ME)
        self.remember(event, item, class_index)
        self.go_on()

    @precondition(lambda self: self.session.current is not None)
    @rule(why=st.sampled_from(["", UNSURE, LATER, LATER]))
    def skip(self, why: str) -> None:
        item = self.session.current_id
        assert item is not None
        event = self.session.skip(item, by=ME, why=why)
        self.remember(event, item, None)
        self.go_on()

    def go_on(self) -> None:
        """Ask for what was skipped for later, if nothing else is left, as a screen does."""
        self.looked_away = False
        self.session.go_on(by=ME)
        self.forget_what_is_asked_again()

    def forget_what_is_asked_again(self) -> bool:
        batches = [event.payload for event in self.log.written if isinstance(event.payload, Batch)]
        again = {id_ for batch in batches for asked in batch.items for id_ in asked.again}
        ended = {act.item: place for place, act in enumerate(self.stack) if act.event in again}
        kept = [
            act
            for place, act in enumerate(self.stack)
            if act.is_remark or place > ended.get(act.item, -1)
        ]
        was, self.stack = self.stack, kept
        return len(was) > len(kept)

    @rule(data=st.data(), text=st.sampled_from(["", "wet"]))
    def remark(self, data: st.DataObject, text: str) -> None:
        before = self.picture()
        item = data.draw(st.sampled_from(sorted(self.items.ids)))
        flag = self.session.flag(item, by=ME)
        note = self.session.note(item, text, by=ME)
        for event in (flag, note):
            self.stack.append(Act(item, None, self.answers, False, True, event.id))
        assert self.session.own_note(item, by=ME) == text
        assert self.picture() == before

    @precondition(lambda self: self.session.current is not None)
    @rule(class_index=st.integers(0, 2))
    def label_then_undo(self, class_index: int) -> None:
        before = self.picture()
        item = self.session.current_id
        assert item is not None
        self.session.label(item, class_index, by=ME)
        is_more_left = self.forget_what_is_asked_again()
        self.answers += 1
        self.undo_in_session(self.answers)
        assert (
            self.picture()[: 3 if is_more_left else None] == before[: 3 if is_more_left else None]
        )
        self.looked_away = False

    def remember(self, event: Event, item: str, answer: int | None, *, again: bool = False) -> None:
        self.answers += 1
        self.stack.append(Act(item, answer, self.answers, not again, False, event.id))

    @precondition(lambda self: self.held)
    @rule(data=st.data(), class_index=st.integers(0, 2))
    def relabel(self, data: st.DataObject, class_index: int) -> None:
        item = data.draw(st.sampled_from(sorted(self.held)))
        place = (self.session.round, self.session.cursor, self.session.batch)
        event = self.session.relabel(item, class_index, by=ME)
        self.remember(event, item, class_index, again=True)
        assert isinstance(event.payload, Label)
        found = (event.payload.item, self.session.class_name(event))
        assert found == (item, CLASSES[class_index])
        assert (self.session.round, self.session.cursor, self.session.batch) == place

    @rule()
    def show_all(self) -> None:
        self.session.show_all()
        self.seen_whole = list(self.session.batch)

    @invariant()
    def another_batch_is_not_seen_yet(self) -> None:
        # A batch that opens again, after an undo and another answer, is shown again as well.
        if self.session.batch != self.seen_whole:
            self.seen_whole = None

    def undo_in_session(self, number: int) -> Event | None:
        """Undo the answer with a number; a fit that was asked for with it is stale."""
        event = self.session.undo(by=ME)
        self.valid = {known: at for known, at in self.valid.items() if at < number}
        return event

    def picture(self) -> tuple[object, ...]:
        session = self.session
        return (session.round, session.cursor, session.batch, session.labels, session.pool_left)

    @rule()
    def undo(self) -> None:
        if not self.stack:
            assert self.session.undo(by=ME) is None
            return
        act = self.stack.pop()
        before = self.picture()
        event = self.session.undo(by=ME) if act.is_remark else self.undo_in_session(act.number)
        assert event is not None
        assert isinstance(event.payload, Undo)
        assert event.payload.item == act.item
        assert not act.is_remark or self.picture() == before
        if act.is_in_turn:
            assert self.session.current_id == act.item
            self.looked_away = False

    @rule(step=st.sampled_from([-1, 1]))
    def look(self, step: int) -> None:
        current = self.session.current_id
        moved = self.session.move(step)
        assert moved == (self.session.current_id != current)
        self.looked_away |= moved

    @rule()
    def take_request(self) -> None:
        request = self.session.take_request()
        if request is not None:
            self.requests.append(request)
            self.valid[request.generation] = self.answers

    @rule()
    def learn_again(self) -> None:
        before = self.picture()
        self.session.learn_again()
        assert self.picture() == before

    @precondition(lambda self: self.requests)
    @rule(data=st.data(), salt=st.integers(0, 3))
    def answer_request(self, data: st.DataObject, salt: int) -> None:
        request = data.draw(st.sampled_from(self.requests))
        current, batch = self.session.current_id, list(self.session.batch)
        fresh = request.generation in self.valid
        event = self.session.accept_ranking(
            fake_ranking(request, len(self.items.ids), len(CLASSES), salt), by=ME
        )
        assert (event is not None) == fresh
        if fresh:
            newest = request.generation
            self.valid = {known: at for known, at in self.valid.items() if known > newest}
        assert self.session.current_id == current
        if batch == self.seen_whole:
            assert self.session.batch == batch

    @rule()
    def fail_to_save(self) -> None:
        before = self.picture()
        self.log.fails = True
        try:
            self.session.undo(by=ME)
        except SaveError:
            assert self.stack
        else:
            assert not self.stack
        self.log.fails = False
        assert self.picture() == before

    @rule()
    def restart(self) -> None:
        before = self.picture()
        self.open()
        self.requests = []
        self.valid = {}
        # Where one looks is no event: a restart goes back to where the last answer led.
        first = 2 if self.looked_away else 0
        assert self.picture()[first:] == before[first:]
        self.looked_away = False

    @invariant()
    def nothing_is_lost_or_asked_twice(self) -> None:
        session = self.session
        held = self.held
        labels = {item for item, answer in held.items() if answer is not None}
        assert session.labels == len(labels)
        assert session.pool_left == len(self.items.ids) - len(held)
        assert set(session.known.training) | set(session.known.audit) == labels
        batch = [self.items.ids[slot.row] for slot in session.batch]
        assert len(set(batch)) == len(batch)
        open_items = [item for item in batch if item not in held]
        # A batch with nothing open is closed at once; only the end of the pool has none.
        assert bool(open_items) == (session.pool_left > 0)
        assert (session.current is None) == (session.pool_left == 0)
        assert session.current is not None or not session.known.postponed
        remarks = [self.log.event(int(act.event[1:]) - 1) for act in self.stack if act.is_remark]
        flags = {event.payload.item: event for event in remarks if isinstance(event.payload, Flag)}
        notes = {event.payload.item: event for event in remarks if isinstance(event.payload, Note)}
        assert set(session.known.remarks.flagged) == {
            item for item, event in flags.items() if event.payload.is_set
        }
        assert set(session.known.remarks.noted) == {
            item for item, event in notes.items() if event.payload.text
        }
        for slot in session.batch:
            answer = session.answer(slot)
            item = self.items.ids[slot.row]
            assert (answer is not None) == (item in held)
            if answer is not None:
                assert answer.class_index == held[item]


def test_a_batch_that_opens_again_is_kept_once_it_is_shown_again() -> None:
    log = FakeLog(audit=0.3)
    loop_settings = LoopSettings(cold_start="random", batch_size=2)
    session = Session(FakeItems(5, holdout=False), log, loop_settings, ME)
    for _ in range(2):
        session.label(str(session.current_id), 0, by=ME)
    session.show_all()
    session.undo(by=ME)
    session.skip(str(session.current_id), by=ME)
    session.show_all()
    request, batch = session.take_request(), list(session.batch)
    assert request is not None
    assert session.accept_ranking(fake_ranking(request, 5, len(CLASSES)), by=ME) is not None
    assert session.batch == batch


LoopMachine.TestCase.settings = settings(max_examples=150, stateful_step_count=50, deadline=None)
TestLoop = LoopMachine.TestCase


@settings(max_examples=150, deadline=None)
@given(
    steps=st.lists(
        st.tuples(
            st.sampled_from(["label", "label", "label", "undo", "fit", "look", "reopen"]),
            st.integers(0, 10_000),
        ),
        max_size=40,
    ),
    holdout=st.booleans(),
)
def test_a_source_that_changes_between_openings_loses_nothing(
    steps: list[tuple[str, int]], holdout: bool
) -> None:
    everything = FakeItems(12, holdout=holdout)
    log = FakeLog(audit=0.3)
    loop_settings = LoopSettings(batch_size=4)
    session = Session(everything, log, loop_settings, ME)
    held: list[str] = []
    for step, number in steps:
        item = session.current_id
        if step == "label" and item is not None:
            session.label(item, number % 3, by=ME)
            held.append(item)
        elif step == "undo":
            event = session.undo(by=ME)
            assert (event is not None) == bool(held)
            if event is not None:
                assert isinstance(event.payload, Undo)
                assert event.payload.item == held.pop()
        elif step == "fit":
            request = session.take_request()
            if request is not None:
                session.accept_ranking(
                    fake_ranking(request, len(session.items), len(CLASSES)), by=ME
                )
        elif step == "look":
            session.move(1 if number % 2 else -1)
        elif step == "reopen":
            some = [i for n, i in enumerate(everything.ids) if number >> (n % 13) & 1 or i in held]
            # Something answered must still be there, or it is another source.
            some = some[: max(1, len(some) - number % 3)]
            if some and (not held or set(some) & set(held)):
                session = Session(
                    FakeItems.of(some, holdout=holdout), log.reopened(), loop_settings, ME
                )
        assert set(session.known.training) | set(session.known.audit) == set(held)
        for slot in session.batch:
            assert (session.answer(slot) is not None) == (session.items.ids[slot.row] in held)
