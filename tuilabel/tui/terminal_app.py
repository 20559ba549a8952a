"""What every application of ours has: its terminal, its colours, orderly endings."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import click
from textual import events

from tuilabel.recent import Wish
from tuilabel.settings import Settings
from tuilabel.tui.bindings import EVERYWHERE, bind, only_with_ctrl
from tuilabel.tui.colours import Colours
from tuilabel.tui.frames import FramesApp
from tuilabel.tui.keymap.resolved import keymap_of
from tuilabel.tui.link import Link
from tuilabel.tui.orderly import OrderlyApp
from tuilabel.tui.probe import Answers
from tuilabel.tui.terminal import Terminal
from tuilabel.tui.theme import apply_colours, draw_thin
from tuilabel.tui.wished import Ended, Wished
from tuilabel.workspace import log_file

if TYPE_CHECKING:
    from textual.command import Provider


def _action_provider() -> type[Provider]:
    # The palette's widgets take time to import that the first frame does not have.
    from tuilabel.tui.commands import ActionProvider

    return ActionProvider


class TerminalApp(OrderlyApp, FramesApp, inherit_bindings=False):
    """An application on a terminal that has been asked what it is.

    Parameters
    ----------
    settings : Settings
    colours : Colours
        What the terminal can show.
    answers : Answers
        What the terminal told of itself.

    Attributes
    ----------
    wish : Wish or None
        What is to be opened once this has ended.
    """

    TITLE = "tuilabel"
    CSS_PATH = "tuilabel.tcss"
    COMMANDS = {_action_provider}  # noqa: RUF012

    def __init__(self, settings: Settings, colours: Colours, answers: Answers) -> None:
        super().__init__()
        link = Link(settings.link, answers.round_trip)
        self.terminal = Terminal(self, link, self.line_changed)
        self.keymap = keymap_of(settings)
        everywhere = (only_with_ctrl(self.keymap.action(name)) for name in EVERYWHERE)
        bind(self, [*map(self.keymap.action, ("palette", "redraw", "suspend")), *everywhere])
        apply_colours(self, colours, settings.theme)
        draw_thin(self, link.slow)
        self.animation_level = "none"
        self.wish: Wish | None = None

    def line_changed(self) -> None:
        """Send less on a line that turned out slow, and say so; or more again."""
        slow = self.terminal.link.slow
        draw_thin(self, slow)
        # Beside the labelling screen it goes by itself: the next key there may be long in coming.
        say = getattr(self.screen, "mention", None) or getattr(self.screen, "say", None)
        if slow and say is not None:
            say("The line is slow: images are smaller, with fewer colours. ssh -C helps.", "muted")

    def on_wished(self, message: Wished) -> None:
        """Leave, so that what was wished for is opened."""
        self.wish = message.wish
        self.exit(return_code=0)

    def post_display_hook(self) -> None:
        """Hear of every frame, right after it was written."""
        self.terminal.frame_written()

    def on_cursor_position(self, event: events.CursorPosition) -> None:
        """Pass the terminal's word that all is painted on."""
        self.terminal.heard(event)

    def action_palette(self) -> None:
        """Open the command palette."""
        from tuilabel.tui.palette import Palette

        if not isinstance(self.screen, Palette):
            self.push_screen(Palette())

    def run_to_its_end(self, saved: Callable[[], str], *, mouse: bool = False) -> Ended:
        """Run until the person, a signal or a crash ends it; say of a crash where it is reported.

        Parameters
        ----------
        saved : callable
            Says what is safe, whatever happened.
        mouse : bool
            Whether the mouse is reported: without, the terminal's own text selection keeps working.
        """
        self.report_folder = log_file().parent
        with self.orderly():
            self.run(mouse=mouse)
        if self.report is not None and self.crashed is not None:
            from tuilabel.crash import sentences
            from tuilabel.data import inert

            for line in sentences(self.crashed, self.report, saved()):
                click.echo(inert(line, 2000), err=True)
        return Ended(self.return_code or 0, self.wish)
