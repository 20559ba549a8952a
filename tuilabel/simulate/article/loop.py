"""The article's loop: label images, train, sort the others, measure."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tuilabel.errors import UsageError
from tuilabel.simulate.article.softmax import Float32Array, IndexArray, Softmax, pixel_rows, train


@dataclass(frozen=True)
class Protocol:
    """The settings of the experiment; the defaults are those of the article.

    Attributes
    ----------
    pool
        Number of training images, in file order, that may be asked for.
    test
        Number of test images, in file order, on which the article measures and picks weights.
    batch
        Number of images labelled between two fits, by a person or by the model.
    budget
        Number of labels from a person.
    patience
        Number of steps in a row without improvement after which a fit ends.
    learning_rate
        Learning rate of Adam.
    classes
        k, the number of classes.
    clusters
        Number of centres of the k-means.
    draws
        Number of runs of each random baseline.
    noise
        Standard deviation of the noise that a perturbed run adds to its initial weights.

    Raises
    ------
    ValueError
        If a number is too small, or the batch, budget and pool do not fit each other.
    """

    pool: int = 4000
    test: int = 400
    batch: int = 10
    budget: int = 400
    patience: int = 10
    learning_rate: float = 0.1
    classes: int = 10
    clusters: int = 10
    draws: int = 10
    noise: float = 1e-6

    def __post_init__(self) -> None:
        if not 1 <= self.batch <= self.budget <= self.pool:
            raise ValueError(
                f"The batch size is {self.batch}, the budget {self.budget} and the pool "
                f"{self.pool}; expected 1 <= batch size <= budget <= pool."
            )
        if min(self.test, self.patience, self.classes, self.clusters, self.draws) < 1:
            raise ValueError(f"A number of {self} is below 1; expected 1 or more.")


ARTICLE = Protocol()


@dataclass(frozen=True, eq=False)
class ArticleImages:
    """The images of the experiment as rows, with their true classes.

    Attributes
    ----------
    pool, test, others : (m, d) float32 arrays
        Numbers from 0 to 1: the pool, the test images that the article uses, and the other test
        images.
    pool_classes, test_classes, others_classes : (m,) intp arrays
    shape
        Height and width of an image.
    """

    pool: Float32Array
    pool_classes: IndexArray
    test: Float32Array
    test_classes: IndexArray
    others: Float32Array
    others_classes: IndexArray
    shape: tuple[int, int]


def take_images(
    protocol: Protocol,
    train_images: NDArray[np.uint8],
    train_labels: NDArray[np.integer[Any]],
    test_images: NDArray[np.uint8],
    test_labels: NDArray[np.integer[Any]],
) -> ArticleImages:
    """Return the experiment's images from a data set.

    Parameters
    ----------
    protocol
    train_images : (n, height, width) uint8 array
    train_labels : (n,) integer array
        0 to ``protocol.classes - 1``.
    test_images : (m, height, width) uint8 array
    test_labels : (m,) integer array

    Returns
    -------
    ArticleImages

    Raises
    ------
    UsageError
        If there are too few images, they differ in size or are not bytes, or the labels are
        invalid.
    """
    _check("training", train_images, train_labels, protocol.pool, protocol.classes)
    # One test image more, because the leak is measured on the others.
    _check("test", test_images, test_labels, protocol.test + 1, protocol.classes)
    if train_images.shape[1:] != test_images.shape[1:]:
        raise UsageError(
            f"Training images have {_size(train_images)} pixels and test images "
            f"{_size(test_images)}; expected images of one data set."
        )
    pool, test = slice(protocol.pool), slice(protocol.test)
    others = slice(protocol.test, None)
    return ArticleImages(
        pixel_rows(train_images[pool]),
        np.asarray(train_labels[pool]).astype(np.intp),
        pixel_rows(test_images[test]),
        np.asarray(test_labels[test]).astype(np.intp),
        pixel_rows(test_images[others]),
        np.asarray(test_labels[others]).astype(np.intp),
        (train_images.shape[1], train_images.shape[2]),
    )


def _check(what: str, images: NDArray[Any], labels: NDArray[Any], least: int, classes: int) -> None:
    if images.ndim != 3 or images.dtype != np.uint8:
        raise UsageError(
            f"The {what} images are {images.dtype} of shape {images.shape}; the article's "
            "protocol needs grey images as bytes, (images, height, width)."
        )
    if len(images) < least:
        raise UsageError(
            f"There are {len(images):,} {what} images; the article's protocol needs at least "
            f"{least:,}. Use all of MNIST."
        )
    if labels.shape != (len(images),):
        raise UsageError(
            f"{len(images):,} {what} images have labels of shape {labels.shape}; expected one "
            "label for each."
        )
    if labels.min() < 0 or labels.max() >= classes:
        raise UsageError(
            f"The {what} labels run from {labels.min()} to {labels.max()}; "
            f"expected 0 to {classes - 1}."
        )


def _size(images: NDArray[Any]) -> str:
    return f"{images.shape[1]} x {images.shape[2]}"


class ArticleLearner:
    """A softmax with its labelled images, and the others in the order to ask for them.

    Parameters
    ----------
    protocol
    images
    on_test
        Whether each fit picks its weights on the test images, as the article does; otherwise on
        the labelled images, by the same rule.
    order : (pool,) intp array, optional
        The pool's rows in the order to ask for them; by default file order.
    start : (d + 1, k) float32 array, optional
        Initial weights; by default zero.

    Attributes
    ----------
    left : (r,) intp array
        Pool rows without a label, in the order to ask for them.
    labels : int
        Number of images with a label, from a person or the model.
    auto_right : int
        Number of the model's labels that are right.
    """

    def __init__(
        self,
        protocol: Protocol,
        images: ArticleImages,
        *,
        on_test: bool,
        order: IndexArray | None = None,
        start: Float32Array | None = None,
    ) -> None:
        n, d = images.pool.shape
        self._protocol, self._images, self._on_test = protocol, images, on_test
        self._model = Softmax(d, protocol.classes, protocol.learning_rate, start)
        self._rows: Float32Array = np.empty((n, d), np.float32)
        self._classes: IndexArray = np.empty(n, np.intp)
        self._counted: tuple[Float32Array, tuple[int, int]] | None = None
        self.left: IndexArray = np.arange(n) if order is None else order.copy()
        self.labels = 0
        self.auto_right = 0

    def label(self, size: int) -> None:
        """Label the next images with their true classes."""
        chosen, self.left = self.left[:size], self.left[size:]
        self._add(chosen, self._images.pool_classes[chosen])

    def auto_label(self, size: int) -> None:
        """Label the most confident images with the model's classes.

        The rest stays sorted by confidence, so that equally confident images keep their order
        from call to call; the last ones are labelled first.
        """
        shares = self._model.probabilities(self._images.pool[self.left])
        order = np.argsort(shares.max(axis=1), kind="stable")
        split = max(0, len(order) - size)
        chosen, classes = self.left[order[split:]], shares.argmax(axis=1)[order[split:]]
        self.left = self.left[order[:split]]
        self.auto_right += int(np.count_nonzero(classes == self._images.pool_classes[chosen]))
        self._add(chosen, classes)

    def _add(self, chosen: IndexArray, classes: IndexArray) -> None:
        end = self.labels + len(chosen)
        self._rows[self.labels : end] = self._images.pool[chosen]
        self._classes[self.labels : end] = classes
        self.labels = end

    def sort(self) -> None:
        """Sort the images left by confidence, least confident first; ties keep their order."""
        self.left = self.left[np.argsort(self.confidence(), kind="stable")]

    def confidence(self) -> Float32Array:
        """Return the probability of the likeliest class of each image left, (r,) float32."""
        best: Float32Array = self._model.probabilities(self._images.pool[self.left]).max(axis=1)
        return best

    def hits(self) -> NDArray[np.bool_]:
        """Return for each image left, (r,), whether its likeliest class is the true one."""
        likeliest = self._model.probabilities(self._images.pool[self.left]).argmax(axis=1)
        right: NDArray[np.bool_] = likeliest == self._images.pool_classes[self.left]
        return right

    def fit(self) -> None:
        """Train on all labels, starting from the current weights and moments."""
        rows, classes = self._rows[: self.labels], self._classes[: self.labels]
        judge = (rows, classes)
        if self._on_test:
            judge = (self._images.test, self._images.test_classes)
        train(self._model, rows, classes, *judge, self._protocol.patience)

    def right(self) -> tuple[int, int]:
        """Return how many test images and other test images are predicted right."""
        images, weights = self._images, self._model.weights
        # Most fits improve nothing and keep their weights.
        if self._counted is None or not np.array_equal(self._counted[0], weights):
            counts = (
                self._model.count_right(images.test, images.test_classes),
                self._model.count_right(images.others, images.others_classes),
            )
            self._counted = (weights.copy(), counts)
        return self._counted[1]

    def copy(self) -> ArticleLearner:
        """Return another learner in the same state."""
        twin = copy.copy(self)
        twin._model = self._model.copy()
        twin._rows, twin._classes = self._rows.copy(), self._classes.copy()
        return twin


def ask_least_confident(learner: ArticleLearner, protocol: Protocol) -> Iterator[int]:
    """Label, fit and sort again until the budget is spent; yield the labels after each fit.

    The first batch is the beginning of the learner's order.
    """
    while learner.labels < protocol.budget:
        learner.label(min(protocol.batch, protocol.budget - learner.labels))
        learner.fit()
        learner.sort()
        yield learner.labels


def ask_in_order(learner: ArticleLearner, protocol: Protocol) -> Iterator[int]:
    """Label and fit until the budget is spent, in the learner's order; yield the labels so far."""
    while learner.labels < protocol.budget:
        learner.label(min(protocol.batch, protocol.budget - learner.labels))
        learner.fit()
        yield learner.labels


def auto_label_most_confident(learner: ArticleLearner, protocol: Protocol) -> Iterator[int]:
    """Label the most confident images by the model and fit, until none is left."""
    while len(learner.left):
        learner.auto_label(protocol.batch)
        learner.fit()
        yield learner.labels
