"""Queries on plain arrays: every strategy, and what is refused."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from tuilabel.errors import UsageError
from tuilabel.learn.query import query
from tuilabel.plugins import GROUPS

FEATURES = np.random.default_rng(0).random((40, 5), dtype=np.float32)
PROBA = np.random.default_rng(1).dirichlet(np.ones(3), 40)


@pytest.mark.parametrize("strategy", sorted({*GROUPS["strategies"].built_in} - {"hunt"}))
def test_every_strategy_returns_rows_without_a_label_and_repeats_them(strategy: str) -> None:
    proba = np.stack([PROBA, PROBA[::-1]]) if strategy == "committee" else PROBA
    labelled = [0, 7, 39]
    found = query(FEATURES, proba, 6, strategy, labelled=labelled, rng=3)
    assert len({*found.tolist()}) == 6
    assert not {*found.tolist()} & {*labelled}
    again = query(FEATURES, proba, 6, strategy, labelled=labelled, rng=np.random.default_rng(3))
    np.testing.assert_array_equal(found, again)
    everything = query(FEATURES, proba, 99, strategy, labelled=labelled)
    assert sorted(everything.tolist()) == [*range(1, 7), *range(8, 39)]


def test_the_most_doubtful_rows_come_first_also_without_features() -> None:
    proba = [[0.9, 0.1], [0.5, 0.5], [0.7, 0.3]]
    assert query(None, proba, 2).tolist() == [1, 2]
    assert query(None, proba, 2, labelled=[1]).tolist() == [2, 0]
    assert query(None, np.ones((0, 2)), 2).tolist() == []


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ((FEATURES, PROBA[0], 2), "expected \\(rows, classes\\)"),
        ((FEATURES, PROBA, 2, "committee"), "expected \\(members, rows, classes\\)"),
        ((FEATURES, PROBA * 2, 2), "do not sum to 1"),
        ((FEATURES, PROBA * np.nan, 2), "40 of 40 rows"),
        ((FEATURES[:39], PROBA, 2), "expected 40 rows"),
        ((None, PROBA, 2, "badge"), "badge compares features"),
        ((FEATURES.astype(int), PROBA, 2), "expected uint8 or floating"),
        ((FEATURES * np.nan, PROBA, 2), "NaN"),
        ((FEATURES, PROBA, -1), "expected 0 or more"),
    ],
)
def test_other_arrays_are_refused(arguments: tuple[Any, ...], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        query(*arguments)


def test_labelled_rows_and_strategies_exist() -> None:
    with pytest.raises(ValueError, match="expected 0 to 39"):
        query(FEATURES, PROBA, 2, labelled=[40])
    with pytest.raises(UsageError, match="no strategy 'margn'"):
        query(FEATURES, PROBA, 2, "margn")
    with pytest.raises(UsageError, match="hunt needs labels"):
        query(FEATURES, PROBA, 2, "hunt")
