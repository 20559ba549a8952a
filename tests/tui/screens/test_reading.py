"""The labelling screen beside a source that is still being read."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from screen_app import ScreenApp
from textual.pilot import Pilot

from tuilabel.data import watching
from tuilabel.data.folder_items import FolderItems
from tuilabel.session import requests
from tuilabel.tui.screens.label import LabelScreen
from tuilabel.tui.widgets.lines import Lines
from tuilabel.workspace import reading
from tuilabel.workspace.opening import SourceOptions, Workspace, open_workspace

pytestmark = pytest.mark.usefixtures("warm_decoders")


@pytest.fixture
def gate(monkeypatch: pytest.MonkeyPatch) -> threading.Event:
    """Return what lets files be read: until it is set, every one hangs."""
    gate = threading.Event()
    read = FolderItems.read

    def slow(self: FolderItems, rows: Sequence[int]) -> Any:
        gate.wait(60)
        return read(self, rows)

    monkeypatch.setattr(FolderItems, "read", slow)
    monkeypatch.setattr(reading, "FIRST_SECONDS", 0.01)
    monkeypatch.setattr(reading, "LATE_SECONDS", 0.0)
    return gate


@pytest.fixture
def work(tmp_path: Path, gate: threading.Event) -> Iterator[Workspace]:
    folder = tmp_path / "photos"
    folder.mkdir()
    for value in range(9):
        Image.new("L", (5, 5), 20 * value).save(folder / f"{value}.png")
    (folder / "notes.txt").write_text("no image")
    options = SourceOptions(str(folder), classes=("cat", "dog"))
    with open_workspace(options, {"batch_size": 3}, reads_on=True) as workspace:
        yield workspace


def text(app: ScreenApp) -> str:
    lines = app.label_screen.query(Lines)
    return "\n".join(w.render_line(y).text for w in lines for y in range(w.size.height))


async def until(pilot: Pilot[None], is_true: Any) -> None:
    while not is_true():
        await pilot.pause(0.01)


async def test_the_screen_is_there_before_the_first_image_and_names_the_file(
    work: Workspace, gate: threading.Event
) -> None:
    app = ScreenApp(work, LabelScreen)
    async with app.run_test(size=(80, 24)) as pilot:
        await until(pilot, lambda: "The next image is being read" in text(app))
        await until(pilot, lambda: ".png…" in text(app) or ".txt…" in text(app))
        await pilot.press("1", "space", "enter", "backspace")
        assert work.session.labels == 0
        assert "is being read" in text(app)
        assert "done" not in text(app)
        messages = [message.text for message in app.label_screen.messages.all()]
        assert "10 files are still to be read" in messages[0]
        assert "takes long" in messages[0]
        gate.set()
        await until(pilot, lambda: work.session.current is not None)
        await until(pilot, lambda: "9 left" in text(app))
        messages = [message.text for message in app.label_screen.messages.all()]
        assert not any("to be read" in message for message in messages)
        await pilot.press("1")
        await until(pilot, lambda: work.session.labels == 1)


async def test_the_trainer_begins_once_its_images_were_read(
    work: Workspace, gate: threading.Event
) -> None:
    app = ScreenApp(work, LabelScreen)
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.pause()
        assert app.trainer.pools == []
        assert app.requests == []
        gate.set()
        await until(pilot, lambda: app.requests)
        ((pool,),) = app.trainer.pools
        assert pool.shape == (10, 5, 5)
        await until(pilot, lambda: "1 file cannot be read" in text(app))
        files = [message.about for message in app.label_screen.messages.all()]
        assert "notes.txt" in files


async def test_the_trainer_gets_more_images_as_there_are_more_labels(
    work: Workspace, gate: threading.Event, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(requests, "FIRST_ROWS", 4)
    monkeypatch.setattr(requests, "LABELS_OF_DOUBLING", 3)
    app = ScreenApp(work, LabelScreen)
    async with app.run_test(size=(80, 24)) as pilot:
        gate.set()
        await until(pilot, lambda: app.trainer.pools)
        # Nothing is left to be read, so that nothing but labels can ask for more images.
        await until(pilot, lambda: not app.label_screen._reads)
        while work.session.labels < 3:
            await pilot.press("1")
        await until(pilot, lambda: len(app.trainer.pools) == 2)
        rows = [[file.shape[0] for file in files] for files in app.trainer.pools]
        assert rows == [[4], [4, 4]]


async def test_an_error_of_the_reader_is_shown_and_nothing_is_lost(
    work: Workspace, gate: threading.Event, monkeypatch: pytest.MonkeyPatch
) -> None:
    app = ScreenApp(work, LabelScreen)
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.pause()
        assert work.reading is not None
        work.reading._post(reading.SourceError("The decoder cannot be started."))
        await until(pilot, lambda: "The decoder cannot be started" in text(app))


async def test_files_that_arrive_are_counted_quietly(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(watching, "STABLE_SECONDS", 0.05)
    monkeypatch.setattr(watching, "LOOK_SECONDS", 0.01)
    folder = tmp_path / "photos"
    folder.mkdir()
    for value in range(4):
        Image.new("L", (5, 5), 20 * value).save(folder / f"{value}.png")
    options = SourceOptions(str(folder), classes=("cat", "dog"), watch=True)
    with open_workspace(options, {"batch_size": 3}, reads_on=True) as work:
        app = ScreenApp(work, LabelScreen)
        async with app.run_test(size=(80, 24)) as pilot:
            await until(pilot, lambda: "4 left" in text(app))
            asked = work.session.current_id
            for value in range(2):
                Image.new("L", (5, 5), 100 + value).save(tmp_path / f"new{value}.png")
                (tmp_path / f"new{value}.png").rename(folder / f"new{value}.png")
            await until(pilot, lambda: "6 left" in text(app))
            await until(pilot, lambda: "new file" in text(app))
            assert work.session.current_id == asked
            await pilot.press("1")
            await until(pilot, lambda: work.session.labels == 1)
            await until(pilot, lambda: "new file" not in text(app))
