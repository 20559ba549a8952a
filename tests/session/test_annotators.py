"""Who worked on a session: pace, last seen, agreement."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from tuilabel.events.lines import Event
from tuilabel.events.payloads import About, Begin, Label, Payload, Skip
from tuilabel.session.annotators import Annotators, agreement
from tuilabel.session.labels import Labels


def begin(annotator: str) -> Begin:
    return Begin(
        about=About(uuid="u", source="s"),
        annotator=annotator,
        host="h",
        boot="b",
        pid=1,
        started=1,
        program="1",
        source="s",
    )


def event(number: int, by: str, payload: Payload, second: float = 0, log: str = "") -> Event:
    at = datetime.fromtimestamp(1_800_000_000 + second, UTC).isoformat()
    return Event(f"{number}", number, number, at, by, payload, log or by)


def label(item: str = "1", class_id: str = "c", **more: object) -> Label:
    return Label(item=item, class_id=class_id, **more)  # type: ignore[arg-type]


def seen(*events: Event, live: tuple[str, ...] = ()) -> dict[str, object]:
    annotators = Annotators()
    for one in events:
        annotators.apply(one)
    return dict(annotators.seen(lambda log, _: log in live))


def test_pauses_and_clocks_that_go_back_are_no_working_time() -> None:
    times = (0, 10, 20, 20 + 301, 330, 100, 110)
    found = seen(*(event(n, "anna", label(), time) for n, time in enumerate(times)))
    # Four gaps count: 10, 10, 9 and 10 seconds.
    assert found["anna"].per_minute == pytest.approx(60 * 4 / 39)  # type: ignore[attr-defined]
    assert found["anna"].last.timestamp() == 1_800_000_110  # type: ignore[attr-defined]


def test_skips_are_answers_and_imports_and_two_windows_make_nobody_faster() -> None:
    run = [event(n, "anna", Skip(item="1"), 6 * n, log="a") for n in range(11)]
    run += [event(n, "anna", label(), 6 * n + 1, log="b") for n in range(11)]
    run += [event(n, "tool", label(origin="import"), 0, log="a") for n in range(99)]
    found = seen(*run)
    assert found["anna"].per_minute == pytest.approx(10)  # type: ignore[attr-defined]
    assert found["tool"].per_minute is None  # type: ignore[attr-defined]


def test_too_little_time_has_no_pace_and_an_invalid_time_is_passed_over() -> None:
    bad = Event("x", 9, 9, "yesterday", "anna", label(), "anna")
    found = seen(event(1, "anna", label(), 0), event(2, "anna", label(), 9), bad)
    assert found["anna"] == (None, None, False)


def test_somebody_is_here_whose_own_run_goes_on() -> None:
    run = [event(1, "anna", begin("anna"), log="a"), event(2, "tool", label(), log="a")]
    run += [event(3, "bob", begin("bob"), log="b")]
    found = seen(*run, live=("a",))
    assert {by: one.is_here for by, one in found.items()} == {  # type: ignore[attr-defined]
        "anna": True,
        "tool": False,
        "bob": False,
    }


def test_agreement_is_of_people_who_labelled_one_item() -> None:
    labels = Labels(lambda _: [])
    payloads = [
        *(("anna", label("1", "c")), ("bob", label("1", "c"))),
        *(("anna", label("2", "c")), ("bob", label("2", "d"))),
        *(("anna", label("3", "c")), ("bob", Skip(item="3"))),
        *(("anna", label("4", "c")), ("tool", label("4", "d", origin="import"))),
        *(("anna", label("5", "c")), ("anna", label("5", "d"))),
    ]
    for number, (by, payload) in enumerate(payloads):
        labels.apply(event(number, by, payload), number)
    assert agreement(labels) == (2, 1)
