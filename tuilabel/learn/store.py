"""The interface of a store for arrays that take long to compute."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

Parts = Callable[[], Iterable[NDArray[np.float32]]]
"""Makes an array: yields its rows in order, in pieces. It may be called more than once."""


class Store(Protocol):
    """Keeps arrays by name, perhaps across runs of the program."""

    def load(self, name: str) -> NDArray[Any] | None:
        """Return the array of that name; None if it is missing or damaged."""

    def save(self, name: str, shape: tuple[int, ...], parts: Parts) -> NDArray[np.float32]:
        """Store an array and return it, perhaps memory-mapped.

        Parameters
        ----------
        name
            The same name always stands for the same content.
        shape
            Shape of the whole array.
        parts : callable
            Yields its rows in order, in pieces that are stored one by one.
        """


class MemoryStore:
    """Keeps arrays in memory."""

    def __init__(self) -> None:
        self._arrays: dict[str, NDArray[Any]] = {}

    def load(self, name: str) -> NDArray[Any] | None:
        """Return the array of that name, or None."""
        return self._arrays.get(name)

    def save(self, name: str, shape: tuple[int, ...], parts: Parts) -> NDArray[np.float32]:
        """Store an array and return it."""
        array = np.empty(shape, dtype=np.float32)
        start = 0
        for part in parts():
            array[start : start + len(part)] = part
            start += len(part)
        self._arrays[name] = array
        return array
