"""Calibration: of the items a model is 90% sure of, nine in ten should be right.

A temperature must be fitted on labels that represent the pool: those of a hold-out or an audit
set. Labels that a strategy asked for are the hard ones, and training has seen them, so a
temperature fitted on them makes the probabilities worse.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from tuilabel.learn.checks import check_indices

LEAST_CALIBRATION_LABELS = 30
"""With fewer labels no temperature is fitted: it would be noise."""

LOWEST_TEMPERATURE, HIGHEST_TEMPERATURE = 0.05, 100.0

LEAST_LIKELIHOOD_GAIN = 3.84
"""The least value of twice the gain in log-likelihood for which a temperature is used. Chance alone
exceeds it in one of twenty cases (chi-squared, one degree of freedom). Without this limit a few
dozen labels make well calibrated probabilities worse."""

ECE_BINS = 15
CALIBRATION_FOLDS = 5

# The smallest normal float32: a softmax in float32 rounds anything smaller to 0.
_LEAST_LOG = math.log(np.finfo(np.float32).tiny)


@dataclass(frozen=True)
class Calibration:
    """A temperature, and what it was fitted on.

    Attributes
    ----------
    temperature
        Above 1 the model was too sure, below 1 not sure enough; 1 changes nothing.
    n
        Number of labels it was fitted on.
    ece_before, ece_after
        Expected calibration error of the probabilities of these items, 0 to 1, without and with
        a temperature. The latter is cross-fitted: each item's temperature comes from the other
        items. None if nothing was fitted.
    fitted_on
        Name of the set: ``"hold-out"``, ``"t10k"``, ``"audit"``; None if nothing was fitted.
    reason
        A sentence on why nothing was fitted; None if a temperature was.
    """

    temperature: float
    n: int
    ece_before: float | None
    ece_after: float | None
    fitted_on: str | None
    reason: str | None

    def apply(self, probabilities: NDArray[Any]) -> NDArray[np.floating[Any]]:
        """Return probabilities at this temperature; the likeliest class stays the likeliest.

        Parameters
        ----------
        probabilities : (n, k) floating array
            Rows sum to 1. Rows are independent, so a pool may be passed in chunks.

        Returns
        -------
        (n, k) floating array of the same dtype
            Rows sum to 1. A probability of exactly 0, such as that of a class without a label,
            stays 0. At temperature 1 the given array is returned.

        Raises
        ------
        ValueError
            If the rows are not probabilities.
        """
        check_probabilities(probabilities)
        if self.temperature == 1:
            return probabilities
        logs = _logs(probabilities) / self.temperature
        logs -= _log_sums(logs)[:, np.newaxis]
        return np.exp(logs).astype(probabilities.dtype)

    def sentence(self) -> str:
        """Return one sentence about the calibration."""
        if self.reason is not None or self.ece_before is None or self.ece_after is None:
            return str(self.reason)
        if self.temperature == 1:
            return (
                f"The probabilities stay as they are: {self.n:,} {self.fitted_on} labels show no "
                f"clear error in them (calibration error {100 * self.ece_before:.1f} points)."
            )
        return (
            f"Calibrated on {self.n:,} {self.fitted_on} labels: temperature "
            f"{self.temperature:.2f}, calibration error {100 * self.ece_before:.1f} to "
            f"{100 * self.ece_after:.1f} points."
        )


def fit_temperature(
    probabilities: NDArray[Any], truth: NDArray[np.integer], *, fitted_on: str, rng: Generator
) -> Calibration:
    """Fit the temperature that maximises the likelihood of the true classes.

    The negative log-likelihood of the labels is minimised, together with that of one more label:
    an average item whose class is its second likeliest. Without it, a few labels that are all
    predicted right would give a temperature of 0 and probabilities of 1. Platt's targets
    ("Probabilistic outputs for support vector machines", 1999) have the same purpose. The
    temperature stays 1 unless a likelihood-ratio test clearly favours another one.

    Parameters
    ----------
    probabilities : (m, k) floating array
        Of items that represent the pool and were not trained on: those of a hold-out or an audit
        set.
    truth : (m,) integer array
        Their classes, 0 to k - 1. A class may have a probability of exactly 0.
    fitted_on
        The name of the set.
    rng
        Splits the items to measure the error with the temperature.

    Returns
    -------
    Calibration
        With a reason and temperature 1 for fewer than `LEAST_CALIBRATION_LABELS` labels, or for a
        model that knows only one class.

    Raises
    ------
    ValueError
        If the rows are not probabilities, or the number of classes differs from that of rows.

    References
    ----------
    Guo, Pleiss, Sun & Weinberger, "On calibration of modern neural networks", ICML 2017.
    """
    _check_pairs(probabilities, truth)
    n = len(truth)
    reason = _reason_not_to(probabilities, fitted_on)
    if reason is not None:
        return Calibration(1.0, n, None, None, None, reason)
    before = ece(probabilities, truth)
    temperature, gain = _best_temperature(probabilities, truth)
    if gain < LEAST_LIKELIHOOD_GAIN:
        return Calibration(1.0, n, before, before, fitted_on, None)
    apart = np.empty(probabilities.shape)
    for fold in np.array_split(rng.permutation(n), CALIBRATION_FOLDS):
        others = np.setdiff1d(np.arange(n), fold)
        other, _ = _best_temperature(probabilities[others], truth[others])
        logs = _logs(probabilities[fold]) / other
        apart[fold] = np.exp(logs - _log_sums(logs)[:, np.newaxis])
    return Calibration(
        temperature=temperature,
        n=n,
        ece_before=before,
        ece_after=ece(apart, truth),
        fitted_on=fitted_on,
        reason=None,
    )


def ece(probabilities: NDArray[Any], truth: NDArray[np.integer], bins: int = ECE_BINS) -> float:
    """Return the expected calibration error: by how much confidence and accuracy differ.

    Items are put into bins of equal width by the probability of their likeliest class. In each
    bin the mean of that probability is compared with the share that is right, and the differences
    are averaged, weighted by the number of items. With few items the result is too large.

    Parameters
    ----------
    probabilities : (m, k) floating array
        Rows sum to 1.
    truth : (m,) integer array
        Classes, 0 to k - 1.
    bins
        Number of bins.

    Returns
    -------
    float
        0 to 1.

    Raises
    ------
    ValueError
        If the rows are not probabilities, the number of classes differs from that of rows, there
        are no rows, or `bins` is below 1.

    References
    ----------
    Naeini, Cooper & Hauskrecht, "Obtaining well calibrated probabilities using Bayesian binning",
    AAAI 2015.
    """
    _check_pairs(probabilities, truth)
    if len(truth) == 0 or bins < 1:
        raise ValueError(
            f"There are {len(truth)} items and {bins} bins; expected at least one of each."
        )
    confidences = probabilities.max(axis=1).astype(np.float64)
    right = probabilities.argmax(axis=1) == truth
    # Bins are closed above; rounding can put a sum slightly over 1.
    bin_of = np.clip(np.ceil(confidences * bins).astype(np.intp) - 1, 0, bins - 1)
    gaps = np.bincount(bin_of, weights=confidences - right, minlength=bins)
    return float(np.abs(gaps).sum() / len(truth))


def check_probabilities(probabilities: NDArray[Any]) -> None:
    """Check that each row is a distribution over at least one class.

    Parameters
    ----------
    probabilities : (n, k) floating array

    Raises
    ------
    ValueError
        If not; the message says what was found.
    """
    shape = probabilities.shape
    if len(shape) != 2 or shape[1] == 0 or not np.issubdtype(probabilities.dtype, np.floating):
        raise ValueError(
            f"Probabilities are {probabilities.dtype} of shape {shape}; expected floating numbers "
            "of shape (items, classes) with at least one class."
        )
    # Written so that NaN fails too.
    sound = (probabilities >= 0).all(axis=1) & (np.abs(probabilities.sum(axis=1) - 1) < 1e-3)
    if not sound.all():
        raise ValueError(
            f"{int((~sound).sum())} of {shape[0]} rows are not probabilities: each must sum to 1, "
            "without NaN or negative numbers."
        )


def _check_pairs(probabilities: NDArray[Any], truth: NDArray[np.integer]) -> None:
    check_probabilities(probabilities)
    if truth.shape != (len(probabilities),):
        raise ValueError(
            f"{len(probabilities)} rows of probabilities have classes of shape {truth.shape}; "
            "expected one class for each row."
        )
    check_indices(truth, probabilities.shape[1], "True classes")


def _reason_not_to(probabilities: NDArray[Any], name: str) -> str | None:
    n = len(probabilities)
    own = "the model's own probabilities are used, which tend to be too high"
    if n == 0:
        return f"There are no {name} labels to calibrate on: {own}."
    if n < LEAST_CALIBRATION_LABELS:
        return (
            f"Calibration needs {LEAST_CALIBRATION_LABELS} {name} labels, and there "
            f"{'is' if n == 1 else 'are'} {n}: {own}."
        )
    if ((probabilities > 0).sum(axis=1) == 1).all():
        return f"The model is certain of every {name} item, so it cannot be calibrated: {own}."
    return None


def _best_temperature(
    probabilities: NDArray[Any], truth: NDArray[np.integer]
) -> tuple[float, float]:
    """Return the best temperature, and twice its gain in log-likelihood over a temperature of 1."""
    from scipy.optimize import minimize_scalar

    logs = _logs(probabilities)
    clipped = np.maximum(logs, _LEAST_LOG)
    true_logs = clipped[np.arange(len(truth)), truth]
    second_logs = np.partition(clipped, -2, axis=1)[:, -2]

    def loss(log_temperature: float) -> float:
        sharpness = math.exp(-log_temperature)
        sums = _log_sums(logs * sharpness)
        of_labels = (sums - sharpness * true_logs).sum()
        of_one_more = (sums - sharpness * second_logs).mean()
        return float(of_labels + of_one_more)

    # The loss is convex in the sharpness, so it has one minimum in its logarithm.
    bounds = (math.log(LOWEST_TEMPERATURE), math.log(HIGHEST_TEMPERATURE))
    found = minimize_scalar(loss, bounds=bounds, method="bounded", options={"xatol": 1e-5})
    return math.exp(float(found.x)), 2 * (loss(0.0) - float(found.fun))


def _logs(probabilities: NDArray[Any]) -> NDArray[np.float64]:
    """Return logarithms; that of 0 is minus infinity, without a warning."""
    logs = np.full(probabilities.shape, -np.inf)
    np.log(probabilities, out=logs, where=probabilities > 0)
    return logs


def _log_sums(logs: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return log(sum(exp(row))) of each row; every row has a finite entry."""
    highest = logs.max(axis=1)
    sums: NDArray[np.float64] = highest + np.log(np.exp(logs - highest[:, np.newaxis]).sum(axis=1))
    return sums
