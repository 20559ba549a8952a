"""Bursts that become known as files are read: the same are asked, in the same order and roles."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from loop_fakes import ME, FakeItems, FakeLog, FakeReading

from tuilabel.data.groups import Groups, Known
from tuilabel.session import LoopSettings, Session

SETTINGS = LoopSettings(cold_start="random", batch_size=3)
COUNT = 16


def opened(
    gaps: Sequence[int], refused: Sequence[int], equal: dict[str, int], log: FakeLog
) -> tuple[Session, FakeReading]:
    items = FakeItems(COUNT, holdout=False)
    reading = FakeReading(items, refused, **equal)
    times, clocks = np.cumsum(gaps).astype(float), np.ones(COUNT, dtype=bool)
    buckets = {"a": list(range(10)), "b": list(range(10, COUNT))}
    items.groups = Groups(
        buckets,
        lambda row: items.references(row)[0],
        lambda: Known(reading.unread, reading.refused, times, clocks),
        1.0,
    )
    return Session(items, log, SETTINGS, ME), reading


def all_asked(
    session: Session, reading: FakeReading, order: Sequence[int]
) -> list[tuple[tuple[str, ...], bool]]:
    """Label everything, one row read whenever nothing can be asked; return contents and roles."""
    left, asked = list(order), []
    groups = session.items.groups
    assert groups is not None
    while session.current is not None or left:
        slot, item = session.current, session.current_id
        if slot is None or item is None:
            session.items_read(reading.read(left.pop(0)))
            groups.changed()
        else:
            assert not groups.lacking(slot.row)
            frames = tuple(session.items.ids[row] for row in session.frames(slot))
            asked.append((frames, slot.audit))
            session.label(item, 0, by=ME)
        session.go_on(by=ME)
    return asked


@given(
    st.permutations(range(COUNT)),
    st.lists(st.sampled_from([0, 1, 1, 5]), min_size=COUNT, max_size=COUNT),
    st.sets(st.integers(0, COUNT - 1), max_size=4),
)
def test_the_order_of_reading_changes_nothing(
    order: list[int], gaps: list[int], refused: set[int]
) -> None:
    session, reading = opened(gaps, sorted(refused), {}, FakeLog(audit=0.3))
    asked = all_asked(session, reading, order)
    at_once, known = opened(gaps, sorted(refused), {}, FakeLog(audit=0.3))
    assert at_once.items.groups is not None
    at_once.items_read(known.read(*range(COUNT)))
    at_once.items.groups.changed()
    at_once.go_on(by=ME)
    assert asked == all_asked(at_once, known, [])
    contents = [known.content[row] for row in range(COUNT) if row not in refused]
    assert sorted(frame for frames, _ in asked for frame in frames) == sorted(contents)
    assert session.pool_left == 0


@given(
    st.permutations(range(COUNT)),
    st.lists(st.sampled_from([0, 1, 5]), min_size=COUNT, max_size=COUNT),
    st.dictionaries(st.integers(8, 15).map("r{}".format), st.integers(0, 7), max_size=6),
)
def test_equal_files_in_several_bursts_are_labelled_once_and_all_is_asked(
    order: list[int], gaps: list[int], equal: dict[str, int]
) -> None:
    log = FakeLog(audit=0.3)
    session, reading = opened(gaps, (), equal, log)
    all_asked(session, reading, order)
    assert session.pool_left == 0
    assert set(session.known.answered()) == set(reading.content)
    groups = session.items.groups
    assert groups is not None
    material = session.material()
    trained, audit = (
        [groups.head(row) for row in part] for part in (material.training, material.audit)
    )
    assert len(set(trained)) == len(trained)
    assert len(set(audit)) == len(audit)
    assert not set(trained) & set(audit)


def test_what_is_to_be_read_next_leads_to_the_first_group() -> None:
    gaps = [5, 0, 0, 5, 0, 0, 5, 0, 0, 5, 0, 0, 5, 0, 0, 5]
    session, reading = opened(gaps, (), {}, FakeLog(audit=0.3))
    groups = session.items.groups
    assert groups is not None
    read = 0
    while session.current is None:
        wanted = session.unread_next(3 * SETTINGS.batch_size)
        assert wanted
        session.items_read(reading.read(*wanted))
        groups.changed()
        read += len(wanted)
        session.go_on(by=ME)
    assert read <= COUNT
    assert not groups.is_known(COUNT) or read == COUNT
    while session.unread_to_rank():
        session.items_read(reading.read(*session.unread_to_rank()))
        groups.changed()
    session.pool_opened(COUNT)
    assert session.can_rank(5)
