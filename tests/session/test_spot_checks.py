"""Looking for a rare class, and random checks of the rest: what is asked, and what they show."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import permutations

import numpy as np
import pytest
from loop_fakes import ME, FakeItems, FakeLog, FakeReading, fake_ranking, fit_finished, item_id
from session.test_groups import current, grouped

from tuilabel.events.payloads import CHECK, LATER, BulkLine, Label, SpotCheck
from tuilabel.learn.bounds import most_in_set
from tuilabel.learn.requests import LIKELY, Fit
from tuilabel.session import Annotator, LoopSettings, Session
from tuilabel.session.classes import class_id_of
from tuilabel.session.labels import Labels
from tuilabel.session.spot_checks import draw, error_of, problem, results, sentence, sizes
from tuilabel.session.values import NotReadError

YOU = Annotator("you")
OK, RARE = class_id_of("ok"), class_id_of("rare")


def opened(log: FakeLog, count: int = 60, by: Annotator = ME, **items: object) -> Session:
    dataset = FakeItems(count, classes=("ok", "rare"), **{"holdout": False, **items})
    return Session(dataset, log, LoopSettings(cold_start="random", batch_size=5), by)


def plan(session: Session, count: int, seed: int = 1) -> SpotCheck:
    units = session.rest()
    ids = [session.items.ids[first] for first, *_ in units]
    return SpotCheck(
        file="f",
        sha256="",
        count=sum(map(len, units)),
        class_id=RARE,
        units=len(units),
        seed=seed,
        items=draw(ids, count, seed),
    )


def label(session: Session, index: int = 0, by: Annotator = ME) -> str:
    item = str(session.current_id)
    session.label(item, index, by=by)
    return item


def rank(session: Session, shares: Sequence[float]) -> Fit:
    """Answer the session's request with some probabilities of the rare class."""
    request = session.take_request()
    assert isinstance(request, Fit)
    excluded = {*request.items, *request.excluded, *request.audit_items}
    left = [row for row in range(len(session.items)) if row not in excluded][: len(shares)]
    finished = fit_finished(
        request.generation, left, [(1 - share, share) for share in shares], columns=(OK, RARE)
    )
    object.__setattr__(finished, "strategy", LIKELY)
    session.accept_ranking(finished, by=ME, shown=False)
    return request


def reasons(session: Session) -> set[str]:
    return {asked.reason for asked in session.desk.batch}


def test_what_is_likely_is_asked_first_until_nothing_is_predicted_and_no_audit_item() -> None:
    session = opened(FakeLog(audit=0.5))
    for index in (0, 1, 0, 0, 0):
        label(session, index)
    session.take_request()
    session.seek(RARE, by=ME)
    assert session.predicted(RARE) is None
    request = rank(session, [0.9, 0.2, 0.7, 0.1, 0.6])
    assert request.columns[request.sought] == RARE
    answered = [session.known.is_answered(session.items.ids[row]) for row in request.excluded]
    assert all(answered), "the items of the audit reserve are looked for as well"
    assert session.predicted(RARE) == 3
    shares = [(asked.probabilities or {}).get(RARE, 0.0) for asked in session.desk.batch[1:]]
    assert shares == sorted(shares, reverse=True)
    while session.predicted(RARE):
        label(session)
    assert not any(slot.audit for slot in session.batch)
    session.seek("", by=ME)
    request = session.take_request()
    assert isinstance(request, Fit)
    assert request.sought == -1
    assert reasons(session) != {LIKELY}


def test_the_drawn_are_asked_without_a_suggestion_and_then_a_bound_holds() -> None:
    log = FakeLog()
    session = opened(log)
    label(session, 1)
    session.begin_check(plan(session, 12), by=ME)
    check = session.known.checks[-1].payload
    assert isinstance(check, SpotCheck)
    rare = check.items[3]
    for item in check.items:
        assert session.current_id == item
        asked = session.desk.current
        assert asked is not None
        assert (asked.reason, asked.draw) == (CHECK, round(12 / 59, 12))
        assert session.suggestion() is None
        (result,) = results(session.known)
        assert result.at_most is None
        if session.request_is_due:
            request = session.take_request()
            assert request is not None
            session.accept_ranking(fake_ranking(request, 60, 2), by=ME)
            assert session.current_id == item
        label(session, int(item == rare))
    (result,) = results(session.known)
    bound = most_in_set(59, 12, 1, 0.025) - 1
    assert (result.size, result.drawn, result.found, result.at_most) == (59, 12, 1, bound)
    assert sentence(result, "rare") == (
        f"Of 47 images left, at most {bound} are rare (95%): 12 of 59 images were drawn at "
        "random, 1 found."
    )
    assert rare in session.known.training, "the model learns from what a check found"
    assert session.desk.current is not None
    assert session.desk.current.reason != CHECK
    # Whoever opens it next goes on at the same place.
    again = opened(log.reopened())
    assert results(again.known) == [result]
    assert again.desk.sought == RARE


def test_what_nobody_can_tell_counts_as_found_and_an_undo_opens_the_check_again() -> None:
    session = opened(FakeLog())
    session.begin_check(plan(session, 4), by=ME)
    session.skip(str(session.current_id), by=ME)
    session.skip(str(session.current_id), by=ME, why=LATER)
    for _ in range(2):
        label(session)
    (result,) = results(session.known)
    assert (result.found, result.unclear) == (0, 2)
    assert result.at_most == most_in_set(60, 4, 2, 0.025) - 2
    assert sentence(result, "rare").endswith(
        "0 found, and 2 that are skipped or disputed count as found."
    )
    session.undo(by=ME)
    (result,) = results(session.known)
    assert (result.answered, result.at_most) == (3, None)
    assert "3 answered, 0 found so far" in sentence(result, "rare")


@pytest.mark.parametrize(("sought", "found", "unclear"), [(0, 4, 0), (1, 1, 3)])
def test_a_class_below_is_found_and_one_above_may_be_it(
    sought: int, found: int, unclear: int
) -> None:
    items = FakeItems(9, classes=("bird", "bird/owl"), holdout=False)
    session = Session(items, FakeLog(), LoopSettings(cold_start="random", batch_size=5), ME)
    session.begin_check(replaced(plan(session, 4), session.classes.ids[sought]), by=ME)
    for index in (0, 1, 0, 0):
        label(session, index)
    (result,) = results(session.known)
    assert (result.found, result.unclear) == (found, unclear)


def test_a_second_check_shares_the_error_with_the_first() -> None:
    session = opened(FakeLog())
    for number in (1, 2):
        session.begin_check(plan(session, 6, seed=number), by=ME)
        while session.desk.current is not None and session.desk.current.reason == CHECK:
            label(session)
    first, second = results(session.known)
    assert (first.error, second.error) == (0.025, 0.0125)
    assert second.at_most == most_in_set(54, 6, 0, 0.0125)
    assert "(95% over 2 checks)" in sentence(second, "rare")
    assert sum(map(error_of, range(1, 60))) <= 0.05


def test_two_annotators_share_a_check() -> None:
    log = FakeLog()
    first = opened(log)
    label(first, 1)
    first.begin_check(plan(first, 20), by=ME)
    other = log.beside()
    second = opened(other, by=YOU)
    assert CHECK not in reasons(second), "who does not look for the class is left alone"
    second.seek(RARE, by=YOU)
    asked = []
    for _ in range(40):
        for session, by, own in ((first, ME, log), (second, YOU, other)):
            session.take_in(own.read())
            session.go_on(by=by)
            here = session.desk.current
            if here is not None and here.reason == CHECK:
                asked.append(label(session, by=by))
    check = first.known.checks[-1].payload
    assert isinstance(check, SpotCheck)
    assert sorted(asked) == sorted(check.items), "each was asked once"
    for session, own in ((first, log), (second, other)):
        session.take_in(own.read())
        assert results(session.known)[0].at_most == most_in_set(59, 20, 0, 0.025)


def test_a_group_counts_once() -> None:
    session = Session(grouped(), FakeLog(), LoopSettings(cold_start="random", batch_size=4), ME)
    session.begin_check(replaced(plan(session, 10), session.classes.ids[1]), by=ME)
    check = session.known.checks[-1].payload
    assert isinstance(check, SpotCheck)
    assert (check.units, check.count) == (30, 90)
    for _ in range(10):
        item, frames = current(session)
        if len(frames) > 1 and not results(session.known)[0].found:
            # One of the frames is enough.
            session.answer_frame(item, frames[-1], 1, by=ME)
        session.label(item, 0, by=ME)
    (result,) = results(session.known)
    assert (result.answered, result.found, result.noun) == (10, 1, "group")


def replaced(check: SpotCheck, class_id: str) -> SpotCheck:
    return SpotCheck(
        **{**{f: getattr(check, f) for f in check.__struct_fields__}, "class_id": class_id}
    )


def test_checks_mean_the_same_in_whatever_order_they_arrive() -> None:
    log = FakeLog()
    session = opened(log)
    label(session, 1)
    for number in (1, 2):
        session.begin_check(plan(session, 3, seed=number), by=ME)
        label(session)
    said = [event for event in log.written if isinstance(event.payload, SpotCheck | Label)]
    expected = results(session.known)
    for order in list(permutations(said))[::7]:
        known = Labels(log.bulk_lines)
        for number, event in enumerate(order):
            known.apply(event, number)
        assert results(known) == expected


def test_anybody_can_draw_again() -> None:
    ids = [item_id("fake", row) for row in range(50)]
    drawn = draw(ids, 9, seed=7)
    assert drawn == draw(reversed(ids), 9, seed=7)
    assert drawn[:4] == draw(ids, 4, seed=7) != draw(ids, 4, seed=8)
    lines = [BulkLine(item=item, class_id=OK) for item in ids]
    frame = BulkLine(item=item_id("fake", 99), class_id=OK, unit=ids[0])
    check = SpotCheck(file="f", sha256="", count=51, class_id=RARE, units=50, seed=7, items=drawn)
    assert problem(check, [*lines, frame]) is None
    assert problem(check, lines) == ("its set has 50 units in 50 lines, and the plan says 50 in 51")
    other = SpotCheck(file="f", sha256="", count=50, class_id=RARE, units=50, seed=8, items=drawn)
    assert problem(other, lines) == "what was drawn is not what its seed draws"


def test_every_item_is_drawn_as_often_as_every_other() -> None:
    ids = [item_id("fake", row) for row in range(20)]
    counts = np.zeros(20)
    for seed in range(800):
        for item in draw(ids, 5, seed):
            counts[ids.index(item)] += 1
    # Chi-squared with 19 degrees of freedom is above 43.8 in one of 1,000 cases.
    assert (((counts - 200) ** 2) / 200).sum() < 43.8


def test_impossible_plans_are_refused_and_all_can_be_checked() -> None:
    for items, units, count in (((), 5, 5), (("a", "a"), 5, 5), (("a", "b"), 1, 5), (("a",), 5, 4)):
        with pytest.raises(ValueError, match="is impossible"):
            SpotCheck(
                file="", sha256="", count=count, class_id="", units=units, seed=0, items=items
            )
    assert sizes(100) == [60, 100]
    assert sizes(200_000)[-1] == 2400
    session = opened(FakeLog(), count=4)
    session.begin_check(plan(session, 4), by=ME)
    for index in (0, 1, 0, 0):
        label(session, index)
    assert session.current is None
    text = sentence(results(session.known)[0], "rare")
    assert text == "All 4 images that were left are answered: 1 rare."


def test_nothing_is_checked_before_all_is_read() -> None:
    items = FakeItems(5, classes=("ok", "rare"), holdout=False)
    reading = FakeReading(items)
    session = Session(items, FakeLog(), LoopSettings(cold_start="random", batch_size=2), ME)
    with pytest.raises(NotReadError, match="still being read"):
        session.rest()
    session.items_read(reading.read(*range(5)))
    assert len(session.rest()) == 5


def test_all_checks_of_a_session_together_are_wrong_no_more_often_than_they_say() -> None:
    # Somebody who finds too many looks for what is like them, and checks again, up to six times.
    rng = np.random.default_rng(0)
    bounds = {
        (size, found, number): most_in_set(size, 60, found, error_of(number))
        for number, size in enumerate(range(1000, 640, -60), 1)
        for found in range(61)
    }
    wrong = 0
    for _ in range(1000):
        having = int(rng.integers(1, 120))
        for number, size in enumerate(range(1000, 640, -60), 1):
            found = int(rng.hypergeometric(having, size - having, 60))
            if bounds[size, found, number] < having:
                wrong += 1
                break
            # What was found leads to some of the others.
            having -= found
            having -= int(rng.integers(0, having + 1)) if found else 0
            if not (found and having):
                break
    assert wrong / 1000 <= 0.05
