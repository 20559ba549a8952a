"""The labels in effect by row of the dataset, maintained as answers arrive."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from tuilabel.data import Dataset
from tuilabel.session.labels import Labels


class LabelledRows:
    """What is known about the items of a dataset, by row.

    Parameters
    ----------
    known : Labels
    items : Dataset

    Attributes
    ----------
    answered : bool array of shape (n,)
        Whether a row has anybody's answer; of equal rows only the first says so.
    """

    def __init__(self, known: Labels, items: Dataset) -> None:
        self._known = known
        self._items = items
        self._index: dict[str, int] = {}
        self._parts: tuple[dict[int, int], dict[int, int]] = ({}, {})
        self._recounts = 0
        self.answered = np.zeros(len(items), dtype=bool)

    @property
    def closed(self) -> NDArray[np.bool_]:
        """Whether a row need not be asked: it has an answer, or cannot be read. Shape (n,)."""
        reading = self._items.reading
        return self.answered if reading is None else self.answered[reading.first] | reading.refused

    def grow(self, count: int) -> None:
        """Take rows into account that were added at the end: there are so many in all."""
        added = np.zeros(count - len(self.answered), dtype=bool)
        self.answered = np.concatenate([self.answered, added])

    def fill(self, index: Mapping[str, int]) -> tuple[list[str], NDArray[np.intp]]:
        """Take all labels into account, see `indices`.

        Returns
        -------
        (list of str, intp array of shape (n,))
            The items with an answer, and their rows, -1 where it is none.
        """
        training, audit = self._classes
        others = [
            item for item in self._known.answered() if item not in training and item not in audit
        ]
        rows = np.concatenate([*self._count(index), self._items.rows_of(others)])
        self.answered[rows[rows >= 0]] = True
        for item in self._known.carries.away():
            self._follow(item)
        return [*training, *audit, *others], rows

    def _count(self, index: Mapping[str, int]) -> list[NDArray[np.intp]]:
        """Find the class index of every label; return the rows of those of each part."""
        self._recounts, self._index = self._known.recounts, dict(index)
        found = [self._items.rows_of(list(classes)) for classes in self._classes]
        for part, classes, rows in zip(self._parts, self._classes, found, strict=True):
            indices = np.array([index.get(id_, -1) for id_ in classes.values()], np.intp)
            is_used = (rows >= 0) & (indices >= 0)
            part.clear()
            part.update(zip(rows[is_used].tolist(), indices[is_used].tolist(), strict=True))
        return found

    def follow(self, item: str) -> None:
        """Take an event about an item into account that the labels have applied."""
        for one in self._known.carries.members(item):
            self._follow(one)

    def _follow(self, item: str) -> None:
        row = self._items.row_of(item)
        if row is None:
            return
        self.answered[row] = self._known.is_answered(item)
        for part, classes in zip(self._parts, self._classes, strict=True):
            # What is labelled again comes last, as it does in `Labels`.
            part.pop(row, None)
            index = self._index.get(classes.get(item, ""))
            if index is not None:
                part[row] = index

    @property
    def _classes(self) -> tuple[dict[str, str], dict[str, str]]:
        return self._known.training, self._known.audit

    def indices(self, index: Mapping[str, int]) -> tuple[dict[int, int], dict[int, int]]:
        """Return the class indices by row: of those to train on, and of those to measure on.

        Parameters
        ----------
        index : mapping of str to int
            Class indices by class id; rows of other classes are left out.
        """
        if self._recounts != self._known.recounts or self._index != index:
            self._count(index)
        training, audit = self._parts
        return dict(training), dict(audit)
