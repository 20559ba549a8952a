"""Networks: the models as numbers alone, at a temperature, and joined for several classes."""

from __future__ import annotations

import numpy as np
import pytest
from blob_pools import blobs
from numpy.typing import NDArray

from tuilabel.learn.calibration import Calibration
from tuilabel.learn.models import fit_model, network_of

SETS = np.array([[1, 0, -1, 1], [0, 1, -1, 1], [1, 1, -1, 1], [0, 0, -1, 1]], np.int8)


def items(*classes: int) -> tuple[NDArray[np.float32], NDArray[np.intp]]:
    rows, cluster = blobs([10] * len(classes), apart=2.0)
    return rows, np.array(classes)[cluster]


@pytest.mark.parametrize("name", ["softmax", "mlp"])
@pytest.mark.parametrize("classes", [[1, 3], [0, 2, 3]])
def test_a_network_predicts_the_classes_with_labels_and_takes_a_temperature(
    name: str, classes: list[int]
) -> None:
    features, labels = items(*classes)
    model = fit_model(name, features, labels, n_classes=5, rng=np.random.default_rng(0))
    found = network_of(model, 8)
    assert found is not None
    columns, network = found
    assert columns.tolist() == classes
    own = model.probabilities(features)[:, columns]
    np.testing.assert_array_equal(network.probabilities(features), own)
    expected = Calibration(2.5, 50, 0.1, 0.1, "audit", None).apply(own)
    np.testing.assert_allclose(network.at(2.5).probabilities(features), expected, atol=1e-6)


@pytest.mark.parametrize("name", ["softmax", "mlp"])
def test_models_of_several_classes_are_one_network(name: str) -> None:
    features, labels = items(0, 1, 2, 3)
    model = fit_model(name, features, labels, n_classes=4, rng=np.random.default_rng(0), sets=SETS)
    found = network_of(model, 8)
    assert found is not None
    columns, network = found
    assert columns.tolist() == [0, 1, 2, 3]
    np.testing.assert_allclose(
        network.probabilities(features), model.probabilities(features), atol=1e-6
    )


def test_one_class_is_no_network() -> None:
    features, labels = items(0)
    for n_classes in (1, 3):
        model = fit_model(
            "softmax", features, labels, n_classes=n_classes, rng=np.random.default_rng(0)
        )
        assert network_of(model, 4) is None
