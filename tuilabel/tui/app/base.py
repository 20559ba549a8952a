"""The base of the applications: terminal, colours, orderly endings."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, ClassVar, NamedTuple

import click
from textual import events
from textual.message import Message
from textual.types import CSSPathType

from tuilabel.settings import Settings
from tuilabel.tui.app.endings import RestoringApp
from tuilabel.tui.app.frames import FramesApp
from tuilabel.tui.keymap.bindings import EVERYWHERE, bind, only_with_ctrl
from tuilabel.tui.keymap.resolved import keymap_of
from tuilabel.tui.screens.base import BaseScreen
from tuilabel.tui.screens.requested import OpenRequested
from tuilabel.tui.terminal.capabilities import Colours
from tuilabel.tui.terminal.pacing import Terminal
from tuilabel.tui.terminal.probe import TerminalAnswers
from tuilabel.tui.terminal.relays import find_relay
from tuilabel.tui.terminal.round_trips import RoundTrips
from tuilabel.tui.terminal.tty import TTY
from tuilabel.tui.text.theme import apply_colours, draw_thin
from tuilabel.workspace.places import log_file

if TYPE_CHECKING:
    from textual.command import Provider

    from tuilabel.trainer.runner import TrainerEvent
    from tuilabel.workspace.recent import OpenRequest


def _action_provider() -> type[Provider]:
    # The palette's widgets take time to import that the first frame does not have.
    from tuilabel.tui.app.palette import ActionProvider

    return ActionProvider


class TrainerEventArrived(Message):
    """The trainer has reported something, which `TrainerClient.handle` handles.

    It arrives as a message, so that an error in its handler is not lost in a callback.
    """

    def __init__(self, event: TrainerEvent) -> None:
        super().__init__()
        self.event = event


class TerminalApp(RestoringApp, FramesApp, inherit_bindings=False):
    """An application on a terminal that has been asked what it is.

    Parameters
    ----------
    settings : Settings
    colours : Colours
        What the terminal can show.
    answers : TerminalAnswers
        What the terminal told of itself.

    Attributes
    ----------
    request : OpenRequest or None
        What to open after this application has ended.
    """

    TITLE = "tuilabel"
    CSS_PATH: ClassVar[CSSPathType | None] = "tuilabel.tcss"
    COMMANDS = {_action_provider}  # noqa: RUF012

    def __init__(self, settings: Settings, colours: Colours, answers: TerminalAnswers) -> None:
        super().__init__()
        self.answers = answers
        round_trips = RoundTrips(settings.link, answers.round_trip, is_owed=answers.is_owed)
        self.terminal = Terminal(
            self,
            round_trips,
            self.line_changed,
            relay=answers.relay,
            key_delay=settings.key_delay,
            look=partial(find_relay, os.environ, answers.version),
            on_relay=self.relay_changed,
        )
        self.keymap = keymap_of(settings)
        everywhere = (only_with_ctrl(self.keymap.action(name)) for name in EVERYWHERE)
        bind(self, [*map(self.keymap.action, ("palette", "redraw", "suspend")), *everywhere])
        apply_colours(self, colours, settings.theme)
        draw_thin(self, round_trips.slow)
        self.animation_level = "none"
        self.request: OpenRequest | None = None

    def line_changed(self) -> None:
        """Send less on a line that turned out slow, and show that; or more again."""
        round_trips = self.terminal.round_trips
        draw_thin(self, round_trips.slow)
        if round_trips.slow:
            advice = "ssh -C helps" if "SSH_CONNECTION" in os.environ else "--link fast prevents it"
            change = f"images are smaller, with fewer colours; {advice}"
        else:
            change = "images have their full size again"
        self.mention(f"{round_trips.measured}: {change}.")

    def relay_changed(self) -> None:
        """Show whether keys wait now."""
        if isinstance(self.screen, BaseScreen):
            self.screen.relay_changed()

    def mention(self, sentence: str, style: str = "muted") -> None:
        """Show a sentence for a while, on a screen that shows sentences."""
        if isinstance(self.screen, BaseScreen):
            self.screen.mention(sentence, style)

    def terminal_back(self) -> None:
        """Draw everything, and take no answer for an image before the terminal has it again."""
        self.terminal.back()
        super().terminal_back()

    def on_resize(self, event: events.Resize) -> None:
        """Find out again how far the terminal is."""
        self.terminal.size_changed()

    def on_open_requested(self, message: OpenRequested) -> None:
        """Leave, so that the request can be opened."""
        self.request = message.request
        self.exit(return_code=0)

    def post_display_hook(self) -> None:
        """Handle a frame, right after it was written."""
        self.terminal.frame_written()

    def on_cursor_position(self, event: events.CursorPosition) -> None:
        """Pass on the terminal's report that all is painted."""
        self.terminal.heard(event)

    def action_palette(self) -> None:
        """Open the command palette."""
        from tuilabel.tui.app.palette import Palette

        if not isinstance(self.screen, Palette):
            self.push_screen(Palette())

    def run_to_its_end(self, saved: Callable[[], str], *, mouse: bool = False) -> Ended:
        """Run until the person, a signal or a crash ends it; then name the crash report, if any.

        Parameters
        ----------
        saved : callable
            Returns a sentence about the labels that are saved.
        mouse : bool
            Whether to report the mouse: without it, the terminal's own text selection works.
        """
        self.report_folder = log_file().parent
        with self.orderly():
            self.run(mouse=mouse)
        if self.report is not None and self.crashed is not None:
            from tuilabel.process.crash import sentences
            from tuilabel.text import inert

            stream = TTY.shown(sys.stderr)
            click.echo("\r\x1b[K", stream, nl=False)  # in place of keys echoed meanwhile
            for line in sentences(self.crashed, self.report, saved()):
                click.echo(inert(line, 2000), stream)
        return Ended(self.return_code or 0, self.request)


class Ended(NamedTuple):
    """How an application has ended.

    Attributes
    ----------
    status : int
        The exit status.
    request : OpenRequest or None
        What to open next.
    """

    status: int
    request: OpenRequest | None
