"""The trainer's reports in words, for the foot of the labelling screen."""

from __future__ import annotations

from tuilabel.text import counted, inert, percent
from tuilabel.trainer.reports import (
    Down,
    Failed,
    Fitted,
    PreparingShare,
    Restarted,
    TrainerReport,
    Unprepared,
    Working,
)
from tuilabel.tui.text.pieces import Piece
from tuilabel.tui.views.messages import LONGEST, Message
from tuilabel.workspace.reading import SourceReading


def reading_piece(reading: SourceReading) -> Piece:
    """Return how far the source was read, or which file takes long, in a few words."""
    if reading.problem is not None:
        return (f"! {reading.problem}", "bad")
    if reading.waits_for is not None:
        return (f"reading {inert(reading.waits_for, 40)}…", "accent")
    return (f"reading images {percent(reading.share)}", "muted")


def reading_message(reading: SourceReading) -> Message | None:
    """Return which files are still to be read; None if there are none."""
    if not reading.left:
        return None
    if reading.problem is not None:
        return Message("source", f"{inert(reading.problem, LONGEST)}", "bad")
    files = counted(reading.left, "file is", "files are")
    path = reading.waits_for
    late = "" if path is None else f"; {inert(path, LONGEST // 2)} takes long"
    return Message("source", f"{files} still to be read{late}.", "muted")


def trainer_piece(report: TrainerReport, *, fits: bool = True) -> Piece:
    """Return a report in a few words, with their style.

    Parameters
    ----------
    report : TrainerReport
    fits : bool
        Whether there are labels to fit to; without any, the trainer chooses the first images.
    """
    match report:
        case Working(restarted):
            work = "fitting…" if fits else "choosing images…"
            return (f"restarted, {work}" if restarted else work, "muted")
        case Restarted():
            return ("restarted", "muted")
        case Fitted(model, features):
            return (f"{model} on {features}", "muted")
        case PreparingShare(what, share):
            return (f"{what} {share:.0%}", "muted")
        case Unprepared(reason):
            # Its first sentence: the advice after it does not fit beside what is saved.
            first, stop, _ = reason.partition(". ")
            return (f"! {first}{stop.strip()}", "accent")
        case Down(reason):
            return (f"! {reason}", "bad")
        case Failed(reason):
            return (f"! no fit: {reason}", "bad")
    return ("", "muted")
