"""The plain values of the loop."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import NamedTuple, Protocol

from tuilabel.errors import TuilabelError
from tuilabel.journal import Annotator, Draft, Event, SessionInfo
from tuilabel.learn.metrics import Accuracy
from tuilabel.learn.requests import ColdStart, ColdStartFinished, Fit, FitFinished


class EventLog(Protocol):
    """The part of `tuilabel.journal.Journal` that the loop needs."""

    @property
    def info(self) -> SessionInfo:
        """The description of the session."""

    def append(self, draft: Draft, by: Annotator) -> Event:
        """Write an event to disk, or raise an error."""

    def events(self) -> Iterable[Event]:
        """Return every event so far."""


@dataclass(frozen=True, slots=True)
class LoopSettings:
    """Settings that may change from one opening of a session to the next."""

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
        Whether the item was drawn uniformly at random to measure accuracy on. It is not trained
        on.
    probabilities : tuple of float or None
        The item's class probabilities in the newest ranking. None before any model, and for audit
        items, where a suggestion would bias the measurement.
    """

    row: int
    audit: bool = False
    probabilities: tuple[float, ...] | None = None


class Answer(NamedTuple):
    """The answer in effect for an item: a class index, or None for a skip."""

    class_index: int | None


Request = Fit | ColdStart
Ranking = FitFinished | ColdStartFinished


class CurvePoint(NamedTuple):
    """Accuracy after a number of labels."""

    labels: int
    accuracy: Accuracy


class Recipe(NamedTuple):
    """The model, features and strategy of a fit; never ``auto``."""

    model: str
    features: str
    strategy: str


class Moves(NamedTuple):
    """How far the predictions of a fit differ from those of the previous fit.

    Attributes
    ----------
    labels : int
        Number of labels of the fit.
    moved : float
        Share of the predictions that differ, 0 to 1.
    agreement : float or None
        Cohen's kappa; None if both fits predict a single class.
    stop_set : int
        Number of predictions compared.
    """

    labels: int
    moved: float
    agreement: float | None
    stop_set: int


class Predictions(NamedTuple):
    """Predictions of the newest fit for the items that accuracy is measured on.

    Attributes
    ----------
    rows : sequence of int
        Rows of the hold-out, or of the pool for an audit set.
    truth : sequence of int or None
        Class indices of the audit items' labels when the fit was requested; None for a hold-out,
        which has its own truth.
    predicted : sequence of int
        The most likely class indices.
    confidence : sequence of float
        Their probabilities, 0 to 1.
    """

    rows: Sequence[int]
    truth: Sequence[int] | None
    predicted: Sequence[int]
    confidence: Sequence[float]


class NotCurrentError(TuilabelError):
    """An answer was given for another item than the one being asked."""


class NotAnsweredError(TuilabelError):
    """Another answer was given for an item that has none."""
