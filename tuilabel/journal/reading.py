"""Reading a session file that may be damaged, hostile, or written to at the same moment."""

from __future__ import annotations

import json
import math
import os
import shlex
import sqlite3
import stat
from collections.abc import Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass, fields
from pathlib import Path
from types import NoneType
from typing import Any
from urllib.parse import quote

from tuilabel.errors import SessionFileError
from tuilabel.journal.events import Event, EventKind
from tuilabel.journal.lock import held_by_living
from tuilabel.journal.schema import (
    APPLICATION_ID,
    VERSION,
    expected_objects,
    objects_of,
    version_of,
)
from tuilabel.journal.wal import cut_off
from tuilabel.text import inert

_SQLITE_MAGIC = b"SQLite format 3\0"
COLUMNS = tuple(field.name for field in fields(Event))
"""The columns of the table `event`, in the order of an `Event`."""
_TYPES: dict[str, type | tuple[type, ...]] = {
    **dict.fromkeys(("seq", "round"), int),
    **dict.fromkeys(("uuid", "kind", "time", "annotator", "origin", "body"), str),
    **dict.fromkeys(("item", "class_name", "target"), (str, NoneType)),
    "ms": (int, NoneType),
}
_TYPES_IN_ORDER = tuple(_TYPES[name] for name in COLUMNS)
_KINDS = {kind.value: kind for kind in EventKind}

# Errors that say nothing about the content of the file.
_ENVIRONMENT_ERRORS = frozenset(
    {
        sqlite3.SQLITE_BUSY,
        sqlite3.SQLITE_LOCKED,
        sqlite3.SQLITE_CANTOPEN,
        sqlite3.SQLITE_PERM,
        sqlite3.SQLITE_READONLY,
        sqlite3.SQLITE_IOERR,
        sqlite3.SQLITE_FULL,
        sqlite3.SQLITE_NOMEM,
    }
)


@dataclass(frozen=True, slots=True)
class SessionInfo:
    """The description of a session; written once, at its creation.

    Attributes
    ----------
    source : str
        The source, as `tuilabel.data.open_dataset` takes it.
    pool, test : int or None
        Number of items used of each split; None for all.
    class_names : tuple of str
        In the order of the model's columns; harmless for a terminal.
    seed : int
        The seed of every random choice of the session.
    audit : float
        The share of the pool, 0 to 1, that is kept out of training to measure accuracy on, if the
        source has no hold-out.
    window : (float, float) or None
        The stored values shown as black and as white in images of more than 8 bits; None as long as
        the source has none.
    """

    source: str
    class_names: tuple[str, ...]
    pool: int | None = None
    test: int | None = None
    seed: int = 0
    audit: float = 0.1
    window: tuple[float, float] | None = None

    def __post_init__(self) -> None:
        # The path of the source must stay as it is to be found: `shown_path` shows it.
        object.__setattr__(self, "class_names", tuple(map(inert, self.class_names)))


def read_session(path: Path) -> tuple[SessionInfo, list[Event]]:
    """Read a session without changing it; another process may be labelling in it.

    Not for a session that this process has open as a `Journal`: closing the file would drop the
    locks that SQLite holds on it (POSIX locks belong to the process and the file).

    Raises
    ------
    SessionFileError
        The file is missing, is not a session, is damaged, or has another version.
    """
    check_header(path)
    if not _has_newer_events(path):
        # Nobody has the file open. As "immutable", SQLite leaves no -shm and -wal of the reader
        # beside it, which the annotator might not be allowed to write.
        before = _stamp(path)
        try:
            content = _read(path, "immutable=1")
        except SessionFileError:
            if _stamp(path) == before:
                raise
        else:
            if _stamp(path) == before:
                return content
    return _read(path, "mode=ro")


def check_header(path: Path) -> None:
    """Raise an error for a file that is not a session, before SQLite opens it.

    Raises
    ------
    SessionFileError
        The message says what was found instead.
    """
    try:
        check_regular(path.stat(), path)
        with path.open("rb") as file:
            header = file.read(100)
    except FileNotFoundError:
        raise SessionFileError(
            f"There is no session file {path}. Name a file that tuilabel created."
        ) from None
    except OSError as error:
        raise cannot_be_read(path, error) from error
    if len(header) < 100 or not header.startswith(_SQLITE_MAGIC):
        found = "is empty" if not header else "is not a session file: it is not a SQLite database"
        raise SessionFileError(
            f"{path} {found}. Name a file that tuilabel created{if_it_was(path)}."
        )
    if int.from_bytes(header[68:72], "big") != APPLICATION_ID:
        raise SessionFileError(
            f"{path} is not a session file: it is a SQLite database of another application. "
            f"Name a file that tuilabel created{if_it_was(path)}."
        )
    refuse_other_version(path, int.from_bytes(header[60:64], "big"))
    # SQLite opens a file that only newer versions may write, and fails at the first event.
    if not {header[18], header[19]} <= {1, 2}:
        raise damaged(path, ValueError(f"its header says version {max(header[18:20])} of SQLite"))


def check_regular(status: os.stat_result, path: Path) -> None:
    """Raise an error for anything but a regular file.

    Raises
    ------
    SessionFileError
    """
    if not stat.S_ISREG(status.st_mode):
        found = "directory" if stat.S_ISDIR(status.st_mode) else "device, pipe or socket"
        raise SessionFileError(
            f"{path} is a {found}, not a session file. Name a file that tuilabel created."
        )


def connect(path: Path, parameters: str) -> sqlite3.Connection:
    """Open a session file in autocommit mode.

    Parameters
    ----------
    path : Path
    parameters : str
        The query of the URI, see https://sqlite.org/uri.html.
    """
    return sqlite3.connect(
        f"file://{quote(os.fsencode(path.absolute()))}?{parameters}",
        uri=True,
        isolation_level=None,
        timeout=5.0,
    )


def check_whole(connection: sqlite3.Connection, path: Path) -> None:
    """Raise an error for a damaged file, or one whose tables are not those of a session.

    Raises
    ------
    SessionFileError
    """
    try:
        version = version_of(connection)
        refuse_other_version(path, version)
        if version != VERSION or objects_of(connection) != expected_objects():
            raise damaged(path, ValueError("its tables are not those of a session"))
        (verdict,) = connection.execute("PRAGMA quick_check(1)").fetchone()
    except sqlite3.Error as error:
        raise unreadable(path, error) from error
    except ValueError as error:  # a message of SQLite that quotes bytes that are not text
        raise damaged(path, error) from error
    if verdict != "ok":
        raise damaged(path, ValueError(verdict.splitlines()[-1]))


def check_untouched(path: Path) -> None:
    """Raise an error for a damaged file, without changing it; nobody else may have it open.

    Raises
    ------
    SessionFileError
    """
    try:
        connection = connect(path, "mode=ro" if _has_newer_events(path) else "immutable=1")
    except sqlite3.Error as error:
        raise unreadable(path, error) from error
    with closing(connection):
        check_whole(connection, path)
        refuse_cut_off(connection, path)


def refuse_cut_off(connection: sqlite3.Connection, path: Path) -> None:
    """Raise an error for a file with events in its log that SQLite does not see.

    They follow a damaged place. SQLite takes them for the rest of an interrupted write, and the
    next event would overwrite them.

    Raises
    ------
    SessionFileError
    """
    try:
        rows = cut_off(path)
    except OSError as error:
        raise cannot_be_read(path, error) from error
    if not rows:
        return
    try:
        taken = dict(connection.execute("SELECT seq, uuid FROM event"))
    except sqlite3.Error as error:
        raise unreadable(path, error) from error
    known = set(taken.values())
    # The remains of a failed write have the number of the event written in its place.
    behind = {
        row[1] for row in rows if row[1] not in known and row[0] not in taken and _is_event(row)
    }
    if behind:
        raise damaged(
            path,
            ValueError(f"newer events, {len(behind)} in all, follow a damaged place in its -wal"),
        )


def _is_event(row: tuple[Any, ...]) -> bool:
    try:
        event_of(row)
    except (TypeError, ValueError, RecursionError):
        return False
    return True


def read_info(connection: sqlite3.Connection, path: Path) -> SessionInfo:
    """Read the description of a session.

    Raises
    ------
    SessionFileError
        The file is damaged.
    """
    try:
        return info_of(dict(connection.execute("SELECT key, value FROM meta")))
    except sqlite3.Error as error:
        raise unreadable(path, error) from error
    except (KeyError, TypeError, ValueError, RecursionError) as error:
        raise damaged(path, error) from error


def info_of(rows: Mapping[str, str]) -> SessionInfo:
    """Return the description of a session, from the keys and values of its table `meta`.

    Raises
    ------
    KeyError, TypeError, ValueError, RecursionError
        It is invalid.
    """
    meta: dict[str, Any] = {key: json.loads(value) for key, value in rows.items()}
    names = meta["class_names"]
    if not (isinstance(names, list) and all(isinstance(name, str) for name in names)):
        raise ValueError("the class names of the session are invalid")
    info = SessionInfo(
        source=meta["source"],
        class_names=tuple(names),
        pool=meta["pool"],
        test=meta["test"],
        seed=meta["seed"],
        audit=float(meta["audit"]),
        window=_window_of(meta.get("window")),
    )
    if not (
        isinstance(info.source, str)
        and b"\0" not in os.fsencode(info.source)  # it may be a path
        and len(set(info.class_names)) == len(info.class_names)
        and all(isinstance(count, int | None) for count in (info.pool, info.test))
        and isinstance(info.seed, int)
        and info.seed >= 0
        and 0 <= info.audit <= 1
    ):
        raise ValueError("the description of the session is invalid")
    return info


def _window_of(ends: Any) -> tuple[float, float] | None:
    if ends is None:
        return None
    low, high = map(float, ends)
    if not -math.inf < low < high < math.inf:
        raise ValueError("the display window of the session is invalid")
    return low, high


def read_events(connection: sqlite3.Connection, path: Path) -> Iterator[Event]:
    """Yield every event in the order in which they were written.

    Raises
    ------
    SessionFileError
        The file is damaged.
    """
    try:
        for row in connection.execute(f"SELECT {', '.join(COLUMNS)} FROM event ORDER BY seq"):
            yield event_of(row)
    except sqlite3.Error as error:
        raise unreadable(path, error) from error
    except (TypeError, ValueError, RecursionError) as error:
        raise damaged(path, error) from error


def damaged(path: Path, error: Exception) -> SessionFileError:
    """Return the error for a file whose content tuilabel did not write."""
    return SessionFileError(
        f"{path} is damaged: cut short or overwritten ({reason(error)}). Nothing was changed. "
        f"Use a copy of the file, or recover its events with {_repair(path)}."
    )


def if_it_was(path: Path) -> str:
    """Return a hint for a session file that may have lost its header."""
    return f"; if it was one, {_repair(path)} recovers its events"


def _repair(path: Path) -> str:
    return f"`tuilabel repair {shlex.quote(str(path))}`"


def cannot_be_read(path: Path, error: Exception) -> SessionFileError:
    """Return the error for a file that cannot be read but may be intact."""
    return SessionFileError(
        f"{path} cannot be read ({reason(error)}). Fix that, or name another session file."
    )


def unreadable(path: Path, error: sqlite3.Error) -> SessionFileError:
    """Return the error for an error of SQLite while it reads."""
    # Extended codes have the primary one in their last byte; Python's own errors have none.
    code = getattr(error, "sqlite_errorcode", sqlite3.SQLITE_CORRUPT) & 0xFF
    if code not in _ENVIRONMENT_ERRORS:
        return damaged(path, error)
    if code == sqlite3.SQLITE_CANTOPEN and _has_newer_events(path):
        return SessionFileError(
            f"{path} cannot be read here: its newest events are in {path.name}-wal, and to read "
            "them SQLite must write to the directory. Copy both files to a writable directory."
        )
    return cannot_be_read(path, error)


def reason(error: Exception) -> str:
    """Return an error's text as one short line, without the number and path that Python adds."""
    text = (error.strerror if isinstance(error, OSError) else None) or str(error)
    # An error about a damaged schema quotes it, line by line.
    return " ".join(text.split())[:200]


def _read(path: Path, parameters: str) -> tuple[SessionInfo, list[Event]]:
    try:
        connection = connect(path, parameters)
    except sqlite3.Error as error:
        raise unreadable(path, error) from error
    with closing(connection):
        check_whole(connection, path)
        if not held_by_living(path):
            refuse_cut_off(connection, path)
        return read_info(connection, path), list(read_events(connection, path))


def event_of(row: tuple[Any, ...]) -> Event:
    """Return a row of the table `event` as an event; its columns are those in `COLUMNS`.

    Raises
    ------
    TypeError, ValueError, RecursionError
        The row is invalid.
    """
    if not all(map(isinstance, row, _TYPES_IN_ORDER)):
        wrong = next(
            name
            for name, value in zip(COLUMNS, row, strict=True)
            if not isinstance(value, _TYPES[name])
        )
        raise TypeError(f"event {row[0]} has an invalid {wrong}")
    seq, uuid, kind, time, annotator, item, class_name, number, ms, origin, target, text = row
    body = json.loads(text)
    if not isinstance(body, dict):
        raise TypeError(f"event {seq} has an invalid body")
    if kind not in _KINDS:
        raise ValueError(f"event {seq} has an unknown kind")
    return Event(
        seq,
        uuid,
        _KINDS[kind],
        time,
        annotator,
        item,
        class_name,
        number,
        ms,
        origin,
        target,
        body,
    )


def refuse_other_version(path: Path, version: int) -> None:
    """Raise an error for a session of an earlier or later schema; 0 is taken for damage.

    Raises
    ------
    SessionFileError
    """
    if version > VERSION:
        raise SessionFileError(
            f"{path} has session schema {version}, and this tuilabel knows schemas up to "
            f"{VERSION}. Open it with a newer tuilabel."
        )
    if 0 < version < VERSION:
        raise SessionFileError(
            f"{path} was made by an earlier tuilabel, whose labels refer to images in another "
            f"way (session schema {version}; this tuilabel uses {VERSION}). Nothing was changed. "
            "Move it away, or start another session with --session FILE."
        )


def _has_newer_events(path: Path) -> bool:
    """Return whether there is content in SQLite's write-ahead log beside the file."""
    real = path.resolve()
    try:
        return real.with_name(real.name + "-wal").stat().st_size > 0
    except OSError:
        return False


def _stamp(path: Path) -> tuple[int, int, int] | None:
    try:
        status = path.stat()
    except OSError:
        return None
    return status.st_ino, status.st_size, status.st_mtime_ns
