"""What the trainer's client reports to a screen."""

from __future__ import annotations

import asyncio
import errno
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any, NoReturn

import pytest
from loop_fakes import fit_finished

from tuilabel.data import array_file, open_dataset
from tuilabel.errors import TrainerError
from tuilabel.learn.requests import ColdStart, ColdStartFinished, Fit, FitFinished
from tuilabel.session import Ranking, Request
from tuilabel.trainer import runner
from tuilabel.trainer.client import TrainerClient
from tuilabel.trainer.jobs import (
    Centres,
    CentresKept,
    Job,
    Prepare,
    Prepared,
    Ranked,
    Start,
    Started,
)
from tuilabel.trainer.messages import Failed as JobFailed
from tuilabel.trainer.messages import Finished, OpenPool, Progress
from tuilabel.trainer.reports import (
    Down,
    Failed,
    Fitted,
    Idle,
    PreparingShare,
    Restarted,
    TrainerReport,
    Unprepared,
    Working,
)
from tuilabel.trainer.runner import TrainerDown, TrainerEvent, TrainerRestarted

FITTED = replace(
    fit_finished(1, [3], [[0.1] * 10]), model="hybrid", features="deskew-hog", strategy="margin"
)


def a_request(generation: int) -> Fit | ColdStart:
    return ColdStart(generation, "kmeans", "auto", "auto", (), (), 5, (0,))


class FakeTrainer:
    """Numbers jobs as the trainer does, and does none."""

    def __init__(self) -> None:
        self.jobs: list[Job] = []
        self.cancelled: list[int] = []

    def submit(self, job: Job) -> int:
        self.jobs.append(job)
        return len(self.jobs)

    def cancel(self, number: int) -> None:
        self.cancelled.append(number)

    async def stop(self) -> None: ...


class Screen:
    """Notes what is reported; asks again when the learner is prepared, if it is told to."""

    def __init__(self) -> None:
        self.reports: list[tuple[TrainerReport, bool]] = []
        self.rankings: list[Ranking] = []
        self.prepared = 0
        self.asks: list[Request] = []
        self.client: TrainerClient

    def ranking_arrived(self, ranking: Ranking) -> None:
        self.rankings.append(ranking)

    def learner_prepared(self) -> None:
        self.prepared += 1
        for request in self.asks:
            self.client.submit(request)

    def trainer_reported(self, report: TrainerReport, *, busy: bool) -> None:
        self.reports.append((report, busy))


CENTRES = Centres(10, 0, Path("out.npz"))


@pytest.fixture
def jobs() -> FakeTrainer:
    return FakeTrainer()


@pytest.fixture
def screen(tmp_path: Path, jobs: FakeTrainer) -> Screen:
    """Return a screen with a client of a trainer that does nothing."""
    screen = Screen()
    screen.client = TrainerClient(
        open_dataset("digits"), tmp_path, tmp_path / "log", lambda _: None, lambda: screen
    )
    screen.client._trainer = jobs  # type: ignore[assignment]
    return screen


def handle(screen: Screen, *events: TrainerEvent) -> list[tuple[TrainerReport, bool]]:
    """Return what is reported of some events."""
    screen.reports = []
    for event in events:
        screen.client.handle(event)
    return screen.reports


def is_same(found: list[tuple[TrainerReport, bool]], *expected: tuple[TrainerReport, bool]) -> bool:
    """Compare kinds too: named tuples of two kinds are equal if their fields are."""
    return repr(found) == repr(list(expected))


def fitted(number: int, finished: FitFinished = FITTED) -> Finished:
    return Finished(number, Ranked(finished))


def prepared(problem: str | None = None, *, late: bool = True) -> Finished:
    """Return the end of the preparation, which is the first job."""
    return Finished(1, Prepared("deskew-hog", 3.5, problem, late))


def test_a_request_is_a_job_behind_one_preparation(screen: Screen, jobs: FakeTrainer) -> None:
    first, second = a_request(1), replace(a_request(2), items=(4,))
    screen.client.submit(first)
    screen.client.submit(second)
    other = replace(second, features="hog")
    screen.client.submit(other)
    assert jobs.jobs == [
        Prepare("auto", "auto", "kmeans"),
        *(Start(first), Start(second)),
        Prepare("auto", "hog", "kmeans"),
        Start(other),
    ]


def test_a_fit_reports_the_model_and_its_features(screen: Screen) -> None:
    screen.client.submit(a_request(1))
    assert is_same(screen.reports, (Working(), True))
    assert is_same(handle(screen, fitted(2)), (Fitted("hybrid", "deskew-hog"), False))
    assert screen.rankings == [FITTED]


def test_after_a_cold_start_there_is_nothing_to_show(screen: Screen) -> None:
    first = ColdStartFinished(1, ())
    screen.client.submit(a_request(1))
    assert is_same(handle(screen, Finished(2, Started(first))), (Idle(), False))
    assert screen.rankings == [first]


def test_an_answer_that_was_overtaken_leaves_the_newer_one_owed(screen: Screen) -> None:
    for generation in (1, 2, 3):
        screen.client.submit(a_request(generation))
    assert handle(screen, fitted(2))[-1][1] is True
    # The one between them was replaced.
    assert handle(screen, fitted(4))[-1][1] is False


def test_progress_is_a_share(screen: Screen) -> None:
    screen.client.submit(a_request(1))
    reports = handle(
        screen,
        Progress(1, "neighbours", 15_000, 60_000),
        Progress(1, "eigenvectors", 0, 0),
        Progress(7, "fits", 1, 2),
    )
    assert is_same(
        reports,
        (PreparingShare("neighbours", 0.25), True),
        (PreparingShare("eigenvectors", 0.0), True),
    )


def test_a_learner_that_is_prepared_is_the_screens_to_ask_again(screen: Screen) -> None:
    screen.client.submit(a_request(1))
    screen.asks = [a_request(7)]
    assert is_same(handle(screen, prepared()), (Working(), True))
    assert screen.prepared == 1
    assert handle(screen, prepared(late=False)) == []
    assert screen.prepared == 1, "the answer that comes has it already"


@pytest.mark.parametrize("asks", [[], [a_request(2)]])
def test_what_could_not_be_prepared_can_be_read_after_the_fit(
    screen: Screen, asks: list[Request]
) -> None:
    problem = "A pool of 12 images is too small for a label graph."
    screen.client.submit(a_request(1))
    screen.asks = asks
    reports = handle(screen, prepared(problem), fitted(2))
    assert is_same(reports[:1], (Unprepared(problem), True))
    assert screen.prepared == 1
    if asks:
        # What is answered first was asked before; the problem is not to be gone with that.
        assert is_same(reports[-1:], (Unprepared(problem), True))
        reports = handle(screen, fitted(3))
    assert is_same(reports[-1:], (Unprepared(problem), False))
    screen.client.submit(a_request(3))
    reports = handle(screen, fitted(4 if asks else 3))
    assert is_same(reports, (Fitted("hybrid", "deskew-hog"), False))


def test_a_preparation_that_ends_the_child_is_a_problem_and_not_a_failed_fit(
    screen: Screen,
) -> None:
    screen.client.submit(a_request(1))
    reports = handle(screen, JobFailed(1, "it died 3 times"), fitted(2))
    assert is_same(
        reports, (Unprepared("it died 3 times"), True), (Unprepared("it died 3 times"), False)
    )


async def begun(screen: Screen, progress: Any = None) -> asyncio.Task[Any]:
    """Return a task that waits for a job, the first of the trainer."""
    task = asyncio.create_task(screen.client.run(CENTRES, progress))
    await asyncio.sleep(0)
    return task


async def test_a_screen_gets_the_answer_and_the_progress_of_its_job(
    screen: Screen, jobs: FakeTrainer
) -> None:
    seen: list[Any] = []
    task = await begun(screen, lambda *progress: seen.append(progress))
    assert jobs.jobs == [CENTRES]
    assert handle(screen, Progress(1, "fits", 1, 2), Finished(1, CentresKept())) == []
    assert await task == CentresKept()
    assert seen == [("fits", 1, 2)]
    assert handle(screen, Progress(1, "fits", 2, 2), JobFailed(1, "late")) == []


async def test_a_job_that_fails_is_an_error_in_one_line(screen: Screen) -> None:
    task = await begun(screen)
    assert handle(screen, JobFailed(1, "no room")) == []
    with pytest.raises(TrainerError, match=r"^no room$"):
        await task


async def test_a_job_that_nobody_waits_for_is_cancelled(screen: Screen, jobs: FakeTrainer) -> None:
    task = await begun(screen)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert jobs.cancelled == [1]
    # Its end may be on its way already.
    assert handle(screen, Finished(1, CentresKept()), JobFailed(1, "x")) == []


async def test_jobs_end_with_the_trainer(screen: Screen) -> None:
    task = await begun(screen)
    await screen.client.stop()
    with pytest.raises(asyncio.CancelledError):
        await task


async def test_without_a_trainer_a_job_is_an_error(screen: Screen) -> None:
    screen.client._trainer = None
    with pytest.raises(TrainerError, match="has not been started"):
        await screen.client.run(CENTRES)


async def test_a_job_of_a_trainer_that_was_replaced_ends_nothing_of_the_next_one(
    screen: Screen, jobs: FakeTrainer, monkeypatch: pytest.MonkeyPatch
) -> None:
    after = FakeTrainer()
    after.start = lambda: None  # type: ignore[attr-defined]
    monkeypatch.setattr(runner, "Trainer", lambda *_, **__: after)
    job = asyncio.create_task(screen.client.run(CENTRES))
    while not jobs.jobs:
        await asyncio.sleep(0)
    screen.client.start()
    screen.client.submit(a_request(1))
    with pytest.raises(TrainerError, match="more images were read"):
        await job
    assert jobs.cancelled == [1]
    assert after.cancelled == []
    await screen.client.stop()


async def test_the_trainer_starts_without_room_for_files(
    screen: Screen, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object, **__: object) -> NoReturn:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(array_file.tempfile, "TemporaryFile", full)
    opened: list[OpenPool] = []

    class Started:
        def __init__(self, pool: OpenPool, **_: object) -> None:
            opened.append(pool)

        def start(self) -> None: ...

        async def stop(self) -> None: ...

    monkeypatch.setattr(runner, "Trainer", Started)
    screen.client._trainer = None
    digits = open_dataset("digits")
    if sys.platform == "linux":
        screen.client.start()
        assert opened[0].pool[0].path.parts[:2] == ("/", "proc")
        assert (opened[0].pool[0].open() == digits.pool).all()
        assert (opened[0].holdout.open() == digits.holdout.images).all()
        await screen.client.stop()
        assert not opened[0].pool[0].path.exists()
    screen.client._trainer = None
    monkeypatch.setattr(array_file.tempfile, "NamedTemporaryFile", full)
    monkeypatch.setattr(array_file.os, "memfd_create", full, raising=False)
    screen.client.start()
    assert screen.reports == [
        (Down("there is no room for the model's data (No space left on device)"), False)
    ]
    screen.client.submit(a_request(1))
    assert screen.reports[-1] == screen.reports[0], "labelling goes on, and nothing is owed"
    with pytest.raises(TrainerError, match="no room for the model's data"):
        await screen.client.run(CENTRES)
    await screen.client.stop()


def test_troubles_are_reported(screen: Screen, tmp_path: Path) -> None:
    screen.client.submit(a_request(1))
    reports = handle(
        screen,
        TrainerDown("the trainer died (signal 9)", tmp_path),
        TrainerRestarted(),
        JobFailed(2, "There is no model."),
        TrainerRestarted(),
    )
    assert is_same(
        reports,
        (Down("the trainer died (signal 9)"), True),
        (Working(restarted=True), True),
        (Failed("There is no model."), False),
        (Restarted(), False),
    )


def test_a_trainer_that_was_given_up_owes_nothing(screen: Screen, tmp_path: Path) -> None:
    screen.client.submit(a_request(1))
    reports = handle(screen, TrainerDown("it died; given up", tmp_path, given_up=True))
    assert is_same(reports, (Down("it died; given up"), False))


def test_without_a_screen_nothing_is_reported(tmp_path: Path) -> None:
    dataset = open_dataset("digits")
    client = TrainerClient(dataset, tmp_path, tmp_path, lambda _: None, lambda: None)
    client._trainer = FakeTrainer()  # type: ignore[assignment]
    client.submit(a_request(1))
    for event in (fitted(2), prepared(), Progress(1, "features", 1, 2)):
        client.handle(event)
