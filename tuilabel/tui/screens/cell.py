"""The images of one cell of the confusion matrix."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from textual.widget import Widget

from tuilabel.text import percent
from tuilabel.tui.images import Pixels
from tuilabel.tui.screens.list_screen import ListScreen
from tuilabel.tui.views.confusion import CellItem
from tuilabel.tui.views.open_session import OpenSession
from tuilabel.tui.widgets.gallery import Gallery, Tile


class CellScreen(ListScreen, inherit_bindings=False):
    """Items of one class that are taken for one class, the most confident first.

    Parameters
    ----------
    opened : OpenSession
    cell : tuple of int
        True and predicted class.
    items : sequence of CellItem
    """

    place = "cell"

    def __init__(
        self, opened: OpenSession, cell: tuple[int, int], items: Sequence[CellItem]
    ) -> None:
        super().__init__(opened)
        self._cell = cell
        self._items = items
        self._gallery = Gallery(self._image_of, id="thumbnails")

    def _image_of(self, row: int) -> Pixels:
        return self.opened.image(row, held_out=self.opened.workspace.dataset.holdout is not None)

    def body(self) -> Iterable[Widget]:
        """Lay the images out."""
        yield self._gallery

    def session_changed(self) -> None:
        """Keep what is being looked at."""

    def show_all(self) -> None:
        """Show the images."""
        names = self.opened.presenter.names
        truth, predicted = (names[index] for index in self._cell)
        title = f"{truth} recognised" if truth == predicted else f"{truth} taken for {predicted}"
        items = self._items
        here = f"{self._gallery.cursor + 1:,} of {len(items):,}" if items else "none"
        measured = f"on {self.opened.presenter.set_name}, the most confident first"
        self.show_header(title, (f"  {here}", "plain"), right=measured)
        tiles = [Tile(item.row, self._caption(item)) for item in items]
        self._gallery.show_tiles(tiles, "  No image is in this cell.")

    def _caption(self, item: CellItem) -> str:
        names = self.opened.presenter.names
        truth, predicted = (names[index] for index in self._cell)
        return f"{truth}›{predicted} {percent(item.confidence)}"

    def page(self) -> int:
        """Return how many steps a page is."""
        return self._gallery.page

    def move(self, step: int) -> None:
        """Move the mark."""
        self._gallery.move(step)
        self.show_all()

    def action_left(self) -> None:
        """Go to the image before."""
        self.move(-1)

    def action_right(self) -> None:
        """Go to the next image."""
        self.move(+1)

    def action_up(self) -> None:
        """Go to the image above."""
        self.move(-self._gallery.columns)

    def action_down(self) -> None:
        """Go to the image below."""
        self.move(+self._gallery.columns)
