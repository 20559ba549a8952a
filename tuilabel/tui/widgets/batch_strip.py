"""The batch as a row of thumbnails with a mark below each."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from tuilabel.tui.images import Pixels
from tuilabel.tui.views.values import Thumbnail
from tuilabel.tui.widgets.lines import Lines
from tuilabel.tui.widgets.thumbnails import Thumbnails, marks, side_by_side

_GREYS = 16


class BatchStrip(Lines):
    """Thumbnails side by side; where they do not all fit, those around the current one.

    Parameters
    ----------
    image_of : callable
        Returns the (H, W) or (H, W, 3) uint8 image of a row of the dataset.
    """

    def __init__(
        self,
        image_of: Callable[[int], Pixels],
        *,
        id: str | None = None,
    ) -> None:
        super().__init__(id=id)
        self._thumbnails = Thumbnails(image_of, _GREYS, self.get_ready)
        self._batch: Sequence[Thumbnail] = ()

    def show_batch(self, batch: Sequence[Thumbnail]) -> None:
        """Show the places of a batch."""
        self._batch = batch
        self.redraw()

    def redraw(self) -> None:
        """Draw the batch in this size."""
        if not self.size.area:
            return
        pitch, height, width = self._pitch, self.size.height - 1, self.size.width
        window = self._window(pitch)
        drawn = [
            self._thumbnails.drawn(place.row, pitch - 1, height, self.colours) for place in window
        ]
        left = max(0, (width - pitch * len(window) + 1) // 2)
        rows = side_by_side(drawn, height, left, width)
        self.show([*rows, self.row(*marks(window, pitch - 1, left))])

    def prepare(self, rows: Sequence[int]) -> bool:
        """Draw some of these thumbnails ahead of time; return whether others are left."""
        if not self.size.area:
            return False
        height = self.size.height - 1
        return bool(self._thumbnails.prepare(rows, self._pitch - 1, height, self.colours))

    @property
    def _pitch(self) -> int:
        """How many columns one thumbnail takes with the gap behind it, for square pixels."""
        return (self.size.height - 1) * 2

    def _window(self, pitch: int) -> Sequence[Thumbnail]:
        fitting = max(1, (self.size.width + 1) // pitch)
        current = next((i for i, place in enumerate(self._batch) if place.current), 0)
        start = max(0, min(current - fitting // 2, len(self._batch) - fitting))
        return self._batch[start : start + fitting]
