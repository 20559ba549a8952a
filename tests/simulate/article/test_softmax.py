"""The model by itself: Adam by hand, the gradient, and when a fit stops."""

from __future__ import annotations

from typing import Any, cast

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tuilabel.simulate.article.softmax import Adam, Softmax, noise, pixel_rows, train


def rows(n: int, d: int = 5, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).random((n, d), dtype=np.float32)


def test_bytes_become_shares_rounded_once() -> None:
    found = pixel_rows(np.arange(256, dtype=np.uint8).reshape(2, 8, 16))
    assert found.shape == (2, 128)
    assert found.dtype == np.float32
    assert found.ravel().tolist() == [np.float32(k / 255) for k in range(256)]


def test_adam_against_values_worked_out_by_hand() -> None:
    weights = np.zeros(1, np.float32)
    adam = Adam((1,), 0.1)
    adam.step(weights, np.array([2], np.float32))
    # m = 0.2, v = 0.004, size = 0.1 * sqrt(0.001) / 0.1: 0.0316228 * 0.2 / 0.0632456
    assert weights[0] == pytest.approx(-0.1, abs=1e-6)
    adam.step(weights, np.array([-1], np.float32))
    # m = 0.08, v = 0.004996, size = 0.1 * sqrt(0.001999) / 0.19: 0.0235317 * 0.08 / 0.0706824
    assert weights[0] == pytest.approx(-0.1 - 0.0266337, abs=1e-6)


def test_adam_has_epsilon_beside_the_uncorrected_moment() -> None:
    weights = np.zeros(2, np.float32)
    Adam((2,), 0.1).step(weights, np.array([1e-9, 0], np.float32))
    # 0.0316228 * 1e-10 / (3.16e-11 + 1e-8); corrected moments would give 0.1 * 1e-9 / 1.1e-8.
    assert weights[0] == pytest.approx(-3.1523e-4, rel=1e-3)
    assert weights[1] == 0


def test_a_copy_goes_its_own_way_from_the_same_state() -> None:
    x, y = rows(6), np.array([0, 1, 2, 0, 1, 2])
    model = Softmax(5, 3, 0.1)
    model.step(x, y)
    twin = model.copy()
    before = model.weights.copy()
    twin.step(x, y)
    np.testing.assert_array_equal(model.weights, before)
    model.step(x, y)
    np.testing.assert_array_equal(model.weights, twin.weights)


def test_the_gradient_is_that_of_the_mean_cross_entropy() -> None:
    x, y = rows(7), np.array([0, 1, 2, 2, 1, 0, 1])
    start = noise(np.random.default_rng(3), (6, 3), 0.5)

    def loss(weights: np.ndarray) -> float:
        scores = x.astype(float) @ weights[:-1] + weights[-1]
        likely = np.log(np.exp(scores).sum(axis=1)) - scores[np.arange(7), y]
        return float(likely.mean())

    model = Softmax(5, 3, 0.1, start)
    model.step(x, y)
    # After one step the first moment is a tenth of the gradient.
    gradient = model.adam.first * 10
    for place in np.ndindex(start.shape):
        nudge = np.zeros(start.shape)
        nudge[place] = 1e-5
        slope = (loss(start + nudge) - loss(start - nudge)) / 2e-5
        assert gradient[place] == pytest.approx(slope, abs=1e-5)


def test_probabilities_of_huge_scores_stay_finite() -> None:
    model = Softmax(1, 3, 0.1, np.array([[1e4, -1e4, 0], [0, 0, 0]], np.float32))
    found = model.probabilities(np.array([[1], [0]], np.float32))
    np.testing.assert_allclose(found, [[1, 0, 0], [1 / 3, 1 / 3, 1 / 3]], atol=1e-6)


def test_of_equal_classes_the_first_counts() -> None:
    model = Softmax(5, 3, 0.1)
    assert model.count_right(rows(4), np.array([0, 1, 2, 0])) == 2


class Scripted:
    """Stands in for a model: its weights are the number of steps, its counts are given."""

    def __init__(self, counts: list[int]) -> None:
        self.counts = counts
        self.weights = np.zeros(1)
        self.taken = 0

    def step(self, rows: Any, classes: Any) -> None:
        self.taken += 1
        self.weights = self.weights + 1

    def count_right(self, rows: Any, classes: Any) -> int:
        return self.counts[int(self.weights[0])]


@pytest.mark.parametrize(
    ("counts", "patience", "steps", "kept", "most"),
    [
        ([3, 3, 3, 3, 9], 3, 3, 0, 3),  # nothing better within patience: the start is kept
        ([3, 3, 4, 4, 4, 4, 9], 3, 5, 2, 4),  # an equal count neither resets nor replaces
        ([0, 1, 2, 3, 2, 9], 1, 4, 3, 3),
        ([5, 4, 6, 1, 1, 1, 1], 2, 4, 2, 6),
    ],
)
def test_patience(counts: list[int], patience: int, steps: int, kept: int, most: int) -> None:
    model = Scripted(counts + [0] * 10)
    nothing = cast(Any, None)
    assert train(cast(Any, model), nothing, nothing, nothing, nothing, patience) == most
    assert model.taken == steps
    assert model.weights[0] == kept


@given(counts=st.lists(st.integers(0, 6), min_size=1, max_size=40), patience=st.integers(1, 5))
def test_what_is_kept_is_the_first_best_before_patience_ran_out(
    counts: list[int], patience: int
) -> None:
    model = Scripted(counts + [-1] * patience)
    nothing = cast(Any, None)
    most = train(cast(Any, model), nothing, nothing, nothing, nothing, patience)
    kept = int(model.weights[0])
    assert counts[kept] == most
    assert all(count < most for count in counts[:kept])
    assert all(count <= most for count in counts[kept : kept + patience + 1])


def test_moments_go_on_where_weights_are_taken_back() -> None:
    x, y = rows(6), np.array([0, 1, 2, 0, 1, 2])
    model = Softmax(5, 3, 0.1)
    # Judged on an image of no class there is, nothing is ever better.
    train(model, x, y, x[:1], np.array([7]), 4)
    assert not model.weights.any()
    assert model.adam.first.any()
    fresh = Softmax(5, 3, 0.1)
    for _ in range(4):
        fresh.step(x, y)
    np.testing.assert_array_equal(model.adam.first, fresh.adam.first)


def test_noise_is_small_and_the_generators() -> None:
    one, again = (noise(np.random.default_rng(5), (300, 10), 1e-6) for _ in range(2))
    np.testing.assert_array_equal(one, again)
    assert one.dtype == np.float32
    assert one.std() == pytest.approx(1e-6, rel=0.1)
