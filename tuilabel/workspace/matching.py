"""Which image and which classes of a session a row of another file is about."""

from __future__ import annotations

import posixpath
from collections.abc import Iterable, Iterator, Sequence
from functools import cached_property
from pathlib import PurePath, PurePosixPath

from tuilabel.data import Dataset
from tuilabel.events.imports import ImportRow
from tuilabel.session.classes import Classes, normal_name

_SCHEMES = ("f1:", "p1:", "a1:")
"""What item ids of tuilabel begin with."""

_DEEPEST = 20


def replaced(
    rows: Iterable[ImportRow], beginnings: Sequence[tuple[str, str]]
) -> Iterator[ImportRow]:
    """Yield rows with the beginnings of their paths replaced, the first that fits.

    Parameters
    ----------
    rows : iterable of ImportRow
    beginnings : sequence of (str, str)
        Each old beginning, which ends where a name in the path does, and the new one.
    """
    if not beginnings:
        yield from rows
        return
    pairs = [(_slashed(old).rstrip("/"), new.rstrip("/")) for old, new in beginnings]
    for row in rows:
        path = _slashed(row.path)
        for old, new in pairs:
            if path == old or path.startswith(f"{old}/"):
                row = row._replace(path=f"{new}{path[len(old) :]}")
                break
        yield row


def _slashed(path: str) -> str:
    return path.replace("\\", "/")


class ClassNames:
    """The classes of a session by name or id."""

    def __init__(self, classes: Classes) -> None:
        self._ids: dict[str, str] = {}
        for info in classes.every():
            if info.id not in classes.merged:
                name = normal_name(info.name)
                if name not in self._ids or classes.is_open(info.id):
                    self._ids[name] = info.id
        # Two classes may have one name; an export has their ids then.
        self._ids |= {info.id: info.id for info in classes.every()}
        self._folders: dict[str, str | None] = {}

    def find(self, name: str, *, is_folder: bool = False) -> str | None:
        """Return the id of a class; None if there is no such class.

        The path of a folder may have more folders above the name of the class, such as those of
        parts, or below it.
        """
        found = self._ids.get(name)
        if found is None:
            found = self._ids.get(normal_name(name))
        if found is None and is_folder:
            if name not in self._folders:
                self._folders[name] = self._find_folder(name.split("/")[-_DEEPEST:])
            found = self._folders[name]
        return found

    def _find_folder(self, parts: list[str]) -> str | None:
        ends = range(len(parts), 0, -1)
        names = ("/".join(parts[first:end]) for end in ends for first in range(end))
        return next((id_ for one in names if (id_ := self.find(one)) is not None), None)


class Images:
    """The images of a source by id, path and name."""

    def __init__(self, dataset: Dataset) -> None:
        self._dataset = dataset
        self._root = posixpath.normpath(dataset.source)
        self._folder = posixpath.basename(self._root)

    @cached_property
    def _paths(self) -> dict[str, int]:
        places = self._dataset.references
        return {path: row for row in range(len(self._dataset)) for path in places(row)}

    @cached_property
    def _names(self) -> dict[str, int | None]:
        names: dict[str, int | None] = {}
        for path, row in self._paths.items():
            name = PurePosixPath(path).name
            names[name] = row if names.get(name, row) == row else None
        return names

    def find(self, row: ImportRow) -> tuple[int | None, str]:
        """Return the row of an image, and how it was found; a word for an ambiguous one too."""
        place = self._dataset.row_of(row.item) if row.item else None
        if place is not None:
            return place, "content"
        if not row.path or row.item.startswith(_SCHEMES):
            return None, ""
        for part in row.parts:
            found = self._find(row.path, f"#{part}")
            if found[1]:
                return found
        return self._find(row.path, "")

    def _find(self, path: str, part: str) -> tuple[int | None, str]:
        for one in self._possible(path):
            if (found := f"{one}{part}") in self._paths:
                return self._paths[found], "path"
        name = PurePath(_slashed(path)).name + part
        return self._names.get(name), "name" if name in self._names else ""

    def _possible(self, path: str) -> Iterator[str]:
        """Yield a path, that below the source, and those from each folder in it.

        A name alone is one of them only behind the name of the folder of the source.
        """
        yield path
        normal = posixpath.normpath(_slashed(path))
        yield normal
        if normal.startswith(f"{self._root}/"):
            yield normal[len(self._root) + 1 :]
        parts = [part for part in normal.split("/") if part]
        for first in range(1, len(parts)):
            if first < len(parts) - 1 or parts[first - 1] == self._folder:
                yield "/".join(parts[first:])
