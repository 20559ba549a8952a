"""Small datasets with ground truth, and what is the same of two simulations."""

from __future__ import annotations

import hashlib
from typing import Any

import numpy as np

from tuilabel.data import HoldOut
from tuilabel.simulate import Results, Run
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
    """Give all that a seed decides."""
    return [what(run) for run in results.runs]


def what(run: Run) -> tuple[Any, ...]:
    return (run.combination, run.seed, run.labels, run.accuracy)
