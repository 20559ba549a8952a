"""A session that was removed or replaced while it was open, and a copy of it elsewhere."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from functools import partial
from pathlib import Path

from tuilabel.errors import SaveError, SessionFileError
from tuilabel.events.lines import InvalidLineError
from tuilabel.events.payloads import About
from tuilabel.journal.description import create_session, read_description
from tuilabel.journal.store import LOGS, Store, open_store, read_whole
from tuilabel.text import shown_path

Written = Mapping[str, bytes | bytearray]
"""What this run has written, by the name of the log's file."""

_PART = 4096

MOST_HELD = 200
"""Files of others that are kept open, of the 1,024 that a process may usually have."""


class Held:
    """Files of others, kept open so that they can be copied after they were removed."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._readers: dict[str, Callable[[], bytes]] = {}

    def hold(self, name: str) -> None:
        """Keep a file open, if it can be read and not too many are."""
        if name in self._readers:
            return
        self._readers[name] = partial(read_whole, self._store, name)
        if len(self._readers) <= MOST_HELD:
            with suppress(OSError):  # the reader reports it
                self._readers[name] = self._store.keep(name)

    def contents(self) -> Iterator[tuple[str, bytes | None]]:
        """Yield the files with their bytes; None for one that can no longer be read."""
        # A copy: another thread may be reading.
        for name, read in list(self._readers.items()):
            try:
                yield name, read()
            except OSError:
                yield name, None


def lost(path: Path, store: Store, about: About, written: Written) -> str | None:
    """Return a sentence if a session, or what this run wrote to it, is no longer there."""
    shown = shown_path(path)
    try:
        if read_description(path, store).uuid != about.uuid:
            return f"Another session is at {shown} now; what was saved is not in it."
    except InvalidLineError:  # a log has replaced it
        pass
    except SessionFileError:
        return f"The session {shown} is no longer there, and what was saved is gone with it."
    for name, content in list(written.items()):
        file = path / LOGS / name
        try:
            is_there = _has(store, f"{LOGS}/{name}", content)
        except FileNotFoundError:
            is_there = False
        except OSError as error:
            reason = error.strerror or str(error)
            return f"{shown_path(file)} cannot be read ({reason}); it has what was saved."
        if not is_there:
            return f"{shown_path(file)} was removed or replaced; what was saved in it is gone."
    return None


def _has(store: Store, name: str, content: bytes | bytearray) -> bool:
    """Return whether a log has the beginning and the end of some content."""
    size = len(content)  # another thread appends to it
    return all(
        store.read(name, offset, min(_PART, size)) == content[offset : min(offset + _PART, size)]
        for offset in (0, max(0, size - _PART))
    )


def save_copy(path: Path, about: About, written: Written, held: Held) -> list[str]:
    """Write a session to another place, see `Journal.save_copy`; `held` has what others wrote."""
    if not create_session(path, about):
        raise SessionFileError(
            f"There is a session at {shown_path(path)} already. Name a folder that does not exist."
        )
    missing = []
    try:
        store = open_store(path)
        for name, content in written.items():
            store.write(f"{LOGS}/{name}", bytes(content))
        for name, found in held.contents():
            if found is None:
                missing.append(name)
            else:
                store.write(name, found)
    except OSError as error:
        raise SaveError(
            f"The copy {shown_path(path)} is incomplete ({error.strerror or error}). Free some "
            "space, or name another folder."
        ) from error
    return missing
