"""The fold of events, against a model so plain that it is plainly right."""

from __future__ import annotations

from collections import Counter
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from tuilabel.journal import Event, Kind, Ledger

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


def event(seq: int, kind: Kind, **fields: Any) -> Event:
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
            made = event(seq, Kind.LABEL, item=arguments[0], class_name=arguments[1])
            model.standing.append(made)
        elif act == "skip":
            made = event(seq, Kind.SKIP, item=arguments[0])
            model.standing.append(made)
        else:
            last = ledger.last_answer()
            if last is None:
                assert model.standing == []
                continue
            assert last == model.standing[-1]
            if act == "undo any":
                last = model.standing[arguments[0] % len(model.standing)]
            made = event(seq, Kind.UNDO, item=last.item, target=last.uuid)
            model.standing.remove(last)
        events.append(made)
        ledger.apply(made)

        assert {item: ledger.answer(item) for item in ITEMS} == {
            item: model.answer(item) for item in ITEMS
        }
        labels = [answer for answer in model.answers() if answer.kind is Kind.LABEL]
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
        ledger.apply(event(seq, Kind.LABEL, item=ITEMS[seq % 4], class_name="cat"))
    for seq in range(51, 101):
        last = ledger.last_answer()
        assert last is not None
        assert last.seq == 101 - seq
        ledger.apply(event(seq, Kind.UNDO, item=last.item, target=last.uuid))
    assert ledger.last_answer() is None
    assert list(ledger.answers()) == []
    assert ledger.by_class == Counter()
    assert ledger.acts == 100


def test_an_undo_of_nothing_changes_nothing_but_the_count_of_acts() -> None:
    ledger = Ledger.of([event(1, Kind.LABEL, item="a", class_name="cat")])
    ledger.apply(event(2, Kind.UNDO, item="a", target="never was"))
    assert ledger.labels_held == 1
    assert ledger.acts == 2


def test_times_play_no_part() -> None:
    events = [
        event(1, Kind.LABEL, item="a", class_name="cat", time="2030-01-02T00:00:00.000+00:00"),
        event(2, Kind.LABEL, item="a", class_name="dog", time="1999-01-01T00:00:00.000+00:00"),
    ]
    assert [label.class_name for label in Ledger.of(events).labels()] == ["dog"]


def test_openings_and_rounds_are_no_acts() -> None:
    opened = [event(seq, Kind.OPEN, body={"model": str(seq)}) for seq in (1, 2)]
    ledger = Ledger.of([*opened, event(3, Kind.ROUND, body={"model": "mlp"})])
    assert ledger.acts == 0
    assert ledger.opened == opened[1]
    assert [e.seq for e in ledger.rounds] == [3]
