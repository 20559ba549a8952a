"""The file `session.json`: what a session is about, written once."""

from __future__ import annotations

import glob
import os
import re
import stat
import time
import uuid
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import msgspec

from tuilabel.errors import SessionFileError
from tuilabel.events.lines import InvalidLineError, sealed, unsealed
from tuilabel.events.payloads import About
from tuilabel.small_files import read_small
from tuilabel.text import shown_path

FILE = "session.json"
LOGS, BULK = "log", "bulk"
FORMAT = 1

LEFT_SECONDS = 86400.0
"""Age at which a file that is being made was left by a process that was killed."""

SHARED_FILE, SHARED_FOLDER = 0o640, 0o2770
"""Modes in a session that is shared with a group."""

_LOG_FILE = re.compile(r"\d{8}T\d{6}-.+-[0-9a-f]{4}\.jsonl")
"""Names of logs, see `tuilabel.journal.runs.log_name`."""

_LARGEST = 2**16
_SQLITE = b"SQLite format 3\0"


def is_session(path: Path) -> bool:
    """Return whether a path holds a session, perhaps a damaged one.

    One that has lost its `session.json` is known by its suffix, or by the names of its logs.
    """
    try:
        if (path / FILE).is_file():
            return True
        return (path / LOGS).is_dir() and (
            path.suffix == ".tuilabel"
            or any(_LOG_FILE.fullmatch(file.name) for file in (path / LOGS).iterdir())
        )
    except OSError:  # a name too long, or a folder that may not be entered
        return False


def create_session(path: Path, about: About) -> bool:
    """Make the folder of a session; return False if there is one by now.

    It gets its name when it is complete, so that nobody finds half a session.

    Raises
    ------
    SessionFileError
        It cannot be made.
    """
    beginning = f".{path.name[:40]}."
    new = path.with_name(f"{beginning}{uuid.uuid4().hex}.new")
    try:
        make_folders(path.parent)
        for left in leftovers(path.parent, beginning):
            _remove(left)
        new.mkdir(0o700)
        for folder in (LOGS, BULK):
            (new / folder).mkdir(0o700)
        write_whole(new / FILE, sealed(msgspec.json.encode(about)))
        sync_directory(new)
        new.rename(path)
        sync_directory(path.parent)
    except OSError as error:
        _remove(new)
        if is_session(path):
            return False
        raise SessionFileError(
            f"No session can be created at {shown_path(path)} ({error.strerror or error}). "
            "Make the folder writable, or name another place with --session FOLDER."
        ) from error
    return True


def make_folders(path: Path) -> None:
    """Make a folder and those above it, and write their names to disk.

    Raises
    ------
    OSError
    """
    if not path.is_dir():
        make_folders(path.parent)
        path.mkdir(exist_ok=True)
        sync_directory(path.parent)


def leftovers(folder: Path, beginning: str = ".") -> Iterator[Path]:
    """Yield what processes that were killed have left in a folder of a session, or beside one."""
    with suppress(OSError):
        for path in folder.glob(f"{glob.escape(beginning)}*.new"):
            is_ours = re.fullmatch(
                r"\.[0-9a-f]{32}(\.jsonl)?\.new", path.name[len(beginning) - 1 :]
            )
            # Another process may still be making it.
            if is_ours and time.time() - path.lstat().st_mtime > LEFT_SECONDS:
                yield path


def _remove(new: Path) -> None:
    for part in (new / FILE, new / LOGS, new / BULK, new):
        try:
            if part.is_dir():
                part.rmdir()
            else:
                part.unlink(missing_ok=True)
        except OSError:  # what stays has a name that nothing looks for
            return


def read_description(path: Path) -> About:
    """Return what a session is about, from its own file.

    Raises
    ------
    SessionFileError
        There is no session.
    InvalidLineError
        The file is missing or damaged, but any log of the session can replace it.
    """
    _refuse_other_kinds(path)
    try:
        content = read_small(path / FILE, _LARGEST)
    except OSError as error:
        raise InvalidLineError(f"it cannot be read ({error.strerror or error})") from error
    line = content.rstrip(b"\n")
    unsealed(line)
    try:
        about = msgspec.json.decode(line, type=About)
    except (ValueError, RecursionError) as error:
        raise InvalidLineError(str(error)) from error
    if about.format > FORMAT:
        raise SessionFileError(
            f"{shown_path(path)} has session format {about.format}, and this tuilabel knows "
            f"formats up to {FORMAT}. Open it with a newer tuilabel."
        )
    return about


def _refuse_other_kinds(path: Path) -> None:
    try:
        mode = path.stat().st_mode
        if stat.S_ISREG(mode):
            with path.open("rb") as file:
                is_earlier = file.read(len(_SQLITE)) == _SQLITE
            found = "a file"
            if is_earlier:
                raise SessionFileError(
                    f"{shown_path(path)} was made by an earlier tuilabel, in one file. Nothing was "
                    "changed. Start another session with --session FOLDER; a later version reads "
                    "its labels with `tuilabel import`."
                )
        else:
            found = "a folder without a session" if stat.S_ISDIR(mode) else "a device or pipe"
    except FileNotFoundError:
        raise SessionFileError(
            f"There is no session {shown_path(path)}. Name a session that tuilabel created."
        ) from None
    except OSError as error:
        raise SessionFileError(
            f"{shown_path(path)} cannot be read ({error.strerror or error}). Fix that, or name "
            "another session."
        ) from error
    if not is_session(path):
        raise SessionFileError(
            f"{shown_path(path)} is {found}, not a session. Name a session that tuilabel created."
        )


def create_file(path: Path) -> int:
    """Return a descriptor of a new file to append to, as private as its folder.

    Raises
    ------
    OSError
    """
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND | os.O_NOFOLLOW | os.O_CLOEXEC
    descriptor = os.open(path, flags, 0o600)
    try:
        folder = path.parent.stat()
        # A shared session's folder belongs to a group that may read what is in it.
        if folder.st_mode & stat.S_IRGRP:
            if os.fstat(descriptor).st_gid != folder.st_gid:
                os.fchown(descriptor, -1, folder.st_gid)
            os.fchmod(descriptor, SHARED_FILE)
    except OSError:
        os.close(descriptor)
        path.unlink()
        raise
    return descriptor


def write_whole(path: Path, content: bytes | bytearray) -> None:
    """Write a new file to disk.

    Raises
    ------
    OSError
    """
    descriptor = create_file(path)
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(descriptor)


def sync_directory(path: Path) -> None:
    """Write the names in a directory to disk.

    Raises
    ------
    OSError
    """
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
