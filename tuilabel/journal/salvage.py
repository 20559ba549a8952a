"""The events left in a damaged session file, found with SQLite and without it."""

from __future__ import annotations

import os
import sqlite3
import tempfile
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass, field, replace
from itertools import pairwise
from pathlib import Path
from typing import Any, NamedTuple

from tuilabel.errors import SessionFileError
from tuilabel.journal.events import Event
from tuilabel.journal.pages import (
    DEFAULT_PAGE_SIZE,
    event_rows,
    index_entries,
    last_numbers,
    meta_rows,
    page_size_of,
)
from tuilabel.journal.reading import COLUMNS, connect, event_of, info_of, reason
from tuilabel.journal.schema import (
    FORMER_TABLE,
    VERSION,
    expected_objects,
    objects_of,
    version_of,
)
from tuilabel.journal.validate import is_valid
from tuilabel.journal.wal import Log, log_path, read_log
from tuilabel.text import counted

# How far a row is trusted, by the place where it was found.
_FRAME_DAMAGED, _FILE, _HIDDEN, _SQLITE, _FRAME = range(5)

_CHECKED = (_HIDDEN, _FRAME)
"""Places where checksums cover every byte."""

_MAY_BE_LEFT = (_FRAME_DAMAGED, _HIDDEN)
"""Places where remains of a failed write may be found."""

_LONGEST_GAP = 10_000
"""A number of an event that is further than this from all others is taken for damage."""

_ROOM = 2**16
"""Bytes that SQLite needs beside a copy, for its index of the log."""

_ANY_META = {
    **{"source": '""', "class_names": "[]", "pool": "null", "test": "null"},
    **{"seed": "0", "audit": "0", "window": "null"},
}
"""A valid description of a session, in which one value at a time is tried."""


@dataclass
class Salvage:
    """What was found in a file.

    Attributes
    ----------
    meta : dict
        The description of the session, as in its table: JSON by key, without keys not found.
    events : list of Event
        In the order of their numbers.
    dropped : int
        Number of invalid events found.
    unchecked : int
        Number of `events` from pages without a checksum.
    last : int
        The highest number that an event is known to have had.
    complaint : str or None
        What SQLite finds wrong; None if it finds nothing.
    """

    meta: dict[str, str] = field(default_factory=dict)
    events: list[Event] = field(default_factory=list)
    dropped: int = 0
    unchecked: int = 0
    last: int = 0
    complaint: str | None = None

    @property
    def missing(self) -> int:
        """Number of events known to be lost."""
        return self.last - len(self.events)

    def gaps(self) -> list[tuple[int, int]]:
        """Return the ranges of numbers of events known to be lost, as (first, last)."""
        numbers = [0, *(event.seq for event in self.events), self.last + 1]
        return [(low + 1, high - 1) for low, high in pairwise(numbers) if high - low > 1]

    def foreign_classes(self, class_names: Iterable[str]) -> Counter[str]:
        """Count the labels of other classes than these, by class."""
        known = set(class_names)
        return Counter(
            event.class_name
            for event in self.events
            if event.class_name is not None and event.class_name not in known
        )


class OtherVersionError(Exception):
    """The file has the schema of another tuilabel, whose number is the argument."""


class _Found(NamedTuple):
    event: Event
    trust: int


def salvage(content: bytes, log: bytes) -> Salvage:
    """Find all events and the description of the session.

    Parameters
    ----------
    content : bytes
        The session file, as far as it can be read.
    log : bytes
        Its write-ahead log.

    Raises
    ------
    OtherVersionError
        The file has an earlier or later schema.
    """
    found = Salvage()
    rows: list[tuple[tuple[Any, ...], int]] = []
    with copied(content, log) as copy:
        found.complaint = _ask_sqlite(copy, rows, found.meta)
    page_size = page_size_of(content) or page_size_of(log) or DEFAULT_PAGE_SIZE
    frames = read_log(log, page_size)
    units = list(_units(content, log, page_size, frames))
    overflow = _newest_pages(content, log, page_size, frames)
    seen_by_sqlite = {row[1] for row, _ in rows}
    numbers: dict[str, set[int]] = {}
    last: set[int] = set()
    for unit, trust in units:
        rows += ((row, trust) for row in event_rows(unit, overflow))
        for uuid, seq in index_entries(unit):
            numbers.setdefault(uuid, set()).add(seq)
        last.update(last_numbers(unit))
        for _, key, value in meta_rows(unit, overflow):
            if isinstance(key, str) and isinstance(value, str):
                _offer_meta(found.meta, key, value)
    class_names = _class_names(found.meta)
    if class_names is not None and _labels_contradict(rows, class_names):
        # With the damaged names, every label of a class would be lost.
        del found.meta["class_names"]
        class_names = None
    by_uuid, invalid = _by_uuid(rows, class_names)
    by_seq, beaten = _by_seq(by_uuid.values(), numbers)
    found.events = [by_seq[seq].event for seq in sorted(by_seq)]
    found.unchecked = sum(1 for one in by_seq.values() if one.trust not in _CHECKED)
    found.dropped = len(invalid - by_uuid.keys()) + beaten
    found.last = _last(by_seq, numbers, last)
    hidden = {event.uuid for event in found.events} - seen_by_sqlite
    if found.complaint is None and hidden:
        found.complaint = f"SQLite does not see {len(hidden):,} of its events"
    if found.complaint is None and found.dropped:
        found.complaint = f"{counted(found.dropped, 'invalid event')} in it"
    return found


@contextmanager
def copied(content: bytes, log: bytes) -> Iterator[Path]:
    """Yield a temporary copy of a session file and its log.

    A copy, because SQLite would move the log into the damaged file, and leaves an index beside it.

    Raises
    ------
    SessionFileError
        There is no room for it. Without this, a full disk would be taken for damage.
    """
    try:
        with tempfile.TemporaryDirectory(prefix="tuilabel-repair-") as folder:
            copy = Path(folder) / "copy"
            copy.write_bytes(content + bytes(_ROOM))
            os.truncate(copy, len(content))
            if log:
                log_path(copy).write_bytes(log)
            yield copy
    except OSError as error:
        raise SessionFileError(
            f"A repair copies the session into the temporary folder, and that cannot be written "
            f"({reason(error)}). Free some space there, or set TMPDIR to another folder."
        ) from error


def _ask_sqlite(
    path: Path, rows: list[tuple[tuple[Any, ...], int]], meta: dict[str, str]
) -> str | None:
    """Read a copy of the file with SQLite, and return what it finds wrong."""
    try:
        connection = connect(path, "mode=rw")
    except sqlite3.Error as error:
        return reason(error)
    with closing(connection):
        # Bytes that are not text are refused row by row.
        connection.text_factory = _text_or_bytes
        try:
            connection.execute("PRAGMA trusted_schema = OFF")
            connection.execute("PRAGMA cell_size_check = ON")
            version = version_of(connection)
            objects = objects_of(connection)
            # An unknown version with known tables is damage.
            if objects != expected_objects():
                # Unknown tables and views may do anything when they are read.
                if version > VERSION:
                    raise OtherVersionError(version)
                if FORMER_TABLE in objects:
                    raise OtherVersionError(min(max(version, 1), VERSION - 1))
                return "its tables are not those of a session"
        except (sqlite3.Error, ValueError) as error:
            return reason(error)
        complaint = _check(connection)
        for key, value in _until_it_fails(connection, "SELECT key, value FROM meta"):
            if isinstance(key, str) and isinstance(value, str):
                _offer_meta(meta, key, value)
        select = f"SELECT {', '.join(COLUMNS)} FROM event ORDER BY seq"
        # A damaged page ends a scan; the rows behind it are read from the other side.
        ascending = list(_until_it_fails(connection, select))
        rows += ((row, _SQLITE) for row in ascending)
        if complaint is not None:
            lowest = ascending[-1][0] if ascending else 0
            for row in _until_it_fails(connection, select + " DESC"):
                if row[0] <= lowest:
                    break
                rows.append((row, _SQLITE))
    return complaint


def _text_or_bytes(data: bytes) -> str | bytes:
    try:
        return data.decode()
    except UnicodeDecodeError:
        return data


def _check(connection: sqlite3.Connection) -> str | None:
    try:
        (verdict,) = connection.execute("PRAGMA integrity_check(1)").fetchone()
    except (sqlite3.Error, ValueError) as error:
        return reason(error)
    return None if verdict == "ok" else reason(ValueError(str(verdict).splitlines()[-1]))


def _until_it_fails(connection: sqlite3.Connection, select: str) -> Iterator[tuple[Any, ...]]:
    try:
        yield from connection.execute(select)
    except sqlite3.Error:
        # `_check` has reported the error; the pages are also read without SQLite.
        return


def _units(content: bytes, log: bytes, page_size: int, frames: Log) -> Iterator[tuple[bytes, int]]:
    # Hidden frames may be remains of a failed write, and are trusted less.
    hidden = {frame.start for frame in frames.hidden}
    for frame in frames.frames:
        sound = _HIDDEN if frame.start in hidden else _FRAME
        trust = sound if frame.sound else _FRAME_DAMAGED
        yield log[frame.start : frame.start + frames.page_size], trust
    for start in range(0, len(content), page_size):
        yield content[start : start + page_size].ljust(page_size, b"\0"), _FILE


def _newest_pages(
    content: bytes, log: bytes, page_size: int, frames: Log
) -> Callable[[int], bytes | None]:
    """Return a function from a page's number to its newest content."""
    places = {frame.page: frame.start for frame in frames.frames if frame.sound}

    def page(number: int) -> bytes | None:
        if number in places:
            start, source = places[number], log
        else:
            start, source = (number - 1) * page_size, content
        found = source[start : start + page_size] if start >= 0 else b""
        return found if len(found) == page_size else None

    return page


def _offer_meta(meta: dict[str, str], key: str, value: str) -> None:
    """Keep the first valid value of each key."""
    if key not in _ANY_META or key in meta:
        return
    if _is_valid_meta({**_ANY_META, key: value}):
        meta[key] = value


def _is_valid_meta(meta: Mapping[str, str]) -> bool:
    """Return whether the description of a session can be read."""
    try:
        info_of(meta)
    except (KeyError, TypeError, ValueError, RecursionError):
        return False
    return True


def _class_names(meta: Mapping[str, str]) -> tuple[str, ...] | None:
    if "class_names" not in meta:
        return None
    return info_of({**_ANY_META, "class_names": meta["class_names"]}).class_names


def _labels_contradict(
    rows: Iterable[tuple[tuple[Any, ...], int]], class_names: Iterable[str]
) -> bool:
    """Return whether labels have a class that is not among these.

    A single label without a checksum may itself be damaged; several are not damaged to one name.
    """
    known, foreign = set(class_names), Counter[str]()
    for one in _by_uuid(rows, None)[0].values():
        name = one.event.class_name
        if name is not None and name not in known:
            foreign[name] += 2 if one.trust in _CHECKED else 1
    return any(count > 1 for count in foreign.values())


def _by_uuid(
    rows: Iterable[tuple[tuple[Any, ...], int]], class_names: tuple[str, ...] | None
) -> tuple[dict[str, _Found], set[str]]:
    """Return the most trusted row of each event, and the uuids of invalid rows."""
    found: dict[str, _Found] = {}
    invalid: set[str] = set()
    for row, trust in rows:
        try:
            event = event_of(row)
        except (TypeError, ValueError, RecursionError):
            event = None
        if event is None or not is_valid(event, class_names):
            # Half overwritten remains of a failed write are not damage.
            if trust not in _MAY_BE_LEFT:
                invalid.add(str(row[1]))
            continue
        known = found.get(event.uuid)
        if known is not None and {known.trust, trust} == {_SQLITE, _HIDDEN}:
            # An event never changes: SQLite has it as saved, and a checksum covers the other copy.
            checked = event if trust == _HIDDEN else known.event
            found[event.uuid] = _Found(checked, _FRAME)
        elif known is None or trust > known.trust:
            found[event.uuid] = _Found(event, trust)
    return found, invalid


def _by_seq(
    found: Iterable[_Found], numbers: Mapping[str, set[int]]
) -> tuple[dict[int, _Found], int]:
    """Assign each number to one event; the index of uuids decides if rows disagree."""
    by_seq: dict[int, _Found] = {}
    beaten = 0
    # Events that the index confirms come first, then the most trusted.
    for one in sorted(
        found,
        key=lambda one: (one.event.seq not in numbers.get(one.event.uuid, ()), -one.trust),
    ):
        seq = one.event.seq
        by_index = numbers.get(one.event.uuid, set())
        doubtful = seq in by_seq or one.trust <= _FILE
        if doubtful and len(by_index) == 1 and not by_index & by_seq.keys():
            (seq,) = by_index
        if seq in by_seq or seq < 1:
            # Remains of a failed write have the number of the event written next.
            beaten += one.trust not in _MAY_BE_LEFT
        else:
            by_seq[seq] = one._replace(event=replace(one.event, seq=seq))
    return by_seq, beaten


def _last(events: Iterable[int], numbers: Mapping[str, set[int]], last: Iterable[int]) -> int:
    evidence = sorted({0, *events, *last}.union(*numbers.values()))
    while len(evidence) > 1 and evidence[-1] - evidence[-2] > _LONGEST_GAP:
        evidence.pop()
    return max(evidence[-1], max(events, default=0))
