"""Answered items that are no longer in the source, and those whose files have other content now."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import compress
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from tuilabel.data import Dataset
from tuilabel.events.payloads import Answer, Carried, Carry
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
    same : tuple of Carry
        Those of them whose stored pixels are what they were, so that only metadata changed, and
        whose file has no answer yet.
    """

    missing: int = 0
    changed: int = 0
    same: tuple[Carry, ...] = ()

    def carried(self) -> list[Carried]:
        """Return the events that carry answers over to the files that are the same."""
        starts = range(0, len(self.same), MOST_CARRIED)
        return [Carried(pairs=self.same[start : start + MOST_CARRIED]) for start in starts]


MOST_CARRIED = 4000
"""Items in one event: they fit into a line of a log."""


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
        path: row
        for row in np.flatnonzero(readable).tolist()
        for path in items.references(row)[:first]
    }
    changed, same, ids = 0, list[Carry](), items.ids
    for item in lost:
        given = ((events[one.number], one) for one in reversed(known.answers(item)))
        about = (answer_event(event, known, one).payload for event, one in given)
        found = [answer for answer in about if isinstance(answer, Answer)]
        rows_now = [paths[path] for answer in found for path in answer.references if path in paths]
        changed += bool(rows_now)
        pixels = {answer.pixels for answer in found} - {""}
        for row in rows_now:
            new = ids[row]
            # A file that was restored is an item that counts as this one already.
            is_free = not known.is_answered(new) or known.carries.end(new) == item
            if is_free and items.pixel_hash(row) in pixels:
                same.append(Carry(item, new, items.pixel_hash(row)))
                break
    return Gone(len(lost) - changed, changed, tuple(same))
