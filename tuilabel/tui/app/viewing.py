"""The application for `tuilabel view`: images, and no session."""

from __future__ import annotations

import gc
from typing import TYPE_CHECKING, Any, ClassVar

from textual.screen import Screen
from textual.types import CSSPathType

from tuilabel.progress import Progress
from tuilabel.settings import Settings
from tuilabel.trainer.client import TrainerClient
from tuilabel.tui.app.base import Ended, TerminalApp, TrainerEventArrived
from tuilabel.tui.screens.view import INTERRUPTED, ViewScreen
from tuilabel.tui.terminal.capabilities import Colours
from tuilabel.tui.terminal.probe import TerminalAnswers
from tuilabel.workspace.places import cache_dir, log_file
from tuilabel.workspace.viewing import Viewed

if TYPE_CHECKING:
    from tuilabel.trainer.jobs import Answer, Job
    from tuilabel.tui.images.protocols.support import Graphics


class ViewApp(TerminalApp, inherit_bindings=False):
    """Shows the images of a source.

    Parameters
    ----------
    viewed : Viewed
    settings : Settings
    sort : str
        As for `ViewScreen`.
    colours : Colours
        What the terminal can show.
    answers : TerminalAnswers
        What the terminal reported about itself.
    graphics : Graphics, optional
        The graphics protocol for the image; by default it is drawn with characters.
    """

    CSS_PATH: ClassVar[CSSPathType | None] = ["tuilabel.tcss", "../screens/side.tcss"]

    def __init__(
        self,
        viewed: Viewed,
        settings: Settings,
        sort: str,
        colours: Colours,
        answers: TerminalAnswers,
        graphics: Graphics | None = None,
    ) -> None:
        super().__init__(settings, colours, answers)
        if graphics is not None:
            from tuilabel.tui.widgets.overlay import Overlay

            self.overlay = Overlay(graphics)
        self._trainer = TrainerClient(
            viewed.dataset,
            cache_dir(),
            log_file(),
            lambda event: self.post_message(TrainerEventArrived(event)),
            lambda: None,
        )
        self._has_trainer = False
        self.view = ViewScreen(viewed, self.keymap, self._run_job, sort)

    def get_default_screen(self) -> Screen[Any]:
        """Return the screen with the images."""
        return self.view

    def on_ready(self) -> None:
        """Turn the garbage collector on: the command line puts that off until the first frame."""
        gc.enable()

    async def _run_job(self, job: Job, progress: Progress | None = None) -> Answer:
        """Have a job done by a child process, which the first job starts."""
        if not self._has_trainer:
            self._has_trainer = True
            self._trainer.start()
        return await self._trainer.run(job, progress)

    def on_trainer_event_arrived(self, message: TrainerEventArrived) -> None:
        """Handle what the trainer reported."""
        self._trainer.handle(message.event)

    async def on_unmount(self) -> None:
        """Stop the child process."""
        await self._trainer.stop()

    async def action_quit(self) -> None:
        """Leave, and write nothing."""
        self.exit(return_code=INTERRUPTED)


def run_view(
    viewed: Viewed,
    settings: Settings,
    sort: str,
    *,
    colours: Colours,
    answers: TerminalAnswers,
    graphics: Graphics | None = None,
) -> tuple[Ended, frozenset[int]]:
    """Show images until the person or a signal ends it; return the marked rows, too."""
    app = ViewApp(viewed, settings, sort, colours, answers, graphics)
    ended = app.run_to_its_end(str)
    return ended, frozenset(app.view.marked)
