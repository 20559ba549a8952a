"""The keys and classes, on one page."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from tuilabel.tui.keymap.actions import Action
from tuilabel.tui.keymap.resolved import Keymap
from tuilabel.tui.screens.page import PageScreen
from tuilabel.tui.views.help import help_rows


class HelpScreen(PageScreen, inherit_bindings=False):
    """Shows what each key does.

    Parameters
    ----------
    keymap : Keymap
    actions : sequence of Action
        Those of the screen below.
    classes : sequence of (str, str)
        The keys of each class, empty where its name is typed; and its name.
    """

    def __init__(
        self, keymap: Keymap, actions: Sequence[Action], classes: Sequence[tuple[str, str]]
    ) -> None:
        super().__init__("help", partial(help_rows, keymap, actions, classes), keymap, "help")
