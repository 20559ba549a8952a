"""The screens beside the labelling one, driven by keys, without a terminal."""

from __future__ import annotations

import asyncio
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from loop_fakes import ME, fit_finished
from screen_app import ScreenApp
from sessions import answer_of
from textual.pilot import Pilot
from textual.screen import Screen
from textual.widget import Widget
from textual.widgets import Static

from tuilabel.data.dataset import SkippedFile
from tuilabel.errors import SaveError, TrainerError
from tuilabel.events.payloads import HUMAN, ORACLE_ORIGIN, Answer, Label
from tuilabel.exchange.rows import label_rows
from tuilabel.learn.metrics import Accuracy
from tuilabel.session.summary import summarise
from tuilabel.session.view import SessionView
from tuilabel.tui.answering.class_entry import LONGEST_TEXT
from tuilabel.tui.background import centres
from tuilabel.tui.background.baseline import BaselineFinder
from tuilabel.tui.background.centres import Centres
from tuilabel.tui.screens.cell import CellScreen
from tuilabel.tui.screens.classes import ClassesScreen
from tuilabel.tui.screens.confusion import ConfusionScreen
from tuilabel.tui.screens.curve import CurveScreen
from tuilabel.tui.screens.demo import DemoScreen
from tuilabel.tui.screens.help import HelpScreen
from tuilabel.tui.screens.history import HistoryScreen
from tuilabel.tui.screens.home import HomeScreen
from tuilabel.tui.screens.messages import MessagesScreen
from tuilabel.tui.screens.requested import OpenRequested
from tuilabel.tui.screens.side import SideScreen
from tuilabel.tui.terminal.capabilities import Colours, Depth
from tuilabel.tui.text.theme import apply_colours
from tuilabel.tui.views.baseline import Baseline, BaselinePoint
from tuilabel.tui.views.messages import Messages
from tuilabel.tui.widgets.lines import Lines
from tuilabel.tui.widgets.matrix import Matrix
from tuilabel.workspace.ending import end_run
from tuilabel.workspace.following import health_of
from tuilabel.workspace.opening import Workspace
from tuilabel.workspace.recent import OpenRequest

BASELINE = Baseline((BaselinePoint(10, 0.5, 0.4, 0.6), BaselinePoint(50, 0.7, 0.6, 0.8)), 3)
SCREENS = {
    "f3": CurveScreen,
    "f4": ConfusionScreen,
    "f5": ClassesScreen,
    "f6": HistoryScreen,
    "f7": HomeScreen,
    "f8": MessagesScreen,
}


@pytest.fixture(autouse=True)
def simulated(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """Have a baseline without simulating it; what is in the list is what comes instead."""
    given: list[Any] = []

    async def find(self: BaselineFinder) -> Baseline:
        self._tell("1 of 3 runs, 40%")
        if given:
            await given[0]()
        return BASELINE

    monkeypatch.setattr(BaselineFinder, "find", find)
    return given


def text_of(screen: Screen[Any], selector: str = "") -> str:
    widgets = screen.query(selector or "Lines").results(Lines)
    return "\n".join(
        widget.render_line(y).text
        for widget in widgets
        if widget.display
        for y in range(widget.size.height)
    )


def answer_a_batch(app: ScreenApp) -> None:
    """Answer a batch, and let a fit come in that takes some 9 for 1."""
    loop = app.label_screen.loop
    dataset = app.label_screen.workspace.dataset
    assert dataset.truth is not None
    for _ in range(10):
        assert loop.current is not None
        loop.label(str(loop.current_id), int(dataset.truth[loop.current.row]), ms=400, by=ME)
    request = loop.take_request()
    assert request is not None
    assert dataset.holdout is not None
    truth = dataset.holdout.truth.tolist()
    predicted = [1 if true == 9 and row % 2 else true for row, true in enumerate(truth)]
    confusion = np.zeros((10, 10), int)
    np.add.at(confusion, (truth, predicted), 1)
    rows = list(range(300, 360))
    finished = fit_finished(
        request.generation,
        rows,
        [[0.1] * 10] * len(rows),
        Accuracy(int(confusion.trace()), int(confusion.sum()), "hold-out"),
    )
    finished = replace(
        finished,
        confusion=tuple(map(tuple, confusion.tolist())),
        predicted=tuple(predicted),
        confidence=tuple(0.5 + row % 50 / 100 for row in range(len(truth))),
    )
    app.label_screen.ranking_arrived(finished)
    app.label_screen.show_all()


async def visit(app: ScreenApp, pilot: Pilot[None], place: str) -> SideScreen:
    await pilot.pause()
    app.label_screen.visit(place)
    await pilot.pause()
    assert isinstance(app.screen, SideScreen)
    return app.screen


# Ways.


async def test_every_screen_is_a_key_away_from_every_other_and_back(app: ScreenApp) -> None:
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.pause()
        for key, screen in SCREENS.items():
            await pilot.press(key)
            assert type(app.screen) is screen
            assert len(app.screen_stack) == 3
        for back in ("f8", "escape"):
            await pilot.press(back)
            assert app.screen is app.label_screen
            await pilot.press("f6")
        await pilot.press("q")
        assert app.screen is app.label_screen
        item = app.label_screen.loop.current_id
        assert app.label_screen.loop.desk.acts == 0
        assert app.label_screen.loop.current_id == item


async def test_back_on_the_labelling_screen_answers_wait_for_its_image(app: ScreenApp) -> None:
    async with app.run_test(size=(80, 24)) as pilot:
        await visit(app, pilot, "classes")
        guard = app.label_screen.answers.guard
        app.pop_screen()
        app.label_screen.on_screen_resume()
        assert guard.holds(app.label_screen.answers._clock())


async def test_help_and_palette_know_the_keys_of_each_screen(app: ScreenApp) -> None:
    async with app.run_test(size=(80, 24)) as pilot:
        for place in ("curve", "confusion", "classes", "history", "home", "messages"):
            screen = await visit(app, pilot, place)
            screen.action_help()
            await pilot.pause()
            assert isinstance(app.screen, HelpScreen)
            page = app.screen.query("Page").first(Lines)
            text = " ".join("".join(row.text for row in page._rows).split())
            for action in screen.actions:
                assert " ".join(action.help.split()) in text
                assert (
                    hasattr(screen, f"action_{action.id}")
                    or hasattr(app, f"action_{action.id}")
                    or action.id in ("palette", "suspend")
                )
            app.pop_screen()
            await pilot.pause()
            screen.action_leave()


async def test_every_screen_fits_every_size(app: ScreenApp) -> None:
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.pause()
        answer_a_batch(app)
        for place in ("curve", "confusion", "classes", "history", "home", "messages"):
            screen = await visit(app, pilot, place)
            for size in ((60, 20), (60, 60), (250, 40)):
                await pilot.resize_terminal(*size)
                await pilot.pause()
                for widget in screen.query("Lines").results(Lines):
                    nodes = widget.ancestors_with_self
                    if not all(node.display for node in nodes if isinstance(node, Widget)):
                        continue
                    assert widget.region in screen.region
                    assert widget.size.area
                    rows = [widget.render_line(y).cell_length for y in range(widget.size.height)]
                    assert set(rows) == {widget.size.width}
            screen.action_leave()


async def test_a_small_terminal_has_a_sentence_and_recovers(app: ScreenApp) -> None:
    async with app.run_test(size=(80, 24)) as pilot:
        screen = await visit(app, pilot, "history")
        await pilot.resize_terminal(40, 10)
        await pilot.pause()
        sentence = screen.query_one("#too-small", Static)
        assert sentence.display
        assert "needs 60x20, this is 40x10" in str(sentence.render())
        await pilot.resize_terminal(80, 24)
        await pilot.pause()
        assert not sentence.display
        assert "10 events" in text_of(screen)


# The curve.


async def test_the_curve_says_the_newest_beside_the_baseline(app: ScreenApp) -> None:
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.pause()
        answer_a_batch(app)
        screen = await visit(app, pilot, "curve")
        text = text_of(screen)
        assert "accuracy on the hold-out by labels" in text
        assert "97.0%  95%: 95.1% to 98.2%  n 500 (the hold-out), after 10 labels" in text
        assert "at random (3 runs): +47.0 points" in text
        title = text.splitlines()[text_row(text, "by labels")]
        assert re.search(r"measured .* at random", title)
        assert "Looking up" not in text
        await pilot.press("z")
        assert "0.90" in text_of(screen, "#by-labels")
        assert "0.20" not in text_of(screen, "#by-labels")
        assert "Tab other curve" in text_of(screen, "#status")
        await pilot.press("tab")
        assert "accuracy on the hold-out, most confident first" in text_of(screen)
        assert "a confidence of at least 95%" in text_of(screen)
        await pilot.resize_terminal(140, 45)
        await pilot.pause()
        assert "Tab" not in text_of(screen, "#status"), "both are shown"


async def test_until_the_baseline_is_there_it_is_said_that_it_is_sought(
    app: ScreenApp, simulated: list[Any]
) -> None:
    go_on = asyncio.Event()
    simulated.append(go_on.wait)
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.pause()
        answer_a_batch(app)
        screen = await visit(app, pilot, "curve")
        text = text_of(screen)
        assert "Simulating the random baseline: 1 of 3 runs, 40%" in text
        assert "at random" not in text
        go_on.set()
        await pilot.pause()
        text = text_of(screen)
        assert "Simulating" not in text
        assert "at random" in text.splitlines()[text_row(text, "by labels")]


async def test_both_charts_have_one_scale_where_they_stand_together(app: ScreenApp) -> None:
    async with app.run_test(size=(140, 45)) as pilot:
        await pilot.pause()
        answer_a_batch(app)
        screen = await visit(app, pilot, "curve")
        for size in ((140, 45), (100, 46), (160, 30)):
            await pilot.resize_terminal(*size)
            await pilot.pause()
            charts = [text_of(screen, name) for name in ("#by-labels", "#by-confidence")]
            scales = [re.findall(r"^ +([01]\.\d+)", chart, re.MULTILINE) for chart in charts]
            assert scales[0] == scales[1]
            assert len(scales[0]) >= 3


def text_row(text: str, part: str) -> int:
    return next(row for row, line in enumerate(text.splitlines()) if part in line)


async def test_a_simulation_ends_with_the_screen(app: ScreenApp, simulated: list[Any]) -> None:
    ended = asyncio.Event()

    async def never() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            ended.set()

    simulated.append(never)
    async with app.run_test(size=(80, 24)) as pilot:
        screen = await visit(app, pilot, "curve")
        assert "1 of 3 runs, 40%" in text_of(screen)
        screen.action_leave()
        await asyncio.wait_for(ended.wait(), 5)


async def test_a_simulation_that_fails_is_said(app: ScreenApp, simulated: list[Any]) -> None:
    async def fail() -> None:
        raise TrainerError("no room left")

    simulated.append(fail)
    async with app.run_test(size=(80, 24)) as pilot:
        screen = await visit(app, pilot, "curve")
        assert "No random baseline: no room left" in text_of(screen)


# The confusion matrix.


async def test_a_cell_of_the_matrix_opens_its_images(app: ScreenApp) -> None:
    async with app.run_test(size=(80, 24)) as pilot:
        screen = await visit(app, pilot, "confusion")
        assert "No matrix yet" in text_of(screen)
        await pilot.press("enter")
        answer_a_batch(app)
        screen.session_changed()
        text = text_of(screen)
        assert "9 taken for 1: 15 of 41 (37%)" in text
        assert re.search(r"\[ *15\]", text)
        assert "50✓" in text
        await pilot.press("enter")
        cell = app.screen
        assert isinstance(cell, CellScreen)
        await pilot.pause()
        assert "9 taken for 1  1 of 15" in text_of(cell)
        assert "▲9›1 99.0%" in text_of(cell)
        await pilot.press("right", "down")
        assert "  1 of 15" not in text_of(cell)
        await pilot.press("escape", "up", "left")
        assert app.screen is screen
        assert "8 taken for 0: 0 of 50 (0%)" in text_of(screen)


@pytest.mark.parametrize("depth", [Depth.SIXTEEN, Depth.NONE])
async def test_with_few_colours_the_mark_is_at_the_sides_of_its_cell(
    app: ScreenApp, depth: Depth
) -> None:
    apply_colours(app, Colours(depth))
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.pause()
        answer_a_batch(app)
        screen = await visit(app, pilot, "confusion")
        for key, found, filled in [(None, "15", True), ("right", "·", False)]:
            if key is not None:
                await pilot.press(key)
            matrix = screen.query_one(Matrix)
            rows = [list(matrix.render_line(y)) for y in range(matrix.size.height)]
            (row,) = [row for row in rows if any(segment.text == "[" for segment in row)]
            place = [segment.text for segment in row].index("[")
            parts = row[place : place + 3]
            assert "".join(part.text for part in parts).replace(" ", "") == f"[{found}]"
            turned = [bool(part.style and part.style.reverse) for part in parts]
            assert turned == [not filled, filled, not filled]


async def test_without_predictions_the_numbers_stand_alone(app: ScreenApp) -> None:
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.pause()
        answer_a_batch(app)
        app.label_screen.loop.predictions = None
        screen = await visit(app, pilot, "confusion")
        await pilot.press("enter")
        assert app.screen is screen
        assert "Images appear after the next fit." in text_of(screen)


# Classes.


async def test_classes_show_counts_examples_and_centres_once_found(
    app: ScreenApp, monkeypatch: pytest.MonkeyPatch
) -> None:
    pictures = np.full((10, 8, 8), 99, np.uint8)

    async def find(*_: object) -> Centres:
        return Centres(pictures, (0.1,) * 10)

    monkeypatch.setattr("tuilabel.tui.screens.classes.find_centres", find)
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.pause()
        answer_a_batch(app)
        screen = await visit(app, pilot, "classes")
        assert "c finds the 10 that stand for the pool" in text_of(screen)
        assert "newest labelled 0" in text_of(screen)
        await pilot.press("end")
        assert "newest labelled 9" in text_of(screen)
        assert "10%" not in text_of(screen)
        await pilot.press("c")
        await pilot.pause()
        assert text_of(screen).count("10%") == 10
        assert "c typical images" not in text_of(screen, "#status")
        assert "10 labels" in text_of(screen, "#header")


async def test_kept_centres_are_found_again(
    app: ScreenApp, monkeypatch: pytest.MonkeyPatch
) -> None:
    dataset = app.label_screen.workspace.dataset
    path = centres._path(dataset)
    path.parent.mkdir(parents=True)
    path.write_bytes(b"no archive")
    assert await centres.kept_centres(dataset) is None
    np.savez(path, pictures=np.zeros((2, 8, 8), np.uint8), shares=np.array([0.7, 0.3]))
    found = await centres.kept_centres(dataset)
    assert found is not None
    assert found.shares == (0.7, 0.3)


# History.


async def test_the_filter_of_the_history_has_a_limit(app: ScreenApp) -> None:
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.pause()
        screen = await visit(app, pilot, "history")
        assert isinstance(screen, HistoryScreen)
        await pilot.press("slash")
        screen._filter("x" * (LONGEST_TEXT - 1))
        await pilot.press("y", "z")
        assert screen._history.filter == "x" * (LONGEST_TEXT - 1) + "y"
        await pilot.press("backspace", "z", "enter")
        assert screen._history.filter[-2:] == "xz"


async def test_history_filters_as_one_types_and_labels_again(app: ScreenApp) -> None:
    loop = app.label_screen.loop
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.pause()
        answer_a_batch(app)
        screen = await visit(app, pilot, "history")
        assert "21 events" in text_of(screen, "#header")
        await pilot.press("slash", *"class:7", "backspace", "enter")
        assert "/ class:" in text_of(screen, "#header")
        screen.action_filter()
        await pilot.press("escape", "slash", *"label", "enter", "end")
        assert not screen.query_one("#legend").display
        await pilot.press("enter")
        await pilot.pause()
        assert text_of(screen, "#legend").split()[:3] == ["keys", "0", "1"]
        await pilot.press("r", "slash", "4")
        assert text_of(screen, "#legend").split() == ["keys", "4"]
        assert "Enter: 4" in text_of(screen, "#status")
        await pilot.press("escape")
        assert text_of(screen, "#legend").split()[:3] == ["keys", "0", "1"]
        event = screen._event()  # type: ignore[attr-defined]
        assert isinstance(event.payload, Label)
        name = loop.class_name(event)
        acts = loop.desk.acts
        while screen.answers.holds_key():  # type: ignore[attr-defined]
            await pilot.pause()
        assert name != "5"
        await pilot.press("5")
        assert loop.desk.acts == acts + 1
        now, answer = answer_of(loop, event.payload.item)
        assert (now, answer.relabel) == ("5", True)
        assert " saved: " in text_of(screen)
        assert len(app.requests) == 1
        assert f"({name})" in text_of(screen, "#events")
        await pilot.press("5")
        assert "It is 5 already." in text_of(screen, "#status")
        assert (loop.desk.acts, len(app.requests)) == (acts + 1, 1)


async def test_an_empty_history_has_no_event_to_do_anything_with(app: ScreenApp) -> None:
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.pause()
        screen = await visit(app, pilot, "history")
        await pilot.press("slash", *"nothing", "enter")
        for key in ("enter", "r", "j", "3"):
            screen.hush()
            await pilot.press(key)
            assert "No event is selected." in text_of(screen, "#status")


async def test_an_image_that_left_the_source_cannot_be_labelled_again(
    app: ScreenApp, monkeypatch: pytest.MonkeyPatch
) -> None:
    loop = app.label_screen.loop
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.pause()
        await pilot.press("3", "4")
        screen = await visit(app, pilot, "history")
        dataset = app.label_screen.workspace.dataset
        monkeypatch.setattr(type(dataset), "row_of", lambda self, item: None)
        for key in ("enter", "r", "5"):
            screen.hush()
            await pilot.press(key)
            assert "This image is no longer in the source." in text_of(screen, "#status")
        assert loop.labels == 2


async def test_a_relabel_during_the_demo_is_the_persons(workspace: Workspace) -> None:
    app = ScreenApp(workspace, DemoScreen, rate=500.0, budget=1000)
    loop = app.label_screen.loop
    async with app.run_test(size=(80, 24)) as pilot:
        while loop.labels < 3:
            await pilot.pause(0.01)
        await pilot.press("p")
        screen = await visit(app, pilot, "history")
        assert isinstance(screen, HistoryScreen)
        await pilot.press("enter")
        await pilot.pause()
        relabelled = screen._event()
        assert relabelled is not None
        assert isinstance(relabelled.payload, Label)
        assert relabelled.payload.origin == ORACLE_ORIGIN
        # Another class than the truth, with which the oracle would agree.
        other = (loop.classes.ids.index(relabelled.payload.class_id) + 1) % 10
        await pilot.press(str(other))
    view = SessionView(workspace.path)
    last = view.events[-1].payload
    assert isinstance(last, Label)
    assert (last.item, last.class_id) == (relabelled.payload.item, loop.classes.ids[other])
    assert (view.events[-1].by, last.origin) == ("me", HUMAN)
    exported = [row["item_id"] for row in label_rows(view.labelled(), {HUMAN})]
    assert exported == [last.item]
    annotators = summarise(view)["annotators"]
    labels = {by: found["labels"] for by, found in annotators.items()}
    assert labels == {"oracle": loop.labels - 1, "me": 1}


async def test_no_key_labels_an_image_in_the_history_that_was_not_there(app: ScreenApp) -> None:
    loop = app.label_screen.loop
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.pause()
        answer_a_batch(app)
        screen = await visit(app, pilot, "history")
        assert isinstance(screen, HistoryScreen)
        acts = loop.desk.acts
        screen.move(3)
        await pilot.press("5")
        assert loop.desk.acts == acts
        await pilot.pause()
        screen.answers.guard.expect()
        screen.answers.guard.asked(1, screen.answers._clock(), answers=True)
        await pilot.press("5")
        assert loop.desk.acts == acts
        assert "typed ahead of the image" in text_of(screen)


async def test_what_is_not_saved_in_the_history_is_said(
    app: ScreenApp, monkeypatch: pytest.MonkeyPatch
) -> None:
    loop = app.label_screen.loop

    def fail(*_: object) -> None:
        raise SaveError("Not saved: the disk is full.")

    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.pause()
        answer_a_batch(app)
        screen = await visit(app, pilot, "history")
        assert isinstance(screen, HistoryScreen)
        screen.move(5)
        screen.action_show()
        await pilot.pause()
        while screen.answers.holds_key():
            await pilot.pause()
        monkeypatch.setattr(loop._log, "append", fail)
        await pilot.press("r", "5")
        assert "✗ Not saved: the disk is full." in text_of(screen)


async def test_jumping_leads_back_to_what_an_event_is_about(app: ScreenApp) -> None:
    loop = app.label_screen.loop
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.pause()
        first = loop.current_id
        loop.label(str(first), 1, by=ME)
        loop.label(str(loop.current_id), 2, by=ME)
        loop.undo(by=ME)
        screen = await visit(app, pilot, "history")
        assert isinstance(screen, HistoryScreen)
        await pilot.press("j")
        event = screen._event()
        assert event is not None
        assert isinstance(event.payload, Label)
        assert loop.class_name(event) == "2"
        await pilot.press("down", "j")
        assert app.screen is app.label_screen
        assert loop.current_id == first


async def test_thousands_of_events_are_drawn_a_page_at_a_time(
    app: ScreenApp, monkeypatch: pytest.MonkeyPatch
) -> None:
    loop = app.label_screen.loop
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.pause()
        answer_a_batch(app)
        answer = loop.events[14]
        loop.events.extend([answer] * 5000)
        screen = await visit(app, pilot, "history")
        assert isinstance(screen, HistoryScreen)
        async with asyncio.timeout(60):
            while not screen._is_whole:
                await pilot.pause(0.01)
        made = []
        row = screen._history.row
        monkeypatch.setattr(screen._history, "row", lambda place: made.append(place) or row(place))
        screen.action_last()
        assert len(made) <= 24
        assert made[-1] == 5020


@pytest.mark.parametrize("size", [(80, 24), (140, 45)])
async def test_beside_the_image_nothing_of_an_event_is_lost(
    app: ScreenApp, size: tuple[int, int]
) -> None:
    loop = app.label_screen.loop
    async with app.run_test(size=size) as pilot:
        await pilot.pause()
        item = loop.current_id
        answer_a_batch(app)
        loop.relabel(str(item), 7, ms=1234, by=ME)
        before = next(event for event in loop.events if isinstance(event.payload, Answer))
        screen = await visit(app, pilot, "history")
        assert isinstance(screen, HistoryScreen)
        await pilot.press("enter")
        await pilot.pause()
        heading, row, *_ = text_of(screen, "#events").splitlines()
        assert {"#", "time", "event", "class", "round", "ms"} <= set(heading.split())
        assert "1,234" in row
        details = text_of(screen, "#details")
        for text in (
            f"7, was {loop.class_name(before)}",
            "me",
            "1,234 ms",
            "relabel",
            "image  digits",
        ):
            assert text in details
        image = screen._picture
        assert image.region.bottom <= screen.query_one("#details").region.y
        assert image.size.width >= 28
        await pilot.press("down")
        assert re.search(r"tested +on \d+ images", text_of(screen, "#details"))


async def test_a_sentence_that_nobody_asked_for_goes_by_itself(
    app: ScreenApp, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tuilabel.tui.screens.base.A_WHILE", 0.01)
    async with app.run_test(size=(80, 24)) as pilot:
        screen = await visit(app, pilot, "history")
        keys = text_of(screen, "#status")
        for asked in (None, "This event is about no image."):
            if asked is not None:
                screen.say(asked)
            screen.mention("The line is slow.")
            assert "The line is slow." in text_of(screen, "#status")
            async with asyncio.timeout(60):
                while "The line is slow." in text_of(screen, "#status"):
                    await pilot.pause()
            assert (asked or keys) in text_of(screen, "#status")


# Home.


async def test_home_opens_what_is_marked(app: ScreenApp, monkeypatch: pytest.MonkeyPatch) -> None:
    wished: list[OpenRequest] = []
    post = app.post_message

    def heard(message: Any) -> bool:
        if isinstance(message, OpenRequested):
            wished.append(message.request)
        return post(message)

    monkeypatch.setattr(app, "post_message", heard)
    async with app.run_test(size=(80, 24)) as pilot:
        screen = await visit(app, pilot, "home")
        while "demo" not in text_of(screen):
            await pilot.pause()
        await pilot.press("end", "enter")
        assert wished == [OpenRequest("demo", "digits")]


async def test_home_shows_the_open_session_without_reading_its_file(
    app: ScreenApp, monkeypatch: pytest.MonkeyPatch
) -> None:
    from tuilabel.workspace.places import remember

    path = app.label_screen.workspace.path
    remember(path)
    read: list[Path] = []
    monkeypatch.setattr("tuilabel.tui.screens.home.read_state", read.append)
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.pause()
        answer_a_batch(app)
        screen = await visit(app, pilot, "home")
        while "open now" not in text_of(screen):
            await pilot.pause()
        assert "10 labels" in text_of(screen)
        assert read == []
        await pilot.press("home", "enter")
        assert app.screen is app.label_screen


# The files that cannot be read.


async def test_every_unreadable_file_is_listed_with_its_reason(app: ScreenApp) -> None:
    files = [SkippedFile(f"{i}\x1b[2J.png", f"reason {i}") for i in range(100)]
    app.label_screen.messages._files = Messages([], files, 0)._files
    async with app.run_test(size=(80, 24)) as pilot:
        screen = await visit(app, pilot, "messages")
        rows = screen.query_one("#files", Lines)._rows
        assert rows[0].text.startswith(" › 0␛[2J.png")
        assert "reason 0" in rows[0].text
        seen = set()
        for _ in range(10):
            seen |= {row.text.split()[-1] for row in screen.query_one("#files", Lines)._rows}
            await pilot.press("pagedown")
        await pilot.press("home")
        assert seen == {str(i) for i in range(100)}


@pytest.mark.parametrize("width", [80, 120])
async def test_a_long_notice_leaves_the_way_to_the_help_and_out(app: ScreenApp, width: int) -> None:
    front = app.label_screen
    front.messages.about_source(["3 files cannot be read: " + "a long name.png " * 20], [], 0)
    async with app.run_test(size=(width, 24)) as pilot:
        await pilot.pause()
        foot = front.query_one("#status", Lines)._rows[0].text
        assert foot.startswith(" 3 files cannot be read: a long name.png")
        assert foot.rstrip().endswith("… F8: 1 message  ? help  q quit")
        await pilot.press("/")
        assert "q quit" not in front.query_one("#status", Lines)._rows[0].text


async def test_a_source_without_unreadable_files_says_so(app: ScreenApp) -> None:
    async with app.run_test(size=(80, 24)) as pilot:
        screen = await visit(app, pilot, "messages")
        await pilot.press("down", "end", "pageup", "up")
        assert (
            "Every file was read, and nothing is wrong"
            in screen.query_one("#files", Lines)._rows[0].text
        )


async def test_a_lost_session_is_shown_whole_and_copied_once(app: ScreenApp) -> None:
    front, work = app.label_screen, app.label_screen.workspace
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.pause()
        answer_a_batch(app)
        work.path.rename(work.path.with_name("moved"))
        front._told([], health_of(work.journal))
        front.hush()
        foot = front.query_one("#status", Lines)._rows[0].text
        assert "✗ session lost: F8" in foot
        assert "saved" not in foot
        screen = await visit(app, pilot, "messages")
        whole = " ".join(text_of(screen, "#about").split())
        assert "what was saved is gone with it. w on this screen writes all of it" in whole
        await pilot.press("w")
        async with asyncio.timeout(30):
            while work.copied is None or "copy" not in text_of(screen, "#about"):
                await pilot.pause(0.01)
        (copy,) = work.path.parent.glob("*-*.tuilabel")
        command = f"`tuilabel label --session {copy}` continues it."
        assert command.replace(" ", "") in "".join(text_of(screen, "#about").split())
        await pilot.press("w")
        await pilot.pause()
    ending = end_run(work)
    assert ending.failed
    assert command in " ".join(ending.sentences)
    assert list(work.path.parent.glob("*-*.tuilabel")) == [copy], "it is not made again"
