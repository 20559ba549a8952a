"""The items that may be asked next, and the audit reserve, which is kept apart from them."""

from __future__ import annotations

from collections.abc import Container, Iterable, Iterator

import numpy as np
from numpy.typing import NDArray


class Candidates:
    """The rows of a pool in a random order, a share of them reserved for the audit set.

    The audit reserve is drawn uniformly from the whole pool before any item is asked, and is never
    queried. So the labelled part of it is a uniform sample of the pool. A sample of the rows that a
    strategy left over would consist of the easy ones. A row's place depends only on its own key and
    the seed: rows that join or leave the pool later change nothing for the others.

    Parameters
    ----------
    keys : uint64 array of shape (count,)
        A number for each item, such as a part of its content hash.
    audit
        The share of the rows to reserve, 0 to 1; of two rows or more at least one, unless 0.
    seed
        Determines the order and the reserve.

    Attributes
    ----------
    reserved : bool array of shape (count,)
        Whether a row is in the audit reserve.
    """

    def __init__(self, keys: NDArray[np.uint64], audit: float, seed: int) -> None:
        rng = np.random.default_rng([seed, 0])
        for_order, for_audit = rng.integers(2**64, size=2, dtype=np.uint64)
        self._order: NDArray[np.intp] = np.argsort(_mixed(keys, for_order), kind="stable")
        drawn = _mixed(keys, for_audit)
        self.reserved = drawn / 2.0**64 < audit
        if audit > 0 and len(keys) > 1 and not self.reserved.any():
            self.reserved[np.argmin(drawn)] = True
        self._audit = audit
        self._seed = seed
        self._next_query = self._next_audit = 0

    def queries(
        self, ranked: Iterable[int], answered: Container[int], taken: Container[int] = ()
    ) -> Iterator[int]:
        """Yield the rows to ask: the ranked rows, best first, then the others in random order.

        Parameters
        ----------
        ranked
            Rows, best first.
        answered, taken
            Rows not to ask: answered already, or asked at another place or desk.
        """
        ranked = dict.fromkeys(ranked)
        for row in ranked:
            if not (row in answered or row in taken or self.reserved[row]):
                yield row
        order = self._order
        while self._next_query < len(order) and order[self._next_query] in answered:
            self._next_query += 1
        for row in map(int, order[self._next_query :]):
            if not (row in answered or row in taken or row in ranked or self.reserved[row]):
                yield row

    def audits(self, answered: Container[int], taken: Container[int] = ()) -> Iterator[int]:
        """Yield the rows of the audit reserve to ask, in random order."""
        order = self._order
        while self._next_audit < len(order) and (
            not self.reserved[order[self._next_audit]] or order[self._next_audit] in answered
        ):
            self._next_audit += 1
        for row in map(int, order[self._next_audit :]):
            if self.reserved[row] and not (row in answered or row in taken):
                yield row

    def audit_places(self, size: int, batch: int) -> frozenset[int]:
        """Return the places for rows of the audit reserve in the batch with this number.

        Their number is the reserved share of the batch, rounded up or down at random.
        """
        if not self.reserved.any():
            return frozenset()
        rng = np.random.default_rng([self._seed, 1, batch])
        count = int(size * self._audit + rng.random())
        return frozenset(rng.choice(size, count, replace=False).tolist())

    def forget_progress(self) -> None:
        """Search from the first row again, after an answer was taken back."""
        self._next_query = self._next_audit = 0


def _mixed(keys: NDArray[np.uint64], salt: np.uint64) -> NDArray[np.uint64]:
    """Return a number for each key, uniform from 0 to 2**64 - 1, that depends on the salt.

    The finaliser of SplitMix64 (Steele, Lea and Flood, "Fast splittable pseudorandom number
    generators", OOPSLA 2014).
    """
    mixed = keys ^ salt
    for shift, factor in ((30, 0xBF58476D1CE4E5B9), (27, 0x94D049BB133111EB)):
        mixed = (mixed ^ (mixed >> np.uint64(shift))) * np.uint64(factor)
    return mixed ^ (mixed >> np.uint64(31))
