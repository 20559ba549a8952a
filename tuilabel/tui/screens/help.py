"""The keys, the classes and the promises, on one page."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from rich.text import Text
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.widgets import Static

from tuilabel.tui.actions import Action
from tuilabel.tui.keymap.presets import PRESETS
from tuilabel.tui.keymap.resolved import Keymap
from tuilabel.tui.screens.paced import PacedScreen


class HelpScreen(PacedScreen, inherit_bindings=False):
    """Says what each key does; any of the usual keys leads back.

    Parameters
    ----------
    keymap : Keymap
    actions : sequence of Action
        Those of the screen below.
    classes : sequence of (str, str)
        The keys of each class, none where its name is typed; and its name.
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("question_mark,f1,escape,q,enter,space", "app.pop_screen", "Back"),
        Binding("ctrl+c", "app.quit", "Quit"),
    ]

    def __init__(
        self, keymap: Keymap, actions: Sequence[Action], classes: Sequence[tuple[str, str]]
    ) -> None:
        super().__init__()
        self._keymap = keymap
        self._actions = actions
        self._named = classes

    def compose(self) -> ComposeResult:
        """Lay out one page that scrolls with the arrows."""
        with VerticalScroll(id="help"):
            yield Static(self._text(), markup=False)

    def on_mount(self) -> None:
        """Let the arrows scroll."""
        self.query_one("#help").focus()

    def _text(self) -> Text:
        text = Text()
        text.append("Keys", "bold")
        text.append("   (? goes back)\n")
        classes = ", ".join(key if key == name else f"{key} {name}" for key, name in self._named)
        rows = [(" ".join(action.shown_keys), action.help) for action in self._actions]
        for shown, sentence in [("classes", classes), *rows]:
            text.append(f"  {shown:<13}", "bold")
            text.append(f"{sentence}\n")
        text.append(f"\nKeymap  {self._keymap.name}: ", "bold")
        text.append(f"{PRESETS[self._keymap.name].about}\n")
        text.append("\nSigns   ", "bold")
        text.append("▲ asked now   · open   – skipped   › your answer   ✓ on disk   ! trouble\n")
        text.append("\nWhat you can rely on\n", "bold")
        for promise in (
            "A label is on disk before the next image comes.",
            "A key pressed before an image was on the screen never labels it.",
            "Accuracy is measured on images that training never sees.",
            "Everything can be undone, even tomorrow; nothing is ever deleted.",
        ):
            text.append(f"  · {promise}\n")
        return text
