"""Several annotators at one session: disputes, decisions, and what may be taken back."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from loop_fakes import ME, FakeItems, FakeLog

from tuilabel.errors import TuilabelError
from tuilabel.events.lines import Event
from tuilabel.events.payloads import ClassAdded, ClassMerged, Decided, Label, Undo
from tuilabel.session import Annotator, LoopSettings, RefusedError, Session
from tuilabel.session.classes import class_id_of
from tuilabel.session.labels import Labels
from tuilabel.session.undoing import undone_text

BOB = Annotator("bob")
SETTINGS = LoopSettings(batch_size=4, cold_start="random")
CAT, DOG, OWL = map(class_id_of, ("cat", "dog", "owl"))


@pytest.fixture
def log() -> FakeLog:
    return FakeLog(seed=1)


@pytest.fixture
def session(log: FakeLog) -> Session:
    """Return a session in which I say cat, and bob dog, about the first item."""
    session = Session(FakeItems(40, holdout=False), log, SETTINGS, ME)
    item = str(session.current_id)
    session.label(item, 0, by=ME)
    others_say(session, log, Label(item=item, class_id=DOG))
    return session


def others_say(session: Session, log: FakeLog, *payloads: object) -> list[Event]:
    """Let bob write events elsewhere, and the session take them in."""
    other = log.beside()
    events = other.append(payloads, "bob")  # type: ignore[arg-type]
    session.take_in(events)
    return events


def disputed(session: Session) -> str:
    (item,) = session.known.disputed
    return item


def test_one_decision_settles_a_dispute_and_asks_for_a_fit(session: Session) -> None:
    item = disputed(session)
    session.desk.round, session._wanted = 2, False
    event = session.decide(item, 1, by=ME)
    assert event.payload == Decided(item=item, class_id=DOG)
    assert not session.known.disputed
    assert (session.known.training | session.known.audit)[item] == DOG
    assert session.request_is_due
    session.decide(item, 0, by=BOB)
    standing = session.known.standing(item)
    assert standing is not None
    assert standing.class_id == CAT, "of two decisions the later one counts"


def test_a_decision_is_undone_before_the_answer_that_came_first(session: Session) -> None:
    item, cursor = disputed(session), session.cursor
    session.decide(item, 1, by=ME)
    session.undo(by=ME)
    assert disputed(session) == item
    assert session.cursor == cursor, "what is asked stays"
    taken = session.taken_back
    assert taken is not None
    assert undone_text(taken, session.known, str) == (
        "Undone: the decision for dog; the image is disputed again."
    )
    session.undo(by=ME)
    assert session.taken_back is not None
    assert isinstance(session.taken_back.payload, Label)
    assert session.current_id == item
    assert session.undo(by=ME) is None


def test_a_decision_is_undone_after_a_restart(session: Session, log: FakeLog) -> None:
    item = disputed(session)
    session.decide(item, 1, by=ME)
    log.end()
    again = Session(FakeItems(40, holdout=False), log.reopened(), SETTINGS, ME)
    again.undo(by=ME)
    assert disputed(again) == item


def test_anybody_takes_a_decision_back_but_an_answer_only_its_annotator(
    session: Session, log: FakeLog
) -> None:
    item = disputed(session)
    (decision,) = others_say(session, log, Decided(item=item, class_id=DOG))
    session.take_back(decision, by=ME)
    assert disputed(session) == item
    with pytest.raises(RefusedError, match="not in effect"):
        session.take_back(decision, by=ME)
    theirs = session.events[session.known.answers(item)[-1].number]
    assert theirs.by == "bob"
    with pytest.raises(RefusedError, match="Only bob"):
        session.take_back(theirs, by=ME)
    with pytest.raises(RefusedError, match="Only labels"):
        session.take_back(next(e for e in session.events if e.kind == "opened"), by=ME)


def test_only_a_dispute_can_be_decided(session: Session) -> None:
    item = str(session.current_id)
    with pytest.raises(RefusedError, match="agree"):
        session.decide(item, 1, by=ME)
    session.label(item, 1, by=ME)
    with pytest.raises(TuilabelError):
        session.decide(item, 1, by=ME)


def test_an_old_answer_that_is_taken_back_is_asked_in_this_batch(session: Session) -> None:
    first = next(e for e in session.events if isinstance(e.payload, Label) and e.by == "me")
    for _ in range(5):
        session.label(str(session.current_id), 0, by=ME)
    assert session.round == 2
    session.take_back(first, by=ME)
    assert isinstance(first.payload, Label)
    own = session.known.own(first.payload.item, "me")
    assert own is None
    assert session.round == 2, "what was answered since stays as it is"


@pytest.mark.parametrize(
    ("payload", "expected"),
    [
        (ClassAdded(class_id_of("fox"), "fox"), "Undone: the new class fox."),
        (ClassMerged(CAT, OWL), "Undone: the merge of cat into owl."),
    ],
)
def test_a_class_event_of_anybody_is_taken_back_with_a_sentence(
    session: Session, log: FakeLog, payload: object, expected: str
) -> None:
    (event,) = others_say(session, log, payload)
    undo = session.take_back(event, by=ME)
    assert undo.payload == Undo(event=event.id)
    assert undone_text(event, session.known, str) == expected
    with pytest.raises(RefusedError, match="not in effect"):
        session.take_back(event, by=ME)


def test_a_class_with_labels_stays_and_the_sentence_admits_it(session: Session) -> None:
    added = next(e for e in session.events if isinstance(e.payload, ClassAdded))
    session.take_back(added, by=ME)
    assert undone_text(added, session.known, str) == (
        "The class cat stays while images have its label."
    )


def test_disputed_audit_items_are_counted(session: Session, log: FakeLog) -> None:
    before = session.audit_disputes
    item = next(i for i in session.items.ids if not session.known.is_answered(i))
    others_say(session, log, Label(item=item, class_id=DOG, audit=True))
    carol = log.beside()
    session.take_in(carol.append([Label(item=item, class_id=CAT)], "carol"))
    assert session.audit_disputes == before + 1
    session.decide(item, 0, by=ME)
    assert session.audit_disputes == before


KINDS = ("label", "relabel", "skip", "undo", "decide", "decide", "take back")
ACTS = st.lists(
    st.tuples(
        st.booleans(),
        st.sampled_from(KINDS),
        st.integers(0, 50),
    ),
    min_size=10,
    max_size=40,
)


def act(session: Session, by: Annotator, kind: str, number: int) -> None:
    known, current = session.known, session.current_id
    answered = sorted(item for item, _ in known.items())
    if kind == "label" and current:
        session.label(current, number % 3, by=by)
    elif kind == "skip" and current:
        session.skip(current, by=by)
    elif kind == "undo":
        session.undo(by=by)
    elif kind == "relabel" and answered:
        session.relabel(answered[number % len(answered)], number % 3, by=by)
    elif kind == "decide" and answered:
        items = list(known.disputed) or answered
        session.decide(items[number % len(items)], number % 3, by=by)
    elif kind == "take back":
        session.take_back(session.events[number % len(session.events)], by=by)


@given(ACTS)
@settings(deadline=None)
def test_whatever_two_annotators_do_both_end_with_what_the_union_says(
    acts: list[tuple[bool, str, int]],
) -> None:
    mine = FakeLog(seed=1)
    theirs = mine.beside()
    desks = [
        (Session(FakeItems(3, holdout=False), mine, SETTINGS, ME), mine, ME),
        (Session(FakeItems(3, holdout=False), theirs, SETTINGS, BOB), theirs, BOB),
    ]
    for is_mine, kind, number in acts:
        session, log, by = desks[is_mine]
        if number % 4:
            session.take_in(log.read())
        disputed = set(session.known.disputed)
        try:
            act(session, by, kind, number)
        except RefusedError:
            assert set(session.known.disputed) == disputed
        asked = [one.item for one in session.desk.batch]
        assert len(asked) == len(set(asked))
    union = Labels(lambda bulk: [])
    for number, event in enumerate(mine.written):
        union.apply(event, number)
    counted = (union.labels_held, union.skips_held, +union.by_class, +union.by_annotator)
    again = Labels(lambda bulk: [])
    for number, event in reversed(list(enumerate(mine.written))):
        again.apply(event, number)
    assert counted == (again.labels_held, again.skips_held, +again.by_class, +again.by_annotator)
    for session, log, _ in desks:
        session.take_in(log.read())
        known = session.known
        assert (known.training, known.audit) == (union.training, union.audit)
        assert set(known.disputed) == set(union.disputed)
        training, audit = session.material().training, session.material().audit
        assert len(training) + len(audit) == len(known.training) + len(known.audit)
        for item, class_id in {**known.training, **known.audit}.items():
            row = session.items.row_of(item)
            assert row is not None
            index = training.get(row, audit.get(row))
            assert index is not None
            assert session.material().columns[index] == class_id
