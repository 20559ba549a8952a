"""The writer of a session: one log for each run, which nobody else ever touches."""

from __future__ import annotations

import errno
import hashlib
import uuid
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from itertools import takewhile
from pathlib import Path
from typing import Self

import msgspec

from tuilabel import __version__
from tuilabel.errors import SaveError, SessionFileError
from tuilabel.events.lines import HIGHEST_COUNTER, Event, InvalidLineError, decode, encode
from tuilabel.events.payloads import (
    About,
    Answer,
    Batch,
    Begin,
    Bulk,
    BulkLine,
    Ended,
    Fitted,
    Payload,
    stored_names,
)
from tuilabel.journal.description import read_description
from tuilabel.journal.reader import LogFile, Problem, Reader, place_of, split_place
from tuilabel.journal.rescue import Held, lost, save_copy
from tuilabel.journal.store import BULK, LOGS
from tuilabel.runs import log_name, this_run
from tuilabel.text import shown_path

_MOST_TRIES = 100


def utc_now() -> datetime:
    """Return the current time, with which events are stamped."""
    return datetime.now(UTC)


class Journal:
    """A session, open to read what everybody wrote and to append events of this run.

    Nothing is written before the first event.

    Parameters
    ----------
    path : Path
        An existing session, see `create_session`.
    annotator : str
        Whose run this is.
    source : str
        Where the source is on this host.
    clock : callable
        Returns the time to stamp events with.
    reader : Reader, optional
        One that has read the session already, perhaps in part.

    Raises
    ------
    SessionFileError
        There is no session, or nothing of it can be read.
    """

    def __init__(
        self,
        path: Path,
        annotator: str,
        source: str,
        clock: Callable[[], datetime] = utc_now,
        reader: Reader | None = None,
    ) -> None:
        self.path = path
        self._annotator = annotator
        self._source = source
        self._clock = clock
        self._reader = Reader(path) if reader is None else reader
        self._store = self._reader.store
        self._counter = 0
        self._log = ""
        self._number = 0
        self._recorded: dict[str, int] = {}
        self._written: dict[str, bytearray] = {}
        self._file: LogFile | None = None
        self._held = Held(self._store)
        self._doubtful: list[Event] = []
        self._has_written = False

    @property
    def about(self) -> About:
        """The description of the session."""
        return self._reader.about

    @property
    def problems(self) -> list[Problem]:
        """What is wrong with the session, as far as it was read."""
        return self._reader.problems

    @property
    def read_so_far(self) -> dict[str, int]:
        """How far the file of each log was read, in bytes; nothing of what this run writes."""
        return {file.path.name: file.offset for file in self._reader.files()}

    def read(self) -> list[Event]:
        """Return the events that others have written since the last call; all at the first."""
        events = self._reader.read()
        for file in self._reader.files():
            if file.path.stem not in self._reader.own:
                self._held.hold(file.name)
        # Those that `reader` has met already are named by no new event.
        with suppress(OSError):
            for name in sorted(self._store.names(BULK)):
                if name.endswith(".jsonl") and not name.startswith("."):
                    self._held.hold(f"{BULK}/{name}")
        return events

    def is_over(self, log: str) -> bool:
        """Return whether the run that wrote a log has certainly ended."""
        return self._reader.is_over(log)

    def unclosed_on(self, log: str) -> str | None:
        """Return the host of a run that may go on there; None if it is this one, or has ended."""
        return self._reader.unclosed_on(log)

    def is_live(self, log: str) -> bool:
        """Return whether somebody works at the desk of a log at this moment."""
        return self._reader.is_live(log)

    def bulk_lines(self, bulk: Bulk) -> Sequence[BulkLine]:
        """Return the lines of a bulk file; none if it is not as it was written."""
        self._held.hold(f"{BULK}/{Path(bulk.file).name}")
        return self._reader.bulk_lines(bulk)

    def seen(self) -> dict[str, int]:
        """Return the last number read of each other log that grew since this was recorded last."""
        # A copy: another thread may be reading.
        logs = list(self._reader.logs.items())
        found = {name: log.number for name, log in logs if log.number}
        return {name: n for name, n in found.items() if n > self._recorded.get(name, 0)}

    def append(self, payloads: Sequence[Payload], by: str) -> list[Event]:
        """Write events that belong together; when this returns, they are on disk.

        After a failure nobody can know whether the events reached the disk. Appending the same
        payloads again writes the same events, which count once.

        Parameters
        ----------
        payloads : sequence of Payload
        by : str
            Name of the annotator.

        Raises
        ------
        SaveError
            The events may not be on disk; the caller may try again.
        """
        stamped = self._events(payloads, by)
        # The first event of a log, which says whose it is, comes before them.
        first = self._number + 1 + (self._file is None)
        try:
            lines = [encode(event._replace(n=n)) for n, event in enumerate(stamped, first)]
            # What readers would refuse is not written; what they will see is returned.
            found = [decode(line[:-1], "") for line in lines]
        except ValueError as error:
            raise self._not_saved(error) from error
        try:
            begin = b"" if self._file is not None else self._begin_log(stamped[0])
            assert self._file is not None
            self._store.append(self._file.name, b"".join((begin, *lines)))
        except OSError as error:
            self._doubtful = self._still_doubtful(payloads) or stamped
            # What may have reached the disk is older than what replaces it.
            self._counter = max(self._counter, stamped[-1].t)
            self._abandon()
            raise self._not_saved(error) from error
        self._doubtful = self._still_doubtful(payloads)
        self._has_written = True
        self._number = found[-1].n
        self._counter = max(self._counter, found[-1].t)
        return self._written_now(begin, lines, found)

    def _still_doubtful(self, payloads: Sequence[Payload]) -> list[Event]:
        """Return the doubtful events that a key pressed after some others are appended may repeat.

        A ranking that arrives meanwhile is no other key. A batch is not repeated after it.
        """
        if not all(isinstance(payload, Batch | Fitted) for payload in payloads):
            return []
        return list(
            takewhile(lambda event: not isinstance(event.payload, Batch | Fitted), self._doubtful)
        )

    def _written_now(
        self, begin: bytes, lines: Sequence[bytes], found: Sequence[Event]
    ) -> list[Event]:
        """Record lines that are on disk; return their events."""
        assert self._file is not None
        content, events = self._written.setdefault(self._file.path.name, bytearray()), []
        content += begin
        for line, event in zip(lines, found, strict=True):
            place = place_of(self._file.index, len(content))
            events.append(event._replace(log=self._log, place=place))
            content += line
            if isinstance(event.payload, Batch | Ended):
                self._recorded.update(event.payload.seen)
        self._reader.written(self._file, events)
        return events

    def event(self, place: int) -> Event | None:
        """Return an event from its place; None if its file is no longer there."""
        index, offset = split_place(place)
        file = self._reader.files()[index]
        content = self._written.get(file.path.name)
        if content is None:
            return self._reader.event(place)
        # What this run wrote is in memory.
        return decode(bytes(content[offset : content.index(b"\n", offset)]), file.path.stem, place)

    def _events(self, payloads: Sequence[Payload], by: str) -> list[Event]:
        again = []
        for event, payload in zip(self._doubtful, payloads, strict=False):
            if event.by != by or _untimed(event.payload) != _untimed(payload):
                break
            again.append(event)
        payloads = payloads[len(again) :]
        now = self._clock().astimezone(UTC).isoformat(timespec="milliseconds")
        first = max(self._counter, self._reader.highest) + 1 + (self._file is None)
        if first + len(payloads) > HIGHEST_COUNTER:
            raise SaveError(
                f"Not saved: the counter of events is used up by {self._reader.highest_at}. Move "
                "that log out of the session, and open it again."
            )
        return again + [
            Event(uuid.uuid4().hex, 0, t, now, by, payload)
            for t, payload in enumerate(payloads, first)
        ]

    def _begin_log(self, first: Event) -> bytes:
        """Create a log; return its first line."""
        self._refuse_replaced()
        run = this_run()
        (source,) = stored_names([self._source])
        begin = Begin(
            about=self.about,
            annotator=self._annotator,
            host=run.host,
            boot=run.boot,
            pid=run.pid,
            started=run.started,
            program=__version__,
            source=source,
            adopted=tuple(sorted(self._reader.uuids - {self.about.uuid})),
        )
        # A name may be taken, since only 16 bits of it are random.
        for tries_left in reversed(range(_MOST_TRIES)):
            event = Event(uuid.uuid4().hex, 1, first.t - 1, first.at, self._annotator, begin)
            line = encode(event)
            read = decode(line[:-1], "")
            assert isinstance(read.payload, Begin)
            self._log = log_name(read.at, read.id, read.payload)
            try:
                self._store.create(f"{LOGS}/{self._log}.jsonl")
            except FileExistsError:
                if not tries_left:
                    raise
            else:
                break
        self._file = self._reader.begin_own(self.path / LOGS / f"{self._log}.jsonl", begin)
        return line

    def _refuse_replaced(self) -> None:
        try:
            is_other = read_description(self.path, self._store).uuid != self.about.uuid
        except InvalidLineError:  # a log has replaced it, see `Reader`
            is_other = False
        except SessionFileError as error:
            raise OSError(errno.ESTALE, str(error)) from error
        if is_other:
            raise OSError(errno.ESTALE, "another session was put in its place")

    def _abandon(self) -> None:
        """Never append to the log again: it may end in half a line, or take nothing for good."""
        self._file, self._number = None, 0
        with suppress(OSError):  # a write has failed already, and is reported
            self._store.close()

    def _not_saved(self, error: Exception) -> SaveError:
        full = isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT)
        reason = getattr(error, "strerror", None) or str(error)
        found = "the disk is full. Free some space" if full else f"{reason.rstrip('.')}. Fix that"
        return SaveError(
            f"Not saved: {found}, then press the key again. The session is {shown_path(self.path)}."
        )

    def write_bulk(self, lines: Iterable[BulkLine | bytes]) -> tuple[str, str, int]:
        """Write a bulk file; an event has to name it before its lines count.

        Parameters
        ----------
        lines : iterable of BulkLine or bytes
            Those that are bytes are encoded already.

        Returns
        -------
        (str, str, int)
            Its name, the SHA-256 of its bytes, and the number of its lines.

        Raises
        ------
        SaveError
        """
        count, sha256 = 0, hashlib.sha256()

        def parts() -> Iterator[bytes]:
            nonlocal count
            for line in lines:
                part = (line if isinstance(line, bytes) else msgspec.json.encode(line)) + b"\n"
                count += 1
                sha256.update(part)
                yield part

        name = f"{uuid.uuid4().hex}.jsonl"
        try:
            self._store.write_parts(f"{BULK}/{name}", parts())
        except OSError as error:
            raise self._not_saved(error) from error
        self._held.hold(f"{BULK}/{name}")
        return name, sha256.hexdigest(), count

    def lost(self) -> str | None:
        """Return a sentence if the session, or a log of it, is no longer there.

        Appending does not notice everything: another session may have been put in the place of
        this one after its last event.
        """
        own = lost(self.path, self._store, self.about, self._written)
        return own or self._reader.removed()

    def save_copy(self, path: Path) -> list[str]:
        """Write the session to another place, also if it was removed since it was read.

        What this run wrote is in memory; files of others are kept open.

        Parameters
        ----------
        path : Path
            The new session.

        Returns
        -------
        list of str
            Files that are missing in the copy, by folder and name.

        Raises
        ------
        SessionFileError, SaveError
            The copy cannot be made.
        """
        return save_copy(path, self.about, self._written, self._held)

    def close(self) -> None:
        """Record that the run has ended in order; a second call does nothing."""
        if self._file is None:
            return
        try:
            self.append([Ended(seen=self.seen())], self._annotator)
        except SaveError:
            # Every event before it was reported as saved or not; its process is seen to be gone.
            return
        self._abandon()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def _untimed(payload: Payload) -> Payload:
    """Return a payload without the time that an answer took: a key pressed again takes longer."""
    return msgspec.structs.replace(payload, ms=None) if isinstance(payload, Answer) else payload
