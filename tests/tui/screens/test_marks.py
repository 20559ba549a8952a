"""Several classes for an image: keys mark, Enter saves, and no mark is on an image not yet seen."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from screen_app import ScreenApp
from textual.pilot import Pilot

from tuilabel.events.payloads import LabelSet
from tuilabel.journal.journal import Journal
from tuilabel.tui.screens.history import HistoryScreen
from tuilabel.tui.screens.label import LabelScreen
from tuilabel.tui.screens.tallies import TalliesScreen
from tuilabel.tui.widgets.lines import Lines
from tuilabel.workspace.opening import SourceOptions, open_workspace

NAMES = ("car", "bird", "bird/owl")


@pytest.fixture
def app(tmp_path: Path) -> Iterator[ScreenApp]:
    """Open a session of several classes."""
    rng = np.random.default_rng(0)
    np.savez(tmp_path / "a.npz", images=rng.integers(0, 256, (40, 8, 8), dtype=np.uint8))
    options = SourceOptions(str(tmp_path / "a.npz"), NAMES, multi=True)
    flags = {"annotator": "me", "cold_start": "random", "audit": 0.0}
    with open_workspace(options, flags, path=tmp_path / "s.tuilabel") as opened:
        yield ScreenApp(opened, LabelScreen)


def shown(app: ScreenApp, selector: str) -> str:
    (widget,) = app.screen.query(selector).results(Lines)
    return "\n".join(widget.render_line(y).text for y in range(widget.size.height))


async def painted(app: ScreenApp, pilot: Pilot[None]) -> None:
    await pilot.pause()
    answers = getattr(app.screen, "answers", app.label_screen.answers)
    while answers.holds_key():
        await pilot.pause()


async def test_keys_mark_and_enter_saves_what_is_marked_or_none(app: ScreenApp) -> None:
    loop = app.label_screen.loop
    async with app.run_test(size=(80, 24)) as pilot:
        await painted(app, pilot)
        first = str(loop.current_id)
        assert "Enter confirm" in shown(app, "#status")
        assert "1 car  2 bird  3 /owl" in shown(app, "#legend")
        await pilot.press("1", "2", "3", "2")
        assert loop.labels == 0
        assert "✓1 car  2 bird ✓3 /owl" in shown(app, "#legend")
        assert "Enter saves: car+owl." in shown(app, "#status")
        await pilot.press("enter")
        assert loop.current_id != first
        assert loop.classes_of(first) == (0, 1, 2), "an owl is a bird"
        assert "✓" not in shown(app, "#legend"), "the marks were of the image before"
        await painted(app, pilot)
        second = str(loop.current_id)
        await pilot.press("enter")
        assert loop.labels == 2
        assert loop.classes_of(second) == ()
        assert "none" in shown(app, "#strip")
        await painted(app, pilot)
        await pilot.press("left", "left")
        await painted(app, pilot)
        assert "✓1 car ✓2 bird ✓3 /owl" in shown(app, "#legend"), "an answer begins with the last"
        await pilot.press("3", "enter")
        assert loop.classes_of(first) == (0, 1)
        await painted(app, pilot)
        await pilot.press("backspace")
        assert loop.classes_of(first) == (0, 1, 2)


async def test_a_mark_that_came_too_early_is_held_back_and_enter_does_not_save_without_it(
    app: ScreenApp,
) -> None:
    screen = app.label_screen
    async with app.run_test(size=(80, 24)) as pilot:
        await painted(app, pilot)
        screen.answers.guard.expect()
        screen.answers.guard.asked(5, screen.answers._clock())
        await pilot.press("1", "enter")
        assert not screen.marks.of(screen.loop.current_id)
        assert "mark again, then Enter" in shown(app, "#status")
        screen.answers.painted_up_to(5)
        await painted(app, pilot)
        await pilot.press("2", "1")
        screen.answers.guard.expect()
        screen.answers.guard.asked(6, screen.answers._clock())
        await pilot.press("3")
        screen.answers.painted_up_to(6)
        await painted(app, pilot)
        await pilot.press("enter")
        assert screen.loop.labels == 0, "the key for the owl was lost"
        assert "mark again" in shown(app, "#status")
        await pilot.press("3", "enter")
        assert dict(screen.loop.known.by_class) == dict.fromkeys(screen.loop.classes.ids, 1)


async def test_marks_of_one_image_are_never_saved_for_another(app: ScreenApp) -> None:
    screen = app.label_screen
    async with app.run_test(size=(80, 24)) as pilot:
        await painted(app, pilot)
        await pilot.press("1", "right")
        await painted(app, pilot)
        other = str(screen.loop.current_id)
        await pilot.press("enter")
        assert screen.loop.classes_of(other) == ()
        assert screen.loop.labels == 1
        await painted(app, pilot)
        await pilot.press("slash", *"plane", "enter", "enter")
        await pilot.pause()
        assert "plane" in shown(app, "#legend")
        assert screen.loop.labels == 1, "a new class is marked, and not saved yet"
        assert screen.marks.of(screen.loop.current_id) == {3}


async def test_the_history_marks_and_settles_too(app: ScreenApp) -> None:
    screen = app.label_screen
    loop, work = screen.loop, screen.workspace
    car, bird, owl = loop.classes.ids
    async with app.run_test(size=(100, 30)) as pilot:
        await painted(app, pilot)
        item = str(loop.current_id)
        loop.label(item, (0,), by=work.annotator)
        with Journal(work.path, "bob", work.dataset.source) as bob:
            bob.read()
            other = LabelSet(item=item, class_ids=(car, bird), others=(owl,), names=("x",))
            bob.append([other], "bob")
        loop.take_in(work.journal.read())
        assert list(loop.known.disputed) == [item]
        await pilot.press("f6")
        await pilot.pause()
        assert isinstance(app.screen, HistoryScreen)
        await pilot.press("tab")
        await painted(app, pilot)
        assert "Mark the right classes" in shown(app, "#status")
        assert "me: car, bob: bird + car" in shown(app, "#events")
        await pilot.press("2")
        assert "Enter saves: car+bird." in shown(app, "#status")
        await pilot.press("enter")
        assert not loop.known.disputed
        assert loop.classes_of(item) == (0, 1)
        assert "no dispute is left" in shown(app, "#status")
        await pilot.press("u")
        assert list(loop.known.disputed) == [item]
        await pilot.press("tab", "f4")
        await pilot.pause()
        assert isinstance(app.screen, TalliesScreen)
        assert "Nothing is measured yet" in shown(app, "#matrix")
