"""The image of an event, and the event's details below it."""

from __future__ import annotations

from collections.abc import Sequence

from textual.containers import Vertical

from tuilabel.tui.views.values import Detail
from tuilabel.tui.widgets.details import Details
from tuilabel.tui.widgets.picture import Picture

_LEAST_WIDTH, _MOST_WIDTH = 28, 84
"""Columns of an image beside the list: a digit of MNIST is 28 pixels wide."""

_DETAILS = 7


class EventDetails(Vertical):
    """An image and details, beside the list of events."""

    def __init__(self, *, id: str | None = None) -> None:
        self.picture = Picture(id="image")
        self._details = Details(paths=("image",), id="details")
        super().__init__(self.picture, self._details, id=id)

    def show_details(self, details: Sequence[Detail]) -> None:
        """Show the details of the event."""
        self._details.show_details(details)

    def fit_to(self, width: int, height: int) -> None:
        """Take a share of a screen of this size, leaving the list room for all its columns."""
        wide = max(_LEAST_WIDTH, min(_MOST_WIDTH, 7 * width // 15 - 9))
        # A cell has two rows of pixels. The header, an empty row and the footer take three rows.
        high = max(1, min(wide // 2, height - 3 - _DETAILS))
        if self.styles.width is None or self.styles.width.value != wide:
            self.styles.width = wide
        image = self.picture.styles
        if image.height is None or image.height.value != high:
            image.height = high
