"""The random baseline: the accuracy that labels for random images would give."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from tuilabel.learn.checks import check_indices
from tuilabel.learn.requests import Fit
from tuilabel.progress import Progress

if TYPE_CHECKING:
    # A process that only sends and receives the curves needs no learner.
    from tuilabel.learn.learner import Learner


@dataclass(frozen=True)
class RandomCurves:
    """Accuracy on the hold-out by labels for random images.

    Attributes
    ----------
    labels : tuple of int
        Labels at each fit, ascending.
    runs : tuple of tuple of float
        The accuracy of each fit, 0 to 1: a tuple for each run.

    Raises
    ------
    ValueError
        The numbers of labels and accuracies differ, or an accuracy is not from 0 to 1.
    """

    labels: tuple[int, ...]
    runs: tuple[tuple[float, ...], ...]

    def __post_init__(self) -> None:
        for run in self.runs:
            if len(run) != len(self.labels) or not all(0 <= value <= 1 for value in run):
                raise ValueError(f"a run is not {len(self.labels)} accuracies from 0 to 1")


def random_curves(
    learner: Learner,
    truth: NDArray[np.integer],
    *,
    model: str,
    features: str,
    batch_size: int,
    budget: int,
    runs: int,
    progress: Progress | None = None,
) -> RandomCurves:
    """Label random images with their true classes, with a fit after each batch.

    Parameters
    ----------
    learner : Learner
        With a hold-out, and with what the model needs prepared. Its own labels change nothing.
    truth : (n,) integer array
        The true classes of the pool.
    model, features : str
        Names from `tuilabel.learn.names`.
    batch_size, budget : int
        Labels between two fits, and in all; at least 1.
    runs : int
        Number of runs, each with its own random images; the seeds are 0, 1, ...
    progress : callable, optional
        Called before each fit.

    Raises
    ------
    ValueError
        The true classes do not suit the learner, or it has no hold-out.
    UsageError
        There is no such model or feature.
    """
    check_indices(truth, learner.n_classes, "True classes")
    if len(truth) != len(learner) or learner.holdout is None:
        raise ValueError(
            f"{len(truth)} true classes for {len(learner)} items; expected one each, and a hold-out"
        )
    budget = min(budget, len(learner))
    columns = tuple(map(str, range(learner.n_classes)))
    counts = (*range(batch_size, budget, batch_size), budget)
    found = []
    for run in range(runs):
        own = learner.for_new_session()
        order = np.random.default_rng((run, 1)).permutation(len(learner))
        accuracies = []
        for place, count in enumerate(counts):
            if progress is not None:
                progress("fits", run * len(counts) + place, runs * len(counts))
            rows = order[:count]
            fitted = own.fit(
                Fit(
                    generation=0,
                    items=tuple(rows.tolist()),
                    classes=tuple(truth[rows].tolist()),
                    columns=columns,
                    truth=tuple(range(learner.n_classes)),
                    excluded=(),
                    audit_items=(),
                    audit_classes=(),
                    model=model,
                    features=features,
                    strategy="random",
                    cold_start="random",
                    cold_start_size=0,
                    batch_size=batch_size,
                    epsilon=0.0,
                    limit=1,
                    seed=(run, 2, count),
                )
            )
            for _ in own.reflect():
                pass
            assert fitted.accuracy is not None
            accuracies.append(fitted.accuracy.value)
        found.append(tuple(accuracies))
    return RandomCurves(counts, tuple(found))
