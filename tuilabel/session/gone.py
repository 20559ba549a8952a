"""Answered items that are no longer in the source, and those whose files have other content now."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import compress
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

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


def gone(
    known: Labels,
    events: Events,
    items: Dataset,
    answered: Iterable[str],
    rows: NDArray[np.intp],
) -> Gone:
    """Count the answered items that a source, read to its end, has no longer.

    Parameters
    ----------
    known : Labels
    events : Events
    items : Dataset
    answered : iterable of str
        The items with an answer.
    rows : intp array of shape (n,)
        Their rows, -1 where it is none.
    """
    reading = items.reading
    readable = np.ones(len(items), dtype=bool) if reading is None else ~reading.refused
    there = readable.copy()
    if reading is not None:
        # Of equal files one that can be read is enough.
        there[reading.first[readable]] = True
    is_lost = ~np.append(there, False)[rows]
    if not is_lost.any():
        return Gone()
    lost = list(compress(answered, is_lost))
    first = None if reading is None else 1
    paths = {
        path for row in np.flatnonzero(readable).tolist() for path in items.references(row)[:first]
    }
    changed = 0
    for item in lost:
        standing = known.standing(item)
        if standing is not None:
            event = events[standing.given.number]
            answer = answer_event(event, known, item, standing.given).payload
            changed += not paths.isdisjoint(getattr(answer, "references", ()))
    return Gone(len(lost) - changed, changed)
