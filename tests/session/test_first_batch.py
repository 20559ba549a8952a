"""The first batch: the same for the same seed, however long the cold start takes."""

from __future__ import annotations

import pytest
from loop_fakes import CLASSES, ME, FakeItems, FakeLog, fake_ranking
from simulate_fakes import PLAN, made

from tuilabel.events.payloads import Batch
from tuilabel.learn.feature_sources import pixels
from tuilabel.learn.learner import Learner
from tuilabel.learn.requests import ColdStart
from tuilabel.line.conversation import Conversation
from tuilabel.session import LoopSettings, Request, Session
from tuilabel.simulate import run as simulation

SETTINGS = LoopSettings(cold_start="kmeans", batch_size=5)


def begin(seed: int = 3, *, holdout: bool = True) -> tuple[Session, FakeLog]:
    log = FakeLog(seed=seed)
    return Session(FakeItems(30, holdout=holdout), log, SETTINGS, ME), log


def asked(session: Session, log: FakeLog, wait: int, after: int = 5) -> list[str]:
    """Label a batch; the cold start arrives after `wait` answers. Return the items in order."""
    request = session.take_request()
    assert isinstance(request, ColdStart)
    for number in range(after):
        if number == wait:
            session.accept_ranking(fake_ranking(request, 30, len(CLASSES)), by=ME)
        item = session.current_id
        assert item is not None
        session.label(item, 0, by=ME)
    if wait == after:
        session.accept_ranking(fake_ranking(request, 30, len(CLASSES)), by=ME)
    return [answer.item for answer in log.answers]


@pytest.mark.parametrize("holdout", [True, False])
def test_a_slow_cold_start_changes_only_what_was_asked_before_it_came(holdout: bool) -> None:
    in_time, without = (asked(*begin(holdout=holdout), wait) for wait in (0, 5))
    for wait in range(6):
        session, log = begin(holdout=holdout)
        request = begin(holdout=holdout)[0].take_request()
        assert request is not None
        ranked = fake_ranking(request, 30, len(CLASSES))
        found = asked(session, log, wait)
        assert found[0] == in_time[0]
        assert found[: wait + 1] == without[: wait + 1], "the seeded order, as far as it went"
        audits = {answer.item for answer in log.answers if answer.audit}
        rest = [item for item in found[wait + 1 :] if item not in audits]
        # Only what was asked already is left out of the ranking.
        best = [session.items.ids[row] for row in ranked.items]
        assert rest == [item for item in best if item not in found[: wait + 1]][: len(rest)]


@pytest.mark.parametrize(("wait", "place", "late"), [(0, 1, False), (1, 2, True), (5, 1, True)])
def test_the_event_records_whether_the_ranking_was_late(wait: int, place: int, late: bool) -> None:
    session, log = begin()
    asked(session, log, wait)
    batches = (event.payload for event in log.written if isinstance(event.payload, Batch))
    (ranked,) = (batch for batch in batches if batch.place is not None)
    assert (ranked.place, ranked.late) == (place, late)
    again = Session(session.items, log.reopened(), SETTINGS, ME)
    assert (again.batch, again.cursor) == (session.batch, session.cursor)


def test_the_first_place_depends_on_the_seed_alone() -> None:
    firsts = {seed: begin(seed)[0].current_id for seed in range(12)}
    assert firsts == {seed: begin(seed)[0].current_id for seed in range(12)}
    assert len(set(firsts.values())) > 6


def test_the_cold_start_knows_the_item_that_is_shown() -> None:
    session, _ = begin()
    request = session.take_request()
    assert isinstance(request, ColdStart)
    assert request.items == (session.batch[0].row,)


def test_simulation_and_lines_begin_with_the_same_items(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    dataset = made(40, 10, 3)
    (combination, *_) = PLAN.combinations()
    settings = LoopSettings(**combination._asdict(), batch_size=PLAN.batch_for(len(dataset)))
    logs = []
    monkeypatch.setattr(
        simulation, "MemoryLog", lambda about: logs.append(FakeLog(seed=about.seed)) or logs[-1]
    )
    learner = Learner(pixels(dataset.pool), 3, holdout=dataset.holdout)
    simulation.run_session(dataset, learner.for_new_session(), PLAN, combination, 7, lambda: None)
    simulated = [answer.item for answer in logs[0].answers]

    requests: list[Request] = []
    session = Session(dataset, FakeLog(seed=7), settings, ME)
    talk = Conversation(session, lambda row: dataset.pool[row], requests.append, ME)
    talk.ask()
    talk.asked()
    (request,) = requests
    assert isinstance(request, ColdStart)
    talk.ranking_arrived(learner.for_new_session().cold_start(request))
    assert [session.items.ids[slot.row] for slot in session.batch] == simulated[:10]
