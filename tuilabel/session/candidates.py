"""The items that may be asked next, and the audit reserve, which is kept apart from them."""

from __future__ import annotations

import zlib
from collections.abc import Collection, Iterable, Iterator, Sequence
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

_AS_BYTES = ("utf-8", "surrogateescape")

_CHUNK = 4096
"""Rows that are looked at together."""


class Candidates:
    """The rows of a pool in a random order, a share of them reserved for the audit set.

    The audit reserve is drawn uniformly from the whole pool before any item is asked, and is never
    queried. So the labelled part of it is a uniform sample of the pool. A sample of the rows that a
    strategy left over would consist of the easy ones.

    A row's place in the order depends on its own key and the seed, and whether it is reserved on
    its own paths and the seed: rows that join or leave the pool later change nothing for the
    others. A file that is edited becomes another item and stays in the reserve, or out of it, so
    that nothing is trained on a copy of an audit item.

    Parameters
    ----------
    keys : uint64 array of shape (count,)
        A number for each item, such as a part of its content hash.
    paths : iterable of sequence of str
        The places of each item in the source: relative paths, or rows of an array.
    audit
        The share of the paths to draw, 0 to 1. A row with a path that is drawn is reserved.
    seed
        Determines the order and the reserve.

    Attributes
    ----------
    keys
    reserved : bool array of shape (count,)
        Whether a row is in the audit reserve.
    """

    def __init__(
        self,
        keys: NDArray[np.uint64],
        paths: Iterable[Sequence[str]],
        audit: float,
        seed: int,
    ) -> None:
        rng = np.random.default_rng([seed, 0])
        for_order, for_audit = rng.integers(2**64, size=2, dtype=np.uint64)
        self.keys = keys
        self._for_order = for_order
        self._audit = audit
        self._seed = seed
        self.reserved = np.zeros(len(keys), dtype=bool)
        self._paths = np.ones(len(keys), dtype=np.intp)
        if audit > 0:
            places = list(paths)
            self._paths = np.fromiter(map(len, places), np.intp, len(places))
            # A start waits for this: CRC-32 is fast, and `mixed` makes it uniform.
            names = [zlib.crc32(name.encode(*_AS_BYTES)) for every in places for name in every]
            drawn = mixed(np.array(names, dtype=np.uint64), for_audit) / 2.0**64 < audit
            self.reserved[np.repeat(np.arange(len(keys)), self._paths)[drawn]] = True

    def draw(self, row: int) -> float:
        """Return the probability with which a row was drawn for the audit reserve."""
        paths = int(self._paths[row])
        return self._audit if paths == 1 else round(1 - (1 - self._audit) ** paths, 12)

    @cached_property
    def _order(self) -> NDArray[np.intp]:
        return np.argsort(mixed(self.keys, self._for_order), kind="stable")

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


def keys_of(items: Iterable[str]) -> NDArray[np.uint64]:
    """Return a number for each item, from its id: a uint64 array."""
    digits = "".join(item.rpartition(":")[2][:16] for item in items)
    return np.frombuffer(bytes.fromhex(digits), ">u8").astype(np.uint64)


def mixed(keys: NDArray[np.uint64], salt: np.uint64) -> NDArray[np.uint64]:
    """Return a number for each key, uniform from 0 to 2**64 - 1, that depends on the salt.

    The finaliser of SplitMix64 (Steele, Lea and Flood, "Fast splittable pseudorandom number
    generators", OOPSLA 2014). A key has different numbers for different salts.
    """
    found = keys ^ salt
    for shift, factor in ((30, 0xBF58476D1CE4E5B9), (27, 0x94D049BB133111EB)):
        found = (found ^ (found >> np.uint64(shift))) * np.uint64(factor)
    return found ^ (found >> np.uint64(31))
