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

    def fill(self, index: Mapping[str, int]) -> int:
        """Take all labels into account, see `indices`.

        Returns
        -------
        int
            Number of items with an answer that are not in the dataset.
        """
        self._recounts, self._index = self._known.recounts, dict(index)
        items = list(self._known.answered())
        rows = self._items.rows_of(items)
        self.answered[rows[rows >= 0]] = True
        row_of = dict(zip(items, rows.tolist(), strict=True))
        for part, classes in zip(self._parts, self._classes, strict=True):
            for item, class_id in classes.items():
                if class_id in index and (row := row_of[item]) >= 0:
                    part[row] = index[class_id]
        return int(np.count_nonzero(rows < 0))

    def follow(self, item: str) -> None:
        """Take an event about an item into account that the labels have applied."""
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
            self._recounts, self._index = self._known.recounts, dict(index)
            training, audit = (
                {
                    row: self._index[class_id]
                    for item, class_id in classes.items()
                    if class_id in self._index and (row := self._items.row_of(item)) is not None
                }
                for classes in self._classes
            )
            self._parts = training, audit
        training, audit = self._parts
        return dict(training), dict(audit)
