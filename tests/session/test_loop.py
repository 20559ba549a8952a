"""The loop, rule by rule."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from loop_fakes import CLASSES, ME, FakeItems, FakeLog, fake_ranking, fit_finished

from tuilabel.errors import SaveError, SessionFileError
from tuilabel.events.payloads import (
    HIGHEST_COUNT,
    LATER,
    UNUSABLE,
    Asked,
    Batch,
    Label,
    Opened,
    Suggestion,
)
from tuilabel.learn.metrics import Accuracy
from tuilabel.learn.requests import ColdStart, ColdStartFinished, Fit
from tuilabel.session import (
    Annotator,
    LoopSettings,
    Moves,
    NotCurrentError,
    Ranking,
    Recipe,
    RefusedError,
    Session,
    record,
)


def make(
    count: int = 30, *, holdout: bool = True, settings: LoopSettings | None = None, seed: int = 0
) -> tuple[Session, FakeLog]:
    log = FakeLog(seed=seed)
    settings = settings or LoopSettings(cold_start="random", batch_size=5)
    return Session(FakeItems(count, holdout=holdout), log, settings, ME), log


def reopen(session: Session, log: FakeLog) -> Session:
    return Session(session.items, log.reopened(), session.settings, ME)


def label(session: Session, class_index: int = 0) -> str:
    item = session.current_id
    assert item is not None
    session.label(item, class_index, by=ME)
    return item


def fill(session: Session, class_index: int = 0) -> list[str]:
    return [label(session, class_index) for _ in range(len(session.batch))]


def answer_request(session: Session, salt: int = 0) -> Ranking:
    request = session.take_request()
    assert request is not None
    ranking = fake_ranking(request, len(session.items.ids), len(CLASSES), salt)
    session.accept_ranking(ranking, by=ME)
    return ranking


def by_name(session: Session) -> dict[str, int]:
    return {session.known.classes.name(id_): n for id_, n in session.known.by_class.items()}


def picture(session: Session) -> tuple[object, ...]:
    """What an undo must restore, and a restart too."""
    return (
        session.round,
        session.cursor,
        list(session.batch),
        [session.answer(slot) for slot in session.batch],
        session.labels,
        session.pool_left,
        by_name(session),
    )


def test_a_label_is_written_with_all_that_was_known() -> None:
    session, log = make()
    fill(session)
    answer_request(session)
    fill(session)
    slot = session.current
    assert slot is not None
    assert slot.probabilities is not None
    event = session.label(session.items.ids[slot.row], 2, ms=740, by=ME)
    assert event == log.written[-1]
    found = event.payload
    assert isinstance(found, Label)
    assert (session.class_name(event), found.round, found.ms) == ("owl", 3, 740)
    assert found.references == [f"file{slot.row}.png"]
    assert found.place == 0
    ids = session.classes.ids
    shown = {id_: p for id_, p in zip(ids, slot.probabilities, strict=True) if p > 0}
    assert found.probabilities == shown


def test_an_answer_for_another_item_is_refused() -> None:
    session, log = make()
    before = len(log.written)
    other = session.items.ids[session.batch[1].row]
    with pytest.raises(NotCurrentError):
        session.label(other, 0, by=ME)
    assert len(log.written) == before
    assert session.labels == 0


def test_a_full_batch_asks_for_a_fit_and_goes_on_at_once() -> None:
    session, _ = make()
    asked = fill(session, 1)
    request = session.take_request()
    assert isinstance(request, Fit)
    assert [session.items.ids[row] for row in request.items] == asked
    assert request.classes == (1,) * 5
    assert session.take_request() is None
    assert session.round == 2
    assert session.current is not None
    assert session.current_id not in asked


@pytest.mark.parametrize("holdout", [True, False])
@pytest.mark.parametrize("is_ranked", [False, True])
def test_the_next_batch_is_known_ahead_where_no_ranking_arrives(
    holdout: bool, is_ranked: bool
) -> None:
    session, _ = make(holdout=holdout)
    fill(session)
    if is_ranked:
        answer_request(session)
    for _ in range(2):
        expected = session.likely_next()
        fill(session)
        assert [slot.row for slot in session.batch] == expected


def test_images_alike_are_asked_next_and_no_ranking_takes_their_places() -> None:
    session, _ = make()
    fill(session)
    request = session.take_request()
    assert request is not None
    label(session)
    before, current = list(session.batch), session.current_id
    nearest = [row for row in range(30) if row not in [slot.row for slot in before]]
    answered = before[0].row
    session.ask_alike([answered, *nearest], by=ME)
    assert session.current_id == current
    behind = session.batch[2:]
    audit = [slot.row for slot in before[2:] if slot.audit]
    asked = [slot.row for slot in behind if not slot.audit]
    ids, reserved = session.items.ids, session._candidates.reserved
    free = [r for r in nearest if not reserved[r] and not session.known.is_answered(ids[r])]
    assert asked == free[:5]
    assert [slot.row for slot in behind if slot.audit] == audit
    reasons = {asked.reason for asked in session.desk.batch[2:]}
    assert reasons <= {"alike", "audit"}
    session.accept_ranking(fake_ranking(request, 30, 3), by=ME)
    assert session.batch[2:] == behind


def test_where_nothing_alike_is_left_that_is_said_and_nothing_changes() -> None:
    session, _ = make()
    label(session)
    batch = list(session.batch)
    with pytest.raises(RefusedError, match="No image like this one is left"):
        session.ask_alike([batch[0].row], by=ME)
    assert session.batch == batch


def test_a_ranking_replaces_only_what_was_not_shown() -> None:
    session, _ = make()
    fill(session)
    request = session.take_request()
    assert request is not None
    label(session)
    kept = session.batch[:2]
    ranking = fake_ranking(request, 30, 3)
    session.accept_ranking(ranking, by=ME)
    assert session.batch[:2] == kept
    taken = {slot.row for slot in kept}
    best = [row for row in ranking.items if row not in taken][:3]
    assert [slot.row for slot in session.batch[2:]] == best
    assert all(slot.probabilities is not None for slot in session.batch[2:])


def test_a_place_that_was_looked_at_is_not_replaced() -> None:
    session, _ = make()
    fill(session)
    request = session.take_request()
    assert request is not None
    session.move(+1)
    session.move(+1)
    session.move(-1)
    kept = session.batch[:3]
    session.accept_ranking(fake_ranking(request, 30, 3), by=ME)
    assert session.batch[:3] == kept


def test_a_stale_ranking_is_dropped() -> None:
    session, log = make()
    fill(session)
    request = session.take_request()
    assert request is not None
    session.undo(by=ME)
    before = picture(session), len(log.written)
    assert session.accept_ranking(fake_ranking(request, 30, 3), by=ME) is None
    assert (picture(session), len(log.written)) == before
    label(session)
    assert session.take_request() is not None


def test_labelling_outruns_the_trainer_without_asking_twice() -> None:
    session, _ = make(40)
    asked = fill(session) + fill(session) + fill(session)
    assert len(set(asked)) == 15
    newest = session.take_request()
    assert isinstance(newest, Fit)
    assert len(newest.items) == 15


def test_a_fit_that_was_overtaken_by_labels_still_counts_with_its_own_labels() -> None:
    session, _log = make(60)
    fill(session)
    first = session.take_request()
    fill(session)
    second = session.take_request()
    assert first is not None
    assert second is not None
    found = Accuracy(60, 100, "hold-out")
    event = session.accept_ranking(replace(fake_ranking(first, 60, 3), accuracy=found), by=ME)
    assert event is not None
    assert event.payload.round == 1  # type: ignore[attr-defined]
    assert [point.labels for point in session.curve] == [5]
    assert session.accept_ranking(fake_ranking(second, 60, 3), by=ME) is not None
    assert session.accept_ranking(fake_ranking(first, 60, 3), by=ME) is None


def test_undo_restores_exactly_within_and_across_batches() -> None:
    session, _ = make()
    seen = [picture(session)]
    for class_index in (0, 1, 2, 0, 1, 2, 0):
        label(session, class_index)
        seen.append(picture(session))
    for before in reversed(seen[:-1]):
        assert session.undo(by=ME) is not None
        assert picture(session) == before
    assert session.undo(by=ME) is None


def test_undo_works_across_a_restart() -> None:
    session, log = make()
    seen = [picture(session)]
    for class_index in (0, 1, 2, 0, 1, 2, 0):
        label(session, class_index)
        seen.append(picture(session))
    for before in reversed(seen[:-1]):
        session = reopen(session, log)
        session.undo(by=ME)
        assert picture(session) == before
    assert picture(reopen(session, log)) == seen[0]


def test_an_undo_and_a_relabel_after_a_restart_read_no_file(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    session, log = make()
    first, *_ = [label(session) for _ in range(12)]
    again = reopen(session, log)
    monkeypatch.setattr(again.events, "_read", lambda place: pytest.fail("an event was read"))
    for _ in range(11):
        assert again.undo(by=ME) is not None
    again.relabel(first, 1, by=ME)
    assert again.undo(by=ME) is not None
    assert again.labels == 1


def test_undo_reaches_answers_that_a_restart_has_not_read_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(record, "BATCHES_KEPT", 2)
    session, log = make()
    given = [label(session) for _ in range(22)]
    acts = session.desk.acts
    session = reopen(session, log)
    assert session.desk.acts == acts == 22
    assert picture(session) == picture(reopen(session, log))
    for item in reversed(given):
        undone = session.undo(by=ME)
        assert undone is not None
        assert getattr(undone.payload, "item", None) == item
        assert session.current_id == item
    assert session.undo(by=ME) is None
    assert (session.labels, session.pool_left) == (0, 30)
    again = [label(session, 1) for _ in range(30)]
    assert len(set(again)) == 30
    assert session.pool_left == 0


def test_what_was_done_is_counted_alike_after_a_restart() -> None:
    session, log = make()
    label(session)
    session.undo(by=ME)
    session.add_class("fox", by=ME)
    session.undo_class_change(by=ME)
    assert reopen(session, log).desk.acts == session.desk.acts == 2


def test_a_restart_goes_on_where_it_was() -> None:
    session, log = make()
    fill(session)
    label(session)
    answer_request(session)
    label(session, 2)
    again = reopen(session, log)
    assert picture(again) == picture(session)
    assert again.curve == session.curve
    # The ranking is not kept, so that the model has to rank again.
    assert isinstance(again.take_request(), Fit)
    fill(again)
    assert len(again.known.by_class) == 2


def test_a_restart_asks_for_the_fit_that_never_came() -> None:
    session, log = make()
    fill(session)
    assert isinstance(reopen(session, log).take_request(), Fit)


def test_a_relabel_replaces_and_its_undo_brings_the_first_back() -> None:
    session, _ = make()
    item = label(session, 0)
    session.move(-1)
    assert session.current_id == item
    session.label(item, 2, by=ME)
    assert session.labels == 1
    assert by_name(session) == {"owl": 1}
    assert session.cursor == 1
    session.undo(by=ME)
    assert by_name(session) == {"cat": 1}
    assert session.current_id == item


def test_a_skip_is_not_asked_again_nor_trained_on() -> None:
    session, _ = make(10)
    skipped = session.current_id
    assert skipped is not None
    session.skip(skipped, by=ME)
    asked = [label(session) for _ in range(4)]
    request = session.take_request()
    assert isinstance(request, Fit)
    row = session.items.row_of(skipped)
    assert row not in request.items
    assert row in request.excluded
    asked += fill(session)
    assert skipped not in asked
    assert session.current is None
    assert session.pool_left == 0
    assert session.labels == 9


def test_what_is_skipped_for_later_is_asked_once_nothing_else_is_left() -> None:
    session, log = make(7, holdout=False)
    first = str(session.current_id)
    session.skip(first, by=ME, why=LATER)
    second = str(session.current_id)
    session.skip(second, by=ME, why=LATER)
    third = str(session.current_id)
    session.skip(third, by=ME, why=UNUSABLE)
    others = [label(session) for _ in range(4)]
    assert len({first, second, third, *others}) == 7
    assert [slot.row for slot in session.batch[-2:]] == [
        session.items.row_of(item) for item in (first, second)
    ]
    assert (session.pool_left, session.known.skips_held) == (2, 1)
    session = reopen(session, log)
    assert session.current_id == first
    label(session)
    session.skip(second, by=ME, why=LATER)
    assert session.current is None
    assert session.known.postponed == {second}
    assert session.go_on(by=ME) is not None
    assert session.current_id == second
    label(session)
    assert session.current is None
    assert session.go_on(by=ME) is None
    assert session.labels == 6
    assert {answer.reason for answer in log.answers if answer.item == first} >= {
        "order",
        LATER,
    } or (
        session.known.standing(first).audit  # type: ignore[union-attr]
    )


def test_an_audit_item_that_was_skipped_for_later_comes_back_as_one() -> None:
    log = FakeLog(audit=0.999)
    session = Session(FakeItems(1, holdout=False), log, LoopSettings(cold_start="random"), ME)
    item = str(session.current_id)
    session.skip(item, by=ME, why=LATER)
    session.go_on(by=ME)
    assert session.current is not None
    assert session.current.audit
    session.label(item, 0, by=ME)
    assert (session.known.training, list(session.known.audit)) == ({}, [item])
    assert (log.answers[-1].reason, log.answers[-1].draw) == ("audit", 0.999)


def test_what_another_desk_asks_again_is_not_asked_here_too() -> None:
    session, log = make(2)
    item = str(session.current_id)
    session.skip(item, by=ME, why=LATER)
    label(session)
    assert session.current_id == item
    log.live.add(log.run)
    beside = Session(session.items, log.beside(), session.settings, Annotator("bob"))
    assert item not in beside.known.postponed
    assert beside.go_on(by=Annotator("bob")) is None


def test_flags_and_notes_are_no_answers_and_an_undo_takes_them_back() -> None:
    session, log = make()
    item = str(session.current_id)
    session.flag(item, by=ME)
    session.note(item, "wet", by=ME)
    assert session.current_id == item
    assert (session.labels, session.pool_left, session.desk.acts) == (0, 30, 2)
    assert session.own_note(item, by=ME) == "wet"
    session.flag(item, by=ME)
    assert not session.known.remarks.flagged, "a second flag removes the first"
    session = reopen(session, log)
    session.undo(by=ME)
    assert list(session.known.remarks.flagged) == [item]
    session.undo(by=ME)
    assert not session.known.remarks.noted
    session.undo(by=ME)
    assert not session.known.remarks.flagged
    assert session.undo(by=ME) is None
    assert session.current_id == item


def test_a_remark_and_its_undo_ask_for_no_fit() -> None:
    session, _ = make()
    fill(session)
    answer_request(session)
    session.flag(str(session.current_id), by=ME)
    session.undo(by=ME)
    assert not session.request_is_due


def test_the_last_batch_is_short_and_then_everything_is_answered() -> None:
    session, _ = make(7)
    fill(session)
    assert len(session.batch) == 2
    fill(session)
    assert session.current is None
    assert isinstance(session.take_request(), Fit)
    assert session.accept_ranking(fit_finished(session.generation, [], []), by=ME) is not None
    assert session.current is None
    session.undo(by=ME)
    assert session.current is not None


def test_a_failed_write_changes_nothing_and_can_be_retried() -> None:
    session, log = make()
    label(session)
    before = picture(session)
    log.fails = True
    item = session.current_id
    assert item is not None
    for attempt in (
        lambda: session.label(item, 1, by=ME),
        lambda: session.skip(item, by=ME),
        lambda: session.undo(by=ME),
    ):
        with pytest.raises(SaveError):
            attempt()
        assert picture(session) == before
    log.fails = False
    session.label(item, 1, by=ME)
    assert session.labels == 2


def test_a_cold_start_ranking_fills_what_was_not_shown() -> None:
    session, _ = make(settings=LoopSettings(cold_start="kmeans", batch_size=5))
    request = session.take_request()
    assert isinstance(request, ColdStart)
    first = session.batch[0]
    rows = [row for row in range(30) if row != first.row][:5]
    session.accept_ranking(ColdStartFinished(request.generation, rows), by=ME)
    assert [slot.row for slot in session.batch] == [first.row, *rows[:4]]
    assert session.suggestion() is None
    assert session.recipe is None


def test_audit_items_are_uniform_kept_from_training_and_carry_no_hint() -> None:
    session, _ = make(40, holdout=False)
    audited: set[int] = set()
    for _ in range(4):
        audited |= {slot.row for slot in session.batch if slot.audit}
        assert all(slot.probabilities is None for slot in session.batch if slot.audit)
        fill(session, 1)
        request = session.take_request()
        assert isinstance(request, Fit)
        assert set(request.audit_items) == audited
        assert not audited & set(request.items)
        assert audited <= set(request.excluded)
        session.accept_ranking(fake_ranking(request, 40, 3), by=ME)
    # A fifth of every batch of five, by --audit 0.2.
    assert len(audited) == 4
    assert session.curve[-1].accuracy.n == 4


def test_the_audit_reserve_is_never_queried_even_if_a_ranking_holds_it() -> None:
    session, _ = make(40, holdout=False, settings=LoopSettings(batch_size=5))
    request = session.take_request()
    assert isinstance(request, ColdStart)
    reserve = set(request.excluded)
    assert 3 <= len(reserve) <= 16
    fill(session)
    session.take_request()
    everything = list(range(40))
    even = np.full((40, 3), 1 / 3).tolist()
    session.accept_ranking(fit_finished(session.generation, everything, even), by=ME)
    for _ in range(6):
        assert all(slot.audit == (slot.row in reserve) for slot in session.batch)
        fill(session)


def test_every_item_is_answered_once_even_with_an_audit_set() -> None:
    session, _ = make(23, holdout=False)
    asked = []
    while session.current is not None:
        asked.append(label(session))
    assert sorted(asked) == sorted(session.items.ids)


def test_the_suggestion_is_the_likeliest_class() -> None:
    session, _ = make()
    fill(session)
    request = session.take_request()
    assert request is not None
    session.accept_ranking(
        fit_finished(request.generation, [1, 2], [[0.1, 0.2, 0.7]] * 2),
        by=ME,
    )
    session.move(+1)
    item = session.current_id
    if session.suggestion() is not None:
        assert item is not None
        event = session.accept_suggestion(item, by=ME)
        assert event is not None
        assert session.class_name(event) == "owl"
        assert event.payload.accepted is True  # type: ignore[attr-defined]


def test_an_answer_records_why_its_item_was_asked_and_how_it_was_drawn() -> None:
    session, log = make(count=200, holdout=False)
    fill(session)
    request = session.take_request()
    assert isinstance(request, Fit)
    ranking = fake_ranking(request, 200, 3)
    draws = [None, 0.02, None, None, 0.02] * 10
    session.accept_ranking(
        replace(
            ranking,
            items=ranking.items,
            draws=draws,
            reasons=["cold start", *[""] * 49],
            strategy="margin",
        ),
        by=ME,
        shown=False,
    )
    place = {session.items.ids[row]: n for n, row in enumerate(ranking.items)}
    for _ in range(30):
        label(session)
    found = [(answer.reason, answer.draw) for answer in log.answers]
    for answer in log.answers:
        why = answer.reason, answer.draw
        assert answer.audit == (answer.reason == "audit")
        if answer.audit:
            assert why == ("audit", log.about.audit)
        elif answer.round == 1:
            assert why == ("order", None)
        elif answer.item in place:
            n = place[answer.item]
            expected = ("margin", None) if draws[n] is None else ("random share", 0.02)
            assert why == (("cold start", None) if n == 0 else expected)
    assert {why for why, _ in found} == {"audit", "order", "cold start", "margin", "random share"}
    for answer in log.answers[:3]:
        again = session.relabel(answer.item, 1, by=ME).payload
        assert isinstance(again, Label)
        assert (again.reason, again.draw) == (answer.reason, answer.draw)


def test_a_tools_suggestion_may_be_accepted_but_never_for_an_audit_item() -> None:
    for holdout in (True, False):
        session, log = make(holdout=holdout)
        owl = session.classes.ids[2]
        found = [Suggestion(item=item, class_id=owl, origin="tool") for item in session.items.ids]
        session.take_in(log.append(found, "tool"))
        assert (session.labels, session.pool_left) == (0, 30)
        for _ in range(10):
            slot, item = session.current, session.current_id
            assert slot is not None
            assert item is not None
            if slot.audit:
                assert session.suggestion() is None
                session.skip(item, by=ME)
                continue
            event = session.accept_suggestion(item, by=ME)
            assert event is not None
            assert isinstance(event.payload, Label)
            assert (session.class_name(event), event.payload.accepted) == ("owl", True)
        request = session.take_request()
        assert isinstance(request, Fit)
        assert len(request.items) == session.labels
        session.accept_ranking(fake_ranking(request, 30, 3), by=ME)
        session.move(+1)
        if session.current is not None and session.current.probabilities is not None:
            assert session.guess() is None, "the model has one"


def test_no_suggestion_means_no_label() -> None:
    session, log = make()
    before = len(log.written)
    assert session.current_id is not None
    assert session.accept_suggestion(session.current_id, by=ME) is None
    assert len(log.written) == before


def test_the_curve_keeps_one_point_per_number_of_labels() -> None:
    session, _ = make()
    for correct in (50, 60):
        if session.round > 1:
            session.undo(by=ME)
        while session.round == 1:
            label(session)
        request = session.take_request()
        assert request is not None
        found = Accuracy(correct, 100, "hold-out")
        session.accept_ranking(replace(fake_ranking(request, 30, 3), accuracy=found), by=ME)
    assert [(point.labels, point.accuracy.correct) for point in session.curve] == [(5, 60)]


def test_the_same_seed_asks_the_same_and_another_seed_does_not() -> None:
    def run(seed: int) -> list[str]:
        session, _ = make(60, holdout=False, seed=seed)
        asked = []
        for _ in range(4):
            asked += fill(session)
            answer_request(session)
        return asked

    assert run(3) == run(3)
    assert run(3) != run(4)


def test_another_dataset_is_refused_and_both_are_named() -> None:
    session, log = make()
    label(session)
    with pytest.raises(SessionFileError, match=r"made for fake, not for other"):
        Session(FakeItems(30, "other"), log.reopened(), session.settings, ME)


def test_items_that_left_the_source_stay_labelled_and_do_no_harm() -> None:
    session, log = make(12)
    gone = label(session)
    label(session)
    fewer = FakeItems.of([item for item in session.items.ids if item != gone])
    again = Session(fewer, log.reopened(), session.settings, ME)
    assert again.labels == 2
    assert again.missing + again.changed == 1
    while again.current is not None:
        label(again)
    assert again.labels == 12


def test_an_answer_to_an_unknown_class_is_kept_and_not_trained_on() -> None:
    session, log = make()
    label(session)
    label(session)
    answer = log.written[-1].payload
    assert isinstance(answer, Label)
    other = Label(item=answer.item, class_id="c1:gnu")
    log.written[-1] = log.written[-1]._replace(payload=other)
    again = reopen(session, log)
    assert again.labels == 2
    fill(again)
    request = again.take_request()
    assert isinstance(request, Fit)
    assert again.items.row_of(answer.item) not in request.items


def test_another_batch_size_holds_from_the_next_batch_on() -> None:
    session, log = make()
    label(session)
    wider = replace(session.settings, batch_size=8)
    again = Session(session.items, log.reopened(), wider, ME)
    assert len(again.batch) == 5
    while again.round == 1:
        label(again)
    assert len(again.batch) == 8
    fresh, log = make()
    again = Session(fresh.items, log.reopened(), wider, ME)
    assert len(again.batch) == 8


def test_another_strategy_has_its_say_at_once() -> None:
    session, log = make()
    fill(session)
    answer_request(session)
    other = replace(session.settings, strategy="margin")
    request = Session(session.items, log.reopened(), other, ME).take_request()
    assert isinstance(request, Fit)
    assert request.strategy == "margin"


def test_an_answer_whose_item_left_and_came_back_can_be_undone() -> None:
    session, log = make(12)
    gone = label(session)
    label(session)
    fewer = FakeItems.of([item for item in session.items.ids if item != gone])
    without = Session(fewer, log.reopened(), session.settings, ME)
    request = without.take_request()
    while request is None:
        label(without)
        request = without.take_request()
    without.accept_ranking(fake_ranking(request, 11, 3), by=ME)
    again = reopen(session, log)
    labels = again.labels
    for left in range(labels - 1, -1, -1):
        assert again.undo(by=ME) is not None
        assert again.labels == left
        again = reopen(again, log)
    assert again.undo(by=ME) is None


def test_undoing_a_label_makes_the_fit_that_used_it_stale_and_asks_again() -> None:
    session, log = make()
    fill(session)
    label(session)
    again = reopen(session, log)
    request = again.take_request()
    assert isinstance(request, Fit)
    assert len(request.items) == 6
    again.undo(by=ME)
    assert again.accept_ranking(fake_ranking(request, 30, 3), by=ME) is None
    second = again.take_request()
    assert isinstance(second, Fit)
    assert len(second.items) == 5
    assert again.accept_ranking(fake_ranking(second, 30, 3), by=ME) is not None


def test_accuracy_of_labels_that_were_taken_back_is_not_shown() -> None:
    session, log = make()
    for _ in range(2):
        fill(session)
        request = session.take_request()
        assert request is not None
        found = Accuracy(90, 100, "hold-out")
        session.accept_ranking(replace(fake_ranking(request, 30, 3), accuracy=found), by=ME)
    assert [point.labels for point in session.curve] == [5, 10]
    session.undo(by=ME)
    assert [point.labels for point in session.curve] == [5]
    assert reopen(session, log).curve == session.curve


def test_an_audit_reserve_does_not_change_when_the_source_grows() -> None:
    session, log = make(100, holdout=False)
    before = {session.items.ids[row] for row in np.flatnonzero(session._candidates.reserved)}
    more = FakeItems(130, holdout=False)
    grown = Session(more, log.reopened(), session.settings, ME)
    after = {more.ids[row] for row in np.flatnonzero(grown._candidates.reserved)}
    assert before == after & set(session.items.ids)


# Asking once more.


def test_learning_again_repeats_the_request_and_both_answers_count() -> None:
    session, log = make(60)
    fill(session)
    first = session.take_request()
    assert isinstance(first, Fit)
    session.learn_again()
    assert session.request_is_due
    again = session.take_request()
    assert isinstance(again, Fit)
    assert again.generation > first.generation
    assert replace(again, generation=0) == replace(first, generation=0)
    assert session.take_request() is None
    soon, later = (
        replace(fake_ranking(request, 60, 3), accuracy=Accuracy(correct, 100, "hold-out"))
        for request, correct in ((first, 60), (again, 80))
    )
    better = replace(later, model="hybrid", features="hog")
    assert session.accept_ranking(soon, by=ME) is not None
    assert session.accept_ranking(better, by=ME) is not None
    # One point for these labels: what the better fit measured.
    assert [(point.labels, point.accuracy.correct) for point in session.curve] == [(5, 80)]
    assert session.recipe == Recipe("hybrid", "hog", "margin")
    reopened = reopen(session, log)
    assert (reopened.curve, reopened.recipe) == (session.curve, session.recipe)


def test_an_answer_that_a_better_one_has_overtaken_is_dropped() -> None:
    session, _ = make(60)
    fill(session)
    first = session.take_request()
    session.learn_again()
    again = session.take_request()
    assert first is not None
    assert again is not None
    assert session.accept_ranking(fake_ranking(again, 60, 3), by=ME) is not None
    before = picture(session)
    assert session.accept_ranking(fake_ranking(first, 60, 3, salt=1), by=ME) is None
    assert picture(session) == before


def test_learning_again_before_any_label_asks_for_the_first_batch_again() -> None:
    session, _ = make(settings=LoopSettings(cold_start="kmeans", batch_size=5))
    first = session.take_request()
    session.learn_again()
    again = session.take_request()
    assert isinstance(first, ColdStart)
    assert isinstance(again, ColdStart)
    assert replace(again, generation=first.generation) == first
    shown = session.batch[0]
    for request, rows in ((first, [3, 4, 5, 6, 7]), (again, [13, 14, 15, 16, 17])):
        session.accept_ranking(ColdStartFinished(request.generation, rows), by=ME)
    assert [slot.row for slot in session.batch] == [shown.row, 13, 14, 15, 16]


def test_where_there_is_nothing_to_learn_from_learning_again_asks_nothing() -> None:
    session, _ = make()
    session.learn_again()
    assert not session.request_is_due
    assert session.take_request() is None
    for _ in range(5):
        assert session.current_id is not None
        session.skip(session.current_id, by=ME)
    session.learn_again()
    assert not session.request_is_due
    assert session.take_request() is None


def test_in_the_middle_of_a_batch_learning_again_includes_its_labels() -> None:
    session, _ = make()
    fill(session)
    answer_request(session)
    label(session)
    session.learn_again()
    request = session.take_request()
    assert isinstance(request, Fit)
    assert len(request.items) == 6
    kept = session.batch[:2]
    session.accept_ranking(fake_ranking(request, 30, 3), by=ME)
    assert session.batch[:2] == kept


def test_where_nothing_is_shown_no_place_is_kept_for_the_eye() -> None:
    for shown in (True, False):
        session, _ = make()
        fill(session)
        request = session.take_request()
        assert request is not None
        first = session.batch[0].row
        rows = [row for row in fake_ranking(request, 30, 3).items if row != first]
        even = [[0.2, 0.3, 0.5]] * len(rows)
        session.accept_ranking(fit_finished(request.generation, rows, even), shown=shown, by=ME)
        found = [slot.row for slot in session.batch]
        assert found == ([first, *rows[:4]] if shown else rows[:5])


# What is asked for by default.


def test_by_default_the_learner_chooses() -> None:
    session, log = make(200, settings=LoopSettings(batch_size=5))
    start = session.take_request()
    assert isinstance(start, ColdStart)
    assert (start.method, start.model, start.features) == ("auto", "auto", "auto")
    assert (start.items, start.size) == ((session.batch[0].row,), 20)
    session.accept_ranking(ColdStartFinished(start.generation, range(20)), by=ME)
    fill(session)
    request = session.take_request()
    assert isinstance(request, Fit)
    names = (request.model, request.features, request.strategy, request.cold_start)
    assert names == ("auto",) * 4
    assert (request.batch_size, request.epsilon, request.cold_start_size) == (5, 0.0, 20)
    # What the fit goes on from is the very cold start: the same seed but for the round.
    assert request.seed[:-1] == start.seed[:-1]
    assert start.seed[-1] == 0
    # A restart in the first round asks for the first batch, labels in hand.
    undone, _ = make(200, settings=LoopSettings(batch_size=5))
    item = label(undone)
    undone.learn_again()
    start = undone.take_request()
    assert isinstance(start, ColdStart)
    assert start.items == (undone.items.row_of(item), undone.batch[1].row)
    (opened,) = (event.payload for event in log.written if isinstance(event.payload, Opened))
    assert opened.settings["model"] == "auto"


@pytest.mark.parametrize(
    ("classes", "batch_size", "expected"), [(3, 5, 20), (3, 30, 30), (26, 5, 52), (500, 5, 200)]
)
def test_a_cold_start_goes_on_for_two_labels_a_class_within_bounds(
    classes: int, batch_size: int, expected: int
) -> None:
    names = tuple(f"class {number}" for number in range(classes))
    items = FakeItems(600, classes=names)
    session = Session(items, FakeLog(), LoopSettings(batch_size=batch_size), ME)
    request = session.take_request()
    assert isinstance(request, ColdStart)
    assert request.size == expected
    random = LoopSettings(batch_size=batch_size, cold_start="random")
    session = Session(items, FakeLog(), random, ME)
    fill(session)
    request = session.take_request()
    assert isinstance(request, Fit)
    assert request.cold_start_size == 0


def test_how_far_fits_moved_is_kept_and_goes_with_an_undo() -> None:
    session, log = make(60)
    for moved in (None, 0.25, 0.125):
        fill(session)
        request = session.take_request()
        assert request is not None
        agreement = None if moved is None else 1 - moved
        session.accept_ranking(
            replace(fake_ranking(request, 60, 3), moved=moved, agreement=agreement), by=ME
        )
    assert session.moves == [Moves(10, 0.25, 0.75, 100), Moves(15, 0.125, 0.875, 100)]
    assert reopen(session, log).moves == session.moves
    session.undo(by=ME)
    assert session.moves == [Moves(10, 0.25, 0.75, 100)]


def test_a_batch_with_the_highest_number_has_a_successor() -> None:
    log, items = FakeLog(), FakeItems(9)
    log.append([Opened(settings={}, items=9)], "me")
    log.append([Batch(round=HIGHEST_COUNT, items=(Asked(items.ids[0], "order"),))], "me")
    session = Session(items, log.reopened(), LoopSettings(batch_size=2), ME)
    first = label(session)
    assert (session.round, session.current_id) != (HIGHEST_COUNT + 1, first)
    assert session.round == HIGHEST_COUNT
    answer_request(session)
    fill(session)
    assert len(set(log_items(log))) == 3


def log_items(log: FakeLog) -> list[str]:
    return [answer.item for answer in log.answers]
