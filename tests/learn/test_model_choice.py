"""Choosing a model: fair folds, few fits at a time, and no change for nothing."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tuilabel.learn.model_choice import (
    CLEARLY,
    FOLDS,
    LEAST_GAIN,
    LEAST_PROBABILITY,
    REPEATS,
    cross_validate,
    decide,
    stratified_folds,
)


def rng(seed: int = 5) -> np.random.Generator:
    return np.random.default_rng(seed)


def scored(rows: dict[str, np.ndarray], labels: np.ndarray, seed: int = 5) -> dict:
    *steps, scores = cross_validate(rows, labels, n_classes=3, rng=rng(seed))
    assert steps == [None] * REPEATS * FOLDS * len(rows)
    assert scores is not None
    return dict(scores)


@given(
    labels=st.lists(st.integers(0, 4), min_size=1, max_size=60),
    folds=st.integers(1, 7),
    seed=st.integers(0, 9),
)
def test_folds_are_even_within_each_class(labels: list[int], folds: int, seed: int) -> None:
    given = np.array(labels)
    fold = stratified_folds(given, folds, rng(seed))
    assert fold.shape == given.shape
    assert fold.min() >= 0
    assert fold.max() < folds
    counts = np.bincount(fold, minlength=folds)
    assert counts.max() - counts.min() <= 1
    for k in np.unique(given):
        of_class = np.bincount(fold[given == k], minlength=folds)
        assert of_class.max() - of_class.min() <= 1


def test_folds_follow_the_seed() -> None:
    labels = np.arange(40) % 3
    one, two, other = (stratified_folds(labels, 5, rng(seed)).tolist() for seed in (1, 1, 2))
    assert one == two != other


def test_who_sees_the_classes_foretells_better_than_who_sees_noise() -> None:
    labels = np.arange(45) % 3
    seeing = np.eye(3, dtype=np.float32)[labels]
    blind = rng(1).normal(size=(45, 3)).astype(np.float32)
    scores = scored({"seeing": seeing, "blind": blind}, labels)
    assert scores["seeing"].shape == (45,)
    assert scores["seeing"].min() > np.log(0.9)
    assert scores["blind"].mean() < np.log(0.5)
    again = scored({"seeing": seeing, "blind": blind}, labels)
    np.testing.assert_array_equal(scores["blind"], again["blind"])


def test_a_class_with_a_single_label_counts_but_does_not_decide() -> None:
    labels = np.array([0] * 15 + [1] * 15 + [2])
    scores = scored({"a": np.eye(3, dtype=np.float32)[labels]}, labels)
    # Held out, its class is not known to the model.
    assert scores["a"][-1] == pytest.approx(np.log(LEAST_PROBABILITY))


def test_labels_of_one_class_only_are_no_error() -> None:
    scores = scored({"a": rng().normal(size=(12, 2)).astype(np.float32)}, np.full(12, 1))
    np.testing.assert_allclose(scores["a"], 0, atol=1e-6)


# Deciding.

ORDER = ("first", "second", "third")


def test_the_better_one_replaces_the_current_one() -> None:
    spread = rng().normal(scale=0.1, size=50)
    scores = {"first": spread - 1.0, "second": spread - 0.5, "third": spread - 2.0}
    assert decide(scores, "first", ORDER) == "second"
    assert decide(scores, "third", ORDER) == "second"
    assert decide(scores, "second", ORDER) == "second"


def test_among_equals_nothing_changes_and_the_order_counts_when_it_has_to() -> None:
    equal = {name: np.full(40, -0.3) for name in ORDER}
    for current in ORDER:
        assert decide(equal, current, ORDER) == current
    scores = equal | {"third": np.full(40, -2.0)}
    assert decide(scores, "third", ORDER) == "first"
    assert decide(scores, "third", ("second", "first", "third")) == "second"


def test_a_small_gain_is_no_reason_to_change_either_way() -> None:
    near = {"first": np.full(200, -0.30), "second": np.full(200, -0.30 + 0.9 * LEAST_GAIN)}
    # Whichever is in use stays in use, so that the two do not take turns.
    assert decide(near, "first", ORDER[:2]) == "first"
    assert decide(near, "second", ORDER[:2]) == "second"
    clear = near | {"second": np.full(200, -0.30 + 1.1 * LEAST_GAIN)}
    assert decide(clear, "first", ORDER[:2]) == "second"


def test_a_gain_within_its_own_error_is_luck() -> None:
    lucky = np.resize([1.0, -1.0], 40) + 2 * LEAST_GAIN
    assert lucky.mean() > LEAST_GAIN
    assert lucky.mean() <= CLEARLY * lucky.std() / np.sqrt(40)
    scores = {"first": np.zeros(40), "second": lucky}
    assert decide(scores, "first", ORDER[:2]) == "first"


def test_a_softmax_beats_the_graph_where_labels_are_no_clusters() -> None:
    """Two clusters, and classes that cut across both of them."""
    generator = rng(2)
    n = 60
    cluster = np.arange(n) % 2
    height = generator.uniform(-1, 1, n)
    labels = (height > 0).astype(int)
    graph = np.eye(2, dtype=np.float32)[cluster]
    pixels = np.stack([10.0 * cluster, height], axis=1).astype(np.float32)
    pixels[:, 0] /= 10
    scores = scored({"graph": graph, "softmax": pixels}, labels)
    assert decide(scores, "graph", ("graph", "softmax")) == "softmax"
    # And where they are clusters, the graph stays.
    scores = scored({"graph": graph, "softmax": pixels[:, 1:]}, cluster)
    assert decide(scores, "softmax", ("graph", "softmax")) == "graph"
