"""The content of the classes screen, as plain values."""

from __future__ import annotations

from collections import Counter
from typing import NamedTuple

from tuilabel.data import Dataset
from tuilabel.session import Session

MOST_EXAMPLES = 60


class ClassCount(NamedTuple):
    """How many items have a class: by annotators, and by a model only."""

    labels: int
    auto_labels: int


def class_counts(session: Session) -> list[ClassCount]:
    """Return the number of labels of each class, in the order of the classes."""
    ledger = session.ledger
    auto = Counter(event.class_name for event in ledger.auto_labels())
    return [ClassCount(ledger.by_class[name], auto[name]) for name in session.info.class_names]


def newest_of_class(session: Session, dataset: Dataset, name: str) -> list[int]:
    """Return the rows of the items that annotators labelled with a class, the newest first."""
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
