"""The content of the classes screen, as plain values."""

from __future__ import annotations

from collections import Counter
from typing import NamedTuple

from tuilabel.data import Dataset
from tuilabel.journal.payloads import Label
from tuilabel.session import Session

MOST_EXAMPLES = 60


class ClassCount(NamedTuple):
    """How many items have a class: by annotators, and by a model only."""

    labels: int
    auto_labels: int


def class_counts(session: Session) -> list[ClassCount]:
    """Return the number of labels of each class, in the order of the classes."""
    known = session.known
    auto = Counter(line.class_id for _, line in known.auto_labels())
    return [ClassCount(known.by_class[id_], auto[id_]) for id_ in session.class_ids]


def newest_of_class(session: Session, dataset: Dataset, class_id: str) -> list[int]:
    """Return the rows of the items that annotators labelled with a class, the newest first."""
    rows: list[int] = []
    for number in range(len(session.events) - 1, -1, -1):
        label = session.events[number].payload
        if not isinstance(label, Label):
            continue
        standing, row = session.known.standing(label.item), dataset.row_of(label.item)
        if row is None or standing is None or standing.class_id != class_id:
            continue
        if standing.given.number == number:
            rows.append(row)
        if len(rows) == MOST_EXAMPLES:
            break
    return rows
