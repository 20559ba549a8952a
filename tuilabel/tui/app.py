"""The application: screens, and the trainer's child."""

from __future__ import annotations

import gc
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import click
from textual import events
from textual._xterm_parser import XTermParser
from textual.app import SystemCommand
from textual.screen import Screen

from tuilabel.data import source_name
from tuilabel.trainer.link import TrainerLink
from tuilabel.tui.bindings import bind
from tuilabel.tui.colours import Colours
from tuilabel.tui.frames import FramesApp
from tuilabel.tui.keymap.resolved import keymap_of
from tuilabel.tui.link import Link
from tuilabel.tui.orderly import OrderlyApp
from tuilabel.tui.places import WithPlaces
from tuilabel.tui.probe import Answers
from tuilabel.tui.screens.label import LabelScreen
from tuilabel.tui.shown import shown_name
from tuilabel.tui.terminal import Terminal
from tuilabel.tui.theme import apply_colours
from tuilabel.tui.trainer_link import TrainerSpoke
from tuilabel.workspace import Workspace, cache_dir, log_file

if TYPE_CHECKING:
    from textual.command import Provider

    from tuilabel.tui.graphics.support import Graphics


def _action_provider() -> type[Provider]:
    # The palette's widgets take time to import that the first frame does not have.
    from tuilabel.tui.commands import ActionProvider

    return ActionProvider


class TuilabelApp(OrderlyApp, FramesApp, inherit_bindings=False):
    """One labelling session on the terminal.

    Parameters
    ----------
    workspace : Workspace
    demo : float, optional
        Labels per second that the ground truth gives; without it a person labels.
    demo_budget : int
        After how many labels the demo ends.
    colours : Colours, optional
        What the terminal can show; by default all colours on a dark background.
    answers : Answers, optional
        What the terminal told of itself.
    graphics : Graphics, optional
        The protocol that the image is drawn by; by default it is drawn with characters.
    """

    TITLE = "tuilabel"
    CSS_PATH = "tuilabel.tcss"
    COMMANDS = {_action_provider}  # noqa: RUF012

    def __init__(
        self,
        workspace: Workspace,
        *,
        demo: float | None = None,
        demo_budget: int = 0,
        colours: Colours | None = None,
        answers: Answers | None = None,
        graphics: Graphics | None = None,
    ) -> None:
        super().__init__()
        self._answers = answers or Answers()
        link = Link(workspace.settings.link, self._answers.round_trip)
        self.terminal = Terminal(self, link)
        if graphics is not None:
            from tuilabel.tui.graphics.overlay import Overlay

            self.overlay = Overlay(graphics)
        self.keymap = keymap_of(workspace.settings)
        bind(self, [self.keymap.action("palette"), self.keymap.action("suspend")])
        apply_colours(self, colours or Colours(), workspace.settings.theme)
        self.animation_level = "none"
        self.workspace = workspace
        self.link = TrainerLink(
            workspace.dataset,
            cache_dir() / "handed-over",
            cache_dir() / "features",
            log_file(),
            lambda event: self.post_message(TrainerSpoke(event)),
            self._label_screen,
        )
        name = shown_name(source_name(workspace.dataset.source), 24)
        if demo is None:
            self._first = LabelScreen(workspace, name, self.link.submit)
        else:
            from tuilabel.tui.screens.demo import DemoScreen

            self._first = DemoScreen(
                workspace, name, self.link.submit, rate=demo, budget=demo_budget
            )

    def _label_screen(self) -> LabelScreen | None:
        return self._first if self._first.is_running else None

    def get_default_screen(self) -> Screen[Any]:
        """Begin with the labelling screen: one below it would be made and drawn too."""
        return self._first

    def on_ready(self) -> None:
        """Start what the first frame does not need."""
        self.link.start()
        for event in XTermParser().feed(self._answers.typed):
            # What was typed at the very beginning was read by the probe: it is no answer to an
            # image, but may be another key.
            self.post_message(event)
        # What start-up made lives as long as the process: looking through it for garbage again
        # and again is what makes single keys slow.
        gc.freeze()
        gc.enable()

    def on_trainer_spoke(self, message: TrainerSpoke) -> None:
        """Hear the trainer, and show it where one is."""
        self.link.hear(message.event)
        if isinstance(self.screen, WithPlaces):
            self.screen.session_changed()

    async def on_unmount(self) -> None:
        """Leave no child behind."""
        await self.link.stop()

    def post_display_hook(self) -> None:
        """Hear of every frame, right after it was written."""
        self.terminal.frame_written()

    def on_cursor_position(self, event: events.CursorPosition) -> None:
        """Pass the terminal's word that all is painted on."""
        self.terminal.heard(event)

    def action_palette(self) -> None:
        """Open the command palette."""
        self.action_command_palette()

    def get_system_commands(self, screen: Screen[object]) -> Iterable[SystemCommand]:
        """Offer what is not an action of the screen."""
        yield SystemCommand("theme", "Change the colours.", self.action_change_theme)


def run(
    workspace: Workspace,
    *,
    demo: float | None = None,
    demo_budget: int = 0,
    colours: Colours | None = None,
    answers: Answers | None = None,
    graphics: Graphics | None = None,
    mouse: bool = False,
) -> int:
    """Label until the person, a signal or a crash ends it; give the exit status.

    Mouse reporting is off unless wished: the terminal's own text selection keeps working.
    """
    app = TuilabelApp(
        workspace,
        demo=demo,
        demo_budget=demo_budget,
        colours=colours,
        answers=answers,
        graphics=graphics,
    )
    app.report_folder = log_file().parent
    with app.orderly():
        app.run(mouse=mouse)
    if app.report is not None and app.crashed is not None:
        from tuilabel.crash import sentences
        from tuilabel.data import inert

        for line in sentences(app.crashed, app.report, workspace.saved()):
            click.echo(inert(line, 2000), err=True)
    return app.return_code or 0
