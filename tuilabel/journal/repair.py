"""Repair of a damaged session: its events are written to a new file; the old one is kept."""

from __future__ import annotations

import contextlib
import errno
import json
import os
import sqlite3
import stat
import uuid
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

from tuilabel.errors import SessionFileError, SessionLockedError, UsageError
from tuilabel.journal.events import Event
from tuilabel.journal.filesystem import give_name, refuse_side_name
from tuilabel.journal.lock import SessionLock
from tuilabel.journal.reading import (
    SessionInfo,
    cannot_be_read,
    check_regular,
    info_of,
    read_session,
    reason,
    refuse_other_version,
)
from tuilabel.journal.salvage import OtherVersionError, Salvage, copied, salvage
from tuilabel.journal.store import (
    refuse_network,
    remove_quietly,
    sync_directory,
    utc_now,
    write_session,
)
from tuilabel.journal.wal import log_path
from tuilabel.text import counted

_CHUNK = 2**20
_SECTOR = 512
_LARGEST = 2**31
_FILES = ("", "-wal", "-shm")


@dataclass(frozen=True)
class Repaired:
    """The result of a repair.

    Attributes
    ----------
    path : Path
        The session file.
    problem : str or None
        What is wrong with it; None for an intact file, which is left alone.
    info : SessionInfo
    events : tuple of Event
        The events found, in order.
    gaps : tuple of (int, int)
        The first and last number of each range of events known to be lost.
    last : int
        The highest number that an event is known to have had.
    dropped : int
        Number of invalid events found.
    unchecked : int
        Number of `events` from pages without a checksum.
    unreadable : int
        Number of bytes that the disk can no longer read.
    written : Path or None
        The file with the recovered events; None if nothing was written.
    kept : Path or None
        The new name of the damaged file; None if it keeps its name.
    """

    path: Path
    problem: str | None
    info: SessionInfo
    events: tuple[Event, ...]
    gaps: tuple[tuple[int, int], ...]
    last: int
    dropped: int
    unchecked: int
    unreadable: int
    written: Path | None = None
    kept: Path | None = None


def repair(
    path: Path,
    *,
    output: Path | None = None,
    dry_run: bool = False,
    source: str | None = None,
    class_names: Sequence[str] | None = None,
    now: datetime | None = None,
) -> Repaired:
    """Recover the events that are left in a session file and its log.

    An intact file is left alone. Otherwise a new file is written beside the damaged one and read
    back. Only then is the damaged file renamed, and the new one takes its name.

    Parameters
    ----------
    path : Path
        The session file.
    output : Path, optional
        Another file to write; `path` is then left as it is.
    dry_run : bool
        Write nothing.
    source, class_names
        The source and classes of the session, if the file has lost them.
    now : datetime, optional
        The time in the damaged file's new name.

    Raises
    ------
    SessionFileError
        The file cannot be read, has no part of a session, or the new one cannot be written.
    SessionLockedError
        Another process labels in it.
    UsageError
        The source or the classes are needed, or contradict the file.
    """
    real = path.resolve()
    touches = output is None and not dry_run
    if output is not None and os.path.lexists(output):
        raise SessionFileError(f"{output} exists already. Name another file with --output OUT.")
    if output is not None:
        refuse_side_name(output)
    with contextlib.ExitStack() as held:
        _hold(real, path, touches, held)
        content, lost = _read(real, path)
        log, lost_log = _read(log_path(real), path)
        try:
            found = salvage(content, log)
        except OtherVersionError as error:
            refuse_other_version(path, *error.args)
            raise
        if not found.events and not found.meta:
            raise SessionFileError(
                f"{path} has no events that could be recovered. Name a file that tuilabel created."
            )
        problem = found.complaint
        if lost + lost_log:
            problem = f"{counted(lost + lost_log, 'byte')} of it cannot be read from the disk"
        info = _info(found, path, source, class_names)
        if problem is None:
            problem = _unread(path, content, log)
        outcome = Repaired(
            path,
            problem,
            info,
            tuple(found.events),
            tuple(found.gaps()),
            found.last,
            found.dropped,
            found.unchecked,
            lost + lost_log,
        )
        if problem is None or dry_run:
            return outcome
        return _write(outcome, real, output, now or datetime.now())


def _hold(real: Path, path: Path, touches: bool, held: contextlib.ExitStack) -> None:
    try:
        held.callback(SessionLock(real, utc_now()).release)
    except SessionLockedError as error:
        raise SessionLockedError(str(error).replace(str(real), str(path))) from None
    except SessionFileError:
        # A file in a read-only directory can still be read.
        if touches:
            raise


def _read(real: Path, path: Path) -> tuple[bytes, int]:
    """Return a file, with zeros for bytes that cannot be read, and the number of those bytes."""
    try:
        descriptor = os.open(real, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except FileNotFoundError:
        return b"", 0
    except OSError as error:
        raise cannot_be_read(path, error) from error
    try:
        status = os.fstat(descriptor)
        check_regular(status, path)
        if status.st_size > _LARGEST:
            raise SessionFileError(
                f"{path} has {status.st_size:,} bytes; a repair reads at most {_LARGEST:,}. "
                "Name a file that tuilabel created."
            )
        parts: list[bytes] = []
        lost = 0
        for start in range(0, status.st_size, _CHUNK):
            part, missing = _read_part(descriptor, start, min(_CHUNK, status.st_size - start))
            parts.append(part)
            lost += missing
        return b"".join(parts), lost
    except OSError as error:
        raise cannot_be_read(path, error) from error
    finally:
        os.close(descriptor)


def _read_part(descriptor: int, start: int, size: int) -> tuple[bytes, int]:
    try:
        return os.pread(descriptor, size, start), 0
    except OSError as error:
        if error.errno != errno.EIO:
            raise
        if size <= _SECTOR:
            return bytes(size), size
    half = -(-size // 2 // _SECTOR) * _SECTOR
    first, lost_first = _read_part(descriptor, start, half)
    second, lost_second = _read_part(descriptor, start + half, size - half)
    return first.ljust(half, b"\0") + second, lost_first + lost_second


def _unread(path: Path, content: bytes, log: bytes) -> str | None:
    """Return why a file that has all of its events cannot be opened; None if it can."""
    with copied(content, log) as copy:
        try:
            read_session(copy)
        except SessionFileError as error:
            # Only then the name: a path may be long, or have a full stop in it.
            sentence = " ".join(str(error).replace(str(copy), "\0").split()).split(". ")[0]
            return sentence.replace("\0", str(path))
    return None


def _info(
    found: Salvage, path: Path, source: str | None, class_names: Sequence[str] | None
) -> SessionInfo:
    """Return the description of the session, from the file and from the options given."""
    meta = dict(found.meta)
    given = {
        "source": None if source is None else json.dumps(source),
        "class_names": None if class_names is None else json.dumps(list(class_names)),
    }
    options = {"source": "--source S", "class_names": "--classes A,B,..."}
    for key, value in given.items():
        if value is None:
            continue
        if key in meta and json.loads(meta[key]) != json.loads(value):
            raise UsageError(
                f"{path} was made with {options[key].split()[0]} {_shown(json.loads(meta[key]))}. "
                f"Leave {options[key].split()[0]} out."
            )
        meta[key] = value
    lost = [option for key, option in options.items() if key not in meta]
    if lost:
        raise UsageError(
            f"{path} has lost what it was made with. Give {' and '.join(lost)}"
            f"{_hint(found) if 'class_names' not in meta else ''}."
        )
    defaults = {"pool": "null", "test": "null", "seed": "0", "audit": "0.1"}
    info = info_of({**defaults, **meta})
    foreign = found.foreign_classes(info.class_names)
    if foreign:
        names = ", ".join(f"{name} ({count})" for name, count in sorted(foreign.items())[:20])
        raise UsageError(
            f"{path} also has labels of other classes: {names}. Give all of its classes, in their "
            "order, with --classes A,B,..."
        )
    return info


def _hint(found: Salvage) -> str:
    names = sorted(found.foreign_classes(()))[:40]
    return f" (its labels are {','.join(names)}; keep the order in which they were first given)"


def _shown(value: object) -> str:
    return ",".join(map(str, value)) if isinstance(value, list) else str(value)


def _write(outcome: Repaired, real: Path, output: Path | None, now: datetime) -> Repaired:
    target = real if output is None else output
    new = target.with_name(f".tuilabel-{uuid.uuid4().hex}.new")
    kept = None
    try:
        refuse_network(target.parent)
        write_session(new, outcome.info, outcome.events, outcome.last)
        _prove(new, outcome)
        if output is None:
            with contextlib.suppress(FileNotFoundError):
                new.chmod(stat.S_IMODE(real.stat().st_mode))
            kept = _set_aside(real, now)
            new.replace(real)
        else:
            give_name(new, output)
        sync_directory(target.parent)
    except FileExistsError:
        raise SessionFileError(
            f"{target} exists already. Name another file with --output OUT."
        ) from None
    except (OSError, sqlite3.Error) as error:
        raise SessionFileError(
            f"The repaired session cannot be written to {target.parent} ({reason(error)}). Nothing "
            "is lost. Fix that, or name another file with --output OUT."
        ) from error
    finally:
        remove_quietly(new)
    return replace(outcome, written=target, kept=kept)


def _prove(new: Path, outcome: Repaired) -> None:
    """Raise an error unless the new file reads back complete."""
    if read_session(new) != (outcome.info, list(outcome.events)):
        raise OSError(errno.EIO, "the new file differs when it is read back")


def _set_aside(real: Path, now: datetime) -> Path:
    """Rename a damaged file and its log, and return the file's new name.

    The file also keeps its old name until the new file takes it. The log must lose its old name
    before, as it would be taken for the new file's.
    """
    stem = f"{real.name}.damaged-{now:%Y%m%d-%H%M%S}"
    kept, number = real.with_name(stem), 1
    while any(os.path.lexists(kept.with_name(kept.name + suffix)) for suffix in _FILES):
        number += 1
        kept = real.with_name(f"{stem}-{number}")
    there = [suffix for suffix in _FILES if os.path.lexists(real.with_name(real.name + suffix))]
    for suffix in there:
        _second_name(real.with_name(real.name + suffix), kept.with_name(kept.name + suffix))
    sync_directory(real.parent)
    for suffix in there[there[:1] == [""] :]:
        real.with_name(real.name + suffix).unlink()
    return kept


def _second_name(old: Path, new: Path) -> None:
    try:
        os.link(old, new)
    except FileExistsError:
        raise
    except OSError:  # a file system without hard links, such as exFAT
        content = old.read_bytes()
        with new.open("xb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())


def describe_gaps(gaps: Iterable[tuple[int, int]], most: int = 10) -> str:
    """Return ranges of numbers as text, such as ``3, 7 to 9``."""
    shown = [str(low) if low == high else f"{low} to {high}" for low, high in gaps]
    more = f" and {len(shown) - most} more" if len(shown) > most else ""
    return ", ".join(shown[:most]) + more
