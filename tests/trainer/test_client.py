"""What the trainer's client reports to a screen."""

from __future__ import annotations

import errno
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from loop_fakes import fit_finished

from tuilabel import trainer
from tuilabel.data import ArrayFile, open_dataset
from tuilabel.learn.requests import ColdStartFinished
from tuilabel.session import Ranking, Request
from tuilabel.trainer import (
    FeaturesPrepared,
    OpenPool,
    Preparing,
    RequestFailed,
    TrainerDown,
    TrainerEvent,
    TrainerRestarted,
    client,
)
from tuilabel.trainer.client import TrainerClient
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

PREPARED = FeaturesPrepared("deskew-hog", 3.5, None, late=True)
FITTED = replace(
    fit_finished(1, [3], [[0.1] * 10]), model="hybrid", features="deskew-hog", strategy="margin"
)


def a_request(generation: int) -> Any:
    """Return something that has a generation."""
    return ColdStartFinished(generation, ())


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


@pytest.fixture
def screen(tmp_path: Path) -> Screen:
    """Return a screen with a client whose trainer is never started."""
    screen = Screen()
    screen.client = TrainerClient(
        open_dataset("digits"), tmp_path, tmp_path / "log", lambda _: None, lambda: screen
    )
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


def test_a_fit_reports_the_model_and_its_features(screen: Screen) -> None:
    screen.client.submit(a_request(1))
    assert is_same(screen.reports, (Working(), True))
    assert is_same(handle(screen, FITTED), (Fitted("hybrid", "deskew-hog"), False))
    assert screen.rankings == [FITTED]


def test_after_a_cold_start_there_is_nothing_to_show(screen: Screen) -> None:
    first = ColdStartFinished(1, ())
    screen.client.submit(a_request(1))
    assert is_same(handle(screen, first), (Idle(), False))
    assert screen.rankings == [first]


def test_an_answer_that_was_overtaken_leaves_the_newer_one_owed(screen: Screen) -> None:
    screen.client.submit(a_request(2))
    assert handle(screen, FITTED)[-1][1] is True
    assert handle(screen, replace(FITTED, generation=2))[-1][1] is False


def test_progress_is_a_share(screen: Screen) -> None:
    reports = handle(
        screen, Preparing("neighbours", 15_000, 60_000), Preparing("eigenvectors", 0, 0)
    )
    assert is_same(
        reports,
        (PreparingShare("neighbours", 0.25), False),
        (PreparingShare("eigenvectors", 0.0), False),
    )


def test_a_learner_that_is_prepared_is_the_screens_to_ask_again(screen: Screen) -> None:
    screen.asks = [a_request(7)]
    assert is_same(handle(screen, PREPARED), (Working(), True))
    assert screen.prepared == 1
    assert handle(screen, replace(PREPARED, late=False)) == []
    assert screen.prepared == 1, "the answer that comes has it already"


@pytest.mark.parametrize("asks", [[], [a_request(2)]])
def test_what_could_not_be_prepared_can_be_read_after_the_fit(
    screen: Screen, asks: list[Request]
) -> None:
    problem = "A pool of 12 images is too small for a label graph."
    screen.client.submit(a_request(1))
    screen.asks = asks
    reports = handle(screen, replace(PREPARED, problem=problem), FITTED)
    assert is_same(reports[:1], (Unprepared(problem), True))
    assert screen.prepared == 1
    if asks:
        # What is answered first was asked before; the problem is not to be gone with that.
        assert is_same(reports[-1:], (Unprepared(problem), True))
        reports = handle(screen, replace(FITTED, generation=2))
    assert is_same(reports[-1:], (Unprepared(problem), False))
    screen.client.submit(a_request(3))
    reports = handle(screen, replace(FITTED, generation=3))
    assert is_same(reports, (Fitted("hybrid", "deskew-hog"), False))


async def test_the_trainer_starts_without_room_for_files(
    screen: Screen, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> ArrayFile:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(client, "as_array_file", full)
    opened: list[OpenPool] = []

    class Started:
        def __init__(self, pool: OpenPool, **_: object) -> None:
            opened.append(pool)

        def start(self) -> None: ...

        async def stop(self) -> None: ...

    monkeypatch.setattr(trainer, "Trainer", Started)
    digits = open_dataset("digits")
    if sys.platform == "linux":
        screen.client.start()
        assert opened[0].pool.path.parts[:2] == ("/", "proc")
        assert (opened[0].pool.open() == digits.pool).all()
        assert (opened[0].holdout.open() == digits.holdout.images).all()
        await screen.client.stop()
        assert not opened[0].pool.path.exists()
    monkeypatch.setattr(client, "in_memory", full)
    screen.client.start()
    assert screen.reports == [
        (Down("there is no room for the model's data (No space left on device)"), False)
    ]
    screen.client.submit(a_request(1))
    assert screen.reports[-1] == screen.reports[0], "labelling goes on, and nothing is owed"
    await screen.client.stop()


def test_troubles_are_reported(screen: Screen, tmp_path: Path) -> None:
    screen.client.submit(a_request(1))
    reports = handle(
        screen,
        TrainerDown("the trainer died (signal 9)", tmp_path),
        TrainerRestarted(),
        RequestFailed(1, "There is no model."),
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
    client.submit(a_request(1))
    for event in (FITTED, PREPARED, Preparing("features", 1, 2)):
        client.handle(event)
