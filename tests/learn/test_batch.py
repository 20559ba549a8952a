"""Picking a batch: the best first, and a fair choice among equals."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from tuilabel.learn.batch import pick_batch


def rng(seed: int = 3) -> np.random.Generator:
    return np.random.default_rng(seed)


def test_best_first() -> None:
    assert pick_batch(np.array([0.1, 0.9, 0.5, 0.7]), 3, rng()).tolist() == [1, 3, 2]


@given(
    utilities=hnp.arrays(
        np.float32, st.integers(0, 40), elements=st.sampled_from([-1.0, 0.0, 0.5, 1.0, np.inf])
    ),
    size=st.integers(0, 50),
)
def test_against_a_full_sort(utilities: np.ndarray, size: int) -> None:
    picked = pick_batch(utilities, size, rng())
    assert picked.dtype == np.intp
    assert picked.shape == (min(size, len(utilities)),)
    assert len(set(picked.tolist())) == len(picked)
    np.testing.assert_array_equal(utilities[picked], np.sort(utilities)[::-1][:size])


def test_same_seed_same_batch_and_another_seed_another() -> None:
    equal = np.zeros(1000)
    assert pick_batch(equal, 10, rng()).tolist() == pick_batch(equal, 10, rng()).tolist()
    assert pick_batch(equal, 10, rng(1)).tolist() != pick_batch(equal, 10, rng(2)).tolist()


def test_ties_at_the_edge_are_chosen_fairly() -> None:
    utilities = np.array([1.0, 0.5, 0.5, 0.5, 0.5, 0.0])
    generator = rng()
    counts = np.zeros(6, dtype=int)
    for _ in range(2000):
        picked = pick_batch(utilities, 3, generator)
        assert picked[0] == 0
        counts[picked] += 1
    assert counts[0] == 2000
    assert counts[5] == 0
    # Each of four equals is expected 1,000 times, give or take 22.
    assert (abs(counts[1:5] - 1000) < 110).all()


def test_the_order_among_equals_is_fair() -> None:
    generator = rng()
    firsts = [pick_batch(np.zeros(4), 4, generator)[0] for _ in range(2000)]
    assert (abs(np.bincount(firsts, minlength=4) - 500) < 100).all()


def test_an_empty_pool_gives_an_empty_batch() -> None:
    assert pick_batch(np.empty(0), 10, rng()).tolist() == []


def test_nan_is_refused() -> None:
    with pytest.raises(ValueError, match="2 utilities are NaN"):
        pick_batch(np.array([0.1, np.nan, np.nan]), 1, rng())


def test_a_negative_size_is_refused() -> None:
    with pytest.raises(ValueError, match="batch size is -1"):
        pick_batch(np.array([0.1]), -1, rng())


def test_a_table_is_refused() -> None:
    with pytest.raises(ValueError, match=r"\(2, 2\)"):
        pick_batch(np.zeros((2, 2)), 1, rng())
