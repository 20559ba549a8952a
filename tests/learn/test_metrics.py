"""Accuracy, its interval and the confusion matrix, against numbers from elsewhere."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tuilabel.learn.metrics import Accuracy, confusion_matrix, wilson_interval


@pytest.mark.parametrize(
    ("correct", "n", "low", "high"),
    [
        # Newcombe, "Two-sided confidence intervals for the single proportion", 1998, table I.
        (81, 263, 0.2553, 0.3662),
        (15, 148, 0.0624, 0.1605),
        (0, 20, 0.0, 0.1611),
        (1, 29, 0.0061, 0.1718),
    ],
)
def test_the_published_intervals(correct: int, n: int, low: float, high: float) -> None:
    assert wilson_interval(correct, n) == pytest.approx((low, high), abs=5e-5)


def test_of_no_items_nothing_is_known() -> None:
    assert wilson_interval(0, 0) == (0.0, 1.0)


def test_all_right_reaches_one_exactly() -> None:
    low, high = wilson_interval(50, 50)
    assert high == 1.0
    assert low < 1.0


@given(st.integers(1, 10_000).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))))
def test_the_interval_holds_the_share_and_mirrors(case: tuple[int, int]) -> None:
    correct, n = case
    low, high = wilson_interval(correct, n)
    assert 0 <= low <= correct / n <= high <= 1
    assert (1 - high, 1 - low) == pytest.approx(wilson_interval(n - correct, n), abs=1e-12)


def test_more_confidence_is_wider() -> None:
    low, high = wilson_interval(7, 10, confidence=0.99)
    assert low < wilson_interval(7, 10)[0]
    assert high > wilson_interval(7, 10)[1]


@pytest.mark.parametrize(("correct", "n"), [(3, 2), (-1, 2), (0, -1)])
def test_impossible_counts_are_refused(correct: int, n: int) -> None:
    with pytest.raises(ValueError, match="items are right; expected 0 to"):
        wilson_interval(correct, n)


@pytest.mark.parametrize("confidence", [0.0, 1.0, 95.0])
def test_an_impossible_confidence_is_refused(confidence: float) -> None:
    with pytest.raises(ValueError, match="expected a number between 0 and 1"):
        wilson_interval(1, 2, confidence)


def test_accuracy_comes_with_its_interval() -> None:
    accuracy = Accuracy(correct=81, n=263, name="hold-out")
    assert accuracy.value == 81 / 263
    assert (accuracy.low, accuracy.high) == wilson_interval(81, 263)


@pytest.mark.parametrize(("correct", "n"), [(0, 0), (5, 4), (-1, 4)])
def test_an_accuracy_of_nothing_is_refused(correct: int, n: int) -> None:
    with pytest.raises(ValueError, match="expected at least one item"):
        Accuracy(correct=correct, n=n, name="audit")


def test_confusion_rows_are_the_truth() -> None:
    truth = np.array([0, 0, 1, 2], dtype=np.int16)
    predicted = np.array([0, 1, 1, 1])
    matrix = confusion_matrix(truth, predicted, 4)
    assert matrix.tolist() == [[1, 1, 0, 0], [0, 1, 0, 0], [0, 1, 0, 0], [0, 0, 0, 0]]
    assert matrix.dtype == np.int64


def test_confusion_of_small_integers_does_not_overflow() -> None:
    truth = np.array([29], dtype=np.int8)
    assert confusion_matrix(truth, truth, 30)[29, 29] == 1


def test_confusion_of_nothing_is_all_zero() -> None:
    none = np.empty(0, dtype=int)
    assert confusion_matrix(none, none, 2).tolist() == [[0, 0], [0, 0]]


def test_confusion_refuses_other_lengths_and_classes() -> None:
    with pytest.raises(ValueError, match="the same length"):
        confusion_matrix(np.array([0]), np.array([0, 1]), 2)
    with pytest.raises(ValueError, match=r"True classes run from 0 to 2; expected 0 to 1"):
        confusion_matrix(np.array([0, 2]), np.array([0, 1]), 2)
    with pytest.raises(ValueError, match=r"Predicted classes run from -1"):
        confusion_matrix(np.array([0, 1]), np.array([-1, 1]), 2)
