"""Answers that count for another item, because only the metadata of a file changed."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import pairwise, permutations

import pytest
from loop_fakes import ME, FakeItems, FakeLog

from tuilabel.events.lines import Event
from tuilabel.events.payloads import (
    Carried,
    Carry,
    Decided,
    Flag,
    Frame,
    Label,
    Note,
    Payload,
    Skip,
    Undo,
)
from tuilabel.session import LoopSettings, Session
from tuilabel.session.classes import class_id_of
from tuilabel.session.labels import Labels
from tuilabel.session.undoing import refusal, undone_text

CAT, DOG = (class_id_of(name) for name in ("cat", "dog"))


def events(*payloads: tuple[str, Payload]) -> list[Event]:
    """Return events of the given annotators, one after the other; the id is the number."""
    return [Event(f"{t}", t, t, "", by, payload, by) for t, (by, payload) in enumerate(payloads, 1)]


def folded(found: Sequence[Event]) -> Labels:
    labels = Labels(lambda bulk: [])
    labels.extend(found, 0)
    labels.count_added()
    return labels


def label(item: str, class_id: str, **more: object) -> Label:
    return Label(item=item, class_id=class_id, **more)  # type: ignore[arg-type]


def carried(*pairs: tuple[str, str]) -> Carried:
    return Carried(pairs=tuple(Carry(item, into, "") for item, into in pairs))


def test_everybodys_answers_and_remarks_count_for_the_new_item_until_that_is_undone() -> None:
    before: list[tuple[str, Payload]] = [
        ("anna", label("1", CAT)),
        ("bob", label("1", DOG, audit=True)),
        ("cleo", Decided("1", DOG)),
        ("anna", Flag(item="1")),
        ("bob", Note(item="1", text="wet")),
    ]
    labels = folded(events(*before, ("anna", carried(("1", "2")))))
    standing = labels.standing("2")
    assert standing is not None
    assert (standing.class_id, standing.audit) == (DOG, True)
    assert (labels.training, labels.audit, labels.labels_held) == ({}, {"2": DOG}, 1)
    assert list(labels.remarks.flagged) == list(labels.remarks.noted) == ["2"]
    assert [item for item, _ in labels.items()] == ["2"]
    assert labels.standing("1") == standing, "the old item need not be asked if it comes back"
    undo = ("bob", Undo("6"))
    undone = folded(events(*before, ("anna", carried(("1", "2"))), undo))
    assert (undone.training, undone.audit, undone.labels_held) == ({}, {"1": DOG}, 1)
    assert list(undone.remarks.flagged) == list(undone.remarks.noted) == ["1"]
    assert undone.standing("2") is None


def test_the_newest_answer_of_an_annotator_counts_whichever_of_the_items_it_is_about() -> None:
    run = [("anna", label("2", DOG)), ("bob", Skip(item="2")), ("anna", label("1", CAT))]
    run.append(("bob", carried(("1", "2"))))
    assert folded(events(*run)).training == {"2": CAT}
    run.append(("anna", label("2", DOG)))
    assert folded(events(*run)).training == {"2": DOG}
    run.append(("anna", label("1", CAT)))
    labels = folded(events(*run))
    assert labels.training == {"2": CAT}
    assert labels.is_answered("1")
    assert folded(events(*run, ("anna", Undo("6", "1")))).training == {"2": DOG}


@pytest.mark.parametrize(
    ("steps", "end"),
    [
        (["1>2", "2>3"], "3"),
        (["2>3", "1>2"], "3"),
        (["1>2", "2>1"], "1"),
        (["1>2", "2>3", "3>1"], "1"),
        (["1>2", "1>3"], "3"),
        (["1>1"], "1"),
        (["3>4", "4>3"], "1"),
        (["1>2", "2>1", "1>2"], "2"),
    ],
)
def test_chains_lead_to_their_end_and_circles_to_where_the_newest_leads(
    steps: list[str], end: str
) -> None:
    run: list[tuple[str, Payload]] = [("anna", label("1", CAT))]
    run += [("anna", carried((step[0], step[2]))) for step in steps]
    found = events(*run)
    for order in permutations(found):
        assert folded(order).training == {end: CAT}
    pairs = carried(*((step[0], step[2]) for step in steps))
    assert len(folded(events(run[0], ("anna", pairs))).training) == 1


def test_long_chains_of_an_attacker_are_read_in_no_time_that_matters() -> None:
    chain = list(pairwise(map(str, range(10_000))))
    for pairs in (chain, chain[::-1], [*chain, ("9999", "0")]):
        one = folded(events(("anna", label("0", CAT)), ("eve", carried(*pairs))))
        assert len(one.training) == 1
        labels = folded([])
        run: Iterable[tuple[str, Payload]] = (("eve", carried(pair)) for pair in pairs)
        with labels.reading():
            labels.extend(events(("anna", label("0", CAT)), *run), 0)
        assert labels.labels_held == 1
        assert len(labels.training) == 1
        assert labels.training.keys() <= {"9999", "0"}


def test_frames_of_a_group_are_counted_once_after_one_of_their_files_changed() -> None:
    burst = label("1", CAT, group="a.jpg", frames=(Frame("2"), Frame("3")))
    labels = folded(events(("anna", burst), ("anna", carried(("2", "4")))))
    assert (labels.labels_held, labels.labels_counted) == (3, 1)
    assert labels.training == dict.fromkeys("134", CAT)
    other = label("4", CAT, group="b.jpg")
    labels = folded(events(("anna", burst), ("anna", other), ("anna", carried(("2", "4")))))
    assert labels.group("4") == "a.jpg"
    assert (labels.labels_held, labels.labels_counted) == (3, 1)


# At a desk: items whose files have the same pixels as before under other ids.


def edited(log: FakeLog, *rows: int) -> Session:
    """Open a session again after the metadata of some files was edited."""
    before = FakeItems(6, holdout=False)
    ids = [f"f1:{row:032x}" if row in rows else item for row, item in enumerate(before.ids)]
    items = FakeItems.of(ids, holdout=False)
    items.pixels = {row: f"x1:{row}" for row in range(6)}
    return opened(log.reopened(), items)


def opened(log: FakeLog, items: FakeItems) -> Session:
    return Session(items, log, LoopSettings(batch_size=2), ME)  # type: ignore[arg-type]


def labelled(*hashes: str) -> tuple[FakeLog, list[int]]:
    """Label three images; return the log and their rows. Some answers record another hash."""
    log, items = FakeLog(audit=0.0), FakeItems(6, holdout=False)
    session = opened(log, items)
    rows: list[int] = []
    while len(rows) < 3:
        assert session.current is not None
        row = session.current.row
        items.pixels[row] = hashes[len(rows)] if len(rows) < len(hashes) else f"x1:{row}"
        session.label(items.ids[row], 0, by=ME)
        rows.append(row)
    return log, rows


def test_labels_are_kept_at_a_desk_and_what_is_asked_goes_on() -> None:
    log, rows = labelled()
    session = edited(log, *rows)
    assert (session.missing, session.changed, session.same, session.labels) == (0, 3, 3, 3)
    assert session.pool_left == 6
    event = session.carry(by=ME)
    assert event is not None
    assert (session.changed, session.same, session.labels, session.pool_left) == (0, 0, 3, 3)
    assert session.material().training.keys() == set(rows)
    assert session.carry(by=ME) is None
    session.go_on(by=ME)
    asked = []
    while session.current is not None:
        asked.append(session.current.row)
        session.skip(session.items.ids[asked[-1]], by=ME)
        session.go_on(by=ME)
    assert set(asked) == set(range(6)) - set(rows)
    assert refusal(event, session.known, "bob") is None
    session.take_back(event, by=ME)
    assert (session.changed, session.same, session.pool_left) == (3, 3, 3)
    assert undone_text(event, session.known, str) == (
        "Undone: 3 changed files are unlabelled again."
    )
    assert refusal(event, session.known, "bob") is not None


def test_what_others_have_carried_over_counts_here_however_many_events_arrive() -> None:
    log, rows = labelled()
    session = edited(log, *rows)
    old, new = FakeItems(6).ids[rows[0]], session.items.ids[rows[0]]
    chain = [old, *map(str, range(1000)), new]
    run = [("eve", carried(pair)) for pair in pairwise(chain)]
    found = [event._replace(id=f"c{event.id}", t=event.t + 99) for event in events(*run)]
    session.take_in(found)
    assert (session.changed, session.same, session.labels) == (2, 2, 3)
    assert session.material().training.keys() == {rows[0]}
    session.take_in([Event("u", 1, 9999, "", "bob", Undo(found[-1].id), "eve")])
    assert (session.changed, session.same, session.labels) == (3, 3, 3)
    assert not session.material().training
    assert session.pool_left == 6


def test_other_pixels_and_answers_without_a_hash_are_not_offered() -> None:
    log, rows = labelled("", "x1:another")
    session = edited(log, *rows)
    assert (session.changed, session.same) == (3, 1)
    session.carry(by=ME)
    assert (session.changed, session.same) == (2, 0)
    assert session.material().training.keys() == {rows[2]}


def test_a_file_that_was_labelled_again_is_not_offered() -> None:
    log, rows = labelled()
    session = edited(log, rows[0])
    assert session.same == 1
    while session.current is not None and session.same:
        session.label(session.items.ids[session.current.row], 1, by=ME)
        if session.current is None:
            session.go_on(by=ME)
        session._count_rows()
    assert (session.changed, session.same) == (1, 0)
