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
from tuilabel.journal import files, lines
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
        return path.suffix == ".tuilabel" and bool(files.log_names(path / LOGS))
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
        for folder in (new, new / LOGS, new / BULK):
            folder.mkdir(mode=0o700)
        files.write_whole(new / SESSION, [lines.add_checksum(_encode(lines.harmless(about)))])
        new.rename(path)
        files.sync_folder(path.parent)
    except OSError as error:
        shutil.rmtree(new, ignore_errors=True)
        if is_session(path):
            return
        raise SessionFileError(
            f"No session can be created at {shown_path(path)} ({files.reason_of(error)}). "
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
        if lines.is_whole(text):
            about = msgspec.json.decode(text, type=About)
    except OSError as error:
        reason = f"it cannot be read ({files.reason_of(error)})"
    except lines.UNREADABLE:
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
    return lines.harmless(about), problem


def _abouts(logs: Path) -> Iterator[tuple[str, About]]:
    names: list[str] = []
    with suppress(OSError):
        names = files.log_names(logs)
    for name in names:
        with suppress(OSError, *lines.UNREADABLE):
            line = files.read_part(logs / name, _LARGEST).partition(b"\n")[0]
            begin = lines.decode_event(line).payload if lines.is_whole(line) else None
            if isinstance(begin, Begin):
                yield name, begin.about


def _no_session(path: Path, reason: str) -> str:
    shown = shown_path(path)
    if os.path.isdir(path):  # noqa: PTH112 - of an unreadable folder it is False
        return f"{shown} is no session: of its {SESSION}, {reason}, and no log has a copy."
    with suppress(OSError):
        if files.read_part(path, 16) == b"SQLite format 3\0":
            return (
                f"{shown} is a session of an older tuilabel, which this one neither opens nor "
                "changes. `tuilabel import` will read its labels."
            )
    return f"{shown} is no session: a session is a folder that holds {SESSION}."


def write_bulk(path: Path, answers: Iterable[BulkLine], header: Bulk) -> Bulk:
    """Write a bulk file to disk, or raise OSError; return `header` with name, hash and count."""
    name, digest, count = uuid.uuid4().hex + files.SUFFIX, hashlib.sha256(), 0

    def texts() -> Iterator[bytes]:
        nonlocal count
        for count, answer in enumerate(answers, 1):  # noqa: B007
            text = _encode(lines.harmless(answer)) + b"\n"
            _read_bulk_line(text)
            digest.update(text)
            yield text

    files.make_folder(path / BULK, path / LOGS)
    files.write_whole(path / BULK / name, texts())
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
        with open(files.open_to_read(path / BULK / bulk.file), "rb") as file:  # noqa: PTH123
            if hashlib.file_digest(file, "sha256").hexdigest() != bulk.sha256:
                raise ValueError("its bytes are not those that were written")
            file.seek(0)
            found = [_bulk_line(text) for text in iter(lambda: file.readline(lines.MAX_LINE), b"")]
        if len(found) != bulk.count:
            raise ValueError(f"it has {len(found):,} lines, not {bulk.count:,}")
    except (OSError, *lines.UNREADABLE) as error:
        reason = files.reason_of(error) if isinstance(error, OSError) else str(error)
        raise SessionFileError(
            f"{shown_path(path / BULK / bulk.file)} cannot be used: {inert(reason, 200)}. "
            "Put an undamaged copy in its place."
        ) from error
    return found


def _bulk_line(text: bytes) -> BulkLine:
    line = _read_bulk_line(text)
    return line if lines.is_plain(text) else lines.harmless(line)
