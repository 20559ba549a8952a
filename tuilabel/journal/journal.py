"""A session, open: its events are read, and this run appends its own."""

from __future__ import annotations

import errno
import os
import time
import uuid
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from itertools import chain
from pathlib import Path
from typing import Self

from msgspec.structs import replace

from tuilabel import __version__
from tuilabel.errors import SaveError, SessionFileError
from tuilabel.journal import files, folder, lines
from tuilabel.journal.lines import Event
from tuilabel.journal.payloads import (
    Adopted,
    Answer,
    Begin,
    Bulk,
    BulkLine,
    Ended,
    Payload,
    stored_names,
)
from tuilabel.journal.runs import Run, name_of, this_process
from tuilabel.journal.union import LogFile, Problem, Union
from tuilabel.text import inert, shown_path


def utc_now() -> datetime:
    """Return the current time, with which events are stamped."""
    return datetime.now(UTC)


class Journal:
    """A session, open to be read and to be written by this run.

    Nothing is written before the first event. Events are appended in one thread, and read in one
    thread, which may be another.

    Parameters
    ----------
    path : Path
        An existing session.
    annotator : str
        Who labels in this run.
    source : str
        Where the source is on this host.
    clock : callable
        Returns the time to stamp events with.
    monotonic : callable
        Returns seconds.

    Attributes
    ----------
    about : About
    runs : dict of str to Run
        The run of every log that was read, and the own one once it has written, by name.
    unknown : Counter
        Number of events that were passed over, by kind, because they are of a newer tuilabel.
    run : str
        Name of the own run's log; empty while it has none.

    Raises
    ------
    SessionFileError
        It is no session, or of a newer tuilabel.
    """

    def __init__(
        self,
        path: Path,
        annotator: str = "",
        source: str = "",
        *,
        clock: Callable[[], datetime] = utc_now,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self.path = path
        self.annotator = inert(annotator)
        self.about, self._problem = folder.read_about(path)
        self.run = ""
        self._source = source
        self._clock = clock
        self._monotonic = monotonic
        self._union = Union(path / folder.LOGS, self.about, monotonic)
        self.runs: dict[str, Run] = self._union.runs
        self.unknown = self._union.unknown
        self._has_read = False
        self._unread: list[Event] = []
        self._descriptor = -1
        self._log: LogFile | None = None
        self._own: list[tuple[LogFile, list[bytes]]] = []
        self._failed: tuple[str, list[Payload], list[Event]] | None = None
        self._recorded: dict[str, int] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def adopt(self, uuid: str) -> Event:
        """Let the logs of another session count in this one; as `append`."""
        self._union.accepted.add(uuid)
        return self.append(Adopted(uuid=uuid))

    @property
    def uuids(self) -> frozenset[str]:
        """The session's uuid, and those of the sessions it has adopted."""
        return frozenset(self._union.accepted)

    def read(self) -> Iterator[Event]:
        """Return the new events of all logs but the own one, in the order of (t, id).

        They are read as they are taken, and all have to be taken. Of several events with the same
        id, the first is returned. Events that are out of place in their log come last.

        Raises
        ------
        SessionFileError
            The folder of the logs cannot be read.
        """
        unread, self._unread, self._has_read = self._unread, [], True
        return chain(unread, self._union.read())

    def event(self, id: str) -> Event | None:
        """Return an event that was read or written, from its file; None if it is not there."""
        return self._union.event(id)

    def problems(self, patience: float = 0.0) -> list[Problem]:
        """Return what is damaged, missing or invalid; see `Union.problems`."""
        found = self._union.problems(patience)
        return found if self._problem is None else [self._problem, *found]

    def unrecorded(self) -> dict[str, int]:
        """Return the last number read of each other log that has grown since this log recorded it.

        It belongs into `Batch.seen` and `Ended.seen`.
        """
        return {
            run.name: run.n
            for run in list(self.runs.values())
            if run.name != self.run and run.n > self._recorded.get(run.name, 0) and run.is_named
        }

    def append(self, payload: Payload, by: str | None = None) -> Event:
        """Write one event; when this returns, it is on disk.

        Parameters
        ----------
        payload : Payload
        by : str, optional
            By default the annotator of this run.

        Raises
        ------
        SaveError
            It is not known to be on disk. If the same is appended next, the same event is written
            again, and counts once; anything else is a new event with a larger `t`.
        """
        return self.append_many([payload], by)[0]

    def append_many(self, payloads: Iterable[Payload], by: str | None = None) -> list[Event]:
        """Write events in one write and with one sync, see `append`.

        If the power fails meanwhile, the first of them may be on disk without the others.
        """
        contents, by = list(payloads), self.annotator if by is None else by
        if not contents:
            return []
        if not self._has_read:
            self._unread = list(self.read())
        failed, self._failed = self._failed, None
        if failed is None or failed[0] != by or list(map(_meant, contents)) != failed[1]:
            failed = by, list(map(_meant, contents)), self._stamped(contents, by)
        self._failed = failed
        begin = self._begin(failed[2][0].t - 1) if self._log is None else None
        events = self._write(begin, failed[2])
        self._failed = None
        for event in events:
            self._recorded |= getattr(event.payload, "seen", {})
        return events

    def write_bulk(self, answers: Iterable[BulkLine], header: Bulk, by: str | None = None) -> Event:
        """Write a bulk file, and the event that names it; none counts if `SaveError` is raised.

        Parameters
        ----------
        answers : iterable of BulkLine
        header : Bulk
            Name, hash and count are filled in.
        by : str, optional
        """
        try:
            made = folder.write_bulk(self.path, answers, header)
        except (OSError, *lines.UNREADABLE) as error:
            reason = (
                files.reason_of(error) if isinstance(error, OSError) else inert(str(error), 200)
            )
            raise SaveError(
                f"Nothing is saved: no file can be written in {shown_path(self.path)} ({reason})."
            ) from error
        return self.append(made, by)

    def bulk_lines(self, bulk: Bulk) -> list[BulkLine]:
        """Return the lines of a bulk file; raise `SessionFileError` if it is missing or changed."""
        return folder.read_bulk(self.path, bulk)

    def lost(self) -> str | None:
        """Return what is no longer on disk of the session and the own logs; None if all is there.

        A session that was removed or replaced is not noticed by writing to it.
        """
        shown = shown_path(self.path)
        try:
            if folder.read_about(self.path)[0].uuid != self.about.uuid:
                return f"Another session is at {shown} now: what was saved is not there."
        except SessionFileError:
            return f"{shown} is no longer there: what was saved is lost with it."
        for log, written in self._own:
            try:
                start = files.read_part(log.path, len(written[0])) if written else b""
                size = log.path.stat().st_size if written else 0
            except FileNotFoundError:
                size = 0
            except OSError as error:
                return f"{shown_path(log.path)} cannot be read ({files.reason_of(error)})."
            if written and (size < log.offset or start != written[0]):
                return f"{shown_path(log.path)} was removed or replaced: what it had is lost."
        return None

    def save_copy(self, path: Path) -> list[str]:
        """Write a new session with the own logs from memory, and all others that can be read.

        Returns
        -------
        list of str
            Names of the logs that are missing in it.

        Raises
        ------
        SessionFileError, SaveError
        """
        folder.create_session(path, self.about)
        own, missing = {log.name: written for log, written in self._own}, []
        for name, log in list(self._union.files.items()):
            try:
                content = own.get(name) or [log.path.read_bytes()]
            except OSError:
                missing.append(name)
                continue
            try:
                files.write_whole(path / folder.LOGS / name, content)
            except OSError as error:
                reason = files.reason_of(error)
                raise SaveError(f"{shown_path(path)} is incomplete: {reason}.") from error
        return missing

    def close(self) -> None:
        """Write the closing event, if this run has written anything."""
        # It only saves others a wait: no answer depends on it.
        with suppress(SaveError):
            if self._log is not None:
                self.append(Ended(seen=self.unrecorded()))
        self._leave()

    def _stamped(self, payloads: Sequence[Payload], by: str) -> list[Event]:
        """Return events with identities and counters; they get their numbers when written."""
        union, own = self._union, len(payloads) + (self._log is None)  # one is for `_begin`
        with union.lock:
            if union.t + own > lines.MAX_COUNTER:
                raise SaveError(
                    f"Nothing can be saved in {shown_path(self.path)}: {union.highest} has used "
                    "the counters up. Move that log out of the session."
                )
            union.t += own
            t = union.t - len(payloads)
        at = self._clock()
        return [
            Event(uuid.uuid4().hex, 1, t + place, at, by, payload)
            for place, payload in enumerate(payloads, 1)
        ]

    def _write(self, begin: Event[Begin] | None, events: list[Event]) -> list[Event]:
        try:
            run = self.run if begin is None else name_of(begin)
            if begin is not None:
                events = [begin, *events]
            first = 1 if self._log is None else self._log.n + 1
            numbered = [replace(event, n=n) for n, event in enumerate(events, first)]
            texts = [lines.encode_event(event) for event in numbered]
            # What readers would pass over is not written; what they will see is returned.
            found = [lines.decode_event(text[:-1], run) for text in texts]
            log = self._log or self._open(run, found[0])
            self._put(b"".join(texts), log)
        except lines.InvalidEvent as error:
            raise SaveError(f"Not saved: {error}.") from error
        except OSError as error:
            self._leave()
            raise SaveError(
                f"Not saved: the log in {shown_path(self.path)} cannot be written "
                f"({files.reason_of(error)}). Press the key again once that is fixed."
            ) from error
        self._own[-1][1].extend(texts)
        for event, text in zip(found, texts, strict=True):
            self._union.written(log, event, len(text))
        return found[begin is not None :]

    def _begin(self, t: int) -> Event[Begin]:
        host, boot, pid, started = this_process()
        begin = Begin(
            about=self.about,
            annotator=self.annotator,
            host=host,
            boot=boot,
            pid=pid,
            started=started,
            program=__version__,
            source=stored_names([self._source])[0],
            after=self._own[-1][0].path.stem if self._own else "",
            adopted=tuple(sorted(self.uuids - {self.about.uuid})),
        )
        begin = lines.harmless(begin)
        return Event(uuid.uuid4().hex, 1, t, self._clock(), self.annotator, begin)

    def _open(self, run: str, begin: Event) -> LogFile:
        folder_of_logs = self.path / folder.LOGS
        files.make_folder(folder_of_logs, self.path)
        log = self._union.begin_own(folder_of_logs / (run + files.SUFFIX), begin)
        try:
            self._descriptor = files.create(log.path)
        except OSError:
            self._union.forget(log)
            raise
        self._log, self.run = log, run
        self._own.append((log, []))
        return log

    def _put(self, content: bytes, log: LogFile) -> None:
        """Write to the own log, and return when it is on disk."""
        if os.fstat(self._descriptor).st_nlink == 0:
            raise OSError(errno.ENOENT, f"{shown_path(log.name)} was removed")
        written = os.write(self._descriptor, content)
        if written < len(content):
            raise OSError(errno.ENOSPC, f"{written} of {len(content)} bytes were written")
        os.fsync(self._descriptor)
        if not log.n:
            files.sync_folder(self.path / folder.LOGS)

    def _leave(self) -> None:
        """Never append to the own log again; from now on it is read like the others."""
        descriptor, self._descriptor = self._descriptor, -1
        if descriptor >= 0:
            with suppress(OSError):
                os.close(descriptor)
        if self._log is not None:
            self._log.size, self._log.is_own = -1, False
        self._log, self.run, self._recorded = None, "", {}


def _meant(payload: Payload) -> Payload:
    """Return a payload without the time that the annotator took, to see whether it comes again."""
    return replace(payload, ms=None) if isinstance(payload, Answer) else payload
