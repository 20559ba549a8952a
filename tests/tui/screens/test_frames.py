"""The frames of a group on the labelling screen: stepping, playing, answering about one alone."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from PIL import Image
from screen_app import ScreenApp
from textual import events

from tests.tui.screens.test_label_screen import painted, shown
from tests.tui.screens.test_looking import until
from tuilabel.plugins import with_options
from tuilabel.tui.screens import frames
from tuilabel.tui.screens.label import LabelScreen
from tuilabel.workspace import reading
from tuilabel.workspace.opening import SourceOptions, Workspace, open_workspace

SIZE = (80, 24)
FRAMES = 3

pytestmark = pytest.mark.usefixtures("warm_decoders")


@pytest.fixture
def multi() -> bool:
    """Return whether an image may have several classes."""
    return False


@pytest.fixture
def bursts(tmp_path: Path, multi: bool, monkeypatch: pytest.MonkeyPatch) -> Iterator[Workspace]:
    """Open two groups of three photographs in a new session."""
    monkeypatch.setattr(reading, "FIRST_SECONDS", 60.0)  # the machine may be busy
    root = tmp_path / "bursts"
    for number in range(2 * FRAMES):
        path = root / f"{number // FRAMES}" / f"{number % FRAMES}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.new("L", (200, 150), 20 * number).save(path)
    flags = {"annotator": "me", "cold_start": "random", "audit": 0.0, "batch_size": 2}
    named = with_options(str(root), group="folder")
    source = SourceOptions(named, classes=("cat", "dog"), multi=multi)
    path = tmp_path / "s.tuilabel"
    with open_workspace(source, flags, path=path, reads_on=True) as opened:
        yield opened


@pytest.fixture
def app(bursts: Workspace) -> ScreenApp:
    """Return an application that shows the groups."""
    return ScreenApp(bursts, LabelScreen)


def classes(app: ScreenApp) -> list[str | None]:
    """Return the classes of the frames that are on the screen."""
    screen = app.label_screen
    known, ids = screen.loop.known, screen.loop.items.ids
    found = [known.standing(ids[row]) for row in screen.looking.frames]
    return [None if one is None else known.classes.name(one.class_id or "") for one in found]


async def test_one_steps_through_a_group_and_one_key_labels_it(app: ScreenApp) -> None:
    screen = app.label_screen
    async with app.run_test(size=SIZE) as pilot:
        await painted(app, pilot)
        first = screen.loop.current_id
        assert "frame 1 of 3" in shown(app, "#picture")
        assert "0 labels  2 left" in shown(app, "#header")
        await pilot.press("comma")
        assert "This is the first frame." in shown(app, "#status")
        for number in (2, 3):
            await pilot.press("full_stop")
            await painted(app, pilot)
            assert f"{number - 1}.png  frame {number} of 3" in shown(app, "#picture")
        await pilot.press("full_stop")
        assert "This is the last frame." in shown(app, "#status")
        await pilot.press("tab", "f")
        last = screen.looking.frames[-1]
        assert list(screen.loop.known.remarks.flagged) == [screen.loop.items.ids[last]]
        await pilot.press("1")
        assert screen.loop.current_id != first
        assert screen.loop.known.labels_held == FRAMES
        await painted(app, pilot)
        assert "frame 1 of 3" in shown(app, "#picture")
        assert "1 label  1 left" in shown(app, "#header")
        await pilot.press("left")
        await painted(app, pilot)
        assert classes(app) == ["cat"] * FRAMES
        await pilot.press("backspace")
        assert classes(app) == [None] * FRAMES


async def test_a_frame_is_labelled_alone(app: ScreenApp) -> None:
    screen = app.label_screen
    async with app.run_test(size=SIZE) as pilot:
        await painted(app, pilot)
        await pilot.press("full_stop")
        await painted(app, pilot)
        await pilot.press("tab", "1")
        assert "for frame 2 of 3 alone; Esc cancels" in shown(app, "#status")
        await painted(app, pilot)
        await pilot.press("2")
        assert classes(app) == [None, "dog", None]
        assert "this frame only" in shown(app, "#status")
        assert "frame 2 of 3, dog" in shown(app, "#picture")
        await pilot.press("tab", "1", "escape")
        await painted(app, pilot)
        group = screen.looking.frames
        await pilot.press("1")
        assert screen.looking.frames != group
        await painted(app, pilot)
        await pilot.press("left")
        await painted(app, pilot)
        assert classes(app) == ["cat", "dog", "cat"]


async def test_an_answer_about_one_frame_waits_until_it_is_painted(app: ScreenApp) -> None:
    screen = app.label_screen
    async with app.run_test(size=SIZE) as pilot:
        await painted(app, pilot)
        await pilot.press("full_stop")
        await painted(app, pilot)
        for key, character in (("tab", None), ("1", "1"), ("2", "2")):
            screen.post_message(events.Key(key, character))
        await until(pilot, lambda: screen.answers.guard.held)
        assert classes(app) == [None] * FRAMES
        await painted(app, pilot)
        await pilot.press("2")
        assert classes(app) == [None, "dog", None], "it is still about this frame alone"


async def test_what_is_done_in_between_ends_it(app: ScreenApp) -> None:
    async with app.run_test(size=SIZE) as pilot:
        await painted(app, pilot)
        await pilot.press("tab", "1", "i")
        await painted(app, pilot)
        await pilot.press("1", "left")
        await painted(app, pilot)
        assert classes(app) == ["cat"] * FRAMES


async def test_any_key_ends_the_playing_and_labels_the_group(app: ScreenApp) -> None:
    screen = app.label_screen
    async with app.run_test(size=SIZE) as pilot:
        await painted(app, pilot)
        await pilot.press("tab", "p")
        assert screen.frames.plays
        await until(pilot, lambda: "frame 2 of 3" in shown(app, "#picture"))
        await pilot.press("1")
        assert not screen.frames.plays
        assert screen.loop.known.labels_held == FRAMES, "the group was seen with its first frame"


async def test_playing_ends_when_nobody_looks(
    app: ScreenApp, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(frames, "_AT_LEAST", 1)
    monkeypatch.setattr(frames, "PER_SECOND", 50)
    screen = app.label_screen
    async with app.run_test(size=SIZE) as pilot:
        await painted(app, pilot)
        await pilot.press("tab", "p")
        await until(pilot, lambda: not screen.frames.plays)
        assert "frame 1 of 3" in shown(app, "#picture"), "all were shown, and the first again"


@pytest.mark.parametrize("multi", [True])
async def test_a_frame_has_classes_of_its_own_where_there_may_be_several(app: ScreenApp) -> None:
    screen = app.label_screen
    async with app.run_test(size=SIZE) as pilot:
        await painted(app, pilot)
        await pilot.press("tab", "1")
        await painted(app, pilot)
        await pilot.press("1", "2", "enter")
        await painted(app, pilot)
        group = [screen.loop.items.ids[row] for row in screen.looking.frames]
        assert screen.loop.known.labels_held == 1
        assert not screen.marks.of(screen.asked), "the others begin with no class"
        await pilot.press("2", "enter")
        assert screen.loop.known.labels_held == FRAMES
        assert [screen.loop.classes_of(item) for item in group] == [(0, 1), (1,), (1,)]


async def test_in_rows_one_image_stands_for_a_group(app: ScreenApp) -> None:
    screen = app.label_screen
    async with app.run_test(size=SIZE) as pilot:
        await painted(app, pilot)
        await pilot.press("v")
        await painted(app, pilot)
        for second, words in (("p", "Only the frames of a group"), ("1", "Only a frame of a")):
            await pilot.press("tab", second)
            assert words in shown(app, "#status")
        item = screen.loop.current_id
        assert screen.shown_item() == item
        await pilot.press("1")
        assert screen.loop.known.labels_held == FRAMES


async def test_on_a_slow_line_nothing_is_played(
    app: ScreenApp, monkeypatch: pytest.MonkeyPatch
) -> None:
    screen = app.label_screen
    async with app.run_test(size=SIZE) as pilot:
        await painted(app, pilot)
        monkeypatch.setattr(frames.Frames, "_is_slow", True)
        await pilot.press("tab", "p")
        assert "too slow to play" in shown(app, "#status")
        assert not screen.frames.plays
