"""A fitted model as numbers alone: layers that a file can hold and any program can compute."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tuilabel.learn.features import unit_rows

Layer = tuple[NDArray[np.float32], NDArray[np.float32]]
"""Weights of shape (d, h) and biases of shape (h,)."""

CERTAIN = 20.0
"""The score of a class that all labelled items have: its probability is within 1e-8 of 1."""


@dataclass(frozen=True, eq=False)
class Network:
    """Layers with a rectifier between each two; a softmax is one layer.

    Attributes
    ----------
    layers : tuple of Layer
        At least one; the last has a score for each class.
    several : bool
        Whether each class has a probability of its own, by the logistic function. Otherwise the
        probabilities of an item sum to 1, by the softmax function.
    """

    layers: tuple[Layer, ...]
    several: bool = False

    @property
    def width(self) -> int:
        """The number of features, d."""
        return int(self.layers[0][0].shape[0])

    @property
    def n_classes(self) -> int:
        """The number of classes, k."""
        return len(self.layers[-1][1])

    def probabilities(self, features: NDArray[Any]) -> NDArray[np.float32]:
        """Predict the classes of items, see `tuilabel.learn.models.Model`.

        One float32 matrix product per layer and chunk is several times faster than scikit-learn's
        predict_proba, which checks its input and copies the scores.
        """
        scores = unit_rows(features)
        for place, (weights, biases) in enumerate(self.layers):
            if place:
                np.maximum(scores, 0, out=scores)
            scores = scores @ weights
            scores += biases
        if self.several:
            # The logistic function in a form that does not overflow.
            scores *= np.float32(0.5)
            np.tanh(scores, out=scores)
            scores += 1
            scores *= np.float32(0.5)
            return scores
        # The maximum over a few long rows is several times faster than over many short ones.
        scores -= np.ascontiguousarray(scores.T).max(axis=0)[:, None]
        np.exp(scores, out=scores)
        scores /= scores.sum(axis=1, keepdims=True)
        return scores

    def at(self, temperature: float) -> Network:
        """Return the network whose scores are divided by a temperature."""
        weights, biases = self.layers[-1]
        factor = np.float32(1 / temperature)
        return Network((*self.layers[:-1], (weights * factor, biases * factor)), self.several)


def joined(members: Sequence[Network | float], width: int) -> Network:
    """Return one network with a probability for each of several classes.

    Parameters
    ----------
    members : sequence of Network or float
        For each class the network of two classes of which the second is that class, all with the
        same number of layers; or a score, for a class that all or no labelled items have.
    width : int
        The number of features.
    """
    networks = [member for member in members if isinstance(member, Network)]
    depth = max((len(network.layers) for network in networks), default=1)
    layers: list[Layer] = []
    for level in range(depth):
        is_last = level == depth - 1
        blocks: list[Layer] = []
        for member in members:
            if isinstance(member, Network):
                weights, biases = member.layers[level]
                if is_last:
                    weights, biases = weights[:, 1:] - weights[:, :1], biases[1:] - biases[:1]
                blocks.append((weights, biases))
            elif is_last:
                height = width if level == 0 else 0
                blocks.append((np.zeros((height, 1), np.float32), np.array([member], np.float32)))
        every = [weights for weights, _ in blocks]
        weights = np.hstack(every) if level == 0 else _block_diagonal(every)
        layers.append((weights, np.concatenate([biases for _, biases in blocks])))
    return Network(tuple(layers), several=True)


def _block_diagonal(blocks: Sequence[NDArray[np.float32]]) -> NDArray[np.float32]:
    whole = np.zeros(np.sum([block.shape for block in blocks], axis=0), np.float32)
    row = column = 0
    for block in blocks:
        whole[row : row + len(block), column : column + block.shape[1]] = block
        row, column = row + len(block), column + block.shape[1]
    return whole
