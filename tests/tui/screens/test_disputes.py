"""Disputes in the history: listed, settled with one key, undone; and what others did."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from hostile_sessions import foreign
from rich.cells import cell_len
from screen_app import ScreenApp
from textual.pilot import Pilot
from textual.screen import Screen

from tuilabel.events.payloads import ClassAdded, Decided, Label, Undo
from tuilabel.journal.journal import Journal
from tuilabel.session.classes import class_id_of
from tuilabel.tui.screens.history import HistoryScreen
from tuilabel.tui.views.labelling import people
from tuilabel.tui.widgets.lines import Lines
from tuilabel.workspace.opening import Workspace

SIZES = [(80, 24), (140, 45)]


@pytest.fixture
def bob(workspace: Workspace) -> Iterator[Journal]:
    """Return the journal of another annotator, who is there too."""
    with Journal(workspace.path, "bob", "digits") as journal:
        journal.read()
        yield journal


def text_of(screen: Screen[Any], selector: str) -> str:
    (widget,) = screen.query(selector).results(Lines)
    return "\n".join(widget.render_line(y).text for y in range(widget.size.height))


def label_both(app: ScreenApp, bob: Journal, count: int = 3) -> list[str]:
    """Label items here as 0; let bob label all but the last of them as 1."""
    workspace, loop = app.label_screen.workspace, app.label_screen.loop
    by = workspace.annotator
    items = []
    for _ in range(count):
        items.append(str(loop.current_id))
        loop.label(items[-1], 0, by=by)
    labels = [Label(item=item, class_id=loop.classes.ids[1], names=("x",)) for item in items[:-1]]
    bob.append(labels, "bob")
    loop.take_in(workspace.journal.read())
    return items


async def history(app: ScreenApp, pilot: Pilot[None]) -> HistoryScreen:
    await pilot.press("f6")
    await pilot.pause()
    assert isinstance(app.screen, HistoryScreen)
    return app.screen


async def look(screen: HistoryScreen, pilot: Pilot[None]) -> None:
    """Wait until the marked image is on the terminal."""
    await pilot.pause()
    while screen.answers.holds_key():
        await pilot.pause()


@pytest.mark.parametrize("size", SIZES)
async def test_disputes_are_listed_settled_with_one_key_and_undone(
    app: ScreenApp, bob: Journal, size: tuple[int, int]
) -> None:
    loop = app.label_screen.loop
    async with app.run_test(size=size) as pilot:
        await pilot.pause()
        first, second, _ = label_both(app, bob)
        screen = await history(app, pilot)
        assert "2 disputes" in text_of(screen, "#header")
        assert "Tab disputes" in text_of(screen, "#status")
        await pilot.press("tab")
        assert "Press the key of the right class" in text_of(screen, "#status")
        heading, newest, oldest, *_ = text_of(screen, "#events").splitlines()
        assert not {"class", "who", "round", "ms"} & set(heading.split())
        for row in (newest, oldest):
            assert "dispute" in row
            assert "me: 0, bob: 1" in row
        assert "me: 0, bob: 1" in text_of(screen, "#details")
        await look(screen, pilot)
        assert screen.asked == second
        await pilot.press("1")
        assert list(loop.known.disputed) == [first]
        assert "decided for 1, 1 dispute left" in text_of(screen, "#status")
        assert screen.asked == first, "the next one takes its place"
        acts = loop.desk.acts
        screen.answers.guard.expect()
        await pilot.press("1")
        assert loop.desk.acts == acts, "its image is not on the terminal yet"
        screen.answers.frame_was_there()
        await look(screen, pilot)
        await pilot.press("0")
        assert not loop.known.disputed
        assert "no dispute is left" in text_of(screen, "#status")
        assert "No image is disputed." in text_of(screen, "#events")
        await pilot.press("backspace")
        assert "the decision for 0; the image is disputed again" in text_of(screen, "#status")
        assert list(loop.known.disputed) == [first]
        await pilot.press("u")
        assert set(loop.known.disputed) == {first, second}
        assert screen.asked == second, "the next key settles the dispute that is open again"
        await pilot.press("tab")
        assert text_of(screen, "#events").splitlines()[1].split()[2] == "undo"
        assert "who" in text_of(screen, "#events").splitlines()[0]


async def test_a_decision_of_somebody_else_is_taken_back_where_it_is_listed(
    app: ScreenApp, bob: Journal
) -> None:
    workspace, loop = app.label_screen.workspace, app.label_screen.loop
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.pause()
        item, _ = label_both(app, bob, 2)
        bob.read()
        bob.append([Decided(item=item, class_id=loop.classes.ids[1])], "bob")
        app.label_screen._told(workspace.journal.read())
        screen = await history(app, pilot)
        row = text_of(screen, "#events").splitlines()[1]
        assert row.split()[-4:] == ["decided", "1", "bob", "x"]
        await pilot.press("delete")
        assert "Undone: the decision for 1; the image is disputed" in text_of(screen, "#status")
        assert list(loop.known.disputed) == [item]
        assert isinstance(loop.events[-1].payload, Undo)
        assert "(1)" in text_of(screen, "#events"), "it is not in effect"
        await pilot.press("delete")
        assert "not in effect any more" in text_of(screen, "#status")
        await pilot.press("down", "delete")
        assert "Only bob can take this answer back." in text_of(screen, "#status")
        await pilot.press("down", "down", "delete")
        assert "Undone: 0." in text_of(screen, "#status")
        assert not loop.known.disputed


async def test_an_undo_of_a_decision_on_the_labelling_screen_is_a_sentence(
    app: ScreenApp, bob: Journal
) -> None:
    loop = app.label_screen.loop
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.pause()
        item, _ = label_both(app, bob, 2)
        asked = loop.current_id
        loop.decide(item, 1, by=app.label_screen.workspace.annotator)
        app.label_screen.show_all()
        await pilot.press("u")
        assert "Undone: the decision for 1; the image is" in text_of(app.screen, "#status")
        assert loop.current_id == asked


async def test_a_class_key_settles_a_dispute_that_is_marked_among_all_events(
    app: ScreenApp, bob: Journal
) -> None:
    loop = app.label_screen.loop
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.pause()
        item, _ = label_both(app, bob, 2)
        screen = await history(app, pilot)
        await pilot.press("1")
        assert "Look at the image first" in text_of(screen, "#status")
        await look(screen, pilot)
        await pilot.press("1")
        decision = loop.known.decision(item)
        assert decision is not None
        assert decision.class_id == loop.classes.ids[1]
        assert "decided  1, by me" in text_of(screen, "#details")
        await pilot.press("down", "down")
        await look(screen, pilot)
        await pilot.press("1")
        assert "It is decided already: 1." in text_of(screen, "#status")
        await pilot.press("r", "5")
        own = loop.known.own(item, "me")
        assert own is not None
        assert own.class_id == loop.classes.ids[5], "r changes one's own answer"
        assert "The decision for 1 stands." in text_of(screen, "#status")


async def test_what_others_do_comes_while_the_history_is_open(app: ScreenApp, bob: Journal) -> None:
    workspace, loop = app.label_screen.workspace, app.label_screen.loop
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.pause()
        item = str(loop.current_id)
        loop.label(item, 0, by=workspace.annotator)
        screen = await history(app, pilot)
        assert "dispute" not in text_of(screen, "#header")
        assert "Tab" not in text_of(screen, "#status"), "there is nothing to settle"
        await pilot.press("tab")
        assert "No image is disputed." in text_of(screen, "#status")
        bob.append([Label(item=item, class_id=loop.classes.ids[1])], "bob")
        app.label_screen._told(workspace.journal.read())
        assert "1 dispute" in text_of(screen, "#header")
        await pilot.press("slash", *"who:bob", "enter")
        (row,) = [row for row in text_of(screen, "#events").splitlines()[1:] if row.strip()]
        assert row.split()[3:6] == ["label", "1", "bob"]
        await pilot.press("slash", *([" "] + ["backspace"] * 8), *"is:disputed who:bob", "enter")
        assert "1 of 1 dispute" in text_of(screen, "#header")


async def test_a_new_class_of_somebody_else_is_listed(app: ScreenApp, bob: Journal) -> None:
    workspace = app.label_screen.workspace
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.pause()
        name = "f\x1b[2J\u202eox"
        bob.append([ClassAdded(class_id_of(name), name)], "b\x1b[2J\u202e" + "o" * 4000)
        app.label_screen._told(workspace.journal.read())
        screen = await history(app, pilot)
        shown = text_of(screen, "#events")
        assert "f␛[2J\ufffdox" in shown
        assert "\x1b" not in shown


async def test_a_disputed_image_of_the_batch_is_marked(app: ScreenApp, bob: Journal) -> None:
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.pause()
        label_both(app, bob)
        marks = [thumbnail.mark for thumbnail in app.label_screen.presenter.thumbnails()]
        assert marks[:4] == ["?", "?", "0", ""]


@pytest.mark.parametrize(
    "names",
    [
        ("bob",),
        ("bob", "x" * 4000),
        tuple(f"annotator {number}" for number in range(50)),
        ("\x1b[2J\x1b]0;owned\x07", "\u202eevil\u2066", "\u200b"),
        ("猫" * 40, "שלום" * 20, "👨‍👩‍👧" * 9),
        ("", " " * 30),
    ],
)
@pytest.mark.parametrize("size", SIZES)
async def test_the_header_names_who_is_there(
    app: ScreenApp, names: tuple[str, ...], size: tuple[int, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(app.label_screen.loop, "others", lambda: list(names))
    async with app.run_test(size=size) as pilot:
        await pilot.pause()
        header = text_of(app.screen, "#header")
        assert cell_len(header) == size[0]
        assert " with " in header
        assert "left" in header
        assert not foreign(header)
        if len(names) == 50:
            assert " more " in header


@pytest.mark.parametrize(
    ("names", "width", "expected"),
    [
        (["anna", "bob"], 9, "anna, bob"),
        (["anna", "bob"], 8, "2 others"),
        (["anna", "bob", "cleopatra"], 15, "anna and 2 more"),
        (["a", "b", "cleopatra the 7th"], 15, "a, b and 1 more"),
        (["a" * 20], 40, "a" * 15 + "…"),
        (["anna"], 2, "1 other"),
    ],
)
def test_names_are_listed_as_far_as_they_fit(names: list[str], width: int, expected: str) -> None:
    assert people(names, width) == expected


async def test_after_the_end_an_image_is_asked_again_when_somebody_takes_an_answer_back(
    app: ScreenApp, bob: Journal
) -> None:
    label_screen, workspace = app.label_screen, app.label_screen.workspace
    loop = label_screen.loop
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.pause()
        others = [item for item in loop.items.ids if item != loop.current_id]
        answers = bob.append(
            [Label(item=item, class_id=loop.classes.ids[1]) for item in others], "bob"
        )
        label_screen._told(workspace.journal.read())
        while label_screen.answers.holds_key():
            await pilot.pause()
        await pilot.press("1")
        assert loop.current is None
        assert " done " in text_of(label_screen, "#header")
        bob.append([Undo(answers[5].id, others[5])], "bob")
        label_screen._told(workspace.journal.read())
        assert loop.current_id == others[5]
        assert label_screen.answers.holds_key(), "it is not on the terminal yet"
        while label_screen.answers.holds_key():
            await pilot.pause()
        assert "1 left" in text_of(label_screen, "#header")
        await pilot.press("2")
        assert loop.known.labels_held == len(loop.items)
        assert loop.current is None
