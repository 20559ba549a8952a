"""Answers as columns: a million of them take a fifth of the memory that as many tuples would."""

from __future__ import annotations

from array import array
from collections.abc import Collection
from typing import NamedTuple

import numpy as np

from tuilabel.events.lines import Event
from tuilabel.session.class_sets import is_set, names_class


class Given(NamedTuple):
    """An answer of one annotator about one item, without what only a list of events shows.

    Attributes
    ----------
    t, id : int, str
        Their order is that of the events.
    number : int
        The place of its event among those read, from 0.
    by : str
    rank : int
        0 for a person, 1 for an oracle, 2 for an import.
    class_id : str or None
        None for a skip. In a session of several classes, a set: see `class_sets`.
    audit : bool
        Whether the item was drawn for the audit set.
    why : str
        The reason of a skip; empty where there is none.
    """

    t: int
    id: str
    number: int
    by: str
    rank: int
    class_id: str | None
    audit: bool
    why: str = ""


Kind = tuple[str, int, str | None, bool, str]
"""Annotator, rank, class id, whether the item is in the audit set, and the reason of a skip: most
answers share one."""


class _Kinds(dict[Kind, int]):
    """Numbers for kinds of answers, each made when it is first asked for."""

    def __init__(self) -> None:
        self.kinds: list[Kind] = []

    def __missing__(self, kind: Kind) -> int:
        number = self[kind] = len(self.kinds)
        self.kinds.append(kind)
        return number


class Answers:
    """A table of answers, in the order in which they arrived; none is ever removed."""

    def __init__(self) -> None:
        self._t, self._numbers, self._kinds = array("Q"), array("Q"), array("I")
        self._ids: list[str] = []
        self._items: list[str] = []
        self._known = _Kinds()

    def add(self, event: Event, number: int, item: str, kind: Kind) -> int:
        """Add an answer; return its row."""
        ids = self._ids
        self._t.append(event[2])
        self._numbers.append(number)
        self._kinds.append(self._known[kind])
        self._items.append(item)
        ids.append(event[0])
        return len(ids) - 1

    def __len__(self) -> int:
        return len(self._ids)

    def item(self, row: int) -> str:
        """Return the item that an answer is about."""
        return self._items[row]

    def about(self, class_ids: Collection[str]) -> dict[str, None]:
        """Return the items that have an answer to one of some classes, in order of arrival."""
        wanted = np.array([_names(kind[2], class_ids) for kind in self._known.kinds], dtype=bool)
        if not wanted.any():
            return {}
        rows = np.flatnonzero(wanted[np.frombuffer(self._kinds, dtype=np.uintc)])
        return dict.fromkeys(self._items[row] for row in rows.tolist())

    def __getitem__(self, row: int) -> Given:
        return Given(
            self._t[row], self._ids[row], self._numbers[row], *self._known.kinds[self._kinds[row]]
        )

    def order(self, row: int) -> tuple[int, str]:
        """Return what answers are ordered by."""
        return self._t[row], self._ids[row]


def _names(class_id: str | None, wanted: Collection[str]) -> bool:
    return class_id is not None and (
        class_id in wanted or (is_set(class_id) and names_class(class_id, wanted))
    )
