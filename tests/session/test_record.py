"""What was read of a session: whatever order events arrive in, the record is one."""

from __future__ import annotations

from collections.abc import Sequence
from random import Random

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from tuilabel.events.lines import Event
from tuilabel.events.payloads import (
    About,
    Asked,
    Batch,
    Begin,
    Bulk,
    BulkLine,
    Label,
    Opened,
    Payload,
    Undo,
    Window,
)
from tuilabel.session.desks import Desks
from tuilabel.session.record import Record

ABOUT = About(uuid="u", source="s")
NAMES = st.sampled_from(["anna", "bob"])
PAYLOADS = st.one_of(
    st.builds(
        Begin,
        about=st.just(ABOUT),
        annotator=NAMES,
        host=st.just("h"),
        boot=st.just("b"),
        pid=st.just(1),
        started=st.just(1),
        program=st.just("1"),
        source=st.sampled_from(["here", "there"]),
    ),
    st.builds(Opened, settings=st.just({}), items=st.just(9), desk=st.sampled_from(["", "d"])),
    st.builds(
        Batch,
        round=st.integers(1, 3),
        items=st.sampled_from("123").map(lambda i: (Asked(i, "order"),)),
    ),
    st.builds(Window, low=st.floats(0, 1), high=st.floats(2, 3)),
    st.builds(Label, item=st.sampled_from("123"), class_id=st.just("c")),
    st.builds(Undo, event=st.integers(1, 9).map(str), item=st.sampled_from("123")),
)


class Source:
    """The events by their places."""

    about = ABOUT

    def __init__(self, events: Sequence[Event]) -> None:
        self._events = events

    def event(self, place: int) -> Event:
        return self._events[place]

    def bulk_lines(self, bulk: Bulk) -> Sequence[BulkLine]:
        raise LookupError(bulk.file)


def state(source: Source, events: Sequence[Event]) -> object:
    record = Record(source)
    for event in events:
        record.apply(event)
    desks = Desks(record, np.zeros(0, np.uint64), lambda log: log != "c")
    return (
        (record.window, record.source, record.opened, record.batches, record.begun, record.acts),
        (desks.annotators(), desks.others(), desks.asked()),
        list(record.newest_of(["a", "b"])),
        [given.id for given in record.known.newest()],
    )


@given(st.lists(st.tuples(st.sampled_from("abc"), NAMES, PAYLOADS), max_size=12), st.randoms())
def test_the_order_of_arrival_makes_no_difference(
    run: list[tuple[str, str, Payload]], random: Random
) -> None:
    found = [
        Event(f"{t}", t, 1 + t // 2, "", by, payload, log, t)
        for t, (log, by, payload) in enumerate(run)
    ]
    in_order = sorted(found, key=lambda event: (event.t, event.id))
    random.shuffle(arrived := list(found))
    assert state(Source(found), arrived) == state(Source(found), in_order)
