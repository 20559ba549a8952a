"""The ways between the labelling screen and those beside it."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, cast

from textual.app import App

from tuilabel.tui.keymap.actions import Action
from tuilabel.tui.screens.paced import PacedScreen

if TYPE_CHECKING:
    from tuilabel.tui.screens.side import SideScreen
    from tuilabel.tui.views.open_session import OpenSession

_CLASSES = {
    "curve": "CurveScreen",
    "confusion": "ConfusionScreen",
    "classes": "ClassesScreen",
    "history": "HistoryScreen",
    "home": "HomeScreen",
}
"""The class of each of `tuilabel.tui.keymap.actions.PLACES`, in the file of its name."""


class WithPlaces(PacedScreen, inherit_bindings=False):
    """A screen from which the screens beside the labelling one are a key away.

    Attributes
    ----------
    actions : tuple of Action
        What its keys do.
    opened : OpenSession
        What the others stand on.
    """

    actions: tuple[Action, ...]
    opened: OpenSession

    def visit(self, place: str) -> None:
        """Go to one of the places."""
        open_place(self.app, place, self.opened)

    def session_changed(self) -> None:
        """Show what the trainer has found meanwhile."""

    def action_curve(self) -> None:
        """See the accuracy by labels."""
        self.visit("curve")

    def action_confusion(self) -> None:
        """See the confusion matrix."""
        self.visit("confusion")

    def action_classes(self) -> None:
        """See the classes."""
        self.visit("classes")

    def action_history(self) -> None:
        """See every event."""
        self.visit("history")

    def action_home(self) -> None:
        """See sessions and sources."""
        self.visit("home")


def open_place(app: App[object], place: str, opened: OpenSession) -> None:
    """Put a place over the labelling screen, instead of any other that is there."""
    # Loaded when first wanted: none of them belongs to the first frame.
    from tuilabel.tui.screens.side import SideScreen

    module = import_module(f"tuilabel.tui.screens.{place}")
    screen = cast("type[SideScreen]", getattr(module, _CLASSES[place]))
    while isinstance(app.screen, SideScreen):
        app.pop_screen()
    app.push_screen(screen(opened))
