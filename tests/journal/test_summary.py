"""Where a session stands, after whatever was done in it."""

from __future__ import annotations

from typing import Any

import pytest
from loop_fakes import ME

from tests.journal.sessions import auto_drafts
from tuilabel.errors import SessionFileError
from tuilabel.journal import (
    Annotator,
    Draft,
    Event,
    EventKind,
    Journal,
    SessionInfo,
    Summary,
    revert,
    summarise,
)
from tuilabel.journal.summary import STOPPING_FITS


def label(journal: Journal, item: str, name: str, number: int = 1, by: Annotator = ME) -> Event:
    return journal.append(Draft(EventKind.LABEL, item, name, round=number), by)


def undo(journal: Journal, event: Event) -> None:
    journal.append(Draft(EventKind.UNDO, event.item, round=event.round, target=event.uuid), ME)


def opened(journal: Journal, **body: Any) -> None:
    known = {"model": "softmax", "strategy": "margin", "items": 100}
    journal.append(Draft(EventKind.OPEN, body={**known, **body}), ME)


def fitted(journal: Journal, number: int, value: float | None) -> None:
    accuracy = None
    if value is not None:
        accuracy = {"value": value, "low": 0.1, "high": 0.9, "n": 50, "set": "audit set"}
        accuracy["correct"] = 5
    journal.append(
        Draft(
            EventKind.ROUND, round=number, body={"model": "mlp", "labels": 0, "accuracy": accuracy}
        ),
        ME,
    )


def test_a_new_session_has_nothing_yet(journal: Journal, info: SessionInfo) -> None:
    expected: Summary = {
        "source": "digits",
        "window": (100.5, 4095.0),
        "labels": 0,
        "by_class": {"cat": 0, "dog": 0},
        "skipped": 0,
        "pool_left": None,
        "rounds": 0,
        "model": None,
        "strategy": None,
        "fitted": None,
        "accuracy": None,
        "annotators": {},
        "auto_labels": 0,
        "stopping": None,
    }
    assert summarise(info, journal.events()) == expected


def test_what_holds_is_counted_after_relabel_skip_and_undo(
    journal: Journal, info: SessionInfo
) -> None:
    opened(journal)
    label(journal, "a", "cat")
    label(journal, "b", "cat")
    label(journal, "a", "dog")
    journal.append(Draft(EventKind.SKIP, "c"), ME)
    journal.append(Draft(EventKind.SKIP, "b"), ME)
    undo(journal, label(journal, "d", "dog"))
    label(journal, "e", "cat", by=Annotator("you"))
    found = summarise(info, journal.events())
    assert found["labels"] == 2
    assert found["by_class"] == {"cat": 1, "dog": 1}
    assert list(found["by_class"]) == ["cat", "dog"]
    assert found["skipped"] == 2
    assert found["pool_left"] == 96
    assert found["annotators"] == {"me": 1, "you": 1}


def test_undoing_a_relabel_brings_the_first_label_back(journal: Journal, info: SessionInfo) -> None:
    opened(journal)
    label(journal, "a", "cat")
    undo(journal, label(journal, "a", "dog"))
    assert summarise(info, journal.events())["by_class"] == {"cat": 1, "dog": 0}


def test_the_newest_opening_and_the_newest_accuracy_count(
    journal: Journal, info: SessionInfo
) -> None:
    opened(journal)
    journal.append(Draft(EventKind.ROUND, round=0, body={"model": None, "accuracy": None}), ME)
    assert summarise(info, journal.events())["rounds"] == 0
    fitted(journal, 1, 0.5)
    fitted(journal, 2, 0.75)
    fitted(journal, 3, None)
    opened(journal, model="mlp", strategy="entropy", items=90)
    found = summarise(info, journal.events())
    assert found["rounds"] == 3
    assert (found["model"], found["strategy"], found["pool_left"]) == ("mlp", "entropy", 90)
    assert found["accuracy"] == {
        **{"value": 0.75, "low": 0.1, "high": 0.9, "n": 50, "set": "audit set"}
    }


def test_a_class_that_the_session_does_not_have_is_not_hidden(
    journal: Journal, info: SessionInfo
) -> None:
    label(journal, "a", "horse")
    assert summarise(info, journal.events())["by_class"] == {"cat": 0, "dog": 0, "horse": 1}


def test_an_opening_that_makes_no_sense_is_refused(journal: Journal, info: SessionInfo) -> None:
    opened(journal, items="many")
    with pytest.raises(SessionFileError, match="Event 1 of the session is invalid"):
        summarise(info, journal.events())


def test_a_fit_of_labels_that_were_taken_back_does_not_count(journal: Journal) -> None:
    opened(journal)
    label = Draft(EventKind.LABEL, item="a" * 32, class_name="cat", round=1)
    answer = journal.append(label, ME)
    accuracy = {"value": 0.9, "low": 0.1, "high": 1.0, "n": 5, "set": "audit", "correct": 4}
    body = {"model": "mlp", "labels": 1, "accuracy": accuracy}
    journal.append(Draft(EventKind.ROUND, round=1, body=body), ME)
    assert summarise(journal.info, journal.events())["rounds"] == 1
    journal.append(Draft(EventKind.UNDO, item=answer.item, round=1, target=answer.uuid), ME)
    found = summarise(journal.info, journal.events())
    assert (found["rounds"], found["accuracy"]) == (0, None)


# Auto-labels and stopping.


def compared(journal: Journal, number: int, *, labels: int = 0, **body: object) -> None:
    known = {"model": "mlp", "labels": labels, "accuracy": None, "stop_set": 2000}
    journal.append(Draft(EventKind.ROUND, round=number, body={**known, **body}), ME)


def test_auto_labels_have_a_count_of_their_own(journal: Journal, info: SessionInfo) -> None:
    opened(journal)
    label(journal, "a", "cat")
    journal.append(Draft(EventKind.SKIP, "b"), ME)
    before = summarise(info, journal.events())
    header, *_ = journal.append_many(auto_drafts("a", "b", "c", "d"), ME)
    found = summarise(info, journal.events())
    assert found == {**before, "auto_labels": 2}
    label(journal, "c", "dog")
    assert summarise(info, journal.events())["auto_labels"] == 1
    journal.append(revert(header), ME)
    found = summarise(info, journal.events())
    assert (found["auto_labels"], found["labels"], found["annotators"]) == (0, 2, {"me": 2})


def test_how_far_the_last_fits_moved_is_told(journal: Journal, info: SessionInfo) -> None:
    opened(journal)
    compared(journal, 1, moved=None, agreement=None)
    assert summarise(info, journal.events())["stopping"] is None
    compared(journal, 2, moved=0.5, agreement=None)
    compared(journal, 3, moved=0, agreement=1)
    expected = {"moved": [0.5, 0.0], "agreement": [None, 1.0], "n": 2000}
    assert summarise(info, journal.events())["stopping"] == expected
    for number in range(4, 24):
        compared(journal, number, moved=number / 100, agreement=0.5)
    found = summarise(info, journal.events())["stopping"]
    assert found is not None
    assert found["moved"] == [number / 100 for number in range(24 - STOPPING_FITS, 24)]
    assert len(found["agreement"]) == STOPPING_FITS


def test_fits_of_labels_that_were_taken_back_say_nothing_of_stopping(
    journal: Journal, info: SessionInfo
) -> None:
    opened(journal)
    answer = label(journal, "a", "cat")
    compared(journal, 1, moved=0.25, agreement=0.75)
    compared(journal, 2, labels=1, moved=0.5, agreement=0.5)
    undo(journal, answer)
    found = summarise(info, journal.events())["stopping"]
    assert found == {"moved": [0.25], "agreement": [0.75], "n": 2000}


@pytest.mark.parametrize(
    "body",
    [
        {"moved": 1.5, "agreement": 0.5},
        {"moved": -0.1, "agreement": 0.5},
        {"moved": "much", "agreement": 0.5},
        {"moved": 0.5, "agreement": 1.5},
        {"moved": 0.5, "agreement": "good"},
        {"moved": 0.5, "agreement": 0.5, "stop_set": 0},
        {"moved": 0.5, "agreement": 0.5, "stop_set": None},
    ],
)
def test_a_comparison_that_makes_no_sense_is_refused(
    journal: Journal, info: SessionInfo, body: dict[str, object]
) -> None:
    opened(journal)
    compared(journal, 1, **body)
    with pytest.raises(SessionFileError, match="Event 2 of the session is invalid"):
        summarise(info, journal.events())
