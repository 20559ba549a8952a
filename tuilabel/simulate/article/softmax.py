"""A plain softmax and full-batch Adam, as the article's model is trained.

All arithmetic is float32, in the order of Adam's efficient form. Both matter: with more than a few
dozen labels, the last digits decide which images are asked for.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

Float32Array = NDArray[np.float32]
IndexArray = NDArray[np.intp]

_GREYS: Float32Array = (np.arange(256) / 255).astype(np.float32)
"""The number from 0 to 1 for each byte, divided in float64 and rounded once."""


def pixel_rows(images: NDArray[np.uint8]) -> Float32Array:
    """Flatten images into rows of numbers from 0 to 1.

    Parameters
    ----------
    images : (m, ...) uint8 array

    Returns
    -------
    (m, d) float32 array
    """
    return _GREYS[np.asarray(images).reshape(len(images), -1)]


class Adam:
    """Adam over one array of weights, in the efficient form.

    The two bias corrections are part of the step size, so `EPSILON` is added to the uncorrected
    second moment. The article's library does the same; with the other common form, results
    differ from 20 labels on.

    Parameters
    ----------
    shape : tuple of int
        Shape of the weights.
    learning_rate : float

    References
    ----------
    Kingma & Ba, "Adam: a method for stochastic optimization", ICLR 2015, end of section 2.
    """

    BETA1 = np.float32(0.9)
    BETA2 = np.float32(0.999)
    EPSILON = np.float32(1e-8)

    def __init__(self, shape: tuple[int, ...], learning_rate: float) -> None:
        self.learning_rate = np.float32(learning_rate)
        self.first: Float32Array = np.zeros(shape, np.float32)
        self.second: Float32Array = np.zeros(shape, np.float32)
        self._power1 = self.BETA1
        self._power2 = self.BETA2

    def step(self, weights: Float32Array, gradient: Float32Array) -> None:
        """Move the weights in place, one step down the gradient.

        Parameters
        ----------
        weights, gradient : float32 arrays
            Of the shape given to the constructor.
        """
        one = np.float32(1)
        self.first += (gradient - self.first) * (one - self.BETA1)
        self.second += (gradient * gradient - self.second) * (one - self.BETA2)
        size = self.learning_rate * np.sqrt(one - self._power2) / (one - self._power1)
        self._power1 *= self.BETA1
        self._power2 *= self.BETA2
        weights -= size * self.first / (np.sqrt(self.second) + self.EPSILON)

    def copy(self) -> Adam:
        """Return another Adam in the same state."""
        twin = Adam(self.first.shape, float(self.learning_rate))
        twin.first, twin.second = self.first.copy(), self.second.copy()
        twin._power1, twin._power2 = self._power1, self._power2
        return twin


class Softmax:
    """Multinomial logistic regression without a penalty, trained on all its rows at once.

    It keeps the moments of its Adam, so a later fit continues where the last one ended.

    Parameters
    ----------
    d : int
        Number of features.
    classes : int
        k, the number of classes.
    learning_rate : float
    start : (d + 1, k) float32 array, optional
        Initial weights, copied; the last row is the bias. By default zero.
    """

    def __init__(
        self, d: int, classes: int, learning_rate: float, start: Float32Array | None = None
    ) -> None:
        self.weights: Float32Array = np.zeros((d + 1, classes), np.float32)
        if start is not None:
            self.weights += start
        self.adam = Adam(self.weights.shape, learning_rate)

    def _scores(self, rows: Float32Array) -> Float32Array:
        scores: Float32Array = rows @ self.weights[:-1] + self.weights[-1]
        return scores

    def probabilities(self, rows: Float32Array) -> Float32Array:
        """Return class probabilities.

        Parameters
        ----------
        rows : (m, d) float32 array

        Returns
        -------
        (m, k) float32 array
            Rows sum to 1.
        """
        scores = self._scores(rows)
        powers = np.exp(scores - scores.max(axis=1, keepdims=True))
        shares: Float32Array = powers / powers.sum(axis=1, keepdims=True)
        return shares

    def count_right(self, rows: Float32Array, classes: IndexArray) -> int:
        """Return the number of rows whose likeliest class, the first of a tie, is the given one."""
        return int(np.count_nonzero(self._scores(rows).argmax(axis=1) == classes))

    def step(self, rows: Float32Array, classes: IndexArray) -> None:
        """Make one Adam step on the mean cross-entropy of all rows.

        Parameters
        ----------
        rows : (m, d) float32 array
            m is at least 1.
        classes : (m,) intp array
        """
        errors = self.probabilities(rows)
        errors[np.arange(len(classes)), classes] -= 1
        errors *= np.float32(1 / len(classes))
        gradient = np.vstack([rows.T @ errors, errors.sum(axis=0)[np.newaxis]])
        self.adam.step(self.weights, gradient)

    def copy(self) -> Softmax:
        """Return another model in the same state, moments included."""
        d, classes = self.weights.shape
        twin = Softmax(d - 1, classes, float(self.adam.learning_rate), self.weights)
        twin.adam = self.adam.copy()
        return twin


def train(
    model: Softmax,
    rows: Float32Array,
    classes: IndexArray,
    judge_rows: Float32Array,
    judge_classes: IndexArray,
    patience: int,
) -> int:
    """Train until no step improves on the judging images, and keep the best weights.

    The initial weights take part too, and of equally good weights the earliest are kept. The
    moments are not restored with the weights. There are at most ``patience * (j + 1)`` steps.

    Parameters
    ----------
    model
        Changed in place.
    rows : (m, d) float32 array
        Rows to train on.
    classes : (m,) intp array
    judge_rows : (j, d) float32 array
        Rows to pick the weights on; the article uses the test images.
    judge_classes : (j,) intp array
    patience
        Number of steps in a row without improvement after which training ends.

    Returns
    -------
    int
        Number of judging images that the kept weights predict right.
    """
    most = model.count_right(judge_rows, judge_classes)
    best = model.weights.copy()
    left = patience
    while left:
        model.step(rows, classes)
        right = model.count_right(judge_rows, judge_classes)
        if right > most:
            most, best, left = right, model.weights.copy(), patience
        else:
            left -= 1
    model.weights = best
    return most


def noise(rng: np.random.Generator, shape: tuple[int, ...], scale: float) -> Float32Array:
    """Return normal random numbers with that standard deviation, as float32."""
    drawn: NDArray[Any] = rng.standard_normal(shape)
    return (drawn * scale).astype(np.float32)
