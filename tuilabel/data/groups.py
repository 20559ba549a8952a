"""Which rows of a source are frames of one group, as far as that is known."""

from __future__ import annotations

from bisect import insort
from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from tuilabel.data.grouping import MOST_FRAMES, too_many

_AHEAD = 8
"""Files of a folder that are read together to find where a group ends."""

Rows = NDArray[np.intp]
Flags = NDArray[np.bool_]


class Known(NamedTuple):
    """What was read of the rows of a source.

    Attributes
    ----------
    unread, refused : bool arrays of shape (n,)
        As in `tuilabel.data.dataset.Reading`.
    times : float64 array of shape (n,)
        When each file was written or taken, in seconds; those of files that were not read count
        for nothing.
    clocks : bool array of shape (n,)
        Whether the time is that of a camera: it is not compared with other times.
    """

    unread: Flags
    refused: Flags
    times: NDArray[np.float64]
    clocks: Flags


class _Parts(NamedTuple):
    """The rows in an order in which the frames of a group are neighbours, divided into parts.

    A part is a group, or rows of which it is not known yet to which group they belong.

    Attributes
    ----------
    starts : intp array of shape (parts,)
        The place of the first row of each part.
    is_group : bool array of shape (parts,)
        Whether a group begins there.
    number : intp array of shape (n,)
        The part of each place.
    """

    starts: Rows
    is_group: Flags
    number: Rows


class Groups:
    """The groups of the rows of a source.

    The first frame of a group, by name, is its head: the place of a group in the random order, and
    its role, are those of its head. So they depend on the seed and on relative paths alone, but
    for the times by which `exif` divides a folder.

    Parameters
    ----------
    buckets : mapping
        Rows that may be frames of one group, in the order of their names, by what they have in
        common.
    names : callable
        Returns the path of a row.
    known : callable
        Returns what was read until now.
    seconds : float, optional
        The longest time from one frame to the next; without it a bucket is a group.

    Attributes
    ----------
    order : intp array of shape (n,)
        The rows, those of a group one after another.
    places : intp array of shape (n,)
        The place of each row in it.
    """

    def __init__(
        self,
        buckets: Mapping[Hashable, list[int]],
        names: Callable[[int], str],
        known: Callable[[], Known],
        seconds: float | None = None,
    ) -> None:
        self._buckets = dict(buckets)
        self._names = names
        self._known = known
        self._seconds = seconds
        self._found: _Parts | None = None
        self._lay_out()

    def _lay_out(self) -> None:
        """Bring the rows into order."""
        rows = [row for bucket in self._buckets.values() for row in bucket]
        self.order: Rows = np.array(rows, dtype=np.intp)
        self.places: Rows = np.empty(len(rows), dtype=np.intp)
        self.places[self.order] = np.arange(len(rows))
        sizes = np.fromiter(map(len, self._buckets.values()), np.intp, len(self._buckets))
        self._begins = np.cumsum(sizes) - sizes
        self._found = None

    def grow(self, buckets: Iterable[Hashable], key: Callable[[int], tuple[object, ...]]) -> None:
        """Add rows at the end, each to its bucket.

        Parameters
        ----------
        buckets : iterable
        key : callable
            Returns what rows of a bucket are sorted by.
        """
        for row, bucket in enumerate(buckets, len(self.order)):
            insort(self._buckets.setdefault(bucket, []), row, key=key)
        self._lay_out()

    def changed(self) -> None:
        """Take into account that more was read."""
        if self._seconds is not None:
            self._found = None

    @property
    def _parts(self) -> _Parts:
        if self._found is None:
            is_start = np.zeros(len(self.order), dtype=bool)
            is_start[self._begins] = True
            is_group = is_start.copy()
            if self._seconds is not None:
                self._divide(is_start, is_group, self._seconds)
            starts = np.flatnonzero(is_start)
            self._found = _Parts(starts, is_group[starts], np.cumsum(is_start) - 1)
        return self._found

    def _divide(self, is_start: Flags, is_group: Flags, seconds: float) -> None:
        """Divide folders where a file follows late; where it is not known yet, mark a part."""
        known = self._known()
        # A file that cannot be read has no time: the files around it follow each other.
        places = np.flatnonzero(~known.refused[self.order])
        rows = self.order[places]
        if not rows.size:
            return
        folder = np.searchsorted(self._begins, places, side="right")
        after = folder[1:] == folder[:-1]
        times, clocks, unread = known.times[rows], known.clocks[rows], known.unread[rows]
        unsure = after & (unread[1:] | unread[:-1])
        late = (np.abs(np.diff(times)) > seconds) | (clocks[1:] != clocks[:-1])
        is_start[places[1:]] = unsure | late | ~after
        is_group[places[1:]] = ~unsure & (late | ~after)
        is_start[places[0]] = is_group[places[0]] = True

    # Parts as the loop needs them.

    @property
    def heads(self) -> Rows:
        """The first row of each part."""
        return self.order[self._parts.starts]

    @property
    def too_large(self) -> Flags:
        """Whether a part has too many rows to be asked: shape (parts,)."""
        starts = self._parts.starts
        return np.diff(starts, append=len(self.order)) > MOST_FRAMES

    @property
    def problem(self) -> str | None:
        """A sentence about a group that is too large to be asked; None without one."""
        large = np.flatnonzero(self.too_large)
        if not large.size:
            return None
        head = int(self.heads[large[0]])
        return f"{too_many(len(self.rows(head)), self.name(head))}: it is left out."

    def is_known(self, rows: int) -> bool:
        """Return whether it is known which of the first rows are heads."""
        parts = self._parts
        of_unknown = ~parts.is_group[parts.number[self.places[:rows]]]
        return not bool((of_unknown & self._is_first(rows)).any())

    def _is_first(self, rows: int) -> Flags:
        """Return which of the first rows begin a part."""
        places = self.places[:rows]
        return np.equal(self._parts.starts[self._parts.number[places]], places)

    def any_of(self, flags: Flags) -> Flags:
        """Return for each part whether one of its rows has a flag."""
        found = np.logical_or.reduceat(flags[self.order], self._parts.starts)
        return np.asarray(found, dtype=bool)

    def spread(self, flags: Flags) -> Flags:
        """Return for each row whether the first row of its part has a flag."""
        found: Flags = flags[self.heads][self._parts.number[self.places]]
        return found

    def first_of(self, flags: Flags) -> Rows:
        """Return for each group the first row that has a flag; -1 where none has, or for others."""
        count = len(self.order)
        places = np.where(flags[self.order], np.arange(count), count)
        first = np.minimum.reduceat(places, self._parts.starts)
        is_there = (first < count) & self._parts.is_group
        return np.where(is_there, self.order[np.minimum(first, count - 1)], -1)

    def head(self, row: int) -> int:
        """Return the first row of the part that a row is in."""
        return int(self.order[self._span(row)[0]])

    def _span(self, row: int) -> tuple[int, int]:
        starts, number = self._parts.starts, int(self._parts.number[self.places[row]])
        end = starts[number + 1] if number + 1 < len(starts) else len(self.order)
        return int(starts[number]), int(end)

    def is_group(self, row: int) -> bool:
        """Return whether it is known which group a row is in."""
        return bool(self._parts.is_group[self._parts.number[self.places[row]]])

    def rows(self, row: int) -> list[int]:
        """Return the rows of the part that a row is in, in order."""
        found: list[int] = self.array(row).tolist()
        return found

    def array(self, row: int) -> Rows:
        """Return the same as an array."""
        start, end = self._span(row)
        return self.order[start:end]

    def name(self, row: int) -> str:
        """Return the path of the first file of a group."""
        return self._names(self.head(row))

    def lacking(self, row: int) -> list[int]:
        """Return the rows to read before the group of a row is known whole; none if it is."""
        known = self._known()
        start, end = self._span(row)
        if end - start > MOST_FRAMES:
            return []
        wanted = self.order[start:end]
        if self._seconds is not None:
            if not self._parts.is_group[self._parts.number[start]]:
                wanted = np.concatenate([wanted[:1], self._before(start, known)])
            elif end < len(self.order) and not self._parts.is_group[self._parts.number[end]]:
                folder = np.searchsorted(self._begins, end, side="right")
                last = self._begins[folder] if folder < len(self._begins) else len(self.order)
                wanted = np.concatenate([wanted, self.order[end : min(end + _AHEAD, int(last))]])
        found: list[int] = wanted[known.unread[wanted]].tolist()
        return found

    def _before(self, place: int, known: Known) -> Rows:
        """Return the row before a place that can be read, as far as it is known."""
        while place and known.refused[self.order[place - 1]]:
            place -= 1
        return self.order[max(0, place - 1) : place]

    def before(self, rows: int) -> list[int]:
        """Return the rows to read before it is known which of the first rows are heads."""
        known, places = self._known(), self.places[:rows]
        unknown = places[~self._parts.is_group[self._parts.number[places]]]
        # The place before each that can be read, as far as that is known.
        readable = np.where(known.refused[self.order], 0, np.arange(len(self.order)))
        last = np.maximum.accumulate(readable)[unknown - 1]
        found = self.order[last]
        wanted: list[int] = found[known.unread[found]].tolist()
        return wanted

    def role_paths(self, row: int) -> Sequence[str]:
        """Return the paths that decide whether a row is in the audit set.

        It is the path of the head; while that is not known, the path of the row: only those of
        heads are asked for.
        """
        return (self._names(row) if self._seconds is not None else self.name(row),)


class WholeGroups(Groups):
    """The groups of items that were all read, of which a group may have several paths.

    Parameters
    ----------
    groups : sequence of (str, sequence of int)
        The path of the first file of each group, and its rows; every row is in one of them.
    paths : sequence of sequence of str
        For each row the paths of the first files of all groups that it is in.
    """

    def __init__(
        self, groups: Sequence[tuple[str, Sequence[int]]], paths: Sequence[Sequence[str]]
    ) -> None:
        count = len(paths)
        nothing = np.zeros(count, dtype=bool)
        known = Known(nothing, nothing, np.zeros(count), nothing)
        heads = {rows[0]: path for path, rows in groups}
        buckets: dict[Hashable, list[int]] = {path: list(rows) for path, rows in groups}
        super().__init__(buckets, heads.__getitem__, lambda: known)
        self._role_paths = paths

    def role_paths(self, row: int) -> Sequence[str]:
        """Return the paths that decide whether a row is in the audit set."""
        return self._role_paths[row]
