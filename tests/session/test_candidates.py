"""Who may be asked next."""

from __future__ import annotations

from itertools import islice

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from tuilabel.session.candidates import Candidates


def keys(count: int) -> np.ndarray:
    """Return keys like hashes: arbitrary numbers, no two equal."""
    return np.random.default_rng(7).integers(2**64, size=count, dtype=np.uint64)


def test_ranked_rows_come_first_and_everything_comes_once() -> None:
    candidates = Candidates(keys(20), 0.0, seed=1)
    order = list(candidates.queries([7, 3, 11], answered={3}, taken={11}))
    assert order[0] == 7
    assert sorted(order) == [row for row in range(20) if row not in (3, 11)]


def test_the_reserve_is_a_share_that_is_never_queried() -> None:
    candidates = Candidates(keys(50), 0.2, seed=1)
    reserve = set(np.flatnonzero(candidates.reserved).tolist())
    assert 4 <= len(reserve) <= 18
    assert set(candidates.audits(set())) == reserve
    assert set(candidates.queries(range(50), set())) == set(range(50)) - reserve


def test_rows_that_join_or_leave_change_nothing_for_the_others() -> None:
    every = keys(1000)
    before = Candidates(every[:900], 0.1, seed=3)
    after = Candidates(every[50:], 0.1, seed=3)
    assert np.array_equal(before.reserved[50:], after.reserved[:850])
    first = [row for row in before.queries([], set()) if row >= 50]
    second = [row + 50 for row in after.queries([], set()) if row < 850]
    assert first == second


def test_a_small_pool_has_at_least_one_row_in_reserve() -> None:
    for seed in range(20):
        assert Candidates(keys(3), 0.01, seed).reserved.sum() == 1


def test_no_reserve_means_no_audit_places() -> None:
    candidates = Candidates(keys(50), 0.0, seed=1)
    assert candidates.audit_places(10, 1) == frozenset()
    assert list(candidates.audits(set())) == []


def test_one_place_in_ten_is_for_the_audit_on_average() -> None:
    candidates = Candidates(keys(1000), 0.1, seed=1)
    for size, expected in ((10, 1000), (1, 100), (25, 2500)):
        counts = [len(candidates.audit_places(size, batch)) for batch in range(1000)]
        assert abs(sum(counts) - expected) < 0.15 * expected
        assert max(counts) - min(counts) <= 1


def test_the_reserve_is_uniform_over_the_pool() -> None:
    drawn = sum(Candidates(keys(10), 0.3, seed=seed).reserved.astype(int) for seed in range(2000))
    assert np.all(np.abs(drawn / 2000 - 0.3) < 0.04)


def test_the_same_seed_gives_the_same_order_and_another_does_not() -> None:
    def order(seed: int) -> list[int]:
        return list(islice(Candidates(keys(100), 0.1, seed).queries([], set()), 10))

    assert order(5) == order(5)
    assert order(5) != order(6)


@given(
    count=st.integers(0, 30),
    audit=st.floats(0, 0.5),
    seed=st.integers(0, 3),
    answered=st.sets(st.integers(0, 29)),
)
def test_queries_and_audits_share_the_unanswered_rows_out(
    count: int, audit: float, seed: int, answered: set[int]
) -> None:
    candidates = Candidates(keys(count), audit, seed)
    rows = list(candidates.queries([], answered)) + list(candidates.audits(answered))
    assert sorted(rows) == [row for row in range(count) if row not in answered]


def test_an_answer_taken_back_makes_the_row_a_candidate_again() -> None:
    candidates = Candidates(keys(10), 0.0, seed=2)
    first = next(candidates.queries([], set()))
    assert first not in candidates.queries([], {first})
    candidates.forget_progress()
    assert next(candidates.queries([], set())) == first
