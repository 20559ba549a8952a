"""A dataset that other processes can open: its arrays are files that all of them map."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tuilabel.data import Dataset, HoldOut, Window
from tuilabel.data.dataset import SkippedFile
from tuilabel.data.picture import Picture, picture_of
from tuilabel.data.region import WHOLE, Region


@dataclass(frozen=True, eq=False)
class HandedOver:
    """The part of a `Dataset` that the loop needs, opened by another process."""

    source: str
    class_names: tuple[str, ...]
    ids: Sequence[str]
    pool: NDArray[Any]
    truth: NDArray[np.int16]
    holdout: HoldOut
    notices: tuple[str, ...] = ()
    window: Window | None = None
    skipped: tuple[SkippedFile, ...] = ()
    reading: None = None
    groups: None = None

    def __len__(self) -> int:
        return len(self.pool)

    @cached_property
    def _rows(self) -> dict[str, int]:
        return {item: row for row, item in enumerate(self.ids)}

    def row_of(self, item_id: str) -> int | None:
        """Return the row of an item; None if the dataset has no such item."""
        return self._rows.get(item_id)

    def rows_of(self, item_ids: Sequence[str]) -> NDArray[np.intp]:
        """Return the rows of items, -1 where the dataset has no such item."""
        return np.array([self._rows.get(item_id, -1) for item_id in item_ids], dtype=np.intp)

    def image(self, i: int) -> NDArray[Any]:
        """Return item `i` of the pool: a simulation shows no images."""
        image: NDArray[Any] = self.pool[i]
        return image

    def full_image(self, i: int) -> NDArray[Any]:
        """Return item `i` of the pool."""
        return self.image(i)

    has_pictures = False
    guesses = None

    def picture(self, i: int, box: tuple[int, int], region: Region = WHOLE) -> Picture:
        """Return a part of item `i` of the pool."""
        return picture_of(self.image(i), box, region)

    def file(self, i: int) -> None:
        """Return no path: the items are in an array."""

    def references(self, i: int) -> tuple[str, ...]:
        """Return no references: a simulation exports no labels."""
        return ()

    def pixel_hash(self, i: int) -> str:
        """Return no hash: an array has no metadata that may change."""
        return ""

    def look_at(self, places: Mapping[str, str]) -> None:
        """Look nowhere: an array is no file that is moved."""


def hand_over(dataset: Dataset, folder: Path) -> None:
    """Write a dataset with truth and a hold-out into a folder.

    Raises
    ------
    OSError
        The folder cannot be written.
    """
    if dataset.truth is None or dataset.holdout is None:
        raise ValueError("The dataset has no ground truth or no hold-out; expected both.")
    words = {
        "source": dataset.source,
        "class_names": list(dataset.class_names),
        "ids": list(dataset.ids),
        "holdout": dataset.holdout.name,
    }
    (folder / "words.json").write_text(json.dumps(words), encoding="utf-8")
    np.save(folder / "pool.npy", dataset.pool)
    np.save(folder / "truth.npy", dataset.truth)
    np.save(folder / "holdout.npy", dataset.holdout.images)
    np.save(folder / "holdout-truth.npy", dataset.holdout.truth)


def take_over(folder: Path) -> HandedOver:
    """Open a dataset from `hand_over`, with its arrays memory-mapped."""
    words = json.loads((folder / "words.json").read_text(encoding="utf-8"))

    def mapped(name: str) -> NDArray[Any]:
        array: NDArray[Any] = np.load(folder / f"{name}.npy", mmap_mode="r", allow_pickle=False)
        return array

    return HandedOver(
        source=words["source"],
        class_names=tuple(words["class_names"]),
        ids=words["ids"],
        pool=mapped("pool"),
        truth=mapped("truth"),
        holdout=HoldOut(words["holdout"], mapped("holdout"), mapped("holdout-truth")),
    )
