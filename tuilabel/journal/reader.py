"""The reader of a session: the union of its logs, whatever lies in their place."""

from __future__ import annotations

import hashlib
import os
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from tuilabel.errors import SessionFileError
from tuilabel.journal.description import BULK, FILE, LOGS, open_ordinary, read_description
from tuilabel.journal.lines import (
    LONGEST_LINE,
    Event,
    InvalidLineError,
    decode,
    decode_bulk_line,
)
from tuilabel.journal.payloads import About, Adopted, Batch, Begin, Bulk, BulkLine, Ended
from tuilabel.journal.runs import Run, is_running
from tuilabel.text import counted, inert, shown_path

LIVE_SECONDS = 600.0
"""A desk counts as left when its log has not grown for this long."""

SILENT_SECONDS, LOOK_SECONDS = 3600.0, 60.0
"""A log that has not grown for so long is looked at once in so long."""

_CHUNK = 2**20
_GIVEN_UP = 2**26
"""Bytes without a newline after which the rest of a log is not read."""

_LARGEST_BULK = 2**30


class Problem(NamedTuple):
    """What is wrong with a session: the file, the number of a line if it is about one, a text."""

    file: str
    line: int | None
    text: str

    def __str__(self) -> str:
        where = shown_path(self.file) + ("" if self.line is None else f", line {self.line:,}")
        return f"{where}: {self.text}"


class Log:
    """A log, read up to a place.

    Attributes
    ----------
    name : str
    number : int
        The number of the last event read.
    begin : Begin or None
        Its first event; None if that is damaged.
    has_ended : bool
        Whether its run ended in order.
    tail : int
        Bytes after the last whole line, which may become one.
    grown : float
        When it was last seen to have grown, by this process's own monotonic clock.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.name = path.stem
        self.offset = 0
        self.lines = 0
        self.number = 0
        self.begin: Begin | None = None
        self.has_ended = False
        self.is_given_up = False
        self.tail = 0
        self.grown = self.looked_at = -float("inf")
        self.waiting: list[Event] = []
        self._lacks_newline = False
        self._damaged = 0

    def is_due(self, now: float) -> bool:
        """Return whether to look for new events."""
        if self.has_ended or self.is_given_up:
            return False
        return now - self.grown < SILENT_SECONDS or now - self.looked_at >= LOOK_SECONDS

    def read(self, now: float, report: Callable[[int, str], None]) -> list[Event]:
        """Return the events that were appended since.

        Raises
        ------
        OSError
            It cannot be read.
        """
        self.looked_at = now
        # Opened anew each time: network file systems promise no more than close-to-open.
        descriptor = open_ordinary(self.path)
        try:
            before, events = self.offset, list(self._events(descriptor, report))
        finally:
            os.close(descriptor)
        if self.offset > before:
            self.grown = now
        return events

    def _events(self, descriptor: int, report: Callable[[int, str], None]) -> Iterator[Event]:
        for line, is_whole in self._pieces(descriptor, report):
            if not line and self._lacks_newline:
                self._lacks_newline = False
                self.offset += 1
                continue
            try:
                event = decode(line, self.name)
            except InvalidLineError as error:
                if not is_whole:
                    self.tail = len(line)
                    return
                event = None
                self._damaged += 1
                report(self.lines + 1, str(error))
            self.lines += 1
            self.offset += len(line) + is_whole
            self._lacks_newline = not is_whole
            self.tail = 0
            if event is None:
                continue
            if event.n <= self.number:
                # Its checksum is right, so it counts; one that is there twice counts once.
                report(self.lines, f"its number {event.n} is repeated or out of order")
            else:
                # Damaged lines are named already.
                missing = event.n - self.number - 1 - self._damaged
                if missing > 0:
                    report(self.lines, f"before it are missing: {counted(missing, 'event')}")
                self._damaged = 0
                self.number = event.n
                self.has_ended = isinstance(event.payload, Ended)
            if isinstance(event.payload, Begin) and self.begin is None:
                self.begin = event.payload
            yield event

    def _pieces(
        self, descriptor: int, report: Callable[[int, str], None]
    ) -> Iterator[tuple[bytes, bool]]:
        """Yield lines, each with whether its newline is there."""
        place, begun, skipped = self.offset, b"", 0
        while chunk := os.pread(descriptor, _CHUNK, place):
            place += len(chunk)
            *lines, begun = (begun + chunk).split(b"\n")
            for line in lines:
                if skipped:
                    self.lines += 1
                    self.offset += skipped + len(line) + 1
                    report(self.lines, "it is longer than a line may be")
                    skipped = 0
                else:
                    yield line, True
            if len(begun) >= LONGEST_LINE or skipped:
                skipped += len(begun)
                begun = b""
            if skipped > _GIVEN_UP:
                self.is_given_up = True
                report(self.lines + 1, "it is far too long; the rest of the file is not read")
                return
        if begun and not skipped:
            yield begun, False
        self.tail = self.tail or skipped


class Reader:
    """Reads a session, and goes on reading what others append.

    Parameters
    ----------
    path : Path
    own : str, optional
        Name of this process's own log, which is not read.
    clock : callable
        Returns seconds that never go back.

    Attributes
    ----------
    about : About
    logs : dict of str to Log
    highest : int
        The highest counter seen.
    highest_at : str
        Where it was seen.

    Raises
    ------
    SessionFileError
        There is no session, or nothing of it can be read.
    """

    def __init__(self, path: Path, clock: Callable[[], float] = time.monotonic) -> None:
        self.path = path
        self.own: set[str] = set()
        self.logs: dict[str, Log] = {}
        self.highest = 0
        self.highest_at = ""
        self._clock = clock
        self._ids: dict[str, int] = {}
        self._problems: dict[tuple[str, int | None], Problem] = {}
        self._claims: dict[str, tuple[int, str]] = {}
        self._first: list[Event] | None = None
        self.about = self._description()
        self._uuids = {self.about.uuid}

    def _description(self) -> About:
        try:
            return read_description(self.path)
        except InvalidLineError as error:
            self._first = self._new_events()
            begun = [log.begin.about for log in self.logs.values() if log.begin is not None]
            if not begun:
                raise SessionFileError(
                    f"{shown_path(self.path)} is damaged: {FILE} is invalid ({error}), and no log "
                    "can replace it. Put an undamaged copy in its place."
                ) from error
            self._report(FILE, None, f"{error}; a log has replaced it")
            return begun[0]

    @property
    def problems(self) -> list[Problem]:
        """What is wrong, as far as it was read."""
        found = list(self._problems.values())
        for name, (number, by) in self._claims.items():
            log = self.logs.get(name)
            is_behind = log is None or log.number < number
            if name not in self.own and is_behind and not self._has_grown(name):
                has = "is missing" if log is None else f"has {log.number} events"
                found.append(
                    Problem(f"{LOGS}/{name}.jsonl", None, f"it {has}, but {by} has seen {number}")
                )
        for log in self.logs.values():
            if log.waiting and log.begin is not None:
                uuid = inert(log.begin.about.uuid)
                text = f"it belongs to another session, {uuid}, and does not count"
                found.append(Problem(f"{LOGS}/{log.name}.jsonl", None, text))
            if log.tail and (log.begin is None or self.is_over(log.name)):
                text = f"its last line is incomplete ({log.tail} bytes)"
                found.append(Problem(f"{LOGS}/{log.name}.jsonl", log.lines + 1, text))
        return found

    def _has_grown(self, name: str) -> bool:
        """Return whether a log has appeared, or grown, since it was looked for."""
        log = self.logs.get(name)
        try:
            size = (self.path / LOGS / f"{name}.jsonl").lstat().st_size
        except (OSError, ValueError):  # it is gone, or its name is no name of a file
            return False
        return size > (0 if log is None else log.offset + log.tail)

    def _report(self, file: str, line: int | None, text: str) -> None:
        self._problems.setdefault((file, line), Problem(file, line, text))

    def read(self) -> list[Event]:
        """Return the events appended since the last call, in order; all of them at the first."""
        found, self._first = self._first, None
        events = found if found is not None else self._new_events()
        counted = self._of_this_session(events)
        counted.sort(key=lambda event: (event.t, event.id))
        return [event for event in counted if self._is_new(event)]

    def _new_events(self) -> list[Event]:
        now = self._clock()
        events: list[Event] = []
        for path in self._paths():
            log = self.logs.setdefault(path.stem, Log(path))
            if path.stem in self.own or not log.is_due(now):
                continue
            file = f"{LOGS}/{path.name}"

            def report(line: int, text: str, file: str = file) -> None:
                self._report(file, line, text)

            try:
                events += log.read(now, report)
                self._problems.pop((file, None), None)
            except OSError as error:
                reason = error.strerror or str(error)
                self._report(file, None, f"it cannot be read ({reason}), so it does not count")
        return events

    def _paths(self) -> list[Path]:
        try:
            with os.scandir(self.path / LOGS) as entries:
                names = sorted(entry.name for entry in entries)
        except OSError as error:
            self._report(LOGS, None, f"it cannot be read ({error.strerror})")
            return []
        for name in names:
            if not name.endswith(".jsonl") and not name.startswith("."):
                self._report(f"{LOGS}/{name}", None, "it is no log, and is passed over")
        return [self.path / LOGS / name for name in names if name.endswith(".jsonl")]

    def _of_this_session(self, events: list[Event]) -> list[Event]:
        """Return the events of logs of this session, or of one that was adopted."""
        counted = [event for event in events if self._counts(event)]
        adopted = {
            event.payload.uuid for event in counted if isinstance(event.payload, Adopted)
        } - self._uuids
        if adopted:
            self._uuids |= adopted
            waiting = [event for log in self.logs.values() for event in log.waiting]
            for log in self.logs.values():
                log.waiting = []
            counted += self._of_this_session(waiting)
        return counted

    def _counts(self, event: Event) -> bool:
        log = self.logs[event.log]
        if log.begin is not None and log.begin.about.uuid not in self._uuids:
            log.waiting.append(event)
            return False
        return True

    def _is_new(self, event: Event) -> bool:
        if event.t > self.highest:
            self.highest, self.highest_at = event.t, f"{LOGS}/{event.log}.jsonl, event {event.n}"
        if isinstance(event.payload, Batch | Ended):
            for name, number in event.payload.seen.items():
                self._claims[name] = max(self._claims.get(name, (0, "")), (number, event.log))
        known = self._ids.get(event.id)
        if known is None:
            self._ids[event.id] = event.digest
            return True
        if known != event.digest:
            text = f"event {event.n} has the id of another event, {event.id}, and does not count"
            self._report(f"{LOGS}/{event.log}.jsonl", event.n, text)
        return False

    # The runs.

    def is_over(self, log: str) -> bool:
        """Return whether the run that wrote a log has certainly ended."""
        found = self.logs.get(log)
        if log in self.own or found is None:
            return False
        return found.has_ended or (found.begin is not None and not is_running(Run.of(found.begin)))

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
        file = f"{BULK}/{name}"
        try:
            with os.fdopen(open_ordinary(self.path / BULK / name), "rb") as stream:
                if os.fstat(stream.fileno()).st_size > _LARGEST_BULK:
                    raise OSError("it is too large")
                content = stream.read()
            if hashlib.sha256(content).hexdigest() != bulk.sha256:
                raise OSError("its content is not what was written")
            return [decode_bulk_line(line) for line in content.splitlines()]
        except (OSError, ValueError, RecursionError) as error:
            reason = getattr(error, "strerror", None) or str(error)
            self._report(file, None, f"{inert(reason, 200)}; its labels do not count")
            return []
