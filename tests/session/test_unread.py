"""Items that are read while they are asked: the same are asked as if all had been read before."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from loop_fakes import CLASSES, ME, FakeItems, FakeLog, FakeReading, fake_ranking

from tuilabel.learn.requests import ColdStart, Fit
from tuilabel.session import LoopSettings, Session, requests
from tuilabel.session.requests import rows_to_learn

SETTINGS = LoopSettings(cold_start="random", batch_size=4)


def opened(
    count: int = 20,
    refused: Sequence[int] = (),
    log: FakeLog | None = None,
    settings: LoopSettings = SETTINGS,
    **equal: int,
) -> tuple[Session, FakeReading, FakeLog]:
    log = FakeLog(audit=0.25) if log is None else log
    items = FakeItems(count, holdout=False)
    reading = FakeReading(items, refused, **equal)
    return Session(items, log, settings, ME), reading, log


def read(session: Session, reading: FakeReading, *rows: int) -> None:
    session.items_read(reading.read(*rows))
    session.go_on(by=ME)


def all_asked(session: Session, reading: FakeReading, order: Sequence[int]) -> list[str]:
    """Label everything; rows are read in an order, one whenever nothing can be asked."""
    left, asked = list(order), []
    while session.current is not None or left:
        if session.current is None:
            read(session, reading, left.pop(0))
        else:
            asked.append(str(session.current_id))
            session.label(asked[-1], 0, by=ME)
            session.go_on(by=ME)
    return asked


def test_nothing_is_asked_before_its_turn() -> None:
    session, reading, _ = opened()
    assert session.waits
    assert session.current is None
    assert session.go_on(by=ME) is None
    wanted = session.unread_next(4)
    assert len(set(wanted)) == len(wanted) >= 4
    for row in reversed(wanted[1:]):
        read(session, reading, row)
        assert session.waits, "the first of the order is lacking"
    read(session, reading, wanted[0])
    assert not session.waits
    assert session.batch
    assert session.pool_left == 20


@given(
    st.permutations(range(20)),
    st.sets(st.integers(0, 19), max_size=4),
    st.dictionaries(st.integers(10, 19).map("r{}".format), st.integers(0, 9), max_size=4),
)
def test_the_order_of_reading_changes_nothing(
    order: list[int], refused: set[int], equal: dict[str, int]
) -> None:
    session, reading, _ = opened(refused=sorted(refused), **equal)
    asked = all_asked(session, reading, order)
    at_once, known, _ = opened(refused=sorted(refused), **equal)
    read(at_once, known, *range(20))
    expected = all_asked(at_once, known, [])
    contents = {known.content[row] for row in range(20) if row not in refused}
    assert sorted(asked) == sorted(contents), "each item is asked once"
    assert session.pool_left == at_once.pool_left == 0
    if not equal:
        assert asked == expected


@pytest.mark.parametrize("order", [(0, 1, 2), (2, 1, 0), (1, 2, 0)])
@pytest.mark.parametrize("known", [0, 2])
def test_of_equal_files_all_are_in_the_audit_reserve_if_one_is(
    order: tuple[int, ...], known: int
) -> None:
    probe, _, _ = opened()
    reserved = probe._candidates.reserved
    drawn, *others = [int(np.flatnonzero(reserved)[0]), *np.flatnonzero(~reserved)[:2].tolist()]
    rows = [(*others, drawn)[place] for place in order]
    session, reading, log = opened(**{f"r{row}": others[0] for row in (others[1], drawn)})
    for row in rows[:known]:
        read(session, reading, row)
    if known:
        # What an earlier start has read is known at once.
        session = Session(session.items, log.reopened(), SETTINGS, ME)
    for row in rows[known:]:
        read(session, reading, row)
    assert session._candidates.reserved[rows].all()
    draws = {session._candidates.draw(row) for row in rows}
    assert draws == {round(1 - 0.75**3, 12)}


def test_a_session_goes_on_with_items_that_were_answered_before() -> None:
    session, reading, log = opened()
    read(session, reading, *range(20))
    given_ = [str(session.current_id) for _ in range(3) if label_next(session)]
    again, reading, _ = opened(log=log.reopened())
    assert again.labels == 3
    assert again.missing == 0
    read(again, reading, *range(20))
    assert again.pool_left == 17
    assert again.missing == 0
    assert len(again.known.training) + len(again.known.audit) == 3
    assert str(again.current_id) not in given_


@given(st.data())
def test_rows_that_arrive_are_asked_once_and_the_same_with_the_same_arrivals(
    data: st.DataObject,
) -> None:
    acts = data.draw(st.lists(st.sampled_from(["arrive", "read", "label", "undo"]), max_size=40))
    asked = []
    for _ in range(2):
        session, reading, _ = opened(8)
        read(session, reading, *range(8))
        asked.append([])
        for act in acts:
            if act == "arrive" and len(session.items) < 20:
                reading.grow()
                session.items_added()
            elif act == "read":
                read(session, reading, *range(len(session.items)))
            elif act == "undo":
                session.undo(by=ME)
            elif session.current is not None:
                asked[-1].append(session.current_id)
                label_next(session)
        read(session, reading, *range(len(session.items)))
        while session.current is not None:
            asked[-1].append(session.current_id)
            label_next(session)
            session.go_on(by=ME)
        assert session.pool_left == 0
        assert {*asked[-1]} == {*session.items.ids}
        if "undo" not in acts:
            assert len({*asked[-1]}) == len(asked[-1])
    assert asked[0] == asked[1]


def label_next(session: Session) -> bool:
    session.label(str(session.current_id), 0, by=ME)
    return True


def test_what_is_gone_is_counted_when_all_was_read() -> None:
    session, reading, log = opened()
    read(session, reading, *range(20))
    for _ in range(8):
        label_next(session)
    again, reading, _ = opened(count=5, log=log.reopened())
    assert again.missing == 0
    read(again, reading, *range(4))
    assert again.missing == 0
    read(again, reading, 4)
    assert again.missing == 8 - sum(again.known.is_answered(item) for item in again.items.ids)
    assert again.missing > 0


def test_the_trainer_is_asked_for_the_rows_that_it_has() -> None:
    settings = LoopSettings(batch_size=4)
    session, reading, _ = opened(settings=settings)
    read(session, reading, *range(20))
    assert not session.request_is_due
    session.pool_opened(12)
    assert isinstance(session.take_request(), ColdStart)
    while session.round == 1:
        label_next(session)
    request = session.take_request()
    assert isinstance(request, Fit)
    assert max((*request.items, *request.audit_items, *request.excluded)) < 12
    ranking = fake_ranking(request, 12, len(CLASSES))
    assert session.accept_ranking(ranking, by=ME) is not None
    session.pool_opened(20)
    assert session.request_is_due


def test_the_first_round_without_a_trainer_is_followed_by_a_fit() -> None:
    settings = LoopSettings(batch_size=4)
    session, reading, _ = opened(settings=settings)
    read(session, reading, *session.unread_next(4))
    while session.current is not None:
        label_next(session)
    assert session.waits
    session.pool_opened(20)
    assert isinstance(session.take_request(), Fit)


def test_a_label_of_equal_files_is_learned_from_whichever_was_read_first() -> None:
    learned = []
    for first, second in ((19, 1), (1, 19)):
        session, reading, _ = opened(settings=LoopSettings(batch_size=10), r19=1)
        read(session, reading, first, second)
        read(session, reading, *range(20))
        session.pool_opened(10)
        while session.current is not None:
            label_next(session)
        request = session.take_request()
        assert isinstance(request, Fit)
        learned.append({*request.items, *request.audit_items})
    assert learned[0] == learned[1] == {*range(10)}


@pytest.mark.parametrize(
    ("labels", "rows"), [(0, 5000), (99, 5000), (100, 10_000), (350, 40_000), (10**9, 10**6)]
)
def test_more_labels_rank_more_rows(labels: int, rows: int) -> None:
    assert rows_to_learn(labels, 10**6) == rows
    assert rows_to_learn(labels, 17) == 17
    assert requests.FIRST_ROWS == 5000


def test_what_is_wanted_ends_once_the_next_batches_were_read() -> None:
    session, reading, _ = opened(count=60)
    steps = 0
    while wanted := session.unread_next(8):
        read(session, reading, wanted[0])
        steps += 1
    assert len(session.batch) == 4
    assert steps < 20
