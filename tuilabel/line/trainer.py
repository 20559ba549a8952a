"""The trainer's reports in words, for a conversation."""

from __future__ import annotations

from tuilabel.text import inert
from tuilabel.trainer.reports import (
    Down,
    Failed,
    PreparingShare,
    TrainerReport,
    Unprepared,
    Working,
)


def trouble(report: TrainerReport) -> str | None:
    """Return a sentence about what went wrong; None if nothing did."""
    match report:
        case Unprepared(reason):
            return f"The model: {inert(reason, 300)}"
        case Down(reason):
            return f"The model: {inert(reason, 300)}."
        case Failed(reason):
            return f"The model could not be fitted: {inert(reason, 300)}"
    return None


def at_work(report: TrainerReport, *, fits: bool = True) -> str:
    """Return a sentence about a trainer that still owes an answer: a fit, or the first images."""
    match report:
        case PreparingShare(what, share):
            work = f"{inert(what)} {share:.0%}"
        case Down():
            work = "restarting"
        case Working(restarted=True):
            work = "restarted, " + _work(fits)
        case _:
            work = _work(fits)
    return f"The model is at work: {work}."


def _work(fits: bool) -> str:
    return "fitting" if fits else "choosing images"
