"""The union of a session's logs: every event once, in order, and what is damaged or missing."""

from __future__ import annotations

import errno
import os
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field, replace
from heapq import merge
from itertools import chain
from math import inf
from pathlib import Path
from typing import cast
from zlib import crc32

import msgspec

from tuilabel.errors import SessionFileError
from tuilabel.journal import files, lines
from tuilabel.journal.lines import MAX_LINE, Event
from tuilabel.journal.payloads import About, Adopted, Batch, Begin, Ended
from tuilabel.journal.runs import Run, name_of
from tuilabel.text import inert, shown_path

SILENT_SECONDS, PAUSE_SECONDS = 3600.0, 60.0
"""A log that has not grown for so long is looked at only after a pause."""

_BLOCK = 2**16
_MARKS = frozenset({Begin, Adopted, Ended})
_SEERS = frozenset({Batch, Ended})
_MOST_PROBLEMS = 1000
"""Problems of one file that are kept in memory."""
_OFFSET_BITS = 48

Found = tuple[int, str, int, Event]
"""Counter, id, place and event; a place is the number of a file and an offset in it."""


@dataclass
class Problem:
    """Something that is damaged, missing or invalid.

    Attributes
    ----------
    log : str
        Name of the file, as it is on disk.
    reason : str
    line, last : int or None
        The first and the last line that it is about.
    healed : str or None
        Name of an undamaged copy of the log, from which all its events were read.
    """

    log: str
    reason: str
    line: int | None = None
    last: int | None = None
    healed: str | None = None

    @property
    def text(self) -> str:
        """One sentence, harmless for a terminal."""
        where = shown_path(self.log)
        if self.line is not None:
            several = self.last is not None and self.last > self.line
            where += f", lines {self.line} to {self.last}" if several else f", line {self.line}"
        copy = self.healed and f" (nothing is lost: {shown_path(self.healed)} is a whole copy)"
        return f"{where}: {self.reason}{copy or ''}."


@dataclass(eq=False)
class LogFile:
    """One file in the folder `log`, and how far it was read."""

    path: Path
    number: int
    is_own: bool = False
    offset: int = 0
    lines: int = 0
    size: int = 0
    n: int = 0
    damaged: int = 0
    """Damaged lines since the last valid one."""
    last: int = -1
    """Offset of the last valid line, which may not have had its newline yet."""
    skips: bool = False
    """Whether `offset` is inside a line that is too long."""
    foreign: str | None = None
    """The session that the rest of the file belongs to, unless it is adopted."""
    cut: int = 0
    """How often the last line was found incomplete at this size."""
    is_closed: bool = False
    grew: float = -inf
    looked: float = -inf
    run: Run | None = None
    problems: list[Problem] = field(default_factory=list)

    @property
    def name(self) -> str:
        """Its name in the folder."""
        return self.path.name

    def block(self) -> bytes:
        """Return what comes next in the file: whole lines, or too much for a line."""
        descriptor = files.open_to_read(self.path)
        try:
            if self.skips:
                self.offset = files.next_data(descriptor, self.offset)
            block = os.pread(descriptor, _BLOCK, self.offset)
            if block and b"\n" not in block:
                block = os.pread(descriptor, MAX_LINE + 1, self.offset)
            return block
        finally:
            os.close(descriptor)

    def report(self, reason: str, line: int | None = None) -> None:
        """Record a problem once; that of the line before grows, if the reason is the same."""
        for before in self.problems[-1:] if line is not None else self.problems:
            if before.reason == reason and (before.last or before.line or 0) + 1 == (line or 1):
                before.last = line
                return
        if len(self.problems) < _MOST_PROBLEMS:
            self.problems.append(Problem(self.name, reason, line))
        elif len(self.problems) == _MOST_PROBLEMS:
            self.problems.append(Problem(self.name, "it has more problems than are listed"))


class Union:
    """Reads the logs of a session again and again, each time what is new.

    Parameters
    ----------
    folder : Path
        The folder of the logs.
    about : About
    monotonic : callable
        Returns seconds.

    Attributes
    ----------
    files : dict of str to LogFile
    runs : dict of str to Run
    accepted : set of str
        The session's uuid and those that it has adopted.
    unknown : Counter
        Events that were passed over, by kind, because they are of a newer tuilabel.
    t : int
        The highest Lamport counter found, in the line `highest`.
    lock : Lock
        Held to change `files` or `t`.
    """

    def __init__(
        self, folder: Path, about: About, monotonic: Callable[[], float] = time.monotonic
    ) -> None:
        self.folder = folder
        self.files: dict[str, LogFile] = {}
        self.runs: dict[str, Run] = {}
        self.accepted = {about.uuid}
        self.unknown: Counter[str] = Counter()
        self.t = 0
        self.highest = ""
        self.lock = threading.Lock()
        self._format = about.format
        self._monotonic = monotonic
        self._numbered: list[LogFile] = []
        # By the hash of the id: a million of them take 150 MB, half of what the ids would take.
        self._places: dict[int, int] = {}
        self._seen: dict[str, tuple[int, str, float]] = {}
        self._gone: set[str] = set()

    def read(self) -> Iterator[Event]:
        """Return the new events of all logs but the own ones; see `Journal.read`."""
        try:
            names = files.log_names(self.folder)
        except OSError as error:
            raise SessionFileError(
                f"The logs in {shown_path(self.folder)} cannot be read ({files.reason_of(error)})."
            ) from error
        for name in names:
            self._add(self.folder / name)
        self._gone = self.files.keys() - names
        others = [file for name, file in list(self.files.items()) if not file.is_own]
        now = self._monotonic()
        self._adopt(others)
        due = [file for file in others if file.name not in self._gone and _is_due(file, now)]
        return self._in_order(due, others, now)

    def _in_order(self, due: list[LogFile], others: list[LogFile], now: float) -> Iterator[Event]:
        late: list[Event] = []
        while due:
            streams: list[Iterator[Found]] = []
            known = 0
            # The beginnings of all logs, which are read first, name the sessions that are adopted.
            while due and known != len(self.accepted):
                known = len(self.accepted)
                for stream in [self._stream(file, now) for file in due]:
                    streams.extend(
                        chain([first], stream) for first in [next(stream, None)] if first
                    )
                due = self._adopt(others)
            last: Event | None = None
            for _, id, place, event in merge(*streams):
                key = hash(id)
                if key in self._places and self._is_repeated(event, place, last):
                    continue
                self._places[key] = place
                if type(event.payload) in _SEERS:
                    self._see(event)
                if last is not None and (event.t, id) < (last.t, last.id):
                    late.append(event)
                else:
                    last = event
                    yield event
            due += self._adopt(others)
        yield from sorted(late, key=lambda event: (event.t, event.id))

    def _adopt(self, others: Iterable[LogFile]) -> list[LogFile]:
        """Return the files that were left at a session that is accepted now."""
        found = [file for file in others if file.foreign in self.accepted]
        for file in found:
            file.foreign, file.size = None, -1
        return found

    def _add(self, path: Path, *, is_own: bool = False) -> LogFile:
        with self.lock:
            if path.name in self.files:
                if is_own:
                    raise FileExistsError(errno.EEXIST, "a log of this name exists")
                return self.files[path.name]
            file = LogFile(path, len(self._numbered), is_own)
            self._numbered.append(file)
            self.files[path.name] = file
        return file

    def _stream(self, file: LogFile, now: float) -> Iterator[Found]:
        is_first, file.looked = file.looked == -inf, now
        if is_first:
            file.grew = now
        try:
            descriptor = files.open_to_read(file.path)
            size = os.fstat(descriptor).st_size
            os.close(descriptor)
            if size < file.offset and file.size >= 0:
                if size != file.size:
                    file.report("it has become shorter since it was read")
            elif size != file.size:
                file.grew = now
                yield from self._blocks(file)
            elif file.cut:
                file.cut += 1
            file.size = size
        except OSError as error:
            if error.errno != errno.ENOENT:
                file.report(f"it cannot be read ({files.reason_of(error)})")
        if file.run is not None:
            file.run.grew = max(file.run.grew, file.grew)

    def _blocks(self, file: LogFile) -> Iterator[Found]:
        file.cut = 0
        while file.foreign is None and (block := file.block()):
            end = block.rfind(b"\n")
            if file.skips:
                end = block.find(b"\n")
                file.skips = end < 0
                file.offset += end + 1 or len(block)
            elif end >= 0:
                yield from self._events(file, block[:end])
            elif len(block) > MAX_LINE:
                file.lines += 1
                file.damaged += 1
                file.report("the line is damaged: it is longer than 1 MiB", file.lines)
                file.skips = True
                file.offset += len(block)
            else:
                if lines.is_whole(block):
                    # It stays the next line to read: its newline may follow, or damage.
                    before = file.offset, file.lines
                    yield from self._events(file, block)
                    file.offset, file.lines = before
                else:
                    file.cut = 1
                return

    def _events(self, file: LogFile, block: bytes) -> Iterator[Found]:
        place, number, highest, at = file.offset, file.lines, 0, 0
        first = file.number << _OFFSET_BITS
        plain = lines.is_plain(block)
        name = file.run.name if file.run is not None else ""
        for line in block.split(b"\n"):
            number += 1
            # As in `is_whole`; this is the loop that a large session spends its time in.
            if not line.endswith(b',"crc":"%08x"}' % crc32(line[: -lines.CHECKSUM])):
                file.damaged += 1
                file.report("the line is damaged" if line else "the line is empty", number)
            elif place != file.last:
                event: Event | None = None
                head: Event | lines.Head | None
                try:
                    head = event = lines.decode_event(line, name, plain=plain)
                except lines.InvalidEvent as error:
                    head = error.head
                    if isinstance(error, lines.NewerEvent) and head is not None:
                        self.unknown[inert(head.kind)] += 1
                    else:
                        file.report(f"the event is invalid: {error}", number)
                if event is not None and (type(event.payload) in _MARKS or not name):
                    run = self._mark(file, event)
                    if run is None:
                        number -= 1
                        break
                    name = run.name
                    event = msgspec.structs.replace(event, log=name)
                if head is None:
                    file.damaged += 1
                else:
                    if head.n != file.n + 1:
                        _report_number(file, head.n, number)
                    if head.n > file.n:
                        file.n = head.n
                    if head.t > highest:
                        highest, at = head.t, number
                    file.damaged, file.last = 0, place
                if event is not None:
                    yield event.t, event.id, first | place, event
            place += len(line) + 1
        file.offset, file.lines = place, number
        if file.run is not None:
            file.run.n = max(file.run.n, file.n)
        with self.lock:
            if highest > self.t:
                self.t, self.highest = highest, f"{shown_path(file.name)}, line {at}"

    def _mark(self, file: LogFile, event: Event) -> Run | None:
        """Return the run of an event that begins or ends one, or adopts; None if it is foreign."""
        run, payload = file.run, event.payload
        file.is_closed = isinstance(payload, Ended)
        if isinstance(payload, Begin):
            about = payload.about
            if about.format > self._format:
                file.foreign = f"format {about.format}"
            elif about.uuid not in self.accepted:
                file.foreign = about.uuid
            else:
                self.accepted.update(payload.adopted)
                return self._start(file, name_of(cast("Event[Begin]", event)), payload)
            return None
        if isinstance(payload, Adopted):
            self.accepted.add(payload.uuid)
        if run is None:
            file.report("its beginning is missing")
            run = self._start(file, file.path.stem, None)
        run.is_closed |= file.is_closed
        return run

    def _start(self, file: LogFile, name: str, begin: Begin | None) -> Run:
        run = self.runs.setdefault(name, Run(name, begin))
        run.begin = run.begin or begin
        if file.run is not run:
            if file.run is not None:
                file.run.n = max(file.run.n, file.n)
            run.files.append(file.name)
            file.run, file.n = run, 0
        return run

    def begin_own(self, path: Path, begin: Event) -> LogFile:
        """Return the log that this process is about to make; `read` passes over it."""
        log = self._add(path, is_own=True)
        self._start(log, path.stem, cast("Begin", begin.payload))
        return log

    def forget(self, log: LogFile) -> None:
        """Handle that the own log could not be made."""
        with self.lock:
            del self.files[log.name]
            del self.runs[log.path.stem]

    def written(self, log: LogFile, event: Event, size: int) -> None:
        """Record an event at the end of the own log, of so many bytes."""
        self._places[hash(event.id)] = log.number << _OFFSET_BITS | log.offset
        log.last = log.offset
        log.offset += size
        log.lines += 1
        log.n = event.n
        if isinstance(event.payload, Adopted):
            self.accepted.add(event.payload.uuid)
        if log.run is not None:
            log.run.n, log.run.grew = event.n, self._monotonic()
            log.run.is_closed = isinstance(event.payload, Ended)

    def event(self, id: str) -> Event | None:
        """Return an event that was read or written, from its file; None if it is not there."""
        place = self._places.get(hash(id))
        if place is None:
            return None
        file, offset = self._numbered[place >> _OFFSET_BITS], place & 2**_OFFSET_BITS - 1
        try:
            line, newline, _ = files.read_part(file.path, 4096, offset).partition(b"\n")
            if not newline:
                line = files.read_part(file.path, MAX_LINE + 1, offset).partition(b"\n")[0]
            found = lines.decode_event(line, file.run.name if file.run is not None else "")
        except (OSError, lines.InvalidEvent):
            return None
        return found if found.id == id and lines.is_whole(line) else None

    def _is_repeated(self, event: Event, place: int, last: Event | None) -> bool:
        """Return whether an event with the same id has been returned; if it differs, report it."""
        first = last if last is not None and last.id == event.id else self.event(event.id)
        if first is None:
            return False
        if (first.t, first.by, first.payload) != (event.t, event.by, event.payload):
            file = self._numbered[place >> _OFFSET_BITS]
            other = f"event {first.n} in {shown_path(first.log)}"
            file.report(f"event {event.n} differs from {other}, which has its id and counts")
        return True

    def _see(self, event: Event) -> None:
        for name, n in cast("Ended", event.payload).seen.items():
            if n > self._seen.get(name, (0,))[0]:
                self._seen[name] = n, event.log, self._monotonic()

    def problems(self, patience: float = 0.0) -> list[Problem]:
        """Return what is damaged, missing or invalid.

        Parameters
        ----------
        patience : float
            Seconds after which a log that another one has seen is missing; on a network file
            system a new log becomes visible late.
        """
        found: list[Problem] = []
        every = list(self.files.values())
        for file in every:
            listed = list(file.problems)
            if file.name in self._gone:
                listed.append(Problem(file.name, "it was removed while the session was open"))
            if file.cut > 1:
                line = file.lines + 1
                listed.append(Problem(file.name, "the last line is incomplete", line))
            if file.foreign is not None:
                listed.append(Problem(file.name, _foreign_reason(file.foreign), file.lines + 1))
            copy = next((other for other in every if listed and _heals(other, file)), None)
            found += [replace(problem, healed=copy.name if copy else None) for problem in listed]
        for name, (n, witness, since) in list(self._seen.items()):
            run = self.runs.get(name)
            if (run is None or run.n < n) and self._monotonic() - since >= patience:
                ends = "it is missing" if run is None else f"it ends with event {run.n}"
                reason = f"{ends}, but {shown_path(witness)} has seen its event {n}"
                found.append(Problem(name + files.SUFFIX, reason))
        return found


def _is_due(file: LogFile, now: float) -> bool:
    if file.foreign is not None or file.is_closed:
        return False
    return now - file.grew < SILENT_SECONDS or now - file.looked >= PAUSE_SECONDS


def _report_number(file: LogFile, n: int, line: int) -> None:
    if n <= file.n:
        file.report(f"event {n} is repeated, or not in its place", line)
    elif n - file.n - 1 > file.damaged:
        several = n - file.n > 2
        what = f"events {file.n + 1} to {n - 1} are" if several else f"event {n - 1} is"
        file.report(f"{what} missing before it", line)


def _foreign_reason(foreign: str) -> str:
    if foreign.startswith("format "):
        return f"it was written by a newer tuilabel ({inert(foreign)})"
    return "from here on it belongs to another session, which `tuilabel merge` can adopt"


def _heals(other: LogFile, file: LogFile) -> bool:
    """Return whether another file is a whole copy of one."""
    return (
        other is not file
        and other.run is not None
        and other.run.name == (file.run.name if file.run else file.path.stem)
        and not (other.problems or other.cut or other.foreign)
        and other.n >= file.n + (file.damaged + file.cut > 0)
    )
