"""Groups: frames that are asked as one, answered with one event, and count once."""

from __future__ import annotations

import itertools
from collections.abc import Sequence

import numpy as np
import pytest
from loop_fakes import ME, FakeItems, FakeLog, fake_ranking, item_id
from msgspec.structs import replace

from tuilabel.data.groups import WholeGroups
from tuilabel.events import payloads as said
from tuilabel.events.lines import LONGEST_LINE, Event, decode, encode
from tuilabel.events.payloads import stored_names
from tuilabel.learn.requests import Fit
from tuilabel.session import Annotator, LoopSettings, Session
from tuilabel.session.labels import Labels
from tuilabel.session.record import Record
from tuilabel.session.values import NotCurrentError

YOU = Annotator("you")
SETTINGS = LoopSettings(cold_start="random", batch_size=4)
SIZES = (3, 1, 4, 2, 5) * 6


def grouped(sizes: Sequence[int] = SIZES) -> FakeItems:
    items = FakeItems(sum(sizes), holdout=False)
    rows = iter(range(len(items)))
    groups = [(f"group{n}.jpg", list(itertools.islice(rows, size))) for n, size in enumerate(sizes)]
    paths = [(path,) for path, members in groups for _ in members]
    items.groups = WholeGroups(groups, paths)
    return items


def opened(
    log: FakeLog | None = None, items: FakeItems | None = None, by: Annotator = ME
) -> tuple[Session, FakeLog]:
    log = FakeLog(audit=0.25) if log is None else log
    return Session(items or grouped(), log, SETTINGS, by), log


def current(session: Session) -> tuple[str, list[int]]:
    slot, item = session.current, session.current_id
    assert slot is not None
    assert item is not None
    return item, session.frames(slot)


def go_to(session: Session, size: int, *, audit: bool = False) -> list[int]:
    """Label until a group of some size is asked; return its rows."""
    while True:
        item, frames = current(session)
        slot = session.current
        assert slot is not None
        if len(frames) == size and slot.audit == audit:
            return frames
        session.label(item, 0, by=ME)


def classes_of(session: Session, rows: Sequence[int]) -> list[str | None]:
    found = [session.known.standing(session.items.ids[row]) for row in rows]
    return [
        None if one is None or one.class_id is None else session.known.classes.name(one.class_id)
        for one in found
    ]


def test_every_group_is_asked_once_with_one_event_each() -> None:
    session, log = opened()
    assert session.pool_left == len(SIZES)
    asked = []
    while session.current is not None:
        item, frames = current(session)
        asked.append(frames)
        session.label(item, len(asked) % 3, by=ME)
    assert len(log.answers) == len(SIZES)
    assert sorted(itertools.chain(*asked)) == list(range(len(session.items)))
    assert session.labels == len(SIZES)
    assert session.known.labels_held == sum(SIZES)
    assert session.pool_left == 0
    roles = {answer.group: answer.audit for answer in log.answers}
    again, _ = opened(log.reopened())
    assert again.labels == len(SIZES)
    assert again.current is None
    by_group: dict[str, set[bool]] = {}
    for item, standing in again.known.items():
        by_group.setdefault(again.known.groups[item], set()).add(standing.audit)
    assert by_group == {group: {audit} for group, audit in roles.items()}
    assert 0 < sum(roles.values()) < len(SIZES)


def test_a_group_counts_once_in_training_in_accuracy_and_in_a_ranking() -> None:
    session, _ = opened()
    while session.labels < 16:
        session.label(current(session)[0], session.labels % 3, by=ME)
    request = session.take_request()
    assert isinstance(request, Fit)
    groups = session.items.groups
    assert groups is not None
    trained, audit = (
        [groups.head(row) for row in rows] for rows in (request.items, request.audit_items)
    )
    assert len(set(trained)) == len(trained)
    assert len(set(audit)) == len(audit) > 0
    assert not set(trained) & set(audit)
    assert len(trained) + len(audit) == 16
    left = set(range(len(session.items))) - set(request.excluded) - set(request.items)
    assert left <= set(groups.heads.tolist()), "one frame of a group is ranked"
    ranking = fake_ranking(request, len(session.items), 3)
    assert session.accept_ranking(ranking, by=ME, shown=False) is not None
    open_groups = {groups.head(row) for row in left}
    asked = [slot for slot in session.batch if not slot.audit]
    assert {groups.head(slot.row) for slot in asked} <= open_groups


def test_an_undo_takes_back_all_frames_also_after_a_restart() -> None:
    session, log = opened()
    frames = go_to(session, 4)
    item, labels = current(session)[0], session.labels
    session.label(item, 1, by=ME)
    assert classes_of(session, frames) == ["dog"] * 4
    session, _ = opened(log.reopened())
    session.undo(by=ME)
    assert classes_of(session, frames) == [None] * 4
    assert current(session) == (item, frames)
    assert session.labels == labels
    assert session.pool_left == len(SIZES) - labels


def test_a_frame_labelled_apart_keeps_its_label() -> None:
    session, log = opened()
    frames = go_to(session, 4)
    item, labels = current(session)[0], session.labels
    session.answer_frame(item, frames[0], 2, by=ME)
    assert current(session) == (item, frames), "the group is asked further"
    session.label(item, 1, by=ME)
    assert classes_of(session, frames) == ["owl", "dog", "dog", "dog"]
    assert session.labels == labels + 1
    session.move(-1)
    if session.current_id == item:  # the batch may have ended
        session.label(item, 0, by=ME)
        assert classes_of(session, frames) == ["owl", "cat", "cat", "cat"]
        session.undo(by=ME)
    session, _ = opened(log.reopened())
    session.undo(by=ME)
    assert classes_of(session, frames) == ["owl", None, None, None]
    assert current(session) == (item, frames)
    session.undo(by=ME)
    assert classes_of(session, frames) == [None] * 4
    assert current(session) == (item, frames)


def test_a_group_whose_frames_are_all_labelled_apart_is_answered() -> None:
    session, _ = opened()
    frames = go_to(session, 2)
    item, left = current(session)[0], session.pool_left
    session.answer_frame(item, frames[1], 2, by=ME)
    session.answer_frame(item, frames[0], None, by=ME, why=said.UNSURE)
    session.go_on(by=ME)
    assert session.current_id != item
    assert session.pool_left == left - 1
    with pytest.raises(NotCurrentError):
        session.answer_frame(item, frames[0], 1, by=ME)
    with pytest.raises(NotCurrentError):
        session.answer_frame(current(session)[0], frames[0], 1, by=ME)


def test_a_relabel_is_for_one_frame() -> None:
    session, log = opened()
    frames = go_to(session, 4)
    session.label(current(session)[0], 0, by=ME)
    session.relabel(session.items.ids[frames[2]], 1, by=ME)
    assert classes_of(session, frames) == ["cat", "cat", "dog", "cat"]
    assert log.answers[-1].group == log.answers[-2].group


def test_a_group_kept_for_later_returns_as_one() -> None:
    session, log = opened(items=grouped((2, 3, 1)))
    later = go_to(session, 3)
    session.skip(current(session)[0], by=ME, why=said.LATER)
    session.go_on(by=ME)
    while (asked := current(session))[1] != later:
        session.label(asked[0], 0, by=ME)
        session.go_on(by=ME)
    assert len(asked[1]) == 3
    assert not session.known.postponed
    session, _ = opened(log.reopened(), grouped((2, 3, 1)))
    session.label(current(session)[0], 1, by=ME)
    assert classes_of(session, later) == ["dog"] * 3
    assert session.current is None


def test_a_frame_that_came_later_is_asked_with_the_rest_as_they_are() -> None:
    session, log = opened(items=grouped((3, 1)))
    # The same source with one frame more in a group; ids of rows move.
    before = session.items.ids
    while session.current is not None:
        session.label(current(session)[0], 1, by=ME)
    grown = grouped((4, 1))
    ids = [*before[:3], grown.ids[-1], *before[3:]]
    grown.ids, grown._rows = ids, {item: row for row, item in enumerate(ids)}
    again, _ = opened(log.reopened(), grown)
    again.go_on(by=ME)
    item, frames = current(again)
    assert frames == [0, 1, 2, 3]
    assert again.pool_left == 1
    again.label(item, 2, by=ME)
    assert classes_of(again, frames) == ["owl"] * 4, "they were the same annotator's"
    assert len(log.answers[-1].frames) == 3


def test_a_frame_that_arrives_while_the_group_is_shown_is_asked_later() -> None:
    session, log = opened(items=grouped((3, 1)))
    frames = go_to(session, 3)
    item, ids = current(session)[0], list(session.items.ids)
    assert session.frames(session.batch[session.cursor]) == frames
    items = session.items
    assert isinstance(items, FakeItems)
    items.ids = [*ids, item_id("fake", 4)]
    items._rows[items.ids[4]] = 4
    groups = [("group0.jpg", [0, 1, 2, 4]), ("group1.jpg", [3])]
    session._units.groups = WholeGroups(groups, [("group0.jpg",)] * 5)
    session.items_added()
    session.label(item, 1, by=ME)
    assert len(log.answers[-1].frames) == 2, "it was not among those on the screen"
    while current(session)[1] != [0, 1, 2, 4]:
        session.label(current(session)[0], 1, by=ME)
        session.go_on(by=ME)


def test_names_that_are_too_long_for_a_line_of_a_log_are_left_out(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    items = grouped((400, 1))
    monkeypatch.setattr(items, "references", lambda row: ("\x1b" * 250 + f"{row}.png",))
    session, log = opened(items=items)
    go_to(session, 400)
    session.label(current(session)[0], 1, by=ME)
    answer = log.answers[-1]
    assert len(answer.items) == 400
    assert not any(frame.names for frame in answer.frames)
    assert len(encode(log.written[-1])) < LONGEST_LINE


def test_an_answer_about_a_group_is_read_as_it_was_written() -> None:
    name = stored_names(["a/\udcff\x1b[2J.png"])
    label = said.Label(
        item="f1:a", class_id="c", names=name, group=name[0], frames=(said.Frame("f1:b", name),)
    )
    event = Event("e", 1, 1, "2026-01-01T00:00:00+00:00", "me", label)
    assert decode(encode(event)[:-1], "").payload == label


def test_a_dispute_counts_once_and_one_decision_settles_its_frames() -> None:
    session, log = opened(items=grouped((3,) * 12))
    frames = go_to(session, 3, audit=True)
    item = current(session)[0]
    other = log.beside()
    beside = Session(grouped((3,) * 12), other, SETTINGS, YOU)
    session.label(item, 0, by=ME)
    facts = {"item": item, "audit": True, "group": log.answers[-1].group}
    frames_said = log.answers[-1].frames
    label = said.Label(class_id=beside.classes.ids[1], frames=frames_said, **facts)
    session.take_in(other.append([label], "you"))
    assert len(session.known.disputed) == 3
    assert session.audit_disputes == 1
    assert len(session.known.disputes) == 1
    ids = [session.items.ids[row] for row in frames]
    session.relabel(ids[1], 1, by=ME)
    assert list(session.known.disputed) == [ids[0], ids[2]], "a frame may be settled alone"
    session.decide(ids[2], 2, by=ME)
    assert not session.known.disputed
    assert classes_of(session, frames) == ["owl", "dog", "owl"]
    session.undo(by=ME)
    assert session.audit_disputes == 1
    assert len(session.known.disputed) == 2


def test_where_roles_disagree_the_group_is_not_trained_on() -> None:
    session, log = opened()
    frames = go_to(session, 4)
    item = current(session)[0]
    session.label(item, 1, by=ME)
    groups = session.items.groups
    assert groups is not None
    assert groups.head(frames[0]) in map(groups.head, session.material().training)
    moved = said.Label(
        item=session.items.ids[frames[3]], class_id=session.classes.ids[1], audit=True
    )
    session.take_in(log.beside().append([moved], "me"))
    material = session.material()
    assert groups.head(frames[0]) not in map(groups.head, material.training)
    assert groups.head(frames[0]) in map(groups.head, material.audit)


def test_the_order_in_which_logs_are_read_makes_no_difference() -> None:
    session, log = opened()
    frames = go_to(session, 4)
    item = current(session)[0]
    session.answer_frame(item, frames[1], 2, by=ME)
    session.label(item, 1, by=ME)
    session.undo(by=ME)
    session.skip(item, by=ME, why=said.LATER)
    while session.current is not None and session.known.postponed:
        session.label(current(session)[0], 0, by=ME)
        session.go_on(by=ME)

    def state(known: Labels) -> object:
        return (
            {item: standing.class_id for item, standing in known.items()},
            known.labels_counted,
            known.labels_held,
            known.postponed,
            dict(known.frames_by_group),
            known.training,
            known.audit,
        )

    expected = state(session.known)
    rng = np.random.default_rng(0)
    for _ in range(20):
        record = Record(log)
        for place in rng.permutation(len(log.written)).tolist():
            record.apply(log.written[place])
        assert state(record.known) == expected


def test_a_group_may_have_several_classes_and_one_frame_others() -> None:
    log = FakeLog(audit=0.0)
    log.about = replace(log.about, multi=True)
    session, _ = opened(log)
    frames = go_to(session, 4)
    item, _ = current(session)
    apart = session.items.ids[frames[1]]
    session.answer_frame(item, frames[1], (2,), by=ME)
    session.label(item, (0, 1), by=ME)
    dog = session.items.ids[frames[0]]
    for row in frames[2:]:
        session.relabel(session.items.ids[row], (1,), by=YOU)
    session.relabel(dog, (1,), by=YOU)
    tied = {session.items.ids[row] for row in frames} - {apart}
    assert set(session.known.disputed) == tied
    session.decide(dog, (0,), by=ME)
    for now in (session, Session(session.items, log.reopened(), SETTINGS, ME)):
        assert now.classes_of(apart) == (2,)
        assert {now.classes_of(item) for item in tied} == {(0,)}
        assert not now.known.disputed
        material = now.material()
        assert len(material.training) == now.labels, "a group is trained on once"
        assert set(material.training.values()) <= set(range(len(material.sets)))
