"""A pattern such as ``photos/**/*.jpg`` as a source."""

from __future__ import annotations

from collections.abc import Sequence
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

from tuilabel.data.dataset import Dataset
from tuilabel.data.folder import open_files
from tuilabel.data.listing import scan
from tuilabel.plugins import pattern_parts


def open_glob(source: str, *, argument: str, **options: Any) -> Dataset:
    """Open the files that match a pattern; a `Source`.

    ``*``, ``?`` and ``[...]`` stand for characters of one name, ``**`` for any number of folders.
    Paths are relative to the folder above the first wildcard. Hidden files are ignored, as in a
    folder.
    """
    folder, parts = pattern_parts(argument)
    root = Path(folder)
    files, skipped = scan(root, None if "**" in parts else len(parts))
    matching = [key for key in files if matches(key.path.split("/"), parts)]
    refused = [file for file in skipped if matches(file.path.split("/"), parts)]
    return open_files(source, root, (matching, refused), **options)


def matches(names: Sequence[str], parts: Sequence[str]) -> bool:
    """Return whether the names of a path match the parts of a pattern."""
    # The numbers of parts that the names so far can have used up.
    used = _beyond({0}, parts)
    for name in names:
        following = {
            place if parts[place] == "**" else place + 1
            for place in used
            if place < len(parts) and (parts[place] == "**" or fnmatchcase(name, parts[place]))
        }
        used = _beyond(following, parts)
    return len(parts) in used


def _beyond(used: set[int], parts: Sequence[str]) -> set[int]:
    """Return also the numbers of parts after each ``**``, which may stand for no folder."""
    found = set(used)
    for place, part in enumerate(parts):
        if place in found and part == "**":
            found.add(place + 1)
    return found
