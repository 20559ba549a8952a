"""What stands beside an image that is looked at closely: a map of it, and facts about it."""

from __future__ import annotations

from textual.geometry import Size
from textual.strip import Strip

from tuilabel.data.region import Region
from tuilabel.tui.images import Pixels, draw
from tuilabel.tui.views.look import Looked
from tuilabel.tui.widgets.details import detail_rows
from tuilabel.tui.widgets.lines import Lines

_MOST_COLUMNS, _MOST_ROWS = 24, 8
"""The largest map, without its rulers."""

_DIM = 0.45
"""Brightness of what is not seen, as a share."""


class LookPanel(Lines):
    """A map with rulers that show which part is seen, how far it is zoomed in, and facts."""

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._looked: Looked | None = None

    def show_look(self, looked: Looked | None) -> None:
        """Show where one looks, and what is known about the image."""
        self._looked = looked
        self.redraw()

    def redraw(self) -> None:
        """Draw the map and the facts in this size."""
        if not self.size.area or self._looked is None:
            # It is drawn with the first frame that has room for it.
            self._rows_size = Size(0, 0)
            return
        looked, rows = self._looked, list[Strip]()
        if looked.region is not None:
            rows = [self.row((looked.words, "strong")), *self._map(looked.image, looked.region)]
        if looked.facts:
            rows += [self.row(("", "plain"))] if rows else []
            room = self.size.height - len(rows)
            rows += [
                self.row(*pieces) for pieces in detail_rows(looked.facts, self.size.width, room)
            ]
        self.show(rows)

    def _map(self, image: Pixels, region: Region) -> list[Strip]:
        """Return the whole image, small, with a ruler below it and one beside it.

        The rulers show the part also where there are no shades.
        """
        height = min(_MOST_ROWS, self.size.height - 2)
        if height < 2:
            return []
        part = region.part(image).copy()
        image = (image * _DIM).astype(image.dtype)
        region.part(image)[:] = part
        box = (min(_MOST_COLUMNS, self.size.width - 2), height)
        columns, drawn = draw(image, box, self.colours)
        left, right = _span(region.left, region.right, columns)
        top, bottom = _span(region.top, region.bottom, len(drawn))
        rows = []
        for y, segments in enumerate(drawn):
            side = ("▌", "accent") if top <= y < bottom else ("│", "track")
            ruler = self.row(side, width=1)
            rest = Strip.blank(max(0, self.size.width - columns - 1))
            rows.append(Strip.join([Strip(segments, columns), ruler, rest]))
        below = [("─" * left, "track"), ("▀" * (right - left), "accent")]
        rows.append(self.row(*below, ("─" * (columns - right), "track")))
        return rows


def _span(start: float, end: float, cells: int) -> tuple[int, int]:
    """Return the first cell of a part, and the one behind its last: at least one."""
    first = min(int(start * cells + 1e-6), cells - 1)
    return first, max(first + 1, min(cells, int(end * cells + 0.5)))
