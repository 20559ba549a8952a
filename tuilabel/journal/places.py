"""Where events lie in the files of a session, in columns: a million of them take 20 MB.

An event is found by a key of 64 bits, made of its id. Two ids may have the same key, by chance; as
it is made with random numbers, nobody can choose ids that do.
"""

from __future__ import annotations

import secrets
from array import array
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

_MANY = 20_000
_HIGH, _LOW = (secrets.randbits(64) | 1 for _ in range(2))


def key_of(id: str) -> int:
    """Return the key of an event's id."""
    return (int(id[:16], 16) * _HIGH + int(id[16:], 16) * _LOW) % 2**64


@dataclass
class Rows:
    """Events that were found and not yet delivered.

    Attributes
    ----------
    ids : bytearray
        16 bytes each.
    columns : array
        5 numbers each: Lamport counter, part of a file, offset in the file, line, kind.
    """

    ids: bytearray = field(default_factory=bytearray)
    columns: array[int] = field(default_factory=lambda: array("q"))

    def __len__(self) -> int:
        return len(self.ids) // 16

    def add(self, id: bytes, *columns: int) -> None:
        """Add an event."""
        self.ids += id
        self.columns.extend(columns)

    def in_order(self) -> tuple[NDArray[Any], ...]:
        """Return key, part, offset, line and kind of each event, in the order of (t, id)."""
        ids = np.frombuffer(self.ids, ">u8").reshape(-1, 2).astype(np.uint64)
        table = np.frombuffer(self.columns, np.int64).reshape(-1, 5)
        order = np.lexsort((ids[:, 1], ids[:, 0], table[:, 0]))
        keys = ids[:, 0] * np.uint64(_HIGH) + ids[:, 1] * np.uint64(_LOW)
        return keys[order], *(table[order, column] for column in range(1, 5))


class Places:
    """The part and the offset of every event, by its key."""

    def __init__(self) -> None:
        empty = np.empty(0, np.uint64), np.empty(0, np.int32), np.empty(0, np.int64)
        self._sorted: tuple[NDArray[Any], ...] = empty
        self._recent: dict[int, tuple[int, int]] = {}

    def get(self, key: int) -> tuple[int, int] | None:
        """Return part and offset of an event; None if it is not known."""
        if key in self._recent:
            return self._recent[key]
        keys, parts, places = self._sorted
        row = int(np.searchsorted(keys, np.uint64(key)))
        if row < len(keys) and int(keys[row]) == key:
            return int(parts[row]), int(places[row])
        return None

    def put(self, key: int, part: int, place: int) -> None:
        """Record where an event lies."""
        self._recent[key] = part, place

    def repeated(self, keys: NDArray[np.uint64]) -> set[int]:
        """Return the keys that are known already, or that occur twice."""
        if len(keys) < _MANY:
            listed: list[int] = keys.tolist()
            once: set[int] = set()
            twice = {key for key in listed if key in once or once.add(key)}  # type: ignore[func-returns-value]
            return twice | {key for key in once if self.get(key) is not None}
        ordered = np.sort(keys)
        found = set(ordered[1:][ordered[1:] == ordered[:-1]].tolist())
        found.update(ordered[np.isin(ordered, self._sorted[0])].tolist())
        return found.union(key for key in ordered.tolist() if key in self._recent)

    def add_all(self, keys: NDArray[np.uint64], parts: NDArray[Any], places: NDArray[Any]) -> None:
        """Record where many events lie; of those with the same key, the earlier ones."""
        if len(keys) < _MANY:
            for key, part, place in zip(
                keys.tolist(), parts.tolist(), places.tolist(), strict=True
            ):
                self._recent.setdefault(key, (part, place))
            return
        columns = zip(self._sorted, (keys, parts.astype(np.int32), places), strict=True)
        joined = [np.concatenate(pair) for pair in columns]
        _, rows = np.unique(joined[0], return_index=True)
        self._sorted = tuple(column[rows] for column in joined)
