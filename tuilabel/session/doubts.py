"""The order in which imported suggestions are asked before a model has ranked anything."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import numpy as np

from tuilabel.data import Dataset
from tuilabel.events.payloads import DOUBT, Asked


class Doubts(Mapping[int, Asked]):
    """The rows whose suggestion may be wrong, the least likely suggestion first.

    It is a ranking like that of a model, made without one.

    Parameters
    ----------
    shares : mapping of str to float
        The probability of the suggestion of each item that has one; 0 where suggestions contradict
        each other.
    items : Dataset
    """

    def __init__(self, shares: Mapping[str, float], items: Dataset) -> None:
        self._ids = items.ids
        rows = items.rows_of(list(shares)) if shares else np.zeros(0, np.intp)
        found = rows >= 0
        order = np.lexsort((rows[found], np.fromiter(shares.values(), float, len(rows))[found]))
        self._rows = dict.fromkeys(rows[found][order].tolist())

    def __getitem__(self, row: int) -> Asked:
        if row not in self._rows:
            raise KeyError(row)
        return Asked(self._ids[row], DOUBT)

    def __iter__(self) -> Iterator[int]:
        return iter(self._rows)

    def __len__(self) -> int:
        return len(self._rows)
