"""The results of the article's experiment, as frozen values."""

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
        Number of images that the weights were trained on.
    published
        The article's figure, in per cent; None if it has none.
    picked
        Measured here, on the test images on which the weights were picked.
    others
        The same weights on the other test images.
    unpicked
        A separate run, whose fits pick their weights on the labelled images, on all test images.
    """

    labels: int
    published: float | None
    picked: Accuracy
    others: Accuracy
    unpicked: Accuracy

    @property
    def met(self) -> bool | None:
        """Whether `picked` is exactly the published figure; None without one."""
        if self.published is None:
            return None
        return self.picked.correct == round(self.published * self.picked.n / 100)


@dataclass(frozen=True)
class AutoRow:
    """A `ReportRow` after auto-labels.

    Attributes
    ----------
    row
        Its labels are a person's and the model's.
    auto, right
        Number of the model's labels, and of the right ones among them.
    unpicked_right
        Number of right ones in the run that does not pick weights on test images.
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
        """Return the mean accuracy of one of `MEASURES`, 0 to 1."""
        return mean(self._values(column))

    def sd(self, column: str) -> float:
        """Return the standard deviation of one of `MEASURES`, as a share; 0 for a single draw."""
        return spread(self._values(column))

    def _values(self, column: str) -> list[float]:
        return [getattr(run, column).value for run in self.runs]


@dataclass(frozen=True)
class BandRow:
    """Statistics of perturbed runs with the same number of labels, as shares from 0 to 1.

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
        Runs from the same initial weights that do not pick weights on test images, on all of
        them.
    above
        Number of runs that reach the published figure; None if there is none.
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
    """Runs that differ only by a little noise on their initial weights."""

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
        Number of pool images nearest to it.
    digit
        The most common class of these images, the lowest of a tie.
    count
        Number of these images with that class.
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
        Number of its images, and of those whose likeliest class is right.
    """

    low: float
    high: float
    n: int
    right: int


@dataclass(frozen=True)
class Confidence:
    """The model's confidence in the images without a label, and the share that is right.

    Attributes
    ----------
    labels
        Number of labels so far.
    n
        Number of images without a label.
    curve
        Sorted confidences, lowest first, at equal steps from the first image to the last.
    tenths
        Least confident first; fewer than ten if there are fewer images.
    """

    labels: int
    n: int
    curve: tuple[float, ...]
    tenths: tuple[Tenth, ...]


@dataclass(frozen=True)
class ArticleReport:
    """All results of the experiment.

    Attributes
    ----------
    protocol
        The settings of the experiment.
    everything
        One fit on the whole pool with its true labels.
    first
        One fit on the first images in file order: the article's random baseline.
    random_fit
        One fit on randomly drawn images, as many as the budget.
    random_loop
        The same random images in batches, with a continued fit after each, as for the least
        confident images.
    curve
        Least confident images, one row per batch.
    naive
        After the curve: the model labels all other images at once, then one fit.
    ordered
        After the curve: the model labels the most confident images in batches, one row each, to
        the end of the pool.
    confidence
        After the first batch and after the last.
    centres
        The k-means centres of the pool, by digit.
    band
        None without perturbed runs.
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
        """Return the report as values for JSON, each accuracy with its interval."""
        found: dict[str, Any] = _plain(self)
        for name in ("random_fit", "random_loop"):
            draws: Draws = getattr(self, name)
            for column in MEASURES:
                found[name][column] = {"mean": draws.mean(column), "sd": draws.sd(column)}
        return found


def mean(values: Sequence[float]) -> float:
    """Return the mean of at least one value."""
    return sum(values) / len(values)


def spread(values: Sequence[float]) -> float:
    """Return the sample standard deviation; 0 for fewer than two values."""
    if len(values) < 2:
        return 0.0
    middle = mean(values)
    return math.sqrt(sum((value - middle) ** 2 for value in values) / (len(values) - 1))


def _plain(value: Any) -> Any:
    """Convert frozen values to values for JSON, recursively."""
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
