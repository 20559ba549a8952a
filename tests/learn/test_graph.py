"""The label graph: clusters come out, whatever the pool, and the hold-out has no part in it."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from blob_pools import blobs
from hypothesis import given, settings
from hypothesis import strategies as st

from tuilabel.errors import UsageError
from tuilabel.learn import graph
from tuilabel.learn.cold_start import cold_start
from tuilabel.learn.feature_sources import pixels
from tuilabel.learn.feature_view import View
from tuilabel.learn.graph import (
    LEAST_ROWS,
    LabelGraph,
    NoGraphError,
    build_graph,
    neighbours,
    principal_components,
    search,
)
from tuilabel.learn.models import fit_model


def rng(seed: int = 5) -> np.random.Generator:
    return np.random.default_rng(seed)


def built(rows: np.ndarray, n_classes: int = 3, seed: int = 5) -> LabelGraph:
    return build_graph(View(pixels(rows)), n_classes, rng(seed))


def right_after(asked: np.ndarray, rows: np.ndarray, cluster: np.ndarray) -> float:
    """Fit on some items; return the share that is right."""
    k = int(cluster.max()) + 1
    model = fit_model("softmax", rows[asked], cluster[asked], n_classes=k, rng=rng())
    return float((model.probabilities(rows).argmax(axis=1) == cluster).mean())


def right_from_one_label_each(rows: np.ndarray, cluster: np.ndarray) -> float:
    """Fit on the first item of each cluster; return the share that is right."""
    return right_after(np.unique(cluster, return_index=True)[1], rows, cluster)


# Clusters.


@pytest.mark.parametrize("sizes", [(60, 60, 60), (300, 300, 300), (400, 150, 60)])
def test_one_label_a_cluster_is_enough(sizes: tuple[int, ...]) -> None:
    rows, cluster = blobs(sizes)
    found = built(rows)
    assert found.vectors.shape == (sum(sizes), graph.LEAST_VECTORS)
    assert right_from_one_label_each(found.rows(), cluster) > 0.98


@pytest.mark.parametrize("seed", range(3))
def test_moons_are_clusters_though_no_line_parts_them(seed: int) -> None:
    from sklearn.datasets import make_moons

    points, cluster = make_moons(400, noise=0.05, random_state=seed)
    points = points.astype(np.float32)
    vectors = built(points).rows()
    asked = cold_start("kmeans", View(pixels(vectors)), 2, rng(seed))
    assert right_after(asked, vectors, cluster) > 0.98
    assert right_after(asked, points, cluster) < 0.9


@pytest.mark.parametrize("seed", range(4))
def test_a_cold_start_on_it_finds_one_of_each_blob(seed: int) -> None:
    rows, cluster = blobs((80,) * 8, width=12, seed=seed)
    chosen = cold_start("kmeans", View(pixels(built(rows).rows())), 8, rng(seed))
    assert sorted(cluster[chosen].tolist()) == list(range(8))


@pytest.mark.parametrize("seed", range(4))
def test_a_cold_start_of_twenty_finds_the_small_blobs_too(seed: int) -> None:
    rows, cluster = blobs((300, 60, 40, 40, 35, 25), width=12, seed=seed)
    chosen = cold_start("kmeans", View(pixels(built(rows).rows())), 20, rng(seed))
    assert set(cluster[chosen].tolist()) == set(range(6))


def test_clusters_that_nothing_ties_to_each_other_stay_apart() -> None:
    rows, cluster = blobs((100, 100, 100, 400), apart=1000.0)
    vectors = built(rows).rows()
    assert right_from_one_label_each(vectors, cluster) == 1


def test_new_images_lie_where_their_cluster_lies() -> None:
    rows, cluster = blobs((200, 200, 200))
    others, truth = blobs((30, 40, 50), seed=1)
    found = built(rows)
    embedded = found.embed(View(pixels(others)))
    assert embedded.shape == (120, found.vectors.shape[1])
    np.testing.assert_allclose(np.linalg.norm(embedded, axis=1), 1, atol=1e-4)
    model = fit_model("softmax", found.rows(), cluster, n_classes=3, rng=rng())
    assert (model.probabilities(embedded).argmax(axis=1) == truth).mean() > 0.98


def test_images_of_the_pool_are_embedded_near_themselves() -> None:
    rows, _ = blobs((200, 200, 200))
    found = built(rows)
    alike = (found.embed(View(pixels(rows))) * found.rows()).sum(axis=1)
    assert np.median(alike) > 0.95


def test_of_no_new_images_there_are_no_rows() -> None:
    rows, _ = blobs((40, 40))
    assert built(rows).embed(View(pixels(rows[:0]))).shape == (0, graph.LEAST_VECTORS)


def test_an_image_far_from_all_others_is_embedded_somewhere() -> None:
    rows, _ = blobs((40, 40))
    embedded = built(rows).embed(View(pixels(rows[:2] + np.float32(1e4))))
    np.testing.assert_allclose(np.linalg.norm(embedded, axis=1), 1, atol=1e-4)


def test_many_classes_get_many_vectors_up_to_a_limit() -> None:
    rows, _ = blobs((150, 150), width=30)
    for n_classes, count in ((1, 20), (10, 20), (15, 30), (500, 100)):
        assert built(rows, n_classes).vectors.shape[1] == count
    assert built(rows[:40], 500).vectors.shape[1] == 38


# The same again.


@pytest.mark.parametrize("n", [90, 700])
def test_same_seed_same_graph(n: int) -> None:
    rows, _ = blobs((n // 2, n // 2))
    one, two = built(rows), built(rows)
    for name in ("vectors", "reduced", "scales", "mean", "basis"):
        np.testing.assert_array_equal(getattr(one, name), getattr(two, name))


def test_where_the_solver_starts_hardly_matters() -> None:
    rows, _ = blobs((300, 200, 200))
    one, two = (built(rows, seed=seed).rows() for seed in (1, 2))
    np.testing.assert_allclose(one @ one.T, two @ two.T, atol=0.02)


def test_the_sparse_solver_finds_what_the_dense_one_finds() -> None:
    from scipy.sparse import csr_matrix

    rows, _ = blobs((250, 250))
    distances, nearest = neighbours(rows, 10, rng())
    scales = graph._local_scales(distances)
    weights = graph._weights(distances, nearest, scales)
    dense = graph._leading_vectors(weights, 6, rng())
    # One item more, tied to nothing but itself, makes it a matter for the sparse solver.
    grown = csr_matrix((weights.data, weights.indices, np.r_[weights.indptr, weights.nnz]))
    grown.resize(501, 501)
    grown = grown.tolil()
    grown[500, 500] = 1e-9
    sparse = graph._leading_vectors(grown.tocsr(), 7, rng())[:500]
    # Whatever the signs and the order: each of the one's is a mix of the other's.
    mix, *_ = np.linalg.lstsq(sparse, dense, rcond=None)
    np.testing.assert_allclose(sparse @ mix, dense, atol=0.05 * abs(dense).max())


def test_the_pool_is_only_read() -> None:
    rows, _ = blobs((40, 40))
    before = rows.copy()
    rows.flags.writeable = False
    found = built(rows)
    found.embed(View(pixels(rows)))
    np.testing.assert_array_equal(rows, before)


def test_progress_is_told_to_its_end() -> None:
    rows, _ = blobs((40, 40))
    told: list[tuple[str, int, int]] = []
    found = build_graph(View(pixels(rows)), 2, rng(), progress=lambda *step: told.append(step))
    assert told == [("neighbours", 80, 80), ("eigenvectors", 0, 1), ("eigenvectors", 1, 1)]
    found.embed(View(pixels(rows[:5])), progress=lambda *step: told.append(step))
    assert told[-1] == ("hold-out", 5, 5)


# Pools that are no good.


@pytest.mark.parametrize("n", [1, 2, LEAST_ROWS - 1])
def test_a_pool_too_small_is_a_clear_sentence(n: int) -> None:
    with pytest.raises(NoGraphError, match=rf"^{n} images? (is|are) too few .*needs 30"):
        built(rng().normal(size=(n, 4)).astype(np.float32))


@pytest.mark.parametrize("value", [0, 7, 255])
def test_images_all_alike_are_a_clear_sentence(value: int) -> None:
    with pytest.raises(NoGraphError, match="look alike"):
        built(np.full((50, 4, 4), value, dtype=np.uint8))


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_numbers_that_are_none_are_a_clear_sentence(value: float) -> None:
    rows, _ = blobs((40, 40))
    rows[33, 2] = value
    with pytest.raises(UsageError, match="have NaN or infinite numbers"):
        built(rows)


@pytest.mark.filterwarnings("error")
@settings(max_examples=60, deadline=None)
@given(
    n=st.integers(LEAST_ROWS, 120),
    distinct=st.integers(2, 200),
    width=st.integers(1, 6),
    parts=st.integers(1, 4),
    apart=st.sampled_from([10, 300]),
    constant=st.integers(0, 60),
    n_classes=st.integers(1, 40),
    seed=st.integers(0, 99),
)
def test_any_small_pool_has_a_graph(
    n: int,
    distinct: int,
    width: int,
    parts: int,
    apart: int,
    constant: int,
    n_classes: int,
    seed: int,
) -> None:
    """Many duplicates, rows of zeros, several components: one row of finite numbers each.

    Or too few images that differ, and then it says so.
    """
    generator = rng(seed)
    # Whole numbers, so that there is no doubt which images differ.
    kinds = generator.integers(-40, 41, (distinct, width))
    kinds += apart * generator.integers(0, parts, (distinct, 1))
    rows = kinds[generator.integers(0, distinct, n)].astype(np.float32)
    rows[:constant] = 0
    rows[-1] = 1
    differ = len(np.unique(rows, axis=0))
    if differ < LEAST_ROWS:
        with pytest.raises(NoGraphError, match=rf"Only {differ} of {n} images differ"):
            build_graph(View(pixels(rows)), n_classes, rng(seed))
        return
    found = build_graph(View(pixels(rows)), n_classes, rng(seed))
    assert found.vectors.shape == (n, min(max(20, 2 * n_classes), 100, differ - 2))
    for vectors in (found.rows(), found.embed(View(pixels(rows[::3])))):
        assert np.isfinite(vectors).all()
        np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-3)
    again = build_graph(View(pixels(rows)), n_classes, rng(seed))
    np.testing.assert_array_equal(found.vectors, again.vectors)


def test_copies_share_a_place_and_change_nobody_elses() -> None:
    rows, cluster = blobs((200,) * 4)
    alone = built(rows)
    copied = rng().choice(800, 60, replace=False)
    pool = np.concatenate([rows, np.repeat(rows[copied], 12, axis=0)])
    found = built(pool)
    # Both where most pictures are there once and where most are there many times.
    assert right_from_one_label_each(found.rows()[:800], cluster) > 0.98
    np.testing.assert_array_equal(found.vectors[800:], np.repeat(found.vectors[copied], 12, axis=0))
    np.testing.assert_allclose(found.rows()[:800], alone.rows(), atol=0.1)
    np.testing.assert_array_equal(found.scales[800:], np.repeat(found.scales[copied], 12))
    distances, _ = neighbours(rows, graph.LOCAL_SCALE, rng())
    np.testing.assert_allclose(found.scales[:800], distances[:, -1], rtol=1e-3)
    embedded = found.embed(View(pixels(rows[copied])))
    assert (embedded * found.rows()[copied]).sum(axis=1).min() > 0.99


def test_copies_that_were_computed_elsewhere_are_copies_still() -> None:
    rows, _ = blobs((100, 100))
    noise = rng().normal(scale=1e-6, size=(200, 8))
    found = built(np.concatenate([rows, rows + noise.astype(np.float32)]))
    pairs = (found.rows()[:200] * found.rows()[200:]).sum(axis=1)
    assert np.median(pairs) > 0.9999


def test_a_small_cluster_far_away_stays_one() -> None:
    rows, cluster = blobs((500, 500))
    few = rng().normal(scale=0.1, size=(12, 8)).astype(np.float32) + np.float32(50)
    vectors = built(np.concatenate([rows, few])).rows()
    kinds = np.r_[cluster, np.full(12, 2)]
    assert right_from_one_label_each(vectors, kinds) > 0.98


# Neighbours.


@settings(max_examples=30, deadline=None)
@given(
    n=st.integers(2, 40),
    count=st.integers(1, 12),
    distinct=st.integers(1, 40),
    seed=st.integers(0, 99),
)
def test_neighbours_are_the_nearest_others(n: int, count: int, distinct: int, seed: int) -> None:
    count = min(count, n - 1)
    kinds = rng(seed).integers(-9, 9, (distinct, 3)).astype(np.float32)
    rows = kinds[rng(seed).integers(0, distinct, n)]
    distances, nearest = neighbours(rows, count, rng())
    assert distances.shape == nearest.shape == (n, count)
    assert (nearest != np.arange(n)[:, None]).all()
    assert all(len(set(row.tolist())) == count for row in nearest)
    every = np.linalg.norm(rows[:, None] - rows[None], axis=2)
    np.testing.assert_allclose(np.take_along_axis(every, nearest, axis=1), distances, atol=1e-3)
    np.fill_diagonal(every, np.inf)
    np.testing.assert_allclose(distances, np.sort(every, axis=1)[:, :count], atol=1e-3)


def test_a_search_in_chunks_is_the_search_of_all(monkeypatch: pytest.MonkeyPatch) -> None:
    rows, _ = blobs((150, 150))
    queries, _ = blobs((55, 56), seed=1)
    told: list[int] = []
    whole = search(rows, queries, 7, "x")
    monkeypatch.setattr(graph, "_SEARCH_ROWS", 20)
    parts = search(rows, queries, 7, "x", lambda _what, done, _total: told.append(done))
    np.testing.assert_array_equal(whole[1], parts[1])
    np.testing.assert_allclose(whole[0], parts[0], atol=1e-4)
    assert told == [20, 40, 60, 80, 100, 111]


# Principal components.


def test_components_are_those_of_scikit_learn() -> None:
    from sklearn.decomposition import PCA

    rows, _ = blobs((500, 300, 200), width=70)
    mean, basis = principal_components(View(pixels(rows)))
    assert basis.shape == (70, graph.COMPONENTS)
    pca = PCA(graph.COMPONENTS, svd_solver="full").fit(rows)
    np.testing.assert_allclose(mean, rows.mean(axis=0), atol=1e-5)
    overlap = abs(np.diag(pca.components_[:5] @ basis[:, :5]))
    np.testing.assert_allclose(overlap, 1, atol=1e-3)
    np.testing.assert_allclose(basis.T @ basis, np.eye(graph.COMPONENTS), atol=1e-4)


def test_directions_in_which_nothing_differs_are_left_out() -> None:
    rows, _ = blobs((50, 50), width=3)
    padded = np.hstack([rows, np.full((100, 20), 5, dtype=np.float32)])
    mean, basis = principal_components(View(pixels(padded)))
    assert mean.shape == (23,)
    assert basis.shape == (23, 3)
    assert abs(basis[3:]).max() < 1e-5


def test_a_graph_is_its_parts() -> None:
    rows, _ = blobs((40, 40))
    found = built(rows)
    np.testing.assert_allclose(found.reduced, (rows - found.mean) @ found.basis, atol=1e-4)
    longer = replace(found, vectors=3 * found.vectors)
    np.testing.assert_allclose(longer.rows(), found.rows(), atol=1e-6)
