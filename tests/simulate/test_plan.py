"""Which runs a plan has, and which plans cannot be."""

from __future__ import annotations

from typing import Any

import pytest

from tuilabel.errors import UsageError
from tuilabel.learn.names import COLD_START_NAMES
from tuilabel.plugins import GROUPS
from tuilabel.simulate import Combination, Plan

STRATEGY_NAMES, MODEL_NAMES, FEATURE_NAMES = (
    tuple(GROUPS[group].built_in) for group in ("strategies", "models", "features")
)
BASELINE = Combination("random", "auto", "auto", "random")


def test_the_default_is_what_labelling_uses_and_the_baseline() -> None:
    assert Plan().combinations() == [Combination("auto", "auto", "auto", "auto"), BASELINE]


def test_everything_is_combined_with_everything() -> None:
    plan = Plan(STRATEGY_NAMES, MODEL_NAMES, FEATURE_NAMES, COLD_START_NAMES)
    asked = len(STRATEGY_NAMES) * len(MODEL_NAMES) * len(FEATURE_NAMES) * len(COLD_START_NAMES)
    combinations = plan.combinations()
    # Random draws from a random start are among them already.
    assert len(combinations) == len(set(combinations)) == asked
    baselines = [combination for combination in combinations if combination.is_baseline]
    assert len(baselines) == len(MODEL_NAMES) * len(FEATURE_NAMES)


def test_each_model_and_features_have_their_baseline() -> None:
    plan = Plan(("margin",), ("softmax", "mlp"), ("raw", "hog"), ("kmeans",))
    baselines = [c for c in plan.combinations() if c.is_baseline]
    assert {(c.model, c.features) for c in baselines} == {
        ("softmax", "raw"),
        ("softmax", "hog"),
        ("mlp", "raw"),
        ("mlp", "hog"),
    }
    assert len(plan.combinations()) == 8


def test_a_baseline_that_is_asked_for_is_run_once() -> None:
    plan = Plan(("random", "margin", "random"), cold_starts=("random",))
    assert plan.strategies == ("random", "margin")
    assert [c for c in plan.combinations() if c.is_baseline] == [BASELINE]
    other = Plan(("random",), cold_starts=("kmeans",)).combinations()
    assert other == [Combination("random", "auto", "auto", "kmeans"), BASELINE]


def test_the_first_seed_of_all_comes_before_the_second_of_any() -> None:
    plan = Plan(("margin", "entropy"), seeds=2)
    assert [seed for _, seed in plan.runs()] == [0, 0, 0, 1, 1, 1]
    assert len(set(plan.runs())) == 6


@pytest.mark.parametrize(
    ("plan", "pool", "counts"),
    [
        (Plan(budget=40), 100, (10, 20, 30, 40)),
        (Plan(budget=45), 100, (10, 20, 30, 40, 45)),
        (Plan(budget=400), 25, (10, 20, 25)),
        (Plan(budget=5), 100, (5,)),
        (Plan(budget=400), 1, (1,)),
        (Plan(budget=21, batch_size=7), 100, (7, 14, 21)),
    ],
)
def test_there_is_a_fit_after_each_batch_and_at_the_end(
    plan: Plan, pool: int, counts: tuple[int, ...]
) -> None:
    assert plan.label_counts(pool) == counts


@pytest.mark.parametrize(
    ("wrong", "found"),
    [
        ({"strategies": ("best",)}, "no strategy 'best': choose one of auto, least-confident"),
        ({"models": ("softmax", "")}, "no model '': choose one of auto, softmax"),
        ({"features": ("sift",)}, "no feature 'sift': choose one of auto, raw"),
        ({"cold_starts": ("warm",)}, "no cold start 'warm': choose one of auto, random"),
        ({"strategies": ()}, "No strategy is given: choose from auto"),
        ({"budget": 0}, "--budget is 0; expected a whole number of 1 or more"),
        ({"seeds": 0}, "--seeds is 0; expected a whole number from 1 to 10,000"),
        ({"batch_size": 0}, "--batch-size is 0; expected a whole number from 1 to 1,000"),
        ({"epsilon": 1.5}, "--epsilon is 1.5; expected a share from 0 to 1"),
        ({"epsilon": float("nan")}, "--epsilon is nan; expected a share from 0 to 1"),
    ],
)
def test_a_plan_that_cannot_be_meant_is_refused(wrong: dict[str, Any], found: str) -> None:
    with pytest.raises(UsageError, match=r"^[^\n]*$") as error:
        Plan(**wrong)
    assert found in str(error.value)


@pytest.mark.parametrize(
    ("plan", "found"),
    [
        (Plan(batch_size=60), "--batch-size 60 is larger than the pool of 50 items"),
        (Plan(batch_size=30, budget=20), "--batch-size 30 is larger than the budget of 20"),
    ],
)
def test_a_batch_that_was_asked_for_is_not_cut(plan: Plan, found: str) -> None:
    with pytest.raises(UsageError, match=found):
        plan.batch_for(50)
