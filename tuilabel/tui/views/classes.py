"""The content of the classes screen, as plain values."""

from __future__ import annotations

from collections import Counter
from itertools import islice
from typing import NamedTuple

from tuilabel.data import Dataset
from tuilabel.session import Session
from tuilabel.tui.text.names import shown_name
from tuilabel.tui.views.shown_classes import ShownClasses

MOST_EXAMPLES = 60


class ClassRow(NamedTuple):
    """One class: its key and name, and how many items have it.

    Attributes
    ----------
    id, key, name : str
    labels, auto_labels : int
        By annotators, and by a model only.
    state : str
        Nothing for a class that can be chosen, else why it cannot.
    """

    id: str
    key: str
    name: str
    labels: int
    auto_labels: int
    state: str = ""


def class_rows(session: Session, shown: ShownClasses) -> list[ClassRow]:
    """Return the classes that can be chosen, those retired, and ids that no event has added."""
    known, ids = session.known, session.classes.ids
    auto = Counter(known.classes.resolved(line.class_id) for _, line in known.auto_labels())

    def row(class_id: str, key: str, name: str, state: str = "") -> ClassRow:
        return ClassRow(class_id, key, name, known.by_class[class_id], auto[class_id], state)

    rows = [row(ids[index], shown.keys[index], shown.names[index]) for index in shown.open]
    rows += [
        row(info.id, "", shown_name(info.name), "retired")
        for info in known.classes.every()
        if info.is_retired and known.classes.resolved(info.id) == info.id
    ]
    there = {found.id for found in rows}
    unknown = sorted({*known.by_class, *auto} - there)
    return rows + [row(id_, "", shown_name(known.classes.name(id_)), "unknown") for id_ in unknown]


def newest_of_class(session: Session, dataset: Dataset, class_id: str) -> list[int]:
    """Return the rows of the items that annotators labelled with a class, the newest first."""
    items = session.known.newest_of_class(class_id)
    rows = (dataset.row_of(item) for item in items)
    return list(islice((row for row in rows if row is not None), MOST_EXAMPLES))
