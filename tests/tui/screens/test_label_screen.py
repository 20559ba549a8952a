"""The labelling screen, driven by keys, without a terminal."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from loop_fakes import ME, fit_finished
from screen_app import ScreenApp
from sessions import answer_events, answer_of, answered
from textual import events
from textual.pilot import Pilot
from textual.strip import Strip
from textual.widgets import Static

from tuilabel.errors import SaveError, SourceError
from tuilabel.events.payloads import Label, Suggestion
from tuilabel.learn.metrics import Accuracy
from tuilabel.learn.requests import ColdStart, ColdStartFinished, FitFinished
from tuilabel.session import ORACLE
from tuilabel.trainer.reports import Fitted, Unprepared, Working
from tuilabel.tui.images.protocols.support import Graphics, ProtocolName
from tuilabel.tui.screens.demo import DemoScreen
from tuilabel.tui.screens.help import HelpScreen
from tuilabel.tui.screens.label import LabelScreen
from tuilabel.tui.screens.page import Page
from tuilabel.tui.terminal.capabilities import Colours, Depth
from tuilabel.tui.text.theme import apply_colours
from tuilabel.tui.widgets.accuracy_line import AccuracyLine
from tuilabel.tui.widgets.lines import Lines
from tuilabel.tui.widgets.overlay import Overlay
from tuilabel.workspace.opening import SourceOptions, Workspace, open_workspace


def shown(app: ScreenApp, selector: str) -> str:
    widget = app.label_screen.query_one(selector, Lines)
    return "\n".join(widget.render_line(y).text for y in range(widget.size.height))


def picture_rows(app: ScreenApp) -> list[Strip]:
    widget = app.label_screen.query_one("#picture", Lines)
    return [widget.render_line(y) for y in range(widget.size.height)]


def colours_drawn(app: ScreenApp) -> set[object]:
    """Give the background colours of the picture: one where nothing is drawn."""
    return {segment.style.bgcolor for row in picture_rows(app) for segment in row if segment.style}


def finished_fit(app: ScreenApp) -> FitFinished:
    loop = app.label_screen.loop
    rows = [row for row in range(200) if loop.items.ids[row]][100:150]
    rows = [row for row in rows if all(row != slot.row for slot in loop.batch)]
    likely = [0.55, 0.2, 0.1] + [0.15 / 7] * 7
    accuracy = Accuracy(430, 500, "hold-out")
    return fit_finished(loop.generation, rows, [likely] * len(rows), accuracy)


async def fill_batch(app: ScreenApp, pilot: Pilot[None]) -> None:
    """Answer a whole batch without the price of pressing a key for each."""
    screen = app.label_screen
    for _ in range(len(screen.loop.batch)):
        await painted(app, pilot)
        screen.choose_class(7)
    await painted(app, pilot)


async def painted(app: ScreenApp, pilot: Pilot[None]) -> None:
    """Wait until the image is on the terminal, so that keys are taken as answers."""
    await pilot.pause()
    while app.label_screen.answers.guard.holds(app.label_screen.answers._clock()):
        await pilot.pause()


async def test_the_first_frame_is_complete(app: ScreenApp) -> None:
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.pause()
        assert "digits  round 1   1 of 10  0 labels  1,297 left" in shown(app, "#header")
        assert "no model yet · cold start random" in shown(app, "#suggestions")
        assert "accuracy on the hold-out" in shown(app, "#curve")
        assert shown(app, "#legend").split() == ["keys", *"0123456789"]
        assert "ready" in shown(app, "#status")
        assert "quit" in shown(app, "#status")
        assert len(colours_drawn(app)) > 3


async def test_keys_at_the_foot_outlast_what_the_trainer_has_done(app: ScreenApp) -> None:
    async with app.run_test(size=(80, 24)) as pilot:
        await painted(app, pilot)
        app.label_screen.trainer_reported(Working(), busy=True)
        await pilot.pause()
        app.label_screen.show_all()
        assert "choosing images…" in shown(app, "#status")
        keys = shown(app, "#status").split("choosing images…")[1].split()
        app.label_screen.trainer_reported(
            Fitted("a model of a name that is long", "features of another"), busy=False
        )
        await pilot.pause()
        app.label_screen.show_all()
        assert "a model" not in shown(app, "#status")
        assert shown(app, "#status").split()[-len(keys) :] == keys


async def test_a_problem_of_the_trainer_is_read_and_leaves_the_keys_at_the_foot(
    app: ScreenApp,
) -> None:
    problem = "Only 12 of the pool's 50 images differ, too few for a label graph, which needs 30."
    async with app.run_test(size=(100, 24)) as pilot:
        await painted(app, pilot)
        keys = shown(app, "#status").split("ready")[1].split()
        app.label_screen.trainer_reported(Unprepared(problem), busy=False)
        await pilot.pause()
        assert problem in shown(app, "#status")
        await pilot.press("4")
        assert "✓ 1 saved" in shown(app, "#status")
        assert "!" in shown(app, "#status")
        assert shown(app, "#status").split()[-len(keys) :] == keys
        app.label_screen.trainer_reported(Unprepared(problem), busy=False)
        await pilot.pause()
        assert shown(app, "#status").split()[-len(keys) :] == keys, "it is no news"


async def test_with_few_colours_one_line_names_the_option_until_a_key_is_pressed(
    app: ScreenApp,
) -> None:
    apply_colours(app, Colours(Depth.SIXTEEN))
    async with app.run_test(size=(80, 24)) as pilot:
        await painted(app, pilot)
        assert "16 colours make images coarse." in shown(app, "#status")
        assert "--color 256" in shown(app, "#status")
        await pilot.press("4")
        assert "✓ 1 saved" in shown(app, "#status")


async def test_few_colours_are_no_matter_where_images_are_drawn_in_pixels(app: ScreenApp) -> None:
    apply_colours(app, Colours(Depth.SIXTEEN))
    app.overlay = Overlay(Graphics(ProtocolName.SIXEL, (9, 18)))
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.pause()
        assert "coarse" not in shown(app, "#status")


async def test_a_class_key_labels_what_is_shown_and_the_next_image_comes(app: ScreenApp) -> None:
    loop = app.label_screen.loop
    async with app.run_test(size=(80, 24)) as pilot:
        await painted(app, pilot)
        item, before = loop.current_id, picture_rows(app)
        await pilot.press("4")
        assert loop.current_id != item
        assert picture_rows(app) != before
        assert "✓ 1 saved" in shown(app, "#status")
        assert "1 label " in shown(app, "#header")
        assert item is not None
        name, answer = answer_of(loop, item)
        assert (name, loop.labels) == ("4", 1)
        assert answer.ms is not None
        assert answer.ms >= 0


async def test_skip_undo_and_looking_about(app: ScreenApp) -> None:
    loop = app.label_screen.loop
    async with app.run_test(size=(80, 24)) as pilot:
        await painted(app, pilot)
        first = loop.current_id
        await pilot.press("space")
        assert loop.known.skips_held == 1
        assert "–" in shown(app, "#strip")
        await pilot.press("left")
        assert loop.current_id == first
        await pilot.press("right", "right")
        assert loop.cursor == 2
        await pilot.press("u")
        assert loop.current_id == first
        assert loop.known.skips_held == 0
        assert "2 saved" in shown(app, "#status")
        await pilot.press("backspace")
        assert "nothing to undo" in shown(app, "#status")


async def test_a_ranking_shows_suggestions_the_curve_and_enter_accepts(app: ScreenApp) -> None:
    screen = app.label_screen
    async with app.run_test(size=(80, 24)) as pilot:
        await painted(app, pilot)
        assert "Enter" not in shown(app, "#status"), "there is nothing to accept"
        await pilot.press("enter")
        assert "no suggestion to accept" in shown(app, "#status")
        assert screen.loop.labels == 0
        await fill_batch(app, pilot)
        assert len(app.requests) == 1
        assert screen.loop.take_request() is None
        kept = screen.loop.current_id
        screen.ranking_arrived(finished_fit(app))
        screen.show_all()
        await pilot.pause()
        assert screen.loop.current_id == kept
        assert "86.0%  (82.7% to 88.8%), n 500" in shown(app, "#curve")
        assert "softmax on raw · margin" in shown(app, "#suggestions")
        await pilot.press("7")
        await painted(app, pilot)
        assert "0 ▄" in shown(app, "#suggestions")
        assert "55.0%" in shown(app, "#suggestions")
        assert "Enter accept  Space skip" in shown(app, "#status")
        await pilot.press("enter")
        last = answer_events(screen.loop)[-1].payload
        assert isinstance(last, Label)
        assert (answered(screen.loop)[-1], last.accepted) == ("0", True)


async def test_a_tools_suggestion_is_shown_where_the_model_has_none(app: ScreenApp) -> None:
    screen = app.label_screen
    loop = screen.loop
    guess = Suggestion(
        item=str(loop.current_id), class_id=loop.classes.ids[3], origin="detector", probability=0.9
    )
    loop.take_in(screen.workspace.journal.append([guess], "detector"))
    async with app.run_test(size=(80, 24)) as pilot:
        await painted(app, pilot)
        assert "3 90%, suggested by detector" in shown(app, "#suggestions")
        await pilot.press("enter")
        assert answered(loop) == ["3"]
        assert "suggested by" not in shown(app, "#suggestions")


async def test_suggestions_can_come_after_the_label_or_not_at_all(app: ScreenApp) -> None:
    screen = app.label_screen
    async with app.run_test(size=(80, 24)) as pilot:
        await fill_batch(app, pilot)
        screen.ranking_arrived(finished_fit(app))
        screen.show_all()
        await pilot.press("7", "p")
        await painted(app, pilot)
        assert "55.0%" not in shown(app, "#suggestions")
        await pilot.press("enter")
        assert "Nothing to accept" in shown(app, "#status")
        assert screen.loop.labels == 11
        await pilot.press("9")
        assert "Enter" not in shown(app, "#status"), "what comes after is not accepted"
        bars = shown(app, "#suggestions")
        assert "on your last answer" in bars
        assert "›9" in bars
        await pilot.press("p")
        assert "suggestions are off" in shown(app, "#suggestions")
        assert "Suggestions are off." in shown(app, "#status")
        await pilot.press("plus")
        assert "Suggestions are off." not in shown(app, "#status"), "it stays until the next key"
        await pilot.press("p")
        assert "55.0%" in shown(app, "#suggestions")


async def test_what_is_not_saved_is_said_and_the_image_stays(
    app: ScreenApp, monkeypatch: pytest.MonkeyPatch
) -> None:
    loop = app.label_screen.loop

    def fail(*_: Any) -> None:
        raise SaveError("Not saved: the disk is full. Free some space, then press the key again.")

    async with app.run_test(size=(80, 24)) as pilot:
        await painted(app, pilot)
        item = loop.current_id
        with monkeypatch.context() as patch:
            patch.setattr(loop._log, "append", fail)
            await pilot.press("3")
        assert loop.current_id == item
        assert loop.labels == 0
        assert "✗ Not saved: the disk is full" in shown(app, "#status")
        await pilot.press("3")
        assert loop.labels == 1
        assert "1 saved" in shown(app, "#status")


async def test_answers_typed_ahead_of_the_image_are_held_and_counted(app: ScreenApp) -> None:
    screen = app.label_screen
    async with app.run_test(size=(80, 24)) as pilot:
        await painted(app, pilot)
        screen.answers.guard.expect()
        screen.answers.guard.asked(5, screen.answers._clock())
        item = screen.loop.current_id
        await pilot.press("3", "4", "space")
        assert screen.loop.current_id == item
        assert screen.loop.desk.acts == 0
        assert "3 keys were typed ahead" in shown(app, "#status")
        screen.answers.painted_up_to(5)
        await pilot.press("3")
        assert screen.loop.labels == 1


async def test_how_many_were_held_back_is_shown_for_a_while_and_not_with_another_image(
    app: ScreenApp, monkeypatch: pytest.MonkeyPatch
) -> None:
    def foot() -> str:
        return shown(app, "#status")

    async with app.run_test(size=(100, 24)) as pilot:
        screen = app.label_screen
        for is_short in (False, True):
            await painted(app, pilot)
            monkeypatch.setattr("tuilabel.tui.screens.label.A_WHILE", 0.01 if is_short else 1000)
            screen.answers.guard.held = 3
            await pilot.press("3")
            if not is_short:
                assert "3 held back" in foot()
                await pilot.press("right")
            while "held back" in foot():
                await pilot.pause(0.01)


@pytest.mark.parametrize(("width", "pool"), [(60, ""), (70, "1,297 left"), (90, "1,297 left")])
async def test_that_keys_wait_is_in_the_header_however_narrow(
    app: ScreenApp, width: int, pool: str
) -> None:
    async with app.run_test(size=(width, 24)) as pilot:
        await pilot.pause()
        app.label_screen.board.show_progress("mosh-server: keys wait 500 ms")
        header = shown(app, "#header")
        assert "keys wait 500 ms" in header
        assert ("mosh-server: keys wait" in header) is (width == 90)
        assert "round 1   1 of 10  0 labels" in header
        assert pool in header
        app.label_screen.board.show_progress()
        assert "digits  round 1   1 of 10  0 labels  1,297 left" in shown(app, "#header")


async def test_who_else_labels_is_worth_more_than_what_stands_between(
    app: ScreenApp, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.pause()
        monkeypatch.setattr(app.label_screen.loop, "others", lambda: ["anna", "bob"])
        widths = {120: "with anna, bob  tmux: keys", 72: "with anna, bob  keys", 70: "2 others"}
        for width, wanted in widths.items():
            line = "tmux: keys wait 500 ms"
            left, right, _ = app.label_screen.presenter.header("shapes", line, width)
            written = "".join(text for group in (left, *right) for text, _ in group)
            assert wanted in written
            assert written.endswith("keys wait 500 ms ")
            assert len(written) < width, "there is a blank between both sides"


async def test_invert_and_contrast_change_the_picture_only(app: ScreenApp) -> None:
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.pause()
        plain, strip = picture_rows(app), shown(app, "#strip")
        await pilot.press("i")
        assert picture_rows(app) != plain
        await pilot.press("i", "plus")
        assert picture_rows(app) != plain
        await pilot.press("minus")
        assert picture_rows(app) == plain
        assert shown(app, "#strip") == strip


async def test_the_contrast_stays_for_the_next_image(app: ScreenApp) -> None:
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.pause()
        await pilot.press("right")
        await pilot.pause()
        plain = picture_rows(app)
        await pilot.press("left", "plus", "plus")
        await painted(app, pilot)
        await pilot.press("1")
        await pilot.pause()
        assert app.label_screen.loop.cursor == 1
        raised = picture_rows(app)
        assert raised != plain
        await pilot.press("minus", "minus")
        assert picture_rows(app) == plain


async def test_help_shows_every_action_and_goes_back(app: ScreenApp) -> None:
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("question_mark")
        assert isinstance(app.screen, HelpScreen)
        text = " ".join(app.screen.query_one(Page).text.split())
        for action in app.label_screen.actions:
            assert action.help in text
        assert "Keymap default" in text
        await pilot.press("7")
        assert app.label_screen.loop.labels == 0
        await pilot.press("question_mark")
        assert app.screen is app.label_screen


async def test_a_small_terminal_says_what_it_needs_and_recovers(app: ScreenApp) -> None:
    async with app.run_test(size=(20, 5)) as pilot:
        await pilot.pause()
        sentence = app.label_screen.query_one("#too-small", Static)
        assert sentence.display
        assert "needs 60x20, this is 20x5" in str(sentence.render())
        item = app.label_screen.loop.current_id
        await pilot.press("3")
        assert app.label_screen.loop.labels == 0
        await pilot.resize_terminal(80, 24)
        await pilot.pause()
        assert not sentence.display
        assert len(colours_drawn(app)) > 3
        assert app.label_screen.loop.current_id == item


@pytest.mark.parametrize("size", [(60, 20), (80, 24), (120, 40), (200, 60), (60, 60), (250, 20)])
async def test_every_part_has_its_place_at_every_size(
    app: ScreenApp, size: tuple[int, int]
) -> None:
    async with app.run_test(size=size) as pilot:
        await pilot.pause()
        for selector in ("#header", "#picture", "#suggestions", "#curve", "#strip", "#status"):
            region = app.label_screen.query_one(selector).region
            assert region.area > 0
            assert region in app.label_screen.region
        assert len(colours_drawn(app)) > 3


async def test_when_everything_is_answered_the_screen_says_so(
    app: ScreenApp, workspace: Workspace
) -> None:
    screen = app.label_screen
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.pause()
        loop = screen.loop
        while loop.current_id is not None:
            loop.skip(loop.current_id, by=ME)
        screen.changed()
        await pilot.pause()
        for place in ("#picture", "#rows"):
            words = shown(app, place).split()
            assert "Every image is answered. 0 labels, 1,297 skipped" in " ".join(words)
            assert shown(app, "#legend").split() == []
            assert not {"Enter", "Space"} & set(shown(app, "#status").split())
            await pilot.press("v")
        for key in ("3", "slash"):
            await pilot.press(key)
            assert "Every image is answered" in shown(app, "#status")
        await pilot.press("u")
        assert loop.current is not None
        assert shown(app, "#legend").split()[:2] == ["keys", "0"]


async def test_a_damaged_image_is_said_and_can_be_skipped(
    app: ScreenApp, workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    def damaged(row: int) -> Any:
        raise SourceError(f"image {row} is damaged: open the source again.")

    monkeypatch.setattr(type(workspace.dataset), "image", lambda _, row: damaged(row))
    async with app.run_test(size=(80, 24)) as pilot:
        await painted(app, pilot)
        assert "is damaged: open the source again." in shown(app, "#status")
        await pilot.press("space")
        assert app.label_screen.loop.known.skips_held == 1


async def test_the_demo_presses_the_true_keys_and_a_person_takes_over(workspace: Workspace) -> None:
    app = ScreenApp(workspace, DemoScreen, rate=500.0, budget=1000)
    loop = app.label_screen.loop
    async with app.run_test(size=(80, 24)) as pilot:
        while loop.labels < 5:
            await pilot.pause(0.01)
        await pilot.press("p")
        paused_at = loop.labels
        await pilot.pause(0.05)
        assert loop.labels == paused_at
        truth = workspace.dataset.truth
        assert truth is not None
        for event in answer_events(loop):
            assert isinstance(event.payload, Label)
            row = workspace.dataset.row_of(event.payload.item)
            assert loop.class_name(event) == str(truth[row])
            assert (event.by, event.payload.origin) == (ORACLE.name, ORACLE.origin)
        await painted(app, pilot)
        await pilot.press("3")
        last = answer_events(loop)[-1]
        assert isinstance(last.payload, Label)
        assert (last.by, last.payload.origin) == ("me", "human")
        assert "The keys are yours now." in shown(app, "#status")
        await painted(app, pilot)
        await pilot.press("3")
        assert "The keys are yours now." not in shown(app, "#status")


async def test_in_rows_a_whole_batch_is_typed_once_it_was_seen(app: ScreenApp) -> None:
    screen, loop = app.label_screen, app.label_screen.loop
    async with app.run_test(size=(80, 24)) as pilot:
        await painted(app, pilot)
        await pilot.press("v")
        await painted(app, pilot)
        batch = [slot.row for slot in loop.batch]
        pictures = shown(app, "#rows")
        for digit in range(9):
            screen.choose_class(digit)
            assert not screen.answers.guard.holds(screen.answers._clock()), "each image was seen"
        await pilot.pause()
        assert loop.labels == 9
        assert loop.cursor == 9
        assert "▲" in shown(app, "#rows").splitlines()[-1].split()
        assert shown(app, "#rows").splitlines()[:7] == pictures.splitlines()[:7]
        await pilot.press("backspace", "up", "down")
        assert (loop.labels, loop.cursor) == (8, 8)
        screen.choose_class(8)
        screen.choose_class(9)
        assert screen.answers.guard.holds(screen.answers._clock()), (
            "the next batch is not painted yet"
        )
        screen.choose_class(3)
        assert loop.labels == 10
        names = [answer_of(loop, loop.items.ids[row])[0] for row in batch]
        assert names == [str(digit) for digit in range(10)]


async def test_a_ranking_leaves_alone_what_stands_in_rows(app: ScreenApp) -> None:
    screen, loop = app.label_screen, app.label_screen.loop
    async with app.run_test(size=(80, 24)) as pilot:
        await painted(app, pilot)
        await pilot.press("v")
        await fill_batch(app, pilot)
        batch = list(loop.batch)
        screen.ranking_arrived(finished_fit(app))
        screen.show_all()
        assert [slot.row for slot in loop.batch] == [slot.row for slot in batch]
        await pilot.press("v")
        await painted(app, pilot)
        assert len(colours_drawn(app)) > 3


@pytest.mark.parametrize("size", [(60, 20), (80, 24), (120, 40), (200, 60), (60, 60), (250, 20)])
async def test_ten_images_stand_in_rows_at_every_size(
    app: ScreenApp, size: tuple[int, int]
) -> None:
    async with app.run_test(size=size) as pilot:
        await pilot.press("v")
        await painted(app, pilot)
        marks = [line for line in shown(app, "#rows").splitlines() if set(line) & set("▲·")]
        assert sum(line.count("▲") + line.count("·") for line in marks) == 10
        for selector in ("#header", "#rows", "#suggestions", "#curve", "#legend", "#status"):
            region = app.label_screen.query_one(selector).region
            assert region.area > 0
            assert region in app.label_screen.region


@pytest.mark.parametrize("size", [(80, 24), (140, 45), (120, 40)])
async def test_what_the_rows_cannot_use_the_side_has(app: ScreenApp, size: tuple[int, int]) -> None:
    async with app.run_test(size=size) as pilot:
        await pilot.press("v")
        await painted(app, pilot)
        assert shown(app, "#rows").splitlines()[-1].strip(), "the marks are in the last row"
        assert ("1.0" in shown(app, "#curve")) == (size[1] > 24)
        await pilot.press("v")
        await painted(app, pilot)
        assert app.label_screen.query_one("#side").region.bottom > size[1] // 2


async def test_a_finished_demo_leaves_by_itself_unless_a_key_keeps_it(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tuilabel.tui.screens.demo.LINGER", 0.05)
    app = ScreenApp(workspace, DemoScreen, rate=500.0, budget=2)
    async with app.run_test(size=(80, 24)) as pilot:
        while app.is_running:
            await pilot.pause(0.01)
    assert app.return_code == 0
    assert app.label_screen.loop.labels == 2


@pytest.mark.parametrize(("chance", "foot"), [(1 / 45, ".02"), (0.1, "0.1"), (0.5, "0.5")])
async def test_the_foot_of_the_accuracy_axis_is_chance(
    app: ScreenApp, chance: float, foot: str
) -> None:
    async with app.run_test(size=(80, 24)) as pilot:
        await painted(app, pilot)
        line = app.label_screen.query_one(AccuracyLine)
        line.show_accuracy("accuracy", [0.5], "", chance=chance)
        await pilot.pause()
        numbers = [row[:3].strip() for row in shown(app, "#curve").split("\n")]
        assert [number for number in numbers if number[:1] in ("0", "1", ".")] == ["1.0", foot]


@pytest.mark.parametrize("wait", [0, 2])
async def test_a_slow_cold_start_leaves_the_first_image_as_it_is(tmp_path: Path, wait: int) -> None:
    flags = {"annotator": "me", "cold_start": "kmeans", "seed": 5}
    path = tmp_path / "cold.tuilabel"
    with open_workspace(SourceOptions("digits"), flags, path=path) as workspace:
        seeded = [slot.row for slot in workspace.session.batch]
        app = ScreenApp(workspace, LabelScreen)
        async with app.run_test(size=(80, 24)) as pilot:
            await painted(app, pilot)
            (request,) = app.requests
            assert isinstance(request, ColdStart)
            assert tuple(request.items) == (seeded[0],)
            for _ in range(wait):
                app.label_screen.choose_class(7)
                await painted(app, pilot)
            chosen = [row for row in range(100) if row not in seeded][: request.size]
            app.label_screen.ranking_arrived(ColdStartFinished(request.generation, chosen))
            await pilot.pause()
            found = [slot.row for slot in workspace.session.batch]
    assert found == [*seeded[: wait + 1], *chosen[: 9 - wait]]


async def test_a_key_typed_behind_the_one_that_quits_labels_nothing(app: ScreenApp) -> None:
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.pause()
        screen, loop = app.label_screen, app.label_screen.loop
        app.exit()
        await screen.on_key(events.Key("5", "5"))
        assert loop.labels == 0
