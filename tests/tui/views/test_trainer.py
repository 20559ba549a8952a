"""The trainer's reports, as words at the foot of the screen."""

from __future__ import annotations

import pytest

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
from tuilabel.tui.views.trainer import trainer_piece


@pytest.mark.parametrize(
    ("report", "text", "style"),
    [
        (Idle(), "", "muted"),
        (Working(), "fitting…", "muted"),
        (Working(restarted=True), "restarted, fitting…", "muted"),
        (Restarted(), "restarted", "muted"),
        (Fitted("hybrid", "deskew-hog"), "hybrid on deskew-hog", "muted"),
        (PreparingShare("neighbours", 0.254), "neighbours 25%", "muted"),
        (Unprepared("Too small. Use another."), "! Too small.", "accent"),
        (Down("the trainer died"), "! the trainer died", "bad"),
        (Failed("There is no model."), "! no fit: There is no model.", "bad"),
    ],
)
def test_each_report_has_its_words_and_style(report: TrainerReport, text: str, style: str) -> None:
    assert trainer_piece(report) == (text, style)


def test_without_a_label_the_trainer_chooses_the_first_images() -> None:
    assert trainer_piece(Working(), fits=False)[0] == "choosing images…"
    assert trainer_piece(Working(restarted=True), fits=False)[0] == "restarted, choosing images…"
