"""Several classes for an item: a model for each class.

The classes of an item are a row of numbers, one for each class: `HAS`, `HAS_NOT` or `UNKNOWN`. Each
class is learned from the items where it is known, against all of these that lack it. So the
probabilities of an item do not sum to 1.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

HAS, HAS_NOT, UNKNOWN = 1, 0, -1


class _Model(Protocol):
    def probabilities(self, features: NDArray[Any]) -> NDArray[np.float32]: ...


class Tally(NamedTuple):
    """How a class was predicted for the items where it is known.

    Attributes
    ----------
    found, missed : int
        Items that have it: predicted, and not.
    wrong, absent : int
        Items that do not have it: predicted all the same, and not.
    """

    found: int
    missed: int
    wrong: int
    absent: int

    @property
    def n(self) -> int:
        """Number of items where the class is known."""
        return sum(self)


def fit_each(
    fit: Callable[[NDArray[np.bool_], NDArray[np.intp]], _Model], known: NDArray[np.int8]
) -> _Model:
    """Fit a model for each class.

    Parameters
    ----------
    fit : callable
        Fits a model of two classes. Takes which of the items to use, (m,) bool, and whether these
        have the class, (u,) intp.
    known : (m, k) int8 array
        What is known of each item.
    """
    columns = known.T
    return OneVersusRest(
        [fit(column != UNKNOWN, column[column != UNKNOWN].astype(np.intp)) for column in columns]
    )


@dataclass(frozen=True)
class OneVersusRest:
    """A model for each class, of which the second column is the probability."""

    models: Sequence[_Model]

    def probabilities(self, features: NDArray[Any]) -> NDArray[np.float32]:
        found = np.empty((len(features), len(self.models)), dtype=np.float32)
        for column, model in enumerate(self.models):
            found[:, column] = model.probabilities(features)[:, 1]
        return found


@dataclass(frozen=True)
class LeastCertain:
    """The predictions of a model about the class of each item that it is least certain about."""

    model: _Model

    def probabilities(self, features: NDArray[Any]) -> NDArray[np.float32]:
        """Return whether items have that class: (n, 2) float32."""
        return least_certain(self.model.probabilities(features))


def least_certain(probabilities: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return for each item whether it has the class that is least certain: (n, 2) float32.

    So a strategy asks for the items of which the model is unsure about some class. Rows sum to 1.
    """
    least = np.abs(probabilities - 0.5).argmin(axis=1)
    has = probabilities[np.arange(len(probabilities)), least]
    return np.stack([1 - has, has], axis=1)


def tallies(known: NDArray[np.int8], predicted: NDArray[np.bool_]) -> tuple[Tally, ...]:
    """Return how each class was predicted: (m, k) arrays."""

    def counts(is_so: NDArray[np.bool_]) -> list[int]:
        return [int(count) for count in is_so.sum(axis=0)]

    has, has_not = known == HAS, known == HAS_NOT
    return tuple(
        map(
            Tally._make,
            zip(
                counts(has & predicted),
                counts(has & ~predicted),
                counts(has_not & predicted),
                counts(has_not & ~predicted),
                strict=True,
            ),
        )
    )


def whole_sets(known: NDArray[np.int8], predicted: NDArray[np.bool_]) -> tuple[int, int]:
    """Return of how many items the whole set is right, of those where every class is known."""
    whole = (known != UNKNOWN).all(axis=1)
    right = (predicted == (known == HAS)).all(axis=1)
    return int((whole & right).sum()), int(whole.sum())
