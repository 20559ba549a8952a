"""Recall by class and balanced accuracy."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tuilabel.learn.metrics import (
    Rate,
    balanced_accuracy,
    merged_confusion,
    recall_by_class,
    wilson_interval,
)


def test_recall_is_the_share_of_each_row_and_none_where_there_is_no_item() -> None:
    assert recall_by_class([[8, 2, 0], [1, 3, 0], [0, 0, 0]]) == [Rate(8, 10), Rate(3, 4), None]


def test_a_rare_class_counts_as_much_as_any_other() -> None:
    found = balanced_accuracy([Rate(990, 1000), Rate(1, 4)])
    assert found.value == pytest.approx((0.99 + 0.25) / 2)
    low, high = wilson_interval(1, 4)
    # Nearly all of the doubt is about the rare one.
    assert found.low == pytest.approx(found.value - (0.25 - low) / 2, abs=1e-3)
    assert found.high == pytest.approx(found.value + (high - 0.25) / 2, abs=1e-3)


def test_of_no_class_there_is_no_balanced_accuracy() -> None:
    with pytest.raises(ValueError, match="No class has items"):
        balanced_accuracy([])


def test_merged_classes_are_one_row_and_one_column() -> None:
    assert merged_confusion([[5, 1, 0], [2, 3, 0], [0, 1, 4]], [0, 0, 1], 2) == [[11, 0], [1, 4]]


RATES = st.integers(1, 10_000).flatmap(lambda n: st.builds(Rate, st.integers(0, n), st.just(n)))


@given(st.lists(RATES, min_size=1, max_size=30))
def test_the_interval_holds_the_value_and_stays_within_a_share(rates: list[Rate]) -> None:
    found = balanced_accuracy(rates)
    assert 0 <= found.low <= found.value <= found.high <= 1
    assert found.low < found.high
    if len(rates) == 1:
        assert found[1:] == pytest.approx(wilson_interval(rates[0].correct, rates[0].n))
