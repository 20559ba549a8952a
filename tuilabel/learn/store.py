"""Where arrays that took long to make are kept, as far as learning needs to know."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

Parts = Callable[[], Iterable[NDArray[np.float32]]]
"""Begins to make an array: its rows in order, in pieces. It may have to be begun again."""


class Store(Protocol):
    """Keeps arrays by name, perhaps from one run to the next."""

    def load(self, name: str) -> NDArray[Any] | None:
        """Give the array of that name, or None where there is none that can be trusted."""

    def save(self, name: str, shape: tuple[int, ...], parts: Parts) -> NDArray[np.float32]:
        """Keep an array and give it back, perhaps memory-mapped.

        Parameters
        ----------
        name
            The same name always means the same content.
        shape
            Of the whole.
        parts : callable
            Gives its rows in order, in pieces that are taken one by one.
        """


class MemoryStore:
    """Keeps arrays for as long as this process lives."""

    def __init__(self) -> None:
        self._arrays: dict[str, NDArray[Any]] = {}

    def load(self, name: str) -> NDArray[Any] | None:
        """Give the array of that name, or None."""
        return self._arrays.get(name)

    def save(self, name: str, shape: tuple[int, ...], parts: Parts) -> NDArray[np.float32]:
        """Keep an array and give it back."""
        array = np.empty(shape, dtype=np.float32)
        start = 0
        for part in parts():
            array[start : start + len(part)] = part
            start += len(part)
        self._arrays[name] = array
        return array
