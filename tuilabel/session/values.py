"""What the loop is made of, as plain values."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import NamedTuple, Protocol

from tuilabel.errors import TuilabelError
from tuilabel.journal import Annotator, Draft, Event, SessionInfo
from tuilabel.learn.metrics import Accuracy
from tuilabel.learn.requests import ColdStart, ColdStartFinished, Fit, FitFinished


class EventLog(Protocol):
    """What the loop needs of a `tuilabel.journal.Journal`."""

    @property
    def info(self) -> SessionInfo:
        """What the session is about."""

    def append(self, draft: Draft, by: Annotator) -> Event:
        """Put an event on disk, or raise."""

    def events(self) -> Iterable[Event]:
        """Give every event so far."""


@dataclass(frozen=True, slots=True)
class LoopSettings:
    """What an annotator may change from one opening of a session to the next."""

    model: str = "auto"
    features: str = "auto"
    strategy: str = "auto"
    cold_start: str = "auto"
    epsilon: float = 0.0
    batch_size: int = 10


class Slot(NamedTuple):
    """One place of a batch.

    Attributes
    ----------
    row : int
        The item, as a row of the dataset.
    audit : bool
        Drawn uniformly at random to measure accuracy on; training never sees it.
    probabilities : tuple of float or None
        What the last ranking held of the item, one per class; None before any model, and for
        audit items, where a suggestion would sway the measure.
    """

    row: int
    audit: bool = False
    probabilities: tuple[float, ...] | None = None


class Answer(NamedTuple):
    """What holds for an item: a class index, or None for a skip."""

    class_index: int | None


Request = Fit | ColdStart
Ranking = FitFinished | ColdStartFinished


class CurvePoint(NamedTuple):
    """Accuracy after a number of labels."""

    labels: int
    accuracy: Accuracy


class Recipe(NamedTuple):
    """What a fit was made with: never ``auto``."""

    model: str
    features: str
    strategy: str


class Moves(NamedTuple):
    """How far a fit differs from the one before.

    Attributes
    ----------
    labels : int
        What it was fitted on.
    moved : float
        Share of the predictions that differ.
    agreement : float or None
        Cohen's kappa; None where chance alone would agree as well.
    stop_set : int
        How many predictions were compared.
    """

    labels: int
    moved: float
    agreement: float | None
    stop_set: int


class Predictions(NamedTuple):
    """What the newest fit says of the items that accuracy is measured on.

    Attributes
    ----------
    rows : sequence of int
        Rows of the hold-out, or of the pool where an audit set is measured on.
    truth : sequence of int or None
        Class indices that the annotator gave the audit items when the fit was asked for; None on
        a hold-out, which has its own truth.
    predicted : sequence of int
        Class indices that the model finds likeliest.
    confidence : sequence of float
        How likely it finds them, 0 to 1.
    """

    rows: Sequence[int]
    truth: Sequence[int] | None
    predicted: Sequence[int]
    confidence: Sequence[float]


class NotCurrentError(TuilabelError):
    """An answer for an item that is not the one being asked."""


class NotAnsweredError(TuilabelError):
    """Another answer for an item that has none."""
