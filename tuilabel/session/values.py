"""The plain values of the loop."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import NamedTuple, Protocol

from tuilabel.errors import TuilabelError
from tuilabel.events.lines import Event
from tuilabel.events.payloads import HUMAN, ORACLE_ORIGIN, About, Bulk, BulkLine, Payload
from tuilabel.learn.metrics import Accuracy
from tuilabel.learn.requests import ColdStart, ColdStartFinished, Fit, FitFinished


@dataclass(frozen=True, slots=True)
class Annotator:
    """Who answers.

    Attributes
    ----------
    name : str
    origin : str
        What kind of annotator this is: ``"human"`` for a person.
    """

    name: str
    origin: str = HUMAN


ORACLE = Annotator("oracle", ORACLE_ORIGIN)
"""The ground truth in an annotator's place, in a demo or a simulation."""


class Appender(Protocol):
    """Where the loop writes."""

    def append(self, payloads: Sequence[Payload], by: str) -> list[Event]:
        """Write events that belong together to disk, or raise an error."""


class EventLog(Appender, Protocol):
    """The part of a journal that the loop needs."""

    @property
    def about(self) -> About:
        """The description of the session."""

    def read(self) -> list[Event]:
        """Return the events that others have written since the last call; all at the first."""

    def event(self, place: int) -> Event | None:
        """Return an event from its place; None if its file is no longer there."""

    def bulk_lines(self, bulk: Bulk) -> Sequence[BulkLine]:
        """Return the lines of a bulk file."""

    def is_over(self, log: str) -> bool:
        """Return whether the run that wrote a log has ended."""

    def unclosed_on(self, log: str) -> str | None:
        """Return the host of a run that may go on there; None if it is this one, or has ended."""

    def is_live(self, log: str) -> bool:
        """Return whether somebody works at the desk of a log at this moment."""

    def seen(self) -> dict[str, int]:
        """Return the last number read of each log that grew since this was recorded last."""


@dataclass(frozen=True, slots=True)
class LoopSettings:
    """Settings that may change from one opening of a session to the next."""

    model: str = "auto"
    features: str = "auto"
    strategy: str = "auto"
    cold_start: str = "auto"
    epsilon: float = 0.0
    batch_size: int = 10
    guidelines: str = ""


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
        The item's probability by class index, in the newest ranking. None before any model, and for
        audit items, where a suggestion would bias the measurement.
    """

    row: int
    audit: bool = False
    probabilities: tuple[float, ...] | None = None


class Answer(NamedTuple):
    """The answer in effect for an item: a class index, or None for a skip.

    In a session of several classes, `several` has the indices of those that count; None for a skip.
    """

    class_index: int | None
    several: tuple[int, ...] | None = None


Chosen = int | Collection[int]
"""A class index, or several of them in a session of several classes."""


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
    truth : sequence of str or None
        Class ids of the audit items' labels when the fit was requested; None for a hold-out, which
        has its own truth.
    predicted : sequence of str
        The most likely class ids.
    confidence : sequence of float
        Their probabilities, 0 to 1.
    """

    rows: Sequence[int]
    truth: Sequence[str] | None
    predicted: Sequence[str]
    confidence: Sequence[float]


class NotCurrentError(TuilabelError):
    """An answer was given for another item than the one being asked."""


class NotReadError(TuilabelError):
    """An item was not read yet, so that its id is unknown."""


class NotAnsweredError(TuilabelError):
    """Another answer was given for an item that has none."""


class RefusedError(TuilabelError):
    """A decision or an undo that is not possible; the text says why."""
