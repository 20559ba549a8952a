"""Answered items that are no longer in the source, and those whose files have other content now."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from tuilabel.data import Dataset
from tuilabel.session.imported import answer_event
from tuilabel.session.labels import Labels
from tuilabel.session.record import Events


class Gone(NamedTuple):
    """Numbers of items with an answer.

    Attributes
    ----------
    missing : int
        No longer in the source.
    changed : int
        Of which a file is still there, but has other content: it is another item now.
    """

    missing: int = 0
    changed: int = 0


def gone(known: Labels, events: Events, items: Dataset) -> Gone:
    """Count the answered items that a source, read to its end, has no longer."""
    reading, answered = items.reading, list(known.answered())
    readable = np.ones(len(items), dtype=bool) if reading is None else ~reading.refused
    there = readable.copy()
    if reading is not None:
        # Of equal files one that can be read is enough.
        there[reading.first[readable]] = True
    rows = items.rows_of(answered).tolist()
    lost = [item for item, row in zip(answered, rows, strict=True) if row < 0 or not there[row]]
    if not lost:
        return Gone()
    first = None if reading is None else 1
    paths = {
        path for row in np.flatnonzero(readable).tolist() for path in items.references(row)[:first]
    }
    changed = 0
    for item in lost:
        standing = known.standing(item)
        if standing is not None:
            answer = answer_event(events, known, item, standing.given).payload
            changed += not paths.isdisjoint(getattr(answer, "references", ()))
    return Gone(len(lost) - changed, changed)
