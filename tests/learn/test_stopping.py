"""Stopping: what the last fits have moved, and the one sentence that says so."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import cohen_kappa_score

from tuilabel.learn.stopping import (
    COMPARISONS,
    MUCH_MOVED,
    STOP_SET_SIZE,
    advice,
    kappa,
    moved,
    settled,
    stop_set,
)

REPOSITORY = Path(__file__).resolve().parent.parent.parent

pairs = st.integers(1, 60).flatmap(
    lambda n: st.tuples(
        *(st.lists(st.integers(0, 3), min_size=n, max_size=n).map(np.array) for _ in "ab")
    )
)


def rng(seed: int = 3) -> np.random.Generator:
    return np.random.default_rng(seed)


# The stop set.


@given(st.integers(0, 300), st.integers(0, 300))
def test_a_stop_set_is_distinct_rows_in_order(n: int, size: int) -> None:
    rows = stop_set(n, rng(), size)
    assert rows.dtype == np.intp
    assert rows.shape == (min(n, size),)
    assert (np.diff(rows) > 0).all()
    assert all(0 <= row < n for row in rows)


def test_a_stop_set_is_fixed_by_its_seed_and_drawn_from_everywhere() -> None:
    assert len(stop_set(60_000, rng())) == STOP_SET_SIZE
    assert stop_set(60_000, rng()).tolist() == stop_set(60_000, rng()).tolist()
    assert stop_set(60_000, rng(1)).tolist() != stop_set(60_000, rng(2)).tolist()
    quarters = np.bincount(stop_set(60_000, rng()) // 15_000)
    # Each is expected 500 times, give or take 19.
    assert (abs(quarters - 500) < 100).all()


@pytest.mark.parametrize(("n", "size"), [(-1, 5), (5, -1)])
def test_a_stop_set_of_less_than_nothing_is_refused(n: int, size: int) -> None:
    with pytest.raises(ValueError, match=f"{size} of {n} rows"):
        stop_set(n, rng(), size)


# What has moved.


def test_what_has_moved_is_counted() -> None:
    before, after = np.array([0, 1, 2, 2], dtype=np.uint8), np.array([0, 1, 2, 0])
    assert moved(before, after) == 0.25
    assert moved(before, before) == 0
    assert moved(before, before + 1) == 1


def test_the_agreement_of_a_worked_example() -> None:
    # Cohen 1960: agreed 0.7, by chance 0.5 * 0.6 + 0.5 * 0.4 = 0.5.
    before = np.repeat([0, 0, 1, 1], [4, 1, 2, 3])
    after = np.repeat([0, 1, 0, 1], [4, 1, 2, 3])
    assert kappa(before, after, 2) == pytest.approx((0.7 - 0.5) / 0.5)


@given(pairs)
def test_the_agreement_is_scikit_learns(pair: tuple[np.ndarray, np.ndarray]) -> None:
    before, after = pair
    found = kappa(before, after, 4)
    if len({*before.tolist(), *after.tolist()}) == 1:
        assert found is None
    else:
        assert found == pytest.approx(cohen_kappa_score(before, after), abs=1e-12)
        assert found == kappa(after, before, 4)
        assert (found == 1) == (moved(before, after) == 0)


def test_one_class_for_everything_says_nothing() -> None:
    same = np.zeros(10, dtype=np.intp)
    assert kappa(same, same, 3) is None
    assert kappa(same, same + 1, 3) == 0
    assert moved(same, same) == 0


@pytest.mark.parametrize(
    ("before", "after"), [([0, 1], [0]), ([], []), ([[0, 1]], [[0, 1]]), ([0], [[0]])]
)
def test_what_cannot_be_compared_is_refused(before: list[int], after: list[int]) -> None:
    arrays = np.array(before, dtype=np.intp), np.array(after, dtype=np.intp)
    with pytest.raises(ValueError, match="expected two lists of the same length"):
        moved(*arrays)
    with pytest.raises(ValueError, match="expected two lists of the same length"):
        kappa(*arrays, 2)


def test_a_prediction_that_is_no_class_is_refused() -> None:
    with pytest.raises(ValueError, match="Predictions after run from 0 to 2; expected 0 to 1"):
        kappa(np.array([0, 1]), np.array([0, 2]), 2)
    with pytest.raises(ValueError, match="Predictions before run from -1"):
        kappa(np.array([-1, 1]), np.array([0, 1]), 2)


# When to stop, and how it is said.


@pytest.mark.parametrize(
    ("agreements", "expected"),
    [
        ([], False),
        ([1.0] * (COMPARISONS - 1), False),
        ([0.991, 0.991, 0.991], True),
        ([0.989, 0.989, 0.989], False),
        ([0.98, 0.991, 1.0], True),
        ([0.1, 0.98, 0.991, 1.0], True),
        ([1.0, 1.0, 0.98, 0.98, 0.98], False),
        ([1.0, None, 1.0], False),
        ([None, 1.0, 1.0, 1.0], True),
    ],
)
def test_a_model_has_settled_when_three_agreements_are_high(
    agreements: list[float | None], expected: bool
) -> None:
    assert settled(agreements) is expected


@pytest.mark.parametrize(
    ("shares", "agreements", "sentence"),
    [
        (
            [0.5, 0.002, 0.006, 0.004],
            [0.1, 0.998, 0.994, 0.996],
            "The last 3 fits changed 0.4% of 2,000 predictions on average: more labels will "
            "change little.",
        ),
        (
            [0.3, 0.2, 0.12],
            [0.5, 0.7, 0.86],
            "The last fit changed 12% of 2,000 predictions: more labels still help a lot.",
        ),
        (
            [0.3, 0.2, MUCH_MOVED],
            [0.5, 0.7, 0.94],
            "The last fit changed 5.0% of 2,000 predictions: more labels still help a lot.",
        ),
        (
            [0.01, 0.02, 0.012],
            [0.989, 0.977, 0.986],
            "The last fit changed 1.2% of 2,000 predictions: more labels still help.",
        ),
    ],
)
def test_the_sentence(shares: list[float], agreements: list[float | None], sentence: str) -> None:
    assert advice(shares, agreements, 2000) == sentence


@pytest.mark.parametrize(
    ("shares", "agreements"),
    [([], []), ([0.5, 0.5], [0.5, 0.5]), ([0.0] * 3, [1.0, None, 1.0]), ([0.0] * 3, [None] * 3)],
)
def test_with_too_little_to_go_by_nothing_is_said(
    shares: list[float], agreements: list[float | None]
) -> None:
    assert advice(shares, agreements, 2000) is None


def test_shares_and_agreements_come_in_pairs() -> None:
    with pytest.raises(ValueError, match="2 shares and 1 agreements"):
        advice([0.1, 0.2], [0.9], 2000)


def test_a_sentence_costs_no_numpy() -> None:
    code = (
        "import sys; from tuilabel.learn.stopping import advice; advice([0.1] * 3, [0.9] * 3, 9);"
        "assert 'numpy' not in sys.modules"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=REPOSITORY, capture_output=True, check=False
    )
    assert done.returncode == 0, done.stderr
