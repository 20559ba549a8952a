"""The labels in effect by row of the dataset, maintained as answers arrive."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

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
        Whether a row has anybody's answer.
    """

    def __init__(self, known: Labels, items: Dataset) -> None:
        self._known = known
        self._items = items
        self._parts: tuple[dict[int, str], dict[int, str]] = ({}, {})
        self._recounts = 0
        self.answered = np.zeros(len(items), dtype=bool)

    def fill(self) -> int:
        """Take all labels into account; return how many answered items are not in the dataset."""
        missing = 0
        for part, classes in zip(self._parts, self._classes, strict=True):
            for item, class_id in classes.items():
                row = self._items.row_of(item)
                if row is None:
                    missing += 1
                else:
                    part[row], self.answered[row] = class_id, True
        training, audit = self._classes
        for item in self._known.answered():
            if item not in training and item not in audit:
                row = self._items.row_of(item)
                if row is None:
                    missing += 1
                else:
                    self.answered[row] = True
        return missing

    def follow(self, item: str) -> None:
        """Take an event about an item into account that the labels have applied."""
        row = self._items.row_of(item)
        if row is None:
            return
        self.answered[row] = self._known.is_answered(item)
        for part, classes in zip(self._parts, self._classes, strict=True):
            # What is labelled again comes last, as it does in `Labels`.
            part.pop(row, None)
            if item in classes:
                part[row] = classes[item]

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
        if self._recounts != self._known.recounts:
            self._recounts = self._known.recounts
            for part, classes in zip(self._parts, self._classes, strict=True):
                part.clear()
                rows = ((self._items.row_of(item), class_id) for item, class_id in classes.items())
                part.update((row, class_id) for row, class_id in rows if row is not None)
        training, audit = (
            {row: index[class_id] for row, class_id in part.items() if class_id in index}
            for part in self._parts
        )
        return training, audit
