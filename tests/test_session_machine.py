"""The loop against a plain model of it, driven by hypothesis."""

from __future__ import annotations

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule
from loop_fakes import FakeItems, FakeLog, fake_ranking

from tuilabel.errors import SaveError
from tuilabel.journal import Event, SessionInfo
from tuilabel.session import LoopSettings, Request, Session

CLASSES = ("cat", "dog", "owl")


class LoopMachine(RuleBasedStateMachine):
    """Labels, skips, undoes, looks about, restarts and loses fits, in any order.

    The model is a stack of (item, answer) pairs: what holds for an item is its last pair.
    """

    @initialize(
        count=st.integers(1, 25),
        batch_size=st.integers(1, 6),
        holdout=st.booleans(),
        seed=st.integers(0, 5),
        cold_start=st.sampled_from(["random", "kmeans"]),
    )
    def start(self, count: int, batch_size: int, holdout: bool, seed: int, cold_start: str) -> None:
        self.items = FakeItems(count, holdout=holdout)
        self.log = FakeLog(SessionInfo("fake", CLASSES, seed=seed, audit=0.3))
        self.loop_settings = LoopSettings(cold_start=cold_start, batch_size=batch_size)
        self.stack: list[tuple[str, int | None]] = []
        self.looked_away = False
        self.requests: list[Request] = []
        self.valid: set[int] = set()
        self.open()

    def open(self) -> None:
        self.session = Session(self.items, self.log, self.loop_settings)

    @property
    def held(self) -> dict[str, int | None]:
        return dict(self.stack)

    @precondition(lambda self: self.session.current is not None)
    @rule(class_index=st.integers(0, 2))
    def label(self, class_index: int) -> None:
        item = self.session.current_id
        assert item is not None
        self.session.label(item, class_index)
        self.stack.append((item, class_index))
        self.looked_away = False

    @precondition(lambda self: self.session.current is not None)
    @rule()
    def skip(self) -> None:
        item = self.session.current_id
        assert item is not None
        self.session.skip(item)
        self.stack.append((item, None))
        self.looked_away = False

    @precondition(lambda self: self.session.current is not None)
    @rule(class_index=st.integers(0, 2))
    def label_then_undo(self, class_index: int) -> None:
        before = self.picture()
        item = self.session.current_id
        assert item is not None
        self.session.label(item, class_index)
        self.undo_in_session()
        assert self.picture() == before
        self.looked_away = False

    def undo_in_session(self) -> Event | None:
        before = self.session.round
        event = self.session.undo()
        if self.session.round < before:
            # Labels that a fit was asked for hold no more.
            self.valid.clear()
        return event

    def picture(self) -> tuple[object, ...]:
        session = self.session
        return (session.round, session.cursor, session.batch, session.labels, session.pool_left)

    @rule()
    def undo(self) -> None:
        event = self.undo_in_session()
        if not self.stack:
            assert event is None
            return
        item, _ = self.stack.pop()
        assert event is not None
        assert event.item == item
        assert self.session.current_id == item
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
            self.valid.add(request.generation)

    @precondition(lambda self: self.requests)
    @rule(data=st.data(), salt=st.integers(0, 3))
    def answer_request(self, data: st.DataObject, salt: int) -> None:
        request = data.draw(st.sampled_from(self.requests))
        current = self.session.current_id
        fresh = request.generation in self.valid
        event = self.session.accept_ranking(
            fake_ranking(request, len(self.items.ids), len(CLASSES), salt)
        )
        assert (event is not None) == fresh
        self.valid = {known for known in self.valid if known > request.generation}
        assert self.session.current_id == current

    @rule()
    def fail_to_save(self) -> None:
        before = self.picture()
        self.log.fails = True
        try:
            self.session.undo()
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
        self.valid = set()
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
        assert {str(event.item) for event in session.ledger.labels()} == labels
        batch = [self.items.ids[slot.row] for slot in session.batch]
        assert len(set(batch)) == len(batch)
        open_items = [item for item in batch if item not in held]
        # A batch with nothing open is closed at once; only the end of the pool has none.
        assert bool(open_items) == (session.pool_left > 0)
        assert (session.current is None) == (session.pool_left == 0)
        for slot in session.batch:
            answer = session.answer(slot)
            item = self.items.ids[slot.row]
            assert (answer is not None) == (item in held)
            if answer is not None:
                assert answer.class_index == held[item]


LoopMachine.TestCase.settings = settings(max_examples=150, stateful_step_count=50, deadline=None)
TestLoop = LoopMachine.TestCase
