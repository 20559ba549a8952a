"""The reader of a session: the union of its logs, whatever lies in their place."""

from __future__ import annotations

import errno
import hashlib
import threading
import time
from array import array
from collections import Counter, OrderedDict
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from heapq import merge
from itertools import chain
from pathlib import Path
from typing import NamedTuple
from zlib import crc32

import numpy as np
from numpy.typing import NDArray

from tuilabel.errors import SessionFileError, StoreError
from tuilabel.events.lines import (
    CHECKSUM,
    CHECKSUM_LENGTH,
    LONGEST_LINE,
    Event,
    InvalidLineError,
    decode,
    decode_bulk_line,
    decode_harmless,
    is_harmless,
    order_of,
)
from tuilabel.events.payloads import About, Adopted, Batch, Begin, Bulk, BulkLine, Ended
from tuilabel.journal.description import read_description
from tuilabel.journal.store import BULK, FILE, LOGS, Store, open_store, read_whole
from tuilabel.runs import Run, is_running, log_name, this_run
from tuilabel.text import counted, inert, shown_path

LIVE_SECONDS = 600.0
"""A desk counts as left when its log has not grown for this long."""

SILENT_SECONDS, LOOK_SECONDS = 3600.0, 60.0
"""A log that has not grown for so long is looked at once in so long."""

_PAGE, _PAGES = 2**16, 32
"""Bytes that are read at once, and how many such parts are kept to return single events."""

_OFFSET_BITS = 48
_LARGEST_BULK = 2**30
_MOST_PROBLEMS = 1000
"""Problems of one file that are kept in memory."""

_MARKS, _CLAIMS = frozenset({Begin, Adopted, Ended}), frozenset({Batch, Ended})
_PAYLOAD = Event._fields.index("payload")

Found = tuple[int, str, int, Event]
"""Counter, id, place and event, which is the order of events."""


def place_of(index: int, offset: int) -> int:
    """Return the place of an event from the index of its file and the offset in it."""
    return index << _OFFSET_BITS | offset


def split_place(place: int) -> tuple[int, int]:
    """Return the index of an event's file and the offset in it."""
    return place >> _OFFSET_BITS, place & (2**_OFFSET_BITS - 1)


class Problem(NamedTuple):
    """What is wrong with a session: the file, the number of a line if it is about one, a text.

    `is_healed` tells whether nothing is lost, because an undamaged copy lies beside the file.
    """

    file: str
    line: int | None
    text: str
    is_healed: bool = False

    def __str__(self) -> str:
        where = shown_path(self.file) + ("" if self.line is None else f", line {self.line:,}")
        return f"{where}: {self.text}"


class Log:
    """What one run wrote, as far as it was read.

    Attributes
    ----------
    name : str
    number : int
        The highest number of its events.
    begin : Begin or None
        Its first event; None if that is damaged.
    has_ended : bool
        Whether its run ended in order.
    grown : float
        When it was last seen to have grown, by this process's own monotonic clock.
    files : list of LogFile
        More than one if there are copies.
    """

    def __init__(self, name: str) -> None:
        self.name = name
        self.number = 0
        self.begin: Begin | None = None
        self.has_ended = False
        self.grown = -float("inf")
        self.files: list[LogFile] = []


class LogFile:
    """One file among the logs, and how far it was read.

    Attributes
    ----------
    path : Path
    store : Store
    index : int
        Part of the places of its events.
    log : Log or None
        None before its first line was read.
    foreign : str or None
        The session that the rest of the file belongs to, unless it is adopted.
    tail : int
        Bytes after the last whole line, which may become one.
    """

    def __init__(self, path: Path, store: Store, index: int) -> None:
        self.path = path
        self.store = store
        self.index = index
        self.log: Log | None = None
        self.foreign: str | None = None
        self.offset = self.lines = self.number = self.tail = 0
        # Not looked at yet: a log that is empty when it is first seen has only just begun.
        self.size = -1
        self.damaged = 0
        self.last = -1
        self.skips = False
        self.has_ended = False
        self.grown = self.looked_at = -float("inf")
        self.problems: list[Problem] = []

    @property
    def name(self) -> str:
        """Its name, with that of its folder."""
        return f"{LOGS}/{self.path.name}"

    def is_due(self, now: float) -> bool:
        """Return whether to look for new events."""
        if self.has_ended or self.foreign is not None:
            return False
        return now - self.grown < SILENT_SECONDS or now - self.looked_at >= LOOK_SECONDS

    def report(self, line: int | None, text: str) -> None:
        """Record a problem once."""
        count = len(self.problems)
        if count > _MOST_PROBLEMS:  # ten million lines may be damaged
            return
        problem = Problem(self.name, line, text)
        if count == _MOST_PROBLEMS:
            problem = Problem(self.name, None, "it has more problems than are listed")
        if problem not in self.problems[-1:]:
            self.problems.append(problem)

    def take_number(self, number: int, before: int, line: int) -> int:
        """Report events that are missing before one; return the highest number so far."""
        if number <= before:
            # Its checksum is right, so it counts; one that is there twice counts once.
            self.report(line, f"its number {number} is repeated or out of order")
        elif (missing := number - before - 1 - self.damaged) > 0:  # damaged lines are named already
            self.report(line, f"before it are missing: {counted(missing, 'event')}")
        self.damaged = 0
        return max(before, number)

    def block(self) -> bytes:
        """Return what comes next in the file: whole lines, or too much for a line."""
        if self.skips:
            self.offset = self.store.skip_hole(self.name, self.offset)
        block = self.store.read(self.name, self.offset, _PAGE)
        if block and b"\n" not in block:
            block = self.store.read(self.name, self.offset, LONGEST_LINE + 1)
        return block


class Reader:
    """Reads a session, and goes on reading what others append.

    Parameters
    ----------
    path : Path
    clock : callable
        Returns seconds that never go back.

    Attributes
    ----------
    store : Store
    about : About
    logs : dict of str to Log
        By name, also if the file has another.
    own : set of str
        Names of this process's own logs, which are not read.
    uuids : set of str
        The session and those that it has adopted.
    highest : int
        The highest counter seen.
    is_in_order : bool
        See `replay`.

    Raises
    ------
    SessionFileError
        There is no session, or nothing of it can be read.
    """

    def __init__(self, path: Path, clock: Callable[[], float] = time.monotonic) -> None:
        self.path = path
        self.store = open_store(path)
        self.own: set[str] = set()
        self.logs: dict[str, Log] = {}
        self.highest = 0
        self.is_in_order = True
        self._highest_at: tuple[LogFile, int] | None = None
        self._clock = clock
        self._files: dict[str, LogFile] = {}
        self._by_index: list[LogFile] = []
        self._lock = threading.Lock()
        # Hashes of the ids of all events, and their places: ids would take ten times the memory.
        self._ids, self._places = array("q"), array("q")
        self._pages: OrderedDict[tuple[int, int], bytes] = OrderedDict()
        self._problems: dict[str, Problem] = {}
        self._claims: dict[str, tuple[int, str]] = {}
        self._gone: set[str] = set()
        self.about = self._description()
        self.uuids = {self.about.uuid}

    def _description(self) -> About:
        try:
            return read_description(self.path, self.store)
        except InvalidLineError as error:
            found = Counter(filter(None, map(self._first_about, self._paths())))
            if not found and isinstance(error.__cause__, StoreError):
                raise error.__cause__ from None
            if not found:
                raise SessionFileError(
                    f"{shown_path(self.path)} is damaged: {FILE} is invalid ({error}), and no log "
                    "can replace it. Put an undamaged copy in its place."
                ) from error
            self._report(FILE, f"{error}; a log has replaced it", is_healed=True)
            return found.most_common(1)[0][0]

    def _first_about(self, path: Path) -> About | None:
        """Return the description of its session that a log begins with."""
        try:
            line = self.store.read(f"{LOGS}/{path.name}", 0, _PAGE).partition(b"\n")[0]
            begin = decode(line, "").payload
        except (OSError, InvalidLineError):
            return None
        return begin.about if isinstance(begin, Begin) else None

    def _report(self, file: str, text: str, *, is_healed: bool = False) -> None:
        self._problems.setdefault(file, Problem(file, None, text, is_healed))

    @property
    def highest_at(self) -> str:
        """Where the highest counter was seen."""
        if self._highest_at is None:
            return ""
        file, line = self._highest_at
        return f"{shown_path(file.name)}, line {line:,}"

    # Reading.

    def read(self) -> list[Event]:
        """Return the events appended since the last call, in order; all of them at the first.

        Of several events with one id, the first in order counts.
        """
        known = len(self._ids)
        events = list(self.replay())
        if not self.is_in_order:
            events = list(self.in_order(events))
        return self._unknown(events, known) if known and events else events

    def replay(self) -> Iterator[Event]:
        """Yield the events appended since the last call, read as they are taken.

        All have to be taken. Then, if `is_in_order` is false, some were out of order or are
        repeated, so that `in_order` has to be called: lines of a log were moved, or two events have
        one id.
        """
        paths = self._paths()
        for path in paths:
            self._file(path)
        files = [file for file in self.files() if file.path.stem not in self.own]
        there = {path.name for path in paths}
        self._gone = {file.path.name for file in files if file.path.name not in there}
        now = self._clock()
        self._readable_now(files)
        due = [file for file in files if file.path.name in there and file.is_due(now)]
        return self._in_order(due, files, now)

    def _paths(self) -> list[Path]:
        try:
            names = sorted(self.store.names(LOGS))
        except OSError as error:
            self._report(LOGS, f"it cannot be read ({error.strerror or error})")
            return []
        for name in names:
            if not name.endswith(".jsonl") and not name.startswith("."):
                self._report(f"{LOGS}/{name}", "it is no log, and is passed over", is_healed=True)
        return [self.path / LOGS / name for name in names if name.endswith(".jsonl")]

    def _file(self, path: Path) -> LogFile:
        with self._lock:
            file = self._files.get(path.name)
            if file is None:
                file = self._files[path.name] = LogFile(path, self.store, len(self._by_index))
                self._by_index.append(file)
        return file

    def _in_order(
        self, due: list[LogFile], files: Sequence[LogFile], now: float
    ) -> Iterator[Event]:
        late: list[Event] = []
        first = len(self._ids)
        while due:
            streams: list[Iterator[Found]] = []
            adopted = 0
            # The beginnings of all logs come first: they name the sessions that were adopted.
            while due and adopted != len(self.uuids):
                adopted = len(self.uuids)
                for stream in [self._stream(file, now) for file in due]:
                    streams += [chain([first], stream) for first in [next(stream, None)] if first]
                due = self._readable_now(files)
            ids, places, last, before, before_id = self._ids, self._places, None, 0, ""
            for t, id_, place, event in merge(*streams) if len(streams) > 1 else chain(*streams):
                if t <= before and (t < before or id_ <= before_id):
                    if last is not None and (t, id_) == (before, before_id):
                        self._compare(last, event)
                    else:
                        late.append(event)
                    continue
                ids.append(hash(id_))
                places.append(place)
                if type(event[_PAYLOAD]) in _CLAIMS:
                    self._take_claims(event)
                last, before, before_id = event, t, id_
                yield event
            due += self._readable_now(files)
        for event in late:
            self._ids.append(hash(event.id))
            self._places.append(event.place)
            self._take_claims(event)
            yield event
        new = np.sort(_copied(self._ids)[first:])
        self.is_in_order = not late and not (new[1:] == new[:-1]).any()

    def in_order(self, events: Iterable[Event]) -> Iterator[Event]:
        """Yield the first event of each id, in order."""
        firsts: dict[str, Event] = {}
        for event in sorted(events, key=order_of):
            first = firsts.setdefault(event.id, event)
            if first is event:
                yield event
            else:
                self._compare(first, event)

    def _unknown(self, events: Sequence[Event], known: int) -> list[Event]:
        """Return the events whose ids are not among the first that were read."""
        ids = np.fromiter((hash(event.id) for event in events), np.int64, len(events))
        rows = np.flatnonzero(np.isin(_copied(self._ids)[:known], ids)).tolist()
        found = filter(None, (self.event(self._places[row]) for row in rows))
        firsts = {event.id: event for event in found}
        for event in events:
            if event.id in firsts:
                self._compare(firsts[event.id], event)
        return [event for event in events if event.id not in firsts]

    def _take_claims(self, event: Event) -> None:
        if not isinstance(event.payload, Batch | Ended):
            return
        for name, number in event.payload.seen.items():
            claim = self._claims.get(name, (0, ""))
            self._claims[name] = max(claim, (number, event.log))

    def _readable_now(self, files: Sequence[LogFile]) -> list[LogFile]:
        """Return the files that were left at a session that has been adopted since."""
        found = [file for file in files if file.foreign in self.uuids]
        for file in found:
            file.foreign, file.size = None, -1
        return found

    def _stream(self, file: LogFile, now: float) -> Iterator[Found]:
        file.looked_at = now
        try:
            size = self.store.size(file.name)
            if size < file.offset and file.size >= 0:
                file.report(None, "it has become shorter since it was read")
            elif size != file.size:
                file.grown = now
                yield from self._blocks(file, size)
            file.size = size
            self._problems.pop(file.name, None)
        except FileNotFoundError:
            pass
        except OSError as error:
            reason = error.strerror or str(error)
            self._report(file.name, f"it cannot be read ({reason}), so it does not count")
        if file.log is not None:
            file.log.grown = max(file.log.grown, file.grown)

    def _blocks(self, file: LogFile, size: int) -> Iterator[Found]:
        file.tail = 0
        while file.foreign is None and file.offset < size and (block := file.block()):
            end = block.rfind(b"\n")
            if file.skips:
                end = block.find(b"\n")
                file.skips = end < 0
                file.offset += end + 1 or len(block)
            elif end >= 0:
                yield from self._events(file, block[:end])
            elif len(block) > LONGEST_LINE:
                file.lines += 1
                file.damaged += 1
                file.report(file.lines, "it is longer than a line may be")
                file.skips = True
                file.offset += len(block)
            else:
                # It stays the next line to read: its newline may follow, or damage.
                before = file.offset, file.lines
                if _is_whole(block):
                    yield from self._events(file, block)
                else:
                    file.tail = len(block)
                file.offset, file.lines = before
                return

    def _events(self, file: LogFile, block: bytes) -> Iterator[Found]:
        log = self._begun(file, block)
        if log is None:
            return
        place, last = place_of(file.index, file.offset), file.last
        number, name, n = file.lines, log.name, file.number
        highest, highest_at, has_ended = self.highest, 0, file.has_ended
        read = decode_harmless if is_harmless(block) else decode
        # The loop that a large session spends its time in.
        for line in block.split(b"\n"):
            number += 1
            if not line.endswith(CHECKSUM % crc32(line[:-CHECKSUM_LENGTH])):  # as in `_is_whole`
                file.damaged += 1
                file.report(number, "its checksum is wrong, or it is cut short")
            elif place != last:
                last = place
                try:
                    event = read(line, name, place)
                except InvalidLineError as error:
                    file.damaged += 1
                    file.report(number, str(error))
                else:
                    id_, found, t, _, _, payload, _, _ = event
                    if type(payload) in _MARKS:
                        file.number = n
                        if not self._mark(file, event):
                            number -= 1
                            break
                        assert file.log is not None
                        log, name, n = file.log, file.log.name, file.number
                        event = event._replace(log=name)
                    if found == n + 1 and not file.damaged:
                        n = found
                    else:
                        n = file.take_number(found, n, number)
                    if t > highest:
                        highest, highest_at = t, number
                    has_ended = type(payload) is Ended
                    yield t, id_, place, event
            place += len(line) + 1
        if highest > self.highest:
            self.highest, self._highest_at = highest, (file, highest_at)
        file.has_ended = has_ended
        file.offset, file.lines, file.number, file.last = split_place(place)[1], number, n, last
        log.number = max(log.number, n)
        log.has_ended = any(one.has_ended for one in log.files)

    def _begun(self, file: LogFile, block: bytes) -> Log | None:
        """Return the log that the lines of a block belong to; None if it is foreign."""
        if file.log is not None:
            return file.log
        # A line out of its place may say that the whole file is of another session.
        for line in block.split(b"\n"):
            if b'"kind":"begin"' in line and _is_whole(line):
                with suppress(InvalidLineError):
                    return file.log if self._mark(file, decode(line, "")) else None
        return self._start(file, file.path.stem, None)

    def _mark(self, file: LogFile, event: Event) -> bool:
        """Handle an event that begins or ends a run, or adopts; return False if it is foreign."""
        payload = event.payload
        if isinstance(payload, Begin):
            if payload.about.uuid not in self.uuids:
                file.foreign = payload.about.uuid
                return False
            self.uuids.update(payload.adopted)
            self._start(file, log_name(event.at, event.id, payload), payload)
        elif isinstance(payload, Adopted):
            self.uuids.add(payload.uuid)
        return True

    def _start(self, file: LogFile, name: str, begin: Begin | None) -> Log:
        log = self.logs.setdefault(name, Log(name))
        log.begin = log.begin or begin
        if file.log is not log:
            file.number = 0
            file.log = log
            log.files.append(file)
        return log

    def _compare(self, first: Event, event: Event) -> None:
        """Report an event that has the id of an earlier one, if it is another."""
        if (first.t, first.by, first.payload) != (event.t, event.by, event.payload):
            self._by_index[split_place(event.place)[0]].report(
                None,
                f"event {event.n} has the id of another event, {event.id}, and does not count",
            )

    def event(self, place: int) -> Event | None:
        """Return an event that was read, from its file; None if it is no longer there."""
        index, offset = split_place(place)
        file = self._by_index[index]
        try:
            return decode(self._line(file, offset), file.log.name if file.log else "", place)
        except (OSError, InvalidLineError):
            return None

    def _line(self, file: LogFile, offset: int) -> bytes:
        page, start = divmod(offset, _PAGE)
        content = self._pages.get((file.index, page), b"")
        end = content.find(b"\n", start)
        if end >= 0:
            return content[start:end]
        content = self.store.read(file.name, page * _PAGE, 2 * _PAGE)
        line, newline, _ = content[start:].partition(b"\n")
        if not newline and len(content) == 2 * _PAGE:
            line = self.store.read(file.name, offset, LONGEST_LINE).partition(b"\n")[0]
        self._pages[file.index, page] = content
        if len(self._pages) > _PAGES:
            self._pages.popitem(last=False)
        return line

    # What this process writes.

    def begin_own(self, path: Path, begin: Begin) -> LogFile:
        """Return the log that this process makes; it is not read."""
        self.own.add(path.stem)
        file = self._file(path)
        self._start(file, path.stem, begin)
        return file

    def written(self, file: LogFile, events: Sequence[Event]) -> None:
        """Record events that this process has written."""
        for event in events:
            self._ids.append(hash(event.id))
            self._places.append(event.place)
            if isinstance(event.payload, Adopted):
                self.uuids.add(event.payload.uuid)
        if file.log is not None:
            file.log.number = events[-1].n

    # What is wrong.

    @property
    def problems(self) -> list[Problem]:
        """What is wrong, as far as it was read."""
        found = list(self._problems.values())
        files = self.files()
        for file in files:
            listed = [*file.problems, *self._problems_of(file)]
            copy = next((one for one in files if listed and self._is_whole_copy(one, file)), None)
            if copy is not None:
                whole = f"; nothing is lost, since {shown_path(copy.name)} is a whole copy"
                listed = [one._replace(text=one.text + whole, is_healed=True) for one in listed]
            found += listed
        for name, (number, by) in list(self._claims.items()):
            log = self.logs.get(name)
            is_behind = log is None or log.number < number
            if name not in self.own and is_behind and not self._has_grown(name):
                has = "is missing" if log is None else f"has {log.number} events"
                text = f"it {has}, but {shown_path(by)} has seen {number}"
                found.append(Problem(f"{LOGS}/{name}.jsonl", None, text))
        return found

    def removed(self) -> str | None:
        """Return a sentence if logs of others that were read are gone, and all copies of them.

        A log that was not read yet may be such a copy: then nothing is said.
        """
        try:
            there = {name for name in self.store.names(LOGS) if name.endswith(".jsonl")}
        except OSError:
            return None
        files = self.files()
        if there - {file.path.name for file in files}:
            return None
        self._gone = {file.path.name for file in files if file.path.name not in there} - {
            f"{name}.jsonl" for name in self.own
        }
        gone = [file for file in files if file.path.name in self._gone and file.number]
        lost = [
            file
            for file in gone
            if not any(self._is_whole_copy(one, file) for one in files)
            # A listing may be stale, or incomplete where a connection was cut.
            and self._is_missing(file.name)
        ]
        if not lost:
            return None
        first = shown_path(self.path / lost[0].name)
        others = counted(len(lost) - 1, "other log")
        which = f"{first} was" if len(lost) == 1 else f"{first} and {others} were"
        return f"{which} removed; what was saved there is gone."

    def _is_missing(self, name: str) -> bool:
        try:
            self.store.size(name)
        except FileNotFoundError:
            return True
        except OSError:
            return False
        return False

    def _problems_of(self, file: LogFile) -> Iterator[Problem]:
        if file.path.name in self._gone:
            yield Problem(file.name, None, "it was removed while the session was open")
        if file.foreign is not None:
            text = f"it belongs to another session, {inert(file.foreign)}, and does not count"
            yield Problem(file.name, file.lines + 1 if file.lines else None, text)
        if file.tail and (
            file.log is None or file.log.begin is None or self.is_over(file.log.name)
        ):
            text = f"its last line is incomplete ({file.tail} bytes)"
            yield Problem(file.name, file.lines + 1, text)

    def _is_whole_copy(self, other: LogFile, file: LogFile) -> bool:
        return (
            other is not file
            and other.log is not None
            and other.log is (file.log or self.logs.get(file.path.stem))
            and not (other.problems or other.tail or other.foreign)
            and other.path.name not in self._gone
            and other.number >= file.number + (file.damaged + file.tail > 0)
        )

    def _has_grown(self, name: str) -> bool:
        """Return whether a log has appeared, or grown, since it was looked for."""
        file = self._files.get(f"{name}.jsonl")
        try:
            size = self.store.size(f"{LOGS}/{name}.jsonl")
        except (OSError, ValueError):  # it is gone, that is no name of a file, or it is reported
            return f"{LOGS}/{name}.jsonl" in self._problems
        return size > (0 if file is None else file.size)

    def files(self) -> list[LogFile]:
        """Return the files of all logs, by index."""
        return list(self._by_index)

    # The runs.

    def is_over(self, log: str) -> bool:
        """Return whether the run that wrote a log has certainly ended."""
        found = self.logs.get(log)
        if log in self.own or found is None:
            return False
        return found.has_ended or (found.begin is not None and not is_running(Run.of(found.begin)))

    def unclosed_on(self, log: str) -> str | None:
        """Return the host of a run that may go on there; None if it is this one, or has ended."""
        found = self.logs.get(log)
        if found is None or found.begin is None or self.is_over(log):
            return None
        host = found.begin.host
        return None if host == this_run().host else host

    def is_live(self, log: str) -> bool:
        """Return whether somebody works at the desk of a log at this moment."""
        found = self.logs.get(log)
        return (
            found is not None
            and log not in self.own
            and self._clock() - found.grown < LIVE_SECONDS
            and not self.is_over(log)
        )

    # Bulk files.

    def bulk_lines(self, bulk: Bulk) -> Sequence[BulkLine]:
        """Return the lines of a bulk file; none, with a problem, if it is not as it was written."""
        name = Path(bulk.file).name
        try:
            # A file that is not what was written may be of any size: it is not kept in memory.
            if self._sha256(f"{BULK}/{name}") != bulk.sha256:
                raise OSError("its content is not what was written")
            content = read_whole(self.store, f"{BULK}/{name}", _LARGEST_BULK)
            return [decode_bulk_line(line) for line in content.splitlines()]
        except (OSError, ValueError, RecursionError) as error:
            reason = getattr(error, "strerror", None) or str(error)
            self._report(f"{BULK}/{name}", f"{inert(reason, 200)}; its labels do not count")
            return []

    def _sha256(self, name: str) -> str:
        size, found = self.store.size(name), hashlib.sha256()
        if size > _LARGEST_BULK:
            raise OSError(errno.EFBIG, "it is too large")
        for offset in range(0, size, _PAGE):
            found.update(self.store.read(name, offset, min(_PAGE, size - offset)))
        return found.hexdigest()


def _copied(numbers: array[int]) -> NDArray[np.int64]:
    """Return a copy of an array that another thread may be appending to."""
    return np.frombuffer(numbers.tobytes(), np.int64)


def _is_whole(line: bytes) -> bool:
    return line.endswith(CHECKSUM % crc32(line[:-CHECKSUM_LENGTH]))
