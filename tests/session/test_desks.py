"""Several desks of one session at the same time."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from loop_fakes import ME, FakeItems, FakeLog, fake_ranking

from tuilabel.errors import SaveError
from tuilabel.events.lines import Event
from tuilabel.events.payloads import Label, Undo
from tuilabel.learn.requests import Fit
from tuilabel.session import Annotator, LoopSettings, Session
from tuilabel.session.desks import shared

YOU = Annotator("you")


def sit(log: FakeLog, by: Annotator = ME, count: int = 30, *, holdout: bool = True) -> Session:
    settings = LoopSettings(cold_start="random", batch_size=5)
    return Session(FakeItems(count, holdout=holdout), log, settings, by)


def label(session: Session, by: Annotator = ME, class_index: int = 0) -> str:
    item = session.current_id
    assert item is not None
    session.label(item, class_index, by=by)
    return item


def rows(session: Session) -> set[int]:
    return {slot.row for slot in session.batch}


def test_two_desks_ask_different_items_also_of_the_audit_set() -> None:
    for holdout in (True, False):
        mine = FakeLog()
        first = sit(mine, holdout=holdout)
        second = sit(mine.beside(), YOU, holdout=holdout)
        assert len(rows(first)) == len(rows(second)) == 5
        assert not rows(first) & rows(second)


def test_what_is_left_is_asked_at_every_desk_rather_than_at_none() -> None:
    for holdout in (True, False):
        mine = FakeLog()
        first = sit(mine, count=5, holdout=holdout)
        yours = mine.beside()
        second = sit(yours, YOU, count=5, holdout=holdout)
        assert rows(first) == rows(second)
        while second.current is not None:
            label(second, YOU)
        first.take_in(mine.read())
        assert first.pool_left == 0
        label(first)
        assert first.current is None


def test_a_ranking_fills_the_batch_where_others_ask_all_that_is_left() -> None:
    mine = FakeLog()
    first = sit(mine, count=10)
    for _ in range(5):
        label(first)
    request = first.take_request()
    assert request is not None
    sit(mine.beside(), YOU, count=10)
    first.take_in(mine.read())
    before = rows(first)
    assert first.accept_ranking(fake_ranking(request, 10, 3), by=ME) is not None
    assert rows(first) == before


def test_an_undo_takes_back_the_same_annotators_answers_only() -> None:
    mine = FakeLog()
    first, yours = sit(mine), mine.beside()
    second = sit(yours, YOU)
    item, other = label(first), label(second, YOU)
    first.take_in(mine.read())
    assert first.undo(by=ME) is not None
    assert first.current_id == item
    assert first.undo(by=ME) is None
    assert first.known.is_answered(other)


def test_once_none_is_left_an_undo_takes_back_what_was_answered_at_a_desk_that_is_left() -> None:
    mine = FakeLog()
    first, beside = sit(mine), mine.beside()
    second = sit(beside)
    item = label(first)
    second.take_in(beside.read())
    assert second.undo(by=ME) is None, "somebody works at the other desk"
    mine.end()
    assert second.undo(by=ME) is not None
    assert second.current_id == item
    # The other desk goes on, and its answer is not taken back a second time.
    again = sit(mine.reopened())
    assert again.labels == 0
    assert again.undo(by=ME) is None


def test_an_undo_takes_back_the_newest_answer_however_late_others_arrive() -> None:
    log = FakeLog()
    session = sit(log)
    ids, (class_id, *_) = session.items.ids, session.classes.ids
    late = [
        Event(f"late {t}", t, t, "", ME.name, Label(item=ids[t], class_id=class_id), f"{t}", t)
        for t in (20, 25)
    ]
    log.written += late
    session.take_in(reversed(late))
    undone = session.undo(by=ME)
    assert undone is not None
    assert undone.payload == Undo("late 25", ids[25])


def test_an_audit_item_that_was_taken_back_at_another_desk_stays_one() -> None:
    mine = FakeLog(audit=0.9)
    first, beside = sit(mine, holdout=False), mine.beside()
    second = sit(beside, holdout=False)
    while not first.known.audit:
        label(first)
    (item,) = first.known.audit
    mine.end()
    second.take_in(beside.read())
    while second.current_id != item:
        assert second.undo(by=ME) is not None
    label(second)
    assert set(second.known.audit) == {item}
    assert not second.known.training


IDS = st.text("abcdef0123456789", min_size=1, max_size=6)


@given(
    ids=st.lists(st.integers(0, 2**64 - 1), max_size=50, unique=True),
    desks=st.sets(IDS, min_size=1, max_size=9),
)
def test_each_item_belongs_to_exactly_one_of_the_live_desks(
    ids: list[int], desks: set[str]
) -> None:
    keys = np.array(ids, dtype=np.uint64)
    parts = [shared(keys, desk, desks - {desk}) for desk in desks]
    assert (sum(part.astype(int) for part in parts) == 1).all()
    # When a desk leaves, the others keep what they have.
    gone = min(desks)
    for desk, part in zip(desks, parts, strict=True):
        if desk != gone:
            assert not (part & ~shared(keys, desk, desks - {desk, gone})).any()


def test_desks_share_the_pool_evenly() -> None:
    keys = np.random.default_rng(1).integers(2**64, size=8000, dtype=np.uint64)
    desks = {f"desk{number}" for number in range(8)}
    counts = [shared(keys, desk, desks - {desk}).sum() for desk in desks]
    assert all(850 < count < 1150 for count in counts), "1,000 each, give or take 30"


def test_a_ranking_is_shared_out_by_desk_and_both_ask_the_best_of_their_own() -> None:
    mine = FakeLog()
    first, yours = sit(mine, count=200), mine.beside()
    second = sit(yours, YOU, count=200)
    first.take_in(mine.read())
    for session, by in ((first, ME), (second, YOU)):
        while session.round == 1:
            label(session, by)
    first.take_in(mine.read())
    request = first.take_request()
    assert isinstance(request, Fit)
    assert request.limit == 2 * 50, "each desk asks its part"
    ranking = fake_ranking(request, 200, 3)
    assert first.accept_ranking(ranking, by=ME, shown=False) is not None
    again = second.take_request()
    assert again is not None
    assert second.accept_ranking(replace(ranking, generation=again.generation), by=YOU, shown=False)
    assert not rows(first) & rows(second)
    best = [row for row in ranking.items if not second.known.is_answered(first.items.ids[row])]
    of_both = {slot.row for session in (first, second) for slot in session.batch}
    assert of_both <= set(best[:40]), "they are among the best of all"


def test_a_desk_asks_those_of_others_once_it_has_none_of_its_own_left() -> None:
    for holdout in (True, False):
        mine = FakeLog()
        first, yours = sit(mine, count=40, holdout=holdout), mine.beside()
        second = sit(yours, YOU, count=40, holdout=holdout)
        begun = rows(second)
        first.take_in(mine.read())
        while first.current is not None:
            label(first)
        # What the other desk is asking came last.
        last = {first.items.row_of(answer.item) for answer in mine.answers[-5:]}
        assert last == begun
        assert first.pool_left == 0


def test_a_finished_desk_goes_on_when_another_annotator_takes_an_answer_back() -> None:
    mine = FakeLog()
    first, yours = sit(mine, count=8), mine.beside()
    second = sit(yours, YOU, count=8)
    item = label(second, YOU)
    first.take_in(mine.read())
    while first.current is not None:
        label(first)
    assert first.go_on(by=ME) is None
    assert (first.pool_left, first.current) == (0, None)
    second.take_in(yours.read())
    second.undo(by=YOU)
    first.take_in(mine.read())
    mine.fails = True
    with pytest.raises(SaveError):
        first.go_on(by=ME)
    assert first.current is None
    mine.fails = False
    assert first.go_on(by=ME) is not None
    assert first.current_id == item
    assert first.go_on(by=ME) is None, "it is being asked"
    mine.end()
    again = sit(mine.reopened(), count=8)
    assert (again.current_id, again.round) == (item, first.round)
    label(again)
    assert again.current is None


def test_an_item_that_was_answered_elsewhere_before_it_is_shown_is_passed_over() -> None:
    mine = FakeLog()
    first, yours = sit(mine, count=30), mine.beside()
    asked = [first.items.ids[slot.row] for slot in first.batch]
    # The other desk does not know yet what is asked here.
    answers = [Label(item=item, class_id=first.classes.ids[0]) for item in (asked[0], *asked[2:4])]
    first.take_in(yours.append(answers, "you"))
    assert first.current_id == asked[0], "it is shown already, and a second opinion"
    assert label(first) == asked[0]
    assert label(first) == asked[1]
    assert label(first) == asked[4]
    assert first.round == 2


def test_a_batch_whose_other_places_were_answered_elsewhere_ends_with_the_image_that_is_shown() -> (
    None
):
    mine = FakeLog()
    first, yours = sit(mine, count=30), mine.beside()
    asked = [first.items.ids[slot.row] for slot in first.batch]
    answers = [Label(item=item, class_id=first.classes.ids[0]) for item in asked[1:]]
    first.take_in(yours.append(answers, "you"))
    label(first)
    assert first.round == 2
    assert not rows(first) & {first.items.row_of(item) for item in asked}
    assert first.request_is_due


def opened(log: FakeLog, **how: object) -> Session:
    settings = LoopSettings(cold_start="random", batch_size=5)
    return Session(FakeItems(30), log, settings, ME, **how)  # type: ignore[arg-type]


def test_a_window_on_another_host_is_asked_about_once() -> None:
    for is_open in (True, False):
        log = FakeLog()
        first = sit(log)
        label(first)
        log.elsewhere[log.run] = "cluster"
        hosts: list[str] = []

        def ask(host: str, is_open: bool = is_open, hosts: list[str] = hosts) -> bool:
            hosts.append(host)
            return is_open

        second = opened(log.reopened(), is_open=ask)
        assert hosts == ["cluster"]
        assert (rows(second) == rows(first)) == (not is_open)
        assert second.cursor == (0 if is_open else 1)
        assert not second.desk_is_taken
    unasked = opened(log.reopened())
    assert rows(unasked) != rows(first), "unasked, it is taken to be open"


def test_of_two_runs_that_continue_one_desk_the_earlier_keeps_it() -> None:
    log = FakeLog()
    first = sit(log)
    label(first)
    log.reopened()
    one, other = log, log.beside()
    log.live.clear()  # both see only the run before, which has ended
    started = list(log.written)
    mine = sit(one)
    theirs_events = log.written[len(started) :]
    del log.written[len(started) :]
    late = sit(other)
    late_events = [e._replace(t=10**6, id=f"late {e.id}") for e in log.written[len(started) :]]
    assert rows(mine) == rows(late)
    log.live |= {one.run, other.run}
    # The other run's opening is later in the order of events.
    late._opened = late._opened._replace(t=10**6)  # type: ignore[union-attr]
    late.take_in(theirs_events)
    assert late.desk_is_taken
    late.take_new_desk(by=ME)
    assert (late.desk_is_taken, late.current, late.round) == (False, None, 0)
    late.go_on(by=ME)
    assert late.current is not None
    assert rows(late) != rows(mine)
    mine.take_in(late_events)
    assert not mine.desk_is_taken
