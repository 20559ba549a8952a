"""A learner over a dataset, in this process."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from tuilabel.data import Dataset

if TYPE_CHECKING:
    from tuilabel.learn.learner import Learner


def open_learner(dataset: Dataset, cache_folder: Path | None) -> Learner:
    """Return a learner over a dataset; features stay in memory where there is no cache folder."""
    from tuilabel.data.arrays import Arrays
    from tuilabel.learn.feature_sources import pixels
    from tuilabel.learn.learner import Learner

    store = None if cache_folder is None else Arrays(cache_folder)
    pool, n_classes = pixels(dataset.pool), len(dataset.class_names)
    return Learner(pool, n_classes, holdout=dataset.holdout, store=store)
