"""Answers as columns: a million of them take a fifth of the memory that as many tuples would."""

from __future__ import annotations

from array import array
from collections.abc import Collection, Iterable, Iterator, Sequence
from itertools import groupby
from typing import NamedTuple, TypeVar

import numpy as np

from tuilabel.events.lines import Event
from tuilabel.events.payloads import HUMAN, IMPORT, ORACLE_ORIGIN, Answer, Label, Skip
from tuilabel.session.class_sets import is_set, names_class, said

T = TypeVar("T")

RANKS = {HUMAN: 0, ORACLE_ORIGIN: 1, IMPORT: 2}
"""A rank counts only where no lower one has answered."""

AS_IMPORT = RANKS[IMPORT]


class Given(NamedTuple):
    """An answer of one annotator about one item, without what only a list of events shows.

    Attributes
    ----------
    t, id : int, str
        Their order is that of the events.
    number : int
        The place of its event among those read, from 0.
    by : str
    rank : int
        0 for a person, 1 for an oracle, 2 for an import.
    class_id : str or None
        None for a skip. In a session of several classes, a set: see `class_sets`.
    audit : bool
        Whether the item was drawn for the audit set.
    why : str
        The reason of a skip; empty where there is none.
    item : str
        The item that it was given about, which may count for another one: see `Carries`.
    """

    t: int
    id: str
    number: int
    by: str
    rank: int
    class_id: str | None
    audit: bool
    why: str = ""
    item: str = ""


Kind = tuple[str, int, str | None, bool, str]
"""Annotator, rank, class id, whether the item is in the audit set, and the reason of a skip: most
answers share one."""


def kind_of(event: Event) -> Kind:
    """Return the kind of an answer that has an event of its own."""
    answer = event.payload
    if isinstance(answer, Label):
        return event.by, RANKS.get(answer.origin, AS_IMPORT), answer.class_id, answer.audit, ""
    assert isinstance(answer, Answer)
    rank, why = RANKS.get(answer.origin, AS_IMPORT), answer.why if isinstance(answer, Skip) else ""
    return event.by, rank, said(answer), answer.audit, why


class Numbers(dict[T, int]):
    """Numbers from 0 on for things that are often the same, each made when it is first asked for.

    Attributes
    ----------
    things : list
        By number.
    """

    def __init__(self) -> None:
        self.things: list[T] = []

    def __missing__(self, thing: T) -> int:
        number = self[thing] = len(self.things)
        self.things.append(thing)
        return number


class Ids:
    """A list of ids; those of 32 hexadecimal digits, as nearly all are, take 16 bytes each."""

    def __init__(self) -> None:
        self._bytes = bytearray()
        self._others: dict[int, str] = {}

    def append(self, id_: str) -> None:
        """Add an id."""
        self.extend([id_])

    def extend(self, ids: Sequence[str]) -> None:
        """Add ids."""
        start, joined = len(self), "".join(ids)
        try:
            packed = bytes.fromhex(joined)
        except ValueError:
            packed = b""
        if packed.hex() != joined or any(len(id_) != 2 * _BYTES for id_ in ids):
            self._others |= enumerate(ids, start)
            packed = bytes(_BYTES * len(ids))
        self._bytes += packed

    def __len__(self) -> int:
        return len(self._bytes) // _BYTES

    def __getitem__(self, row: int) -> str:
        found = self._others.get(row) if self._others else None
        place = _BYTES * row
        return self._bytes[place : place + _BYTES].hex() if found is None else found


_BYTES = 16


class Answers:
    """A table of answers, in the order in which they arrived; none is ever removed."""

    def __init__(self) -> None:
        self._t, self._numbers, self._kinds = array("Q"), array("Q"), array("I")
        self._ids = Ids()
        self._items: list[str] = []
        self._known: Numbers[Kind] = Numbers()

    def add(self, event: Event, number: int, item: str, kind: Kind) -> int:
        """Add an answer; return its row."""
        ids = self._ids
        self._t.append(event[2])
        self._numbers.append(number)
        self._kinds.append(self._known[kind])
        self._items.append(item)
        ids.append(event[0])
        return len(ids) - 1

    def extend(
        self, events: Sequence[Event], labels: Sequence[Label], numbers: Iterable[int]
    ) -> None:
        """Add labels, each about one item.

        Parameters
        ----------
        events : sequence of Event
        labels : sequence of Label
            What is in them.
        numbers : iterable of int
            Their places among the events that were read.
        """
        known, rank = self._known, RANKS.get
        self._t.extend([event.t for event in events])
        self._numbers.extend(numbers)
        self._kinds.extend(
            [
                known[event.by, rank(label.origin, AS_IMPORT), label.class_id, label.audit, ""]
                for event, label in zip(events, labels, strict=True)
            ]
        )
        self._ids.extend([event.id for event in events])
        self._items.extend([label.item for label in labels])

    def since(self, row: int) -> tuple[list[str], list[int]]:
        """Return the items of the answers from a row on, and the numbers of their kinds."""
        return self._items[row:], self._kinds[row:].tolist()

    def __len__(self) -> int:
        return len(self._ids)

    def annotators(self) -> set[str]:
        """Return who gave any of them."""
        return {by for by, *_ in self._known.things}

    def kind(self, number: int) -> Kind:
        """Return a kind by its number."""
        return self._known.things[number]

    def item(self, row: int) -> str:
        """Return the item that an answer is about."""
        return self._items[row]

    def about(self, class_ids: Collection[str]) -> dict[str, None]:
        """Return the items that have an answer to one of some classes, in order of arrival."""
        wanted = np.array([_names(kind[2], class_ids) for kind in self._known.things], dtype=bool)
        if not wanted.any():
            return {}
        rows = np.flatnonzero(wanted[np.frombuffer(self._kinds, dtype=np.uintc)])
        return dict.fromkeys(self._items[row] for row in rows.tolist())

    def __getitem__(self, row: int) -> Given:
        kind = self._known.things[self._kinds[row]]
        return Given(self._t[row], self._ids[row], self._numbers[row], *kind, item=self._items[row])

    def newest(self) -> Iterator[int]:
        """Yield the rows of all answers, the newest first."""
        rows = np.argsort(np.array(self._t), kind="stable")[::-1]
        for _, same in groupby(map(int, rows), key=self._t.__getitem__):
            yield from sorted(same, key=self.order, reverse=True)

    def order(self, row: int) -> tuple[int, str]:
        """Return what answers are ordered by."""
        return self._t[row], self._ids[row]

    def order_in_item(self, row: int) -> tuple[int, str, int]:
        """Return what answers that count for one item are ordered by.

        An import may have lines about several items that count as one.
        """
        return self._t[row], self._ids[row], row


def _names(class_id: str | None, wanted: Collection[str]) -> bool:
    return class_id is not None and (
        class_id in wanted or (is_set(class_id) and names_class(class_id, wanted))
    )
