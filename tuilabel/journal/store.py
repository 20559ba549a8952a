"""The writer of a session file: one event is one commit, which is on disk when it returns."""

from __future__ import annotations

import json
import os
import sqlite3
import uuid
from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Self

from tuilabel.errors import SaveError, SessionFileError
from tuilabel.journal.events import AUTO_ORIGIN, Annotator, Draft, Event
from tuilabel.journal.filesystem import (
    give_name,
    network_type,
    refuse_foreign_sides,
    refuse_side_name,
)
from tuilabel.journal.lock import SessionLock
from tuilabel.journal.reading import (
    SessionInfo,
    check_header,
    check_untouched,
    connect,
    read_events,
    read_info,
    reason,
    unreadable,
)
from tuilabel.journal.schema import create_tables

# Each of them has events that are lost if it is moved away.
_FILES = ("", "-wal")

_INSERT = (
    "INSERT INTO event (seq, uuid, kind, time, annotator, item, class_name, round, ms, "
    "origin, target, body) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
)
_BODY = json.JSONEncoder(separators=(",", ":"), allow_nan=False)


def utc_now() -> datetime:
    """Return the current time, with which events are stamped."""
    return datetime.now(UTC)


class Journal:
    """A session file, open for labelling by this process alone.

    Parameters
    ----------
    path : Path
        An existing session file, see `create`.
    clock : callable
        Returns the time to stamp events with.

    Raises
    ------
    SessionFileError
        The file is missing, is not a session, is damaged, has another version, cannot be written,
        or lies on a network file system.
    SessionLockedError
        Another process labels in it.
    """

    def __init__(self, path: Path, clock: Callable[[], datetime] = utc_now) -> None:
        self.path = path
        self._clock = clock
        self._connection: sqlite3.Connection | None = None
        self._has_failed = False
        self._log_is_named = False
        check_header(path)
        refuse_network(path)
        refuse_foreign_sides(path)
        _refuse_read_only(path)
        self._lock = SessionLock(path, clock())
        try:
            self._connection = _connect(path)
            self.info = read_info(self._connection, path)
            self._identity = _identity(path)
        except BaseException:
            self.close()
            raise

    @classmethod
    def create(cls, path: Path, info: SessionInfo, clock: Callable[[], datetime] = utc_now) -> Self:
        """Create a session file and open it.

        The file gets its name only when it is complete, so that nobody finds an incomplete session.

        Raises
        ------
        SessionFileError
            The file exists already, or cannot be created.
        """
        new = path.with_name(f".tuilabel-{uuid.uuid4().hex}.new")
        refuse_side_name(path)
        refuse_foreign_sides(path, is_new=True)
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            refuse_network(path.parent)
            write_session(new, info)
            give_name(new, path)
            sync_directory(path.parent)
        except FileExistsError:
            raise SessionFileError(f"{path} exists already; open it, or name another.") from None
        except (OSError, sqlite3.Error) as error:
            raise SessionFileError(
                f"No session can be created at {path} ({reason(error)}). "
                "Make the directory writable, or name another place with --session FILE."
            ) from error
        finally:
            remove_quietly(new)
        return cls(path, clock)

    def append(self, draft: Draft, by: Annotator) -> Event:
        """Write one event; when this returns, it is on disk.

        Parameters
        ----------
        draft : Draft
        by : Annotator
            Who did it. Only auto-labels have the origin `AUTO_ORIGIN`, whatever that of `by`.

        Raises
        ------
        SaveError
            The event is not on disk, and nothing has changed; the caller may try again.
        ValueError
            The body is not JSON (for example with a NaN); nothing has changed.
        """
        event = self._stamped(draft, by, self._now(), seq=0)
        row = _row(event)
        connection = self._open_connection()
        self._check_identity("press the key again")
        self._clear_log(connection)
        try:
            cursor = connection.execute(_INSERT, row)
        except sqlite3.Error as error:
            if connection.in_transaction:
                connection.rollback()
            self._has_failed = True
            raise self._not_saved(error, "press the key again") from error
        assert cursor.lastrowid is not None
        return replace(event, seq=cursor.lastrowid)

    def append_many(self, drafts: Iterable[Draft], by: Annotator) -> list[Event]:
        """Write events that belong together: all of them are on disk, or none.

        They are written in one transaction and have the same time.

        Parameters
        ----------
        drafts : iterable of Draft
        by : Annotator
            Who did it, as in `append`.

        Returns
        -------
        list of Event
            In the order of the drafts; empty if there are none.

        Raises
        ------
        SaveError
            No event is on disk, and nothing has changed; the caller may try again.
        ValueError
            As for `append`, for any of the drafts; nothing has changed.
        """
        now = self._now()
        drafts = list(drafts)
        connection = self._open_connection()
        self._check_identity("try again")
        if not drafts:
            return []
        self._clear_log(connection)
        try:
            connection.execute("BEGIN IMMEDIATE")
            # Nobody else can write now, so the next numbers are known.
            first = _last_seq(connection) + 1
            events = [self._stamped(draft, by, now, seq) for seq, draft in enumerate(drafts, first)]
            connection.executemany(_INSERT, map(_row, events))
            connection.execute("COMMIT")
        except BaseException as error:
            if connection.in_transaction:
                connection.rollback()
            if isinstance(error, sqlite3.Error):
                self._has_failed = True
                raise self._not_saved(error, "try again") from error
            raise
        return events

    def _now(self) -> str:
        return self._clock().astimezone(UTC).isoformat(timespec="milliseconds")

    def _stamped(self, draft: Draft, by: Annotator, time: str, seq: int) -> Event:
        return Event(
            seq=seq,
            uuid=draft.uuid or str(uuid.uuid4()),
            kind=draft.kind,
            time=time,
            annotator=by.name,
            item=draft.item,
            class_name=draft.class_name,
            round=draft.round,
            ms=draft.ms,
            origin=AUTO_ORIGIN if draft.kind.is_auto else by.origin,
            target=draft.target,
            body=draft.body,
        )

    def _clear_log(self, connection: sqlite3.Connection) -> None:
        """Remove the remains of a failed write from the log, so that they are never read."""
        if not self._has_failed:
            return
        try:
            connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
        except sqlite3.Error:
            # The next write shows whether the disk works again.
            return
        self._has_failed = False

    def _not_saved(self, error: Exception, again: str) -> SaveError:
        full = getattr(error, "sqlite_errorcode", None) == sqlite3.SQLITE_FULL
        found = "the disk is full. Free some space" if full else f"{reason(error)}. Fix that"
        return SaveError(f"Not saved: {found}, then {again}. The file is {self.path}.")

    def _open_connection(self) -> sqlite3.Connection:
        if self._connection is None:
            raise SaveError(f"Not saved: {self.path} is closed.")
        return self._connection

    def _check_identity(self, again: str) -> None:
        try:
            same = _identity(self.path) == self._identity
        except OSError:
            same = False
        if not same:
            raise SaveError(
                "Not saved: the session file or its -wal file was moved, replaced or deleted. "
                f"Put it back, then {again}, or quit. It was {self.path}."
            )
        self._name_log(again)

    def _name_log(self, again: str) -> None:
        """Sync the directory, so that the log's name survives a power cut.

        SQLite tries this once and ignores a failure. No event may count as saved before.
        """
        if self._log_is_named:
            return
        try:
            sync_directory(self.path.resolve().parent)
        except OSError as error:
            raise self._not_saved(error, again) from error
        self._log_is_named = True

    def keep_window(self, window: tuple[float, float]) -> None:
        """Add the display window to a session that has none, since its source had no use for one.

        Raises
        ------
        SaveError
            It is not on disk.
        """
        try:
            self._open_connection().execute(
                "INSERT INTO meta (key, value) VALUES ('window', ?)", (json.dumps(window),)
            )
        except sqlite3.Error as error:
            raise self._not_saved(error, "open the session again") from error
        self.info = replace(self.info, window=window)

    def events(self) -> Iterator[Event]:
        """Yield every event in the order in which they were written.

        Raises
        ------
        SessionFileError
            The file is damaged.
        """
        return read_events(self._open_connection(), self.path)

    def close(self) -> None:
        """Close the file and let other processes label in it; a second call does nothing."""
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.close()
        self._lock.release()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def write_session(
    new: Path, info: SessionInfo, events: Iterable[Event] = (), last_seq: int = 0
) -> None:
    """Write a whole session file.

    Parameters
    ----------
    new : Path
        A temporary name.
    info : SessionInfo
    events : iterable of Event
        Events with their numbers.
    last_seq : int
        The highest number that an event ever had. No new event may have it.

    Raises
    ------
    OSError, sqlite3.Error
        The file is incomplete.
    """
    # Private until its owner shares it; SQLite gives the files beside it the same mode.
    new.touch(0o600, exist_ok=False)
    connection = sqlite3.connect(new, isolation_level=None)
    try:
        create_tables(connection)
        connection.execute("PRAGMA synchronous = FULL")
        connection.execute("BEGIN IMMEDIATE")
        connection.executemany(
            "INSERT INTO meta (key, value) VALUES (?, ?)",
            [
                (key, json.dumps(value))
                for key, value in asdict(info).items()
                # Added once there is one, see `Journal.keep_window`.
                if (key, value) != ("window", None)
            ],
        )
        connection.executemany(_INSERT, map(_row, events))
        if last_seq > _last_seq(connection):
            connection.execute("DELETE FROM sqlite_sequence WHERE name = 'event'")
            connection.execute("INSERT INTO sqlite_sequence VALUES ('event', ?)", (last_seq,))
        connection.execute("COMMIT")
        connection.execute("PRAGMA journal_mode = WAL")
    finally:
        connection.close()


def _connect(path: Path) -> sqlite3.Connection:
    """Open a session file for writing."""
    # A connection that may write moves the log into the file when it closes. With a damaged log or
    # file, that would destroy the events that are left.
    check_untouched(path)
    try:
        connection = connect(path, "mode=rw")
    except sqlite3.Error as error:
        raise unreadable(path, error) from error
    try:
        try:
            # A file that other tools have copied may have lost the mode. With a rollback journal,
            # FULL alone would let a power cut take back the last event.
            (mode,) = connection.execute("PRAGMA journal_mode = WAL").fetchone()
            if mode != "wal":
                raise sqlite3.OperationalError(f"its journal mode is {mode}, not wal")
            connection.execute("PRAGMA synchronous = FULL")
            # On macOS, fsync alone leaves the data in the drive's own cache.
            connection.execute("PRAGMA fullfsync = ON")
        except sqlite3.Error as error:
            raise SessionFileError(
                f"{path} cannot be opened for labelling ({reason(error)}). Fix that, or label in "
                "another session with --session FILE."
            ) from error
    except BaseException:
        connection.close()
        raise
    return connection


def _row(event: Event) -> tuple[str | int | None, ...]:
    return (
        event.seq or None,  # SQLite assigns the next number
        event.uuid,
        event.kind.value,
        event.time,
        event.annotator,
        event.item,
        event.class_name,
        event.round,
        event.ms,
        event.origin,
        event.target,
        _BODY.encode(event.body),
    )


def _last_seq(connection: sqlite3.Connection) -> int:
    """Return the highest number that an event ever had, from which SQLite continues."""
    numbers = connection.execute(
        "SELECT max(seq) FROM event UNION ALL SELECT seq FROM sqlite_sequence WHERE name = 'event'"
    )
    return max(int(number or 0) for (number,) in numbers)


def _identity(path: Path) -> list[tuple[int, int]]:
    real = path.resolve()
    found = [real.with_name(real.name + suffix).stat() for suffix in _FILES]
    return [(status.st_dev, status.st_ino) for status in found]


def refuse_network(path: Path) -> None:
    """Raise an error for a network file system, where SQLite's locks and logs are not safe."""
    kind = network_type(path)
    if kind is not None:
        raise SessionFileError(
            f"{path} lies on a network file system ({kind}), where a session is not safe. "
            "Name a file on a local disk with --session FILE."
        )


def _refuse_read_only(path: Path) -> None:
    # SQLite would open the file, leave others beside it, and fail at the first event.
    if not os.access(path, os.W_OK):
        raise SessionFileError(
            f"{path} cannot be opened for labelling: it is read-only. Make it writable, or label "
            "in another session with --session FILE."
        )


def sync_directory(path: Path) -> None:
    """Sync a directory, so that its names survive a power cut."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def remove_quietly(path: Path) -> None:
    """Remove an unfinished session file and the files that SQLite put beside it."""
    for suffix in ("", "-journal", "-wal", "-shm"):
        try:
            path.with_name(path.name + suffix).unlink(missing_ok=True)
        except OSError:
            # A read-only directory is reported by the write that failed in it.
            continue
