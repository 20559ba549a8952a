"""The trainer's state as plain facts, which each interface puts into words of its own.

Named tuples, because the first frame waits for this module and frozen dataclasses take ten times
as long to define.
"""

from __future__ import annotations

from typing import NamedTuple


class Idle(NamedTuple):
    """Nothing is being worked on, and there is nothing to show."""


class Working(NamedTuple):
    """An answer is on its way; `restarted` if a lost child was replaced meanwhile."""

    restarted: bool = False


class Restarted(NamedTuple):
    """A lost child was replaced while nothing was being worked on."""


class Fitted(NamedTuple):
    """A fit was answered, by this model on these features."""

    model: str
    features: str


class PreparingShare(NamedTuple):
    """A share (0 to 1) of ``"features"``, ``"neighbours"`` and so on is computed."""

    what: str
    share: float


class Unprepared(NamedTuple):
    """Something could not be prepared, so a simpler model is fitted; the reason is a sentence."""

    reason: str


class Down(NamedTuple):
    """The child was lost; the reason is a clause without a full stop."""

    reason: str


class Failed(NamedTuple):
    """A request could not be answered; the reason is a sentence."""

    reason: str


TrainerReport = Idle | Working | Restarted | Fitted | PreparingShare | Unprepared | Down | Failed
