"""The random baseline of the session's source: simulated beside the screen, and kept."""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Callable, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any, NamedTuple

from tuilabel import __version__
from tuilabel.data import Dataset
from tuilabel.errors import TrainerError
from tuilabel.workspace import Workspace, cache_dir, log_file

_SMALL_POOL = 10_000
"""Images up to which a fit is quick enough for several runs."""

_RUNS = 3

_SAMPLED = 256
"""Item ids that stand for all of them in the name of a kept baseline."""


class BaselinePoint(NamedTuple):
    """Accuracy after labels for images drawn at random: mean, least and most of the runs."""

    labels: int
    mean: float
    least: float
    most: float


class Baseline(NamedTuple):
    """What labels for images drawn at random would be worth."""

    points: tuple[BaselinePoint, ...]
    runs: int

    def at(self, labels: int) -> float | None:
        """Give the mean accuracy after a number of labels; None where it is not known."""
        points = self.points
        if not points or not points[0].labels <= labels <= points[-1].labels:
            return None
        for left, right in pairwise(points):
            if left.labels <= labels <= right.labels:
                share = (labels - left.labels) / max(1, right.labels - left.labels)
                return left.mean + share * (right.mean - left.mean)
        return points[-1].mean

    def labels_for(self, accuracy: float) -> int | None:
        """Tell after how many labels an accuracy is first reached; None where it is not."""
        return next((point.labels for point in self.points if point.mean >= accuracy), None)


def read_baseline(text: str | bytes) -> Baseline:
    """Read what `tuilabel simulate --json` wrote.

    Raises
    ------
    ValueError
        It is something else, or holds no run of the baseline.
    """
    try:
        runs: list[dict[str, Any]] = [
            run
            for run in json.loads(text)["runs"]
            if run["strategy"] == "random" and run["cold_start"] == "random"
        ]
        columns = zip(
            *(zip(run["labels"], run["accuracy"], strict=True) for run in runs), strict=True
        )
        points = []
        for column in columns:
            values = [float(accuracy) for _, accuracy in column]
            mean = math.fsum(values) / len(values)
            points.append(BaselinePoint(int(column[0][0]), mean, min(values), max(values)))
    except (LookupError, TypeError) as error:
        raise ValueError(f"no results of a simulation ({error!r})") from error
    if not points or not all(0 <= p.least <= p.most <= 1 for p in points):
        raise ValueError("no run of the baseline is in the results")
    return Baseline(tuple(points), len(runs))


def budget_for(labels: int, items: int) -> int:
    """Round labels up to what a baseline is worth working out for: 50, 100, 200, 500, ..."""
    budget = 50
    while budget < labels:
        budget = next(step for step in _ladder(budget) if step > budget)
    return min(budget, items)


def _ladder(budget: int) -> Sequence[int]:
    power = 10 ** (len(str(budget)) - 1)
    return [power, 2 * power, 5 * power, 10 * power]


def why_no_baseline(dataset: Dataset) -> str | None:
    """Say what a simulation would lack; None where it lacks nothing."""
    if dataset.truth is None or dataset.holdout is None:
        return "No random baseline: the source has no ground truth to simulate with."
    return None


class BaselineFinder:
    """Finds the baseline for a number of labels: kept from another time, or by a simulation.

    Parameters
    ----------
    workspace : Workspace
        Its dataset has ground truth.
    tell : callable
        Told how far the simulation is, on the event loop.
    """

    def __init__(self, workspace: Workspace, tell: Callable[[str], None]) -> None:
        self._workspace = workspace
        self._tell = tell

    async def find(self) -> Baseline:
        """Find it; when this is cancelled, the simulation ends.

        Raises
        ------
        TrainerError
            It cannot be had, in one line.
        """
        import asyncio

        # Loaded when first wanted.
        from tuilabel.trainer.job import Job

        labels = self._workspace.session.labels
        budget = budget_for(labels, len(self._workspace.dataset))
        path = await asyncio.to_thread(self._path, budget)
        kept = await asyncio.to_thread(_kept, path)
        if kept is not None:
            return kept
        await Job(self._arguments(budget, path), log_file(), self._tell).run()
        made = await asyncio.to_thread(_kept, path)
        if made is None:
            raise TrainerError(f"{path} holds no baseline.")
        return made

    def _arguments(self, budget: int, path: Path) -> list[str]:
        info, settings = self._workspace.session.info, self._workspace.session.settings
        # Names with a comma can only be the source's own.
        own_names = any("," in name for name in info.class_names)
        given = {
            "--pool": info.pool,
            "--test": info.test,
            "--classes": None if own_names else ",".join(info.class_names),
            "--model": settings.model,
            "--features": settings.features,
            "--strategy": "random",
            "--cold-start": "random",
            "--batch-size": min(settings.batch_size, budget),
            "--budget": budget,
            "--seeds": self._runs,
            "--json": path,
        }
        options = [
            text
            for name, value in given.items()
            if value is not None
            for text in (name, str(value))
        ]
        source = self._workspace.dataset.source
        return ["tuilabel", "simulate", source, *options, "--force", "--progress"]

    @property
    def _runs(self) -> int:
        return _RUNS if len(self._workspace.dataset) <= _SMALL_POOL else 1

    def _path(self, budget: int) -> Path:
        """Name the file after all that decides what is in it."""
        info, dataset = self._workspace.session.info, self._workspace.dataset
        settings = self._workspace.session.settings
        ids, truth, holdout = dataset.ids, dataset.truth, dataset.holdout
        decisive = [
            __version__,
            [dataset.source, info.pool, info.test, info.class_names],
            [settings.model, settings.features, settings.batch_size, self._runs],
            [len(dataset), [ids[row] for row in range(0, len(ids), len(ids) // _SAMPLED + 1)]],
            None if truth is None else int(truth.sum()),
            None if holdout is None else [len(holdout), int(holdout.truth.sum())],
        ]
        name = hashlib.blake2b(json.dumps(decisive).encode(), digest_size=16).hexdigest()
        folder = cache_dir() / "baselines"
        folder.mkdir(parents=True, exist_ok=True)
        return folder / f"{name}-{budget}.json"


def _kept(path: Path) -> Baseline | None:
    try:
        return read_baseline(path.read_bytes())
    except (OSError, ValueError):
        return None
