"""Make the pictures of the README from the real program: `python assets/make_pictures.py`.

The ground truth of scikit-learn's digits labels eight batches, through the very screen that a
person sees; then the screen is exported as SVG.
"""

from __future__ import annotations

import asyncio
import os
import tempfile
from pathlib import Path

HERE = Path(__file__).resolve().parent
LABELS = 84
SIZE = (100, 30)


async def main() -> None:
    """Label through the screen, then export it."""
    from tuilabel.tui.app import TuilabelApp
    from tuilabel.tui.screens.label import LabelScreen
    from tuilabel.workspace import SourceOptions, open_workspace

    with open_workspace(SourceOptions("digits"), {"annotator": "you"}) as workspace:
        truth = workspace.dataset.truth
        assert truth is not None
        app = TuilabelApp(workspace)
        async with app.run_test(size=SIZE) as pilot:
            screen = app.screen
            assert isinstance(screen, LabelScreen)
            await settled(screen, pilot.pause)
            for _ in range(LABELS):
                slot = screen.loop.current
                assert slot is not None
                screen.class_key(int(truth[slot.row]))
                await settled(screen, pilot.pause)
            (HERE / "label.svg").write_text(app.export_screenshot(title="tuilabel"))
            await pilot.press("question_mark")
            await pilot.pause()
            (HERE / "help.svg").write_text(app.export_screenshot(title="tuilabel: help"))


async def settled(screen: LabelScreen, pause: object) -> None:
    """Wait until the image is painted and the trainer owes nothing."""
    while screen.busy or screen.guard.holds(screen._clock()):
        await asyncio.sleep(0.01)


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as home:
        for kind in ("DATA", "CACHE", "STATE", "CONFIG"):
            os.environ[f"XDG_{kind}_HOME"] = home
        os.environ.pop("NO_COLOR", None)
        os.environ["COLORTERM"] = "truecolor"
        asyncio.run(main())
