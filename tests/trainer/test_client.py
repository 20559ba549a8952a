"""What a screen hears of the trainer."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from loop_fakes import fit_finished

from tuilabel.data import open_dataset
from tuilabel.learn.requests import ColdStartFinished
from tuilabel.session import Ranking, Request
from tuilabel.trainer import (
    FeaturesPrepared,
    Preparing,
    RequestFailed,
    TrainerDown,
    TrainerEvent,
    TrainerRestarted,
)
from tuilabel.trainer.client import TrainerClient

PREPARED = FeaturesPrepared("deskew-hog", 3.5, None, late=True)
FITTED = replace(
    fit_finished(1, [3], [[0.1] * 10]), model="hybrid", features="deskew-hog", strategy="margin"
)


def a_request(generation: int) -> Any:
    """Give something that has a generation."""
    return ColdStartFinished(generation, ())


class Screen:
    """Notes what it hears; asks again when the learner is prepared, if it is told to."""

    def __init__(self) -> None:
        self.said: list[tuple[str, str, bool]] = []
        self.rankings: list[Ranking] = []
        self.prepared = 0
        self.asks: list[Request] = []
        self.link: TrainerClient

    def ranking_arrived(self, ranking: Ranking) -> None:
        self.rankings.append(ranking)

    def learner_prepared(self) -> None:
        self.prepared += 1
        for request in self.asks:
            self.link.submit(request)

    def trainer_said(self, text: str, style: str = "muted", *, busy: bool = False) -> None:
        self.said.append((text, style, busy))


@pytest.fixture
def screen(tmp_path: Path) -> Screen:
    """Give a screen with a link to a trainer that is never started."""
    screen = Screen()
    screen.link = TrainerClient(
        open_dataset("digits"),
        tmp_path / "handed-over",
        tmp_path / "features",
        tmp_path / "log",
        lambda _: None,
        lambda: screen,
    )
    return screen


def hear(screen: Screen, *events: TrainerEvent) -> list[tuple[str, str, bool]]:
    screen.said = []
    for event in events:
        screen.link.hear(event)
    return screen.said


def test_a_fit_says_what_was_fitted_on_what(screen: Screen) -> None:
    screen.link.submit(a_request(1))
    assert screen.said[-1] == ("fitting…", "muted", True)
    assert hear(screen, FITTED) == [("hybrid on deskew-hog", "muted", False)]
    assert screen.rankings == [FITTED]


def test_an_answer_that_was_overtaken_leaves_the_newer_one_owed(screen: Screen) -> None:
    screen.link.submit(a_request(2))
    assert hear(screen, FITTED)[-1][2] is True
    assert hear(screen, replace(FITTED, generation=2))[-1][2] is False


def test_progress_is_a_share(screen: Screen) -> None:
    said = hear(screen, Preparing("neighbours", 15_000, 60_000), Preparing("eigenvectors", 0, 0))
    assert [text for text, *_ in said] == ["neighbours 25%", "eigenvectors 0%"]


def test_a_learner_that_is_prepared_is_the_screens_to_ask_again(screen: Screen) -> None:
    screen.asks = [a_request(7)]
    assert hear(screen, PREPARED) == [("fitting…", "muted", True)]
    assert screen.prepared == 1
    assert hear(screen, replace(PREPARED, late=False)) == []
    assert screen.prepared == 1, "the answer that comes has it already"


@pytest.mark.parametrize("asks", [[], [a_request(2)]])
def test_what_could_not_be_prepared_can_be_read_after_the_fit(
    screen: Screen, asks: list[Request]
) -> None:
    problem = "A pool of 12 images is too small for a label graph."
    screen.link.submit(a_request(1))
    screen.asks = asks
    said = hear(screen, replace(PREPARED, problem=problem), FITTED)
    told = ("! " + problem, "accent", True)
    assert said[0] == told
    assert screen.prepared == 1
    if asks:
        # What is answered first was asked before; the problem is not to be gone with that.
        assert said[-1] == told
        said = hear(screen, replace(FITTED, generation=2))
    assert said[-1] == ("! " + problem, "accent", False)
    screen.link.submit(a_request(3))
    assert hear(screen, replace(FITTED, generation=3))[-1][0] == "hybrid on deskew-hog"


def test_troubles_are_said(screen: Screen, tmp_path: Path) -> None:
    screen.link.submit(a_request(1))
    said = hear(
        screen,
        TrainerDown("the trainer died (signal 9)", tmp_path),
        TrainerRestarted(),
        RequestFailed(1, "There is no model."),
        TrainerRestarted(),
    )
    assert said == [
        ("! the trainer died (signal 9)", "bad", True),
        ("restarted, fitting…", "muted", True),
        ("! no fit: There is no model.", "bad", False),
        ("restarted", "muted", False),
    ]


def test_a_trainer_that_was_given_up_owes_nothing(screen: Screen, tmp_path: Path) -> None:
    screen.link.submit(a_request(1))
    assert hear(screen, TrainerDown("it died; given up", tmp_path, given_up=True)) == [
        ("! it died; given up", "bad", False)
    ]


def test_without_a_screen_nothing_is_said(tmp_path: Path) -> None:
    dataset = open_dataset("digits")
    link = TrainerClient(dataset, tmp_path, tmp_path, tmp_path, lambda _: None, lambda: None)
    link.submit(a_request(1))
    for event in (FITTED, PREPARED, Preparing("features", 1, 2)):
        link.hear(event)
