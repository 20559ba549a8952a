"""What a learner is asked, and what it answers: plain values that can cross to another process."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from tuilabel.learn.metrics import Accuracy


@dataclass(frozen=True)
class Fit:
    """Please fit a model, measure it and rank the pool, as `tuilabel.learn.rounds.run_round` does.

    Attributes
    ----------
    generation
        Comes back in the answer, so that whoever asked can tell a stale one.
    items, classes
        Rows to train on and their class indices.
    excluded
        Further rows that are not to be ranked.
    audit_items, audit_classes
        Rows to measure on where there is no hold-out, and their class indices; never to train on.
    model, features, strategy, cold_start
        Names from `tuilabel.learn.names`.
    cold_start_size
        With fewer labels than this, items that the cold start would still ask come first.
    batch_size
        How many items of the ranking will be asked together.
    epsilon
        Share of each batch to draw at random, 0 to 1.
    limit
        How many of the best items to return.
    seed
        Whole numbers, not negative, that seed the generator.
    """

    generation: int
    items: Sequence[int]
    classes: Sequence[int]
    excluded: Sequence[int]
    audit_items: Sequence[int]
    audit_classes: Sequence[int]
    model: str
    features: str
    strategy: str
    cold_start: str
    cold_start_size: int
    batch_size: int
    epsilon: float
    limit: int
    seed: Sequence[int]


@dataclass(frozen=True)
class ColdStart:
    """Please choose a first batch, as `tuilabel.learn.cold_start.cold_start` does.

    Attributes
    ----------
    generation
        Comes back in the answer.
    method, model, features
        Names from `tuilabel.learn.names`; the model tells what will be looked at later.
    items
        Rows that are labelled already: parts of the pool that hold one are passed over.
    excluded
        Further rows that are not to be chosen.
    size
        How many to choose.
    seed
        Whole numbers, not negative, that seed the generator.
    """

    generation: int
    method: str
    model: str
    features: str
    items: Sequence[int]
    excluded: Sequence[int]
    size: int
    seed: Sequence[int]


@dataclass(frozen=True)
class FitFinished:
    """A fit is done; see `tuilabel.learn.rounds.RoundResult`.

    Attributes
    ----------
    generation
        Of the request.
    items
        Rows to ask next, best first.
    probabilities
        One row per item, one column per class.
    fit_seconds, rank_seconds
        What it took.
    accuracy
        On the hold-out or the audit set; None where neither holds anything yet.
    confusion
        Counts by true class (rows) and predicted class (columns) on that set.
    predicted, confidence
        The likeliest class of each item of that set and how likely it is, in the order of the
        hold-out or of the request's audit items.
    model, features, strategy
        What was fitted, on what, and how it was ranked: never ``auto``.
    stop_set
        How many items of the pool the next two are taken from.
    moved
        Share of their predictions that differ from the fit before; None at the first fit.
    agreement
        Cohen's kappa between these predictions and those of the fit before.

    Raises
    ------
    ValueError
        If there is not one row of probabilities per item.
    """

    generation: int
    items: Sequence[int]
    probabilities: Sequence[Sequence[float]]
    fit_seconds: float
    rank_seconds: float
    accuracy: Accuracy | None
    confusion: Sequence[Sequence[int]] | None
    predicted: Sequence[int]
    confidence: Sequence[float]
    model: str
    features: str
    strategy: str
    stop_set: int
    moved: float | None
    agreement: float | None

    def __post_init__(self) -> None:
        if len(self.items) != len(self.probabilities):
            raise ValueError(
                f"{len(self.items)} items came with {len(self.probabilities)} rows of "
                "probabilities: expected one each."
            )


@dataclass(frozen=True)
class ColdStartFinished:
    """A first batch is chosen: rows in the order to ask for them."""

    generation: int
    items: Sequence[int]
