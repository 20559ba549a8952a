"""Cold start: distinct items, spread over the pool, whatever the pool is like."""

from __future__ import annotations

import warnings

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tuilabel.errors import UsageError
from tuilabel.learn.cold_start import COLD_STARTS, SUBSAMPLE_NUMBERS, cold_start
from tuilabel.learn.feature_sources import pixels
from tuilabel.learn.feature_view import View
from tuilabel.learn.names import COLD_START_NAMES

every_method = pytest.mark.parametrize("name", COLD_STARTS)


def rng(seed: int = 5) -> np.random.Generator:
    return np.random.default_rng(seed)


def noise(n: int) -> View:
    return View(pixels(rng(0).integers(0, 256, (n, 3, 4), dtype=np.uint8)))


@every_method
@pytest.mark.parametrize(("n", "size"), [(0, 3), (1, 1), (5, 0), (5, 3), (5, 5), (5, 9), (300, 40)])
def test_distinct_items_as_many_as_there_are(name: str, n: int, size: int) -> None:
    chosen = cold_start(name, noise(n), size, rng())
    assert chosen.dtype == np.intp
    assert chosen.shape == (min(size, n),)
    assert len(set(chosen.tolist())) == len(chosen)
    assert all(0 <= item < n for item in chosen)


@every_method
def test_same_seed_same_batch_and_another_seed_another(name: str) -> None:
    pool = noise(200)
    one, two, other = (cold_start(name, pool, 8, rng(seed)).tolist() for seed in (1, 1, 2))
    assert one == two != other


@every_method
@pytest.mark.parametrize("dtype", [np.uint8, np.float32])
def test_constant_images_are_no_error(name: str, dtype: type) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        # What scikit-learn does to scipy is theirs; its own deprecations are FutureWarnings.
        warnings.simplefilter("ignore", DeprecationWarning)
        chosen = cold_start(name, View(pixels(np.ones((30, 4, 4), dtype=dtype))), 6, rng())
    assert len(set(chosen.tolist())) == 6


@every_method
def test_excluded_items_are_never_chosen(name: str) -> None:
    excluded = np.arange(0, 40, 2)
    chosen = cold_start(name, noise(40), 30, rng(), excluded=excluded)
    assert sorted(chosen.tolist()) == list(range(1, 40, 2))


def test_kmeans_finds_every_group_and_the_biggest_first() -> None:
    sizes = [5, 80, 20]
    corners = np.array([[0, 0], [250, 0], [0, 250]])
    groups = np.repeat([0, 1, 2], sizes)
    pool = (corners[groups] + rng(1).integers(0, 5, (105, 2))).astype(np.uint8)
    for seed in range(5):
        chosen = cold_start("kmeans", View(pixels(pool)), 3, rng(seed))
        assert groups[chosen].tolist() == [1, 2, 0]


def test_kmeans_takes_the_item_nearest_to_the_centre() -> None:
    pool = np.array([[0], [10], [20], [200], [210], [220]], dtype=np.uint8)
    assert sorted(cold_start("kmeans", View(pixels(pool)), 2, rng())) == [1, 4]


def test_kmeans_looks_at_a_bounded_part_of_a_big_pool() -> None:
    class Counted(np.ndarray):
        seen = 0

        def __getitem__(self, key: np.ndarray) -> np.ndarray:
            part = np.asarray(self).__getitem__(key)
            Counted.seen += len(part)
            return part

    pool = np.zeros((30_000, 4, 100), dtype=np.uint8).view(Counted)
    cold_start("kmeans", View(pixels(pool)), 2, rng())
    # The subsample is read to cluster it and to measure distances; one row tells the width.
    assert Counted.seen == 2 * SUBSAMPLE_NUMBERS // 400 + 1


def test_random_is_fair() -> None:
    generator = rng()
    counts = np.zeros(10, dtype=int)
    for _ in range(2000):
        counts[
            cold_start("random", View(pixels(np.zeros((10, 1), dtype=np.uint8))), 3, generator)
        ] += 1
    # Each of ten items is expected 600 times, give or take 20.
    assert (abs(counts - 600) < 100).all()


def test_bad_arguments_are_refused() -> None:
    with pytest.raises(UsageError, match=r"'typical'.*random, kmeans"):
        cold_start("typical", noise(3), 1, rng())
    with pytest.raises(ValueError, match="cold start is -2"):
        cold_start("random", noise(3), -2, rng())
    with pytest.raises(ValueError, match="expected 0 to 2"):
        cold_start("random", noise(3), 1, rng(), excluded=np.array([3]))


@every_method
@settings(max_examples=40, deadline=None)
@given(
    n=st.integers(1, 30),
    size=st.integers(1, 9),
    distinct=st.integers(1, 30),
    excluded=st.sets(st.integers(0, 29)),
    seed=st.integers(0, 99),
)
def test_one_by_one_is_as_all_at_once(
    name: str, n: int, size: int, distinct: int, excluded: set[int], seed: int
) -> None:
    pictures = rng(seed).integers(0, 256, (distinct, 2, 3), dtype=np.uint8)
    pool = View(pixels(pictures[rng(seed).integers(0, distinct, n)]))
    out = np.array(sorted(row for row in excluded if row < n), dtype=np.intp)

    def ask(labelled: list[int]) -> list[int]:
        given = np.array(labelled, dtype=np.intp)
        found = cold_start(name, pool, size, rng(seed), labelled=given, excluded=out)
        return [int(row) for row in found]

    at_once = ask([])
    assert len(at_once) == min(size, n - len(out))
    for known in range(len(at_once) + 1):
        assert ask(at_once[:known]) == at_once[known:]


@every_method
def test_labels_count_towards_the_size(name: str) -> None:
    labelled = np.array([3, 7, 9])
    chosen = cold_start(name, noise(40), 8, rng(), labelled=labelled)
    assert len(chosen) == 5
    assert not set(chosen.tolist()) & set(labelled.tolist())
    assert cold_start(name, noise(40), 3, rng(), labelled=labelled).tolist() == []
    assert cold_start(name, noise(40), 2, rng(), labelled=labelled).tolist() == []


def test_kmeans_passes_over_what_a_label_stands_for() -> None:
    corners = np.array([[0, 0], [250, 0], [0, 250], [250, 250]])
    groups = np.arange(200) % 4
    pool = (corners[groups] + rng(1).integers(0, 5, (200, 2))).astype(np.uint8)
    for seed in range(5):
        labelled = np.array([0, 2])
        chosen = cold_start("kmeans", View(pixels(pool)), 4, rng(seed), labelled=labelled)
        assert sorted(groups[chosen].tolist()) == [1, 3]


def test_a_pool_that_is_nearly_all_excluded_still_gives_what_is_left() -> None:
    pool = np.zeros((30_000, 4, 100), dtype=np.uint8)
    excluded = np.arange(29_995)
    chosen = cold_start("kmeans", View(pixels(pool)), 20, rng(), excluded=excluded)
    assert sorted(chosen.tolist()) == list(range(29_995, 30_000))


def test_every_name_is_a_method_or_a_view_for_one() -> None:
    # Spectral is k-means on the label graph, and auto one of them; a learner explores.
    assert set(COLD_STARTS) == set(COLD_START_NAMES) - {"auto", "spectral", "explore"}
