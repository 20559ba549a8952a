"""The accuracy by round, on an axis that never moves."""

from __future__ import annotations

from collections.abc import Sequence

from rich.cells import cell_len
from textual.strip import Strip

from tuilabel.tui.widgets.lines import Lines

_LEVELS = "▁▂▃▄▅▆▇█"
_EDGES = {0: "▔", -1: "▁"}
"""Lines at 1 and at chance, at the edges of their cells: no bar looks higher than the line at 1."""
_AXIS = 5
"""Columns for the numbers beside the axis."""


class AccuracyLine(Lines):
    """A sparkline from chance to 1, one column per round, with the newest value in words.

    The axis is fixed: on an axis scaled to the data, a hundredth would look like a cliff.
    """

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._title = "accuracy"
        self._values: Sequence[float] = ()
        self._caption = ""
        self._recall: Sequence[str] | None = None
        self._remark = ""
        self._chance = 0.0

    def show_accuracy(
        self,
        title: str,
        values: Sequence[float],
        caption: str,
        *,
        chance: float,
        recall: Sequence[str] | None = None,
        remark: str = "",
    ) -> None:
        """Show accuracies, oldest first.

        Parameters
        ----------
        title : str
            Names the set on which they are measured.
        values : sequence of float
            0 to 1.
        caption : str
            The newest, with its interval and n; or why there is none.
        chance : float
            The accuracy of guessing; the foot of the axis.
        recall : sequence of str or None
            What the accuracy does not say, the longest form first: the row below has the first one
            that fits. None for no such row.
        remark : str
            A sentence in the last row.
        """
        self._title, self._values, self._caption, self._chance = title, values, caption, chance
        self._recall, self._remark = recall, remark
        self.redraw()

    def redraw(self) -> None:
        """Draw the curve in this size."""
        width, height = self.size
        if not self.size.area:
            return
        rows = [self.row((self._title, "muted"))]
        below = [self.row((self._caption, "strong" if self._values else "muted"))]
        # Recall and remark keep their rows while they are empty, so that the axis does not move.
        if self._recall is not None:
            fitting = (text for text in self._recall if cell_len(text) <= width)
            below.append(
                self.row((next(fitting, self._recall[-1] if self._recall else ""), "plain"))
            )
        below.append(self.row((self._remark, "muted")))
        rows += self._graph(width - _AXIS, height - 1 - len(below)) if height > 5 else []
        rows += below
        self.show(rows)

    def _graph(self, width: int, height: int) -> list[Strip]:
        columns = [self._column(value, height) for value in _resampled(self._values, width)]
        rows = []
        foot = f"{self._chance:.1f}" if self._chance >= 0.05 else f"{self._chance:.2f}"[1:]
        for y in range(height):
            axis = {0: "1.0", height - 1: foot}.get(y, "")
            drawn = "".join(column[height - 1 - y] for column in columns)
            edge = _EDGES.get(y - height if y else 0, "")
            rows.append(
                self.row(
                    (f"{axis:>3} ", "muted"),
                    (drawn[:-1], "area"),
                    (drawn[-1:], "bar"),
                    (edge * (width - len(drawn)), "track"),
                )
            )
        return rows

    def _column(self, value: float, height: int) -> str:
        """Draw one value from the foot up; a value at chance or below still shows."""
        # With one class, chance is 1 and so is every value.
        share = (value - self._chance) / max(1 - self._chance, 1e-9)
        eighths = max(1, round(max(0.0, min(1.0, share)) * height * 8))
        whole, rest = divmod(eighths, 8)
        return ("█" * whole + (_LEVELS[rest - 1] if rest else "")).ljust(height)


def _resampled(values: Sequence[float], width: int) -> list[float]:
    """Return at most `width` of the values, evenly spaced, with the newest among them."""
    if len(values) <= width:
        return list(values)
    return [values[round((place + 1) * len(values) / width) - 1] for place in range(width)]
