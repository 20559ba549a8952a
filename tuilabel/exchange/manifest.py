"""The manifest of class folders: what an export is about to do, on disk before it does it."""

from __future__ import annotations

import fcntl
import os
import uuid
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import msgspec

from tuilabel.durable_files import sync_directory
from tuilabel.errors import ExportError
from tuilabel.process.umask import UMASK
from tuilabel.small_files import open_regular
from tuilabel.text import shown_path

MANIFEST = ".tuilabel-manifest.jsonl"
"""Its name; hidden, so that nothing takes it for a class or an image."""

_VERSION = 1
_LARGEST = 2**31


class Entry(NamedTuple):
    """A file that an export has placed, or was about to place.

    Attributes
    ----------
    path : str
        Below the folder of all.
    source : str
        Its path in the source.
    hash : str
        BLAKE2b-128 of its bytes, in hexadecimal digits.
    size : int
    why : str
        Why it has another name than in the source; empty otherwise.
    """

    path: str
    source: str
    hash: str
    size: int
    why: str = ""


class _Line(msgspec.Struct, omit_defaults=True):
    """One line; each has one of `manifest`, `folder`, `add`, `take` and `done`."""

    manifest: int | None = None
    id: str = ""
    files: str = ""
    session: str = ""
    root: str = ""
    options: str = ""
    folder: str | None = None
    add: str | None = None
    source: str = ""
    hash: str = ""
    size: int = 0
    why: str = ""
    take: str | None = None
    done: bool = False
    failed: tuple[str, ...] = ()


class Manifest:
    """What a manifest says.

    Parameters
    ----------
    path : Path
    id : str
        Names the file that a copy is written to before it gets its name.
    files : str
        How files are placed: copy, hardlink, symlink or move.
    session : str
        Identity of the session.
    root : str
        The absolute folder that the paths of the source are relative to.
    options : str
        Those that chose the images and their parts.

    Attributes
    ----------
    entries : dict of str to Entry
        By path, what may be there: also what was about to be placed or taken back when the program
        was killed.
    unsure : set of str
        Paths about which that is not known.
    folders : dict of str to str
        Folders that were made, outer ones first; ``.`` is the outermost one itself.
    """

    def __init__(
        self, path: Path, id: str, files: str, session: str, root: str, options: str = ""
    ) -> None:
        self.path, self.id, self.files, self.session, self.root = path, id, files, session, root
        self.options = options
        self.entries: dict[str, Entry] = {}
        self.unsure: set[str] = set()
        self.folders: dict[str, str] = {}
        self._taken: set[str] = set()
        self._size: int | None = None

    @classmethod
    def read(cls, path: Path) -> Manifest:
        """Return what a manifest says; a last line that is not whole does not count.

        Raises
        ------
        ExportError
            It cannot be read, or is no manifest.
        """
        try:
            with os.fdopen(open_regular(path, follow=False), "rb") as file:
                lines = file.read(_LARGEST).split(b"\n")[:-1]
        except OSError as error:
            raise ExportError(
                f"{shown_path(path)} cannot be read ({error.strerror or error}): name the manifest "
                f"of class folders, OUT/{MANIFEST}."
            ) from error
        decode = msgspec.json.Decoder(_Line).decode
        found: Manifest | None = None
        for number, line in enumerate(lines, start=1):
            try:
                said = decode(line)
            except (msgspec.DecodeError, UnicodeDecodeError):
                said = _Line()
            if number == 1 and said.manifest == _VERSION:
                root = _actual(said.root)
                found = cls(path, said.id, said.files, said.session, root, said.options)
            elif found is None or not found._take(said):
                raise ExportError(
                    f"{shown_path(path)} is not a manifest of class folders that this version can "
                    f"read (line {number:,}); nothing was changed."
                )
        if found is None:  # killed while it wrote the first lines, so nothing was placed
            found = cls(path, uuid.uuid4().hex, "", "", "")
        found._size = sum(map(len, lines)) + len(lines)
        return found

    def _take(self, said: _Line) -> bool:
        """Take in a line after the first; return whether it is one."""
        places = [place for place in (said.folder, said.add, said.take) if place is not None]
        if any(not _is_inside(_actual(place)) for place in places):
            return False
        if said.folder is not None:
            self.folders[_actual(said.folder)] = said.why
        elif said.add is not None:
            path, source = _actual(said.add), _actual(said.source)
            # A file that is moved can go back to a place in the source, and to no other.
            if len(said.hash) != 32 or (self.files == "move" and not _is_inside(source)):
                return False
            self.entries[path] = Entry(path, source, said.hash, said.size, said.why)
            self.unsure.add(path)
            self._taken.discard(path)
        elif said.take is not None:
            self.unsure.add(_actual(said.take))
            self._taken.add(_actual(said.take))
        elif said.done:
            self._settle(map(_actual, said.failed))
        else:
            return False
        return True

    def _settle(self, failed: Iterable[str]) -> None:
        """Take everything so far for done, but what has failed."""
        for path in failed:
            if path in self._taken:
                self._taken.discard(path)
            else:
                self.entries.pop(path, None)
        for path in self._taken:
            self.entries.pop(path, None)
        self._taken, self.unsure = set(), set()

    def plan(
        self, folders: Mapping[str, str], taken: Iterable[str], added: Iterable[Entry]
    ) -> None:
        """Write to disk what is about to be done; the first time it creates the file.

        Raises
        ------
        OSError
        """
        lines: list[_Line] = []
        if not self._size:
            lines.append(
                _Line(
                    manifest=_VERSION,
                    id=self.id,
                    files=self.files,
                    session=self.session,
                    root=_stored(self.root),
                    options=self.options,
                )
            )
        lines += (_Line(folder=_stored(path), why=why) for path, why in folders.items())
        lines += (_Line(take=_stored(path)) for path in taken)
        lines += (
            _Line(
                add=_stored(entry.path),
                source=_stored(entry.source),
                hash=entry.hash,
                size=entry.size,
                why=entry.why,
            )
            for entry in added
        )
        self._append(lines)

    def done(self, failed: Iterable[str] = ()) -> None:
        """Write to disk that all planned so far was done, but some paths.

        Raises
        ------
        OSError
        """
        self._append([_Line(done=True, failed=tuple(map(_stored, failed)))])

    def _append(self, lines: list[_Line]) -> None:
        content = b"".join(msgspec.json.encode(line) + b"\n" for line in lines)
        flags = os.O_WRONLY | os.O_NOFOLLOW | os.O_CLOEXEC
        is_new = self._size is None
        with UMASK.of_person():
            flags |= os.O_CREAT | os.O_EXCL if is_new else 0
            descriptor = os.open(self.path, flags, 0o666)
        with os.fdopen(descriptor, "wb") as file:
            # Half a line, where the program was killed, is written over.
            file.truncate(self._size or 0)
            file.seek(self._size or 0)
            file.write(content)
            file.flush()
            os.fsync(descriptor)
        if is_new:
            sync_directory(self.path.parent)
        self._size = (self._size or 0) + len(content)
        for line in lines:
            self._take(line)

    @contextmanager
    def alone(self) -> Iterator[None]:
        """Keep other exports away from the folder meanwhile.

        Raises
        ------
        ExportError
            Another one is at work there.
        """
        descriptor = os.open(self.path.parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            with _if_possible():
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            yield
        finally:
            os.close(descriptor)


@contextmanager
def _if_possible() -> Iterator[None]:
    """Raise an error only if another process has the lock; some file systems have none."""
    try:
        yield
    except BlockingIOError:
        raise ExportError(
            "Another export is at work in this folder: wait until it has finished."
        ) from None
    except OSError:
        return


def _is_inside(path: str) -> bool:
    """Return whether a path leads to a place below a folder, by its parts."""
    parts = path.split("/")
    return path == "." or not ({"", ".", ".."} & set(parts) or "\0" in path)


def _stored(path: str) -> str:
    from tuilabel.events.payloads import stored_names

    return stored_names([path])[0]


def _actual(path: str) -> str:
    from tuilabel.events.payloads import actual_name

    return actual_name(path)
