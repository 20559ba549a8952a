"""How well the newest fit predicts each class, where an image may have several."""

from __future__ import annotations

from collections.abc import Iterable

from textual.widget import Widget

from tuilabel.tui.screens.list_screen import ListScreen
from tuilabel.tui.views.open_session import OpenSession
from tuilabel.tui.views.tallies import newest_tallies, tally_sentence
from tuilabel.tui.widgets.bar import Bar
from tuilabel.tui.widgets.tally_list import TallyList

_WAITING = "Nothing is measured yet: it comes with the first fit after an audit image."


class TalliesScreen(ListScreen, inherit_bindings=False):
    """Lists the classes in place of a confusion matrix, which has one class for each image."""

    place = "confusion"

    def __init__(self, opened: OpenSession) -> None:
        super().__init__(opened)
        self.take_actions(self.keymap.side_actions("tallies"))
        self._list = TallyList(id="matrix")
        self._sentence = Bar(id="cell")
        self._cursor = 0

    def body(self) -> Iterable[Widget]:
        """Lay the list out, and a sentence below it."""
        yield self._list
        yield self._sentence

    def show_all(self) -> None:
        """Show the newest fit."""
        presenter = self.opened.presenter
        found = newest_tallies(self.opened.session, presenter.classes)
        rows = () if found is None else found.rows
        self._cursor = max(0, min(self._cursor, len(rows) - 1))
        measured = ""
        if found is not None:
            measured = f"{presenter.set_name}{presenter.disputed}, after {found.labels:,} labels"
        self.show_header("each class", (f"  {self.opened.source_name}", "muted"), right=measured)
        self._list.show_tallies(rows, self._cursor, _WAITING)
        sentence = tally_sentence(rows[self._cursor]) if rows else ""
        self._sentence.show_bar([("  " + sentence, "muted")])

    def move(self, step: int) -> None:
        """Move the mark."""
        self.hush()
        self._cursor += step
        self.show_all()

    def page(self) -> int:
        """Return how many classes are shown at once."""
        return self._list.page
