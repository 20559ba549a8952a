"""A note that is being typed: one line, about the image on which it was begun."""

from __future__ import annotations

from rich.cells import cell_len

from tuilabel.events.payloads import LONGEST_NOTE
from tuilabel.text import inert
from tuilabel.tui.text.pieces import Piece

_SHOWN = 30
"""Cells of the end of the note that are shown: the keys fit beside them."""


class NoteEntry:
    """Collects the text of a note.

    Parameters
    ----------
    item : str
        The item that the note is about.
    text : str
        The text to begin with.
    """

    def __init__(self, item: str, text: str) -> None:
        self.item = item
        self.text = text

    def press(self, key: str, character: str | None) -> None:
        """Handle a key that neither ends nor leaves the note."""
        if key == "backspace":
            self.text = self.text[:-1]
        elif key == "ctrl+u":
            self.text = ""
        elif character is not None and character.isprintable():
            self.add(character)

    def add(self, text: str) -> None:
        """Add the first line of a text, as far as there is room."""
        line = text.partition("\n")[0].partition("\r")[0]
        self.text = (self.text + "".join(filter(str.isprintable, line)))[:LONGEST_NOTE]

    def line(self, message: Piece | None) -> Piece:
        """Return the note as the foot shows it, with a sentence in place of the keys if any."""
        shown = inert(self.text, LONGEST_NOTE)
        if cell_len(shown) > _SHOWN:
            shown = shown[1 - _SHOWN :]
            while cell_len(shown) >= _SHOWN:
                shown = shown[1:]
            shown = "…" + shown
        rest = message or ("Enter saves · Esc leaves", "accent")
        return f"note: {shown}_  {rest[0]}", rest[1]
