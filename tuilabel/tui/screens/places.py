"""The ways between the labelling screen and the screens beside it."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

from textual.app import App

if TYPE_CHECKING:
    from tuilabel.tui.views.open_session import OpenSession

_CLASSES = {
    "curve": "CurveScreen",
    "confusion": "ConfusionScreen",
    "classes": "ClassesScreen",
    "history": "HistoryScreen",
    "home": "HomeScreen",
    "messages": "MessagesScreen",
}
"""The class of each of `tuilabel.tui.keymap.actions.PLACES`, in the file of its name."""


def open_place(app: App[object], place: str, opened: OpenSession) -> None:
    """Put a screen over the labelling one, in the place of any other that is there."""
    # Imported when first visited: the first frame needs none of them.
    file, name = place, _CLASSES[place]
    if place == "confusion" and opened.session.about.multi:
        file, name = "tallies", "TalliesScreen"
    screen = getattr(import_module(f"tuilabel.tui.screens.{file}"), name)
    while getattr(app.screen, "is_side", False):
        app.pop_screen()
    app.push_screen(screen(opened))
