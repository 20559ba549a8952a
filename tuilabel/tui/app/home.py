"""The home screen by itself, with no session open."""

from __future__ import annotations

import gc
from typing import Any, ClassVar

from textual.screen import Screen
from textual.types import CSSPathType

from tuilabel.settings import Settings
from tuilabel.tui.app.base import Ended, TerminalApp
from tuilabel.tui.screens.home import HomeScreen
from tuilabel.tui.terminal.capabilities import Colours
from tuilabel.tui.terminal.probe import TerminalAnswers


class HomeApp(TerminalApp, inherit_bindings=False):
    """Shows what can be opened, and ends with the choice. Parameters as for `TerminalApp`."""

    # textual does not read the style sheet of a default screen.
    CSS_PATH: ClassVar[CSSPathType | None] = ["tuilabel.tcss", "../screens/side.tcss"]

    def __init__(self, settings: Settings, colours: Colours, answers: TerminalAnswers) -> None:
        super().__init__(settings, colours, answers)
        self._home = HomeScreen(None, self.keymap)

    def get_default_screen(self) -> Screen[Any]:
        """Return the home screen."""
        return self._home

    def on_ready(self) -> None:
        """Turn the garbage collector on: the command line puts that off until the first frame."""
        gc.enable()


def run_home(settings: Settings, *, colours: Colours, answers: TerminalAnswers) -> Ended:
    """Show what can be opened until something is chosen, or the person or a signal ends it."""
    return HomeApp(settings, colours, answers).run_to_its_end(str)
