"""Models: one column per class whatever the labels, and the numbers of scikit-learn."""

from __future__ import annotations

import subprocess
import sys
import warnings
from pathlib import Path

import numpy as np
import pytest

from tuilabel.errors import UsageError
from tuilabel.learn.feature_sources import pixels
from tuilabel.learn.feature_view import View
from tuilabel.learn.features import unit_rows
from tuilabel.learn.models import TYPICAL_LENGTH, fit_model, score_rows, warm_up
from tuilabel.plugins import GROUPS

MODELS = [name for name in GROUPS["models"].built_in if name != "auto"]

every_model = pytest.mark.parametrize("name", MODELS)


def rng(seed: int = 5) -> np.random.Generator:
    return np.random.default_rng(seed)


def blobs(n: int, classes: list[int], seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Bytes of shape (n, 4, 5) around one dark picture per class, and their classes."""
    generator = rng(seed)
    labels = np.resize(classes, n)
    centres = rng(99).integers(0, 200, (1 + max(classes), 4, 5))
    noise = generator.integers(0, 55, (n, 4, 5))
    return (centres[labels] + noise).astype(np.uint8), labels


@every_model
@pytest.mark.parametrize("n", [2, 3, 12, 60])
@pytest.mark.parametrize("classes", [[0, 1], [1, 3], [4, 2, 0], [0, 1, 2, 3, 4]])
def test_one_column_per_class(name: str, n: int, classes: list[int]) -> None:
    features, labels = blobs(n, classes)
    model = fit_model(name, features, labels, n_classes=5, rng=rng())
    probabilities = model.probabilities(features)
    assert probabilities.shape == (n, 5)
    assert probabilities.dtype == np.float32
    np.testing.assert_allclose(probabilities.sum(axis=1), 1, atol=1e-5)
    absent = [k for k in range(5) if k not in labels]
    assert (probabilities[:, absent] == 0).all()
    assert (probabilities[:, np.unique(labels)] > 0).all()


@every_model
def test_it_learns(name: str) -> None:
    features, labels = blobs(60, [0, 2, 3])
    others, truth = blobs(300, [0, 2, 3], seed=1)
    model = fit_model(name, features, labels, n_classes=4, rng=rng())
    assert (model.probabilities(others).argmax(axis=1) == truth).mean() > 0.95


@every_model
def test_without_labels_every_class_is_as_likely(name: str) -> None:
    features, _ = blobs(3, [0])
    model = fit_model(name, features[:0], np.empty(0, dtype=int), n_classes=4, rng=rng())
    np.testing.assert_array_equal(model.probabilities(features), np.full((3, 4), 0.25))


@every_model
@pytest.mark.parametrize("n", [1, 5])
def test_a_single_class_so_far_is_certain(name: str, n: int) -> None:
    features, labels = blobs(n, [2])
    model = fit_model(name, features, labels, n_classes=4, rng=rng())
    np.testing.assert_array_equal(model.probabilities(features), np.tile([0, 0, 1, 0], (n, 1)))


@every_model
def test_of_one_class_in_all(name: str) -> None:
    features, labels = blobs(3, [0])
    model = fit_model(name, features, labels, n_classes=1, rng=rng())
    assert model.probabilities(features).tolist() == [[1.0]] * 3


@every_model
@pytest.mark.parametrize("classes", [[0], [0, 1], [0, 1, 2]])
def test_of_no_items_no_rows(name: str, classes: list[int]) -> None:
    features, labels = blobs(9, classes)
    model = fit_model(name, features, labels, n_classes=3, rng=rng())
    assert model.probabilities(features[:0]).shape == (0, 3)


@every_model
def test_same_seed_same_model(name: str) -> None:
    features, labels = blobs(30, [0, 1, 2])
    one, two = (fit_model(name, features, labels, n_classes=3, rng=rng()) for _ in range(2))
    np.testing.assert_array_equal(one.probabilities(features), two.probabilities(features))


def test_another_seed_is_another_network() -> None:
    features, labels = blobs(30, [0, 1, 2])
    one, two = (fit_model("mlp", features, labels, n_classes=3, rng=rng(s)) for s in (1, 2))
    assert (one.probabilities(features) != two.probabilities(features)).any()


@every_model
def test_bytes_and_scaled_floats_are_the_same_items(name: str) -> None:
    features, labels = blobs(30, [0, 1, 2])
    scaled = (features / 255).astype(np.float32)
    of_bytes = fit_model(name, features, labels, n_classes=3, rng=rng()).probabilities(features)
    of_floats = fit_model(name, scaled, labels, n_classes=3, rng=rng()).probabilities(scaled)
    np.testing.assert_allclose(of_bytes, of_floats, atol=1e-3)


@every_model
def test_constant_images_are_no_error(name: str) -> None:
    features = np.zeros((6, 3, 3), dtype=np.uint8)
    model = fit_model(name, features, np.arange(6) % 3, n_classes=3, rng=rng())
    np.testing.assert_allclose(model.probabilities(features), 1 / 3, atol=0.05)


@every_model
def test_nothing_is_warned_of(name: str) -> None:
    features, labels = blobs(40, [0, 1, 2])
    shuffled = rng().permutation(labels)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        # What scikit-learn does to scipy is theirs; its own deprecations are FutureWarnings.
        warnings.simplefilter("ignore", DeprecationWarning)
        fit_model(name, features, shuffled, n_classes=3, rng=rng()).probabilities(features)


@pytest.mark.parametrize("classes", [[0, 1], [0, 1, 2, 3]])
def test_softmax_predicts_what_scikit_learn_predicts(classes: list[int]) -> None:
    from sklearn.linear_model import LogisticRegression

    features, labels = blobs(80, classes)
    rows = unit_rows(features)
    # The labelled rows' root mean square length is what makes the scale.
    scale = TYPICAL_LENGTH / np.sqrt((rows**2).sum(axis=1).mean())
    expected = LogisticRegression(tol=1e-3).fit(rows * scale, labels).predict_proba
    model = fit_model("softmax", features, labels, n_classes=len(classes), rng=rng())
    others, _ = blobs(50, classes, seed=1)
    found = model.probabilities(others)
    np.testing.assert_allclose(found, expected(unit_rows(others) * scale), atol=1e-4)


@every_model
@pytest.mark.parametrize("factor", [0.001, 30.0])
def test_the_unit_that_features_are_measured_in_does_not_matter(name: str, factor: float) -> None:
    features, labels = blobs(30, [0, 1, 2])
    rows = unit_rows(features)
    one = fit_model(name, rows, labels, n_classes=3, rng=rng()).probabilities(rows)
    rows = rows * np.float32(factor)
    two = fit_model(name, rows, labels, n_classes=3, rng=rng()).probabilities(rows)
    np.testing.assert_allclose(one, two, atol=1e-2)


def test_huge_scores_do_not_overflow() -> None:
    features = np.array([[0.0, 1.0], [1.0, 0.0]], dtype=np.float32)
    model = fit_model("softmax", features, np.array([0, 1]), n_classes=2, rng=rng())
    probabilities = model.probabilities(features * np.float32(1e6))
    np.testing.assert_allclose(probabilities, np.eye(2), atol=1e-6)


def test_chunks_are_small_and_give_the_rows_asked_for() -> None:
    class Places:
        def __init__(self) -> None:
            self.sizes: list[int] = []

        def probabilities(self, features: np.ndarray) -> np.ndarray:
            self.sizes.append(len(features))
            return features.astype(np.float32)

    model = Places()
    rows = np.array([9, 3, 7, 0, 5])
    pool = np.arange(10, dtype=np.float32)[:, None]
    found = np.empty((5, 1))
    for chunk, probabilities in score_rows(model, View(pixels(pool)), rows, chunk_rows=2):
        found[chunk] = probabilities
    assert found[:, 0].tolist() == rows.tolist()
    assert model.sizes == [2, 2, 1]


@pytest.mark.parametrize("gap", [2, 3])
def test_rows_that_lie_near_each_other_come_in_the_order_asked(gap: int) -> None:
    class Echo:
        def probabilities(self, features: np.ndarray) -> np.ndarray:
            return features.astype(np.float32)

    pool = View(pixels(np.arange(100, dtype=np.float32)[:, None]))
    rows = np.r_[np.arange(0, 40), np.arange(40, 100, gap)]
    found = [scored for _, scored in score_rows(Echo(), pool, rows, chunk_rows=16)]
    assert np.concatenate(found)[:, 0].tolist() == rows.tolist()


def test_an_unknown_model_is_refused_even_without_labels() -> None:
    with pytest.raises(UsageError, match=r"'forest'.*softmax, mlp"):
        fit_model("forest", np.zeros((0, 2)), np.empty(0, dtype=int), n_classes=2, rng=rng())


def test_labels_that_do_not_fit_are_refused() -> None:
    features, labels = blobs(4, [0, 1])
    with pytest.raises(ValueError, match="expected one each"):
        fit_model("softmax", features, labels[:3], n_classes=2, rng=rng())
    with pytest.raises(ValueError, match="Labels run from 0 to 2; expected 0 to 1"):
        fit_model("softmax", features, np.array([0, 1, 2, 0]), n_classes=2, rng=rng())


def test_features_that_cannot_be_are_refused() -> None:
    with pytest.raises(ValueError, match="int64"):
        unit_rows(np.zeros((2, 2), dtype=np.int64))
    with pytest.raises(ValueError, match=r"shape \(2,\)"):
        unit_rows(np.zeros(2, dtype=np.uint8))


def test_unit_rows_are_scaled_flat_and_independent_of_layout() -> None:
    pixels = np.array([[[0, 255], [51, 102]]], dtype=np.uint8)
    np.testing.assert_allclose(unit_rows(pixels), [[0, 1, 0.2, 0.4]], rtol=1e-6)
    turned = np.asfortranarray(pixels)
    np.testing.assert_array_equal(unit_rows(turned), unit_rows(pixels))
    assert unit_rows(np.zeros((0, 2, 3), dtype=np.uint8)).shape == (0, 6)


def test_names_and_tables_cost_no_scikit_learn() -> None:
    code = """
import sys
import tuilabel.learn.names, tuilabel.plugins
assert "numpy" not in sys.modules
import tuilabel.learn.rounds, tuilabel.learn.cold_start
assert "sklearn" not in sys.modules and "scipy" not in sys.modules
tuilabel.learn.models.warm_up()
assert "sklearn.linear_model" in sys.modules and "sklearn.neural_network" in sys.modules
"""
    repository = Path(__file__).resolve().parents[2]
    subprocess.run([sys.executable, "-c", code], check=True, cwd=repository)


def test_warm_up_leaves_no_warning() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        # What scikit-learn does to scipy is theirs; its own deprecations are FutureWarnings.
        warnings.simplefilter("ignore", DeprecationWarning)
        warm_up()
