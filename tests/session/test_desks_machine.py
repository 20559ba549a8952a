"""Several desks of one session against a plain model of them, driven by hypothesis.

Each desk sees what the others write late, in pieces and out of order, as over a network.
"""

from __future__ import annotations

from dataclasses import replace

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule
from loop_fakes import CLASSES, FakeItems, FakeLog, fake_ranking

from tuilabel.events.lines import Event
from tuilabel.events.payloads import LATER, Answer, Batch, Undo
from tuilabel.learn.requests import FitFinished
from tuilabel.session import Annotator, LoopSettings, Session
from tuilabel.session.labels import Labels

SETTINGS = LoopSettings(cold_start="random", batch_size=3)
NUMBERS = st.integers(0, 10_000)


class Seat:
    """One desk: its session, and what it has not read yet."""

    def __init__(self, items: FakeItems, log: FakeLog, name: str) -> None:
        self.log = log
        self.by = Annotator(name)
        self.session = Session(items, log, SETTINGS, self.by)
        self.seen = {event.id for event in log.written}
        self.on_the_way: list[Event] = []
        self.answered: list[str] = []

    def look(self) -> None:
        """Note what others have written."""
        self.on_the_way += self.log.read()

    def take(self, events: list[Event]) -> None:
        """Read some of it."""
        self.session.take_in(events)
        self.seen |= {event.id for event in events}
        self.session.go_on(by=self.by)
        self.seen.update(event.id for event in self.log.written if event.log == self.log.run)


class DesksMachine(RuleBasedStateMachine):
    """Up to four desks, of three annotators, come, go, label, skip, undo and rank in any order."""

    @initialize(count=st.integers(1, 30), holdout=st.booleans(), seed=st.integers(0, 3))
    def start(self, count: int, holdout: bool, seed: int) -> None:
        self.items = FakeItems(count, holdout=holdout)
        self.first = FakeLog(seed=seed, audit=0.3)
        self.first.live.add(self.first.run)
        self.seats: list[Seat] = [Seat(self.items, self.first, "anna")]

    def seat(self, number: int) -> Seat:
        return self.seats[number % len(self.seats)]

    @precondition(lambda self: len(self.seats) < 4)
    @rule(name=st.sampled_from(["anna", "bob", "cleo"]))
    def come(self, name: str) -> None:
        log = self.first.beside()
        self.seats.append(Seat(self.items, log, name))

    @precondition(lambda self: len(self.seats) > 1)
    @rule(number=NUMBERS)
    def leave(self, number: int) -> None:
        self.seat(number).log.end()
        self.seats.remove(self.seat(number))

    @rule(number=NUMBERS, class_index=st.integers(0, 2))
    def label(self, number: int, class_index: int) -> None:
        seat = self.seat(number)
        item = seat.session.current_id
        if item is not None:
            self.check_is_new(seat, item)
            seat.session.label(item, class_index, by=seat.by)
            self.answer(seat, item)

    @rule(number=NUMBERS, why=st.sampled_from(["", LATER]))
    def skip(self, number: int, why: str) -> None:
        seat = self.seat(number)
        item = seat.session.current_id
        if item is not None:
            self.check_is_new(seat, item)
            seat.session.skip(item, by=seat.by, why=why)
            self.answer(seat, item)
            if why == LATER:
                seat.answered.remove(item)

    def check_is_new(self, seat: Seat, item: str) -> None:
        batches = (event.payload for event in self.first.written)
        again = {
            asked.item
            for batch in batches
            if isinstance(batch, Batch)
            for asked in batch.items
            if asked.again
        }
        assert item not in seat.answered or item in again, "it is asked a second time at one desk"

    def answer(self, seat: Seat, item: str) -> None:
        seat.answered.append(item)
        seat.seen.update(event.id for event in seat.log.written if event.log == seat.log.run)
        after = seat.session.current_id
        if after is not None:
            assert not seat.session.known.is_answered(after), "what others answered is passed over"

    @rule(number=NUMBERS)
    def undo(self, number: int) -> None:
        seat = self.seat(number)
        event = seat.session.undo(by=seat.by)
        if event is not None:
            assert isinstance(event.payload, Undo)
            assert event.payload.item is not None
            # An earlier answer, given at another desk, may stand again.
            if not seat.session.known.is_answered(event.payload.item):
                assert seat.session.current_id == event.payload.item
            if event.payload.item in seat.answered:
                seat.answered.remove(event.payload.item)
        seat.seen.update(event.id for event in seat.log.written if event.log == seat.log.run)

    @rule(number=NUMBERS, salt=st.integers(0, 3))
    def rank(self, number: int, salt: int) -> None:
        seat = self.seat(number)
        request = seat.session.take_request()
        if request is None:
            return
        current = seat.session.current_id
        ranking = fake_ranking(request, len(self.items), len(CLASSES), salt)
        if isinstance(ranking, FitFinished):
            ranking = replace(ranking, draws=[0.1] * len(ranking.items))
        seat.session.accept_ranking(ranking, by=seat.by)
        seat.seen.update(event.id for event in seat.log.written if event.log == seat.log.run)
        assert seat.session.current_id == current

    @rule(number=NUMBERS, order=st.randoms(use_true_random=False), share=st.floats(0, 1))
    def read(self, number: int, order, share: float) -> None:  # type: ignore[no-untyped-def]
        seat = self.seat(number)
        seat.look()
        order.shuffle(seat.on_the_way)
        count = int(share * len(seat.on_the_way) + 0.5)
        events, seat.on_the_way = seat.on_the_way[:count], seat.on_the_way[count:]
        current, shown = seat.session.current_id, seat.session.current is not None
        seat.take(events)
        if shown:
            assert seat.session.current_id == current, "what is shown stays"

    @invariant()
    def each_desk_knows_the_union_of_what_it_has_read(self) -> None:
        for seat in getattr(self, "seats", []):
            known = Labels(seat.log.bulk_lines)
            for n, event in enumerate(e for e in seat.log.written if e.id in seat.seen):
                known.apply(event, n)
            mine = seat.session.known
            assert mine.training == known.training
            assert mine.audit == known.audit
            assert (mine.labels_held, mine.skips_held) == (known.labels_held, known.skips_held)
            material = seat.session.material()
            assert len(material.training) == len(known.training)
            assert len(material.audit) == len(known.audit)
            batch = [self.items.ids[slot.row] for slot in seat.session.batch]
            assert len(set(batch)) == len(batch)
            assert (seat.session.current is not None) or not seat.session.pool_left

    def teardown(self) -> None:
        """Let everybody read everything, and answer what is left: no item is lost."""
        if not hasattr(self, "seats"):
            return
        for _ in range(len(self.items) + 2):
            for seat in self.seats:
                seat.look()
                events, seat.on_the_way = seat.on_the_way, []
                seat.take(events)
                item = seat.session.current_id
                if item is not None and not seat.session.known.is_answered(item):
                    self.check_is_new(seat, item)
                if item is not None:
                    seat.session.label(item, 0, by=seat.by)
                    self.answer(seat, item)
        answered = {e.payload.item for e in self.first.written if isinstance(e.payload, Answer)}
        assert answered == set(self.items.ids), "an item was lost"
        for seat in self.seats:
            seat.look()
            seat.take(seat.on_the_way)
            assert seat.session.pool_left == 0
        states = [seat.session.known.training for seat in self.seats]
        assert all(state == states[0] for state in states)


DesksMachine.TestCase.settings = settings(max_examples=150, stateful_step_count=40, deadline=None)
TestDesks = DesksMachine.TestCase
