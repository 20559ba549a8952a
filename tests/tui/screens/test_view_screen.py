"""The screen of `tuilabel view`, driven by keys, without a terminal."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from textual.pilot import Pilot

from tuilabel.errors import TrainerError
from tuilabel.progress import Progress
from tuilabel.settings import Settings
from tuilabel.trainer.jobs import Job, Sort, Sorted
from tuilabel.tui.app.viewing import ViewApp
from tuilabel.tui.screens.help import HelpScreen
from tuilabel.tui.screens.view import ViewScreen
from tuilabel.tui.terminal.capabilities import Colours
from tuilabel.tui.terminal.probe import TerminalAnswers
from tuilabel.workspace.viewing import Viewed


@pytest.fixture
def viewed(tmp_path: Path) -> Viewed:
    """Return a folder of twelve images, one of them twice; the later the name, the older."""
    folder = tmp_path / "photos"
    (folder / "sub").mkdir(parents=True)
    for number in range(12):
        path = folder / ("sub" if number % 5 == 0 else "") / f"{number:02}.png"
        Image.fromarray(np.full((8, 8), 20 * number, np.uint8)).save(path)
        os.utime(path, (1e9 - number, 1e9 - number))
    (folder / "copy.png").write_bytes((folder / "07.png").read_bytes())
    return Viewed(str(folder))


@pytest.fixture
def app_of(viewed: Viewed, monkeypatch: pytest.MonkeyPatch) -> Callable[..., ViewApp]:
    """Return a function that makes an application with a trainer that sorts backwards."""

    async def run(self: ViewApp, job: Job, progress: Progress | None = None) -> Sorted:
        assert isinstance(job, Sort)
        if job.like == 3:
            raise TrainerError("no features")
        return Sorted(np.arange(len(viewed), dtype=np.int32)[::-1])

    monkeypatch.setattr(ViewApp, "_run_job", run)

    def make(sort: str = "name") -> ViewApp:
        return ViewApp(viewed, Settings(), sort, Colours(), TerminalAnswers())

    return make


async def press(pilot: Pilot[None], *keys: str) -> None:
    """Press keys, one frame after another."""
    for key in keys:
        await pilot.press(key)
        await pilot.pause()


def name(screen: ViewScreen) -> str:
    """Return the name of the file that is shown large."""
    assert screen.current is not None
    return Path(screen._viewed.paths(screen.current)[0]).name


async def until(pilot: Pilot[None], condition: Callable[[], object]) -> None:
    """Wait for what the screen shows."""
    while not condition():
        await pilot.pause(0.01)


async def test_marks_stay_with_their_images(app_of: Callable[..., ViewApp]) -> None:
    app = app_of()
    async with app.run_test(size=(80, 24)) as pilot:
        await press(pilot, "space", "right", "right", "space")
        marked = {Path(path).name for path in app.view._viewed.written(app.view.marked)}
        await press(pilot, "t")
        await until(pilot, lambda: app.view._sort == "time")
        await press(pilot, "end", "space", "space")
        assert {Path(path).name for path in app.view._viewed.written(app.view.marked)} == marked
        await press(pilot, "tab")
        assert len(app.view._order) == 2
        await press(pilot, "space", "tab", "q")
    assert app.return_code == 0
    assert len(app.view.marked) == 1


async def test_sorting(app_of: Callable[..., ViewApp]) -> None:
    app = app_of("odd")
    async with app.run_test(size=(80, 24)) as pilot:
        await until(pilot, lambda: app.view._sort == "odd")
        first = name(app.view)
        await press(pilot, "right", "n")
        await until(pilot, lambda: app.view._sort == "name")
        second = name(app.view)
        assert second != first, "the image stays when it is sorted by name"
        await press(pilot, "t")
        await until(pilot, lambda: app.view._sort == "time")
        assert name(app.view) == second
        await press(pilot, "home")
        assert name(app.view) in ("copy.png", "11.png")


async def test_what_cannot_be_sorted_stays(app_of: Callable[..., ViewApp]) -> None:
    app = app_of()
    async with app.run_test(size=(80, 24)) as pilot:
        await press(pilot, "right", "right", "right", "l")
        await until(pilot, lambda: app.view.sentence)
        assert app.view.sentence == ("✗ no features", "bad")
        assert app.view._sort == "name"


async def test_a_source_without_files_has_no_times() -> None:
    app = ViewApp(Viewed("digits"), Settings(), "time", Colours(), TerminalAnswers())
    async with app.run_test(size=(80, 24)) as pilot:
        await until(pilot, lambda: app.view.sentence and app.view.sentence[1] == "bad")
        assert app.view.sentence is not None
        assert "digits are not files" in app.view.sentence[0]


async def test_the_image_alone_and_ctrl_c(app_of: Callable[..., ViewApp]) -> None:
    app = app_of()
    async with app.run_test(size=(80, 24)) as pilot:
        await press(pilot, "space", "enter")
        assert app.view._picture.size.width > 70
        first = name(app.view)
        await press(pilot, "down")
        assert name(app.view) != first
        await press(pilot, "escape")
        assert app.view._picture.size.width < 50
        await press(pilot, "question_mark")
        assert isinstance(app.screen, HelpScreen)
        await press(pilot, "escape", "tab", "space", "tab", "ctrl+c")
    assert app.return_code == 130


async def test_every_size(app_of: Callable[..., ViewApp]) -> None:
    app = app_of()
    async with app.run_test(size=(60, 20)) as pilot:
        for size in ((40, 10), (60, 20), (200, 60)):
            await pilot.resize_terminal(*size)
            await press(pilot, "right", "space")
        # Nothing is marked where nothing is shown.
        assert len(app.view.marked) == 2


def test_paths_are_those_of_the_source_as_it_was_named(
    viewed: Viewed, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = Path(viewed._folder or "")
    monkeypatch.chdir(folder.parent)
    found = list(Viewed("photos").written(range(len(viewed))))
    assert sorted(found) == sorted(str(path) for path in Path("photos").rglob("*.png"))
    assert list(Viewed("digits").written([1, 0])) == ["digits[0]", "digits[1]"]
