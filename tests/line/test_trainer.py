"""The trainer's reports, as sentences of a conversation."""

from __future__ import annotations

import pytest

from tuilabel.line.trainer import at_work, trouble
from tuilabel.trainer.reports import (
    Down,
    Failed,
    Fitted,
    PreparingShare,
    TrainerReport,
    Unprepared,
    Working,
)


@pytest.mark.parametrize(
    ("report", "sentence"),
    [
        (Working(), None),
        (Fitted("hybrid", "hog"), None),
        (
            Unprepared("A pool of 3 images is too small."),
            "The model: A pool of 3 images is too small.",
        ),
        (Down("the trainer died (signal 9)"), "The model: the trainer died (signal 9)."),
        (Failed("Wrong \x1b."), "The model could not be fitted: Wrong ␛."),
    ],
)
def test_only_trouble_is_told_before_the_next_image(
    report: TrainerReport, sentence: str | None
) -> None:
    assert trouble(report) == sentence


@pytest.mark.parametrize(
    ("report", "work"),
    [
        (Working(), "fitting"),
        (Working(restarted=True), "restarted, fitting"),
        (Fitted("softmax", "raw"), "fitting"),
        (Down("the trainer died"), "restarting"),
        (PreparingShare("neighbours", 0.25), "neighbours 25%"),
    ],
)
def test_the_work_of_the_trainer_can_be_asked_for(report: TrainerReport, work: str) -> None:
    assert at_work(report) == f"The model is at work: {work}."
