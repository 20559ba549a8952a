"""The recall of each class after the newest fit, by the classes as they are now."""

from __future__ import annotations

from typing import NamedTuple

from loop_fakes import CLASSES, ME, FakeItems, FakeLog, fake_ranking
from msgspec.structs import replace

from tuilabel.events.payloads import Fitted, Measured
from tuilabel.learn.metrics import Rate
from tuilabel.session import LoopSettings, Session
from tuilabel.session.classes import class_id_of
from tuilabel.session.recall import Recalls

A, B, C = map(class_id_of, CLASSES)


class _WithFit(NamedTuple):
    """What `Recalls` asks of a session's labels, with a fit of one's own."""

    fits: list[object]
    classes: object
    by_class: object
    labels_counted: int


def measured(confusion: tuple[tuple[int, ...], ...]) -> tuple[Session, _WithFit]:
    """Return a session with a label of each class, and its labels with a confusion matrix."""
    session = Session(
        FakeItems(30, holdout=True), FakeLog(), LoopSettings(cold_start="random", batch_size=3), ME
    )
    for place in range(3):
        item = session.current_id
        assert item is not None
        session.label(item, place, by=ME)
    request = session.take_request()
    assert request is not None
    session.accept_ranking(fake_ranking(request, 20, 3), by=ME)
    known = session.known
    event = known.fits[-1]
    assert isinstance(event.payload, Fitted)
    accuracy = Measured(9, 14, "audit", 0.64, 0.4, 0.8)
    fit = replace(event.payload, classes=(A, B, C), confusion=confusion, accuracy=accuracy)
    return session, _WithFit([event._replace(payload=fit)], known.classes, known.by_class, 3)


def test_the_worst_class_and_those_that_were_not_measured_are_known() -> None:
    _, known = measured(((8, 2, 0), (3, 1, 0), (0, 0, 0)))
    found = Recalls(known).newest()  # type: ignore[arg-type]
    assert found is not None
    assert found.by_class == {A: Rate(8, 10), B: Rate(1, 4)}
    assert (found.worst, found.missing) == (B, [C])
    assert found.balanced is not None
    assert round(found.balanced.value, 3) == 0.525


def test_where_all_are_found_as_often_none_is_the_worst() -> None:
    _, known = measured(((5, 5, 0), (1, 1, 0), (0, 2, 2)))
    found = Recalls(known).newest()  # type: ignore[arg-type]
    assert found is not None
    assert (found.worst, found.missing) == (None, [])


def test_classes_that_were_merged_since_count_as_one() -> None:
    session, known = measured(((8, 2, 0), (3, 1, 0), (0, 1, 1)))
    recalls = Recalls(known)  # type: ignore[arg-type]
    assert recalls.newest() is not None
    session.merge_classes(B, A, by=ME)
    found = recalls.newest()
    assert found is not None
    assert found.by_class == {A: Rate(14, 14), C: Rate(1, 2)}
