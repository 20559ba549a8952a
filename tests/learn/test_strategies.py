"""What every strategy promises, and the numbers of each."""

from __future__ import annotations

import itertools
import math
from functools import partial

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from tuilabel.errors import UsageError
from tuilabel.learn.batch import pick_batch
from tuilabel.learn.strategies import bootstrap_rows, committee
from tuilabel.plugins import GROUPS, load

get_strategy = partial(load, "strategies")

STRATEGIES = [
    name
    for name, function in GROUPS["strategies"].built_in.items()
    if function.startswith("tuilabel.learn.strategies:") and name != "committee"
]
PURE = [name for name in STRATEGIES if name != "random"]

every_strategy = pytest.mark.parametrize("name", STRATEGIES)
every_pure_strategy = pytest.mark.parametrize("name", PURE)

ROWS = np.array([[0.5, 0.25, 0.25], [1.0, 0.0, 0.0], [0.4, 0.4, 0.2]])


def rng() -> np.random.Generator:
    return np.random.default_rng(7)


@st.composite
def distributions(draw: st.DrawFn) -> np.ndarray:
    """Rows that sum to 1, some of them with exact zeros, in float32 or float64."""
    shape = draw(st.tuples(st.integers(0, 12), st.integers(1, 6)))
    weights = draw(hnp.arrays(np.int64, shape, elements=st.integers(0, 5)))
    weights[:, 0] += weights.sum(axis=1) == 0
    dtype = draw(st.sampled_from([np.float32, np.float64]))
    return (weights / weights.sum(axis=1, keepdims=True)).astype(dtype)


@every_strategy
@given(probabilities=distributions())
def test_one_finite_utility_per_item(name: str, probabilities: np.ndarray) -> None:
    before = probabilities.copy()
    utilities = get_strategy(name)(probabilities, rng())
    assert utilities.shape == (len(probabilities),)
    assert np.issubdtype(utilities.dtype, np.floating)
    assert np.isfinite(utilities).all()
    np.testing.assert_array_equal(probabilities, before)


@every_strategy
@given(probabilities=distributions())
def test_same_seed_same_answer(name: str, probabilities: np.ndarray) -> None:
    strategy = get_strategy(name)
    np.testing.assert_array_equal(strategy(probabilities, rng()), strategy(probabilities, rng()))


@every_pure_strategy
@given(probabilities=distributions(), data=st.data())
def test_an_item_is_worth_the_same_at_any_place(
    name: str, probabilities: np.ndarray, data: st.DataObject
) -> None:
    order = data.draw(st.permutations(range(len(probabilities))).map(list))
    order = np.array(order, dtype=np.intp)
    strategy = get_strategy(name)
    np.testing.assert_array_equal(
        strategy(probabilities[order], rng()), strategy(probabilities, rng())[order]
    )


@given(probabilities=distributions(), data=st.data())
def test_random_sees_places_only(probabilities: np.ndarray, data: st.DataObject) -> None:
    order = data.draw(st.permutations(range(len(probabilities))).map(list))
    order = np.array(order, dtype=np.intp)
    np.testing.assert_array_equal(
        get_strategy("random")(probabilities[order], rng()),
        get_strategy("random")(probabilities, rng()),
    )


@every_pure_strategy
@given(probabilities=distributions())
def test_the_generator_is_left_alone(name: str, probabilities: np.ndarray) -> None:
    generator = rng()
    get_strategy(name)(probabilities, generator)
    assert generator.random() == rng().random()


@every_strategy
@given(probabilities=distributions(), cut=st.integers(0, 12))
def test_chunks_give_what_the_whole_gives(name: str, probabilities: np.ndarray, cut: int) -> None:
    strategy, generator = get_strategy(name), rng()
    parts = [strategy(probabilities[:cut], generator), strategy(probabilities[cut:], generator)]
    np.testing.assert_array_equal(np.concatenate(parts), strategy(probabilities, rng()))


@every_pure_strategy
def test_equal_rows_tie(name: str) -> None:
    utilities = get_strategy(name)(np.tile(ROWS[0], (5, 1)), rng())
    assert len(set(utilities.tolist())) == 1


@every_pure_strategy
def test_certain_is_least_and_uniform_is_most(name: str) -> None:
    rows = np.array([[0.6, 0.3, 0.1], [0.0, 1.0, 0.0], [1 / 3, 1 / 3, 1 / 3]])
    utilities = get_strategy(name)(rows, rng())
    assert utilities.argmax() == 2
    assert utilities.argmin() == 1
    assert utilities[1] == 0
    assert not np.signbit(utilities[1])


@every_pure_strategy
def test_with_one_class_nothing_is_worth_asking(name: str) -> None:
    utilities = get_strategy(name)(np.ones((4, 1), dtype=np.float32), rng())
    np.testing.assert_array_equal(utilities, np.zeros(4))


@every_strategy
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_an_empty_pool_has_no_utilities(name: str, dtype: type) -> None:
    assert get_strategy(name)(np.empty((0, 10), dtype=dtype), rng()).shape == (0,)


@every_strategy
def test_a_batch_larger_than_the_pool_is_the_pool(name: str) -> None:
    utilities = get_strategy(name)(ROWS, rng())
    assert sorted(pick_batch(utilities, 10, rng())) == [0, 1, 2]


@every_pure_strategy
def test_bytes_are_probabilities_too(name: str) -> None:
    certain = np.eye(3, dtype=np.uint8)
    utilities = get_strategy(name)(certain, rng())
    assert np.issubdtype(utilities.dtype, np.floating)
    np.testing.assert_array_equal(utilities, np.zeros(3))


@every_pure_strategy
def test_float32_stays_float32(name: str) -> None:
    assert get_strategy(name)(ROWS.astype(np.float32), rng()).dtype == np.float32


@every_strategy
@pytest.mark.parametrize("shape", [(3,), (3, 0), (0, 0), (2, 3, 4)])
def test_a_wrong_shape_is_refused(name: str, shape: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match="not \\(items, classes\\)"):
        get_strategy(name)(np.ones(shape), rng())


def test_least_confident_by_hand() -> None:
    np.testing.assert_allclose(get_strategy("least-confident")(ROWS, rng()), [0.5, 0.0, 0.6])


def test_margin_by_hand() -> None:
    np.testing.assert_allclose(get_strategy("margin")(ROWS, rng()), [0.75, 0.0, 1.0])


def test_entropy_by_hand() -> None:
    expected = [1.5 * math.log(2), 0.0, -0.8 * math.log(0.4) - 0.2 * math.log(0.2)]
    np.testing.assert_allclose(get_strategy("entropy")(ROWS, rng()), expected)


def test_random_is_uniform() -> None:
    utilities = get_strategy("random")(np.ones((10_000, 2)) / 2, rng())
    counts = np.histogram(utilities, bins=10, range=(0, 1))[0]
    assert counts.sum() == 10_000
    # 9 degrees of freedom: a true uniform exceeds 27.9 once in a thousand seeds.
    assert ((counts - 1000) ** 2 / 1000).sum() < 27.9


def test_an_unknown_name_lists_the_known_ones() -> None:
    with pytest.raises(UsageError, match=r"'bald'.*least-confident, margin, entropy, random"):
        get_strategy("bald")


@st.composite
def committees(draw: st.DrawFn) -> np.ndarray:
    """Rows that sum to 1 of several members, some of them with exact zeros."""
    shape = draw(st.tuples(st.integers(1, 4), st.integers(0, 8), st.integers(1, 5)))
    weights = draw(hnp.arrays(np.int64, shape, elements=st.integers(0, 5)))
    weights[..., 0] += weights.sum(axis=2) == 0
    dtype = draw(st.sampled_from([np.float32, np.float64]))
    return (weights / weights.sum(axis=2, keepdims=True)).astype(dtype)


@given(members=committees())
def test_a_committee_is_apart_by_a_bounded_number_for_each_item(members: np.ndarray) -> None:
    before, generator = members.copy(), rng()
    utilities = committee(members, generator)
    assert utilities.shape == (members.shape[1],)
    assert utilities.dtype == np.float32
    assert (utilities >= 0).all()
    assert (utilities <= math.log(min(members.shape[0], members.shape[2])) + 1e-6).all()
    assert generator.random() == rng().random()
    np.testing.assert_array_equal(members, before)


@given(members=committees(), cut=st.integers(0, 8), data=st.data())
def test_a_committee_in_chunks_and_in_any_order(
    members: np.ndarray, cut: int, data: st.DataObject
) -> None:
    whole = committee(members, rng())
    parts = [committee(members[:, :cut], rng()), committee(members[:, cut:], rng())]
    np.testing.assert_array_equal(np.concatenate(parts), whole)
    order = np.array(data.draw(st.permutations(range(len(members)))), dtype=np.intp)
    np.testing.assert_array_equal(committee(members[order], rng()), whole)


def votes(*elected: list[int], k: int = 4) -> np.ndarray:
    """Return a committee in which member i is half sure of class elected[i][j] for item j."""
    return 0.5 * np.eye(k)[np.array(elected)] + 0.5 / k


def test_committee_by_hand() -> None:
    members = votes([0, 0, 0], [0, 1, 0], [0, 2, 1], [0, 3, 1])
    np.testing.assert_allclose(committee(members, rng()), [0, math.log(4), math.log(2)], rtol=1e-6)
    uneven = -0.75 * math.log(0.75) - 0.25 * math.log(0.25)
    np.testing.assert_allclose(committee(votes([3], [3], [1], [3]), rng()), [uneven], rtol=1e-6)


def test_a_committee_is_higher_where_members_disagree_than_where_all_are_unsure() -> None:
    unsure = np.tile([0.26, 0.25, 0.25, 0.24], (3, 1, 1))
    utilities = committee(np.concatenate([unsure, votes([0], [1], [2])], axis=1), rng())
    assert utilities[1] > 1
    assert utilities[0] == 0


def test_the_same_split_of_votes_ties_among_any_classes() -> None:
    # 4, 2 and 1 votes: sums in the order of the classes would differ by rounding.
    splits = [[a] * 4 + [b] * 2 + [c] for a, b, c in itertools.permutations(range(6), 3)]
    utilities = committee(votes(*np.array(splits).T.tolist(), k=6), rng())
    assert len(set(utilities.tolist())) == 1


def test_one_member_never_disagrees() -> None:
    assert committee(votes([0, 1, 2]), rng()).tolist() == [0, 0, 0]


@pytest.mark.parametrize("shape", [(3, 2), (0, 3, 2), (3, 2, 0), (1, 2, 3, 4)])
def test_a_committee_of_a_wrong_shape_is_refused(shape: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match="not \\(members, items, classes\\)"):
        committee(np.ones(shape), rng())


def test_a_committee_with_nan_is_refused() -> None:
    members = np.full((2, 3, 2), 0.5)
    members[1, 2, 0] = np.nan
    with pytest.raises(ValueError, match="of 1 of 3 items have NaN"):
        committee(members, rng())


@given(labels=hnp.arrays(np.int64, st.integers(0, 30), elements=st.integers(0, 4)))
def test_each_member_trains_on_as_many_of_each_class(labels: np.ndarray) -> None:
    rows = bootstrap_rows(labels, 3, rng())
    assert rows.dtype == np.intp
    assert rows.shape == (3, len(labels))
    np.testing.assert_array_equal(labels[rows], np.tile(labels, (3, 1)))
    np.testing.assert_array_equal(rows, bootstrap_rows(labels, 3, rng()))


def test_members_train_on_different_rows_with_replacement() -> None:
    rows = bootstrap_rows(np.zeros(1000, dtype=int), 4, rng())
    assert len({tuple(row) for row in rows.tolist()}) == 4
    for row in rows:
        # Of n rows, n (1 - 1/e) are drawn at least once: 632, give or take 10.
        assert 580 < len(np.unique(row)) < 685


def test_bad_committees_are_refused() -> None:
    with pytest.raises(ValueError, match="committee has 0 members"):
        bootstrap_rows(np.arange(3), 0, rng())
    with pytest.raises(ValueError, match="shape \\(2, 2\\)"):
        bootstrap_rows(np.zeros((2, 2), dtype=int), 1, rng())
