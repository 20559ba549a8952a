"""A model apart from its pool: which one it is, and that what is said about it is true."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from learn.test_learner import KIND, a_fit, ready
from learn.test_model_files import NETWORKS, card_of

from tuilabel.errors import UsageError
from tuilabel.learn.apart import Apart, take_apart
from tuilabel.learn.learner import Learner
from tuilabel.learn.model_files import write_model
from tuilabel.learn.names import AUTO
from tuilabel.learn.requests import Fit

A_CARD = card_of(NETWORKS["softmax"])
REST = np.arange(60, 120)
AUDIT = {"audit_items": tuple(range(12, 60)), "audit_classes": tuple(KIND[12:60].tolist())}


def apart(learner: Learner, request: Fit) -> Apart:
    return take_apart(learner, request, REST, rng=np.random.default_rng(0))


@pytest.mark.parametrize("model", ["softmax", "mlp"])
def test_a_model_that_needs_no_pool_is_taken_as_it_is_and_measured_as_a_round_does(
    model: str,
) -> None:
    request = a_fit(model=model, **AUDIT)
    learner = ready(request, holdout=None)
    found = apart(learner, request)
    assert (found.model, found.features, found.agreement) == (model, "hog", None)
    assert found.accuracy == learner.fit(request).accuracy
    assert found.accuracy is not None
    assert (found.accuracy.n, found.accuracy.name) == (48, "audit")
    assert found.calibration is not None
    teacher = learner.teach(request)
    np.testing.assert_allclose(
        found.network.probabilities(teacher.pool.rows(REST)),
        found.calibration.apply(teacher.of_pool(REST)),
        atol=1e-5,
    )


@pytest.mark.parametrize("model", ["softmax", "mlp", "hybrid"])
def test_onnxruntime_returns_the_calibrated_probabilities_of_the_model(model: str) -> None:
    pytest.importorskip("onnx")
    runtime = pytest.importorskip("onnxruntime")
    # Wrong answers, so that there is a temperature.
    answers = tuple((kind + row % 2) % 3 for row, kind in enumerate(AUDIT["audit_classes"]))
    request = a_fit(model=model, **{**AUDIT, "audit_classes": answers})
    learner = ready(request, holdout=None)
    found = apart(learner, request)
    assert found.calibration is not None
    assert abs(found.calibration.temperature - 1) > 0.1
    teacher = learner.teach(request, seen=(found.model, found.features))
    features = teacher.pool.rows(REST)
    session = runtime.InferenceSession(write_model(".onnx", found.network, A_CARD))
    np.testing.assert_allclose(
        session.run(None, {"features": features})[0],
        found.calibration.apply(teacher.of_pool(REST)),
        atol=1e-5,
        rtol=0,
    )


@pytest.mark.parametrize(
    ("model", "features", "possible"),
    [("hybrid", "hog", {"hog"}), ("graph", "hog", {"hog"}), (AUTO, AUTO, {"deskew-hog", "raw"})],
)
def test_a_model_of_the_graph_is_replaced_and_compared_with(
    model: str, features: str, possible: set[str]
) -> None:
    request = a_fit(range(36), model=model, features=features)
    learner = ready(request)
    found = apart(learner, request)
    assert found.model == "softmax"
    assert found.features in possible
    own = learner.teach(request)
    assert found.agreement is not None
    assert (found.agreement.seen, found.agreement.n) == (own.seen, 60)
    chosen = learner.teach(request, seen=(found.model, found.features))
    same = chosen.of_pool(REST).argmax(axis=1) == own.of_pool(REST).argmax(axis=1)
    assert found.agreement.agreed == same.sum()
    assert found.accuracy is not None
    assert found.accuracy.name == "hold-out"


def test_a_model_of_a_plug_in_is_replaced(monkeypatch: pytest.MonkeyPatch) -> None:
    request = a_fit(model="mlp")
    learner = ready(request)
    monkeypatch.setattr("tuilabel.learn.learner.package_of", lambda group, name: "other 1.0")
    found = apart(learner, request)
    assert found.model == "softmax"
    assert found.agreement is not None
    assert found.agreement.seen == ("mlp", "hog")


def test_several_classes_are_measured_as_whole_sets() -> None:
    sets = ((1, 0, 0), (1, 1, 0), (-1, 0, 1))
    changes: dict[str, Any] = {"sets": sets, "model": "softmax"}
    request = a_fit(**changes, **AUDIT)
    learner = ready(request, holdout=None)
    found = apart(learner, request)
    assert found.network.several
    assert found.calibration is None
    assert found.accuracy == learner.fit(request).accuracy


def test_one_class_is_refused() -> None:
    rows = np.flatnonzero(KIND == 1)[:5]
    request = a_fit(rows, model="softmax")
    with pytest.raises(UsageError, match="Only one class has labels"):
        apart(ready(request), request)
