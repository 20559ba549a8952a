"""What fails of what others follow is on the screen until it is over, and every key labels."""

from __future__ import annotations

import threading

from screen_app import ScreenApp

from tests.tui.screens.test_label_screen import shown
from tests.tui.screens.test_reading import until
from tuilabel.feeds.parent import Feeds
from tuilabel.tui.screens.label import LabelScreen
from tuilabel.workspace.opening import Workspace


class FakeFeeds(Feeds):
    """Feeds without a process."""

    def __init__(self) -> None:
        self._troubles, self._told, self._process = {}, {}, None
        self.changed = bool

    def report(self, **troubles: str) -> None:
        """Report from another thread, as a process does."""
        self._troubles = {f"--{name}": text for name, text in troubles.items()}
        thread = threading.Thread(target=self.changed)
        thread.start()
        thread.join()


async def test_a_failure_is_said_once_and_stays_until_it_is_over(workspace: Workspace) -> None:
    feeds = FakeFeeds()
    app = ScreenApp(workspace, LabelScreen, feeds=feeds)
    async with app.run_test(size=(100, 30)) as pilot:
        await pilot.pause()
        feeds.report(mirror="m.csv cannot be written (No space left on device).")
        await until(pilot, lambda: "No space left" in shown(app, "#status"))
        await pilot.press("1")
        await until(pilot, lambda: "1 saved" in shown(app, "#status"))
        assert "✗ --mirror" in shown(app, "#status")
        messages = [(one.about, one.style) for one in app.label_screen.messages.all()]
        assert ("--mirror", "bad") in messages
        feeds.report()
        await until(pilot, lambda: "--mirror" not in shown(app, "#status"))
        assert "--mirror" not in [one.about for one in app.label_screen.messages.all()]
