"""Work by the trainer for a screen: what is asked, what is kept, and what is kept no more."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from loop_fakes import ME

from tuilabel.errors import TrainerError
from tuilabel.learn.baseline import RandomCurves
from tuilabel.progress import Progress
from tuilabel.trainer.jobs import Baseline, BaselineFound, Centres, CentresKept
from tuilabel.tui.background.baseline import BaselineFinder
from tuilabel.tui.background.centres import find_centres, kept_centres
from tuilabel.workspace.opening import Workspace

FOUND = BaselineFound(RandomCurves((10, 50), ((0.4, 0.9), (0.6, 0.7))))


class Asked:
    """Answers as the trainer does, and notes the jobs."""

    def __init__(self, answer: Any) -> None:
        self.answer = answer
        self.jobs: list[Any] = []

    async def __call__(self, job: Any, progress: Progress | None = None) -> Any:
        self.jobs.append(job)
        if progress is not None:
            progress("fits", 3, 15)
        return self.answer(job) if callable(self.answer) else self.answer


async def test_a_baseline_is_simulated_once_and_kept(workspace: Workspace) -> None:
    run, told = Asked(FOUND), []
    baseline = await BaselineFinder(workspace, run, told.append).find()
    assert [(p.labels, p.mean) for p in baseline.points] == [(10, 0.5), (50, 0.8)]
    assert told == ["3 of 15 fits"]
    (job,) = run.jobs
    assert isinstance(job, Baseline)
    assert (job.budget, job.runs, job.batch_size) == (50, 3, workspace.session.settings.batch_size)
    assert job.truth is workspace.dataset.truth
    assert await BaselineFinder(workspace, run, told.append).find() == baseline
    assert len(run.jobs) == 1


async def test_more_labels_need_another_baseline(workspace: Workspace) -> None:
    run = Asked(FOUND)
    await BaselineFinder(workspace, run, lambda _: None).find()
    for _ in range(51):
        workspace.session.label(str(workspace.session.current_id), 1, by=ME)
    await BaselineFinder(workspace, run, lambda _: None).find()
    assert [job.budget for job in run.jobs] == [50, 100]


async def test_a_baseline_that_cannot_be_kept_is_shown_all_the_same(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setattr("tuilabel.tui.background.baseline.cache_dir", lambda: tmp_path / "file")
    run = Asked(FOUND)
    for _ in range(2):
        assert (await BaselineFinder(workspace, run, lambda _: None).find()).runs == 2
    assert len(run.jobs) == 2


async def test_centres_are_made_once_and_kept(workspace: Workspace) -> None:
    def make(job: Centres) -> CentresKept:
        job.out.parent.mkdir(parents=True)
        np.savez(job.out, pictures=np.zeros((2, 8, 8), np.uint8), shares=np.array([0.7, 0.3]))
        return CentresKept()

    run = Asked(make)
    assert await kept_centres(workspace.dataset) is None
    assert (await find_centres(workspace.dataset, run)).shares == (0.7, 0.3)
    assert (run.jobs[0].clusters, run.jobs[0].seed) == (10, 0)
    kept = await kept_centres(workspace.dataset)
    assert kept is not None
    assert kept.shares == (0.7, 0.3)


async def test_a_file_that_is_not_there_after_all_is_an_error(workspace: Workspace) -> None:
    with pytest.raises(TrainerError, match="has no centres"):
        await find_centres(workspace.dataset, Asked(CentresKept()))
