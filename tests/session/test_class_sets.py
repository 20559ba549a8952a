"""Several classes for an image: each is resolved by itself, whatever order events arrive in."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st
from loop_fakes import CLASSES, ME, FakeItems, FakeLog, fake_ranking
from msgspec.structs import replace

from tuilabel.events.lines import Event
from tuilabel.events.payloads import (
    ClassAdded,
    ClassMerged,
    ClassRenamed,
    Decided,
    DecidedSet,
    Label,
    LabelSet,
    Payload,
    Skip,
    Undo,
)
from tuilabel.learn.requests import Fit
from tuilabel.session import Annotator, LoopSettings, Session
from tuilabel.session.annotators import agreement
from tuilabel.session.class_changes import ClassError
from tuilabel.session.class_sets import ClassSet, coded, decoded, settled
from tuilabel.session.classes import class_id_of
from tuilabel.session.labels import Labels

CAT, DOG, OWL = map(class_id_of, CLASSES)
BOB, CLEO = Annotator("bob"), Annotator("cleo")

ITEMS = st.sampled_from("12")
IDS = st.sampled_from([CAT, DOG, OWL, "c1:unknown"])
SETS = st.lists(IDS, max_size=3).map(tuple)
NUMBERS = st.integers(1, 20).map(str)
NAMES = st.sampled_from(["cat", "dog", "cat/dog", "cat/dog/owl"])
PAYLOADS = st.one_of(
    st.builds(
        LabelSet,
        item=ITEMS,
        class_ids=SETS,
        others=SETS,
        audit=st.booleans(),
        origin=st.sampled_from(["human", "human", "oracle"]),
    ),
    st.builds(Label, item=ITEMS, class_id=IDS),
    st.builds(Skip, item=ITEMS),
    st.builds(Undo, event=NUMBERS, item=st.none() | ITEMS),
    st.builds(DecidedSet, item=ITEMS, class_ids=SETS, others=SETS),
    st.builds(Decided, item=ITEMS, class_id=IDS),
    st.builds(ClassAdded, class_id=IDS, name=NAMES),
    st.builds(ClassRenamed, class_id=IDS, name=NAMES),
    st.builds(ClassMerged, class_id=IDS, into=IDS),
)


def folded(events: Sequence[Event], *, multi: bool = True) -> Labels:
    labels = Labels(lambda bulk: (), multi=multi)
    for number, event in enumerate(events):
        labels.apply(event, number)
    return labels


def state(labels: Labels) -> object:
    items = {
        item: found._replace(given=found.given._replace(number=0)) for item, found in labels.items()
    }
    return (
        items,
        labels.training,
        labels.audit,
        set(labels.disputed),
        (labels.labels_held, labels.skips_held),
        dict(labels.by_class),
        dict(labels.by_annotator),
        list(labels.classes),
    )


@given(
    st.lists(st.tuples(st.sampled_from(["ana", "bob", "cleo"]), PAYLOADS), max_size=20),
    st.randoms(use_true_random=False),
)
def test_any_interleaving_gives_the_state_of_the_ordered_union(  # type: ignore[no-untyped-def]
    run: list[tuple[str, Payload]], random
) -> None:
    found = [Event(f"{t}", t, t, "", by, one, by) for t, (by, one) in enumerate(run, 1)]
    expected = state(folded(found))
    random.shuffle(found)
    labels = folded(found)
    assert state(labels) == expected
    standing = dict(labels.items())
    assert labels.labels_held == sum(
        one.class_id is not None and not one.is_disputed for one in standing.values()
    )
    for item, one in standing.items():
        sets = labels.training.get(item) or labels.audit.get(item)
        assert one.class_id is None or not one.audit or item not in labels.training
        assert sets is None or not decoded(sets).chosen & decoded(sets).others


def test_the_majority_says_yes_or_no_to_each_class_and_a_tie_to_none() -> None:
    votes = [
        (0, coded([CAT, DOG])),
        (0, coded([CAT], [DOG, OWL])),
        (0, coded([CAT, OWL], [])),
        (1, coded([DOG], ["c1:new"])),
    ]
    found, is_tied = settled(votes, {})
    assert decoded(found) == ClassSet(frozenset([CAT]), frozenset(["c1:new"]))
    assert is_tied, "one says dog and one does not, and so it is with owl"


def test_a_class_below_implies_the_one_above_which_alone_says_nothing_about_those_below() -> None:
    above = {OWL: (DOG,)}
    one, _ = settled([(0, coded([OWL], [DOG, CAT]))], above)
    assert decoded(one) == ClassSet(frozenset([OWL, DOG]), frozenset([CAT]))
    alone, _ = settled([(0, coded([DOG], [OWL, CAT]))], above)
    assert decoded(alone) == ClassSet(frozenset([DOG]), frozenset([CAT]))
    both, is_tied = settled([(0, coded([OWL], [DOG])), (0, coded([DOG], [OWL]))], above)
    assert (decoded(both).chosen, is_tied) == (frozenset([OWL, DOG]), False)


def opened(**log: float) -> tuple[Session, FakeLog]:
    kept = FakeLog(**{"audit": 0.0, **log})
    kept.about = replace(kept.about, multi=True)
    loop = LoopSettings(cold_start="random", batch_size=4)
    return Session(FakeItems(20, holdout=False), kept, loop, ME), kept


def again(session: Session, log: FakeLog) -> Session:
    return Session(session.items, log.reopened(), session.settings, ME)


def test_an_answer_is_a_set_and_may_be_empty() -> None:
    session, log = opened()
    items = []
    for chosen in ((0, 2), (), (1,)):
        items.append(str(session.current_id))
        event = session.label(items[-1], chosen, by=ME)
        assert isinstance(event.payload, LabelSet)
    answer = log.answers[0]
    assert isinstance(answer, LabelSet)
    assert (set(answer.class_ids), answer.others) == ({CAT, OWL}, (DOG,))
    for now in (session, again(session, log)):
        assert [now.classes_of(item) for item in items] == [(0, 2), (), (1,)]
        assert now.labels == 3
        assert dict(now.known.by_class) == {CAT: 1, DOG: 1, OWL: 1}
    session.undo(by=ME)
    assert session.current_id == items[-1]
    assert session.classes_of(items[-1]) == ()
    session.skip(items[-1], by=ME)
    assert (session.labels, session.known.skips_held) == (2, 1)
    session.relabel(items[0], (1,), by=ME)
    assert session.classes_of(items[0]) == (1,)
    session.merge_classes(DOG, CAT, by=ME)
    assert dict(session.known.by_class) == {CAT: 1}
    assert session.known.training[items[0]] == coded([CAT], [OWL])
    with pytest.raises(ClassError, match="was merged into"):
        session.relabel(items[0], (1,), by=ME)
    with pytest.raises(ClassError, match="separates classes in exports"):
        session.add_class("a|b", by=ME)


def test_one_class_may_be_disputed_while_the_others_train() -> None:
    session, log = opened()
    item = str(session.current_id)
    session.label(item, (0, 2), by=ME)
    session.relabel(item, (0, 1), by=BOB)
    assert list(session.known.disputed) == [item]
    assert session.labels == 0
    assert session.known.training == {item: coded([CAT])}
    assert agreement(session.known) == (1, 0)
    session.relabel(item, (0, 1), by=CLEO)
    assert session.known.training == {item: coded([CAT, DOG], [OWL])}
    assert dict(session.known.by_annotator) == {"bob": 1, "cleo": 1}
    session.undo(by=CLEO)
    session.relabel(item, (2,), by=ME)
    event = session.decide(item, (2,), by=ME)
    assert isinstance(event.payload, DecidedSet)
    for now in (session, again(session, log)):
        assert now.classes_of(item) == (2,)
        assert not now.known.disputed
    session.take_back(event, by=BOB)
    assert list(session.known.disputed) == [item]


def test_a_class_that_was_added_later_is_unknown_and_not_denied() -> None:
    session, _ = opened(audit=0.3)
    for _ in range(4):
        session.label(str(session.current_id), (0,), by=ME)
    session.add_class("crack", by=ME)
    material = session.material()
    assert material.columns == (CAT, DOG, OWL, class_id_of("crack"))
    assert material.sets == ((1, 0, 0, -1),)
    assert {*material.training.values(), *material.audit.values()} == {0}
    request = session.take_request()
    assert isinstance(request, Fit)
    assert request.sets == material.sets
    assert session.accept_ranking(fake_ranking(request, 20, 4), by=ME) is not None


def test_answers_of_the_other_kind_of_session_change_nothing_where_they_do_not_belong() -> None:
    found = [Event("1", 1, 1, "", "ana", LabelSet(item="1", class_ids=(CAT,)), "ana")]
    assert not dict(folded(found, multi=False).items())
    single = [Event("1", 1, 1, "", "ana", Label(item="1", class_id=CAT), "ana")]
    assert folded(single).training == {"1": coded([CAT])}, "the others are unknown"
