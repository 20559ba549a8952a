"""Answers that come out of turn, and what the newest fit says of what it is measured on."""

from __future__ import annotations

from dataclasses import replace

import pytest
from loop_fakes import ME, FakeItems, FakeLog, fake_ranking

from tuilabel.events.lines import Event
from tuilabel.events.payloads import Answer, Label
from tuilabel.learn.requests import Fit
from tuilabel.session import ORACLE, LoopSettings, NotAnsweredError, Session

CLASSES = ("cat", "dog")


def opened(count: int = 12, *, holdout: bool = True, audit: float = 0.0) -> tuple[Session, FakeLog]:
    log = FakeLog(audit=audit)
    settings = LoopSettings(batch_size=3, cold_start="random")
    return Session(FakeItems(count, holdout=holdout, classes=CLASSES), log, settings, ME), log


def is_answer(event: Event) -> bool:
    return isinstance(event.payload, Answer)


def label_next(session: Session, class_index: int = 0) -> str:
    item = session.current_id
    assert item is not None
    session.label(item, class_index, by=ME)
    return item


def test_another_answer_leaves_the_place_and_asks_for_another_fit() -> None:
    session, _ = opened()
    first = label_next(session)
    for _ in range(3):
        label_next(session)
    request = session.take_request()
    assert isinstance(request, Fit)
    session.accept_ranking(fake_ranking(request, 12, 2), by=ME)
    place = (session.round, session.cursor, session.batch, session.labels)
    assert not session.request_is_due

    event = session.relabel(first, 1, ms=700, by=ME)

    assert (session.round, session.cursor, session.batch, session.labels) == place
    assert isinstance(event.payload, Label)
    assert (session.class_name(event), event.payload.ms) == ("dog", 700)
    assert event.payload.references == ["file" + str(session.items.row_of(first)) + ".png"]
    again = session.take_request()
    assert isinstance(again, Fit)
    row = session.items.row_of(first)
    assert dict(zip(again.items, again.classes, strict=True))[row] == 1


def test_it_is_undone_first_and_what_held_before_holds_again() -> None:
    session, log = opened()
    first, second = label_next(session), label_next(session)
    session.relabel(first, 1, by=ME)
    cursor = session.cursor
    session.undo(by=ME)
    assert session.cursor == cursor
    assert dict(session.known.by_class) == {session.classes.ids[0]: 2}
    session.undo(by=ME)
    assert session.current_id == second
    again = Session(session.items, log.reopened(), session.settings, ME)
    assert (again.current_id, again.labels) == (second, 1)


def test_after_a_restart_the_model_learns_what_was_changed_last() -> None:
    session, log = opened()
    first = label_next(session)
    for _ in range(2):
        label_next(session)
    request = session.take_request()
    assert request is not None
    session.accept_ranking(fake_ranking(request, 12, 2), by=ME)
    session.relabel(first, 1, by=ME)
    again = Session(session.items, log.reopened(), session.settings, ME).take_request()
    assert isinstance(again, Fit)
    assert sorted(again.classes) == [0, 0, 1]


def test_an_audit_item_stays_out_of_training() -> None:
    session, _ = opened(30, holdout=False, audit=0.5)
    while not session.known.audit:
        label_next(session)
    (audited,) = session.known.audit
    while session.round == 1:
        label_next(session)
    session.relabel(audited, 1, by=ME)
    request = session.take_request()
    assert isinstance(request, Fit)
    row = session.items.row_of(audited)
    assert row not in request.items
    assert dict(zip(request.audit_items, request.audit_classes, strict=True))[row] == 1


def test_what_has_no_answer_is_refused() -> None:
    session, log = opened()
    item = label_next(session)
    session.undo(by=ME)
    written = len(log.written)
    for unanswered in (item, "0" * 32):
        with pytest.raises(NotAnsweredError, match="has no answer to change"):
            session.relabel(unanswered, 0, by=ME)
    assert len(log.written) == written


@pytest.mark.parametrize("holdout", [True, False])
def test_predictions_are_of_the_newest_fit_and_name_their_rows(holdout: bool) -> None:
    session, _ = opened(30, holdout=holdout, audit=0.5)
    while session.round < 3:
        label_next(session)
    request = session.take_request()
    assert isinstance(request, Fit)
    assert session.predictions is None
    count = 5 if holdout else len(request.audit_items)
    finished = fake_ranking(request, 30, 2)
    session.accept_ranking(
        replace(finished, predicted=(1,) * count, confidence=(0.75,) * count),  # type: ignore[call-arg]
        by=ME,
    )
    found = session.predictions
    assert found is not None
    assert tuple(found.predicted) == (request.columns[1],) * count
    if holdout:
        assert (tuple(found.rows), found.truth) == ((0, 1, 2, 3, 4), None)
    else:
        assert tuple(found.rows) == tuple(request.audit_items)
        assert found.truth == tuple(request.columns[c] for c in request.audit_classes)


def test_each_event_records_who_did_it() -> None:
    session, log = opened()
    items = [str(session.items.ids[slot.row]) for slot in session.batch[:3]]
    session.label(items[0], 0, by=ORACLE)
    session.relabel(items[0], 1, by=ME)
    session.label(items[1], 0, by=ORACLE)
    session.undo(by=ORACLE)
    session.skip(items[1], by=ORACLE)
    session.label(items[2], 0, by=ME)
    request = session.take_request()
    assert request is not None
    assert session.accept_ranking(fake_ranking(request, 12, 2), by=ORACLE) is not None

    person, oracle = ("me", "human"), ("oracle", "oracle")
    who = [(event.by, event.payload.origin) for event in log.written if is_answer(event)]
    assert who == [oracle, person, oracle, oracle, person]
    assert log.written[-1].by == "oracle"
    assert set(session.known.by_annotator) == {"me"}
