"""What is asked as one: an item, or a group of them; see `tuilabel.data.groups`."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence

import msgspec
import numpy as np
from numpy.typing import NDArray

from tuilabel.data import Dataset
from tuilabel.events.lines import LONGEST_LINE, Event
from tuilabel.events.payloads import Frame, stored_names
from tuilabel.session.labelled_rows import LabelledRows
from tuilabel.session.labels import Labels
from tuilabel.session.values import NotReadError

_LONGEST_FRAMES = LONGEST_LINE // 2
"""Bytes of the frames in one answer."""


class Units:
    """The units of a dataset: items, or the groups that they are frames of.

    A unit is known by its first row, and asked under the id of its first frame that can be read. An
    item that is in several groups, because files are equal, is asked in the first one.

    Parameters
    ----------
    items : Dataset
    known : Labels
    rows : LabelledRows, optional
        Which rows have answers; without it nothing may ask whether a group has.
    """

    def __init__(self, items: Dataset, known: Labels, rows: LabelledRows | None = None) -> None:
        self._items, self._known, self._rows = items, known, rows
        self.groups = items.groups

    # Of one item.

    def is_there(self, item: str) -> bool:
        """Return whether an item is in the source."""
        return self._items.row_of(item) is not None

    def is_answered(self, item: str) -> bool:
        """Return whether an item need not be asked, nor any frame of its group."""
        row = None if self.groups is None else self._items.row_of(item)
        if row is None:
            return self._known.is_answered(item)
        assert self._rows is not None
        frames, reading = np.array(self.frames(row)), self._items.reading
        answered = self._rows.answered
        return bool(answered[frames if reading is None else reading.first[frames]].all())

    def unit(self, item: str) -> object:
        """Return what is equal for all items that are asked together."""
        row = None if self.groups is None else self._items.row_of(item)
        return item if row is None else self.head(row)

    # Of one row.

    def head(self, row: int) -> int:
        """Return the row whose place in the random order, and whose role, the unit has."""
        return row if self.groups is None else self.groups.head(row)

    def lacking(self, row: int) -> list[int]:
        """Return the rows to read before the unit of a row can be shown."""
        if self.groups is not None:
            return self.groups.lacking(row)
        return [row] if self._is_unread(row) else []

    def _is_unread(self, row: int) -> bool:
        reading = self._items.reading
        return reading is not None and bool(reading.unread[row])

    def lacking_first(self, row: int) -> list[int]:
        """Return the rows to read before a unit has an id, under which it can be in a batch."""
        if self.groups is None or not self.groups.is_group(row):
            return self.lacking(row)
        reading = self._items.reading
        rows = (one for one in self.groups.rows(row) if reading and not reading.refused[one])
        first = next(rows, row)
        return [first] if self._is_unread(first) else []

    def frames(self, row: int) -> list[int]:
        """Return the rows that are asked together with a row, and itself, in order.

        Those that were not read yet are left out, and those that cannot be read.
        """
        if self.groups is None:
            return [row]
        rows, reading = self.groups.array(row), self._items.reading
        if reading is not None:
            rows = rows[~(reading.unread[rows] | reading.refused[rows])]
        found: list[int] = rows.tolist()
        return found or [row]

    def asked(self, row: int) -> int | None:
        """Return the row under whose id a unit is asked; None if other units have all its items.

        Raises
        ------
        NotReadError
            It is not known yet.
        """
        if self.lacking_first(row):
            raise NotReadError
        if self.groups is None:
            return row
        reading = self._items.reading
        for frame in self.groups.rows(row):
            if reading is None:
                return frame
            if reading.unread[frame]:
                raise NotReadError
            if not reading.refused[frame] and reading.first[frame] == frame:
                return frame
        return None

    def name(self, row: int) -> str:
        """Return the name of the group of a row as it is stored; empty for no group."""
        return "" if self.groups is None else stored_names([self.groups.name(row)])[0]

    def role_paths(self, rows: Iterable[int]) -> Iterable[Sequence[str]]:
        """Return the paths by which it is decided whether rows are in the audit set."""
        if self.groups is not None:
            return map(self.groups.role_paths, rows)
        paths = map(self._items.references, rows)
        # One that may be found equal to others has only its own.
        return paths if self._items.reading is None else (every[:1] for every in paths)

    def frames_of(self, rows: Sequence[int]) -> tuple[Frame, ...]:
        """Return rows as the further frames of an answer, which fits into a line of a log.

        Where their names are very long, they are left out.
        """
        ids, references = self._items.ids, self._items.references
        frames = tuple(
            Frame(ids[row], stored_names(references(row)), self._items.pixel_hash(row))
            for row in rows
        )
        if len(msgspec.json.encode(frames)) > _LONGEST_FRAMES:
            return tuple(Frame(one.item) for one in frames)
        return frames

    def covered(self, rows: Sequence[int], by: str, events: Sequence[Event]) -> list[int]:
        """Return the frames that an answer about all of some is about, equal ones once.

        A frame that was answered apart keeps that answer, and so does one that other people
        answered: if no other frame is left, it is about all of them.
        """
        frames = {self._items.ids[frame]: frame for frame in reversed(rows)}
        if len(frames) == 1:
            return list(rows[:1])
        every = dict(reversed(frames.items()))
        is_apart: dict[int, bool] = {}
        found = []
        for item, frame in every.items():
            own = self._known.own(item, by)
            if own is None:
                others = self._known.answers(item)
                if not self._known.is_answered(item) or all(one.rank for one in others):
                    found.append(frame)
                continue
            if own.number not in is_apart:
                is_apart[own.number] = getattr(events[own.number].payload, "relabel", False)
            if not is_apart[own.number]:
                found.append(frame)
        return found or list(every.values())

    # Of all rows.

    def open(self, closed: NDArray[np.bool_]) -> NDArray[np.bool_]:
        """Return the first row of each unit of which some row is not closed.

        Parameters
        ----------
        closed : bool array of shape (n,)
        """
        if self.groups is None:
            return ~closed
        found = np.zeros_like(closed)
        found[self.groups.heads] = self.groups.any_of(~closed) & ~self.groups.too_large
        return found

    def to_rank(self, closed: NDArray[np.bool_]) -> NDArray[np.bool_]:
        """Return the rows that models rank: one of each unit of which some row is not closed."""
        is_open = self.open(closed)
        if self.groups is None:
            return is_open
        reading = self._items.reading
        can_be = np.ones_like(closed)
        if reading is not None:
            can_be = ~(reading.unread | reading.refused)
            can_be &= reading.first == np.arange(len(can_be))
        rows = self.groups.first_of(can_be)
        found = np.zeros_like(closed)
        found[rows[(rows >= 0) & is_open[self.groups.heads]]] = True
        return found

    def is_ranked(self, rows: int) -> bool:
        """Return whether it is known which of the first rows models rank."""
        return self.groups is None or self.groups.is_known(rows)

    def once(self, classes: Mapping[int, int], without: Collection[int] = ()) -> dict[int, int]:
        """Return the classes of rows, of each group only that of its first frame with a class.

        The frames of a group are almost one picture. More of them would teach a model little,
        weigh the class by the length of the group, and count as several where accuracy is measured.

        Parameters
        ----------
        classes : mapping of int to int
            Class indices by row.
        without : collection of int
            Rows whose groups are left out: a group with an audit item is never trained on.
        """
        if self.groups is None:
            return dict(classes)
        groups = self.groups
        left_out = {groups.head(row) for row in without}
        places = groups.places
        firsts: dict[int, int] = {}
        for row in classes:
            head = groups.head(row)
            if head not in left_out and (head not in firsts or places[row] < places[firsts[head]]):
                firsts[head] = row
        chosen = set(firsts.values())
        return {row: column for row, column in classes.items() if row in chosen}
