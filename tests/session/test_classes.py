"""Classes that change while a session is open: two annotators, any interleaving, one state."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule
from loop_fakes import CLASSES, ME, FakeItems, FakeLog, fake_ranking

from tuilabel.events.lines import Event
from tuilabel.events.payloads import ClassAdded, ClassMerged, ClassRenamed, Label, Undo
from tuilabel.learn.requests import Fit, FitFinished
from tuilabel.session import Annotator, LoopSettings, Session
from tuilabel.session import classes as classes_module
from tuilabel.session.class_changes import ClassError, NameTakenError, checked_name
from tuilabel.session.classes import CLASS_EVENTS, Classes, _Folded, class_id_of
from tuilabel.session.labels import Labels

CAT, DOG, OWL = map(class_id_of, CLASSES)
BOB = Annotator("bob")
NAMES = st.sampled_from([*CLASSES, "crack", "cat/crack", "cat/dog", "é", "e\u0301"])
SEATS = st.sampled_from([0, 1])
NUMBERS = st.integers(0, 10**6)


def opened(count: int = 20, *, holdout: bool = True, audit: float = 0.2) -> tuple[Session, FakeLog]:
    log = FakeLog(audit=audit)
    loop_settings = LoopSettings(cold_start="random", batch_size=4)
    return Session(FakeItems(count, holdout=holdout), log, loop_settings, ME), log


def label_next(session: Session, class_index: int = 0) -> str:
    item = str(session.current_id)
    session.label(item, class_index, by=ME)
    return item


class ClassesMachine(RuleBasedStateMachine):
    """Two annotators label and change the classes; each hears of the other when it is read."""

    @initialize(holdout=st.booleans())
    def start(self, holdout: bool) -> None:
        self.items = FakeItems(30, holdout=holdout)
        self.logs = [FakeLog(audit=0.3)]
        self.by = [ME, BOB]
        self.loop_settings = LoopSettings(cold_start="random", batch_size=4)
        self.sessions = [Session(self.items, self.logs[0], self.loop_settings, ME)]
        self.logs.append(self.logs[0].beside())
        self.sessions.append(Session(self.items, self.logs[1], self.loop_settings, BOB))
        self.requests: list[list[Fit]] = [[], []]
        self.indices: list[dict[str, int]] = [{}, {}]

    def class_of(self, seat: int, number: int) -> str:
        ids = self.sessions[seat].classes.ids
        return ids[number % len(ids)]

    @rule(seat=SEATS)
    def read(self, seat: int) -> None:
        self.sessions[seat].take_in(self.logs[seat].read())

    @rule(seat=SEATS, number=NUMBERS)
    def label(self, seat: int, number: int) -> None:
        session = self.sessions[seat]
        # Two annotators who retire a class each may leave none.
        if session.current_id is not None and session.classes.open:
            index = session.classes.open[number % len(session.classes.open)]
            session.label(session.current_id, index, by=self.by[seat])

    @rule(seat=SEATS)
    def undo_answer(self, seat: int) -> None:
        self.sessions[seat].undo(by=self.by[seat])

    @rule(seat=SEATS, name=NAMES)
    def add(self, seat: int, name: str) -> None:
        session = self.sessions[seat]
        try:
            session.add_class(name, by=self.by[seat], key="x")
        except ClassError:
            known, name = session.known.classes, checked_name(name)
            ids = (class_id_of(name), known.new_id(name))
            is_merged = any(known.resolved(id_) != id_ for id_ in ids)
            assert is_merged or name in {info.name for info in known.every()}
        else:
            assert session.known.classes.find(name) is not None

    @rule(seat=SEATS, number=NUMBERS, name=NAMES)
    def rename(self, seat: int, number: int, name: str) -> None:
        try:
            self.sessions[seat].rename_class(self.class_of(seat, number), name, by=self.by[seat])
        except ClassError:
            return

    @rule(seat=SEATS, one=NUMBERS, other=NUMBERS)
    def merge(self, seat: int, one: int, other: int) -> None:
        session = self.sessions[seat]
        ids = self.class_of(seat, one), self.class_of(seat, other)
        one_id, into = map(session.known.classes.resolved, ids)
        possible = one_id != into and session.known.classes.is_open(into)
        try:
            session.merge_classes(*ids, by=self.by[seat])
        except ClassError:
            assert not possible
        else:
            assert session.known.classes.resolved(ids[0]) == session.known.classes.resolved(ids[1])

    @rule(seat=SEATS, number=NUMBERS)
    def retire(self, seat: int, number: int) -> None:
        session, class_id = self.sessions[seat], self.class_of(seat, number)
        before = session.labels
        try:
            session.retire_class(class_id, by=self.by[seat])
        except ClassError:
            return
        assert not session.known.classes.is_open(class_id)
        assert session.labels == before

    @rule(seat=SEATS)
    def undo_change(self, seat: int) -> None:
        try:
            self.sessions[seat].undo_class_change(by=self.by[seat])
        except ClassError:
            return

    @rule(seat=SEATS)
    def request(self, seat: int) -> None:
        request = self.sessions[seat].take_request()
        if isinstance(request, Fit):
            self.requests[seat].append(request)

    @precondition(lambda self: any(self.requests))
    @rule(seat=SEATS, number=NUMBERS)
    def answer(self, seat: int, number: int) -> None:
        if not self.requests[seat]:
            return
        session = self.sessions[seat]
        request = self.requests[seat][number % len(self.requests[seat])]
        ranking = fake_ranking(request, len(self.items), len(request.columns), number % 3)
        assert isinstance(ranking, FitFinished)
        k = len(request.columns)
        ranking = replace(ranking, confusion=tuple((1,) * k for _ in range(k)))
        if session.accept_ranking(ranking, by=self.by[seat]) is None:
            return
        shares = dict(zip(ranking.items, ranking.probabilities, strict=True))
        for slot in session.batch:
            # A place that is shown keeps the ranking of before.
            if slot.probabilities is None or slot.row not in shares or slot == session.current:
                continue
            for index, share in enumerate(slot.probabilities):
                id_ = session.classes.ids[index]
                assert share == 0 or session.known.classes.is_open(id_)

    @invariant()
    def an_index_means_one_class_for_ever(self) -> None:
        for session, known in zip(self.sessions, self.indices, strict=True):
            now = {id_: index for index, id_ in enumerate(session.classes.ids)}
            assert known.items() <= now.items()
            known.update(now)

    @invariant()
    def what_was_read_is_the_fold_of_its_events_in_order(self) -> None:
        for session in self.sessions:
            fresh = Labels(lambda bulk: ())
            for number, event in enumerate(sorted(session.events, key=lambda e: (e.t, e.id))):
                fresh.apply(event, number)
            assert list(session.known.classes.every()) == list(fresh.classes.every())
            assert list(session.known.classes) == list(fresh.classes)
            assert session.known.by_class == fresh.by_class
            assert session.known.training == fresh.training
            assert session.known.audit == fresh.audit
            assert session.known.classes.problems == fresh.classes.problems

    @invariant()
    def no_label_is_lost(self) -> None:
        for session in self.sessions:
            known = session.known
            assert sum(known.by_class.values()) == known.labels_held
            for id_ in known.by_class:
                assert known.classes.resolved(id_) == id_
                assert known.classes.get(id_) is not None, "it stays while answers name it"
            material = session.material()
            assert len(material.training) == len(known.training)
            assert len(material.audit) == len(known.audit)
            for part, rows in ((known.training, material.training), (known.audit, material.audit)):
                for row, column in rows.items():
                    assert material.columns[column] == part[self.items.ids[row]]

    @invariant()
    def somebody_can_always_be_chosen(self) -> None:
        for session in self.sessions:
            known = session.known.classes
            assert set(session.classes.open) == {session.classes.index(info.id) for info in known}
            suggestion = session.suggestion()
            assert suggestion is None or suggestion in session.classes.open


ClassesMachine.TestCase.settings = settings(max_examples=80, stateful_step_count=40, deadline=None)
TestClasses = ClassesMachine.TestCase


def test_a_class_is_added_in_the_middle_and_labels_as_the_others_do() -> None:
    session, log = opened()
    label_next(session)
    event = session.add_class("crack", by=ME, key="4")
    assert isinstance(event.payload, ClassAdded)
    assert session.classes.names == (*CLASSES, "crack")
    assert session.known.without_example() == ["dog", "owl", "crack"]
    item = label_next(session, 3)
    assert session.known.without_example() == ["dog", "owl"]
    assert session.known.standing(item) is not None
    again = Session(session.items, log.reopened(), session.settings, ME)
    assert again.classes.names == (*CLASSES, "crack")
    assert dict(again.known.by_class) == {CAT: 1, class_id_of("crack"): 1}


def test_labels_of_merged_classes_count_for_one_and_come_apart_again() -> None:
    session, _ = opened(40)
    for index in (0, 1, 1, 2, 1):
        label_next(session, index)
    before = dict(session.known.training)
    session.take_request()
    session.merge_classes(DOG, CAT, by=ME)
    assert dict(session.known.by_class) == {CAT: 4, OWL: 1}
    assert DOG not in session.known.training.values()
    assert session.request_is_due, "the labels mean something else now"
    with pytest.raises(ClassError, match="`dog` was merged into `cat`: choose another class"):
        label_next(session, 1)
    session.undo_class_change(by=BOB)
    assert dict(session.known.training) == before
    label_next(session, 1)


def test_a_retired_class_cannot_be_chosen_and_its_labels_count() -> None:
    session, _ = opened()
    label_next(session, 2)
    session.retire_class(OWL, by=ME)
    with pytest.raises(ClassError, match="The class `owl` was retired: choose another class"):
        label_next(session, 2)
    assert session.known.by_class[OWL] == 1
    assert session.material().columns == (CAT, DOG, OWL)
    session.add_class("owl", by=ME)
    label_next(session, 2)
    assert session.known.by_class[OWL] == 2
    session.undo_class_change(by=ME)
    assert not session.known.classes.is_open(OWL), "the adding is undone, not the retiring"
    with pytest.raises(ClassError, match="`owl` is retired already"):
        session.retire_class(OWL, by=ME)
    session.undo_class_change(by=ME)
    assert session.known.classes.is_open(OWL)
    assert session.known.by_class[OWL] == 2
    session.retire_class(CAT, by=ME)
    session.retire_class(DOG, by=ME)
    with pytest.raises(ClassError, match="`owl` is the only class"):
        session.retire_class(OWL, by=ME)


def test_a_ranking_for_an_older_list_is_mapped_by_ids() -> None:
    session, _ = opened(30)
    while session.round < 2:
        label_next(session, len(session.known.by_class) % 2)
    request = session.take_request()
    assert isinstance(request, Fit)
    session.add_class("crack", by=ME)
    session.merge_classes(DOG, CAT, by=BOB)
    session.take_in([])
    rows = [row for row in range(30) if session.items.ids[row] not in session.known.training]
    ranking = fake_ranking(request, 30, 3)
    assert isinstance(ranking, FitFinished)
    # The columns of the request, in another order: what counts are their ids.
    ranking = replace(
        ranking,
        items=tuple(rows[:10]),
        draws=(None,) * 10,
        reasons=("",) * 10,
        columns=(OWL, CAT, DOG),
        probabilities=((0.2, 0.3, 0.5),) * 10,
        confusion=((1, 2, 3), (4, 5, 6), (7, 8, 9)),
        predicted=(2,),
        confidence=(0.5,),
    )
    assert session.accept_ranking(ranking, by=ME) is not None
    slot = session.batch[-1]
    assert slot.probabilities == pytest.approx((0.8, 0, 0.2, 0))
    fit = session.known.fits[-1].payload
    assert fit.classes == (OWL, CAT, DOG)  # type: ignore[attr-defined]
    assert session.predictions is not None
    assert session.predictions.predicted == [DOG]
    session.undo_class_change(by=ME)
    assert session.batch[-1].probabilities == pytest.approx((0.3, 0.5, 0.2, 0))


def test_the_truth_of_a_holdout_keeps_its_meaning_when_classes_change() -> None:
    session, _ = opened()
    label_next(session)
    session.rename_class(CAT, "feline", by=ME)
    session.merge_classes(OWL, DOG, by=ME)
    session.add_class("crack", by=ME)
    material = session.material()
    assert [material.columns[column] for column in material.truth] == [CAT, DOG, DOG]
    assert session.classes.names[session.classes.of_truth(2)] == "dog"


def test_names_that_cannot_be_used_are_one_sentence_each() -> None:
    for name in (
        "",
        "  ",
        "x" * 4096,
        "a\x1b[31mb",
        "a\u202eb",
        "a\nb",
        "../x",
        "a\\b",
        "..",
        "a/",
        "/a",
        "a//b",
    ):
        with pytest.raises(ClassError) as caught:
            checked_name(name)
        sentence = str(caught.value)
        assert len(sentence) < 160
        assert sentence.isprintable()
        assert "\u202e" not in sentence
    assert checked_name(" e\u0301té ") == "été"
    assert checked_name("bird / owl") == "bird/owl"


def test_a_name_that_is_taken_names_the_class_that_has_it() -> None:
    session, _ = opened()
    with pytest.raises(NameTakenError, match="merge `cat` into it") as caught:
        session.rename_class(CAT, "dog", by=ME)
    assert caught.value.other.id == DOG
    with pytest.raises(NameTakenError, match="There is a class `dog` already"):
        session.add_class("dog", by=ME)
    session.rename_class(CAT, "feline", by=ME)
    # The id of `cat` belongs to another name now.
    event = session.add_class("cat", by=ME)
    assert isinstance(event.payload, ClassAdded)
    assert event.payload.class_id == class_id_of("cat#2")


def events_of(*payloads: object) -> list[Event]:
    return [Event(f"{t}", t, t, "", "me", payload, "log") for t, payload in enumerate(payloads, 1)]  # type: ignore[arg-type]


def folded(events: Sequence[Event]) -> Labels:
    labels = Labels(lambda bulk: ())
    for number, event in enumerate(events):
        labels.apply(event, number)
    return labels


def test_an_undone_class_stays_while_answers_name_it_or_one_merged_into_it() -> None:
    added = [ClassAdded(class_id=id_, name=name) for id_, name in ((CAT, "cat"), (DOG, "dog"))]
    label = Label(item="1", class_id=CAT)
    known = folded(events_of(*added, label, ClassMerged(class_id=CAT, into=DOG), Undo("2")))
    assert [info.name for info in known.classes] == ["dog"]
    known.apply(Event("6", 6, 6, "", "me", Undo("3", "1"), "log"), 5)
    assert [info.name for info in known.classes] == []
    assert known.classes.name(DOG) == "dog", "its name is known, for a history"


def test_contradictions_are_listed_and_do_no_harm() -> None:
    added = [ClassAdded(class_id=id_, name=id_) for id_ in ("a", "b", "c")]
    known = folded(
        events_of(
            *added,
            ClassMerged(class_id="a", into="b"),
            ClassMerged(class_id="b", into="a"),
            ClassMerged(class_id="c", into="c"),
            ClassRenamed(class_id="c", name="b"),
        )
    )
    one, other, third = known.classes.problems
    assert one.startswith("The merge of b into a has no effect")
    assert other == "The merge of c into c has no effect: they are one class."
    assert third.startswith("2 classes have the name b: b, c.")
    assert known.classes.written_name("a") == "b"
    assert [known.classes.written_name(id_) for id_ in ("b", "c")] == ["b", "c"]


@given(
    st.lists(
        st.one_of(
            st.builds(ClassAdded, class_id=st.sampled_from("abc"), name=st.text(max_size=100)),
            st.builds(ClassMerged, class_id=st.sampled_from("abcd"), into=st.sampled_from("abcd")),
            st.builds(ClassRenamed, class_id=st.sampled_from("abc"), name=st.text(max_size=100)),
            st.builds(Undo, event=st.integers(1, 12).map(str)),
        ),
        max_size=12,
    ),
    st.randoms(),
)
def test_whatever_a_log_says_is_one_fold_in_any_order(
    payloads: list[object], random: Random
) -> None:
    events = events_of(*payloads)
    shuffled = list(events)
    random.shuffle(shuffled)
    one, other = folded(events).classes, folded(shuffled).classes
    assert list(one.every()) == list(other.every())
    assert one.problems == other.problems
    assert all(len(info.name) <= 80 and info.name for info in one.every())
    for event in events:
        if isinstance(event.payload, CLASS_EVENTS):
            assert one.resolved(event.payload.class_id) == other.resolved(event.payload.class_id)


def test_a_session_with_hostile_names_of_classes_can_be_opened() -> None:
    # A reader shows a name inert, so that the id is not the hash of what is read.
    names = ["cat", "f␛[2Jox", "", "cat"]
    added = [
        Event(f"{n}", n, n, "", "me", ClassAdded(f"c1:{n}", name), "me")
        for n, name in enumerate(names, 1)
    ]
    classes = Classes(lambda class_id: False)
    for event in added:
        classes.apply(event)
    assert classes.names_of_source() == ["cat", "f␛[2Jox", "c1:3"]


def test_classes_that_are_added_together_are_folded_once(monkeypatch: pytest.MonkeyPatch) -> None:
    folds = []
    monkeypatch.setattr(classes_module, "_Folded", lambda *of: folds.append(of) or _Folded(*of))
    items = FakeItems(3, classes=[f"class {number}" for number in range(300)])
    session = Session(items, FakeLog(), LoopSettings(), ME)
    assert len(session.classes.names) == 300
    assert len(folds) < 10


def test_a_merge_moves_labels_also_where_classes_were_not_asked_for_in_between() -> None:
    session, _ = opened()
    label_next(session, 0)
    session.add_class("crack", by=ME)
    session.merge_classes(CAT, DOG, by=ME)
    assert session.known.by_class == {DOG: 1}


def test_a_thousand_changes_cost_one_pass_over_their_events(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    folds = []
    monkeypatch.setattr(classes_module, "_Folded", lambda *of: folds.append(of) or _Folded(*of))
    added = [ClassAdded(class_id=f"c{n}", name=f"class {n}") for n in range(1000)]
    labels = [Label(item=f"{n}", class_id=f"c{n}") for n in range(10)]
    renamed = [ClassRenamed(class_id="c2", name=f"other {n}") for n in range(200)]
    known = folded(events_of(*added, *labels, *renamed, Undo("1100")))
    assert (known.labels_held, sum(1 for _ in known.classes)) == (10, 1000)
    assert len(folds) < 5


def test_a_retired_class_is_not_suggested_however_likely_it_was() -> None:
    session, _ = opened()
    for _ in range(4):
        label_next(session)
    request = session.take_request()
    assert request is not None
    session.accept_ranking(fake_ranking(request, 20, 3), by=ME)
    while session.current is not None and session.current.probabilities is None:
        label_next(session)
    likely = session.suggestion()
    assert likely is not None
    session.retire_class(session.classes.ids[likely], by=ME)
    assert session.suggestion() not in (None, likely)
