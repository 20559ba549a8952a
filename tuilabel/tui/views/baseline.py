"""The random baseline of a session: the accuracy that labels for random images would give."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from itertools import pairwise
from typing import Any, NamedTuple


class BaselinePoint(NamedTuple):
    """Accuracy after a number of labels for random images: mean, least and most of the runs."""

    labels: int
    mean: float
    least: float
    most: float


class Baseline(NamedTuple):
    """Accuracy by labels for random images."""

    points: tuple[BaselinePoint, ...]
    runs: int

    def at(self, labels: int) -> float | None:
        """Return the mean accuracy after a number of labels; None where it is not known."""
        points = self.points
        if not points or not points[0].labels <= labels <= points[-1].labels:
            return None
        for left, right in pairwise(points):
            if left.labels <= labels <= right.labels:
                share = (labels - left.labels) / max(1, right.labels - left.labels)
                return left.mean + share * (right.mean - left.mean)
        return points[-1].mean

    def labels_for(self, accuracy: float) -> int | None:
        """Return the number of labels that first reach an accuracy; None if none does."""
        return next((point.labels for point in self.points if point.mean >= accuracy), None)


def read_baseline(text: str | bytes) -> Baseline:
    """Return the baseline in a kept `tuilabel.learn.baseline.RandomCurves`, as JSON.

    Raises
    ------
    ValueError
        It is something else, or has no run.
    """
    try:
        kept: dict[str, Any] = json.loads(text)
        runs: list[list[float]] = kept["runs"]
        points = [
            BaselinePoint(int(labels), math.fsum(values) / len(values), min(values), max(values))
            for labels, *values in zip(kept["labels"], *runs, strict=True)
        ]
    except (LookupError, TypeError, ZeroDivisionError) as error:
        raise ValueError(f"no kept baseline ({error!r})") from error
    if not points or not all(0 <= p.least <= p.most <= 1 for p in points):
        raise ValueError("the kept baseline has no run of accuracies from 0 to 1")
    return Baseline(tuple(points), len(runs))


def budget_for(labels: int, items: int) -> int:
    """Return labels rounded up to a budget of 50, 100, 200, 500, ..., and at most all items."""
    budget = 50
    while budget < labels:
        budget = next(step for step in _ladder(budget) if step > budget)
    return min(budget, items)


def _ladder(budget: int) -> Sequence[int]:
    power = 10 ** (len(str(budget)) - 1)
    return [power, 2 * power, 5 * power, 10 * power]
