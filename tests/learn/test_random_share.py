"""A random share of each batch: how much, where, and drawn from whom."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tuilabel.learn.batch_strategies import with_random_share


def with_share(*args: Any) -> np.ndarray:
    """Return the positions alone."""
    return with_random_share(*args)[0]


def rng(seed: int = 7) -> np.random.Generator:
    return np.random.default_rng(seed)


Orders = tuple[np.ndarray, int, int]


@st.composite
def orders(draw: st.DrawFn) -> Orders:
    """Return distinct positions, the number of candidates and the size of a batch."""
    count = draw(st.integers(0, 40))
    length = draw(st.integers(0, count))
    order = np.array(draw(st.permutations(range(count)))[:length], dtype=np.intp)
    return order, count, draw(st.integers(1, 15))


@given(case=orders(), epsilon=st.floats(0, 1), seed=st.integers(0, 99))
def test_a_random_share_repeats_nothing_and_keeps_the_length(
    case: Orders, epsilon: float, seed: int
) -> None:
    order, count, size = case
    before = order.copy()
    mixed, again = (with_share(order, count, size, epsilon, rng(seed)) for _ in range(2))
    np.testing.assert_array_equal(order, before)
    np.testing.assert_array_equal(mixed, again)
    assert mixed.dtype == np.intp
    assert mixed.shape == order.shape
    assert len(set(mixed.tolist())) == len(mixed)
    assert all(0 <= position < count for position in mixed)


@given(case=orders())
def test_no_share_is_the_order_and_draws_nothing(case: Orders) -> None:
    order, count, size = case
    generator = rng()
    mixed = with_share(order, count, size, 0, generator)
    np.testing.assert_array_equal(mixed, order)
    assert generator.random() == rng().random()
    assert not np.shares_memory(mixed, order)


@given(case=orders(), epsilon=st.floats(0, 1), seed=st.integers(0, 99))
def test_what_is_not_drawn_keeps_its_order(case: Orders, epsilon: float, seed: int) -> None:
    order, count, size = case
    mixed = with_share(order, count, size, epsilon, rng(seed)).tolist()
    rank = {int(position): place for place, position in enumerate(order)}
    taken: set[int] = set()
    for start in range(0, len(mixed), size):
        batch = mixed[start : start + size]
        waiting = [position for position in order.tolist() if position not in taken]
        draws = int(np.ceil(epsilon * len(batch)))
        # At least so many of a batch are the first of the order that are left, in order.
        kept = waiting[: len(batch) - draws]
        assert set(kept) <= set(batch)
        places = [rank[position] for position in batch if position in set(kept)]
        assert places == sorted(places)
        taken.update(batch)


def counted(draw: Callable[[np.random.Generator], np.ndarray], bins: int, runs: int) -> np.ndarray:
    generator = rng()
    return sum(np.bincount(draw(generator), minlength=bins) for _ in range(runs))


def test_a_full_share_is_a_uniform_sample() -> None:
    order = np.arange(4)
    seen = counted(lambda generator: with_share(order, 8, 2, 1, generator), 8, 2000)
    # Each of eight items is expected 1,000 times, give or take 22.
    assert (abs(seen - 1000) < 110).all()


@pytest.mark.parametrize(("epsilon", "expected"), [(0.3, {3}), (0.25, {2, 3}), (0.02, {0, 1})])
def test_the_number_of_draws_is_the_share_of_a_batch_rounded_by_chance(
    epsilon: float, expected: set[int]
) -> None:
    generator, drawn, per_place = rng(), [], np.zeros(10)
    for _ in range(1000):
        # Of so many candidates, a draw hits one of the ten picks once in ten thousand times.
        strange = with_share(np.arange(10), 100_000, 10, epsilon, generator) >= 10
        drawn.append(int(strange.sum()))
        per_place += strange
    assert set(drawn) == expected
    assert abs(np.mean(drawn) - 10 * epsilon) < 0.05
    # No place of the batch is left out: each is expected 1,000 epsilon times.
    assert (abs(per_place - 1000 * epsilon) <= 5 * np.sqrt(1000 * epsilon)).all()


def test_picks_that_find_no_place_lead_the_next_batch() -> None:
    order = np.arange(40)
    mixed = with_share(order, 100_000, 10, 0.5, rng())
    batches = mixed.reshape(4, 10)
    for number, batch in enumerate(batches):
        kept = batch[batch < 40].tolist()
        assert kept == list(range(5 * number, 5 * number + 5))


@given(case=orders(), epsilon=st.floats(0, 1), seed=st.integers(0, 99))
def test_a_draw_has_the_share_of_its_batch_as_probability_and_a_pick_has_none(
    case: Orders, epsilon: float, seed: int
) -> None:
    order, count, size = case
    mixed, chances = with_random_share(order, count, size, epsilon, rng(seed))
    left = count
    for start in range(0, len(mixed), size):
        batch = chances[start : start + size]
        drawn = batch[~np.isnan(batch)]
        picks = len(batch) - len(drawn)
        assert np.allclose(drawn, len(drawn) / (left - picks) if len(drawn) else 0)
        left -= len(batch)


def test_the_probability_of_a_draw_is_how_often_it_is_drawn() -> None:
    generator, drawn = rng(), np.zeros(12)
    for _ in range(4000):
        mixed, chances = with_random_share(np.arange(2), 12, 2, 0.5, generator)
        is_draw = ~np.isnan(chances)
        assert np.allclose(chances[is_draw], 1 / 11), "one draw from all but one pick"
        drawn[mixed[is_draw]] += 1
    # The second pick and each of the others: 4,000 draws among 11.
    assert (abs(drawn[1:] - 4000 / 11) < 5 * np.sqrt(4000 / 11)).all()


def test_bad_shares_are_refused() -> None:
    order = np.arange(3)
    for epsilon in (-0.1, 1.1, np.nan):
        with pytest.raises(ValueError, match=r"expected a number from 0 to 1"):
            with_share(order, 5, 2, epsilon, rng())
    with pytest.raises(ValueError, match="batch size is 0"):
        with_share(order, 5, 0, 0.1, rng())
    with pytest.raises(ValueError, match="expected 0 to 1"):
        with_share(order, 2, 2, 0.1, rng())
    with pytest.raises(ValueError, match="1 of 2 positions are repeated"):
        with_share(np.array([1, 1]), 5, 2, 0.1, rng())
    assert with_share(np.arange(0), 0, 0, 0.5, rng()).tolist() == []
