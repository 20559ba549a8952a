"""Requests to a learner and its answers, as plain values that can be sent to another process."""

from __future__ import annotations

from dataclasses import dataclass

from tuilabel.learn.class_sets import Tally
from tuilabel.learn.metrics import Accuracy

LIKELY = "likely"
"""The strategy in the answer to a request that looks for a class."""

HUNT = "hunt"
"""The strategy that seeks the classes with few labels; see `tuilabel.learn.exploring`."""

COLD_START = "cold start"
"""Why an item is asked that a cold start chose."""

EXPLORE = "explore"
"""Why an item is asked that is far from all labelled ones."""

SEEK = "seek"
"""Why an item is asked that is probably of a class with few labels; the class id follows."""


def is_hunted(reason: str) -> bool:
    """Return whether an item was explored or sought."""
    return reason == EXPLORE or reason.startswith(f"{SEEK} ")


@dataclass(frozen=True)
class Fit:
    """A request to fit, measure and rank: see `tuilabel.learn.rounds.run_round`.

    Attributes
    ----------
    generation
        Number that is returned in the answer, so that a stale answer can be recognised.
    items, classes
        Rows to train on and the columns of their classes.
    columns
        Ids of the classes that the model tells apart, those without a label too.
    truth
        The column of each class of the hold-out's truth; empty without a hold-out.
    excluded
        Further rows to leave out of the ranking.
    audit_items, audit_classes
        Rows to measure on without a hold-out, and the columns of their classes; never trained on.
    model, features, strategy, cold_start
        Names from `tuilabel.learn.names`.
    cold_start_size
        With fewer labels than this, the remaining items of the cold start come first.
    batch_size
        Number of items of the ranking that are asked together.
    epsilon
        Share of each batch to draw at random, 0 to 1.
    limit
        How many of the best items to return.
    seed
        Non-negative integers that seed the generator.
    parents
        The column of the class above each, -1 where there is none; empty where no class lies below
        another: see `tuilabel.learn.levels`.
    sets
        In a session of several classes, the sets of classes that occur, each with a number for each
        column: see `tuilabel.learn.class_sets`. Then `classes` and `audit_classes` are places in
        it. Empty in any other session.
    sought
        The column of a class to look for: the likeliest items are ranked first, whatever the
        strategy. -1 for none.
    hunted
        The columns of the classes of items that were explored or sought, in the order of their
        labels, each with why it was asked: `EXPLORE`, or `SEEK` and a class id.
    """

    generation: int
    items: tuple[int, ...]
    classes: tuple[int, ...]
    columns: tuple[str, ...]
    truth: tuple[int, ...]
    excluded: tuple[int, ...]
    audit_items: tuple[int, ...]
    audit_classes: tuple[int, ...]
    model: str
    features: str
    strategy: str
    cold_start: str
    cold_start_size: int
    batch_size: int
    epsilon: float
    limit: int
    seed: tuple[int, ...]
    parents: tuple[int, ...] = ()
    sets: tuple[tuple[int, ...], ...] = ()
    sought: int = -1
    hunted: tuple[tuple[int, str], ...] = ()


@dataclass(frozen=True)
class ColdStart:
    """A request to choose a first batch: see `tuilabel.learn.cold_start.cold_start`.

    Attributes
    ----------
    generation
        Number that is returned in the answer.
    method, model, features
        Names from `tuilabel.learn.names`. The model decides whether a label graph is needed.
    items
        Rows that have a label already, or are being shown; clusters that contain one come last.
    excluded
        Further rows that must not be chosen.
    size
        How many to choose.
    seed
        Non-negative integers that seed the generator.
    """

    generation: int
    method: str
    model: str
    features: str
    items: tuple[int, ...]
    excluded: tuple[int, ...]
    size: int
    seed: tuple[int, ...]


@dataclass(frozen=True)
class FitFinished:
    """The answer to a `Fit`; see `tuilabel.learn.rounds.RoundResult`.

    Attributes
    ----------
    generation
        That of the request.
    items
        Rows to ask next, best first.
    columns
        The class ids of the columns of `probabilities` and `confusion`, and of `predicted`.
    probabilities
        One row per item, one column per class.
    draws
        Draw probability of each item of the share of random queries; None for a query.
    reasons
        Why each item is asked, where the strategy did not choose it and it was not drawn:
        `COLD_START`, `EXPLORE`, or `SEEK` and a class id. Else empty.
    fit_seconds, rank_seconds
        Duration of the fit and of the ranking.
    accuracy
        On the hold-out or the audit set; None if both are empty.
    confusion
        Counts by true class (rows) and predicted class (columns) on that set.
    predicted, confidence
        The likeliest class of each item of that set and its probability, in the order of the
        hold-out or of the request's audit items. Where the answer is a class above it, that.
    model, features, strategy
        Those that were used: never ``auto``.
    stop_set
        Number of items of the pool that fits are compared on.
    moved
        Share of the predictions on them that differ from the fit before; None at the first fit.
    agreement
        Cohen's kappa between these predictions and those of the fit before.
    tallies
        In a session of several classes, how each column was predicted for that set; see
        `tuilabel.learn.class_sets`. There `accuracy` is of whole sets, and `confusion`, `predicted`
        and `confidence` are empty.

    Raises
    ------
    ValueError
        If the numbers of items, rows of probabilities and draws differ, or those of classes and
        columns.
    """

    generation: int
    items: tuple[int, ...]
    columns: tuple[str, ...]
    probabilities: tuple[tuple[float, ...], ...]
    draws: tuple[float | None, ...]
    reasons: tuple[str, ...]
    fit_seconds: float
    rank_seconds: float
    accuracy: Accuracy | None
    confusion: tuple[tuple[int, ...], ...] | None
    predicted: tuple[int, ...]
    confidence: tuple[float, ...]
    model: str
    features: str
    strategy: str
    stop_set: int
    moved: float | None
    agreement: float | None
    tallies: tuple[Tally, ...] = ()

    def __post_init__(self) -> None:
        if not len(self.items) == len(self.probabilities) == len(self.draws) == len(self.reasons):
            raise ValueError(
                f"{len(self.items)} items have {len(self.probabilities)} rows of probabilities, "
                f"{len(self.draws)} draws and {len(self.reasons)} reasons; expected one each."
            )
        k = len(self.columns)
        tables = (*self.probabilities, *(self.confusion or ()))
        if not all(len(row) == k for row in tables) or any(
            not 0 <= column < k for column in self.predicted
        ):
            raise ValueError(f"there are {k} classes, and not as many columns.")


@dataclass(frozen=True)
class ColdStartFinished:
    """The answer to a `ColdStart`: rows in the order to ask for them."""

    generation: int
    items: tuple[int, ...]
