"""Answers as columns: a million of them take a fifth of the memory that as many tuples would."""

from __future__ import annotations

from array import array
from typing import NamedTuple

from tuilabel.journal.lines import Event


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
        None for a skip.
    audit : bool
        Whether the item was drawn for the audit set.
    """

    t: int
    id: str
    number: int
    by: str
    rank: int
    class_id: str | None
    audit: bool


class _Texts(dict[str | None, int]):
    """Numbers for texts, each made when it is first asked for; None has 0."""

    def __init__(self) -> None:
        super().__init__({None: 0})
        self.texts: list[str | None] = [None]

    def __missing__(self, text: str) -> int:
        number = self[text] = len(self.texts)
        self.texts.append(text)
        return number


class Answers:
    """A table of answers, in the order in which they arrived; none is ever removed."""

    def __init__(self) -> None:
        self._t = array("Q")
        self._ids: list[str] = []
        self._items: list[str] = []
        self._numbers = array("Q")
        self._by = array("I")
        self._classes = array("I")
        self._flags = array("B")
        self._texts = _Texts()

    def add(
        self,
        event: Event,
        number: int,
        item: str,
        rank: int,
        class_id: str | None,
        audit: bool,
    ) -> int:
        """Add an answer; return its row."""
        id_, _, t, _, by, _, _, _ = event
        self._t.append(t)
        self._ids.append(id_)
        self._items.append(item)
        self._numbers.append(number)
        self._by.append(self._texts[by])
        self._classes.append(self._texts[class_id])
        self._flags.append(rank << 1 | audit)
        return len(self._ids) - 1

    def __len__(self) -> int:
        return len(self._ids)

    def item(self, row: int) -> str:
        """Return the item that an answer is about."""
        return self._items[row]

    def __getitem__(self, row: int) -> Given:
        flags = self._flags[row]
        by = self._texts.texts[self._by[row]]
        assert by is not None
        return Given(
            self._t[row],
            self._ids[row],
            self._numbers[row],
            by,
            flags >> 1,
            self._texts.texts[self._classes[row]],
            bool(flags & 1),
        )

    def order(self, row: int) -> tuple[int, str]:
        """Return what answers are ordered by."""
        return self._t[row], self._ids[row]
