"""A session that was removed or replaced while it was open, and a copy of it elsewhere."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path

from tuilabel.errors import SaveError, SessionFileError
from tuilabel.events.lines import InvalidLineError
from tuilabel.events.payloads import About
from tuilabel.journal.description import (
    BULK,
    LOGS,
    create_session,
    read_description,
    sync_directory,
    write_whole,
)
from tuilabel.small_files import open_regular
from tuilabel.text import shown_path

Written = Mapping[str, bytes | bytearray]
"""What this run has written, by the name of the log's file."""

_PART = 4096

MOST_HELD = 200
"""Files of others that are kept open, of the 1,024 that a process may usually have."""


class Held:
    """Files of others, kept open so that they can be copied after they were removed."""

    def __init__(self) -> None:
        self._descriptors: dict[Path, int | None] = {}

    def hold(self, path: Path) -> None:
        """Keep a file open, if it can be read and not too many are."""
        if path in self._descriptors:
            return
        self._descriptors[path] = None
        if len(self._descriptors) <= MOST_HELD:
            with suppress(OSError):  # the reader reports it
                self._descriptors[path] = open_regular(path, follow=False)

    def contents(self) -> Iterator[tuple[Path, bytes | None]]:
        """Yield the files with their bytes; None for one that can no longer be read."""
        # A copy: another thread may be reading.
        for path, held in list(self._descriptors.items()):
            try:
                descriptor = open_regular(path, follow=False) if held is None else os.dup(held)
                with os.fdopen(descriptor, "rb") as file:
                    file.seek(0)
                    yield path, file.read()
            except OSError:
                yield path, None

    def __del__(self) -> None:
        for descriptor in self._descriptors.values():
            if descriptor is not None:
                with suppress(OSError):  # its file system is gone
                    os.close(descriptor)


def lost(path: Path, about: About, written: Written) -> str | None:
    """Return a sentence if a session, or what this run wrote to it, is no longer there."""
    shown = shown_path(path)
    try:
        if read_description(path).uuid != about.uuid:
            return f"Another session is at {shown} now; what was saved is not in it."
    except InvalidLineError:  # a log has replaced it
        pass
    except SessionFileError:
        return f"The session {shown} is no longer there, and what was saved is gone with it."
    for name, content in written.items():
        file = path / LOGS / name
        try:
            is_there = _has(file, content)
        except FileNotFoundError:
            is_there = False
        except OSError as error:
            reason = error.strerror or str(error)
            return f"{shown_path(file)} cannot be read ({reason}); it has what was saved."
        if not is_there:
            return f"{shown_path(file)} was removed or replaced; what was saved in it is gone."
    return None


def _has(file: Path, content: bytes | bytearray) -> bool:
    """Return whether a log has the beginning and the end of some content."""
    descriptor = open_regular(file, follow=False)
    try:
        return all(
            os.pread(descriptor, min(_PART, len(content)), offset) == content[offset:][:_PART]
            for offset in (0, max(0, len(content) - _PART))
        )
    finally:
        os.close(descriptor)


def save_copy(path: Path, about: About, written: Written, held: Held) -> list[str]:
    """Write a session as it is known to another place.

    Parameters
    ----------
    path : Path
        The new session.
    about : About
    written : dict of str to bytes
    held : Held
        The logs and bulk files that are not in `written`.

    Returns
    -------
    list of str
        The files that could not be read, by folder and name.

    Raises
    ------
    SessionFileError, SaveError
        The copy cannot be made.
    """
    if not create_session(path, about):
        raise SessionFileError(
            f"There is a session at {shown_path(path)} already. Name a folder that does not exist."
        )
    missing = []
    try:
        for name, content in written.items():
            write_whole(path / LOGS / name, content)
        for file, found in held.contents():
            if found is None:
                missing.append(f"{file.parent.name}/{file.name}")
            else:
                write_whole(path / file.parent.name / file.name, found)
        for folder in (LOGS, BULK):
            sync_directory(path / folder)
    except OSError as error:
        raise SaveError(
            f"The copy {shown_path(path)} is incomplete ({error.strerror or error}). Free some "
            "space, or name another folder."
        ) from error
    return missing
