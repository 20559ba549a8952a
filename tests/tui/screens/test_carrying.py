"""On the screen, labels are kept of files of which only metadata changed."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from screen_app import ScreenApp
from textual.pilot import Pilot

from tuilabel.tui.screens.label import LabelScreen
from tuilabel.tui.widgets.lines import Lines
from tuilabel.workspace.opening import SourceOptions, open_workspace


def text(app: ScreenApp) -> str:
    lines = app.screen.query(Lines)
    return "\n".join(w.render_line(y).text for w in lines for y in range(w.size.height))


async def until(pilot: Pilot[None], is_true: Any) -> None:
    while not is_true():
        await pilot.pause(0.01)


@pytest.mark.usefixtures("warm_decoders")
async def test_one_key_keeps_the_labels_and_f6_takes_it_back(tmp_path: Path) -> None:
    folder = tmp_path / "photos"
    folder.mkdir()
    for value in range(4):
        Image.linear_gradient("L").rotate(90 * value).save(folder / f"{value}.jpg")
    options = SourceOptions(str(folder), ("cat", "dog"))
    with open_workspace(options, {"batch_size": 4, "audit": 0.0}) as work:
        for _ in range(2):
            work.session.label(str(work.session.current_id), 1, by=work.annotator)
        path = work.path
    for file in folder.iterdir():
        content = file.read_bytes()
        file.write_bytes(content[:2] + b"\xff\xfe\0\4hi" + content[2:])
    with open_workspace(SourceOptions(str(folder)), {}, path=path) as work:
        session, app = work.session, ScreenApp(work, LabelScreen)
        async with app.run_test(size=(80, 24)) as pilot:
            await pilot.pause()
            offer = "Only the metadata of 2 labelled files changed: Tab k keeps their labels."
            assert offer in text(app)
            assert session.pool_left == 4
            await pilot.press("tab", "k")
            await until(pilot, lambda: "Kept the labels of 2 files" in text(app))
            assert (session.labels, session.changed, session.pool_left) == (2, 0, 2)
            assert app.label_screen.messages.all() == []
            await pilot.press("tab", "k")
            await until(pilot, lambda: "No labelled file has changed" in text(app))
            await pilot.press("1")
            await until(pilot, lambda: session.labels == 3)
            await pilot.press("f6", "/", *"kind:carried", "enter")
            await until(pilot, lambda: "2 files with other metadata" in text(app))
            await pilot.press("delete")
            await until(pilot, lambda: "Undone: 2 changed files" in text(app))
            assert (session.labels, session.changed, session.same) == (3, 2, 2)
            await pilot.press("escape")
            await until(pilot, lambda: app.screen is app.label_screen)
            assert any(offer in message.text for message in app.label_screen.messages.all())
