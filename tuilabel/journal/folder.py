"""The folder of a session: its description, and its bulk files."""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import uuid
from collections.abc import Iterable, Iterator
from contextlib import suppress
from pathlib import Path

import msgspec

from tuilabel.errors import SessionFileError
from tuilabel.journal.files import (
    SUFFIX,
    create,
    log_names,
    make_folder,
    open_to_read,
    reason_of,
    sync_folder,
    write,
)
from tuilabel.journal.lines import (
    MAX_LINE,
    UNREADABLE,
    Event,
    add_checksum,
    decode_event,
    harmless,
    is_plain,
    is_whole,
    read_head,
)
from tuilabel.journal.payloads import FORMAT, About, Begin, Bulk, BulkLine
from tuilabel.journal.union import Problem
from tuilabel.small_files import read_small
from tuilabel.text import inert, shown_path

SESSION, LOGS, BULK = "session.json", "log", "bulk"
_LARGEST = 2**16
_encode = msgspec.json.Encoder().encode
_read_bulk_line = msgspec.json.Decoder(BulkLine).decode


def is_session(path: Path) -> bool:
    """Return whether a path is a session: a folder that holds session.json, or lost only that."""
    if os.path.lexists(path / SESSION):
        return True
    with suppress(OSError):
        return path.suffix == ".tuilabel" and bool(log_names(path / LOGS))
    return False


def create_session(path: Path, about: About) -> None:
    """Make a session, unless another process was faster.

    Raises
    ------
    SessionFileError
        Something else lies there, or nothing can be written there.
    """
    new = path.with_name(f".tuilabel-{uuid.uuid4().hex}.new")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        folders = (new, new / LOGS, new / BULK)
        for folder in folders:
            folder.mkdir(mode=0o700)
        write(new / SESSION, add_checksum(_encode(harmless(about))))
        for folder in folders:
            sync_folder(folder)
        new.rename(path)
        sync_folder(path.parent)
    except OSError as error:
        shutil.rmtree(new, ignore_errors=True)
        if is_session(path):
            return
        raise SessionFileError(
            f"No session can be created at {shown_path(path)} ({reason_of(error)}). "
            "Make the directory writable, or name another place with --session PATH."
        ) from error


def read_about(path: Path) -> tuple[About, Problem | None]:
    """Return the description of a session, and the problem if it was taken from a log.

    Raises
    ------
    SessionFileError
        There is none, or it is of a newer tuilabel.
    """
    about, reason = None, "it is damaged"
    try:
        text = read_small(path / SESSION, _LARGEST).rstrip(b"\n")
        if is_whole(text):
            about = msgspec.json.decode(text, type=About)
    except OSError as error:
        reason = f"it cannot be read ({reason_of(error)})"
    except UNREADABLE:
        pass
    problem = None
    if about is None:
        name, about = next(_abouts(path / LOGS), ("", None))
        problem = Problem(SESSION, f"{reason}; its content was taken from {shown_path(name)}")
    if about is None:
        raise SessionFileError(_no_session(path, reason))
    if about.format > FORMAT:
        raise SessionFileError(
            f"{shown_path(path)} was written by a newer tuilabel: it has format {about.format}, "
            f"but this one reads up to {FORMAT}. Install a newer tuilabel."
        )
    return harmless(about), problem


def _abouts(logs: Path) -> Iterator[tuple[str, About]]:
    names: list[str] = []
    with suppress(OSError):
        names = log_names(logs)
    for name in names:
        with suppress(OSError, *UNREADABLE):
            descriptor = open_to_read(logs / name)
            try:
                line = os.pread(descriptor, _LARGEST, 0).partition(b"\n")[0]
            finally:
                os.close(descriptor)
            if is_whole(line) and read_head(line).kind == "begin":
                begin: Event[Begin] = decode_event(line, "begin")  # type: ignore[assignment]
                yield name, begin.payload.about


def _no_session(path: Path, reason: str) -> str:
    shown = shown_path(path)
    if path.is_dir():
        return f"{shown} is no session: of its {SESSION}, {reason}, and no log has a copy."
    with suppress(OSError):
        descriptor = open_to_read(path)
        try:
            if os.pread(descriptor, 16, 0) == b"SQLite format 3\0":
                return (
                    f"{shown} is a session of an older tuilabel, which this one neither opens nor "
                    "changes. `tuilabel import` will read its labels."
                )
        finally:
            os.close(descriptor)
    return f"{shown} is no session: a session is a folder that holds {SESSION}."


def write_bulk(path: Path, lines: Iterable[BulkLine], header: Bulk) -> Bulk:
    """Write a bulk file to disk, and return `header` with its name, hash and count.

    Raises
    ------
    OSError
        There is no such file then.
    """
    folder, name = path / BULK, uuid.uuid4().hex + SUFFIX
    make_folder(folder, path / LOGS)
    digest, count = hashlib.sha256(), 0
    new = folder / f".{name}.new"
    try:
        with open(create(new), "wb") as file:  # noqa: PTH123
            for count, line in enumerate(lines, 1):  # noqa: B007
                text = _encode(harmless(line)) + b"\n"
                _read_bulk_line(text)
                digest.update(text)
                file.write(text)
            file.flush()
            os.fsync(file.fileno())
        new.rename(folder / name)
        sync_folder(folder)
    except BaseException:
        new.unlink(missing_ok=True)
        raise
    return msgspec.structs.replace(header, file=name, sha256=digest.hexdigest(), count=count)


def read_bulk(path: Path, bulk: Bulk) -> list[BulkLine]:
    """Return the lines of a bulk file, in its order.

    Raises
    ------
    SessionFileError
        The file is missing, or is not the one that the event names.
    """
    try:
        if not re.fullmatch(r"[0-9a-f]{32}\.jsonl", bulk.file):
            raise ValueError("no bulk file has such a name")
        with open(open_to_read(path / BULK / bulk.file), "rb") as file:  # noqa: PTH123
            if hashlib.file_digest(file, "sha256").hexdigest() != bulk.sha256:
                raise ValueError("its bytes are not those that were written")
            file.seek(0)
            found = [_bulk_line(text) for text in iter(lambda: file.readline(MAX_LINE), b"")]
        if len(found) != bulk.count:
            raise ValueError(f"it has {len(found):,} lines, not {bulk.count:,}")
    except (OSError, *UNREADABLE) as error:
        reason = reason_of(error) if isinstance(error, OSError) else str(error)
        raise SessionFileError(
            f"{shown_path(path / BULK / bulk.file)} cannot be used: {inert(reason, 200)}. "
            "Put an undamaged copy in its place."
        ) from error
    return found


def _bulk_line(text: bytes) -> BulkLine:
    line = _read_bulk_line(text)
    return line if is_plain(text) else harmless(line)
