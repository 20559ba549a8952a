"""The end of a session of two classes, driven by keys: look for the rare one, check the rest."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner
from loop_fakes import ME, fit_finished
from screen_app import ScreenApp
from textual.pilot import Pilot

from tuilabel.cli import main
from tuilabel.exchange.rows import label_rows
from tuilabel.learn.requests import LIKELY, Fit
from tuilabel.session.view import SessionView
from tuilabel.trainer.jobs import Sort, Sorted
from tuilabel.tui.screens.label import LabelScreen
from tuilabel.tui.screens.rest import RestScreen
from tuilabel.tui.widgets.entry_list import EntryList
from tuilabel.tui.widgets.lines import Lines
from tuilabel.workspace.opening import SourceOptions, Workspace, open_workspace
from tuilabel.workspace.rest import plan_check


def text(app: ScreenApp) -> str:
    lines = app.screen.query(Lines)
    return "\n".join(w.render_line(y).text for w in lines for y in range(w.size.height))


async def until(pilot: Pilot[None], is_true: Any) -> None:
    for _ in range(600):
        if is_true():
            return
        await pilot.pause(0.005)
    raise AssertionError(text(pilot.app))


def parts(folder: Path, count: int) -> Workspace:
    """Open grey squares in a session with the classes ok and defect."""
    images = np.arange(count, dtype=np.uint8)[:, None, None] * np.ones((1, 8, 8), np.uint8)
    np.savez(folder / "parts.npz", images=images)
    options = SourceOptions(str(folder / "parts.npz"), ("ok", "defect"), yesno=True)
    flags = {"annotator": "me", "cold_start": "random", "batch_size": 4}
    return open_workspace(options, flags, path=folder / "s.tuilabel")


def rank(app: ScreenApp, shares: list[float]) -> None:
    """Answer the newest request with these probabilities of a defect."""
    request = app.requests[-1]
    assert isinstance(request, Fit)
    left = [r for r in range(70) if r not in {*request.items, *request.excluded}][: len(shares)]
    finished = fit_finished(
        request.generation, left, [(1 - p, p) for p in shares], columns=request.columns
    )
    object.__setattr__(finished, "strategy", LIKELY)
    app.label_screen.ranking_arrived(finished)


async def test_a_rare_class_is_looked_for_and_the_rest_is_checked(tmp_path: Path) -> None:
    with parts(tmp_path, 70) as work:
        app, loop = ScreenApp(work, LabelScreen), work.session
        async with app.run_test(size=(80, 24)) as pilot:

            async def answer(key: str) -> None:
                guard = app.label_screen.answers.guard
                await until(pilot, lambda: not guard.holds(time.monotonic()))
                before = loop.labels
                await pilot.press(key)
                await until(pilot, lambda: loop.labels > before)

            await pilot.pause()
            for key in "fjff":
                await answer(key)
            await pilot.press("tab", "e")
            await until(pilot, lambda: isinstance(app.screen, RestScreen))
            assert "is any defect left?  defect 1, ok 3" in text(app)
            assert "Draw 60" in text(app)
            await pilot.press("c")
            assert "is any ok left?  ok 3, defect 1" in text(app)
            await pilot.press("c", "enter")
            await until(pilot, lambda: app.screen is app.label_screen and app.requests)
            assert loop.desk.sought == loop.classes.ids[1]
            await until(pilot, lambda: app.requests[-1].sought >= 0)
            rank(app, [0.2, 0.9, 0.1])
            await until(pilot, lambda: "for defect" in text(app))
            # The first place was on the screen already; then comes what is likely.
            await answer("f")
            await answer("j")
            sentence = "No image is predicted to be defect any more: Tab e checks the rest."
            await until(pilot, lambda: sentence in text(app))
            await pilot.press("tab", "e")
            await until(pilot, lambda: isinstance(app.screen, RestScreen))
            assert "nothing is predicted to be defect any more" in text(app)
            await pilot.press("enter")
            await until(pilot, lambda: "check 1 of 60" in text(app))
            assert "check: drawn at random, no suggestion" in text(app)
            while loop.known.by_class[loop.classes.ids[0]] < 63:
                loop.label(str(loop.current_id), 0, by=ME)
            app.label_screen.changed()
            assert "check 60 of 60" in text(app)
            await answer("f")
            await until(
                pilot, lambda: "Of 4 images left, at most 1 is defect (95%): Tab e" in text(app)
            )
            assert "check done" in text(app)
            await pilot.press("tab", "e")
            await until(pilot, lambda: isinstance(app.screen, RestScreen))
            said = "check 1  Of 4 images left, at most 1 is defect (95%)"
            await until(pilot, lambda: said in text(app))
            await pilot.press("down", "enter")
            await until(pilot, lambda: app.screen is app.label_screen)
            assert loop.desk.sought == ""
    run = CliRunner()
    for command in ("status", "check", "autolabel"):
        rest = ["--method", "rest"] if command == "autolabel" else []
        result = run.invoke(main, [command, str(work.path), *rest])
        assert result.exit_code == 0
        if command == "check":
            assert "check by me: 60 items drawn as its seed says" in result.output
        else:
            assert "Of 4 images left, at most 1 is defect (95%)" in result.output
    assert "Labelled 4 images without an answer as ok" in result.output
    rows = list(label_rows(SessionView(work.path).labelled()))
    assert [row["class"] for row in rows if row["origin"] == "auto"] == ["ok"] * 4
    result = run.invoke(main, ["autolabel", str(work.path), "--method", "rest"])
    assert "is labelled already: --revert takes it back" in result.output
    damaged = next((work.path / "bulk").iterdir())
    damaged.write_bytes(damaged.read_bytes() + b"\n")
    assert run.invoke(main, ["check", str(work.path)]).exit_code == 1
    result = run.invoke(main, ["autolabel", str(work.path), "--method", "rest"])
    assert "is missing or damaged" in result.output


@pytest.mark.parametrize("size", [(80, 24), (140, 45)])
async def test_what_a_rare_class_has_to_show_is_seen(tmp_path: Path, size: tuple[int, int]) -> None:
    with parts(tmp_path, 200) as work:
        app, loop = ScreenApp(work, LabelScreen), work.session
        for name in "01":
            loop.label(str(loop.current_id), int(name), by=ME)
        check = plan_check(work, loop.rest(), loop.classes.ids[1], loop.classes.ids[0], 60)
        loop.begin_check(check, by=ME)
        while loop.known.by_class[loop.classes.ids[0]] < 61:
            loop.label(str(loop.current_id), 0, by=ME)
        async with app.run_test(size=size) as pilot:
            await pilot.pause()
            await pilot.press("tab")
            # Also where not all that may follow has room.
            await until(pilot, lambda: "Esc cancels  e rare class  u unsure" in text(app))
            await pilot.press("e")
            await until(
                pilot, lambda: isinstance(app.screen, RestScreen) and "check 1 " in text(app)
            )
            entries, about = app.screen.query_one("#entries"), app.screen.query_one("#about")
            await until(pilot, lambda: about.region.y == entries.region.bottom + 1)
            await pilot.press("pagedown")
            assert app.screen.query_one(EntryList).cursor == len(app.screen._steps) - 1


async def test_a_session_of_ten_classes_has_no_rare_one(app: ScreenApp) -> None:
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.pause()
        await pilot.press("tab", "e")
        await until(pilot, lambda: "needs a session of two classes" in text(app))
        loop = app.label_screen.loop
        loop.seek(loop.classes.ids[3], by=ME)  # while there were two
        await pilot.press("tab", "e")
        await until(pilot, lambda: "There are no longer two classes" in text(app))
        assert loop.desk.sought == ""
        result = CliRunner().invoke(
            main, ["autolabel", str(app.label_screen.workspace.path), "--method", "rest"]
        )
        assert "No check of the rest is complete" in result.output


async def test_images_like_the_one_on_the_screen_are_asked_next(tmp_path: Path) -> None:
    with parts(tmp_path, 70) as work:
        app = ScreenApp(work, LabelScreen)
        jobs: list[Sort] = []

        async def run(job: Sort, progress: object = None) -> Sorted:
            jobs.append(job)
            return Sorted(np.abs(np.arange(70) - job.like).argsort(kind="stable").astype(np.int32))

        async with app.run_test(size=(80, 24)) as pilot:
            await until(pilot, lambda: app.label_screen.image_is_in_frame())
            await pilot.press("tab", "m")
            await until(pilot, lambda: "no trainer here" in text(app))
            app.trainer.run = run  # type: ignore[assignment,method-assign]
            row = work.session.current.row
            await pilot.press("tab", "m")
            await until(pilot, lambda: "most like this one" in text(app))
            assert [job.like for job in jobs] == [row]
            assert work.session.current.row == row
            alike = [a for a in work.session.desk.batch[1:] if a.reason == "alike"]
            rows = [work.session.items.row_of(asked.item) for asked in alike]
            assert len(rows) == 4
            assert max(abs(other - row) for other in rows) <= 8, "some belong to the audit reserve"
