"""The fold over everybody's events: whatever order they arrive in, the state is one."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, cast

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from loop_fakes import FakeItems

from tuilabel.events.lines import Event, encode
from tuilabel.events.payloads import (
    About,
    Asked,
    Batch,
    Begin,
    Bulk,
    BulkLine,
    Carried,
    Carry,
    ClassAdded,
    ClassMerged,
    ClassRenamed,
    ClassRetired,
    Decided,
    Flag,
    Label,
    Note,
    Payload,
    Skip,
    Suggestion,
    Undo,
)
from tuilabel.journal.description import create_session
from tuilabel.journal.reader import Reader
from tuilabel.session import labels as labels_module
from tuilabel.session.classes import Classes, class_id_of
from tuilabel.session.labelled_rows import LabelledRows
from tuilabel.session.labels import Labels
from tuilabel.session.remarks import Remarks

CAT, DOG, COW = (class_id_of(name) for name in ("cat", "dog", "cow"))
AT = "2026-01-01T00:00:00.000+00:00"
FILES = {
    "x": [BulkLine(item="1", class_id=CAT), BulkLine(item="2", class_id=DOG)],
    "y": [],
    "z": [
        BulkLine(item="1", class_id=CAT, by="anna"),
        BulkLine(item="3", class_id=DOG, audit=True),
        BulkLine(item="1", class_id=DOG, by="bob"),
        BulkLine(item="1", class_id=COW, by="bob"),
        BulkLine(item="2", class_id=COW),
    ],
}


def events(*payloads: tuple[str, Payload]) -> list[Event]:
    """Return events of the given annotators, one after the other; the id is the number."""
    return [Event(f"{t}", t, t, "", by, payload, by) for t, (by, payload) in enumerate(payloads, 1)]


def folded(found: Sequence[Event]) -> Labels:
    """Return the state after events that were read together."""
    labels = Labels(lambda bulk: FILES[bulk.file])
    labels.extend(found, 0)
    labels.count_added()
    return labels


def label(item: str, class_id: str, **more: object) -> Label:
    return Label(item=item, class_id=class_id, **more)  # type: ignore[arg-type]


def state(labels: Labels) -> object:
    """Return everything that can be asked, without the order of arrival."""
    items = {
        item: found._replace(given=found.given._replace(number=0)) for item, found in labels.items()
    }
    answers = [[one._replace(number=0) for one in labels.answers(item)] for item in "123"]
    return (
        items,
        labels.training,
        labels.audit,
        set(labels.disputed),
        (labels.labels_held, labels.skips_held, labels.auto_labels_held),
        dict(labels.by_class),
        dict(labels.by_annotator),
        list(labels.classes),
        sorted(labels.auto_labels(), key=lambda found: found[1].item),
        [(batch.event.id, batch.held) for batch in labels.auto_batches()],
        [labels.suggestion(item) for item in "123"],
        (dict(labels.skipped), labels.postponed),
        (labels.unmeasured, set(labels.answered()), answers),
        [(one.id, one.by) for item in "123" for one in labels.remarks.of(item)],
        sorted((item, one.id) for item, one in labels.remarks.flagged.items()),
        sorted((item, one.id, one.text) for item, one in labels.remarks.noted.items()),
        [[given.id for given in labels.newest(by)] for by in (None, "anna")],
        [list(labels.newest_of_class(id_)) for id_ in (CAT, DOG, COW)],
    )


def recounted(labels: Labels) -> object:
    """Return the counts, from what counts for each item."""
    found = dict(labels.items())
    ends = [item for item in "123" if labels.carries.end(item) == item]
    skipped = {
        item: one.given.why
        for item, one in found.items()
        if one.class_id is None and not one.is_disputed
    }
    return (
        sum(1 for one in found.values() if one.class_id is not None),
        len(skipped),
        sum(1 for one in found.values() if one.is_disputed),
        Counter(skipped.values()),
        {item for item, why in skipped.items() if why == "later"},
        {item for item in ends if (flag := labels.remarks.flag(item)) and flag.is_set},
        {item for item in ends if labels.remarks.notes(item)},
    )


ITEMS = st.sampled_from("123")
CLASSES = st.sampled_from([CAT, DOG, COW, "c1:unknown"])
NAMES = st.sampled_from(["cat", "dog", "cow", "cat/dog", "cat/dog/cow"])
NUMBERS = st.integers(1, 25).map(str)
PAYLOADS = st.one_of(
    st.builds(
        Label,
        item=ITEMS,
        class_id=CLASSES,
        audit=st.booleans(),
        origin=st.sampled_from(["human", "oracle", "import"]),
    ),
    st.builds(Skip, item=ITEMS, why=st.sampled_from(["", "unsure", "later", "later"])),
    st.builds(Flag, item=ITEMS, is_set=st.booleans()),
    st.builds(Note, item=ITEMS, text=st.sampled_from(["", "wet", "torn"])),
    st.builds(
        Batch,
        round=st.just(1),
        items=st.tuples(
            st.builds(
                Asked, ITEMS, st.just("later"), again=st.lists(NUMBERS, max_size=2).map(tuple)
            )
        ),
    ),
    st.builds(Suggestion, item=ITEMS, class_id=CLASSES, origin=st.just("detector")),
    st.builds(Undo, event=NUMBERS, item=st.none() | ITEMS),
    st.builds(Decided, item=ITEMS, class_id=CLASSES),
    st.builds(
        Carried,
        pairs=st.lists(st.builds(Carry, ITEMS, ITEMS, st.just("")), max_size=2).map(tuple),
    ),
    st.builds(ClassAdded, class_id=CLASSES, name=NAMES),
    st.builds(ClassRenamed, class_id=CLASSES, name=NAMES),
    st.builds(ClassMerged, class_id=CLASSES, into=CLASSES),
    st.builds(ClassRetired, class_id=CLASSES),
    st.builds(
        Bulk,
        file=st.sampled_from(["x", "y", "z"]),
        sha256=st.just(""),
        count=st.just(0),
        origin=st.sampled_from(["auto", "suggested", "import", "import"]),
        replaces=st.lists(NUMBERS, max_size=2).map(tuple),
    ),
)
RUNS = st.lists(st.tuples(st.sampled_from(["anna", "bob"]), PAYLOADS), max_size=25)


@given(RUNS, st.randoms(use_true_random=False))
def test_the_order_of_arrival_makes_no_difference(run: list[tuple[str, Payload]], random) -> None:  # type: ignore[no-untyped-def]
    found = events(*run)
    labels = folded(found)
    random.shuffle(found)
    assert state(folded(found)) == state(labels)
    assert recounted(labels) == (
        labels.labels_held,
        labels.skips_held,
        len(labels.disputed),
        labels.skipped,
        labels.postponed,
        set(labels.remarks.flagged),
        set(labels.remarks.noted),
    )
    assert labels.labels_held == sum(labels.by_class.values())


def test_ones_own_latest_answer_counts_and_an_undo_brings_back_the_one_before() -> None:
    run = events(
        ("anna", label("1", CAT)),
        ("anna", label("1", DOG)),
        ("bob", Undo("2", "1")),
    )
    assert folded(run).training == {"1": DOG}, "only who gave an answer takes it back"
    run += events(*[("anna", Undo("2", "1"))] * 4)[3:]
    labels = folded(run)
    assert labels.training == {"1": CAT}
    assert dict(labels.by_class) == {CAT: 1}


def test_a_majority_decides_and_a_tie_trains_nothing_until_it_is_settled() -> None:
    run = events(("anna", label("1", CAT)), ("bob", label("1", DOG)))
    labels = folded(run)
    assert (labels.training, list(labels.disputed), labels.labels_held) == ({}, ["1"], 0)
    settled = folded([*run, Event("3", 3, 3, "", "cleo", Decided("1", DOG), "cleo")])
    assert (settled.training, list(settled.disputed)) == ({"1": DOG}, [])
    third = folded([*run, Event("3", 3, 3, "", "cleo", label("1", CAT), "cleo")])
    assert third.training == {"1": CAT}
    assert dict(third.by_annotator) == {"anna": 1, "cleo": 1}


def test_a_person_counts_before_the_oracle_and_the_oracle_before_an_import() -> None:
    run = [("tool", label("1", CAT, origin="import")), ("tool2", label("1", CAT, origin="import"))]
    assert folded(events(*run)).training == {"1": CAT}
    run.append(("oracle", label("1", DOG, origin="oracle")))
    assert folded(events(*run)).training == {"1": DOG}
    run.append(("anna", label("1", COW)))
    assert folded(events(*run)).training == {"1": COW}


def test_an_import_never_replaces_the_answer_of_the_annotator_that_it_names() -> None:
    own, imported = ("anna", label("1", DOG)), ("anna", label("1", CAT, origin="import"))
    assert folded(events(own, imported)).training == {"1": DOG}
    assert folded(events(imported, own)).training == {"1": DOG}
    assert folded(events(("anna", Skip(item="1")), imported)).training == {}
    undone = folded(events(own, imported, ("anna", Undo("1", "1"))))
    assert undone.training == {"1": CAT}


def test_an_imported_label_of_an_audit_item_is_neither_trained_on_nor_measured() -> None:
    labels = folded(events(("tool", label("1", CAT, audit=True, origin="import"))))
    assert (labels.training, labels.audit, labels.labels_held) == ({}, {}, 1)


def imported(file: str = "z") -> Bulk:
    return Bulk(file=file, sha256="", count=5, origin="import")


def test_an_import_counts_like_its_answers_and_anybody_takes_it_back_as_a_whole() -> None:
    labels = folded(events(("tool", imported())))
    assert labels.training == {"2": COW}
    assert (list(labels.disputed), labels.unmeasured) == (["1"], {"3"})
    assert {vote.by: vote.class_id for vote in labels.votes("1")} == {"anna": CAT, "bob": DOG}
    assert (labels.auto_labels_held, labels.auto_batches()) == (0, [])
    assert list(labels.newest()) == [], "it is in no desk's undo"
    assert [labels.is_answered(item) for item in "123"] == [True, True, False]
    run = [("tool", imported()), ("cleo", Undo("1"))]
    undone = folded(events(*run))
    assert (undone.training, undone.disputed, undone.unmeasured) == ({}, {}, set())
    assert list(undone.items()) == list(undone.answered()) == []
    line_alone = folded(events(("tool", imported()), ("anna", Undo("1", "1"))))
    assert list(line_alone.disputed) == ["1"], "not line by line"


def test_a_person_and_the_oracle_count_before_an_import_and_it_before_auto_labels() -> None:
    auto = Bulk(file="x", sha256="", count=2, origin="auto")
    run: list[tuple[str, Payload]] = [("tool", imported()), ("me", auto)]
    run += [("cleo", label("1", COW)), ("oracle", label("2", DOG, origin="oracle"))]
    labels = folded(events(*run))
    assert labels.training == {"1": COW, "2": DOG}
    assert labels.auto_labels_held == 0
    labels = folded(events(*run, ("cleo", Undo("1"))))
    assert labels.training == {"1": COW, "2": DOG}
    assert folded(events(*run[:2], ("cleo", Undo("1")))).auto_labels_held == 2


def test_an_audit_item_that_was_only_imported_is_asked_and_measured_once_answered() -> None:
    run: list[tuple[str, Payload]] = [("tool", imported())]
    assert folded(events(*run)).labels_held == 2
    labels = folded(events(*run, ("cleo", label("3", CAT, audit=True))))
    assert (labels.audit, labels.unmeasured, labels.is_answered("3")) == ({"3": CAT}, set(), True)


def test_an_import_changes_nothing_about_what_persons_have_answered() -> None:
    run = [("ana", label("1", CAT, audit=True)), ("bob", Skip(item="3"))]
    labels = folded(events(*run, ("tool", imported())))
    standing = labels.standing("1")
    assert standing is not None
    assert (standing.given.by, standing.given.rank) == ("ana", 0), "the import agrees, and is newer"
    assert labels.audit == {"1": CAT}
    assert labels.is_answered("3"), "it is not asked again for ever"
    assert (labels.unmeasured, labels.training) == (set(), {"2": COW})


def test_imported_labels_follow_a_merge() -> None:
    run: list[tuple[str, Payload]] = [("tool", imported()), ("me", ClassMerged(DOG, CAT))]
    assert folded(events(*run)).training == {"2": COW, "1": CAT}


def test_several_imported_labels_of_an_audit_item_are_neither_trained_on_nor_measured() -> None:
    run = [(tool, label("1", CAT, audit=True, origin="import")) for tool in ("tool", "other")]
    labels = folded(events(*run))
    assert (labels.training, labels.audit, labels.labels_held) == ({}, {}, 1)


def test_skips_do_not_vote_but_replace_ones_own_label() -> None:
    run = [("anna", label("1", CAT)), ("bob", Skip(item="1"))]
    assert folded(events(*run)).training == {"1": CAT}
    labels = folded(events(*run, ("anna", Skip(item="1"))))
    assert (labels.training, labels.skips_held) == ({}, 1)


def test_skips_are_counted_by_the_reason_of_the_newest() -> None:
    run: list[tuple[str, Payload]] = [
        ("anna", Skip(item="1", why="later")),
        ("anna", Skip(item="2")),
    ]
    labels = folded(events(*run))
    assert (labels.skipped, labels.postponed) == ({"later": 1, "": 1}, {"1"})
    run.append(("bob", Skip(item="1", why="unusable")))
    labels = folded(events(*run))
    assert (labels.skipped, labels.postponed) == ({"unusable": 1, "": 1}, set())
    labels = folded(events(*run, ("bob", Undo("3", "1"))))
    assert labels.postponed == {"1"}
    labels = folded(events(*run, ("cleo", label("1", CAT))))
    assert (labels.skipped, labels.skips_held) == ({"": 1}, 1)


def test_a_batch_that_asks_again_ends_a_skip_for_later_and_no_other_answer() -> None:
    again = Batch(round=2, items=(Asked("1", "later", again=("1", "2")),))
    run: list[tuple[str, Payload]] = [("anna", Skip(item="1", why="later")), ("anna", again)]
    labels = folded(events(*run))
    assert not labels.is_answered("1")
    assert (labels.skips_held, labels.postponed, list(labels.answered())) == (0, set(), [])
    run = [("anna", Skip(item="1", why="unsure")), ("bob", label("1", CAT)), ("anna", again)]
    labels = folded(events(*run))
    assert labels.training == {"1": CAT}
    assert [given.by for given in labels.answers("1")] == ["anna", "bob"]


def test_an_answer_that_a_skip_for_later_replaced_does_not_come_back() -> None:
    again = Batch(round=2, items=(Asked("1", "later", again=("2",)),))
    run: list[tuple[str, Payload]] = [
        ("anna", label("1", CAT)),
        ("anna", Skip(item="1", why="later")),
    ]
    run.append(("bob", again))
    assert not folded(events(*run)).is_answered("1")
    assert folded(events(*run, ("anna", Undo("2", "1")))).training == {"1": CAT}


def test_the_newest_flag_counts_and_each_annotators_newest_note() -> None:
    run: list[tuple[str, Payload]] = [
        ("anna", Flag(item="1")),
        ("anna", Note(item="1", text="wet")),
        ("bob", Note(item="1", text="torn")),
        ("bob", Flag(item="1", is_set=False)),
    ]
    remarks = folded(events(*run)).remarks
    assert not remarks.flagged
    assert [(one.by, one.text) for one in remarks.notes("1")] == [("anna", "wet"), ("bob", "torn")]
    assert folded(events(*run, ("anna", Undo("4", "1")))).remarks.flagged == {}, "it is Bob's"
    run += [("bob", Undo("4", "1")), ("anna", Note(item="1", text=""))]
    remarks = folded(events(*run)).remarks
    assert remarks.flagged["1"].by == "anna"
    assert [(one.by, one.text) for one in remarks.notes("1")] == [("bob", "torn")]
    assert folded(events(*run)).labels_held == 0


def test_where_roles_disagree_audit_wins() -> None:
    labels = folded(events(("anna", label("1", CAT, audit=True)), ("bob", label("1", CAT))))
    assert (labels.training, labels.audit) == ({}, {"1": CAT})


def test_labels_follow_a_merge_and_come_apart_again() -> None:
    run = [("anna", ClassAdded(CAT, "cat")), ("anna", ClassAdded(DOG, "dog"))]
    run += [("anna", label("1", CAT)), ("anna", label("2", DOG)), ("bob", ClassMerged(DOG, CAT))]
    labels = folded(events(*run))
    assert labels.training == {"1": CAT, "2": CAT}
    assert [info.name for info in labels.classes] == ["cat"]
    apart = folded(events(*run, ("anna", Undo("5"))))
    assert apart.training == {"1": CAT, "2": DOG}
    assert [info.name for info in apart.classes] == ["cat", "dog"]


def test_a_merge_costs_no_pass_over_the_answers_to_other_classes(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    labels = folded(events(*[("anna", label(f"{n}", DOG if n else CAT)) for n in range(1000)]))
    counted: list[str] = []
    count = labels._count
    monkeypatch.setattr(
        labels, "_count", lambda item, step: (counted.append(item), count(item, step))
    )
    labels.apply(Event("m", 1, 2000, "", "anna", ClassMerged(CAT, COW), "anna"), 1000)
    assert labels.by_class == {COW: 1, DOG: 999}
    assert set(counted) == {"0"}


def test_files_of_labels_are_read_once_whatever_their_number_and_that_of_undos() -> None:
    read: list[str] = []

    def lines(bulk: Bulk) -> list[BulkLine]:
        read.append(bulk.file)
        return FILES["x"]

    labels = Labels(lines)
    files = [Bulk(file=f"{n}", sha256="", count=2, origin="suggested") for n in range(9)]
    undone = [Undo(f"{n}") for n in range(20, 40)]
    for number, event in enumerate(events(*[("anna", one) for one in (*files, *undone)])):
        labels.apply(event, number)
    assert read == []
    assert labels.suggestion("1") is not None
    assert (labels.auto_labels_held, read) == (0, [file.file for file in files])


def test_a_merge_in_a_circle_has_no_effect_and_is_listed() -> None:
    run = [("anna", ClassAdded(CAT, "cat")), ("anna", ClassAdded(DOG, "dog"))]
    run += [
        ("anna", ClassMerged(CAT, DOG)),
        ("bob", ClassMerged(DOG, CAT)),
        ("bob", ClassMerged(CAT, CAT)),
    ]
    classes = folded(events(*run)).classes
    assert [info.name for info in classes] == ["dog"]
    assert len(classes.problems) == 2


def test_a_class_is_not_taken_back_while_answers_to_it_stand() -> None:
    run = [("anna", ClassAdded(CAT, "cat")), ("anna", label("1", CAT)), ("anna", Undo("1"))]
    assert [info.name for info in folded(events(*run)).classes] == ["cat"]
    run.append(("anna", Undo("2", "1")))
    assert list(folded(events(*run)).classes) == []


def test_answers_to_an_unknown_class_are_kept_under_its_id() -> None:
    labels = folded(events(("anna", label("1", "c1:far"))))
    assert labels.training == {"1": "c1:far"}
    assert labels.classes.name("c1:far") == "c1:far"


def test_two_annotators_who_add_one_name_add_one_class() -> None:
    composed, decomposed = "caf\u00e9", "cafe\u0301"
    assert class_id_of(composed) == class_id_of(decomposed)
    run = [("anna", ClassAdded(CAT, "cat")), ("anna", ClassRenamed(CAT, "lynx"))]
    classes = folded(events(*run)).classes
    assert classes.new_id("cat") != CAT, "another class has this id now"
    assert classes.new_id("lynx") == class_id_of("lynx")


def test_auto_labels_count_where_nobody_has_answered() -> None:
    bulk = Bulk(file="x", sha256="", count=2, origin="auto")
    run = [("anna", label("1", CAT)), ("anna", bulk)]
    labels = folded(events(*run))
    assert labels.auto_labels_held == 1
    assert labels.training == {"1": CAT}
    answered = folded(events(*run, ("bob", label("2", COW))))
    assert answered.auto_labels_held == 0
    assert folded(events(*run, ("bob", Undo("2")))).auto_labels_held == 0
    again = Bulk(file="y", sha256="", count=0, origin="auto", replaces=("2",))
    assert folded(events(*run, ("bob", again))).auto_labels_held == 0


def test_a_suggestion_is_no_label_and_the_newest_is_shown() -> None:
    first = Suggestion(item="1", class_id=CAT, origin="detector", probability=0.9)
    bulk = Bulk(file="x", sha256="", count=2, origin="suggested", method="names of files")
    run: list[tuple[str, Payload]] = [("detector", first)]
    labels = folded(events(*run))
    assert labels.suggestion("1") == first
    assert labels.suggestion("2") is None
    assert (labels.training, labels.labels_held, list(labels.items())) == ({}, 0, [])
    run.append(("tool", bulk))
    labels = folded(events(*run))
    assert labels.auto_labels_held == 0
    assert labels.auto_batches() == []
    assert labels.suggestion("1") == Suggestion(item="1", class_id=CAT, origin="names of files")
    assert labels.suggestion("2") == Suggestion(item="2", class_id=DOG, origin="names of files")
    run.append(("anna", Undo("2")))
    assert folded(events(*run)).suggestion("1") == first
    assert folded(events(*run, ("anna", Undo("1", "1")))).suggestion("1") is None


SOURCE = cast(Any, FakeItems.of(["1", "3", "4"]))


@given(RUNS, st.lists(CLASSES, min_size=2, max_size=2, unique=True), st.integers(0, 25))
def test_the_labels_by_row_are_those_of_the_fold(
    run: list[tuple[str, Payload]], classes: list[str], ask: int
) -> None:
    known = Labels(lambda bulk: FILES[bulk.file])
    rows = LabelledRows(known, SOURCE)
    index = {class_id: n for n, class_id in enumerate([COW, DOG] if ask % 2 else classes)}
    for number, event in enumerate(events(*run)):
        known.apply(event, number)
        items = [getattr(event.payload, "item", None)]
        if isinstance(event.payload, Batch):
            ended = [id_ for asked in event.payload.items for id_ in asked.again]
            items = [item for id_ in ended for item in known.kept_for_later(id_)]
        of_import = event.payload.event if isinstance(event.payload, Undo) else event.id
        for item in filter(None, (*items, *known.imported_items(of_import), *known.rejoined)):
            rows.follow(item)
        known.rejoined = ()
        if number >= ask:
            found = rows.indices(index)
            for part, expected in zip(found, (known.training, known.audit), strict=True):
                assert list(part.items()) == [
                    (SOURCE.row_of(item), index[class_id])
                    for item, class_id in expected.items()
                    if item in SOURCE.ids and class_id in index
                ]
        index = {class_id: n for n, class_id in enumerate(classes)} if number > ask else index
    assert rows.answered.tolist() == [known.is_answered(item) for item in SOURCE.ids]


@given(RUNS, st.integers(0, 2), st.integers(0, 2))
def test_what_is_put_off_while_a_session_is_read_changes_nothing(
    run: list[tuple[str, Payload]], many: int, of_classes: int
) -> None:
    known = Labels(lambda bulk: FILES[bulk.file])
    with pytest.MonkeyPatch.context() as patch, known.reading():
        patch.setattr(labels_module, "_MANY", many)
        patch.setattr(labels_module, "_MANY_OF_CLASSES", of_classes)
        for number, event in enumerate(events(*run)):
            known.apply(event, number)
    assert state(known) == state(folded(events(*run)))
    assert known.classes.problems == folded(events(*run)).classes.problems


def test_of_many_events_about_one_thing_each_does_not_cost_what_all_do(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    done: Counter[str] = Counter()
    for owner, name in (
        *((Labels, "_count"), (Labels, "every")),
        *((Remarks, "follow"), (Classes, "_merge_again")),
    ):
        real = getattr(owner, name)

        def counted(self: object, *of: object, name: str = name, real: Any = real) -> object:
            done[name] += 1
            return real(self, *of)

        monkeypatch.setattr(owner, name, counted)
    monkeypatch.setattr(labels_module, "_MANY_OF_CLASSES", 100)
    many: list[tuple[str, Payload]] = []
    for number in range(1000):
        classes = ClassMerged(f"c1:{number + 1}", f"c1:{number}"), ClassMerged(CAT, f"c1:{number}")
        many += [("anna", label("1", CAT)), ("bob", Note(item="1", text="x"))]
        many += [("bob", one) for one in classes]
    known = Labels(lambda _: [])
    with known.reading():
        for number, event in enumerate(events(*many)):
            known.apply(event, number)
    answered = [known.own("1", "anna") for _ in range(1000)]
    assert known.training == {"1": "c1:0"}
    assert answered[0] is not None
    assert answered[0].id == "3997"
    assert {name for name, count in done.items() if count > 300} == set()


ABOUT = About(uuid="union", source="fake")


def begin(by: str) -> Begin:
    run = {"host": "elsewhere", "boot": "", "pid": 1, "started": 1}
    return Begin(about=ABOUT, annotator=by, program="1", source="s", **run)


@settings(deadline=None, max_examples=150)
@given(RUNS, st.data())
def test_logs_that_are_late_cut_and_copied_give_the_state_of_their_union(
    run: list[tuple[str, Payload]], data: st.DataObject
) -> None:
    logs: dict[str, list[Event]] = {}
    for event in events(*run):
        first = Event(f"begin {event.by}", 1, 1, AT, event.by, begin(event.by))
        log = logs.setdefault(event.by, [first])
        log.append(event._replace(n=len(log) + 1, at=AT, t=event.t + 1))
    contents = {f"{by}.jsonl": [encode(event) for event in log] for by, log in logs.items()}
    for by, lines in list(contents.items()):
        # A copy of a log, perhaps in another order and with lines twice, or a part of it.
        some = data.draw(st.lists(st.sampled_from(lines), max_size=2 * len(lines)))
        contents[f"copy of {by}"] = [lines[0], *some]
    with TemporaryDirectory() as folder:
        path = Path(folder) / "s.tuilabel"
        create_session(path, ABOUT)
        reader, read = Reader(path), []
        left = {name: b"".join(lines) for name, lines in contents.items()}
        for name in data.draw(st.lists(st.sampled_from(sorted(left) or [""]), max_size=12)):
            if name:
                # It grows by any number of bytes; what is not written in the end was cut off.
                count = data.draw(st.integers(0, len(left[name])))
                with (path / "log" / name).open("ab") as file:
                    file.write(left[name][:count])
                left[name] = left[name][count:]
            read += reader.read()
        whole = {
            line
            for name, lines in contents.items()
            if (path / "log" / name).exists()
            for line in (path / "log" / name).read_bytes().split(b"\n")
            if line + b"\n" in lines
        }
    arrived = Labels(lambda bulk: FILES[bulk.file])
    for number, event in enumerate(read):
        arrived.apply(event, number)
    every = [event for log in logs.values() for event in log]
    union = {event.id: event for event in every if encode(event)[:-1] in whole}
    assert {event.id for event in read} == set(union)
    in_order = sorted(union.values(), key=lambda event: (event.t, event.id))
    assert state(arrived) == state(folded(in_order))


def test_counts_follow_a_decision_that_is_taken_back() -> None:
    run = [("anna", label("1", CAT)), ("bob", label("1", DOG)), ("anna", Decided("1", DOG))]
    assert dict(folded(events(*run)).by_annotator) == {"bob": 1}
    labels = folded(events(*run, ("bob", Undo("3", "1"))))
    assert (labels.labels_held, dict(labels.by_annotator), list(labels.disputed)) == (0, {}, ["1"])
    labels = folded(events(*run, ("bob", Undo("3", "1")), ("anna", Decided("1", CAT))))
    assert (labels.labels_held, dict(labels.by_annotator)) == (1, {"anna": 1})


@pytest.mark.parametrize("multi", [False, True])
def test_an_empty_class_id_of_an_attacker_is_an_unknown_class(multi: bool) -> None:
    known = Labels(lambda bulk: FILES[bulk.file], multi=multi)
    for number, event in enumerate(events(("ann", label("1", "")), ("bob", label("1", "")))):
        known.apply(event, number)
    assert known.labels_held == 1
    assert known.agree(known.votes("1"))
    assert [item for item, _ in known.items()] == ["1"]
