"""Auto-labels in a session: written together, taken back together, never a person's."""

from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from loop_fakes import ME

from tests.journal.sessions import auto_drafts
from tuilabel.errors import SaveError
from tuilabel.journal import (
    AUTO_ORIGIN,
    ORACLE,
    Annotator,
    AutoLabel,
    Draft,
    Event,
    EventKind,
    Journal,
    Ledger,
    auto_batch,
    read_session,
    revert,
)

REPOSITORY = Path(__file__).resolve().parent.parent.parent

# Kills itself at the statement that begins with the second argument, the third one's time.
KILLED = """
import os, signal, sys
from pathlib import Path
from tests.journal.sessions import auto_drafts
from tuilabel.journal import Annotator, Journal
left = int(sys.argv[3])
def trace(statement):
    global left
    if statement.startswith(sys.argv[2]):
        left -= 1
        if left == 0:
            os.kill(os.getpid(), signal.SIGKILL)
journal = Journal(Path(sys.argv[1]))
journal._connection.set_trace_callback(trace)
journal.append_many(auto_drafts(*(f"item{number}" for number in range(20_000))), Annotator("other"))
print("written")
"""


def held(journal: Journal) -> dict[str | None, str | None]:
    return {e.item: e.class_name for e in Ledger.of(journal.events()).auto_labels()}


# Drafts.


def test_a_batch_is_a_header_and_an_event_for_each_label(journal: Journal) -> None:
    labels = [AutoLabel("a", "cat", 0.98765432, ("a.png", "b.png")), AutoLabel("b", "dog", 1.0)]
    drafts = auto_batch(
        labels,
        round=4,
        method="ordered",
        threshold=0.9,
        model="mlp",
        trained_on=40,
        settings={"features": "raw", "step": 10},
        calibration={"temperature": 1.5},
        estimate={"right": 1.9},
    )
    header, first, second = journal.append_many(drafts, ME)
    assert (header.kind, header.round, header.item) == (EventKind.AUTO_BATCH, 4, None)
    assert header.body == {
        "method": "ordered",
        "threshold": 0.9,
        "model": "mlp",
        "trained_on": 40,
        "settings": {"features": "raw", "step": 10},
        "calibration": {"temperature": 1.5},
        "estimate": {"right": 1.9},
        "count": 2,
    }
    assert (first.kind, first.item, first.class_name, first.round) == (
        EventKind.AUTO,
        "a",
        "cat",
        4,
    )
    assert first.body == {"probability": 0.987654, "references": ["a.png", "b.png"]}
    assert second.body == {"probability": 1.0, "references": []}
    assert first.target == second.target == header.uuid
    assert list(journal.events()) == [header, first, second]


@pytest.mark.parametrize("probability", [-0.1, 1.1, float("nan")])
def test_what_is_no_probability_is_refused(probability: float) -> None:
    label = AutoLabel("a", "cat", probability)
    with pytest.raises(ValueError, match="Item a has the probability"):
        auto_batch(
            [label],
            **{"round": 1, "method": "naive", "threshold": None, "model": "mlp", "trained_on": 1},
            **{"settings": {}, "calibration": None, "estimate": None},
        )


def test_an_item_comes_once(journal: Journal) -> None:
    with pytest.raises(ValueError, match="Item a occurs twice"):
        auto_drafts("a", "b", "a")


def test_two_batches_are_told_apart() -> None:
    assert auto_drafts("a")[0].uuid != auto_drafts("a")[0].uuid


def test_only_a_batch_is_reverted(journal: Journal) -> None:
    header, label = journal.append_many(auto_drafts("a"), ME)
    assert revert(header).target == header.uuid
    with pytest.raises(ValueError, match=r"Event 2 has kind 'auto'"):
        revert(label)


# Writing.


@pytest.mark.parametrize("by", [ME, ORACLE])
def test_an_auto_label_has_its_own_origin(journal: Journal, by: Annotator) -> None:
    events = journal.append_many([*auto_drafts("a"), Draft(EventKind.LABEL, "b", "cat")], by)
    events.append(journal.append(revert(events[0]), by))
    assert [event.origin for event in events] == [AUTO_ORIGIN, AUTO_ORIGIN, by.origin, by.origin]
    assert {event.annotator for event in events} == {by.name}


def test_a_person_cannot_pass_for_a_model(journal: Journal) -> None:
    with pytest.raises(SaveError, match="CHECK"):
        journal.append(Draft(EventKind.LABEL, "a", "cat"), Annotator("me", AUTO_ORIGIN))
    assert list(journal.events()) == []


def test_one_event_takes_a_whole_batch_back(journal: Journal) -> None:
    first, *_ = journal.append_many(auto_drafts("a", "b", class_name="cat"), ME)
    second, *_ = journal.append_many(auto_drafts("b", "c"), ME)
    assert held(journal) == {"a": "cat", "b": "dog", "c": "dog"}
    journal.append(revert(second), ME)
    assert held(journal) == {"a": "cat", "b": "cat"}
    journal.append(revert(first), ME)
    assert held(journal) == {}


def test_a_batch_can_take_the_place_of_another_at_once(journal: Journal) -> None:
    first, *_ = journal.append_many(auto_drafts("a", "b"), ME)
    journal.append_many([revert(first), *auto_drafts("b")], ME)
    assert held(journal) == {"b": "dog"}


def test_numbers_go_on_whichever_way_events_are_written(journal: Journal, path: Path) -> None:
    journal.append(Draft(EventKind.SKIP, "a"), ME)
    many = journal.append_many(auto_drafts("b", "c"), ME)
    one = journal.append(Draft(EventKind.SKIP, "d"), ME)
    assert [event.seq for event in [*many, one]] == [2, 3, 4, 5]
    assert len({event.time for event in many}) == 1
    journal.close()
    assert [event.seq for event in read_session(path)[1]] == [1, 2, 3, 4, 5]


def test_nothing_is_written_for_nothing(journal: Journal) -> None:
    assert journal.append_many([], ME) == []
    assert list(journal.events()) == []


# Failing: all or nothing.


@pytest.fixture
def kept(journal: Journal) -> Iterator[Event]:
    """Write a label, and see that it is all there is, and that a batch can be written then."""
    label = journal.append(Draft(EventKind.LABEL, "kept", "cat"), ME)
    yield label
    assert list(journal.events()) == [label]
    header, auto = journal.append_many(auto_drafts("a"), ME)
    assert [event.seq for event in journal.events()] == [1, 2, 3]
    assert (header.kind, auto.item) == (EventKind.AUTO_BATCH, "a")


@pytest.mark.parametrize("place", [0, 50, 101])
def test_one_that_cannot_be_written_keeps_all_back(
    journal: Journal, kept: Event, place: int
) -> None:
    bad = Draft(EventKind.AUTO, "z", "cat", target="t", body={"probability": float("nan")})
    drafts = auto_drafts(*(f"item{number}" for number in range(100)))
    drafts.insert(place, bad)
    with pytest.raises(ValueError, match="JSON"):
        journal.append_many(drafts, ME)


@pytest.mark.parametrize(
    "bad",
    [
        Draft(EventKind.AUTO, "z", None, target="t"),
        Draft(EventKind.AUTO, "z", "cat"),
        Draft(EventKind.REVERT),
    ],
)
def test_one_that_makes_no_sense_keeps_all_back(journal: Journal, kept: Event, bad: Draft) -> None:
    with pytest.raises(SaveError, match=r"^Not saved: CHECK .* try again\. The file is "):
        journal.append_many([*auto_drafts("b", "c"), bad], ME)


def test_a_full_database_keeps_all_back(journal: Journal, kept: Event) -> None:
    connection = journal._connection
    assert connection is not None
    pages = connection.execute("PRAGMA page_count").fetchone()[0]
    connection.execute(f"PRAGMA max_page_count = {pages + 4}")
    with pytest.raises(SaveError, match=r"^Not saved: the disk is full\. Free some space, then "):
        journal.append_many(auto_drafts(*(f"item{number}" for number in range(1000))), ME)
    connection.execute("PRAGMA max_page_count = 1000000")


def test_a_locked_database_keeps_all_back(journal: Journal, kept: Event, path: Path) -> None:
    connection = journal._connection
    assert connection is not None
    connection.execute("PRAGMA busy_timeout = 0")
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(SaveError, match="locked"):
        journal.append_many(auto_drafts("b"), ME)
    other.close()


def test_an_interrupt_halfway_keeps_all_back(journal: Journal, kept: Event) -> None:
    connection = journal._connection
    assert connection is not None

    def interrupt(statement: str) -> None:
        if statement.startswith("COMMIT"):
            connection.interrupt()

    connection.set_trace_callback(interrupt)
    with pytest.raises(SaveError, match="interrupted"):
        journal.append_many(auto_drafts("b", "c"), ME)
    connection.set_trace_callback(None)


def test_the_same_drafts_may_be_tried_again(journal: Journal, path: Path) -> None:
    drafts = auto_drafts("a", "b")
    away = path.rename(path.with_name("away"))
    with pytest.raises(SaveError, match=r"moved, replaced or deleted.* try again"):
        journal.append_many(drafts, ME)
    away.rename(path)
    assert [event.item for event in journal.append_many(drafts, ME)] == [None, "a", "b"]
    with pytest.raises(SaveError, match="UNIQUE"):
        journal.append_many(drafts, ME)
    assert len(list(journal.events())) == 3


@pytest.mark.parametrize(("statement", "time"), [("INSERT", 1), ("INSERT", 15_000), ("COMMIT", 1)])
def test_a_kill_halfway_keeps_all_back(small_session: Path, statement: str, time: int) -> None:
    before = read_session(small_session)
    done = subprocess.run(
        [sys.executable, "-c", KILLED, str(small_session), statement, str(time)],
        cwd=REPOSITORY,
        capture_output=True,
        check=False,
    )
    assert (done.returncode, done.stdout) == (-signal.SIGKILL, b""), done.stderr
    assert os.path.lexists(f"{small_session}-wal")
    assert read_session(small_session) == before
    with Journal(small_session) as journal:
        header, *_ = journal.append_many(auto_drafts("item70"), ME)
    assert header.seq == before[1][-1].seq + 1
