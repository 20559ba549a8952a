"""The random baseline of the curve screen, simulated in a child process."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from pathlib import Path

from tuilabel import __version__
from tuilabel.data import Dataset
from tuilabel.errors import TrainerError
from tuilabel.tui.views.baseline import Baseline, budget_for, read_baseline
from tuilabel.workspace.opening import Workspace
from tuilabel.workspace.places import cache_dir, log_file

_SMALL_POOL = 10_000
"""Images up to which a fit is quick enough for several runs."""
_RUNS = 3

_SAMPLED = 256
"""Item ids that represent all of them in the name of a kept baseline."""


def why_no_baseline(dataset: Dataset) -> str | None:
    """Return why there can be no baseline; None if there can."""
    if dataset.truth is None or dataset.holdout is None:
        return "No random baseline: the source has no ground truth to simulate with."
    return None


class BaselineFinder:
    """Finds the baseline for a number of labels: a kept one, or else by a simulation.

    Parameters
    ----------
    workspace : Workspace
        Its dataset has ground truth.
    tell : callable
        Called on the event loop with the progress of the simulation.
    """

    def __init__(self, workspace: Workspace, tell: Callable[[str], None]) -> None:
        self._workspace = workspace
        self._tell = tell

    async def find(self) -> Baseline:
        """Return the baseline; cancelling this ends the simulation.

        Raises
        ------
        TrainerError
            There is none; the reason is one line.
        """
        import asyncio

        # Imported when first needed.
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
            raise TrainerError(f"{path} has no baseline.")
        return made

    def _arguments(self, budget: int, path: Path) -> list[str]:
        session = self._workspace.session
        about, settings, class_names = session.about, session.settings, session.class_names
        # Only the source itself has class names with a comma.
        own_names = any("," in name for name in class_names)
        given = {
            "--pool": about.pool,
            "--test": about.test,
            "--classes": None if own_names else ",".join(class_names),
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
        """Return the path of the baseline, named after everything that determines it."""
        session, dataset = self._workspace.session, self._workspace.dataset
        about, settings = session.about, session.settings
        ids, truth, holdout = dataset.ids, dataset.truth, dataset.holdout
        decisive = [
            __version__,
            [dataset.source, about.pool, about.test, session.class_names],
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
