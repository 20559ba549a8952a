"""The random baseline of the session's source: simulated beside the screen, and kept."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from itertools import pairwise
from typing import Any, NamedTuple


class BaselinePoint(NamedTuple):
    """Accuracy after labels for images drawn at random: mean, least and most of the runs."""

    labels: int
    mean: float
    least: float
    most: float


class Baseline(NamedTuple):
    """What labels for images drawn at random would be worth."""

    points: tuple[BaselinePoint, ...]
    runs: int

    def at(self, labels: int) -> float | None:
        """Give the mean accuracy after a number of labels; None where it is not known."""
        points = self.points
        if not points or not points[0].labels <= labels <= points[-1].labels:
            return None
        for left, right in pairwise(points):
            if left.labels <= labels <= right.labels:
                share = (labels - left.labels) / max(1, right.labels - left.labels)
                return left.mean + share * (right.mean - left.mean)
        return points[-1].mean

    def labels_for(self, accuracy: float) -> int | None:
        """Tell after how many labels an accuracy is first reached; None where it is not."""
        return next((point.labels for point in self.points if point.mean >= accuracy), None)


def read_baseline(text: str | bytes) -> Baseline:
    """Read what `tuilabel simulate --json` wrote.

    Raises
    ------
    ValueError
        It is something else, or holds no run of the baseline.
    """
    try:
        runs: list[dict[str, Any]] = [
            run
            for run in json.loads(text)["runs"]
            if run["strategy"] == "random" and run["cold_start"] == "random"
        ]
        columns = zip(
            *(zip(run["labels"], run["accuracy"], strict=True) for run in runs), strict=True
        )
        points = []
        for column in columns:
            values = [float(accuracy) for _, accuracy in column]
            mean = math.fsum(values) / len(values)
            points.append(BaselinePoint(int(column[0][0]), mean, min(values), max(values)))
    except (LookupError, TypeError) as error:
        raise ValueError(f"no results of a simulation ({error!r})") from error
    if not points or not all(0 <= p.least <= p.most <= 1 for p in points):
        raise ValueError("no run of the baseline is in the results")
    return Baseline(tuple(points), len(runs))


def budget_for(labels: int, items: int) -> int:
    """Round labels up to what a baseline is worth working out for: 50, 100, 200, 500, ..."""
    budget = 50
    while budget < labels:
        budget = next(step for step in _ladder(budget) if step > budget)
    return min(budget, items)


def _ladder(budget: int) -> Sequence[int]:
    power = 10 ** (len(str(budget)) - 1)
    return [power, 2 * power, 5 * power, 10 * power]
