"""Looking closely: pictures from files, zoom, neighbours and facts, and what may be labelled."""

from __future__ import annotations

import asyncio
import base64
import os
import shutil
import stat
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image, ImageDraw
from screen_app import ScreenApp
from sessions import answered
from textual import events
from textual.pilot import Pilot

from tests.tui.screens.test_label_screen import painted, picture_rows, shown
from tuilabel.data.decoding import DecodeService, Refused
from tuilabel.data.picture import Picture
from tuilabel.data.region import WHOLE, Region
from tuilabel.tui.screens import looking
from tuilabel.tui.screens.label import LabelScreen
from tuilabel.tui.views.look import Look
from tuilabel.workspace import reading
from tuilabel.workspace.opening import SourceOptions, Workspace, open_workspace

pytestmark = pytest.mark.usefixtures("warm_decoders")

SIZE = (140, 45)
SCRATCH = (2210, 1390, 2270, 1415)
"""Left, top, right and bottom of a scratch on one of the photographs."""


@pytest.fixture(scope="module")
def taken(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder of photographs, which is only to be copied."""
    path = tmp_path_factory.mktemp("taken")
    rng = np.random.default_rng(0)
    for number in range(6):
        coarse = Image.fromarray(rng.integers(80, 120, (4, 6, 3), dtype=np.uint8))
        size = (3000, 2000) if number == 0 else (300, 200)
        image = coarse.resize(size, Image.Resampling.BICUBIC)
        if number == 0:
            ImageDraw.Draw(image).line(SCRATCH, fill=(255, 255, 255), width=4)
        image.save(path / f"{number}.jpg", quality=90)
    return path


@pytest.fixture
def folder(taken: Path, tmp_path: Path) -> Path:
    """Return a folder of photographs; the first has a scratch."""
    return Path(shutil.copytree(taken, tmp_path / "photographs"))


@pytest.fixture(params=[False, True], ids=["whole", "reads on"])
def photographs(
    folder: Path, tmp_path: Path, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Workspace]:
    """Open the photographs in a new session: read before, or behind the screen."""
    monkeypatch.setattr(reading, "FIRST_SECONDS", 60.0)  # the machine may be busy
    flags = {"annotator": "me", "cold_start": "random", "audit": 0.0}
    source = SourceOptions(str(folder), classes=("cat", "dog"))
    path = tmp_path / "p.tuilabel"
    with open_workspace(source, flags, path=path, reads_on=request.param) as opened:
        yield opened


@pytest.fixture
def app(photographs: Workspace) -> ScreenApp:
    """Return an application that shows the photographs."""
    return ScreenApp(photographs, LabelScreen)


async def until(pilot: Pilot[None], happened: Callable[[], object]) -> None:
    async with asyncio.timeout(60):
        while not happened():
            await pilot.pause(0.01)


def is_sharp(app: ScreenApp) -> bool:
    """Return whether the picture comes from the file."""
    look, loader = app.label_screen.looking, app.label_screen.looking._loader
    return isinstance(loader.found(look._now), Picture)


async def go_to(app: ScreenApp, pilot: Pilot[None], name: str) -> None:
    """Go to the place of a file in the batch."""
    loop, dataset = app.label_screen.loop, app.label_screen.workspace.dataset
    await painted(app, pilot)
    for _ in loop.batch:
        if dataset.references(loop.current.row) == (name,):
            break
        await pilot.press("right")
    assert dataset.references(loop.current.row) == (name,)
    await painted(app, pilot)
    await until(pilot, lambda: is_sharp(app))
    await pilot.pause()


def brightest(app: ScreenApp) -> int:
    """Return the brightest value that is drawn."""
    triplets = (
        colour.triplet
        for row in picture_rows(app)
        for segment in row
        if segment.style
        for colour in (segment.style.color, segment.style.bgcolor)
        if colour and colour.triplet and segment.text.strip(" ") + "x"
    )
    return max(min(triplet) for triplet in triplets)


async def test_a_scratch_on_a_photograph_is_found_and_judged(app: ScreenApp) -> None:
    async with app.run_test(size=SIZE) as pilot:
        await go_to(app, pilot, "0.jpg")
        assert "0.jpg" in shown(app, "#picture")
        whole = picture_rows(app)
        await pilot.press("pagedown", "home", "end")
        assert "zoom 8x: bottom right, top left, bottom left" in shown(app, "#look")
        await until(pilot, lambda: is_sharp(app))
        await pilot.pause()
        assert picture_rows(app) != whole
        # A quarter block is three stored pixels wide by now: the scratch is ten cells long.
        assert brightest(app) > 200
        await pilot.press("end")
        assert "zoom 4x: bottom right, top left" in shown(app, "#look"), "the same key goes back"
        await pilot.press("escape")
        await until(pilot, lambda: picture_rows(app) == whole)
        assert "accuracy" in shown(app, "#curve")


async def test_the_thumbnail_may_be_labelled_before_the_picture_is_there(
    app: ScreenApp, monkeypatch: pytest.MonkeyPatch
) -> None:
    goes_on = threading.Event()
    original = type(app.label_screen.workspace.dataset).picture

    def slow(self: Any, *arguments: Any) -> Picture:
        assert goes_on.wait(60)
        return original(self, *arguments)

    monkeypatch.setattr(looking, "_LATE", 0.05)
    monkeypatch.setattr(type(app.label_screen.workspace.dataset), "picture", slow)
    loop = app.label_screen.loop
    async with app.run_test(size=SIZE) as pilot:
        await painted(app, pilot)
        await until(pilot, lambda: "waiting for this file" in shown(app, "#picture"))
        name = app.label_screen.workspace.dataset.references(loop.current.row)[0]
        assert f"{name}  waiting for this file" in shown(app, "#picture")
        first = loop.current_id
        await pilot.press("1")
        assert loop.current_id != first
        await painted(app, pilot)
        soft, guard = picture_rows(app), app.label_screen.answers.guard
        goes_on.set()
        await until(pilot, lambda: is_sharp(app))
        await until(pilot, lambda: picture_rows(app) != soft)
        assert not guard.is_to_ask, "a sharper picture is no other image"
        await pilot.press("2")
        assert loop.labels == 2


async def test_a_key_behind_a_zoom_waits_until_the_zoomed_image_is_painted(app: ScreenApp) -> None:
    screen = app.label_screen
    async with app.run_test(size=SIZE) as pilot:
        await go_to(app, pilot, "0.jpg")
        item = screen.loop.current_id
        screen.post_message(events.Key("home", None))
        screen.post_message(events.Key("1", "1"))
        await until(pilot, lambda: screen.answers.guard.held)
        assert (screen.loop.current_id, screen.loop.labels) == (item, 0)
        await painted(app, pilot)
        await pilot.press("1")
        assert screen.loop.labels == 1
        assert screen.looking.look == Look(), "the next image is whole"


async def test_an_image_that_was_not_painted_is_not_zoomed(app: ScreenApp) -> None:
    screen = app.label_screen
    async with app.run_test(size=SIZE) as pilot:
        await go_to(app, pilot, "0.jpg")
        screen.post_message(events.Key("1", "1"))
        screen.post_message(events.Key("home", None))
        await until(pilot, lambda: screen.loop.labels)
        await painted(app, pilot)
        assert screen.looking.look == Look()


async def test_the_time_to_an_answer_goes_on_while_one_looks_closer(app: ScreenApp) -> None:
    screen = app.label_screen
    async with app.run_test(size=SIZE) as pilot:
        await go_to(app, pilot, "0.jpg")
        since = screen.answers._since
        await pilot.press("home")
        await painted(app, pilot)
        assert screen.answers._since == since


async def test_a_neighbour_is_looked_at_and_never_labelled(app: ScreenApp) -> None:
    screen = app.label_screen
    async with app.run_test(size=SIZE) as pilot:
        await go_to(app, pilot, "2.jpg")
        item = screen.loop.current_id
        await pilot.press("comma")
        await until(pilot, lambda: "1.jpg  1 before, not asked" in shown(app, "#picture"))
        await painted(app, pilot)
        for key in ("1", "space", "enter", "slash"):
            await pilot.press(key)
            assert "Esc leads back" in shown(app, "#status") or key == "enter"
        screen.choose_new_class("fish")
        assert (screen.loop.current_id, answered(screen.loop)) == (item, [])
        assert screen.loop.labels == 0
        await pilot.press("full_stop")
        assert "2.jpg" in shown(app, "#picture")
        await painted(app, pilot)
        await pilot.press("1")
        assert screen.loop.labels == 1


async def test_the_last_file_has_none_after_it(app: ScreenApp) -> None:
    async with app.run_test(size=SIZE) as pilot:
        await go_to(app, pilot, "5.jpg")
        await pilot.press("full_stop")
        await until(pilot, lambda: "the last file" in shown(app, "#status"))
        assert not app.label_screen.looking.is_neighbour


async def test_facts_stay_for_the_next_image_until_they_are_taken_away(app: ScreenApp) -> None:
    async with app.run_test(size=SIZE) as pilot:
        await go_to(app, pilot, "0.jpg")
        await pilot.press("tab", "i")
        text = shown(app, "#look")
        assert "3,000 x 2,000 pixels" in text
        assert "JPEG, " in text
        await pilot.press("1")
        await until(pilot, lambda: "300 x 200 pixels" in shown(app, "#look"))
        await pilot.press("tab", "i")
        assert not app.label_screen.board.has_class("-look")


async def test_facts_take_the_place_of_a_map_that_was_there_before(app: ScreenApp) -> None:
    async with app.run_test(size=SIZE) as pilot:
        await go_to(app, pilot, "0.jpg")
        await pilot.press("home")
        await until(pilot, lambda: "zoom 2x" in shown(app, "#look"))
        await pilot.press("escape")
        await until(pilot, lambda: not app.label_screen.board.has_class("-look"))
        await pilot.press("tab", "i")
        await until(pilot, lambda: "3,000 x 2,000 pixels" in shown(app, "#look"))
        assert "zoom" not in shown(app, "#look")


async def test_a_file_that_has_changed_is_named_and_its_thumbnail_stays(
    app: ScreenApp, monkeypatch: pytest.MonkeyPatch
) -> None:
    refused = Refused("its content has changed \x1b[31m")
    monkeypatch.setattr(DecodeService, "decode", lambda *_, **__: refused)
    async with app.run_test(size=SIZE) as pilot:
        await painted(app, pilot)
        await until(pilot, lambda: "can no longer be read" in shown(app, "#picture"))
        assert "\x1b" not in shown(app, "#picture")
        await pilot.press("1")
        assert app.label_screen.loop.labels == 1


async def test_the_path_is_copied_on_request_only_and_never_with_a_line_break(
    app: ScreenApp, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    screen = app.label_screen
    async with app.run_test(size=SIZE) as pilot:
        await go_to(app, pilot, "0.jpg")
        codes = screen.looking.copied()
        assert base64.b64decode(codes.split(";")[2].rstrip("\x1b\\")) == os.fsencode(
            folder / "0.jpg"
        )
        hostile = folder / "a\nrm -rf ~"
        monkeypatch.setattr(type(screen.looking), "_path", hostile)
        assert screen.looking.copied() == ""
        assert "not safe to paste" in shown(app, "#status")
        await pilot.press("tab", "c")


async def test_the_file_is_opened_with_the_program_that_was_named(
    app: ScreenApp, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with app.run_test(size=SIZE) as pilot:
        await go_to(app, pilot, "0.jpg")
        await pilot.press("tab", "o")
        assert "Set TUILABEL_OPEN" in shown(app, "#status")
        opened = tmp_path / "opened"
        program = tmp_path / "viewer"
        program.write_text(
            f'#!/bin/sh\nprintf "%s %s" "$1" "$2" > {opened}.new\nmv {opened}.new {opened}\n'
        )
        program.chmod(program.stat().st_mode | stat.S_IXUSR)
        monkeypatch.setenv(looking.OPEN_VARIABLE, f"{program} --large")
        await pilot.press("tab", "o")
        await until(pilot, opened.exists)
        assert opened.read_text() == f"--large {folder / '0.jpg'}"
        monkeypatch.setenv(looking.OPEN_VARIABLE, str(tmp_path / "nothing"))
        await pilot.press("tab", "o")
        await until(pilot, lambda: "cannot be started" in shown(app, "#status"))


async def test_the_window_changes_the_picture_only_and_stays(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "deep"
    folder.mkdir()
    for number in range(4):
        values = np.linspace(number, 40_000, 100 * 120).reshape(100, 120).astype(np.uint16)
        Image.fromarray(values).save(folder / f"{number}.png")
    source = SourceOptions(str(folder), classes=("cat", "dog"))
    with open_workspace(source, {"cold_start": "random"}, path=tmp_path / "d.tuilabel") as opened:
        app, pool = ScreenApp(opened, LabelScreen), opened.dataset.pool.copy()
        async with app.run_test(size=SIZE) as pilot:
            await painted(app, pilot)
            await until(pilot, lambda: is_sharp(app))
            await pilot.pause()
            before = picture_rows(app)
            await pilot.press("tab", "w", "tab", "b")
            await pilot.pause()
            narrow = picture_rows(app)
            assert narrow != before
            await pilot.press("1")
            await until(pilot, lambda: is_sharp(app))
            await pilot.pause()
            assert app.label_screen.looking._window == (1, 1)
            await pilot.press("tab", "W", "tab", "B")
            await pilot.pause()
            assert app.label_screen.looking._window == (0, 0)
        assert (opened.dataset.pool == pool).all()


def test_the_corners_of_corners() -> None:
    look = Look().towards("top_right").towards("bottom_left")
    assert look.region == Region(0.5, 0.25, 0.75, 0.5)
    assert look.closer().region == Region(0.5, 0.375, 0.625, 0.5)
    assert look.towards("bottom_left").region == Region(0.5, 0, 1, 0.5)
    assert Look().region == WHOLE


async def test_a_neighbour_that_was_not_read_yet_is_read_beside_the_screen(
    app: ScreenApp, monkeypatch: pytest.MonkeyPatch
) -> None:
    screen = app.label_screen
    dataset = screen.workspace.dataset
    async with app.run_test(size=SIZE) as pilot:
        await go_to(app, pilot, "2.jpg")
        row = next(r for r in range(len(dataset)) if dataset.references(r)[0] == "3.jpg")
        reading = dataset.reading
        if reading is None:
            pytest.skip("this folder is read whole when it is opened")
        original, asked = type(dataset).image, list[int]()

        def image(self: Any, i: int) -> Any:
            asked.append(i)
            return original(self, i)

        monkeypatch.setattr(type(dataset), "image", image)
        reading.unread[row] = True
        await pilot.press("full_stop")
        await until(pilot, lambda: "3.jpg  1 after" in shown(app, "#picture"))
        await until(pilot, lambda: is_sharp(app))
        await pilot.press("tab", "i", "home")
        assert row not in asked, "it would have been read on the event loop"
        reading.unread[row] = False
