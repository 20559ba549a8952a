"""The desks of a session: who works at them, what they ask now, and whose an item is."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable

import numpy as np
from numpy.typing import NDArray

from tuilabel.data.order import mixed
from tuilabel.events.payloads import Batch, Begin, Opened
from tuilabel.session.record import Record


class Desks:
    """What the logs say about desks, and which of them are live.

    Parameters
    ----------
    record : Record
    keys : uint64 array of shape (count,)
        A number for each item, such as a part of its content hash.
    is_live : callable
        Returns whether somebody else works at the desk of a log at this moment.
    """

    def __init__(
        self, record: Record, keys: NDArray[np.uint64], is_live: Callable[[str], bool]
    ) -> None:
        self._record = record
        self._keys = keys
        self._is_live = is_live
        self._shared: tuple[tuple[str, ...], NDArray[np.bool_]] | None = None

    def grow(self, keys: NDArray[np.uint64]) -> None:
        """Take items into account that were added at the end: these are the numbers of all."""
        self._keys, self._shared = keys, None

    def annotators(self) -> list[str]:
        """Return the names of the others who work on the session at this moment, sorted."""
        live = (event.payload for log, event in self._record.begun.items() if self._is_live(log))
        return sorted({begin.annotator for begin in live if isinstance(begin, Begin)})

    def others(self) -> tuple[str, ...]:
        """Return the ids of the other live desks, sorted."""
        desks = {
            event.log: event.payload.desk or event.id
            for event in self._record.opened
            if isinstance(event.payload, Opened)
        }
        return tuple(sorted({desk for log, desk in desks.items() if self._is_live(log)}))

    def asked(self) -> set[str]:
        """Return the items that other desks are asking at this moment."""
        return {
            asked.item
            for log, event in self._record.batches.items()
            if isinstance(event.payload, Batch) and self._is_live(log)
            for asked in event.payload.items
        }

    def share_of(self, desk: str) -> NDArray[np.bool_] | None:
        """Return the rows that belong to a desk: (count,) bool; None where no other desk is live.

        An item belongs to the live desk with the largest hash of (item, desk) (rendezvous hashing:
        Thaler and Ravishankar, "Using name-based mappings to increase hit rates", IEEE/ACM
        Transactions on Networking 1998). So desks agree without a message, and when one comes or
        goes, only its own items change hands.
        """
        others = self.others()
        if not others:
            return None
        asked = (desk, *others)
        if self._shared is None or self._shared[0] != asked:
            self._shared = asked, shared(self._keys, desk, others)
        return self._shared[1]


def start_of(desk: str, count: int) -> int:
    """Return a place from 0 to count - 1 that differs from desk to desk, 0 if there is none.

    Desks that begin the random order at places of their own ask different items in the seconds in
    which they do not know of each other yet.
    """
    return int(_salt(desk)) % count if count else 0


def shared(keys: NDArray[np.uint64], desk: str, others: Iterable[str]) -> NDArray[np.bool_]:
    """Return whether an item belongs to a desk, and not to one of the others: (count,) bool.

    Parameters
    ----------
    keys : uint64 array of shape (count,)
        A number for each item, such as a part of its content hash.
    desk : str
    others : iterable of str
    """
    own, mine = mixed(keys, _salt(desk)), np.ones(len(keys), dtype=bool)
    for other in others:
        # Different salts give different numbers, so that there are no ties.
        mine &= own >= mixed(keys, _salt(other))
    return mine


def _salt(desk: str) -> np.uint64:
    return np.uint64(int.from_bytes(hashlib.blake2b(desk.encode(), digest_size=8).digest(), "big"))
