"""Who may be asked next."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from itertools import islice

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tuilabel.session.candidates import Candidates


def paths(count: int) -> list[tuple[str, ...]]:
    return [(f"photos/{row}.png",) for row in range(count)]


def make(count: int, audit: float, seed: int) -> Candidates:
    return Candidates(paths(count), audit, seed)


def free(count: int, taken: Collection[int] = ()) -> np.ndarray:
    """Return which rows may be asked: all but some."""
    return np.array([row not in taken for row in range(count)], dtype=bool)


def test_ranked_rows_come_first_and_everything_comes_once() -> None:
    order = list(make(20, 0.0, seed=1).queries([7, 3, 11], free(20, {3, 11})))
    assert order[0] == 7
    assert sorted(order) == [row for row in range(20) if row not in (3, 11)]


def test_the_reserve_is_a_share_that_is_never_queried() -> None:
    candidates = make(50, 0.2, seed=1)
    reserve = set(np.flatnonzero(candidates.reserved).tolist())
    assert 4 <= len(reserve) <= 18
    assert set(candidates.audits(free(50))) == reserve
    assert set(candidates.queries(range(50), free(50))) == set(range(50)) - reserve


def test_rows_that_join_or_leave_change_nothing_for_the_others() -> None:
    names = paths(1000)
    before = Candidates(names[:900], 0.1, seed=3)
    after = Candidates(names[50:], 0.1, seed=3)
    assert np.array_equal(before.reserved[50:], after.reserved[:850])
    first = [row for row in before.queries([], free(900)) if row >= 50]
    second = [row + 50 for row in after.queries([], free(950)) if row < 850]
    assert first == second


@given(st.integers(1, 40), st.integers(1, 40), st.integers(0, 5))
def test_rows_that_are_added_have_the_places_that_they_would_have_had(
    first: int, second: int, seed: int
) -> None:
    names = paths(first + second)
    grown, whole = make(first, 0.3, seed), Candidates(names, 0.3, seed)
    list(grown.queries([], free(first)))
    grown.grow(names[first:])
    assert np.array_equal(grown.reserved, whole.reserved)
    for each in ("queries", "audits"):
        how = ([],) if each == "queries" else ()
        there = [getattr(one, each)(*how, free(first + second)) for one in (grown, whole)]
        assert list(there[0]) == list(there[1])


def test_a_file_that_was_written_again_was_drawn_once() -> None:
    candidates = make(3, 0.3, seed=0)
    candidates.grow([("photos/0.png",), ("photos/other.png",)])
    candidates.join(3, 0)
    assert candidates.draw(0) == candidates.draw(3) == 0.3
    candidates.join(4, 0)
    assert candidates.draw(3) == round(1 - 0.7**2, 12)


def test_an_item_is_reserved_if_any_of_its_paths_is() -> None:
    names = paths(900)
    alone = Candidates(names, 0.1, seed=3)
    triples = [names[row][0:1] + names[row + 1] + names[row + 2] for row in range(0, 900, 3)]
    found = Candidates(triples, 0.1, seed=3)
    assert np.array_equal(found.reserved, alone.reserved.reshape(300, 3).any(axis=1))


@pytest.mark.parametrize("count", [1, 2, 5])
def test_the_draw_probability_is_how_often_an_item_is_drawn(count: int) -> None:
    names = [tuple(f"{n}.png" for n in range(count)), ("other.png",)]
    every = [Candidates(names, 0.2, seed) for seed in range(3000)]
    expected = every[0].draw(0)
    assert expected == pytest.approx(1 - 0.8**count)
    assert every[0].draw(1) == 0.2
    drawn = np.mean([found.reserved[0] for found in every])
    assert abs(drawn - expected) < 5 * np.sqrt(expected * (1 - expected) / 3000)


def test_a_name_that_is_no_text_is_drawn_like_any_other() -> None:
    names: list[Sequence[str]] = [(f"{n}-\udcff.png",) for n in range(400)]
    assert 15 <= Candidates(names, 0.1, 1).reserved.sum() <= 70


def test_no_reserve_means_no_audit_places() -> None:
    candidates = make(50, 0.0, seed=1)
    assert candidates.audit_places(10, 1) == frozenset()
    assert list(candidates.audits(free(50))) == []


def test_one_place_in_ten_is_for_the_audit_on_average() -> None:
    candidates = make(1000, 0.1, seed=1)
    for size, expected in ((10, 1000), (1, 100), (25, 2500)):
        counts = [len(candidates.audit_places(size, batch)) for batch in range(1000)]
        assert abs(sum(counts) - expected) < 0.15 * expected
        assert max(counts) - min(counts) <= 1


def test_the_reserve_is_uniform_over_the_pool() -> None:
    drawn = sum(make(10, 0.3, seed).reserved.astype(int) for seed in range(2000))
    assert np.all(np.abs(drawn / 2000 - 0.3) < 0.05)


def test_the_same_seed_gives_the_same_order_and_another_does_not() -> None:
    def order(seed: int) -> list[int]:
        return list(islice(make(100, 0.1, seed).queries([], free(100)), 10))

    assert order(5) == order(5)
    assert order(5) != order(6)


@given(
    count=st.integers(0, 30),
    audit=st.floats(0, 0.5),
    seed=st.integers(0, 3),
    answered=st.sets(st.integers(0, 29)),
    ranked=st.lists(st.integers(0, 29), unique=True),
    start=st.integers(0, 29),
)
def test_queries_and_audits_share_the_free_rows_out(
    count: int, audit: float, seed: int, answered: set[int], ranked: list[int], start: int
) -> None:
    candidates, left = make(count, audit, seed), free(count, answered)
    queries = list(candidates.queries([row for row in ranked if row < count], left, start))
    rows = queries + list(candidates.audits(left, start))
    assert sorted(rows) == [row for row in range(count) if row not in answered]
    assert np.array_equal(left, free(count, answered)), "it is not changed"


def test_the_order_is_that_of_the_documentation_for_ever() -> None:
    candidates = Candidates(paths(12), 0.3, seed=5)
    assert list(candidates.queries([], free(12))) == [11, 9, 4, 1, 5, 6, 2, 7, 10]
    assert np.flatnonzero(candidates.reserved).tolist() == [0, 3, 8]


def test_an_item_without_a_path_is_known_by_its_row() -> None:
    candidates = Candidates([()] * 50, 0.2, seed=1)
    assert len(set(candidates.keys.tolist())) == 50
