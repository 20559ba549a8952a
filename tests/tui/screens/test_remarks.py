"""Answers that are no classes, flags, notes and guidelines, driven by keys."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from loop_fakes import ME
from screen_app import ScreenApp
from sessions import answer_events
from textual import events
from textual.pilot import Pilot

from tuilabel.errors import SaveError
from tuilabel.events.payloads import Skip
from tuilabel.session import ORACLE
from tuilabel.tui.screens.demo import DemoScreen
from tuilabel.tui.screens.label import LabelScreen
from tuilabel.tui.screens.page import Page, PageScreen
from tuilabel.tui.widgets.lines import Lines
from tuilabel.workspace.opening import SourceOptions, Workspace, open_workspace


def shown(app: ScreenApp, selector: str) -> str:
    widget = app.label_screen.query_one(selector, Lines)
    return "\n".join(widget.render_line(y).text for y in range(widget.size.height))


async def painted(app: ScreenApp, pilot: Pilot[None]) -> None:
    await pilot.pause()
    while app.label_screen.answers.guard.holds(app.label_screen.answers._clock()):
        await pilot.pause()


async def press(app: ScreenApp, pilot: Pilot[None], *keys: str) -> None:
    await painted(app, pilot)
    await pilot.press(*keys)
    await pilot.pause()


def small(path: Path, **flags: object) -> Workspace:
    """Open three images of digits."""
    given = {"annotator": "me", "cold_start": "random", **flags}
    return open_workspace(SourceOptions("digits", pool=3), given, path=path)


@pytest.mark.parametrize(("key", "why"), [("u", "unsure"), ("x", "unusable"), ("l", "later")])
async def test_an_image_is_skipped_with_a_reason(app: ScreenApp, key: str, why: str) -> None:
    async with app.run_test(size=(80, 24)) as pilot:
        await press(app, pilot, "tab")
        assert (
            "Tab …  Esc cancels  u unsure  x unusable  l later  f flag  n note  g guide  …"
            in shown(app, "#status")
        )
        await press(app, pilot, key)
        assert f"✓ 1 saved  skipped ({why})" in shown(app, "#status")
        assert dict(app.label_screen.loop.known.skipped) == {why: 1}
        await press(app, pilot, "u")
        assert f"undone: skip ({why})" in shown(app, "#status")
        assert app.label_screen.loop.known.skips_held == 0


async def test_what_is_for_later_comes_back_at_the_end(tmp_path: Path) -> None:
    with small(tmp_path / "s.tuilabel") as workspace:
        app = ScreenApp(workspace, LabelScreen)
        async with app.run_test(size=(80, 24)) as pilot:
            loop = app.label_screen.loop
            first = loop.current_id
            await press(app, pilot, "tab", "l")
            for key in "12":
                await press(app, pilot, key)
            assert loop.current_id == first
            assert "kept for later" in shown(app, "#header")
            await press(app, pilot, "tab", "l")
            assert loop.current_id == first, "nothing else is left"
            await press(app, pilot, "3")
            assert loop.current is None
            assert "Every image is answered" in shown(app, "#picture")
            for keys in (("tab", "f"), ("tab", "n"), ("tab", "u")):
                await press(app, pilot, *keys)
                assert "Every image is answered" in shown(app, "#status")


async def test_a_flag_is_set_shown_and_removed(app: ScreenApp) -> None:
    async with app.run_test(size=(80, 24)) as pilot:
        loop = app.label_screen.loop
        item = loop.current_id
        await press(app, pilot, "tab", "f")
        assert "✓ 1 saved  flagged" in shown(app, "#status")
        assert "1 of 10  flagged" in shown(app, "#header")
        assert loop.current_id == item
        await press(app, pilot, "tab", "f")
        assert "✓ 2 saved  flag removed" in shown(app, "#status")
        assert "flagged" not in shown(app, "#header")
        await press(app, pilot, "u")
        assert "flagged" in shown(app, "#header")
        await press(app, pilot, "4", "u", "u")
        assert "flagged" not in shown(app, "#header")
        assert loop.current_id == item


async def test_a_note_is_typed_saved_changed_and_left(app: ScreenApp) -> None:
    async with app.run_test(size=(80, 24)) as pilot:
        await press(app, pilot, "tab", "n", "w", "e", "t", "1")
        assert "note: wet1_  Enter saves · Esc leaves" in shown(app, "#status")
        await press(app, pilot, "enter")
        assert "✓ 1 saved  noted" in shown(app, "#status")
        assert "note: wet1" in shown(app, "#header")
        app.label_screen.loop.flag(str(app.label_screen.asked), by=ME)
        app.label_screen.loop.note(str(app.label_screen.asked), "wet and torn, twice", by=ME)
        app.label_screen.show_all()
        assert "flagged  noted  0 labels  1,297 left" in shown(app, "#header")
        app.label_screen.loop.undo(by=ME)
        app.label_screen.loop.undo(by=ME)
        await press(app, pilot, "tab", "n")
        assert "note: wet1_" in shown(app, "#status")
        await press(app, pilot, "2", "escape")
        await press(app, pilot, "tab", "n", "enter")
        assert app.label_screen.loop.desk.acts == 5, "an unchanged note is not written"
        await press(app, pilot, "tab", "n", "ctrl+u", "enter")
        assert "✓ 6 saved  note removed" in shown(app, "#status")
        assert "note:" not in shown(app, "#header")
        assert not answer_events(app.label_screen.loop)


async def test_a_paste_while_a_note_is_typed_labels_nothing(app: ScreenApp) -> None:
    async with app.run_test(size=(80, 24)) as pilot:
        await press(app, pilot, "tab", "n")
        app.label_screen.post_message(events.Paste("12\x1b[31m3\n456"))
        await press(app, pilot, "enter")
        assert "note: 12[31m3" in shown(app, "#header")
        await press(app, pilot, "tab")
        app.label_screen.post_message(events.Paste("u1"))
        await pilot.pause()
        assert not answer_events(app.label_screen.loop)


async def test_a_note_that_cannot_be_saved_stays_as_it_is(
    app: ScreenApp, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise SaveError("Not saved: the disk is full.")

    async with app.run_test(size=(80, 24)) as pilot:
        await press(app, pilot, "tab", "n", "w")
        with monkeypatch.context() as patch:
            patch.setattr(app.label_screen.loop, "note", fail)
            await press(app, pilot, "enter")
        assert "note: w_  ✗ Not saved: the disk is full." in shown(app, "#status")
        await press(app, pilot, "enter")
        assert "note: w" in shown(app, "#header")


async def test_guidelines_are_one_key_away_and_harmless(tmp_path: Path) -> None:
    file = tmp_path / "rules.md"
    rows = "\n".join(f"- rule {n}" for n in range(40))
    file.write_text(f"# Rules\n\x1b]0;title\x07 [bold]not markup[/bold]\n\n{rows}\n")
    with small(tmp_path / "s.tuilabel", guidelines=str(file)) as workspace:
        app = ScreenApp(workspace, LabelScreen)
        async with app.run_test(size=(80, 24)) as pilot:
            await press(app, pilot, "tab", "g")
            while not isinstance(app.screen, PageScreen):
                await pilot.pause()
            await pilot.pause()
            text = app.screen.query_one(Page).text
            assert "Rules\n␛]0;title␇ [bold]not markup[/bold]\n" in text
            await pilot.press("end")
            await pilot.pause()
            assert app.screen.query_one("#page").scroll_y > 0
            await pilot.press("1", "escape")
            assert app.screen is app.label_screen
            assert app.label_screen.loop.labels == 0
            file.unlink()
            await press(app, pilot, "tab", "g")
            while "cannot be read" not in shown(app, "#status"):
                await pilot.pause()
            os.mkfifo(file)
            await press(app, pilot, "tab", "g")
            while "it is a pipe" not in shown(app, "#status"):
                await pilot.pause()
    with small(tmp_path / "s.tuilabel") as workspace:
        assert workspace.settings.guidelines == str(file), "the session keeps the path"


async def test_without_guidelines_the_key_says_how_to_have_some(app: ScreenApp) -> None:
    async with app.run_test(size=(80, 24)) as pilot:
        await press(app, pilot, "tab", "g")
        assert "start with --guidelines FILE to read them here." in shown(app, "#status")


@pytest.mark.parametrize("key", ["u", "f", "n"])
async def test_in_a_demo_the_person_takes_over(workspace: Workspace, key: str) -> None:
    app = ScreenApp(workspace, DemoScreen, rate=0.1, budget=5)
    async with app.run_test(size=(80, 24)) as pilot:
        assert app.label_screen.answers.annotator == ORACLE
        await press(app, pilot, "tab", key)
        assert app.label_screen.answers.annotator == workspace.annotator
        for event in answer_events(workspace.session):
            assert isinstance(event.payload, Skip)
            assert event.by == "me"
