"""The items that may be asked next, and the audit reserve, which is kept apart from them."""

from __future__ import annotations

from array import array
from collections.abc import Collection, Iterable, Iterator, Sequence
from functools import cached_property
from itertools import chain, islice

import numpy as np
from numpy.typing import NDArray

from tuilabel.data.order import mixed, name_keys, salts, seeded_order

_CHUNK = 4096
"""Rows that are looked at together."""


class Candidates:
    """The rows of a pool in a random order, a share of them reserved for the audit set.

    The audit reserve is drawn uniformly from the whole pool before any item is asked, and is never
    queried. So the labelled part of it is a uniform sample of the pool. A sample of the rows that a
    strategy left over would consist of the easy ones.

    A row's place in the order, and whether it is reserved, depend on its own paths and the seed:
    rows that join or leave the pool later change nothing for the others, and no file has to be
    read. A file that is edited becomes another item and stays in the reserve, or out of it, so
    that nothing is trained on a copy of an audit item.

    Parameters
    ----------
    paths : iterable of sequence of str
        The places of each item in the source: relative paths. The row itself counts where an item
        has none.
    audit
        The share of the paths to draw, 0 to 1. A row with a path that is drawn is reserved.
    seed
        Determines the order and the reserve.

    Attributes
    ----------
    keys : uint64 array of shape (count,)
        A number for each row, from its first path.
    reserved : bool array of shape (count,)
        Whether a row is in the audit reserve.
    """

    def __init__(self, paths: Iterable[Sequence[str]], audit: float, seed: int) -> None:
        counts, parts = array("q"), []
        every = ((found or (str(row),)) for row, found in enumerate(paths))
        while some := list(islice(every, _CHUNK)):
            counts.extend(map(len, some))
            parts.append(name_keys(chain.from_iterable(some)))
        numbers = np.concatenate([np.zeros(0, np.uint64), *parts])
        self._paths = np.array(counts, np.intp)
        self.keys = numbers[np.cumsum(self._paths) - self._paths]
        self._audit = audit
        self._seed = seed
        self.reserved = np.zeros(len(counts), dtype=bool)
        drawn = mixed(numbers, salts(seed)[1]) / 2.0**64 < audit
        self.reserved[np.repeat(np.arange(len(counts)), self._paths)[drawn]] = True
        self._is_released = False
        self._first = np.arange(len(counts))
        self._equal: dict[int, list[int]] = {}
        self._names: dict[int, set[int]] = {}

    def grow(self, paths: Sequence[Sequence[str]]) -> None:
        """Add rows at the end; nothing changes for the others."""
        added = Candidates(paths, self._audit, self._seed)
        first = np.arange(len(self.keys), len(self.keys) + len(paths))
        self._first = np.concatenate([self._first, first])
        self._paths = np.concatenate([self._paths, added._paths])
        self.keys = np.concatenate([self.keys, added.keys])
        self.reserved = np.concatenate([self.reserved, added.reserved & (not self._is_released)])
        self.__dict__.pop("_order", None)

    def release(self) -> None:
        """Reserve nothing any more: what was not asked yet is queried like all others."""
        self._is_released = True
        self.reserved[:] = False

    def join(self, row: int, first: int) -> None:
        """Take into account that a row is the same item as another, the first of all equal ones.

        All of them are reserved if any is.
        """
        equal = self._equal.setdefault(first, [first])
        equal.append(row)
        self._first[row] = first
        # A file that was written again has two rows, and one path.
        names = self._names.setdefault(first, {int(self.keys[first])})
        if int(self.keys[row]) not in names:
            names.add(int(self.keys[row]))
            self._paths[first] += self._paths[row]
        if self.reserved[row] != self.reserved[first]:
            self.reserved[equal] = True

    def draw(self, row: int) -> float:
        """Return the probability with which a row was drawn for the audit reserve."""
        paths = int(self._paths[self._first[row]])
        return self._audit if paths == 1 else round(1 - (1 - self._audit) ** paths, 12)

    @cached_property
    def _order(self) -> NDArray[np.intp]:
        return seeded_order(self.keys, self._seed)

    def queries(
        self, ranked: Collection[int], free: NDArray[np.bool_], start: int = 0
    ) -> Iterator[int]:
        """Yield the rows to ask: the ranked rows, best first, then the others in random order.

        Parameters
        ----------
        ranked
            Rows, best first, no two equal.
        free : bool array of shape (count,)
            The rows that may be asked. Those of the reserve are not.
        start : int
            The place in the random order to begin at; those before it come last.
        """
        free = free & ~self.reserved
        for row in ranked:
            if free[row]:
                free[row] = False
                yield row
        yield from self._in_order(free, start)

    def audits(self, free: NDArray[np.bool_], start: int = 0) -> Iterator[int]:
        """Yield the rows of the audit reserve to ask, in random order."""
        return self._in_order(free & self.reserved, start)

    def _in_order(self, wanted: NDArray[np.bool_], start: int) -> Iterator[int]:
        for part in (self._order[start:], self._order[:start]):
            for first in range(0, len(part), _CHUNK):
                rows = part[first : first + _CHUNK]
                yield from rows[wanted[rows]].tolist()

    def audit_places(self, size: int, batch: int) -> frozenset[int]:
        """Return the places for rows of the audit reserve in the batch with this number.

        Their number is the reserved share of the batch, rounded up or down at random.
        """
        if not self.reserved.any():
            return frozenset()
        rng = np.random.default_rng([self._seed, 1, batch])
        count = int(size * self._audit + rng.random())
        return frozenset(rng.choice(size, count, replace=False).tolist())
