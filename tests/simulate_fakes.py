"""Small datasets with ground truth, and what is the same of two simulations."""

from __future__ import annotations

import hashlib
from typing import Any

import numpy as np

from tuilabel.data import HoldOut
from tuilabel.simulate import Combination, Description, Plan, Results, Run
from tuilabel.simulate.handover import HandedOver


def made(
    pool: int = 40,
    test: int = 10,
    classes: int = 3,
    *,
    truth: np.ndarray | None = None,
    images: np.ndarray | None = None,
    notices: tuple[str, ...] = (),
) -> HandedOver:
    """Make a dataset of noise, as somebody's own script might."""
    rng = np.random.default_rng(0)
    noise = rng.integers(0, 256, (pool + test, 8, 8), dtype=np.uint8)
    images = noise if images is None else images
    truth = np.arange(pool + test) % classes if truth is None else truth
    return HandedOver(
        source="made",
        class_names=tuple("abcdefghijklmnopqrstuvwxyz"[:classes]),
        ids=[hashlib.blake2b(bytes([row]), digest_size=16).hexdigest() for row in range(pool)],
        pool=images[:pool],
        truth=truth[:pool].astype(np.int16),
        holdout=HoldOut("hold-out", images[pool:], truth[pool:].astype(np.int16)),
        notices=notices,
    )


def same(results: Results) -> list[tuple[Any, ...]]:
    """Return all that a seed decides."""
    return [what(run) for run in results.runs]


def what(run: Run) -> tuple[Any, ...]:
    return (run.combination, run.seed, run.labels, run.accuracy)


ON = Description("digits", ("a", "b"), 500, 1000, "hold-out", 10, (250, 250))
PLAN = Plan(("margin",), ("softmax",), ("raw",), ("kmeans",), budget=30, seeds=3)
_MARGIN, _RANDOM = PLAN.combinations()


def run(combination: Combination, seed: int, *accuracy: float) -> Run:
    labels = tuple(10 * place for place in range(1, len(accuracy) + 1))
    seconds = tuple(0.1 * place for place in range(1, len(accuracy) + 1))
    asked = tuple(int(place % 9 == seed + 2) for place in range(max(labels, default=0)))
    return Run(combination, seed, labels, accuracy, seconds, 2.5 * seed, asked)


RESULTS = Results(
    PLAN,
    ON,
    (
        run(_MARGIN, 0, 0.5, 0.9, 0.92),
        run(_MARGIN, 1, 0.7, 0.8, 0.96),
        run(_MARGIN, 2, 0.6, 0.85, 0.91),
        run(_RANDOM, 0, 0.1, 0.2, 0.3),
        run(_RANDOM, 1, 0.1, 0.2, 0.95),
        run(_RANDOM, 2, 0.1, 0.95, 0.3),
    ),
    preparation_seconds=7.26,
    notices=("Two were merged.",),
)
