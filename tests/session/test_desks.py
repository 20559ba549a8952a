"""Several desks of one session at the same time."""

from __future__ import annotations

from loop_fakes import ME, FakeItems, FakeLog, fake_ranking

from tuilabel.session import Annotator, LoopSettings, Session

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
