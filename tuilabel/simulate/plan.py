"""The plan of a simulation: combinations of names, each run with several seeds."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product
from typing import NamedTuple

from tuilabel.errors import UsageError
from tuilabel.learn.names import AUTO, COLD_START_NAMES, look_up
from tuilabel.plugins import GROUPS, check
from tuilabel.settings import MAX_BATCH_SIZE

USUAL_BATCH = 10

MAX_SEEDS = 10_000

RANDOM = "random"
"""Name of the strategy and the cold start of the baseline."""


class Combination(NamedTuple):
    """One row of a comparison: names of strategy, model, features and cold start."""

    strategy: str
    model: str
    features: str
    cold_start: str

    @property
    def is_baseline(self) -> bool:
        """Whether every image is drawn uniformly at random."""
        return self.strategy == RANDOM and self.cold_start == RANDOM


@dataclass(frozen=True)
class Plan:
    """The settings of a simulation.

    Attributes
    ----------
    strategies, models, features, cold_starts : tuple of str
        Names as the settings take them, each once.
    budget : int
        Labels to give in each run.
    batch_size : int or None
        Labels between two fits; None for `USUAL_BATCH`, or fewer if the budget or the pool is
        smaller.
    seeds : int
        Each combination is run with the seeds 0 to ``seeds - 1``.
    epsilon : float
        Share of each batch to draw at random, 0 to 1.

    Raises
    ------
    UsageError
        A name that does not exist, or a number out of range.
    """

    strategies: tuple[str, ...] = (AUTO,)
    models: tuple[str, ...] = (AUTO,)
    features: tuple[str, ...] = (AUTO,)
    cold_starts: tuple[str, ...] = (AUTO,)
    budget: int = 400
    batch_size: int | None = None
    seeds: int = 5
    epsilon: float = 0.0

    def __post_init__(self) -> None:
        for field in ("strategies", "models", "features", "cold_starts"):
            given = getattr(self, field)
            kind, names = GROUPS.get(field, ("cold start", COLD_START_NAMES))
            for name in given:
                if field in GROUPS:
                    check(field, name)
                else:
                    look_up(dict.fromkeys(names), kind, name)
            if not given:
                raise UsageError(f"No {kind} is given: choose from {', '.join(names)}.")
            object.__setattr__(self, field, tuple(dict.fromkeys(given)))
        _check("--budget", self.budget, 1)
        _check("--seeds", self.seeds, 1, MAX_SEEDS)
        if self.batch_size is not None:
            _check("--batch-size", self.batch_size, 1, MAX_BATCH_SIZE)
        if not 0 <= self.epsilon <= 1:
            raise UsageError(f"--epsilon is {self.epsilon}; expected a share from 0 to 1.")

    def combinations(self) -> list[Combination]:
        """Return every combination and, for each model and features, the random baseline."""
        asked = map(
            Combination._make,
            product(self.strategies, self.models, self.features, self.cold_starts),
        )
        baselines = (
            Combination(RANDOM, model, features, RANDOM)
            for model, features in product(self.models, self.features)
        )
        return list(dict.fromkeys([*asked, *baselines]))

    def runs(self) -> list[tuple[Combination, int]]:
        """Return all runs, sorted by seed, so that a part of them covers every combination."""
        return [
            (combination, seed) for seed in range(self.seeds) for combination in self.combinations()
        ]

    def batch_for(self, pool: int) -> int:
        """Return the number of labels between two fits on a pool of that many items.

        Raises
        ------
        UsageError
            The batch is larger than the pool or the budget.
        """
        if self.batch_size is None:
            return min(USUAL_BATCH, self.budget, pool)
        if self.batch_size > pool:
            raise UsageError(
                f"--batch-size {self.batch_size} is larger than the pool of {pool} items. "
                "Give a smaller batch."
            )
        if self.batch_size > self.budget:
            raise UsageError(
                f"--batch-size {self.batch_size} is larger than the budget of {self.budget} "
                "labels. Give a smaller batch or a larger budget."
            )
        return self.batch_size

    def label_counts(self, pool: int) -> tuple[int, ...]:
        """Return the numbers of labels at which a run on a pool of that many items is measured."""
        batch, last = self.batch_for(pool), min(self.budget, pool)
        return (*range(batch, last, batch), last)


def _check(option: str, value: int, least: int, most: int | None = None) -> None:
    if value < least or (most is not None and value > most):
        expected = f"of {least} or more" if most is None else f"from {least} to {most:,}"
        raise UsageError(f"{option} is {value}; expected a whole number {expected}.")
