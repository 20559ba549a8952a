"""Names in class folders that differ from each other on every file system."""

from __future__ import annotations

import hashlib
import os
import unicodedata
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import NamedTuple

LONGEST_NAME = 255
"""Bytes of a name on common file systems."""

_DEVICES = frozenset(
    ["con", "prn", "aux", "nul"] + [f"{port}{n}" for port in ("com", "lpt") for n in range(1, 10)]
)
_ENDINGS_AT_MOST = 20

EQUAL, SAME, RESERVED, LONG = "equal names", "equal but for case", "reserved", "too long"
"""Why a file or folder has another name than in the source, or than its class."""


class Wanted(NamedTuple):
    """A file that is to have a name in a folder.

    Attributes
    ----------
    folder : tuple of str
        The names of the folders that it goes into, such as those of its class.
    reference : str
        Its path in the source.
    beside : sequence of str
        Paths in the source of files that go with it.
    """

    folder: tuple[str, ...]
    reference: str
    beside: Sequence[str] = ()


class Named(NamedTuple):
    """The paths of a file, and of those that go with it, below the folder of all.

    `why` is the reason of a name that is not its own; empty otherwise.
    """

    path: str
    beside: list[str]
    why: str


class FolderNames:
    """Names for files in folders, the same for the same files whatever is there already.

    Parameters
    ----------
    wanted : sequence of Wanted
    reserved : iterable of str
        Names in the outermost folder that nothing may have.

    Attributes
    ----------
    files : list of Named
        In the order of `wanted`.
    folders : dict of str to str
        Every folder, outer ones first, and why it has another name; empty where it has its own.
    """

    def __init__(self, wanted: Sequence[Wanted], reserved: Iterable[str] = ()) -> None:
        self._taken: dict[tuple[str, str], str] = {("", folded(name)): "" for name in reserved}
        self._made: dict[tuple[str, ...], str] = {(): ""}
        self.folders: dict[str, str] = {}
        for parts in sorted({one.folder for one in wanted}):
            self._folder(parts)
        equal = Counter((one.folder, folded(one.reference.rpartition("/")[2])) for one in wanted)
        order = sorted(range(len(wanted)), key=lambda place: wanted[place].reference)
        found: dict[int, Named] = {}
        for place in order:
            one = wanted[place]
            name = one.reference.rpartition("/")[2]
            is_equal = equal[one.folder, folded(name)] > 1
            if is_equal:
                name = one.reference.strip("/").replace("/", "__")
            found[place] = self._file(one, name, EQUAL if is_equal and "__" in name else "")
        self.files = [found[place] for place in range(len(wanted))]

    def _folder(self, parts: tuple[str, ...]) -> str:
        """Return the path of a folder, with a name for each part."""
        if parts in self._made:
            return self._made[parts]
        above = self._folder(parts[:-1])
        name, why = _allowed(parts[-1], "/".join(parts))
        while (above, folded(name)) in self._taken:
            name, why = _suffixed(name, "/".join(parts)), SAME
        self._taken[above, folded(name)] = ""
        path = self._made[parts] = f"{above}/{name}" if above else name
        self.folders[path] = why
        return path

    def _file(self, one: Wanted, name: str, why: str) -> Named:
        folder = self._made[one.folder]
        allowed, reason = _allowed(name, one.reference, self._room(one))
        why = reason or why
        while not self._is_free(folder, names := self._with(one, allowed), one):
            allowed, why = _suffixed(allowed, one.reference, self._room(one)), SAME
        for own, reference in zip(names, (one.reference, *one.beside), strict=True):
            self._taken[folder, folded(own)] = reference
        paths = [f"{folder}/{own}" if folder else own for own in names]
        return Named(paths[0], paths[1:], why)

    def _is_free(self, folder: str, names: Sequence[str], one: Wanted) -> bool:
        # Two images may go with one file, such as a.jpg and a.png with a.txt.
        sources = ("", *one.beside)
        return (
            all(
                self._taken.get((folder, folded(name)), source) == source
                for name, source in zip(names, sources, strict=True)
            )
            and (folder, folded(names[0])) not in self._taken
        )

    def _with(self, one: Wanted, name: str) -> list[str]:
        """Return a name of a file, and those that the files beside it get then."""
        own = one.reference.rpartition("/")[2]
        return [name, *(beside_name(path.rpartition("/")[2], own, name) for path in one.beside)]

    def _room(self, one: Wanted) -> int:
        """Return the bytes that a name may have, so that those beside it are not too long."""
        own = len(os.fsencode(one.reference.rpartition("/")[2]))
        longest = max((len(os.fsencode(path.rpartition("/")[2])) for path in one.beside), default=0)
        return LONGEST_NAME - max(0, longest - own)


def beside_name(name: str, of: str, new: str) -> str:
    """Return the name of a file beside another one that gets a new name.

    It keeps what it has more than the name of the other, or than that without its ending.
    """
    if name.startswith(of):
        return new + name[len(of) :]
    return new.rpartition(".")[0] + name[len(of.rpartition(".")[0]) :]


def folded(name: str) -> str:
    """Return what two names have in common that a file system may take for one."""
    if name.isascii():
        return name.lower()
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", name).casefold())


def class_parts(name: str) -> tuple[str, ...]:
    """Return the folders of a class: ``bird/owl`` is ``owl`` in ``bird``."""
    return tuple(part for part in name.split("/") if part) or ("",)


def _allowed(name: str, identity: str, longest: int = LONGEST_NAME) -> tuple[str, str]:
    """Return a name that a file can have everywhere, and why it is another one."""
    if len(os.fsencode(name)) > longest:
        return _suffixed(name, identity, longest), LONG
    is_device = folded(name.partition(".")[0].rstrip()) in _DEVICES
    if not name or name.startswith(".") or name.endswith((".", " ")) or is_device or "\0" in name:
        # Nothing looks into hidden folders.
        shown = name.replace("\0", "")
        shown = f"_{shown}" if not shown or shown.startswith(".") else shown
        return _suffixed(shown, identity, longest), RESERVED
    return name, ""


def _suffixed(name: str, identity: str, longest: int = LONGEST_NAME) -> str:
    """Return a name with a suffix before its ending, by a hash of what it stands for."""
    stem, dot, ending = name.rpartition(".")
    if not stem or not ending or len(ending) > _ENDINGS_AT_MOST or ending.endswith(" "):
        stem, dot, ending = name, "", ""
    digest = hashlib.blake2b(f"{name}\0{identity}".encode(errors="surrogateescape"), digest_size=3)
    tail = f"~{digest.hexdigest()}{dot}{ending}"
    room = longest - len(os.fsencode(tail))
    while len(os.fsencode(stem)) > room:
        stem = stem[: min(len(stem) - 1, room)]
    return stem + tail
