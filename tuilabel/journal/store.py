"""One session is one SQLite file; every event is one commit that has reached the disk."""

from __future__ import annotations

import json
import os
import sqlite3
import uuid
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, fields, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Self
from urllib.parse import quote

from tuilabel.errors import SaveError, SessionFileError
from tuilabel.journal.events import Draft, Event, Kind
from tuilabel.journal.filesystem import network_type
from tuilabel.journal.lock import SessionLock
from tuilabel.journal.schema import APPLICATION_ID, MIGRATIONS, migrate

_SQLITE_MAGIC = b"SQLite format 3\0"
_COLUMNS = tuple(field.name for field in fields(Event))


def utc_now() -> datetime:
    """Give the time that events are stamped with."""
    return datetime.now(UTC)


@dataclass(frozen=True, slots=True)
class SessionInfo:
    """What a session is about; written once, at its creation.

    Attributes
    ----------
    source : str
        What `tuilabel.data.open_dataset` takes.
    pool, test : int or None
        How many items of each split are used; None for all.
    class_names : tuple of str
        In the order of the model's columns.
    seed : int
        From which every random choice of the session follows.
    audit : float
        The share of the pool that is kept out of training to measure accuracy on, where the
        source has no hold-out.
    """

    source: str
    class_names: tuple[str, ...]
    pool: int | None = None
    test: int | None = None
    seed: int = 0
    audit: float = 0.1


class Journal:
    """A session file, open for labelling by this process alone.

    Parameters
    ----------
    path : Path
        An existing session file, see `create`.
    annotator : str
        Who answers from now on.
    clock : callable
        Gives the time to stamp events with.

    Raises
    ------
    SessionFileError
        The file is missing, is no session, is damaged, is of a newer version, or lies on a
        network file system.
    SessionLockedError
        Another process labels in it.
    """

    def __init__(self, path: Path, annotator: str, clock: Callable[[], datetime] = utc_now) -> None:
        self.path = path
        self.annotator = annotator
        self._clock = clock
        check_header(path)
        _refuse_network(path)
        self._lock = SessionLock(path, clock())
        try:
            self._connection = _connect(path)
            _check_whole(self._connection, path)
            migrate(self._connection)
            self.info = _read_info(self._connection, path)
            self._identity = _identity(path)
        except BaseException:
            self.close()
            raise

    @classmethod
    def create(
        cls, path: Path, info: SessionInfo, annotator: str, clock: Callable[[], datetime] = utc_now
    ) -> Self:
        """Make a new session file and open it.

        The file gets its name only when it is whole, so that no moment exists in which a
        half-made session could be found.

        Raises
        ------
        SessionFileError
            The file exists already, or cannot be made here.
        """
        new = path.with_name(f".{path.name}.{os.getpid()}.new")
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            _refuse_network(path.parent)
            new.unlink(missing_ok=True)
            connection = sqlite3.connect(new, isolation_level=None)
            try:
                migrate(connection)
                connection.execute("BEGIN IMMEDIATE")
                connection.executemany(
                    "INSERT INTO meta (key, value) VALUES (?, ?)",
                    [(key, json.dumps(value)) for key, value in asdict(info).items()],
                )
                connection.execute("COMMIT")
                connection.execute("PRAGMA journal_mode = WAL")
            finally:
                connection.close()
            _give_name(new, path)
            _sync_directory(path.parent)
        except FileExistsError:
            raise SessionFileError(f"{path} exists already; open it, or name another.") from None
        except (OSError, sqlite3.Error) as error:
            raise SessionFileError(
                f"No session can be made at {path} ({_reason(error)}). "
                "Make the directory writable, or name another place with --session FILE."
            ) from error
        finally:
            _remove_quietly(new)
        return cls(path, annotator, clock)

    def append(self, draft: Draft) -> Event:
        """Write one event; when this returns, it is on disk.

        Raises
        ------
        SaveError
            It is not on disk; nothing has changed, and the same event may be tried again.
        """
        event = Event(
            seq=0,
            uuid=str(uuid.uuid4()),
            kind=draft.kind,
            time=self._clock().astimezone(UTC).isoformat(timespec="milliseconds"),
            annotator=self.annotator,
            item=draft.item,
            class_name=draft.class_name,
            round=draft.round,
            ms=draft.ms,
            origin="human",
            target=draft.target,
            body=draft.body,
        )
        self._check_identity()
        try:
            cursor = self._connection.execute(
                "INSERT INTO event (uuid, kind, time, annotator, item, class_name, round, ms, "
                "origin, target, body) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                (
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
                    json.dumps(event.body, separators=(",", ":"), allow_nan=False),
                ),
            )
        except sqlite3.Error as error:
            if self._connection.in_transaction:
                self._connection.rollback()
            raise SaveError(
                f"Not saved: {self.path} cannot be written ({_reason(error)}). "
                "Mend that and press the key again."
            ) from error
        assert cursor.lastrowid is not None
        return replace(event, seq=cursor.lastrowid)

    def _check_identity(self) -> None:
        try:
            same = _identity(self.path) == self._identity
        except OSError:
            same = False
        if not same:
            raise SaveError(
                f"Not saved: {self.path} was moved, replaced or deleted while it was open. "
                "Put it back and press the key again, or quit."
            )

    def events(self) -> Iterator[Event]:
        """Yield every event in the order in which they were written.

        Raises
        ------
        SessionFileError
            The file is damaged.
        """
        return _read_events(self._connection, self.path)

    def close(self) -> None:
        """Close the file and let others label in it; a second call does nothing."""
        connection = getattr(self, "_connection", None)
        if connection is not None:
            connection.close()
        self._lock.release()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def read_session(path: Path) -> tuple[SessionInfo, list[Event]]:
    """Read a session without changing it; another process may be labelling in it meanwhile.

    Raises
    ------
    SessionFileError
        The file is missing, is no session, is damaged, or is of a newer version.
    """
    check_header(path)
    try:
        connection = _connect(path, read_only=True)
    except sqlite3.Error as error:
        raise _damaged(path, error) from error
    try:
        _check_whole(connection, path)
        return _read_info(connection, path), list(_read_events(connection, path))
    finally:
        connection.close()


def check_header(path: Path) -> None:
    """Refuse what is no session file before SQLite touches it.

    Raises
    ------
    SessionFileError
        With what was found instead.
    """
    try:
        with path.open("rb") as file:
            header = file.read(100)
    except FileNotFoundError:
        raise SessionFileError(f"There is no session file {path}.") from None
    except OSError as error:
        raise SessionFileError(f"{path} cannot be read ({error.strerror}).") from error
    if len(header) < 100 or not header.startswith(_SQLITE_MAGIC):
        found = "is empty" if not header else "is no session file: it is not a SQLite database"
        raise SessionFileError(f"{path} {found}. Name a file that tuilabel made.")
    if int.from_bytes(header[68:72], "big") != APPLICATION_ID:
        raise SessionFileError(
            f"{path} is no session file: it is a SQLite database of another application. "
            "Name a file that tuilabel made."
        )
    version = int.from_bytes(header[60:64], "big")
    if version > len(MIGRATIONS):
        raise SessionFileError(
            f"{path} has session schema {version}; this tuilabel knows schemas up to "
            f"{len(MIGRATIONS)}. Open it with a newer tuilabel."
        )


def _connect(path: Path, *, read_only: bool = False) -> sqlite3.Connection:
    mode = "rw"
    if read_only:
        mode = "ro"
        # SQLite needs to make a -shm file beside a WAL database; where it cannot, and no -wal
        # holds newer events, the file alone is the whole truth.
        wal = path.with_name(path.name + "-wal")
        if not os.access(path.parent, os.W_OK) and not wal.exists():
            mode = "ro&immutable=1"
    connection = sqlite3.connect(
        f"file:{quote(os.fsencode(path.absolute()))}?mode={mode}",
        uri=True,
        isolation_level=None,
        timeout=5.0,
    )
    if not read_only:
        connection.execute("PRAGMA synchronous = FULL")
    return connection


def _check_whole(connection: sqlite3.Connection, path: Path) -> None:
    try:
        (verdict,) = connection.execute("PRAGMA quick_check(1)").fetchone()
    except sqlite3.Error as error:
        raise _damaged(path, error) from error
    if verdict != "ok":
        raise _damaged(path, ValueError(verdict.splitlines()[-1]))


def _read_info(connection: sqlite3.Connection, path: Path) -> SessionInfo:
    try:
        meta: dict[str, Any] = {
            key: json.loads(value) for key, value in connection.execute("SELECT * FROM meta")
        }
        class_names = meta["class_names"]
        info = SessionInfo(
            source=meta["source"],
            class_names=tuple(class_names),
            pool=meta["pool"],
            test=meta["test"],
            seed=int(meta["seed"]),
            audit=float(meta["audit"]),
        )
        if not isinstance(info.source, str) or not all(
            isinstance(name, str) for name in info.class_names
        ):
            raise TypeError("the source and the class names must be text")
    except (sqlite3.Error, KeyError, TypeError, ValueError) as error:
        raise _damaged(path, error) from error
    return info


def _read_events(connection: sqlite3.Connection, path: Path) -> Iterator[Event]:
    try:
        for row in connection.execute(f"SELECT {', '.join(_COLUMNS)} FROM event ORDER BY seq"):
            values = dict(zip(_COLUMNS, row, strict=True))
            values |= {"kind": Kind(values["kind"]), "body": json.loads(values["body"])}
            yield Event(**values)
    except (sqlite3.Error, ValueError) as error:
        raise _damaged(path, error) from error


def _identity(path: Path) -> tuple[int, int]:
    status = path.stat()
    return status.st_dev, status.st_ino


def _refuse_network(path: Path) -> None:
    kind = network_type(path)
    if kind is not None:
        raise SessionFileError(
            f"{path} lies on a network file system ({kind}), where a session cannot be kept safe. "
            "Name a file on a local disk with --session FILE."
        )


def _damaged(path: Path, error: Exception) -> SessionFileError:
    return SessionFileError(
        f"{path} is damaged: cut short or overwritten ({_reason(error)}). "
        "Nothing was changed; go back to a copy of it, or name another with --session FILE."
    )


def _reason(error: Exception) -> str:
    return (error.strerror if isinstance(error, OSError) else None) or str(error)


def _give_name(new: Path, path: Path) -> None:
    try:
        os.link(new, path)  # unlike a rename, it never replaces a file that is there
    except FileExistsError:
        raise
    except OSError:  # a file system without hard links
        if path.exists():
            raise FileExistsError(path) from None
        new.rename(path)


def _sync_directory(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _remove_quietly(path: Path) -> None:
    for name in (path, path.with_name(path.name + "-wal"), path.with_name(path.name + "-shm")):
        try:
            name.unlink(missing_ok=True)
        except OSError:
            # A read-only directory is reported by what could not be made in it.
            continue
