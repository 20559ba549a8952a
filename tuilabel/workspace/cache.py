"""What is in the cache, its size, and how parts of it are removed."""

from __future__ import annotations

import os
import re
import threading
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from tuilabel.file_systems import file_system_type
from tuilabel.journal.description import is_session
from tuilabel.text import inert, shown_path, size_text
from tuilabel.workspace.places import COPIES, cache_place

GIGABYTE = 10**9

KINDS = {
    "folders": "thumbnails of image files",
    "arrays": "images of array files",
    "idx": "images of IDX files",
    "features": "features and graphs",
    "baselines": "random baselines",
    "centres": "pictures of clusters",
    "lists": "lists of paths",
    "mnist": "MNIST, downloaded",
    COPIES: "copies of URLs",
}
"""The folders of the cache."""

_DOWNLOADED = ("mnist", COPIES)
_IN_USE_SECONDS = 3600
_BESIDE_SQLITE = re.compile("-(wal|shm|journal)$")


@dataclass
class Entry:
    """A part of the cache that is removed as a whole.

    Attributes
    ----------
    kind : str
        The folder it is in, such as ``"features"``.
    paths : list of Path
        A file, and those that belong to it.
    size : int
        Bytes.
    used : float
        When it was last used, in seconds since 1970.
    """

    kind: str
    paths: list[Path] = field(default_factory=list)
    size: int = 0
    used: float = 0.0


def entries(root: Path) -> list[Entry]:
    """Return what is in the cache of any host and version, last used first.

    A session that somebody put there is not part of it.
    """
    found: dict[Path, Entry] = {}
    for here, files in _folders(root):
        kind = next((part for part in here.relative_to(root).parts if part in KINDS), "")
        for name in files:
            path = here / name
            try:
                stat = path.lstat()
            except OSError:
                continue
            entry = found.setdefault(here / _BESIDE_SQLITE.sub("", name), Entry(kind))
            entry.paths.append(path)
            entry.size += stat.st_size
            entry.used = max(entry.used, stat.st_mtime)
    return sorted(found.values(), key=lambda entry: entry.used, reverse=True)


def _folders(root: Path) -> Iterator[tuple[Path, list[str]]]:
    """Yield the folders of the cache, outer ones first, with the names of their files."""
    for folder, folders, files in os.walk(root):
        here = Path(folder)
        folders[:] = [name for name in folders if not is_session(here / name)]
        yield here, files


def lines(found: Sequence[Entry], gigabytes: int) -> Iterator[str]:
    """Yield where the cache lies, its size, and what is in it, one line each.

    Parameters
    ----------
    found : sequence of Entry
    gigabytes : int
        The largest size.
    """
    place = cache_place()
    yield f"path          {shown_path(place.folder)}"
    yield f"file system   {inert(file_system_type(place.root) or 'unknown')}"
    total = sum(entry.size for entry in found)
    yield f"size          {size_text(total)} of at most {gigabytes:,} GB (cache_size)"
    for kind in dict.fromkeys(entry.kind for entry in found):
        some = [entry for entry in found if entry.kind == kind]
        size = size_text(sum(entry.size for entry in some))
        yield f"{size:<13} {KINDS.get(kind, 'other files')}"


def remove(some: Iterable[Entry]) -> list[str]:
    """Remove parts of the cache, and return why any of it is still there.

    A process that has opened a file keeps it until it ends.
    """
    problems = []
    for entry in some:
        for path in entry.paths:
            try:
                path.unlink(missing_ok=True)
            except OSError as error:
                problems.append(error.strerror or str(error))
    return problems


def clear(root: Path) -> list[str]:
    """Remove all of the cache, and return why any of it is still there."""
    problems = remove(entries(root))
    for folder, _ in reversed(list(_folders(root))):
        with suppress(OSError):  # It has what cannot be removed, or a session.
            folder.rmdir()
    return problems


def bound(root: Path, limit: int) -> None:
    """Remove what was used longest ago until the cache takes at most `limit` bytes.

    What was used in the last hour stays, even if it alone takes more: it would be made again at
    once. Downloads stay too, and do not count.
    """
    found = entries(root)
    spare = sum(entry.size for entry in found if entry.kind not in _DOWNLOADED) - limit
    for entry in reversed(found):
        if spare <= 0 or entry.used > time.time() - _IN_USE_SECONDS:
            return
        if entry.kind not in _DOWNLOADED:
            remove([entry])
            spare -= entry.size


def bound_beside(gigabytes: int) -> None:
    """Begin to bound the cache of this host, in a thread that nobody waits for."""

    def work() -> None:
        bound(cache_place().root, gigabytes * GIGABYTE)

    threading.Thread(target=work, name="cache", daemon=True).start()
