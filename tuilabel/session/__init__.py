"""The labelling loop: a synchronous state machine with no clock, no screen and no thread."""

from tuilabel.session.loop import Session
from tuilabel.session.values import (
    ORACLE,
    Annotator,
    Answer,
    CurvePoint,
    EventLog,
    LoopSettings,
    Moves,
    NotAnsweredError,
    NotCurrentError,
    Predictions,
    Ranking,
    Recipe,
    RefusedError,
    Request,
    Slot,
)

__all__ = [
    "ORACLE",
    "Annotator",
    "Answer",
    "CurvePoint",
    "EventLog",
    "LoopSettings",
    "Moves",
    "NotAnsweredError",
    "NotCurrentError",
    "Predictions",
    "Ranking",
    "Recipe",
    "RefusedError",
    "Request",
    "Session",
    "Slot",
]
