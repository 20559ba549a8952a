"""What a run of the article's protocol found, as plain frozen values."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from tuilabel.learn.metrics import Accuracy
from tuilabel.simulate.article.loop import Protocol

PICKED = "test images the weights are picked on"
OTHERS = "other test images"
ALL = "all test images"

MEASURES = ("picked", "others", "unpicked")
"""The measured columns of a `ReportRow`, in the order they are printed."""


@dataclass(frozen=True)
class ReportRow:
    """One figure of the article, in every column.

    Attributes
    ----------
    labels
        Images that the weights were trained on.
    published
        What the article printed, in per cent; None where it printed nothing.
    picked
        Here, on the test images on which the weights were picked.
    others
        The same weights on the other test images, which had no say.
    unpicked
        Another run, whose fits pick their weights on the labelled images themselves, on all test
        images.
    """

    labels: int
    published: float | None
    picked: Accuracy
    others: Accuracy
    unpicked: Accuracy

    @property
    def met(self) -> bool | None:
        """Whether `picked` is the published figure to the last image; None without one."""
        if self.published is None:
            return None
        return self.picked.correct == round(self.published * self.picked.n / 100)


@dataclass(frozen=True)
class AutoRow:
    """A `ReportRow` after auto-labels.

    Attributes
    ----------
    row
        Its labels count a person's and the model's own.
    auto, right
        The model's own labels, and those of them that are true.
    unpicked_right
        The same of the run that picks nothing on test images.
    """

    row: ReportRow
    auto: int
    right: int
    unpicked_right: int


@dataclass(frozen=True)
class Draws:
    """A random baseline: the same experiment on several random choices of images."""

    runs: tuple[ReportRow, ...]

    def mean(self, column: str) -> float:
        """Give the mean accuracy of one of `MEASURES`, 0 to 1."""
        return mean(self._values(column))

    def sd(self, column: str) -> float:
        """Give the standard deviation of one of `MEASURES`, as a share; 0 for a single draw."""
        return spread(self._values(column))

    def _values(self, column: str) -> list[float]:
        return [getattr(run, column).value for run in self.runs]


@dataclass(frozen=True)
class BandRow:
    """What perturbed runs reached with one number of labels, as shares from 0 to 1.

    Attributes
    ----------
    labels
    published
        In per cent, as in `ReportRow`.
    mean, sd, low, high
        On the test images the weights are picked on: mean, standard deviation, extremes.
    others_mean, others_sd
        The same weights on the other test images.
    unpicked_mean, unpicked_sd
        Runs from the same first weights that pick nothing on test images, on all of them.
    above
        Runs that reach the published figure or more; None where there is none.
    """

    labels: int
    published: float | None
    mean: float
    sd: float
    low: float
    high: float
    others_mean: float
    others_sd: float
    unpicked_mean: float
    unpicked_sd: float
    above: int | None


@dataclass(frozen=True)
class Band:
    """Runs that differ in nothing but a little noise on their first weights."""

    runs: int
    noise: float
    rows: tuple[BandRow, ...]


@dataclass(frozen=True)
class Centre:
    """A k-means centre.

    Attributes
    ----------
    pixels
        Rows of greys, 0 to 255.
    size
        Pool images that are nearest to it.
    digit
        The class most of them have; of equal ones the lowest.
    count
        How many of them have it.
    """

    pixels: tuple[tuple[int, ...], ...]
    size: int
    digit: int
    count: int


@dataclass(frozen=True)
class Tenth:
    """A tenth of the unlabelled images, by confidence.

    Attributes
    ----------
    low, high
        The lowest and highest confidence in it.
    n, right
        Images in it, and those whose likeliest class is the true one.
    """

    low: float
    high: float
    n: int
    right: int


@dataclass(frozen=True)
class Confidence:
    """How sure the model is of the images without a label, and where it errs.

    Attributes
    ----------
    labels
        Labels given so far.
    n
        Images without one.
    curve
        Sorted confidences, least first, at equal steps from the first image to the last.
    tenths
        Least confident first; fewer than ten where there are fewer images.
    """

    labels: int
    n: int
    curve: tuple[float, ...]
    tenths: tuple[Tenth, ...]


@dataclass(frozen=True)
class ArticleReport:
    """All that a run found.

    Attributes
    ----------
    protocol
        The numbers of the experiment.
    everything
        One fit on the whole pool with its true labels.
    first
        One fit on the first images in file order: the article's random baseline.
    random_fit
        One fit on randomly drawn images, as many as the budget.
    random_loop
        The same random images a batch at a time, one continued fit after each: what least
        confident images go through.
    curve
        Least confident images, one row a batch.
    naive
        From the end of the curve: everything left labelled at once by the model, one fit.
    ordered
        From the end of the curve: the most confident batch at a time, one row each, to the end
        of the pool.
    confidence
        After the first batch and after the last.
    centres
        The k-means centres of the pool, by digit.
    band
        None if no perturbed runs were asked for.
    """

    protocol: Protocol
    everything: ReportRow
    first: ReportRow
    random_fit: Draws
    random_loop: Draws
    curve: tuple[ReportRow, ...]
    naive: AutoRow
    ordered: tuple[AutoRow, ...]
    confidence: tuple[Confidence, ...]
    centres: tuple[Centre, ...]
    band: Band | None

    def to_json(self) -> dict[str, Any]:
        """Give it as dicts, lists, numbers and strings; each accuracy with its interval."""
        found: dict[str, Any] = _plain(self)
        for name in ("random_fit", "random_loop"):
            draws: Draws = getattr(self, name)
            for column in MEASURES:
                found[name][column] = {"mean": draws.mean(column), "sd": draws.sd(column)}
        return found


def mean(values: Sequence[float]) -> float:
    """Give the mean of at least one value."""
    return sum(values) / len(values)


def spread(values: Sequence[float]) -> float:
    """Give the sample standard deviation; 0 for fewer than two values."""
    if len(values) < 2:
        return 0.0
    middle = mean(values)
    return math.sqrt(sum((value - middle) ** 2 for value in values) / (len(values) - 1))


def _plain(value: Any) -> Any:
    """Turn frozen values into what JSON knows, all the way down."""
    if isinstance(value, Accuracy):
        return {
            "correct": value.correct,
            "n": value.n,
            "set": value.name,
            "accuracy": value.value,
            "low": value.low,
            "high": value.high,
        }
    if isinstance(value, tuple):
        return [_plain(item) for item in value]
    if hasattr(value, "__dataclass_fields__"):
        return {name: _plain(getattr(value, name)) for name in value.__dataclass_fields__}
    return value
