"""Neighbours in large pools: nearly the exact ones, and a clear sentence without faiss."""

from __future__ import annotations

import sys

import numpy as np
import pytest
from blob_pools import blobs

from tuilabel.learn import graph
from tuilabel.learn.feature_sources import pixels
from tuilabel.learn.feature_view import View
from tuilabel.learn.graph import NoGraphError, build_graph, neighbours, search
from tuilabel.learn.learner import Learner, Needs

# Clusters of unlike sizes, and directions enough that no grid would do.
POOL, CLUSTER = blobs((1500, 900, 600, 500, 300, 200), width=16)


def rng(seed: int = 5) -> np.random.Generator:
    return np.random.default_rng(seed)


@pytest.fixture
def large(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let a pool of a thousand count as too large to compare every pair."""
    pytest.importorskip("faiss")
    monkeypatch.setattr(graph, "EXACT_ROWS", 1000)


@pytest.fixture
def without_faiss(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let `import faiss` fail, whether or not it is installed."""
    monkeypatch.setitem(sys.modules, "faiss", None)
    monkeypatch.setattr(graph, "EXACT_ROWS", 1000)


def exact(count: int) -> np.ndarray:
    _, nearest = search(POOL, POOL, count + 1, "exact")
    own = nearest == np.arange(len(POOL))[:, None]
    assert own.any(axis=1).all()
    return nearest[~own].reshape(len(POOL), count)


@pytest.mark.usefixtures("large")
def test_nearly_all_of_the_exact_neighbours_are_found() -> None:
    distances, nearest = neighbours(POOL, 10, rng())
    assert (nearest != np.arange(len(POOL))[:, None]).all()
    assert (np.diff(distances, axis=1) >= 0).all()
    wanted = exact(10)
    found = np.array([len(np.intersect1d(*pair)) for pair in zip(nearest, wanted, strict=True)])
    assert found.mean() / 10 >= 0.98
    true_distances = np.linalg.norm(POOL[:, None] - POOL[nearest], axis=2)
    np.testing.assert_allclose(distances, true_distances, atol=1e-2)


@pytest.mark.usefixtures("large")
def test_more_probes_find_no_less() -> None:
    from tuilabel.learn.faiss_search import search_approximately

    wanted = exact(10)
    recall = []
    for probes in (1, 4, 10_000):
        _, nearest = search_approximately(POOL, 11, rng(), probes=probes)
        pairs = zip(nearest, wanted, strict=True)
        recall.append(np.mean([len(np.intersect1d(*pair)) for pair in pairs]) / 10)
    assert recall == sorted(recall)
    # With every list searched it is exact.
    assert recall[-1] > 0.999


@pytest.mark.usefixtures("large")
def test_the_result_depends_on_its_seed_alone() -> None:
    one, two = (neighbours(POOL, 10, rng(1)) for _ in range(2))
    np.testing.assert_array_equal(one[0], two[0])
    np.testing.assert_array_equal(one[1], two[1])


@pytest.mark.usefixtures("large")
def test_a_graph_on_them_knows_the_clusters() -> None:
    told: list[tuple[str, int, int]] = []
    found = build_graph(View(pixels(POOL)), 6, rng(), progress=lambda *step: told.append(step))
    vectors = found.rows()
    centres = np.stack([vectors[k == CLUSTER].mean(axis=0) for k in range(6)])
    assert ((vectors @ centres.T).argmax(axis=1) == CLUSTER).mean() > 0.98
    assert ("neighbours", len(POOL), len(POOL)) in told


@pytest.mark.usefixtures("large")
def test_a_pool_of_few_pictures_many_times_over_is_no_error() -> None:
    rows = np.repeat(POOL[:3], 500, axis=0)
    distances, nearest = neighbours(rows, 10, rng())
    assert (nearest != np.arange(len(rows))[:, None]).all()
    assert np.isfinite(distances).all()


@pytest.mark.usefixtures("without_faiss")
def test_without_faiss_a_large_pool_has_no_graph_and_is_told_why() -> None:
    expected = r"4,000 images needs faiss. Run pip install faiss-cpu\."
    with pytest.raises(NoGraphError, match=expected):
        build_graph(View(pixels(POOL)), 6, rng())
    learner = Learner(pixels(POOL), 6)
    needs = Needs("raw", graph=True)
    learner.prepare(needs)
    assert learner.is_ready(needs)
    reason = learner.why_no_graph(needs)
    assert reason is not None
    assert "pip install" in reason
    assert "\n" not in reason


@pytest.mark.usefixtures("without_faiss")
def test_a_pool_that_is_not_large_needs_no_faiss() -> None:
    distances, _ = neighbours(POOL[:1000], 10, rng())
    assert distances.shape == (1000, 10)
