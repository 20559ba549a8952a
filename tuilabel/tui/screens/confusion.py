"""Which classes the newest fit takes for which."""

from __future__ import annotations

from collections.abc import Iterable

from textual.widget import Widget

from tuilabel.session.class_changes import MOST_CLASSES
from tuilabel.text import inert
from tuilabel.tui.screens.cell import CellScreen
from tuilabel.tui.screens.side import SideScreen
from tuilabel.tui.views.confusion import (
    cell_sentence,
    in_classes_of_now,
    items_of_cell,
    newest_confusion,
    rates_sentences,
)
from tuilabel.tui.views.open_session import OpenSession
from tuilabel.tui.widgets.bar import Bar
from tuilabel.tui.widgets.matrix import Matrix

_WAITING = "No matrix yet: it comes with the first accuracy."
_NO_IMAGES = "Images appear after the next fit."


class ConfusionScreen(SideScreen, inherit_bindings=False):
    """The matrix with a mark on one cell, and what that cell says in words."""

    place = "confusion"

    def __init__(self, opened: OpenSession) -> None:
        super().__init__(opened)
        self._matrix = Matrix(opened.presenter.classes, id="matrix")
        self._cell = Bar(id="cell")
        self._recall, self._precision = Bar(id="recall"), Bar(id="precision")
        self._found = newest_confusion(opened.session)
        self._cursor = self._found.worst() if self._found else (0, 0)

    def body(self) -> Iterable[Widget]:
        """Lay the matrix out, and the words below it."""
        yield self._matrix
        yield self._cell
        yield self._recall
        yield self._precision

    def session_changed(self) -> None:
        """Show the newest fit; the mark stays where it is."""
        self.hush()
        before, self._found = self._found, newest_confusion(self.opened.session)
        if self._found is not None and (before is None or before.classes != self._found.classes):
            self._cursor = self._found.worst()
        self.show_all()

    def show_all(self) -> None:
        """Show the matrix."""
        found, presenter = self._found, self.opened.presenter
        measured = ""
        if found is not None:
            measured = (
                f"n {found.n:,} ({presenter.set_name}){presenter.disputed}, "
                f"after {found.labels:,} labels"
            )
        self.show_header("confusion", (f"  {self.opened.source_name}", "muted"), right=measured)
        self._matrix.show_matrix(found, self._cursor, _WAITING)
        sentences = ("", "", "")
        if found is not None:
            longest = max(8, (self.app.size.width - 40) // 2)
            names = [inert(presenter.names[index], longest) for index in found.classes]
            cell = cell_sentence(found, *self._cursor, names)
            sentences = (cell, *rates_sentences(found, *self._cursor, names))
        bars = (self._cell, self._recall, self._precision)
        for bar, text, style in zip(bars, sentences, ("strong", "muted", "muted"), strict=True):
            bar.show_bar([("  " + text, style)])

    def action_open_cell(self) -> None:
        """See the images of the marked cell."""
        predictions = self.opened.session.predictions
        if self._found is None:
            self.say(_WAITING, "accent")
        elif predictions is None:
            self.say(_NO_IMAGES, "accent")
        else:
            row, column = self._cursor
            cell = self._found.classes[row], self._found.classes[column]
            both = in_classes_of_now(self.opened.session, predictions)
            items = items_of_cell(predictions, *both, cell)
            self.app.push_screen(CellScreen(self.opened, cell, items))

    def _move(self, down: int, right: int) -> None:
        self.hush()
        last = (len(self._found.classes) if self._found else 1) - 1
        row, column = self._cursor
        self._cursor = (max(0, min(row + down, last)), max(0, min(column + right, last)))
        self.show_all()

    def action_up(self) -> None:
        """Go to the cell above."""
        self._move(-1, 0)

    def action_down(self) -> None:
        """Go to the cell below."""
        self._move(+1, 0)

    def action_left(self) -> None:
        """Go to the cell at the left."""
        self._move(0, -1)

    def action_right(self) -> None:
        """Go to the cell at the right."""
        self._move(0, +1)

    def action_page_up(self) -> None:
        """Go up by a page."""
        self._move(-self._matrix.page(), 0)

    def action_page_down(self) -> None:
        """Go down by a page."""
        self._move(+self._matrix.page(), 0)

    def action_first(self) -> None:
        """Go to the first cell."""
        self._move(-MOST_CLASSES, -MOST_CLASSES)

    def action_last(self) -> None:
        """Go to the last cell."""
        self._move(+MOST_CLASSES, +MOST_CLASSES)
