"""The random baseline: what it labels, when it fits, and what it leaves alone."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from blob_pools import glyphs

from tuilabel.data import HoldOut
from tuilabel.learn.baseline import RandomCurves, random_curves
from tuilabel.learn.feature_sources import pixels
from tuilabel.learn.learner import Learner

POOL, TRUTH = glyphs(200, side=12)
OPTIONS: dict[str, Any] = {"model": "softmax", "features": "raw", "batch_size": 10}


@pytest.fixture
def learner() -> Learner:
    return Learner(pixels(POOL), 3, holdout=HoldOut("t10k", *glyphs(60, side=12, seed=1)))


def test_a_run_is_a_fit_for_each_batch_and_repeats(learner: Learner) -> None:
    seen: list[Any] = []
    found = random_curves(
        learner, TRUTH, **OPTIONS, budget=35, runs=2, progress=lambda *part: seen.append(part)
    )
    assert found.labels == (10, 20, 30, 35)
    assert seen == [("fits", done, 8) for done in range(8)]
    assert found.runs[0] != found.runs[1]
    assert found == random_curves(learner, TRUTH, **OPTIONS, budget=35, runs=2)


def test_all_labels_are_as_good_as_a_fit_to_all(learner: Learner) -> None:
    found = random_curves(learner, TRUTH, **OPTIONS, budget=1000, runs=1)
    assert found.labels[-1] == 200
    assert found.runs[0][-1] > found.runs[0][0]


def test_the_learner_stays_as_it_was(learner: Learner) -> None:
    before = dict(vars(learner))
    random_curves(learner, TRUTH, **OPTIONS, budget=20, runs=1)
    assert vars(learner) == before


@pytest.mark.parametrize("truth", [TRUTH[:9], np.where(TRUTH == 2, 3, TRUTH)])
def test_other_true_classes_are_refused(learner: Learner, truth: Any) -> None:
    with pytest.raises(ValueError, match=r"9 true classes for 200 items|True classes run from"):
        random_curves(learner, truth, **OPTIONS, budget=20, runs=1)


def test_without_a_hold_out_there_is_nothing_to_measure() -> None:
    with pytest.raises(ValueError, match="and a hold-out"):
        random_curves(Learner(pixels(POOL), 3), TRUTH, **OPTIONS, budget=20, runs=1)


@pytest.mark.parametrize("runs", [((0.5,),), ((0.5, 1.5),), ((0.5, -0.1),)])
def test_curves_are_checked(runs: Any) -> None:
    with pytest.raises(ValueError, match="a run is not 2 accuracies from 0 to 1"):
        RandomCurves((10, 20), runs)
