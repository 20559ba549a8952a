"""The whole batch at once, large enough to be labelled from."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

from textual.geometry import Size
from textual.strip import Strip

from tuilabel.tui.images import Pixels
from tuilabel.tui.text.pieces import Piece
from tuilabel.tui.views.values import Thumbnail
from tuilabel.tui.widgets.image_lines import ImageLines
from tuilabel.tui.widgets.thumbnails import Thumbnails, marks, side_by_side

_GREYS = 32
_LARGEST, _SMALLEST = 28, 4
"""Rows that one image may take. In fewer, no digit can be read."""


class _Layout(NamedTuple):
    """The rows of an image, and how many images stand beside and above each other."""

    rows: int
    across: int
    down: int


class BatchRows(ImageLines):
    """Images in rows, each with its mark; a batch that does not fit is shown page by page.

    Parameters
    ----------
    image_of : callable
        Returns the (H, W) or (H, W, 3) uint8 image of a row of the dataset.

    Attributes
    ----------
    across : int
        How many images stand beside each other.
    """

    def __init__(self, image_of: Callable[[int], Pixels], *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._thumbnails = Thumbnails(image_of, _GREYS, self.get_ready)
        self._batch: Sequence[Thumbnail] = ()
        self._words: Sequence[Piece] = ()
        self._shown: tuple[object, ...] = ()
        self.across = 1

    def show_batch(self, batch: Sequence[Thumbnail], words: Sequence[Piece] = ()) -> None:
        """Show the page of a batch that has the current place on it.

        Where there are no places, a few words may be shown instead.
        """
        self._batch, self._words = batch, words
        self.redraw()

    def holds(self, batch: Sequence[Thumbnail]) -> bool:
        """Return whether the page that a batch needs has the images that are shown."""
        layout = _layout(len(batch), self.size)
        return bool(self.size.area) and self._key(self._page(batch, layout)) == self._shown

    def forget(self) -> None:
        """Draw all images again, because they look different now."""
        self._thumbnails.forget()
        self._shown = ()
        self.redraw()

    def prepare(self, rows: Sequence[int]) -> bool:
        """Draw some images ahead of time; return whether others are left."""
        if not self.size.area:
            return False
        height = _layout(len(self._batch), self.size).rows
        return bool(self._thumbnails.prepare(rows, 2 * height, height, self.colours))

    def redraw(self) -> None:
        """Draw the page in this size."""
        if not self.size.area:
            return
        layout = _layout(len(self._batch), self.size)
        self.across = layout.across
        page = self._page(self._batch, layout)
        made = [] if page else self.centred(self._words)
        for start in range(0, len(page), layout.across):
            made += self._line(page[start : start + layout.across], layout)
        key = self._key(page)
        if key == self._shown:
            self.show(made)
        else:
            self._shown = key
            self.show_images(made)

    def _key(self, page: Sequence[Thumbnail]) -> tuple[object, ...]:
        return (*(place.row for place in page), self.size, self.colours)

    def _line(self, places: Sequence[Thumbnail], layout: _Layout) -> list[Strip]:
        rows, width = layout.rows, self.size.width
        drawn = [
            self._thumbnails.drawn(place.row, 2 * rows, rows, self.colours) for place in places
        ]
        left = max(0, (width - layout.across * (2 * rows + 1) + 1) // 2)
        return [
            *side_by_side(drawn, rows, left, width),
            self.row(*marks(places, 2 * rows, left)),
        ]

    def _page(self, batch: Sequence[Thumbnail], layout: _Layout) -> Sequence[Thumbnail]:
        size = layout.across * layout.down
        current = next((i for i, place in enumerate(batch) if place.current), 0)
        start = current // size * size
        return batch[start : start + size]


def rows_taken(images: int, size: Size) -> int:
    """Return how many rows of a size a number of images take, with their marks."""
    layout = _layout(images, size)
    return min(layout.down, -(-max(1, images) // layout.across)) * (layout.rows + 1)


def _layout(images: int, size: Size) -> _Layout:
    """Return the layout with the largest images of which all fit, in lines of five if possible."""
    width, height = size
    fitting = _Layout(_SMALLEST, 1, 1)
    for rows in range(_LARGEST, _SMALLEST - 1, -1):
        across, down = (width + 1) // (2 * rows + 1), height // (rows + 1)
        fitting = _Layout(rows, max(1, across), max(1, down))
        if across * down >= max(1, images):
            break
    lines = -(-images // fitting.across)
    if lines and fitting.across * fitting.down >= images:
        # Lines as even as possible: ten images are two lines of five, not of eight and two.
        even = -(-images // lines)
        if even > 5 and -(-images // 5) <= fitting.down:
            even = 5
        return fitting._replace(across=even)
    return fitting
