"""The random baseline of the curve screen, simulated by the trainer."""

from __future__ import annotations

import contextlib
import hashlib
import json
from collections.abc import Callable
from dataclasses import asdict
from functools import partial
from pathlib import Path

from tuilabel import __version__
from tuilabel.data import Dataset
from tuilabel.data.arrays import replacing
from tuilabel.errors import SourceError
from tuilabel.session import Session
from tuilabel.text import counted
from tuilabel.trainer.client import RunJob
from tuilabel.tui.background.threads import beside
from tuilabel.tui.views.baseline import Baseline, budget_for, read_baseline
from tuilabel.workspace.opening import Workspace
from tuilabel.workspace.places import cache_dir

_SMALL_POOL = 10_000
"""Images up to which a fit is quick enough for several runs."""
_RUNS = 3

_SAMPLED = 256
"""Item ids that represent all of them in the name of a kept baseline."""


def why_no_baseline(dataset: Dataset, session: Session) -> str | None:
    """Return why there can be no baseline; None if there can."""
    of_source = session.classes.of_source
    if len(set(of_source)) < len(of_source):
        return "No random baseline: it would tell apart classes that are merged here."
    if dataset.truth is None or dataset.holdout is None:
        return "No random baseline: the source has no ground truth to simulate with."
    return None


class BaselineFinder:
    """Finds the baseline for a number of labels: a kept one, or else by a simulation.

    Parameters
    ----------
    workspace : Workspace
        Its dataset has ground truth.
    run : RunJob
    tell : callable
        Called on the event loop with the progress of the simulation.
    """

    def __init__(self, workspace: Workspace, run: RunJob, tell: Callable[[str], None]) -> None:
        self._workspace = workspace
        self._run = run
        self._tell = tell

    async def find(self) -> Baseline:
        """Return the baseline; cancelling this ends the simulation.

        Raises
        ------
        TrainerError
            There is none; the reason is one line.
        """
        from tuilabel.trainer import jobs

        dataset, settings = self._workspace.dataset, self._workspace.session.settings
        assert dataset.truth is not None
        budget = budget_for(self._workspace.session.labels, len(dataset))
        path = await beside(partial(self._path, budget))
        kept = await beside(partial(_kept, path))
        if kept is not None:
            return kept
        job = jobs.Baseline(
            truth=dataset.truth,
            model=settings.model,
            features=settings.features,
            batch_size=settings.batch_size,
            budget=budget,
            runs=self._runs,
        )
        answer = await self._run(job, self._progress)
        assert isinstance(answer, jobs.BaselineFound)
        text = json.dumps(asdict(answer.curves))
        await beside(partial(_keep, path, text))
        return read_baseline(text)

    def _progress(self, what: str, done: int, total: int | None) -> None:
        self._tell(f"{done:,} of {counted(total or done, 'fit')}")

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
            [dataset.source, about.pool, about.test, dataset.class_names],
            [settings.model, settings.features, settings.batch_size, self._runs],
            [len(dataset), [ids[row] for row in range(0, len(ids), len(ids) // _SAMPLED + 1)]],
            None if truth is None else int(truth.sum()),
            None if holdout is None else [len(holdout), int(holdout.truth.sum())],
        ]
        name = hashlib.blake2b(json.dumps(decisive).encode(), digest_size=16).hexdigest()
        return cache_dir() / "baselines" / f"{name}-{budget}.json"


def _keep(path: Path, text: str) -> None:
    # Without room for it, it is simulated again the next time.
    with contextlib.suppress(OSError, SourceError), replacing(path) as file:
        file.write(text.encode("ascii"))


def _kept(path: Path) -> Baseline | None:
    try:
        return read_baseline(path.read_bytes())
    except (OSError, ValueError):
        return None
