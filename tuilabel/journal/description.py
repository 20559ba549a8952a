"""The file `session.json`: what a session is about, written once."""

from __future__ import annotations

import stat
from contextlib import suppress
from pathlib import Path

import msgspec

from tuilabel.errors import SessionFileError, StoreError
from tuilabel.events.lines import InvalidLineError, sealed, unsealed
from tuilabel.events.payloads import About
from tuilabel.journal.store import FILE, Store, open_store
from tuilabel.text import shown_path

FORMAT = 2

_LARGEST = 2**16
_SQLITE = b"SQLite format 3\0"


def is_session(path: Path) -> bool:
    """Return whether a path leads to a session, perhaps a damaged one."""
    try:
        return open_store(path).has_session()
    except OSError:  # of a plug-in; it is reported when the session is opened
        return True


def create_session(path: Path, about: About) -> bool:
    """Make a session; return False if there is one by now.

    Raises
    ------
    SessionFileError, PluginError
        It cannot be made.
    """
    store = open_store(path)
    try:
        store.write(FILE, sealed(msgspec.json.encode(about)))
    except StoreError:
        raise
    except OSError as error:
        with suppress(OSError):
            if store.has_session():
                return False
        raise SessionFileError(
            f"No session can be created at {shown_path(path)} ({error.strerror or error}). "
            "Make the folder writable, or name another place with --session FOLDER."
        ) from error
    return True


def read_description(path: Path, store: Store) -> About:
    """Return what a session is about, from its own file.

    Raises
    ------
    SessionFileError
        There is no session.
    InvalidLineError
        The file is missing or damaged, but any log of the session can replace it.
    """
    try:
        if not store.has_session():
            raise _no_session(path)
        content = store.read(FILE, 0, _LARGEST)
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


def _no_session(path: Path) -> SessionFileError:
    """Return an error that names what lies in the place of a session."""
    try:
        mode = path.stat().st_mode
        if stat.S_ISREG(mode):
            with path.open("rb") as file:
                if file.read(len(_SQLITE)) == _SQLITE:
                    return SessionFileError(
                        f"{shown_path(path)} was made by an earlier tuilabel, in one file. Nothing "
                        "was changed. Start another session with --session FOLDER; a later version "
                        "reads its labels with `tuilabel import`."
                    )
            found = "a file"
        else:
            found = "a folder without a session" if stat.S_ISDIR(mode) else "a device or pipe"
    except FileNotFoundError:
        return SessionFileError(
            f"There is no session {shown_path(path)}. Name a session that tuilabel created."
        )
    except OSError as error:
        return SessionFileError(
            f"{shown_path(path)} cannot be read ({error.strerror or error}). Fix that, or name "
            "another session."
        )
    return SessionFileError(
        f"{shown_path(path)} is {found}, not a session. Name a session that tuilabel created."
    )
