"""Calibration: of the items a model is 90% sure of, nine in ten are right."""

from __future__ import annotations

import dataclasses
import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from tuilabel.learn.calibration import (
    HIGHEST_TEMPERATURE,
    LEAST_CALIBRATION_LABELS,
    Calibration,
    ece,
    fit_temperature,
)

Probabilities = NDArray[np.float32]


def rng(seed: int = 3) -> np.random.Generator:
    return np.random.default_rng(seed)


def softmax(scores: NDArray[np.float64]) -> Probabilities:
    grown = np.exp(scores - scores.max(axis=1, keepdims=True))
    return (grown / grown.sum(axis=1, keepdims=True)).astype(np.float32)


def simulated(
    n: int, sharpness: float, seed: int = 0, classes: int = 5
) -> tuple[Probabilities, NDArray[np.intp]]:
    """Return predictions that are `sharpness` times too sure, and classes drawn from the truth."""
    generator = rng(seed)
    scores = generator.normal(0, 2, (n, classes))
    true = softmax(scores).astype(np.float64)
    truth = (true.cumsum(axis=1) < generator.random((n, 1)) * true.sum(axis=1)[:, None]).sum(axis=1)
    return softmax(sharpness * scores), truth


def fitted(probabilities: Probabilities, truth: NDArray[np.intp]) -> Calibration:
    return fit_temperature(probabilities, truth, fitted_on="audit", rng=rng())


@pytest.mark.parametrize("sharpness", [0.5, 2.0, 4.0])
def test_the_temperature_that_the_classes_were_drawn_with_is_found(sharpness: float) -> None:
    found = fitted(*simulated(4000, sharpness))
    assert found.temperature == pytest.approx(sharpness, rel=0.05)
    fresh, truth = simulated(4000, sharpness, seed=1)
    assert ece(found.apply(fresh), truth) < 0.03 < ece(fresh, truth)
    assert found.ece_before is not None
    assert found.ece_after is not None
    assert found.ece_after < 0.03 < found.ece_before
    assert (found.n, found.fitted_on, found.reason) == (4000, "audit", None)


def test_the_temperature_is_where_the_likelihood_is_highest() -> None:
    probabilities, truth = simulated(500, 3.0)
    best = fitted(probabilities, truth)

    def loss(temperature: float) -> float:
        calibration = dataclasses.replace(best, temperature=temperature)
        logs = np.log(calibration.apply(probabilities.astype(np.float64)))
        second = np.partition(logs, -2, axis=1)[:, -2]
        return float(-logs[np.arange(500), truth].sum() - second.mean())

    around = np.linspace(0.9, 1.1, 41) * best.temperature
    assert loss(best.temperature) <= min(map(loss, around))
    assert loss(best.temperature) < loss(around[0])


def test_what_is_calibrated_is_left_as_it_is() -> None:
    left = [fitted(*simulated(200, 1.0, seed)).temperature == 1 for seed in range(40)]
    # By chance one of twenty is not.
    assert sum(left) >= 34
    probabilities, truth = simulated(200, 1.0, left.index(True))
    found = fitted(probabilities, truth)
    assert found.apply(probabilities) is probabilities
    assert found.ece_before == found.ece_after == ece(probabilities, truth)
    assert "stay as they are: 200 audit labels" in found.sentence()


@pytest.mark.parametrize("n", [0, 1, LEAST_CALIBRATION_LABELS - 1])
def test_too_few_labels_change_nothing_and_it_is_said(n: int) -> None:
    probabilities, truth = simulated(n, 4.0)
    found = fitted(probabilities, truth)
    assert (found.temperature, found.n, found.fitted_on) == (1.0, n, None)
    assert found.ece_before is found.ece_after is None
    assert found.reason == found.sentence()
    begin = "Calibration needs 30 audit labels, and there" if n else "There are no audit labels"
    assert found.sentence().startswith(begin)
    assert fitted(*simulated(LEAST_CALIBRATION_LABELS, 4.0)).reason is None


def test_predictions_that_are_all_right_do_not_become_certain() -> None:
    probabilities = np.tile(np.array([[0.6, 0.3, 0.1]], dtype=np.float32), (40, 1))
    found = fitted(probabilities, np.zeros(40, dtype=np.intp))
    # One label more that is wrong: 40 of 41.
    assert found.apply(probabilities)[0, 0] == pytest.approx(40 / 41, abs=0.01)


def test_classes_without_a_label_so_far_keep_everything_finite() -> None:
    probabilities, _ = simulated(300, 2.0, classes=3)
    wider = np.hstack([probabilities, np.zeros((300, 2), dtype=np.float32)])
    truth = rng().integers(0, 5, 300)
    found = fitted(wider, truth)
    assert 1 < found.temperature <= HIGHEST_TEMPERATURE
    assert found.ece_after is not None
    assert np.isfinite([found.temperature, found.ece_before, found.ece_after]).all()
    after = found.apply(wider)
    assert (after[:, 3:] == 0).all()
    assert np.isfinite(after).all()
    # Three of five items are of a class that can be found at all, and these by chance.
    assert after.max(axis=1).mean() < wider.max(axis=1).mean() / 1.5


def test_certain_predictions_that_are_wrong_keep_everything_finite() -> None:
    probabilities = np.array([[1, 0, 0], [0, 0.5, 0.5]], dtype=np.float32)[np.arange(60) % 2]
    found = fitted(probabilities, np.full(60, 1))
    assert np.isfinite(found.temperature)
    assert np.isfinite(found.apply(probabilities)).all()


@pytest.mark.parametrize("classes", [1, 4])
def test_a_model_of_one_class_cannot_be_calibrated(classes: int) -> None:
    certain = np.tile(np.eye(classes, dtype=np.float32)[0], (50, 1))
    found = fitted(certain, np.zeros(50, dtype=np.intp))
    assert found.temperature == 1
    assert "certain of every audit item" in found.sentence()


def test_same_seed_same_calibration() -> None:
    probabilities, truth = simulated(200, 3.0)
    assert fitted(probabilities, truth) == fitted(probabilities, truth)
    other = fit_temperature(probabilities, truth, fitted_on="audit", rng=rng(4))
    assert other.temperature == fitted(probabilities, truth).temperature
    assert other.ece_after != fitted(probabilities, truth).ece_after


def test_the_arguments_are_left_alone() -> None:
    probabilities, truth = simulated(200, 3.0)
    copies = probabilities.copy(), truth.copy()
    fitted(probabilities, truth).apply(probabilities)
    np.testing.assert_array_equal(probabilities, copies[0])
    np.testing.assert_array_equal(truth, copies[1])


@given(
    n=st.integers(0, 12),
    classes=st.integers(1, 6),
    temperature=st.floats(0.05, 100),
    double=st.booleans(),
    seed=st.integers(0, 100),
)
def test_applied_row_by_row_the_likeliest_class_stays(
    n: int, classes: int, temperature: float, double: bool, seed: int
) -> None:
    dtype = np.float64 if double else np.float32
    probabilities = rng(seed).dirichlet(np.full(classes, 0.3), n).astype(dtype)
    probabilities[probabilities < 0.01] = 0
    probabilities /= probabilities.sum(axis=1, keepdims=True)
    calibration = Calibration(temperature, 100, 0.1, 0.1, "audit", None)
    after = calibration.apply(probabilities)
    assert (after.dtype, after.shape) == (dtype, probabilities.shape)
    np.testing.assert_allclose(after.sum(axis=1), 1, atol=1e-5)
    assert (after[probabilities == 0] == 0).all()
    likeliest = probabilities.argmax(axis=1)
    np.testing.assert_array_equal(after[np.arange(n), likeliest], after.max(axis=1))
    for row in range(n):
        np.testing.assert_array_equal(
            calibration.apply(probabilities[row : row + 1])[0], after[row]
        )


def test_a_calibration_is_plain_values_and_a_sentence() -> None:
    calibration = Calibration(1.5, 900, 0.0214, 0.004, "t10k", None)
    assert json.loads(json.dumps(dataclasses.asdict(calibration)))["temperature"] == 1.5
    assert calibration.sentence() == (
        "Calibrated on 900 t10k labels: temperature 1.50, calibration error 2.1 to 0.4 points."
    )


# The calibration error.


def test_the_error_of_a_worked_example() -> None:
    probabilities = np.array([[0.9, 0.1], [0.9, 0.1], [0.8, 0.2], [0.4, 0.6]])
    truth = np.array([0, 1, 0, 0])
    # Of ten bins: (0.8, 0.9] has 1 of 2 right at 0.9, (0.7, 0.8] 1 of 1 at 0.8, (0.5, 0.6] 0 of 1
    # at 0.6.
    assert ece(probabilities, truth, bins=10) == pytest.approx((0.8 + 0.2 + 0.6) / 4)
    assert ece(probabilities, truth, bins=1) == pytest.approx(abs(3.2 / 4 - 2 / 4))


def test_certain_and_right_is_no_error_and_certain_and_wrong_the_whole() -> None:
    certain = np.eye(3, dtype=np.float32)
    assert ece(certain, np.array([0, 1, 2])) == 0
    assert ece(certain, np.array([1, 2, 0])) == 1


@given(st.integers(1, 60), st.integers(1, 20), st.integers(0, 1000))
def test_the_error_is_a_share_and_fewer_bins_hide_more(n: int, bins: int, seed: int) -> None:
    probabilities = rng(seed).dirichlet([0.5, 0.5, 0.5], n)
    truth = rng(seed + 1).integers(0, 3, n)
    gap = abs(probabilities.max(axis=1).mean() - (probabilities.argmax(axis=1) == truth).mean())
    error = ece(probabilities, truth, bins)
    assert gap - 1e-12 <= error <= 1
    assert ece(probabilities, truth, 1) == pytest.approx(gap)
    order = rng(seed).permutation(n)
    assert ece(probabilities[order], truth[order], bins) == pytest.approx(error)


# What is refused.


@pytest.mark.parametrize(
    ("probabilities", "found"),
    [
        (np.array([0.5, 0.5]), r"shape \(2,\)"),
        (np.empty((2, 0)), r"shape \(2, 0\)"),
        (np.array([[1, 0], [0, 1]]), "int64 of shape"),
        (np.array([[0.5, 0.4], [0.5, 0.5]]), "1 of 2 rows are not probabilities"),
        (np.array([[1.5, -0.5], [np.nan, 1.0]]), "2 of 2 rows are not probabilities"),
    ],
)
def test_what_is_no_probability_is_refused(probabilities: np.ndarray, found: str) -> None:
    truth = np.zeros(len(probabilities), dtype=np.intp)
    with pytest.raises(ValueError, match=found):
        Calibration(2.0, 50, 0.1, 0.1, "audit", None).apply(probabilities)
    with pytest.raises(ValueError, match=found):
        ece(probabilities, truth)
    with pytest.raises(ValueError, match=found):
        fitted(probabilities, truth)


def test_classes_that_do_not_match_are_refused() -> None:
    probabilities = np.full((3, 2), 0.5)
    with pytest.raises(ValueError, match=r"3 rows of probabilities have classes of shape \(2,\)"):
        ece(probabilities, np.array([0, 1]))
    with pytest.raises(ValueError, match="True classes run from 0 to 2; expected 0 to 1"):
        fitted(probabilities, np.array([0, 1, 2]))
    with pytest.raises(ValueError, match="0 items and 15 bins"):
        ece(probabilities[:0], np.empty(0, dtype=np.intp))
    with pytest.raises(ValueError, match="3 items and 0 bins"):
        ece(probabilities, np.array([0, 1, 1]), bins=0)
