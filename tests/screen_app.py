"""An application that hosts one labelling screen, without a trainer behind it."""

from __future__ import annotations

from pathlib import Path

from textual.app import App

import tuilabel.tui
from tuilabel.data import ArrayFile
from tuilabel.errors import TrainerError
from tuilabel.progress import Progress
from tuilabel.session import Request
from tuilabel.trainer.jobs import Answer, Job
from tuilabel.tui.screens.label import LabelScreen
from tuilabel.tui.terminal.capabilities import Colours
from tuilabel.tui.terminal.pacing import Terminal
from tuilabel.tui.terminal.round_trips import RoundTrips
from tuilabel.tui.text.theme import apply_colours
from tuilabel.workspace.opening import Workspace


class NoTrainer:
    """Keeps requests and pools in lists, and does no job."""

    def __init__(self) -> None:
        self.requests: list[Request] = []
        self.pools: list[ArrayFile | None] = []

    def start(self, pool: ArrayFile | None = None) -> None:
        self.pools.append(pool)

    def submit(self, request: Request) -> None:
        self.requests.append(request)

    async def run(self, job: Job, progress: Progress | None = None) -> Answer:
        raise TrainerError("there is no trainer here")


class ScreenApp(App[None], inherit_bindings=False):
    """Hosts one labelling screen; requests to the trainer are kept in a list."""

    CSS_PATH = Path(tuilabel.tui.__file__).parent / "app" / "tuilabel.tcss"

    def __init__(self, workspace: Workspace, screen: type[LabelScreen], **options: object) -> None:
        super().__init__()
        apply_colours(self, Colours())
        self.terminal = Terminal(self, RoundTrips())
        self.trainer = NoTrainer()
        self.requests = self.trainer.requests
        self.label_screen = screen(workspace, "digits", self.trainer, **options)

    def on_mount(self) -> None:
        self.push_screen(self.label_screen)

    def post_display_hook(self) -> None:
        self.terminal.frame_written()
