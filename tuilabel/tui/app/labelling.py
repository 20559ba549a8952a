"""The application: screens, and the trainer's child."""

from __future__ import annotations

import asyncio
import gc
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from textual.app import SystemCommand
from textual.screen import Screen

from tuilabel.text import source_name
from tuilabel.trainer.client import TrainerClient
from tuilabel.tui.app.base import Ended, TerminalApp, TrainerEventArrived
from tuilabel.tui.screens.base import BaseScreen
from tuilabel.tui.screens.label import LabelScreen
from tuilabel.tui.terminal.capabilities import Colours
from tuilabel.tui.terminal.probe import TerminalAnswers
from tuilabel.tui.text.names import shown_name
from tuilabel.workspace.cache import bound_beside
from tuilabel.workspace.opening import Workspace
from tuilabel.workspace.places import cache_dir, log_file

if TYPE_CHECKING:
    from tuilabel.feeds.parent import Feeds
    from tuilabel.tui.images.protocols.support import Graphics


STOP_SECONDS = 0.3
"""Longest time for the child to end where the disk hangs."""


class TuilabelApp(TerminalApp, inherit_bindings=False):
    """One labelling session on the terminal.

    Parameters
    ----------
    workspace : Workspace
    demo : float, optional
        Labels per second from the ground truth; by default a person labels.
    demo_budget : int
        The number of labels after which the demo ends.
    colours : Colours, optional
        What the terminal can show; by default all colours on a dark background.
    answers : TerminalAnswers, optional
        What the terminal reported about itself.
    graphics : Graphics, optional
        The graphics protocol for the image; by default it is drawn with characters.
    feeds : Feeds, optional
        What others follow meanwhile.
    """

    def __init__(
        self,
        workspace: Workspace,
        *,
        demo: float | None = None,
        demo_budget: int = 0,
        colours: Colours | None = None,
        answers: TerminalAnswers | None = None,
        graphics: Graphics | None = None,
        feeds: Feeds | None = None,
    ) -> None:
        super().__init__(workspace.settings, colours or Colours(), answers or TerminalAnswers())
        if graphics is not None:
            from tuilabel.tui.widgets.overlay import Overlay

            self.overlay = Overlay(graphics)
        self.workspace = workspace
        self.trainer = TrainerClient(
            workspace.dataset,
            cache_dir(),
            log_file(),
            lambda event: self.post_message(TrainerEventArrived(event)),
            self._label_screen,
        )
        name = shown_name(source_name(workspace.dataset.source), 24)
        if demo is None:
            self._first = LabelScreen(workspace, name, self.trainer, feeds=feeds)
        else:
            from tuilabel.tui.screens.demo import DemoScreen

            self._first = DemoScreen(
                workspace,
                name,
                self.trainer,
                rate=demo,
                budget=demo_budget,
            )

    def _label_screen(self) -> LabelScreen | None:
        return self._first if self._first.is_running else None

    def get_default_screen(self) -> Screen[Any]:
        """Begin with the labelling screen: one below it would be made and drawn too."""
        return self._first

    def on_ready(self) -> None:
        """Start what the first frame does not need."""
        if self.workspace.reading is None:
            self.trainer.start()
        bound_beside(self.workspace.settings.cache_size)
        # Objects from start-up live as long as the process. Scanning them for garbage again and
        # again would make single keys slow.
        gc.freeze()
        gc.enable()

    def on_trainer_event_arrived(self, message: TrainerEventArrived) -> None:
        """Handle what the trainer reported, and update the screen on top."""
        self.trainer.handle(message.event)
        if isinstance(self.screen, BaseScreen):
            self.screen.session_changed()

    async def on_unmount(self) -> None:
        """Stop the child process; one that reads from a disk that hangs is not waited for."""
        stopping = asyncio.ensure_future(self.trainer.stop())
        seconds = STOP_SECONDS if self._first.saving.hangs else None
        done, _ = await asyncio.wait({stopping}, timeout=seconds)
        for stopped in done:
            stopped.result()

    def get_system_commands(self, screen: Screen[object]) -> Iterable[SystemCommand]:
        """Offer commands that are not actions of the screen."""
        yield SystemCommand("theme", "Change the colours.", self.action_change_theme)


def run(
    workspace: Workspace,
    *,
    demo: float | None = None,
    demo_budget: int = 0,
    colours: Colours | None = None,
    answers: TerminalAnswers | None = None,
    graphics: Graphics | None = None,
    feeds: Feeds | None = None,
    mouse: bool = False,
) -> Ended:
    """Label until the person, a signal or a crash ends it.

    Mouse reporting is off by default: the terminal's own text selection keeps working.
    """
    app = TuilabelApp(
        workspace,
        demo=demo,
        demo_budget=demo_budget,
        colours=colours,
        answers=answers,
        graphics=graphics,
        feeds=feeds,
    )
    return app.run_to_its_end(workspace.saved, mouse=mouse)
