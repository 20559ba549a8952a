"""Contact sheets: the newest labels, the newest of each class, and what a model would label."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from tuilabel.commands.printing import PicturePrinter, Pixels, SheetTile
from tuilabel.data import Dataset
from tuilabel.errors import SourceError
from tuilabel.events.payloads import Label
from tuilabel.session.view import SessionView
from tuilabel.text import percent
from tuilabel.tui.text.names import shown_name
from tuilabel.workspace.autolabels import AutoLabel

_AUTO_LABELS = 10
"""Auto-labels that are shown large enough to be judged; more where the terminal is wide."""


def newest_sheet(dataset: Dataset, view: SessionView, printer: PicturePrinter) -> Iterator[str]:
    """Yield the lines of the labels given last, the newest first, as many as fit.

    Below each image stand the number of its label and its class.
    """
    labels = [
        (row, f"#{number} {shown_name(name)}") for row, number, name in _newest(dataset, view)
    ]
    layout = printer.layout(len(labels))
    return printer.sheet(_tiles(dataset, labels[: layout.size]), layout)


def class_sheet(dataset: Dataset, view: SessionView, printer: PicturePrinter) -> Iterator[str]:
    """Yield the lines of the newest labels of each class: one, or as many as fit."""
    by_class: dict[str, list[int]] = {info.name: [] for info in view.known.classes}
    for row, _, name in _newest(dataset, view):
        by_class.setdefault(name, []).append(row)
    layout = printer.layout(sum(map(len, by_class.values())))
    each = max(1, layout.size // max(1, sum(map(bool, by_class.values()))))
    chosen = [(row, shown_name(name)) for name, rows in by_class.items() for row in rows[:each]]
    return printer.sheet(_tiles(dataset, chosen), layout)


def auto_label_sheet(
    dataset: Dataset, labels: Sequence[AutoLabel], printer: PicturePrinter
) -> Iterator[str]:
    """Yield the lines of the least and the most confident auto-labels, some of each."""
    order = sorted(labels, key=lambda label: label.probability)
    layout = printer.layout(min(len(order), _AUTO_LABELS))
    least, most = order[: layout.across], order[layout.across :][-layout.across :]
    for title, part in (("Least confident:", least), ("Most confident:", most)):
        if part:
            yield title
            found = [
                (label.row, f"{shown_name(label.class_name)} {percent(label.probability)}")
                for label in part
            ]
            yield from printer.sheet(_tiles(dataset, found), layout)


def _newest(dataset: Dataset, view: SessionView) -> Iterator[tuple[int, int, str]]:
    """Yield the items with a label in effect: row, number of the event, class; newest first."""
    known = view.known
    for number in range(len(view.events), 0, -1):
        label = view.events[number - 1].payload
        if isinstance(label, Label):
            standing, row = known.standing(label.item), dataset.row_of(label.item)
            counts = standing is not None and standing.given.number == number - 1
            if counts and standing is not None and standing.class_id and row is not None:
                yield row, number, known.classes.name(standing.class_id)


def _tiles(dataset: Dataset, rows: Sequence[tuple[int, str]]) -> list[SheetTile]:
    return [(_image(dataset, row), text) for row, text in rows]


def _image(dataset: Dataset, row: int) -> Pixels:
    """Return an item's image for a contact sheet; a dark square where it cannot be read."""
    try:
        return dataset.image(row)
    except SourceError:
        return np.zeros((1, 1), np.uint8)
