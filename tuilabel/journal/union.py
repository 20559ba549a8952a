"""The union of a session's logs: every event once, in order, and what is damaged or missing."""

from __future__ import annotations

import errno
import os
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from math import inf
from pathlib import Path
from typing import Any, cast
from zlib import crc32

from numpy.typing import NDArray

from tuilabel.errors import SessionFileError
from tuilabel.journal import files, lines
from tuilabel.journal.lines import MAX_LINE, UNREADABLE, Event, InvalidEvent
from tuilabel.journal.payloads import KINDS, About, Adopted, Begin, Ended
from tuilabel.journal.places import Places, Rows, key_of
from tuilabel.journal.runs import Run, name_of
from tuilabel.text import inert, shown_path

SILENT_SECONDS, PAUSE_SECONDS = 3600.0, 60.0
"""A log that has not grown for so long is looked at only after a pause."""

_KINDS = list(KINDS)
_NUMBERS = {kind: number for number, kind in enumerate(_KINDS)}
_MARKS = frozenset({"begin", "adopted"})
_SEERS = frozenset({_NUMBERS["batch"], _NUMBERS["ended"]})
_CHUNK = 2**14
_MOST_PROBLEMS = 1000
"""Problems of one file that are kept in memory."""

Page = tuple[int, bytes, bool]
"""Offset and bytes of a part of a file, and whether they are plain."""
_NO_PAGE: Page = (0, b"", True)
_PAGE = 2**16
_PAGES = 1024


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
    part: int = -1
    run: Run | None = None
    problems: list[Problem] = field(default_factory=list)

    @property
    def name(self) -> str:
        """Its name in the folder."""
        return self.path.name

    def report(self, reason: str, line: int | None = None) -> None:
        """Record a problem; that of the line before grows, if the reason is the same."""
        if self.problems and line is not None:
            before = self.problems[-1]
            if before.reason == reason and (before.last or before.line or -1) + 1 == line:
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
        The highest Lamport counter found.
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
        self.places = Places()
        self._format = about.format
        self._monotonic = monotonic
        self._rows = Rows()
        self._parts: list[tuple[LogFile, Run]] = []
        self._seen: dict[str, tuple[int, str, float]] = {}
        self._gone: set[str] = set()

    def look(self) -> None:
        """Find the new lines of all logs but the own ones.

        Raises
        ------
        SessionFileError
            The folder cannot be read.
        """
        try:
            names = files.log_names(self.folder)
        except OSError as error:
            raise SessionFileError(
                f"The logs in {shown_path(self.folder)} cannot be read ({files.reason_of(error)})."
            ) from error
        with self.lock:
            for name in names:
                if name not in self.files:
                    self.files[name] = LogFile(self.folder / name)
            self._gone = self.files.keys() - names
            others = [file for file in self.files.values() if not file.is_own]
        now = self._monotonic()
        for file in others:
            if file.name not in self._gone and _is_due(file, now):
                self._look_at(file, now)
        known = 0
        while known != len(self.accepted):
            known = len(self.accepted)
            for file in others:
                if file.foreign in self.accepted:
                    file.foreign, file.size = None, -1
                    self._look_at(file, now)

    def _look_at(self, file: LogFile, now: float) -> None:
        is_first, file.looked = file.looked == -inf, now
        if is_first:
            file.grew = now
        try:
            descriptor = files.open_to_read(file.path)
        except OSError as error:
            if is_first:
                file.report(f"it cannot be read ({files.reason_of(error)})")
            return
        try:
            size = os.fstat(descriptor).st_size
            if size < file.offset and file.size >= 0:
                if size != file.size:
                    file.report("it has become shorter since it was read")
            elif size != file.size:
                file.grew = now
                self._take_blocks(file, descriptor)
            elif file.cut:
                file.cut += 1
            file.size = size
        except OSError as error:
            file.report(f"it cannot be read ({files.reason_of(error)})")
        finally:
            os.close(descriptor)
        if file.run is not None:
            file.run.grew = max(file.run.grew, file.grew)

    def _take_blocks(self, file: LogFile, descriptor: int) -> None:
        file.cut = 0
        while file.foreign is None:
            if file.skips:
                file.offset = files.next_data(descriptor, file.offset)
            block = os.pread(descriptor, MAX_LINE + 1, file.offset)
            if not block:
                return
            end = block.rfind(b"\n")
            if file.skips:
                end = block.find(b"\n")
                file.skips = end < 0
                file.offset += end + 1 or len(block)
            elif end >= 0:
                self._take(file, block[:end].split(b"\n"))
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
                    self._take(file, [block])
                    file.offset, file.lines = before
                else:
                    file.cut = 1
                return

    def _take(self, file: LogFile, texts: list[bytes]) -> None:
        place, number, highest, highest_line, kind = file.offset, file.lines, 0, 0, ""
        rows, part = self._rows, file.part
        for line in texts:
            number += 1
            # As in `is_whole`; this is the loop that a large session spends its time in.
            if not line.endswith(b',"crc":"%08x"}' % crc32(line[: -lines.CHECKSUM])):
                file.damaged += 1
                file.report("the line is damaged" if line else "the line is empty", number)
            elif place != file.last:
                try:
                    head = lines.read_head(line)
                    kind, raw = head.kind, bytes.fromhex(head.id)
                    if raw.hex() != head.id:
                        raise InvalidEvent("its id is not 32 hexadecimal digits")
                    if kind in _MARKS or part < 0:
                        if not self._mark(file, line, kind):
                            number -= 1
                            break
                        part = file.part
                except UNREADABLE as error:
                    file.damaged += 1
                    file.report(f"the event is invalid: {inert(str(error), 200)}", number)
                else:
                    if head.n != file.n + 1:
                        _report_number(file, head.n, number)
                    if head.n > file.n:
                        file.n = head.n
                    file.damaged, file.last = 0, place
                    if head.t > highest:
                        highest, highest_line = head.t, number
                    if kind in _NUMBERS:
                        rows.add(raw, head.t, part, place, number, _NUMBERS[kind])
                    else:
                        self.unknown[inert(kind)] += 1
            place += len(line) + 1
        file.offset, file.lines = place, number
        if file.run is not None:
            file.run.n = max(file.run.n, file.n)
            file.is_closed = kind == "ended"
            file.run.is_closed |= file.is_closed
        with self.lock:
            if highest > self.t:
                self.t, self.highest = highest, f"{shown_path(file.name)}, line {highest_line}"

    def _mark(self, file: LogFile, line: bytes, kind: str) -> bool:
        """Handle the first line of a run, or one that adopts; return whether to read on."""
        if kind == "begin":
            event = cast("Event[Begin]", lines.decode_event(line, kind))
            about = event.payload.about
            if about.format > self._format:
                file.foreign = f"format {about.format}"
            elif about.uuid not in self.accepted:
                file.foreign = about.uuid
            else:
                self._start(file, name_of(event), event.payload)
            return file.foreign is None
        if kind == "adopted":
            self.accepted.add(cast("Adopted", lines.decode_event(line, kind).payload).uuid)
        if file.part < 0:
            file.report("its beginning is missing")
            self._start(file, file.path.stem, None)
        return True

    def _start(self, file: LogFile, name: str, begin: Begin | None) -> None:
        run = self.runs.setdefault(name, Run(name, begin))
        run.begin = run.begin or begin
        if file.run is run:
            return
        if file.run is not None:
            file.run.n = max(file.run.n, file.n)
        run.files.append(file.name)
        file.run, file.n, file.part = run, 0, len(self._parts)
        self._parts.append((file, run))

    def begin_own(self, path: Path, begin: Event) -> LogFile:
        """Return the log that this process is about to make; `look` passes over it."""
        log = LogFile(path, is_own=True)
        with self.lock:
            if path.name in self.files:
                raise FileExistsError(errno.EEXIST, "a log of this name exists")
            self.files[path.name] = log
        self._start(log, path.stem, cast("Begin", begin.payload))
        return log

    def forget(self, log: LogFile) -> None:
        """Handle that the own log could not be made."""
        with self.lock:
            del self.files[log.name]
            del self.runs[log.path.stem]

    def written(self, log: LogFile, event: Event, size: int) -> None:
        """Record an event at the end of the own log, of so many bytes."""
        self.places.put(key_of(event.id), log.part, log.offset)
        log.last = log.offset
        log.offset += size
        log.lines += 1
        log.n = event.n
        if isinstance(event.payload, Adopted):
            self.accepted.add(event.payload.uuid)
        if log.run is not None:
            log.run.n, log.run.grew = event.n, self._monotonic()
            log.run.is_closed = isinstance(event.payload, Ended)

    def read(self) -> Iterator[Event]:
        """Return the new events, in the order of (t, id), as they are decoded.

        Of several events with the same id, the first is returned.
        """
        rows, self._rows = self._rows, Rows()
        if not rows:
            return iter(())
        columns = rows.in_order()
        repeated = self.places.repeated(columns[0])
        self.places.add_all(*columns[:3])
        return self._decoded(columns, repeated)

    def _decoded(self, columns: tuple[NDArray[Any], ...], repeated: set[int]) -> Iterator[Event]:
        pages: dict[int, Page] = {}
        for start in range(0, len(columns[0]), _CHUNK):
            chunk = [column[start : start + _CHUNK].tolist() for column in columns]
            for key, part, place, line, number in zip(*chunk, strict=True):
                file, run = self._parts[part]
                kind = _KINDS[number]
                try:
                    text, plain = self._line(pages, part, place)
                    event = lines.decode_event(text, kind, run.name, plain=plain)
                except lines.NewerEvent:
                    self.unknown[kind] += 1
                except InvalidEvent as error:
                    file.report(f"the event is invalid: {error}", line)
                except OSError as error:
                    file.report(f"it cannot be read ({files.reason_of(error)})", line)
                else:
                    if key in repeated and self._is_known(event, part, place, line):
                        continue
                    if number in _SEERS:
                        self._see(event)
                    yield event

    def _line(self, pages: dict[int, Page], part: int, place: int) -> tuple[bytes, bool]:
        """Return a line of a file, without its newline, and whether it is plain."""
        start, text, plain = pages.get(part, _NO_PAGE)
        end = text.find(b"\n", place - start) if place >= start else -1
        if end < 0:
            path = self._parts[part][0].path
            start, text = place, files.read_part(path, _PAGE, place)
            if (end := text.find(b"\n")) < 0:
                text = files.read_part(path, MAX_LINE + 1, place)
                end = text.find(b"\n")
            plain = lines.is_plain(text)
            if len(pages) > _PAGES:
                pages.clear()
            pages[part] = start, text, plain
        return text[place - start : end if end >= 0 else None], plain

    def event(self, id: str) -> Event | None:
        """Return an event that was read or written, from its file; None if it is not there."""
        try:
            where = self.places.get(key_of(id))
        except ValueError:
            return None
        found = None if where is None else self._event_at(*where)
        return found if found is not None and found.id == id else None

    def _event_at(self, part: int, place: int) -> Event | None:
        try:
            line, _ = self._line({}, part, place)
            kind = lines.read_head(line).kind if lines.is_whole(line) else ""
            return (
                lines.decode_event(line, kind, self._parts[part][1].name)
                if kind in _NUMBERS
                else None
            )
        except (OSError, *UNREADABLE):
            return None

    def _is_known(self, event: Event, part: int, place: int, line: int) -> bool:
        key = key_of(event.id)
        where = self.places.get(key)
        if where is None or where == (part, place):
            return False
        first = self._event_at(*where)
        if first is None or first.id != event.id:
            self.places.put(key, part, place)
            return False
        if (first.t, first.by, first.payload) != (event.t, event.by, event.payload):
            file = self._parts[part][0]
            name = shown_path(self._parts[where[0]][0].name)
            file.report(
                f"its event {event.n} has the id of event {first.n} in {name}, and says something "
                "else; the other counts",
                line,
            )
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
