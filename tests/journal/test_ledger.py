"""The fold of events, against a model so plain that it is plainly right."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import replace
from random import Random
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from tuilabel.journal import Event, EventKind, Ledger

ITEMS = ("a", "b", "c", "d")
CLASSES = ("cat", "dog", "")

acts = st.lists(
    st.one_of(
        st.tuples(st.just("label"), st.sampled_from(ITEMS), st.sampled_from(CLASSES)),
        st.tuples(st.just("skip"), st.sampled_from(ITEMS)),
        st.tuples(st.just("undo")),
        st.tuples(st.just("undo any"), st.integers(0, 40)),
    ),
    max_size=40,
)


def event(seq: int, kind: EventKind, **fields: Any) -> Event:
    known: dict[str, Any] = {
        **{"uuid": f"u{seq}", "time": "2030-01-01T00:00:00.000+00:00", "annotator": "me"},
        **{"item": None, "class_name": None, "round": 1, "ms": None, "origin": "human"},
        **{"target": None, "body": {}},
    }
    return Event(seq=seq, kind=kind, **{**known, **fields})


class PlainModel:
    """All standing answers in one list; whatever is asked is looked up in it."""

    def __init__(self) -> None:
        self.standing: list[Event] = []

    def answer(self, item: str) -> Event | None:
        return next((e for e in reversed(self.standing) if e.item == item), None)

    def answers(self) -> list[Event]:
        found = [self.answer(item) for item in ITEMS]
        return [answer for answer in found if answer is not None]


@given(acts)
def test_fold_agrees_with_the_plain_model(sequence: list[tuple[Any, ...]]) -> None:
    ledger, model, events = Ledger(), PlainModel(), []
    for seq, (act, *arguments) in enumerate(sequence, start=1):
        if act == "label":
            made = event(seq, EventKind.LABEL, item=arguments[0], class_name=arguments[1])
            model.standing.append(made)
        elif act == "skip":
            made = event(seq, EventKind.SKIP, item=arguments[0])
            model.standing.append(made)
        else:
            last = ledger.last_answer()
            if last is None:
                assert model.standing == []
                continue
            assert last == model.standing[-1]
            if act == "undo any":
                last = model.standing[arguments[0] % len(model.standing)]
            made = event(seq, EventKind.UNDO, item=last.item, target=last.uuid)
            model.standing.remove(last)
        events.append(made)
        ledger.apply(made)

        assert {item: ledger.answer(item) for item in ITEMS} == {
            item: model.answer(item) for item in ITEMS
        }
        labels = [answer for answer in model.answers() if answer.kind is EventKind.LABEL]
        assert ledger.labels_held == len(labels)
        assert ledger.skips_held == len(model.answers()) - len(labels)
        assert ledger.by_class == Counter(str(label.class_name) for label in labels)
        assert ledger.acts == len(events)
        assert ledger.last_seq == seq
        assert sorted(e.seq for e in ledger.labels()) == sorted(e.seq for e in labels)
        assert ledger.last_answer() == (model.standing[-1] if model.standing else None)

    again = Ledger.of(events)
    assert list(again.answers()) == list(ledger.answers())
    assert again.by_class == ledger.by_class


def test_undoing_everything_leaves_nothing() -> None:
    ledger = Ledger()
    for seq in range(1, 51):
        ledger.apply(event(seq, EventKind.LABEL, item=ITEMS[seq % 4], class_name="cat"))
    for seq in range(51, 101):
        last = ledger.last_answer()
        assert last is not None
        assert last.seq == 101 - seq
        ledger.apply(event(seq, EventKind.UNDO, item=last.item, target=last.uuid))
    assert ledger.last_answer() is None
    assert list(ledger.answers()) == []
    assert ledger.by_class == Counter()
    assert ledger.acts == 100


def test_an_undo_of_nothing_changes_nothing_but_the_count_of_acts() -> None:
    ledger = Ledger.of([event(1, EventKind.LABEL, item="a", class_name="cat")])
    ledger.apply(event(2, EventKind.UNDO, item="a", target="never was"))
    assert ledger.labels_held == 1
    assert ledger.acts == 2


def test_times_play_no_part() -> None:
    events = [
        event(1, EventKind.LABEL, item="a", class_name="cat", time="2030-01-02T00:00:00.000+00:00"),
        event(2, EventKind.LABEL, item="a", class_name="dog", time="1999-01-01T00:00:00.000+00:00"),
    ]
    assert [label.class_name for label in Ledger.of(events).labels()] == ["dog"]


def test_openings_and_rounds_are_no_acts() -> None:
    opened = [event(seq, EventKind.OPEN, body={"model": str(seq)}) for seq in (1, 2)]
    ledger = Ledger.of([*opened, event(3, EventKind.ROUND, body={"model": "mlp"})])
    assert ledger.acts == 0
    assert ledger.opened == opened[1]
    assert [e.seq for e in ledger.rounds] == [3]


# Auto-labels.

auto_acts = st.lists(
    st.one_of(
        st.tuples(
            st.just("batch"),
            st.lists(st.tuples(st.sampled_from(ITEMS), st.sampled_from(CLASSES)), max_size=4),
        ),
        st.tuples(st.just("revert"), st.integers(0, 40)),
    ),
    max_size=12,
)


def human_events(sequence: list[tuple[Any, ...]]) -> list[Event]:
    """Make the events of `acts`, without numbers."""
    events: list[Event] = []
    standing: list[Event] = []
    for place, (act, *arguments) in enumerate(sequence):
        known: dict[str, Any] = {"uuid": f"human{place}"}
        if act == "label":
            made = event(0, EventKind.LABEL, item=arguments[0], class_name=arguments[1], **known)
        elif act == "skip":
            made = event(0, EventKind.SKIP, item=arguments[0], **known)
        elif standing:
            undone = standing.pop(arguments[0] % len(standing) if arguments else -1)
            made = event(0, EventKind.UNDO, item=undone.item, target=undone.uuid, **known)
        else:
            continue
        if made.is_answer:
            standing.append(made)
        events.append(made)
    return events


def auto_events(sequence: list[tuple[str, Any]]) -> list[Event]:
    """Make the events of `auto_acts`, without numbers."""
    events: list[Event] = []
    batches: list[str] = []
    for place, (act, argument) in enumerate(sequence):
        if act == "revert":
            # Now and then of a batch that never was, or is reverted already.
            target = batches[argument % len(batches)] if batches else "never was"
            events.append(event(0, EventKind.REVERT, uuid=f"revert{place}", target=target))
            continue
        batches.append(f"batch{place}")
        events.append(event(0, EventKind.AUTO_BATCH, uuid=batches[-1], origin="auto"))
        events += [
            event(
                0,
                EventKind.AUTO,
                **{"uuid": f"auto{place}-{n}", "item": item, "class_name": name},
                **{"target": batches[-1], "origin": "auto"},
            )
            for n, (item, name) in enumerate(argument)
        ]
    return events


def numbered(events: list[Event]) -> list[Event]:
    return [replace(event, seq=seq) for seq, event in enumerate(events, start=1)]


def held_by(ledger: Ledger) -> dict[str, Any]:
    """Return the whole state of a ledger, without numbers of events."""

    def uuids(events: Iterable[Event]) -> list[str]:
        return [event.uuid for event in events]

    last = ledger.last_answer()
    return {
        "labels": uuids(ledger.labels()),
        "newest": uuids(ledger.newest(100)),
        "last": None if last is None else last.uuid,
        "by class": ledger.by_class,
        "counts": (ledger.labels_held, ledger.skips_held, ledger.acts),
        "auto": uuids(ledger.auto_labels()),
        "auto held": ledger.auto_labels_held,
        "batches": [(b.header.uuid, b.written, b.held) for b in ledger.auto_batches()],
    }


@given(acts, auto_acts, st.randoms(use_true_random=False))
def test_auto_labels_are_folded_as_a_plain_model_has_it(
    human: list[tuple[Any, ...]], auto: list[tuple[str, Any]], chance: Random
) -> None:
    events = numbered(merged(human_events(human), auto_events(auto), chance))
    ledger = Ledger()
    for event in events:
        ledger.apply(event)
        seen = events[: event.seq]
        undone = {e.target for e in seen if e.kind is EventKind.UNDO}
        reverted = {e.target for e in seen if e.kind is EventKind.REVERT}
        answered = {e.item for e in seen if e.is_answer and e.uuid not in undone}
        standing = [e for e in seen if e.kind is EventKind.AUTO and e.target not in reverted]
        expected = {e.item: e for e in standing if e.item not in answered}
        assert {e.item: e for e in ledger.auto_labels()} == expected
        assert {item: ledger.auto_label(item) for item in ITEMS} == {
            item: expected.get(item) for item in ITEMS
        }
        assert ledger.auto_labels_held == len(expected)
        assert {b.header.uuid: (b.written, b.held) for b in ledger.auto_batches()} == {
            header.uuid: (
                sum(e.target == header.uuid for e in standing),
                sum(e.target == header.uuid for e in expected.values()),
            )
            for header in seen
            if header.kind is EventKind.AUTO_BATCH and header.uuid not in reverted
        }


def merged(first: list[Event], second: list[Event], chance: Random) -> list[Event]:
    """Put two rows of events together, each in its own order."""
    whose = [first] * len(first) + [second] * len(second)
    chance.shuffle(whose)
    rows = {id(first): iter(first), id(second): iter(second)}
    return [next(rows[id(row)]) for row in whose]


@given(acts, auto_acts, st.randoms(use_true_random=False))
def test_it_does_not_matter_when_a_model_labels(
    human: list[tuple[Any, ...]], auto: list[tuple[str, Any]], chance: Random
) -> None:
    people, model = human_events(human), auto_events(auto)
    after = held_by(Ledger.of(numbered(people + model)))
    assert held_by(Ledger.of(numbered(model + people))) == after
    assert held_by(Ledger.of(numbered(merged(people, model, chance)))) == after
    alone = held_by(Ledger.of(numbered(people)))
    for of_people in ("labels", "newest", "last", "by class", "counts"):
        assert alone[of_people] == after[of_people]


@given(auto_acts, st.randoms(use_true_random=False))
def test_a_reverted_batch_leaves_what_would_be_without_it(
    auto: list[tuple[str, Any]], chance: Random
) -> None:
    events = auto_events(auto)
    headers = [event.uuid for event in events if event.kind is EventKind.AUTO_BATCH]
    if not headers:
        return
    gone = chance.choice(headers)
    without = [event for event in events if gone not in (event.uuid, event.target)]
    reverted = [*events, event(0, EventKind.REVERT, uuid="last", target=gone)]
    expected = held_by(Ledger.of(numbered(without)))
    found = held_by(Ledger.of(numbered(reverted)))
    assert sorted(found.pop("auto")) == sorted(expected.pop("auto"))
    assert found == expected


def test_a_person_goes_before_a_model_and_an_undo_lets_it_speak_again() -> None:
    label = event(1, EventKind.LABEL, item="a", class_name="cat")
    header = event(2, EventKind.AUTO_BATCH, origin="auto")
    auto = [
        event(3 + n, EventKind.AUTO, item=item, class_name="dog", target=header.uuid, origin="auto")
        for n, item in enumerate("ab")
    ]
    skip = event(5, EventKind.SKIP, item="b")
    ledger = Ledger.of([label, header, *auto])
    assert list(ledger.auto_labels()) == [auto[1]]
    ledger.apply(skip)
    assert list(ledger.auto_labels()) == []
    assert ledger.auto_batches()[0].held == 0
    ledger.apply(event(6, EventKind.UNDO, item="a", target=label.uuid))
    ledger.apply(event(7, EventKind.UNDO, item="b", target=skip.uuid))
    assert list(ledger.auto_labels()) == auto
    assert ledger.last_answer() is None
    assert ledger.taken_back == skip
