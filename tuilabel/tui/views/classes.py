"""What the classes screen shows, as plain values; and the centres of the pool, once found."""

from __future__ import annotations

from collections import Counter
from typing import NamedTuple

from tuilabel.data import Dataset
from tuilabel.session import Session

MOST_EXAMPLES = 60


class ClassCount(NamedTuple):
    """How many items have a class: by annotators, and by a model alone."""

    labels: int
    auto_labels: int


def class_counts(session: Session) -> list[ClassCount]:
    """Count the labels of each class, in the order of the classes."""
    ledger = session.ledger
    auto = Counter(event.class_name for event in ledger.auto_labels())
    return [ClassCount(ledger.by_class[name], auto[name]) for name in session.info.class_names]


def newest_of_class(session: Session, dataset: Dataset, name: str) -> list[int]:
    """Give the rows of items that annotators gave a class last, the newest first."""
    rows: dict[int, None] = {}
    for event in session.ledger.newest(session.ledger.acts):
        if event.class_name != name or session.ledger.answer(str(event.item)) is not event:
            continue
        row = dataset.row_of(str(event.item))
        if row is not None:
            rows[row] = None
        if len(rows) == MOST_EXAMPLES:
            break
    return list(rows)
