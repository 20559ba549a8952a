"""What every batch strategy promises, and what each is for."""

from __future__ import annotations

import subprocess
import sys
import warnings

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tuilabel.learn.batch import pick_batch
from tuilabel.learn.batch_strategies import (
    QueryContext,
)
from tuilabel.learn.clusters import SAMPLE_ROWS
from tuilabel.learn.features import CHUNK_ROWS
from tuilabel.learn.strategies import margin
from tuilabel.plugins import GROUPS, load

BATCH_STRATEGIES = {
    name: load("strategies", name)
    for name, function in GROUPS["strategies"].built_in.items()
    if function.startswith("tuilabel.learn.batch_strategies:")
}

every_strategy = pytest.mark.parametrize("name", list(BATCH_STRATEGIES))

NONE = np.empty(0, dtype=np.intp)

# A first fit imports scikit-learn, and clustering takes milliseconds, not microseconds.
clustering = settings(deadline=None, max_examples=40)


def rng(seed: int = 7) -> np.random.Generator:
    return np.random.default_rng(seed)


def context_of(
    features: np.ndarray,
    probabilities: np.ndarray,
    candidates: np.ndarray | None = None,
    labelled: np.ndarray = NONE,
) -> QueryContext:
    """Return a context on an array of features; without candidates, all rows are."""
    pool = np.asarray(features, dtype=np.float32)
    return QueryContext(
        rows=lambda rows: pool[rows],
        candidates=np.arange(len(pool)) if candidates is None else candidates,
        probabilities=np.asarray(probabilities, dtype=np.float32),
        labelled=labelled,
    )


def beliefs(n: int, k: int, seed: int = 1) -> np.ndarray:
    return rng(seed).dirichlet(np.ones(k), n).astype(np.float32)


def noise(n: int, d: int = 5, seed: int = 2) -> np.ndarray:
    return rng(seed).random((n, d), dtype=np.float32)


def blobs(sizes: list[int], spread: float = 0.05) -> tuple[np.ndarray, np.ndarray]:
    """Return groups of points around the corners of a simplex, shuffled, and each one's group."""
    groups = rng(3).permutation(np.repeat(np.arange(len(sizes)), sizes))
    points = np.eye(len(sizes))[groups] + spread * rng(4).standard_normal((len(groups), len(sizes)))
    return points.astype(np.float32), groups


@st.composite
def contexts(draw: st.DrawFn) -> QueryContext:
    """Pools of coarse features, so that items coincide, some labelled and some neither."""
    n, d, k = draw(st.integers(0, 30)), draw(st.integers(1, 4)), draw(st.integers(1, 4))
    seed = draw(st.integers(0, 2**16))
    generator = rng(seed)
    features = generator.integers(0, draw(st.integers(1, 4)), (n, d)).astype(np.float32)
    roles = generator.integers(0, 3, n)
    candidates = np.flatnonzero(roles == 0)
    weights = generator.integers(0, 4, (len(candidates), k))
    weights[:, 0] += weights.sum(axis=1) == 0
    probabilities = weights / weights.sum(axis=1, keepdims=True)
    return context_of(features, probabilities, candidates, np.flatnonzero(roles == 1))


@every_strategy
@clustering
@given(context=contexts(), size=st.integers(0, 35))
def test_distinct_positions_as_many_as_there_are(
    name: str, context: QueryContext, size: int
) -> None:
    count = len(context.candidates)
    picked = BATCH_STRATEGIES[name](context, size, rng())
    assert picked.dtype == np.intp
    assert picked.shape == (min(size, count),)
    assert len(set(picked.tolist())) == len(picked)
    assert all(0 <= position < count for position in picked)


@every_strategy
@clustering
@given(context=contexts(), size=st.integers(0, 35), seed=st.integers(0, 9))
def test_same_seed_same_batch(name: str, context: QueryContext, size: int, seed: int) -> None:
    strategy = BATCH_STRATEGIES[name]
    np.testing.assert_array_equal(
        strategy(context, size, rng(seed)), strategy(context, size, rng(seed))
    )


@every_strategy
@clustering
@given(context=contexts(), size=st.integers(0, 35))
def test_nothing_that_was_given_is_changed(name: str, context: QueryContext, size: int) -> None:
    given_arrays = (context.candidates, context.probabilities, context.labelled)
    before = [array.copy() for array in given_arrays]
    for array in given_arrays:
        array.flags.writeable = False
    BATCH_STRATEGIES[name](context, size, rng())
    for array, copy in zip(given_arrays, before, strict=True):
        np.testing.assert_array_equal(array, copy)


@every_strategy
def test_another_seed_another_batch(name: str) -> None:
    context = context_of(noise(300), np.full((300, 4), 0.25))
    batches = {tuple(BATCH_STRATEGIES[name](context, 6, rng(seed))) for seed in range(5)}
    assert len(batches) > 1


@every_strategy
def test_features_that_are_read_are_not_written_to(name: str) -> None:
    pool = noise(80)

    def read_only(rows: np.ndarray) -> np.ndarray:
        features = pool[rows]
        features.flags.writeable = False
        return features

    context = QueryContext(read_only, np.arange(80), beliefs(80, 3), NONE)
    assert len(BATCH_STRATEGIES[name](context, 5, rng())) == 5


@every_strategy
@clustering
@given(seed=st.integers(0, 2**16), size=st.integers(1, 12))
def test_where_in_the_pool_an_item_lies_does_not_matter(name: str, seed: int, size: int) -> None:
    features, probabilities = noise(40, seed=seed), beliefs(32, 3, seed)
    places = np.sort(rng(seed).choice(500, 40, replace=False))
    pool = np.full((500, 5), np.nan, dtype=np.float32)
    pool[places] = features
    strategy = BATCH_STRATEGIES[name]
    np.testing.assert_array_equal(
        strategy(context_of(pool, probabilities, places[:32], places[32:]), size, rng(seed)),
        strategy(
            context_of(features, probabilities, np.arange(32), np.arange(32, 40)), size, rng(seed)
        ),
    )


@every_strategy
def test_the_order_of_the_labelled_does_not_matter(name: str) -> None:
    features, probabilities = noise(60), beliefs(40, 3)
    batches = [
        BATCH_STRATEGIES[name](
            context_of(features, probabilities, np.arange(40), labelled), 5, rng()
        ).tolist()
        for labelled in (np.arange(40, 60), np.arange(59, 39, -1))
    ]
    assert batches[0] == batches[1]


@every_strategy
def test_the_order_of_the_pool_does_not_change_what_is_covered(name: str) -> None:
    points, groups = blobs([30, 30, 30, 30], spread=0.001)
    # With the same belief for all, gradients differ as features do.
    probabilities = np.full((120, 3), 1 / 3)
    for seed in range(5):
        order = rng(seed).permutation(120)
        picked = BATCH_STRATEGIES[name](
            context_of(points[order], probabilities[order]), 4, rng(seed)
        )
        assert set(groups[order][picked]) == {0, 1, 2, 3}


@every_strategy
@pytest.mark.parametrize("k", [1, 2, 10])
@pytest.mark.parametrize("belief", ["certain", "even"])
@pytest.mark.parametrize("look", ["constant", "black", "pairs", "one column"])
def test_pools_without_differences_are_no_error(name: str, k: int, belief: str, look: str) -> None:
    features = {
        "constant": np.ones((60, 4)),
        "black": np.zeros((60, 4)),
        "pairs": np.repeat(noise(30, 4), 2, axis=0),
        "one column": noise(60, 1),
    }[look]
    certain = np.eye(k)[np.arange(60) % k]
    probabilities = certain if belief == "certain" else np.full((60, k), 1 / k)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        # What scikit-learn does to scipy is theirs; its own deprecations are FutureWarnings.
        warnings.simplefilter("ignore", DeprecationWarning)
        picked = BATCH_STRATEGIES[name](context_of(features, probabilities), 12, rng())
    assert len(set(picked.tolist())) == 12


@every_strategy
def test_no_features_are_read_for_an_empty_batch(name: str) -> None:
    def refuse(rows: np.ndarray) -> np.ndarray:
        raise AssertionError(rows)

    context = QueryContext(refuse, np.arange(4), beliefs(4, 3), NONE)
    assert BATCH_STRATEGIES[name](context, 0, rng()).tolist() == []
    empty = QueryContext(refuse, NONE, np.empty((0, 3), dtype=np.float32), np.arange(4))
    assert BATCH_STRATEGIES[name](empty, 5, rng()).tolist() == []


@every_strategy
@pytest.mark.parametrize("size", [1, 12])
def test_features_come_in_bounded_parts(name: str, size: int) -> None:
    pool, asked = noise(12_000, 2), []

    def read(rows: np.ndarray) -> np.ndarray:
        asked.append(len(rows))
        return pool[rows]

    context = QueryContext(read, np.arange(12_000), beliefs(12_000, 2), NONE)
    assert len(BATCH_STRATEGIES[name](context, size, rng())) == size
    assert max(asked) <= SAMPLE_ROWS
    assert all(count <= CHUNK_ROWS for count in sorted(asked)[:-1])


@every_strategy
@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_numbers_that_are_not_finite_are_refused(name: str, bad: float) -> None:
    features, probabilities = noise(20), beliefs(20, 3)
    broken = features.copy()
    broken[[3, 8], 1] = bad
    with pytest.raises(ValueError, match="2 of 20 rows of features have NaN or infinite"):
        BATCH_STRATEGIES[name](context_of(broken, probabilities), 4, rng())
    probabilities[5] = bad
    with pytest.raises(ValueError, match="1 of 20 rows of probabilities have NaN or infinite"):
        BATCH_STRATEGIES[name](context_of(features, probabilities), 4, rng())


@every_strategy
def test_features_too_big_to_be_squared_are_refused(name: str) -> None:
    with pytest.raises(ValueError, match=r"go up to 1.0e\+30.*scale them to 0..1"):
        BATCH_STRATEGIES[name](context_of(np.full((9, 2), 1e30), beliefs(9, 2)), 2, rng())


@every_strategy
def test_wrong_shapes_and_sizes_are_refused(name: str) -> None:
    strategy = BATCH_STRATEGIES[name]
    with pytest.raises(ValueError, match="batch size is -1"):
        strategy(context_of(noise(9), beliefs(9, 2)), -1, rng())
    for shape in [(8, 2), (9,), (9, 0), (9, 2, 1)]:
        with pytest.raises(ValueError, match=r"of 9 candidates have shape.*one row each"):
            strategy(context_of(noise(9), np.ones(shape)), 3, rng())
    for shape in [(9,), (9, 0), (9, 2, 2)]:
        with pytest.raises(ValueError, match="expected one row each and at least one column"):
            strategy(context_of(np.ones(shape), beliefs(9, 2)), 3, rng())


def test_importing_the_strategies_loads_no_scikit_learn() -> None:
    code = "import sys, tuilabel.learn.batch_strategies; print('sklearn' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"


def test_diverse_margin_picks_from_several_groups_where_margin_picks_from_one() -> None:
    points, groups = blobs([40, 20, 20, 20, 200])
    # The first group is the most uncertain, the next three a little less, the last is certain.
    best = np.array([0.51, 0.56, 0.56, 0.56, 0.99])[groups] + 0.001 * rng(5).random(300)
    probabilities = np.column_stack([best, 1 - best])
    context = context_of(points, probabilities)
    plain = pick_batch(margin(context.probabilities, rng()), 8, rng())
    assert set(groups[plain]) == {0}
    for seed in range(5):
        picked = BATCH_STRATEGIES["diverse-margin"](context, 8, rng(seed))
        assert set(groups[picked]) == {0, 1, 2, 3}


def test_diverse_margin_looks_at_the_ten_smallest_margins_for_each_pick() -> None:
    best = np.linspace(0.5, 1, 200)
    probabilities = np.column_stack([best, 1 - best]).astype(np.float32)
    order = rng().permutation(200)
    picked = BATCH_STRATEGIES["diverse-margin"](
        context_of(noise(200), probabilities[order]), 5, rng()
    )
    assert (order[picked] < 50).all()
    # The smallest margin is asked first.
    assert order[picked].tolist() == sorted(order[picked])


def test_diverse_margin_leans_to_the_uncertain_item_of_a_cluster() -> None:
    # Two groups of three on a line; the weight pulls each centre to its uncertain end.
    places = np.array([[0.0], [1.0], [2.0], [100.0], [101.0], [102.0]])
    best = np.array([0.5, 0.99, 0.99, 0.99, 0.99, 0.5])
    picked = BATCH_STRATEGIES["diverse-margin"](
        context_of(places, np.column_stack([best, 1 - best])), 2, rng()
    )
    assert sorted(picked) == [0, 5]


def gradients(features: np.ndarray, probabilities: np.ndarray) -> np.ndarray:
    """Return the gradient of each item in full: (n, k d)."""
    errors = probabilities - np.eye(probabilities.shape[1])[probabilities.argmax(axis=1)]
    return np.einsum("nk,nd->nkd", errors, features).reshape(len(features), -1)


def test_badge_begins_with_the_longest_gradient() -> None:
    features, probabilities = noise(100), beliefs(100, 4)
    longest = (gradients(features, probabilities) ** 2).sum(axis=1).argmax()
    for seed in range(5):
        picked = BATCH_STRATEGIES["badge"](context_of(features, probabilities), 3, rng(seed))
        assert picked[0] == longest


def test_badge_draws_by_the_squared_distance_of_full_gradients() -> None:
    features, probabilities = noise(6, 3), beliefs(6, 3)
    full = gradients(features.astype(float), probabilities.astype(float))
    first = (full**2).sum(axis=1).argmax()
    expected = ((full - full[first]) ** 2).sum(axis=1)
    expected *= 2000 / expected.sum()
    context, generator, seen = context_of(features, probabilities), rng(), np.zeros(6)
    for _ in range(2000):
        seen[BATCH_STRATEGIES["badge"](context, 2, generator)[1]] += 1
    assert seen[first] == 0
    others = np.arange(6) != first
    # 4 degrees of freedom: the right distribution exceeds 18.5 once in a thousand seeds.
    assert ((seen - expected)[others] ** 2 / expected[others]).sum() < 18.5


def test_badge_takes_no_item_twice_while_others_differ() -> None:
    # 200 copies of one long gradient, and seven others: k-means++ takes each kind once.
    kinds = np.concatenate([np.zeros(200, dtype=int), np.arange(1, 8)])
    features = (1 + 300 * noise(8, 50))[kinds]
    probabilities = beliefs(8, 5)[kinds]
    for seed in range(20):
        picked = BATCH_STRATEGIES["badge"](context_of(features, probabilities), 8, rng(seed))
        assert sorted(kinds[picked]) == list(range(8))


def test_badge_does_not_take_rounding_for_a_difference() -> None:
    # 5,000 copies of one item, and another that differs by a hundredth: in float32 the copies of
    # some items seem to lie a little away from each other.
    for seed in range(20):
        features = np.tile(noise(1, 784, seed), (5001, 1))
        features[1234] *= 0.99
        context = context_of(features, np.tile([0.6, 0.4], (5001, 1)))
        assert 1234 in BATCH_STRATEGIES["badge"](context, 2, rng(seed))


def test_badge_leaves_the_certain_for_last() -> None:
    probabilities = beliefs(40, 4)
    probabilities[::2] = np.eye(4)[np.arange(20) % 4]
    picked = BATCH_STRATEGIES["badge"](context_of(noise(40), probabilities), 30, rng())
    # One gradient of length 0 lies away from the others; a second one does not differ from it.
    assert (picked % 2 == 0).sum() >= 10
    assert (picked[-9:] % 2 == 0).all()


@clustering
@given(context=contexts(), sizes=st.tuples(st.integers(0, 12), st.integers(0, 12)))
def test_a_longer_badge_begins_with_the_shorter(
    context: QueryContext, sizes: tuple[int, int]
) -> None:
    short, long = sorted(sizes)
    one, other = (BATCH_STRATEGIES["badge"](context, size, rng()) for size in (short, long))
    np.testing.assert_array_equal(one, other[:short])


def test_typiclust_without_labels_takes_one_of_each_blob_the_biggest_first() -> None:
    points, groups = blobs([20, 90, 60, 40])
    for seed in range(5):
        picked = BATCH_STRATEGIES["typiclust"](
            context_of(points, np.full((210, 4), 0.25)), 4, rng(seed)
        )
        assert groups[picked].tolist() == [1, 2, 3, 0]


def test_typiclust_passes_over_blobs_with_a_label() -> None:
    points, groups = blobs([20, 90, 60, 40])
    labelled = np.array([np.flatnonzero(groups == group)[0] for group in (1, 3)])
    candidates = np.setdiff1d(np.arange(210), labelled)
    picked = BATCH_STRATEGIES["typiclust"](
        context_of(points, np.full((208, 4), 0.25), candidates, labelled), 2, rng()
    )
    assert groups[candidates[picked]].tolist() == [2, 0]


@pytest.mark.parametrize("n", [5, 12, 21, 60, 400])
def test_typiclust_takes_the_item_with_the_nearest_twenty_neighbours(n: int) -> None:
    for seed in range(5):
        points = rng(seed).standard_normal((n, 2)).astype(np.float32)
        distances = np.linalg.norm(points[:, None].astype(float) - points, axis=2)
        np.fill_diagonal(distances, np.inf)
        most_typical = np.sort(distances, axis=1)[:, : min(20, n - 1)].mean(axis=1).argmin()
        picked = BATCH_STRATEGIES["typiclust"](context_of(points, np.ones((n, 1))), 1, rng())
        assert picked.tolist() == [most_typical]


def test_typiclust_tells_groups_in_a_line() -> None:
    # The item furthest out has the longest product with any other; the nearest centre is meant.
    groups = np.repeat([1, 2, 3, 4], 20)
    places = (groups + 0.01 * rng().standard_normal(80))[:, None]
    picked = BATCH_STRATEGIES["typiclust"](context_of(places, np.ones((80, 1))), 4, rng())
    assert sorted(groups[picked]) == [1, 2, 3, 4]


def test_typiclust_takes_outliers_last() -> None:
    points, groups = blobs([50, 3, 50])
    picked = BATCH_STRATEGIES["typiclust"](context_of(points, np.ones((103, 1))), 3, rng())
    assert 1 not in groups[picked]
    everything = BATCH_STRATEGIES["typiclust"](context_of(points, np.ones((103, 1))), 103, rng())
    assert sorted(everything) == list(range(103))


def test_typiclust_makes_no_more_clusters_than_its_paper(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tuilabel.learn.batch_strategies.MAX_CLUSTERS", 3)
    points, groups = blobs([40, 40, 40])
    labelled = np.flatnonzero(groups == 0)[:20]
    candidates = np.setdiff1d(np.arange(120), labelled)
    picked = BATCH_STRATEGIES["typiclust"](
        context_of(points, np.ones((100, 1)), candidates, labelled), 8, rng()
    )
    # In three clusters both groups without a label take turns.
    assert np.bincount(groups[candidates[picked]], minlength=3).tolist() == [0, 4, 4]


@pytest.mark.parametrize("n_clusters", [10, 60])
def test_typiclust_on_a_pool_bigger_than_its_samples(n_clusters: int) -> None:
    points, groups = blobs([6000 // n_clusters] * n_clusters, spread=0.01)
    picked = BATCH_STRATEGIES["typiclust"](
        context_of(points, np.ones((len(points), 1))), n_clusters, rng()
    )
    # Greedy seeding misses few of well-parted groups; drawn at random about a third would be.
    assert len(set(groups[picked])) >= 0.85 * n_clusters
