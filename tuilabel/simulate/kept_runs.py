"""Finished runs on disk, so that an interrupted simulation can continue."""

from __future__ import annotations

import hashlib
import json
import math
import os
from collections.abc import Iterable
from dataclasses import asdict
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tuilabel import __version__
from tuilabel.data import Dataset
from tuilabel.plugins import package_of
from tuilabel.simulate.plan import Combination, Plan
from tuilabel.simulate.run import Run
from tuilabel.small_files import open_to_append

_CHUNK_ROWS = 4096


class KeptRuns:
    """A file with a line for each finished run of one simulation.

    Its name depends on everything that decides the results: the plan, the content of the dataset,
    and the versions of the libraries. If it cannot be written, the simulation goes on without it.

    Parameters
    ----------
    folder : Path
        Created with the first run if it is missing.
    dataset : Dataset
    plan : Plan

    Attributes
    ----------
    path : Path
    problem : str or None
        A sentence on why runs are not kept; None if they are.
    """

    def __init__(self, folder: Path, dataset: Dataset, plan: Plan) -> None:
        self.path = folder / f"{fingerprint(dataset, plan)}.jsonl"
        self.problem: str | None = None
        self._wanted = frozenset(plan.runs())
        self._labels = plan.label_counts(len(dataset))

    def load(self) -> list[Run]:
        """Return the runs in the file, each once; other lines are ignored."""
        try:
            lines = self.path.read_bytes().splitlines()
        except FileNotFoundError:
            return []
        except OSError as error:
            self.problem = self._problem(error)
            return []
        found: dict[tuple[Combination, int], Run] = {}
        for line in lines:
            run = self._read(line)
            if run is not None:
                found.setdefault((run.combination, run.seed), run)
        return list(found.values())

    def add(self, run: Run) -> None:
        """Write a run to disk."""
        if self.problem is not None:
            return
        line = json.dumps({**run.combination._asdict(), **_numbers(run)}).encode()
        try:
            # One write, beginning with a line break, in case a crash has cut the line before.
            with os.fdopen(open_to_append(self.path), "ab", buffering=0) as file:
                file.write(b"\n" + line + b"\n")
                os.fsync(file.fileno())
        except OSError as error:
            self.problem = self._problem(error)

    def remove(self) -> None:
        """Remove the file, once the results are saved elsewhere."""
        try:
            self.path.unlink(missing_ok=True)
        except OSError as error:
            self.problem = f"{self.path} cannot be removed ({error.strerror})."

    def _problem(self, error: OSError) -> str:
        return (
            f"Finished runs cannot be kept in {self.path} ({error.strerror}): if this simulation "
            "is interrupted, it has to start over."
        )

    def _read(self, line: bytes) -> Run | None:
        try:
            found = json.loads(line)
            combination = Combination(*(found[name] for name in Combination._fields))
            run = Run(
                combination,
                found["seed"],
                tuple(found["labels"]),
                tuple(map(float, found["accuracy"])),
                tuple(map(float, found["round_seconds"])),
                float(found["weigh_seconds"]),
                tuple(map(int, found["asked"])),
            )
            known = (combination, run.seed) in self._wanted
        except (LookupError, TypeError, ValueError):
            return None
        fits = len(self._labels)
        lengths = (len(run.accuracy), len(run.round_seconds))
        whole = run.labels == self._labels and lengths == (fits, fits)
        sound = all(0 <= share <= 1 for share in run.accuracy) and all(
            0 <= seconds < math.inf for seconds in (*run.round_seconds, run.weigh_seconds)
        )
        named = len(run.asked) >= max(run.labels, default=0) and min(run.asked, default=0) >= 0
        return run if known and whole and sound and named else None


def fingerprint(dataset: Dataset, plan: Plan) -> str:
    """Return a hash of everything that decides the results of a simulation: 32 hex characters."""
    versions = {name: version(name) for name in ("numpy", "scipy", "scikit-learn")}
    for group in ("strategies", "models", "features"):
        for name in getattr(plan, group):
            if package := package_of(group, name):
                versions[f"{group} {name}"] = package
    digest = hashlib.blake2b(digest_size=16)
    for part in (
        {"tuilabel": __version__, **versions},
        {**asdict(plan), "batch_size": plan.batch_for(len(dataset))},
        {"classes": dataset.class_names, "source": dataset.source},
    ):
        digest.update(json.dumps(part, sort_keys=True).encode() + b"\n")
    for item in dataset.ids:
        digest.update(item.encode())
    _add_arrays(digest, [dataset.pool, dataset.truth])
    if dataset.holdout is not None:
        digest.update(json.dumps(dataset.holdout.name).encode())
        _add_arrays(digest, [dataset.holdout.images, dataset.holdout.truth])
    return digest.hexdigest()


def _add_arrays(digest: hashlib.blake2b, arrays: Iterable[NDArray[Any] | None]) -> None:
    for array in arrays:
        if array is None:
            continue
        digest.update(f"{array.shape} {array.dtype.str}".encode())
        for start in range(0, len(array), _CHUNK_ROWS):
            digest.update(np.ascontiguousarray(array[start : start + _CHUNK_ROWS]).data)


def _numbers(run: Run) -> dict[str, Any]:
    return {
        "seed": run.seed,
        "labels": run.labels,
        "accuracy": run.accuracy,
        "round_seconds": run.round_seconds,
        "weigh_seconds": run.weigh_seconds,
        "asked": run.asked,
    }
