"""What a person reads of the trainer on the screen."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from loop_fakes import ME, fake_ranking
from screen_app import ScreenApp

from tuilabel.learn.requests import Fit
from tuilabel.trainer.client import TrainerClient
from tuilabel.trainer.jobs import Prepared, Ranked
from tuilabel.trainer.messages import Finished
from tuilabel.tui.widgets.lines import Lines
from tuilabel.workspace.opening import Workspace

PREPARED = Finished(1, Prepared("deskew-hog", 3.5, None, late=True))


def status(app: ScreenApp) -> str:
    widget = app.label_screen.query_one("#status", Lines)
    return "\n".join(widget.render_line(y).text for y in range(widget.size.height))


async def test_the_screen_asks_again_and_shows_what_answered(
    app: ScreenApp, workspace: Workspace, tmp_path: Path
) -> None:
    screen, loop = app.label_screen, app.label_screen.loop
    link = TrainerClient(workspace.dataset, tmp_path, tmp_path, lambda _: None, lambda: screen)
    async with app.run_test(size=(120, 30)) as pilot:
        await pilot.pause()
        while loop.round == 1:
            loop.label(str(loop.current_id), 3, by=ME)
        screen.after_frame()
        (first,) = app.requests
        assert isinstance(first, Fit)
        link.handle(PREPARED)
        assert len(app.requests) == 2
        again = app.requests[1]
        assert isinstance(again, Fit)
        assert again.generation > first.generation
        assert (again.items, again.classes) == (first.items, first.classes)
        for request, features in ((first, "raw"), (again, "deskew-hog")):
            ranking = fake_ranking(request, len(loop.items), 10)
            ranking = replace(ranking, model="hybrid", features=features)
            link.handle(Finished(2, Ranked(ranking)))
            await pilot.pause()
            assert f"hybrid on {features}" in status(app)
            assert loop.recipe is not None
            assert loop.recipe.features == features


async def test_before_the_first_label_there_is_nothing_to_ask_again(
    app: ScreenApp, workspace: Workspace, tmp_path: Path
) -> None:
    """With a first batch drawn at random, no answer would be better than the one there is."""
    screen = app.label_screen
    link = TrainerClient(workspace.dataset, tmp_path, tmp_path, lambda _: None, lambda: screen)
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.pause()
        before = list(screen.loop.batch)
        link.handle(PREPARED)
        await pilot.pause()
        assert app.requests == []
        assert screen.loop.batch == before
        assert "ready" in status(app)
