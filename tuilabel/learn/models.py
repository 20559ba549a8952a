"""Models: they predict the classes of all items from a few labelled ones.

A model's probabilities always have one column per class, in class order. A class without a label
has probability exactly 0. If only one class has labels, its probability is 1. Without labels,
every class is equally probable. scikit-learn is imported by the functions that fit.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Protocol

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from tuilabel.learn.calibration import check_probabilities
from tuilabel.learn.checks import check_indices
from tuilabel.learn.class_sets import OneVersusRest, fit_each
from tuilabel.learn.feature_view import View
from tuilabel.learn.features import CHUNK_ROWS, unit_rows
from tuilabel.learn.levels import fit_levels, has_levels
from tuilabel.learn.network import CERTAIN, Layer, Network, joined
from tuilabel.plugins import blame, load, package_of

TYPICAL_LENGTH = 10.0
"""Root mean square length that labelled rows are scaled to before a fit.

So regularisation and step sizes suit all features alike. It is about the length of MNIST's pixels.
"""


class Model(Protocol):
    """A fitted model."""

    def probabilities(self, features: NDArray[Any]) -> NDArray[np.float32]:
        """Predict the classes of items.

        Parameters
        ----------
        features : (m, ...) uint8 or float32 array
            Items of the shape the model was fitted on.

        Returns
        -------
        (m, k) float32 array
            One column per class, in class order; rows sum to 1.
        """
        ...


FitFunction = Callable[[NDArray[np.float32], NDArray[np.intp], Generator], Model]
"""Fits a model: what each name of the group ``models`` stands for, also in a plug-in.

The arguments are rows, (m, d) float32; their classes, (m,) intp from 0 to k - 1, of which each
occurs and k is at least 2; and a generator, the only source of random choices. The model predicts
these k classes. It is called from one thread at a time.
"""


def fit_model(
    name: str,
    features: NDArray[Any],
    labels: NDArray[np.integer],
    *,
    n_classes: int,
    rng: Generator,
    parents: Sequence[int] = (),
    sets: NDArray[np.int8] | None = None,
) -> Model:
    """Fit the model of that name.

    Parameters
    ----------
    name
        A name of the group ``models`` in `tuilabel.plugins`, but not ``auto``.
    features : (m, ...) uint8 or float32 array
        The labelled items; bytes 0..255, or numbers scaled to 0..1. m may be 0.
    labels : (m,) integer array
        Class indices, 0 to n_classes - 1.
    n_classes
        k, the number of classes, whether or not each has a label.
    rng
        Source of the model's random choices.
    parents
        The class above each, see `tuilabel.learn.levels`; empty where no class lies below another.
    sets : (s, k) int8 array, optional
        Sets of classes, see `tuilabel.learn.class_sets`. Then labels are rows of it, and the rows
        of probabilities do not sum to 1.

    Returns
    -------
    Model

    Raises
    ------
    UsageError
        If there is no such model.
    PluginError
        If the model is a plug-in's, and it fails.
    ValueError
        If the numbers of labels and items differ, or a label is not a class.
    """
    fit: FitFunction = load("models", name)
    if labels.shape != (len(features),):
        raise ValueError(
            f"{len(features)} items have labels of shape {labels.shape}; expected one each."
        )
    if sets is not None:
        check_indices(labels, len(sets), "Sets of classes")
        return fit_each(
            lambda used, has: fit_model(name, features[used], has, n_classes=2, rng=rng),
            sets[labels],
        )
    check_indices(labels, n_classes, "Labels")
    if has_levels(parents):
        fit_flat = partial(fit_model, name, n_classes=n_classes, rng=rng)
        return fit_levels(fit_flat, features, labels, parents)
    present = np.unique(labels)
    if len(present) == 0:
        return _Constant(np.full(n_classes, 1 / n_classes, dtype=np.float32))
    if len(present) == 1:
        return _Constant(np.eye(n_classes, dtype=np.float32)[present[0]])
    consecutive = np.searchsorted(present, labels)
    model = fit(unit_rows(features), consecutive, rng)
    if package_of("models", name):
        model = _FromPlugin(name, model, len(present))
    if len(present) == n_classes:
        return model
    return _Spread(model, present.astype(np.intp), n_classes)


def network_of(model: Model, width: int) -> tuple[NDArray[np.intp], Network] | None:
    """Return a fitted model as numbers alone, without the classes that it has no label of.

    Parameters
    ----------
    model : Model
        As `fit_model` returns it.
    width : int
        The number of features, d.

    Returns
    -------
    (c,) intp array, and Network of c classes
        The classes that the network predicts, in class order; None for the model of a plug-in, and
        for one that knows fewer than two classes.
    """
    if isinstance(model, Network):
        return np.arange(model.n_classes), model
    if isinstance(model, _Spread) and isinstance(model.model, Network):
        return model.present, model.model
    if isinstance(model, OneVersusRest):
        members = [_member(each) for each in model.models]
        known = [member for member in members if member is not None]
        if len(known) == len(members):
            return np.arange(len(members)), joined(known, width)
    return None


def _member(model: object) -> Network | float | None:
    """Return the network of two classes, or the score of a class that all items have, or none."""
    if isinstance(model, _Constant):
        none, all_ = model.distribution
        return float(CERTAIN * (all_ - none))
    return model if isinstance(model, Network) else None


def score_rows(
    model: Model,
    view: View,
    rows: NDArray[np.integer],
    chunk_rows: int = CHUNK_ROWS,
) -> Iterator[tuple[slice, NDArray[np.float32]]]:
    """Predict some items, a chunk at a time.

    Parameters
    ----------
    model
        A fitted model.
    view : View
        All items.
    rows : (r,) integer array
        Rows of the items to predict.
    chunk_rows
        Number of items in memory as float32 at once.

    Yields
    ------
    chunk : slice
        The positions in `rows`.
    probabilities : (at most chunk_rows, k) float32 array
        Of these items.
    """
    ascending = np.diff(rows) > 0
    # Allocating memory for each chunk may take longer than the prediction.
    room = np.empty((2 * min(chunk_rows, len(rows)), view.width), dtype=np.float32)
    for start in range(0, len(rows), chunk_rows):
        chunk = slice(start, min(start + chunk_rows, len(rows)))
        chosen = rows[chunk]
        first, last = int(chosen[0]), int(chosen[-1])
        if 0 <= last - first < 2 * len(chosen) and ascending[start : chunk.stop - 1].all():
            # Reading a few rows too many is faster than gathering the others.
            scored = model.probabilities(view.rows(slice(first, last + 1), room))
            yield chunk, scored if len(scored) == len(chosen) else scored[chosen - first]
        else:
            yield chunk, model.probabilities(view.rows(chosen, room))


def warm_up() -> None:
    """Import what a fit needs, by making one, so that later fits are not delayed."""
    for name in ("softmax", "mlp"):
        fit_model(
            name,
            np.eye(2, dtype=np.float32),
            np.arange(2),
            n_classes=2,
            rng=np.random.default_rng(0),
        )


@dataclass(frozen=True)
class _Constant:
    """The same distribution for every item."""

    distribution: NDArray[np.float32]

    def probabilities(self, features: NDArray[Any]) -> NDArray[np.float32]:
        return np.tile(self.distribution, (len(features), 1))


@dataclass(frozen=True)
class _Spread:
    """A model of some of the classes, with columns of zeros for the others."""

    model: Model
    present: NDArray[np.intp]
    n_classes: int

    def probabilities(self, features: NDArray[Any]) -> NDArray[np.float32]:
        spread = np.zeros((len(features), self.n_classes), dtype=np.float32)
        spread[:, self.present] = self.model.probabilities(features)
        return spread


@dataclass(frozen=True)
class _FromPlugin:
    """A model of a plug-in, whose predictions are checked."""

    name: str
    model: Model
    n_classes: int

    def probabilities(self, features: NDArray[Any]) -> NDArray[np.float32]:
        with blame("models", self.name):
            rows = unit_rows(features)
            found = np.asarray(self.model.probabilities(rows), dtype=np.float32)
            expected = (len(features), self.n_classes)
            if found.shape != expected:
                raise ValueError(f"probabilities have shape {found.shape}; expected {expected}")
            check_probabilities(found)
        return found


def fit_softmax(
    rows: NDArray[np.float32], labels: NDArray[np.intp], rng: Generator, *, balanced: bool = False
) -> Model:
    """Fit a logistic regression; a `FitFunction`. If balanced, all classes weigh the same."""
    from sklearn.linear_model import LogisticRegression

    scale = _scale_of(rows)
    # On MNIST's training images C = 1 is at most one point below the best C for every number of
    # labels from 10 to 2,000; a smaller fixed C loses up to ten points with few labels. A looser
    # tolerance than the default halves the time and does not change the accuracy.
    weight = "balanced" if balanced else None
    regression = LogisticRegression(C=1.0, max_iter=100, tol=1e-3, class_weight=weight)
    fitted = _without_convergence_warning(regression, rows * scale, labels)
    weights = (fitted.coef_.T * scale).astype(np.float32)
    bias = fitted.intercept_.astype(np.float32)
    return Network((_of_each_class(weights, bias),))


def _of_each_class(weights: NDArray[np.float32], biases: NDArray[np.float32]) -> Layer:
    """Return the last layer with a score for each class."""
    if len(biases) == 1:
        # With two classes only the second has a score; that of the first is 0.
        weights = np.hstack([np.zeros_like(weights), weights])
        biases = np.concatenate([np.zeros_like(biases), biases])
    return np.ascontiguousarray(weights), biases


def _scale_of(rows: NDArray[np.float32]) -> np.float32:
    length = np.sqrt(np.einsum("nd,nd->", rows, rows, dtype=np.float64) / len(rows))
    return np.float32(TYPICAL_LENGTH / length if length > 0 else 1)


def fit_mlp(rows: NDArray[np.float32], labels: NDArray[np.intp], rng: Generator) -> Model:
    """Fit a multi-layer perceptron; a `FitFunction`."""
    from sklearn.neural_network import MLPClassifier

    # Three times the default step: as accurate on MNIST with 10 to 1,000 labels, in half the time.
    network = MLPClassifier(
        hidden_layer_sizes=(100,),
        learning_rate_init=0.003,
        max_iter=100,
        random_state=int(rng.integers(2**32)),
    )
    scale = _scale_of(rows)
    fitted = _without_convergence_warning(network, rows * scale, labels)
    first, last = zip(fitted.coefs_, fitted.intercepts_, strict=True)
    return Network(((first[0] * scale, first[1]), _of_each_class(*last)))


def _without_convergence_warning(
    estimator: Any, rows: NDArray[np.float32], labels: NDArray[np.intp]
) -> Any:
    """Fit without a warning at the iteration limit: the next round fits again soon."""
    from sklearn.exceptions import ConvergenceWarning

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        return estimator.fit(rows, labels)
