"""The history's values: events in words, filters, and what an event is about."""

from __future__ import annotations

import pytest
from loop_fakes import ME, FakeItems, FakeLog, fit_finished
from rich.cells import cell_len

from tuilabel.events.lines import Event
from tuilabel.events.payloads import Label
from tuilabel.learn.metrics import Accuracy
from tuilabel.session import LoopSettings, Session
from tuilabel.session.labels import Labels
from tuilabel.tui.views.history import History


@pytest.fixture
def session() -> Session:
    """Return a session with labels, a skip, an undo, a fit and a relabel."""
    items = FakeItems(60, classes=("cat", "dog", "[b]\x1b[31mred"))
    session = Session(items, FakeLog(seed=1), LoopSettings(batch_size=4, cold_start="random"), ME)
    first = str(session.current_id)
    for index in (0, 1, 2):
        session.label(str(session.current_id), index, ms=1234, by=ME)
    session.undo(by=ME)
    session.skip(str(session.current_id), by=ME)
    session.label(str(session.current_id), 0, by=ME)
    request = session.take_request()
    assert request is not None
    rows = [row for row in range(60) if session.items.ids[row] not in request.items][:20]
    likely = [[0.5, 0.3, 0.2]] * len(rows)
    accuracy = Accuracy(8, 10, "hold-out")
    session.accept_ranking(fit_finished(request.generation, rows, likely, accuracy), by=ME)
    session.relabel(first, 1, by=ME)
    return session


@pytest.fixture
def history(session: Session) -> History:
    """Return the history of that session."""
    return History(session.events, session.known, "me")


def kinds(history: History) -> list[str]:
    return [history.row(place).kind for place in range(len(history))]


def test_every_event_is_there_the_newest_first(history: History, session: Session) -> None:
    of_the_program = {"batch": 3, "opened": 1}
    assert len(history) == history.total == len(session.events) - 4
    assert kinds(history) == [
        "relabel",
        "fitted",
        "label",
        "skip",
        "undo",
        "label",
        "label",
        "label",
        *("class",) * 3,
    ]
    for kind, count in of_the_program.items():
        history.narrow(f"kind:{kind}")
        assert kinds(history) == [kind] * count
    history.narrow("kind:")
    assert len(history) == len(session.events), "on request, those of the program too"
    history.narrow("")
    row = history.row(0)
    assert (row.class_name, row.who, row.about) == ("dog", "me", row.about)
    assert row.about.endswith(".png")
    assert history.row(5).ms == "1,234"
    assert "80.0% right" in history.row(1).about


def test_what_no_longer_holds_is_in_brackets_and_hostile_names_are_inert(
    history: History, session: Session
) -> None:
    labels = [history.row(place) for place in range(len(history))]
    assert [row.class_name for row in labels if row.kind == "label"][-1] == "(cat)"
    undone = next(row for row in labels if row.kind == "label" and "red" in row.class_name)
    assert undone.class_name.startswith("(")
    assert "\x1b" not in undone.class_name


def test_every_part_of_every_row_fits_its_width(history: History) -> None:
    for place in range(len(history)):
        row = history.row(place)
        for part, width in history.widths.items():
            assert not width or cell_len(getattr(row, part)) <= width
    assert not history.widths["who"], "everything is by one annotator"
    assert history.widths["ms"] == len("1,234")
    assert history.widths["kind"] == len("relabel")


def test_the_details_of_an_event_say_what_its_row_does(history: History) -> None:
    for place in range(len(history)):
        row = history.row(place)
        said = " ".join(text for _, text in history.details(place))
        for text in (f"#{row.number}", row.kind, row.class_name, row.who, row.ms, row.about):
            assert text in said
    assert ("class", "dog, was (cat)") not in history.details(0)
    assert ("class", "dog, was cat") in history.details(0)
    assert ("tested", "on 10 images") in history.details(1)


def test_an_undo_is_about_what_it_took_back(history: History) -> None:
    place = kinds(history).index("undo")
    event = history.event(place)
    target = history.target(event)
    assert target is not None
    assert isinstance(target.payload, Label)
    assert f"of #{history.number_of(target)}" in history.row(place).about
    assert history.place_of(target) == kinds(history).index("label", place)
    assert history.target(target) is None


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", 11),
        ("kind:skip", 1),
        ("kind:label", 4),
        ("kind:relabel", 1),
        ("class:dog", 3),
        ("CLASS:DOG kind:label", 1),
        ("who:me", 11),
        ("who:you", 0),
        ("skip", 1),
        ("file", 7),
        ("nothing has this", 0),
        ("unknown:field", 0),
    ],
)
def test_a_filter_keeps_what_has_all_its_words(history: History, text: str, expected: int) -> None:
    history.narrow(text)
    assert len(history) == expected


def test_remarks_and_skips_are_found_by_what_they_say(session: Session) -> None:
    first, second = (session.items.ids[slot.row] for slot in session.batch[:2])
    session.flag(first, by=ME)
    session.note(first, "wet \x1b[31m", by=ME)
    session.note(second, "torn", by=ME)
    session.note(second, "torn, and wet", by=ME)
    session.flag(second, by=ME)
    session.flag(second, by=ME)
    session.skip(first, by=ME, why="unsure")
    session.skip(second, by=ME, why="later")
    session.undo(by=ME)
    history = History(session.events, session.known, "me")

    def found(text: str) -> list[tuple[str, str]]:
        history.narrow(text)
        rows = [history.row(place) for place in range(len(history))]
        return [(row.kind, row.class_name or row.about.split("  ")[0]) for row in rows]

    assert found("why:unsure") == [("skip", "unsure")]
    assert found("why:later") == [("skip", "(later)")]
    assert [kind for kind, _ in found("is:flagged")] == ["flag"]
    assert found("is:noted") == [("note", "torn, and wet"), ("note", "wet ␛[31m")]
    assert found("is:noted torn") == [("note", "torn, and wet")]
    assert [kind for kind, _ in found("is:flagged is:noted")] == ["note", "flag"]
    assert found("kind:note") == [
        ("note", "torn, and wet"),
        ("note", "(torn)"),
        ("note", "wet ␛[31m"),
    ]
    assert [kind for kind, _ in found("kind:unflag")] == ["unflag"]
    assert found("is:disputed why:unsure") == []
    history.narrow("is:flagged")
    assert {("flagged", "by me"), ("note", "me: wet ␛[31m")} <= set(history.details(0))
    session.flag(first, by=ME)
    history.grow()
    assert len(history) == 0, "it is flagged no longer"


def test_typing_on_narrows_and_taking_back_widens(history: History) -> None:
    counts = []
    for text in ("l", "la", "lab", "labe", "label", "labe", "", "skip"):
        history.narrow(text)
        counts.append(len(history))
    assert counts[4] == counts[3] == 5
    assert counts[6] == 11
    assert counts[7] == 1


def test_events_that_come_later_pass_the_filter_too(history: History, session: Session) -> None:
    history.narrow("kind:skip")
    assert not history.grow()
    session.skip(str(session.current_id), by=ME)
    assert history.grow()
    assert len(history) == 2


def test_a_clock_that_says_nonsense_is_shown_as_it_is(session: Session) -> None:
    event = Event("e1", 1, 1, "yesterday\x1b", "me", Label(item="i", class_id="c1:cat"))
    row = History([event], session.known).row(0)
    assert row.date == ""
    assert "\x1b" not in row.time


def test_what_an_image_was_before_does_not_depend_on_when_a_log_arrived() -> None:
    relabel = Event("b", 2, 5, "", "me", Label(item="1", class_id="dog", relabel=True))
    late = Event("a", 1, 3, "", "me", Label(item="1", class_id="cat"))
    known = Labels(lambda _: [])
    known.extend([relabel, late], 0)
    known.count_added()
    history = History([relabel, late], known)
    place = history.place_of(relabel)
    assert place is not None
    assert ("class", "dog, was (cat)") not in history.details(place)
    assert ("class", "dog, was cat") in history.details(place)
