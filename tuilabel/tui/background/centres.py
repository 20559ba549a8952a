"""The centres of the pool for the classes screen, computed by the trainer."""

from __future__ import annotations

import hashlib
import json
import zipfile
from functools import partial
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from tuilabel.data import Dataset
from tuilabel.errors import TrainerError
from tuilabel.trainer.client import RunJob
from tuilabel.tui.background.threads import beside
from tuilabel.workspace.places import cache_dir

USUAL_CENTRES = 10
MOST_CENTRES = 40


class Centres(NamedTuple):
    """Mean images of clusters, the largest cluster first, with each one's share of the pool."""

    pictures: NDArray[np.uint8]
    shares: tuple[float, ...]


def centres_wanted(classes: int) -> int:
    """Return how many clusters to look for: as many as classes, within limits."""
    return min(max(classes, USUAL_CENTRES), MOST_CENTRES)


async def kept_centres(dataset: Dataset) -> Centres | None:
    """Return the centres that are kept from an earlier run, if any."""
    return await beside(lambda: _read(_path(dataset)))


async def find_centres(dataset: Dataset, run: RunJob) -> Centres:
    """Have the trainer compute the centres; cancelling this cancels the job.

    Raises
    ------
    TrainerError
        There are none; the reason is one line.
    """
    from tuilabel.trainer import jobs

    path = _path(dataset)
    await run(jobs.Centres(centres_wanted(len(dataset.class_names)), seed=0, out=path))
    found = await beside(partial(_read, path))
    if found is None:
        raise TrainerError(f"{path} has no centres.")
    return found


def _path(dataset: Dataset) -> Path:
    """Return the path of the centres, named after everything that determines them."""
    ids = dataset.ids
    some = [ids[row] for row in range(0, len(ids), len(ids) // 256 + 1)]
    wanted = centres_wanted(len(dataset.class_names))
    decisive = [dataset.source, len(ids), dataset.window, wanted, some]
    name = hashlib.blake2b(json.dumps(decisive).encode(), digest_size=16).hexdigest()
    return cache_dir() / "centres" / f"{name}.npz"


def _read(path: Path) -> Centres | None:
    try:
        with np.load(path, allow_pickle=False) as kept:
            pictures, shares = kept["pictures"], kept["shares"]
    except (OSError, ValueError, KeyError, zipfile.BadZipFile):
        return None
    if pictures.dtype != np.uint8 or pictures.ndim not in (3, 4) or len(pictures) != len(shares):
        return None
    return Centres(pictures, tuple(map(float, shares)))
