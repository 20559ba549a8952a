"""Results of a simulation: runs, mean curves, labels needed, seconds."""

from __future__ import annotations

import csv
import io
import json
import math
import statistics
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from tuilabel import __version__
from tuilabel.errors import UsageError
from tuilabel.simulate.plan import RANDOM, Combination, Plan
from tuilabel.simulate.run import Run
from tuilabel.text import inert

CSV_COLUMNS = (*Combination._fields, "seed", "labels", "accuracy", "round_seconds")


@dataclass(frozen=True)
class Description:
    """The data of a simulation.

    Attributes
    ----------
    source : str
    classes : tuple of str
    pool, test : int
        Images to ask for, images to measure on.
    test_set : str
        Name of the latter.
    batch_size : int
        Labels between two fits.
    sizes : tuple of int
        Images of each class in the pool.
    """

    source: str
    classes: tuple[str, ...]
    pool: int
    test: int
    test_set: str
    batch_size: int
    sizes: tuple[int, ...] = ()


class Met(NamedTuple):
    """When a class was met in the runs of a combination.

    Attributes
    ----------
    first : float or None
        Median number of labels until its first example, where a run that never meets it counts as
        infinite; None if the median is infinite.
    found : float
        Mean share of its images that were labelled, 0 to 1.
    """

    first: float | None
    found: float


class MeanPoint(NamedTuple):
    """Accuracy after a number of labels, over the seeds.

    Attributes
    ----------
    labels : int
    mean : float
        0 to 1.
    sd : float or None
        Sample standard deviation; None for a single run.
    """

    labels: int
    mean: float
    sd: float | None


class Needed(NamedTuple):
    """Labels needed to reach an accuracy.

    Attributes
    ----------
    median : float or None
        Median over the seeds, where a seed that never reaches the accuracy counts as infinite;
        None if the median is infinite.
    reached, runs : int
        Number of seeds that reached it, and of all seeds.
    """

    median: float | None
    reached: int
    runs: int


@dataclass(frozen=True)
class Results:
    """Finished runs of a plan.

    Attributes
    ----------
    plan : Plan
    on : Description
    runs : tuple of Run
        In the order of the plan's combinations, then by seed; incomplete after an interruption.
    preparation_seconds : float
        Duration of computing features and label graphs, once for all runs; short if they were
        cached.
    notices : tuple of str
        Sentences for people.
    """

    plan: Plan
    on: Description
    runs: tuple[Run, ...]
    preparation_seconds: float
    notices: tuple[str, ...] = ()

    @property
    def is_complete(self) -> bool:
        """Whether no run of the plan is missing."""
        return len(self.runs) == len(self.plan.runs())

    @property
    def is_pool_exhausted(self) -> bool:
        """Whether the pool has fewer images than the budget has labels."""
        return self.on.pool < self.plan.budget

    @property
    def combinations(self) -> list[Combination]:
        """The combinations with a finished run, in the order of the plan."""
        return list(dict.fromkeys(run.combination for run in self.runs))

    def of(self, combination: Combination) -> list[Run]:
        """Return the runs of a combination."""
        return [run for run in self.runs if run.combination == combination]

    def curve(self, combination: Combination) -> list[MeanPoint]:
        """Return the mean learning curve of a combination."""
        runs = self.of(combination)
        points = zip(*(zip(run.labels, run.accuracy, strict=True) for run in runs), strict=True)
        return [
            MeanPoint(column[0][0], statistics.fmean(values), _sd(values))
            for column in points
            for values in [[accuracy for _, accuracy in column]]
        ]

    def needed(self, combination: Combination, target: float) -> Needed:
        """Return how many labels a combination needs for an accuracy of `target`, 0 to 1."""
        first = [_first_at(run, target) for run in self.of(combination)]
        median = statistics.median(first)
        reached = sum(map(math.isfinite, first))
        return Needed(median if math.isfinite(median) else None, reached, len(first))

    def met(self, combination: Combination, class_index: int) -> Met:
        """Return when a combination met a class, and how much of it was found."""
        runs = self.of(combination)
        first = statistics.median(
            run.asked.index(class_index) + 1 if class_index in run.asked else math.inf
            for run in runs
        )
        found = statistics.fmean(run.asked.count(class_index) for run in runs)
        size = max(1, self.on.sizes[class_index])
        return Met(first if math.isfinite(first) else None, found / size)

    def round_seconds(self, combination: Combination) -> float:
        """Return the median seconds of a fit and its ranking, over all rounds and seeds."""
        return statistics.median(s for run in self.of(combination) for s in run.round_seconds)

    def weigh_seconds(self, combination: Combination) -> float:
        """Return the median seconds of comparing models in a run, over all seeds."""
        return statistics.median(run.weigh_seconds for run in self.of(combination))

    def to_json(self, targets: Sequence[float] = ()) -> dict[str, Any]:
        """Return settings and runs as dicts, lists, numbers and strings."""
        plan, on = self.plan, self.on
        return {
            "settings": {
                "version": __version__,
                "source": on.source,
                "classes": list(on.classes),
                "pool": on.pool,
                "class_sizes": list(on.sizes),
                "test": on.test,
                "test_set": on.test_set,
                "strategy": list(plan.strategies),
                "model": list(plan.models),
                "features": list(plan.features),
                "cold_start": list(plan.cold_starts),
                "baseline": {"strategy": RANDOM, "cold_start": RANDOM},
                "budget": plan.budget,
                "batch_size": on.batch_size,
                "epsilon": plan.epsilon,
                "seeds": plan.seeds,
                "target": list(targets),
            },
            "runs": [
                {
                    **run.combination._asdict(),
                    "seed": run.seed,
                    "labels": list(run.labels),
                    "accuracy": list(run.accuracy),
                    "round_seconds": [round(seconds, 6) for seconds in run.round_seconds],
                    "asked": list(run.asked),
                }
                for run in self.runs
            ],
        }

    def csv_rows(self) -> Iterator[tuple[str | int | float, ...]]:
        """Yield a row of `CSV_COLUMNS` for each fit."""
        for run in self.runs:
            for labels, accuracy, seconds in zip(
                run.labels, run.accuracy, run.round_seconds, strict=True
            ):
                yield (*run.combination, run.seed, labels, accuracy, round(seconds, 6))


def shares(option: str, given: Sequence[str]) -> tuple[float, ...]:
    """Return accuracies from text: each above 0 and up to 1.

    Raises
    ------
    UsageError
        A text is something else.
    """
    found = []
    for text in given:
        try:
            share = float(text)
        except ValueError:
            share = math.nan
        if not 0 < share <= 1:
            raise UsageError(
                f"{option} is {inert(text)!r}; expected shares above 0 and up to 1, such as "
                "0.9,0.95."
            )
        found.append(share)
    return tuple(dict.fromkeys(found))


def as_json(results: Results, targets: Sequence[float]) -> bytes:
    """Return the content of a JSON file with settings and runs."""
    return json.dumps(results.to_json(targets), indent=1).encode() + b"\n"


def as_csv(results: Results) -> bytes:
    """Return the content of a CSV file (RFC 4180) with a row for each fit.

    All its names are fixed by tuilabel, so no cell can be a formula.
    """
    text = io.StringIO(newline="")
    writer = csv.writer(text)
    writer.writerow(CSV_COLUMNS)
    writer.writerows(results.csv_rows())
    return text.getvalue().encode()


def _sd(values: Sequence[float]) -> float | None:
    return statistics.stdev(values) if len(values) > 1 else None


def _first_at(run: Run, target: float) -> float:
    """Return the labels of the first fit that reaches a target; infinity if none does."""
    points = zip(run.labels, run.accuracy, strict=True)
    return next((labels for labels, accuracy in points if accuracy >= target), math.inf)
