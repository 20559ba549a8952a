"""Auto-labels: which items a model may label by itself, and how many of them are right."""

from __future__ import annotations

import json
from collections.abc import Sequence
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from tuilabel.autolabel.rules import (
    ACCEPTANCE_RULES,
    Estimate,
    Step,
    choose,
    estimate,
    ordered,
    training_set,
)
from tuilabel.errors import UsageError
from tuilabel.learn.metrics import Accuracy, measure, wilson_interval
from tuilabel.learn.models import fit_model

PROBABILITIES = np.array(
    [[0.6, 0.3, 0.1], [0.05, 0.95, 0.0], [0.4, 0.2, 0.4], [0.1, 0.0, 0.9]], dtype=np.float32
)

tables = st.tuples(st.integers(0, 40), st.integers(1, 5), st.integers(0, 1000)).map(
    lambda case: rng(case[2]).dirichlet(np.full(case[1], 0.5), case[0]).astype(np.float32)
)


def rng(seed: int = 3) -> np.random.Generator:
    return np.random.default_rng(seed)


# One look.


def test_naive_takes_everything() -> None:
    choice = choose("naive", PROBABILITIES)
    assert choice.accepted.tolist() == [True] * 4
    assert choice.classes.tolist() == [0, 1, 0, 2]
    np.testing.assert_array_equal(choice.confidences, PROBABILITIES.max(axis=1))


def test_confident_takes_what_is_likely_enough() -> None:
    assert choose("confident", PROBABILITIES, 0.9).accepted.tolist() == [False, True, False, True]
    assert choose("confident", PROBABILITIES, 0.96).accepted.tolist() == [False] * 4
    assert choose("confident", PROBABILITIES, 0.0).accepted.all()


@pytest.mark.parametrize("method", ACCEPTANCE_RULES)
@given(probabilities=tables, threshold=st.floats(0, 1))
def test_every_way_of_choosing(
    method: str, probabilities: NDArray[np.float32], threshold: float
) -> None:
    given_threshold = None if method == "naive" else threshold
    before = probabilities.copy()
    choice = choose(method, probabilities, given_threshold)
    np.testing.assert_array_equal(probabilities, before)
    n = len(probabilities)
    assert (choice.accepted.dtype, choice.classes.dtype) == (np.bool_, np.intp)
    assert choice.accepted.shape == choice.classes.shape == choice.confidences.shape == (n,)
    assert (choice.confidences == probabilities[np.arange(n), choice.classes]).all()
    assert (choice.confidences == probabilities.max(axis=1, initial=0)).all()
    rest = choice.confidences[~choice.accepted]
    assert (rest < choice.confidences[choice.accepted].min(initial=np.inf)).all()
    assert choice.accepted.all() if method == "naive" else (rest < threshold + 1e-6).all()


def test_what_cannot_be_chosen_by_is_refused() -> None:
    with pytest.raises(UsageError, match="no method 'bold': choose one of naive, confident"):
        choose("bold", PROBABILITIES)
    with pytest.raises(UsageError, match="'naive' labels everything"):
        choose("naive", PROBABILITIES, 0.9)
    with pytest.raises(UsageError, match="'confident' needs a threshold"):
        choose("confident", PROBABILITIES)
    for threshold in (-0.1, 95.0, float("nan")):
        with pytest.raises(UsageError, match="expected a number from 0 to 1"):
            choose("confident", PROBABILITIES, threshold)
        with pytest.raises(UsageError, match="expected a number from 0 to 1"):
            next(ordered(PROBABILITIES, never, rng=rng(), threshold=threshold))
    with pytest.raises(UsageError, match="A step of 0 items"):
        next(ordered(PROBABILITIES, never, rng=rng(), step=0))


def test_what_is_no_probability_is_refused() -> None:
    bad = PROBABILITIES * 2
    for method, threshold in (("naive", None), ("confident", 0.9)):
        with pytest.raises(ValueError, match="4 of 4 rows are not probabilities"):
            choose(method, bad, threshold)
    with pytest.raises(ValueError, match="4 of 4 rows are not probabilities"):
        next(ordered(bad, never, rng=rng()))
    with pytest.raises(ValueError, match="4 of 4 rows are not probabilities"):
        list(ordered(PROBABILITIES, lambda *_: bad, rng=rng(), step=2))
    with pytest.raises(ValueError, match="probabilities of 3 items; expected 4"):
        list(ordered(PROBABILITIES, lambda *_: PROBABILITIES[:3], rng=rng(), step=2))
    with pytest.raises(ValueError, match=r"Shadows have shape \(3,\); expected \(4,\)"):
        next(ordered(PROBABILITIES, never, rng=rng(), shadow=np.zeros(3, dtype=bool)))


# Step by step.


def never(rows: NDArray[np.intp], classes: NDArray[np.intp]) -> NDArray[np.float32]:
    raise AssertionError("nothing is left to fit for")


def all_rows(steps: Sequence[Step]) -> list[int]:
    return [row for step in steps for row in step.rows.tolist()]


def test_the_most_confident_come_first_and_each_fit_sees_all_so_far() -> None:
    seen = []

    def refit(rows: NDArray[np.intp], classes: NDArray[np.intp]) -> NDArray[np.float32]:
        seen.append((rows.tolist(), classes.tolist()))
        # What was accepted is told otherwise now, and keeps its class all the same.
        turned = PROBABILITIES[:, ::-1].copy()
        turned[2] = [0.0, 0.3, 0.7]
        return turned

    steps = list(ordered(PROBABILITIES, refit, rng=rng(), step=2))
    assert [step.rows.tolist() for step in steps] == [[1, 3], [2, 0]]
    assert [step.classes.tolist() for step in steps] == [[1, 2], [2, 2]]
    assert steps[1].confidences.tolist() == pytest.approx([0.7, 0.6])
    assert seen == [([1, 3], [1, 2])]


def test_one_step_that_holds_everything_needs_no_fit() -> None:
    (step,) = ordered(PROBABILITIES, never, rng=rng(), step=10)
    assert step.rows.tolist() == [1, 3, 0, 2]
    assert list(ordered(PROBABILITIES[:0], never, rng=rng())) == []


def test_a_threshold_ends_it_even_within_a_step() -> None:
    steps = list(ordered(PROBABILITIES, lambda *_: PROBABILITIES, rng=rng(), threshold=0.6, step=2))
    assert [step.rows.tolist() for step in steps] == [[1, 3], [0]]
    assert list(ordered(PROBABILITIES, never, rng=rng(), threshold=0.96, step=2)) == []


def test_a_fit_may_lift_items_over_the_threshold() -> None:
    lifted = np.tile(np.array([[0.05, 0.95, 0.0]], dtype=np.float32), (4, 1))
    steps = list(ordered(PROBABILITIES, lambda *_: lifted, rng=rng(), threshold=0.9, step=2))
    assert sorted(all_rows(steps)) == [0, 1, 2, 3]


def test_equals_are_accepted_in_an_order_that_the_seed_fixes() -> None:
    equal = np.full((50, 2), 0.5)

    def order(seed: int) -> list[int]:
        return all_rows(list(ordered(equal, lambda *_: equal, rng=rng(seed), step=7)))

    assert sorted(order(1)) == list(range(50))
    assert order(1) == order(1) != order(2)


@given(
    probabilities=tables,
    step=st.integers(1, 9),
    threshold=st.none() | st.floats(0, 1),
    share=st.sampled_from([0.0, 0.3, 1.0]),
)
def test_every_item_is_accepted_at_most_once_and_no_shadow(
    probabilities: NDArray[np.float32], step: int, threshold: float | None, share: float
) -> None:
    n, classes = probabilities.shape
    generator = rng(n)
    shadow = generator.random(n) < share
    before = shadow.copy()
    told: list[list[int]] = []

    def refit(rows: NDArray[np.intp], given_classes: NDArray[np.intp]) -> NDArray[np.float32]:
        told.append(rows.tolist())
        return generator.dirichlet(np.full(classes, 0.5), n).astype(np.float32)

    steps = list(
        ordered(probabilities, refit, rng=rng(), threshold=threshold, step=step, shadow=shadow)
    )
    np.testing.assert_array_equal(shadow, before)
    rows = all_rows(steps)
    assert len(set(rows)) == len(rows)
    assert not shadow[rows].any()
    assert all(len(found.rows) == step for found in steps[:-1] if threshold is None)
    assert all(list(a) == b[: len(a)] for a, b in pairwise([*told, rows]))
    followed = [row for found in steps for row in found.shadow_rows.tolist()]
    assert len(set(followed)) == len(followed)
    assert shadow[followed].all()
    for found in steps:
        assert (np.diff(found.confidences) <= 0).all()
        assert len(found.rows) == len(found.classes) == len(found.confidences) > 0
        assert found.shadow_rows.shape == found.shadow_classes.shape
        assert threshold is None or (found.confidences >= np.float32(threshold)).all()
    if threshold is None:
        assert sorted(rows) == np.flatnonzero(~shadow).tolist()
        # To the end of the items all shadows have been labelled too, where there was an item.
        assert not rows or sorted(followed) == np.flatnonzero(shadow).tolist()


def test_shadows_go_with_the_step_that_would_have_taken_them() -> None:
    confidences = np.array([0.95, 0.9, 0.8, 0.7, 0.92, 0.75, 0.55])
    probabilities = np.stack([confidences, 1 - confidences], axis=1)
    shadow = np.arange(7) >= 4
    steps = list(
        ordered(
            probabilities,
            lambda *_: probabilities[:, ::-1],
            rng=rng(),
            threshold=0.6,
            step=2,
            shadow=shadow,
        )
    )
    assert [step.rows.tolist() for step in steps] == [[0, 1], [2, 3]]
    assert [step.shadow_rows.tolist() for step in steps] == [[4], [5]]
    assert [step.shadow_classes.tolist() for step in steps] == [[0], [1]]


def test_mistakes_that_feed_on_mistakes_show_in_what_is_measured() -> None:
    """Two clouds that touch, and two labels of which one lies in the wrong cloud."""
    generator = rng(5)
    truth = np.repeat([0, 1], 300)
    points = np.stack([np.where(truth == 0, -1, 1) + generator.normal(0, 0.7, 600)] * 2, axis=1)
    points = points.astype(np.float32)
    labelled = np.array([int(points[:300, 0].argmin()), int(points[300:, 0].argmin()) + 300])
    order = np.setdiff1d(np.arange(600), labelled)
    shadow = generator.random(len(order)) < 0.4

    def refit(rows: NDArray[np.intp], classes: NDArray[np.intp]) -> NDArray[np.float32]:
        all_of, given_classes = training_set(labelled, truth[labelled], order[rows], classes)
        model = fit_model("softmax", points[all_of], given_classes, n_classes=2, rng=rng())
        return model.probabilities(points[order])

    none = np.empty(0, dtype=np.intp)
    steps = list(ordered(refit(none, none), refit, rng=rng(), step=40, shadow=shadow))
    known = truth[order]
    rows = np.array(all_rows(steps))
    right = int((np.concatenate([s.classes for s in steps]) == known[rows]).sum())
    followed = np.concatenate([s.shadow_rows for s in steps])
    measured = measure(np.concatenate([s.shadow_classes for s in steps]), known[followed], "audit")
    found = estimate(np.concatenate([s.confidences for s in steps]), measured)
    assert found.interval is not None
    assert right < 0.97 * len(rows)
    assert found.interval[0] <= right <= found.interval[1]


# A student.


def test_a_student_learns_from_people_before_models() -> None:
    rows, classes = training_set(
        np.array([5, 2]), np.array([0, 1]), np.array([2, 7, 5, 1]), np.array([3, 3, 3, 3])
    )
    assert rows.tolist() == [5, 2, 7, 1]
    assert classes.tolist() == [0, 1, 3, 3]
    assert rows.dtype == classes.dtype == np.intp


def test_a_student_may_have_one_teacher_only() -> None:
    none, rows, classes = np.empty(0, dtype=np.intp), np.array([4]), np.array([1])
    assert [a.tolist() for a in training_set(none, none, rows, classes)] == [[4], [1]]
    assert [a.tolist() for a in training_set(rows, classes, none, none)] == [[4], [1]]
    with pytest.raises(ValueError, match="1 and 0 rows have 0 and 0 classes"):
        training_set(rows, none, none, none)


# How many are right.


def test_what_was_measured_is_what_is_expected() -> None:
    found = estimate(np.full(6000, 0.97, dtype=np.float32), Accuracy(920, 1000, "hold-out"))
    low, high = wilson_interval(920, 1000)
    assert found.right == pytest.approx(5520)
    assert found.summed == pytest.approx(5820, abs=0.01)
    assert found.interval == (6000 * low, 6000 * high)
    assert found.sentence() == (
        "Of 6,000 auto-labels about 5,520 are expected to be right (5,409 to 5,612, 95%): 920 "
        "of 1,000 hold-out items chosen in the same way were right."
    )
    assert json.loads(json.dumps(found.to_json())) == {
        "count": 6000,
        "summed": 5820.0,
        "right": 5520.0,
        "interval": [pytest.approx(6000 * low, abs=0.01), pytest.approx(6000 * high, abs=0.01)],
        "measured": {"correct": 920, "n": 1000, "name": "hold-out"},
    }


def test_without_a_measurement_it_is_said() -> None:
    found = estimate(np.array([0.5, 0.75]))
    assert (found.right, found.interval) == (1.25, None)
    assert found.to_json() == {
        **{"count": 2, "summed": 1.25, "right": 1.25, "interval": None, "measured": None}
    }
    assert found.sentence() == (
        "Of 2 auto-labels about 1 would be right if the model's probabilities were right. That "
        "could not be measured: no item with a known class was chosen in the same way."
    )


def test_nothing_to_label_is_said() -> None:
    nothing = estimate(np.empty(0), None)
    assert nothing == Estimate(0, 0.0, None)
    assert "nothing is labelled" in nothing.sentence()


def test_what_is_right_is_measured() -> None:
    classes, truth = np.array([0, 1, 2, 1]), np.array([0, 1, 1, 1], dtype=np.uint8)
    assert measure(classes, truth, "t10k") == Accuracy(3, 4, "t10k")
    assert measure(classes[:0], truth[:0], "t10k") is None
    with pytest.raises(ValueError, match="4 classes and 3 true classes"):
        measure(classes, truth[:3], "t10k")
