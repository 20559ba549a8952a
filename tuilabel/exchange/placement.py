"""What is to lie where in class folders: images, and the files beside them."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tuilabel.data.item_ids import file_digest
from tuilabel.data.listing import BESIDE
from tuilabel.exchange.folder_names import FolderNames, Wanted, class_parts
from tuilabel.exchange.manifest import MANIFEST, Entry
from tuilabel.small_files import open_regular

Times = tuple[int, int]
"""Size, and time of change in nanoseconds, of a file when it was hashed."""

DISPUTED, GONE, OF_A_PART, MOVED, SKIPPED, SEVERAL = (
    "disputed",
    "gone",
    "part",
    "moved",
    "skipped",
    "several",
)
"""Why a row is not placed."""


@dataclass
class Placement:
    """What is to lie where.

    Attributes
    ----------
    entries : list of Entry
        In the order of the images; those beside an image follow it.
    folders : dict of str to str
        As in `FolderNames`.
    times : dict of str to Times
        Of the files by their path in the source, where they are known.
    items : dict of str to str
        The item id of each path, but of files beside images.
    skipped : Counter of str
        Number of rows that are not placed, by the reason.
    """

    entries: list[Entry] = field(default_factory=list)
    folders: dict[str, str] = field(default_factory=dict)
    times: dict[str, Times] = field(default_factory=dict)
    items: dict[str, str] = field(default_factory=dict)
    skipped: Counter[str] = field(default_factory=Counter)


def place_rows(
    rows: Iterable[Mapping[str, Any]],
    root: Path,
    files: str,
    *,
    times: Mapping[str, Times],
    moved: Mapping[str, Entry] | None = None,
) -> Placement:
    """Return where the files of rows are to lie; nothing is written.

    Parameters
    ----------
    rows : iterable of dict
        As `tuilabel.exchange.rows.LabelRow`, with all images looked for; a row may have a ``split``
        as well.
    root : Path
        The folder that references are relative to.
    files : str
        One of `tuilabel.exchange.class_folders.MODES`.
    times : dict of str to Times
        Of the files when they were hashed, by reference.
    moved : dict of str to Entry, optional
        What an earlier export has moved, by its absolute path now.
    """
    found, wanted, items = Placement(), list[Wanted](), list[tuple[str, str]]()
    moved = moved or {}
    beside = _Beside(root, moved.values())
    every = [row for row in rows if _is_placed(row, found.skipped)]
    images = {row["reference"] for row in every}
    used, sources = set[str](), set[str]()
    for row in every:
        reference: str = row["reference"]
        if reference not in times:  # one of many images in a file
            found.skipped[OF_A_PART] += 1
            continue
        source = moved[reference].source if reference in moved else reference
        if source in sources:
            continue  # it has been moved by halves
        sources.add(source)
        if files == "move" and (source.startswith("/") or (root / source).is_symlink()):
            found.skipped[MOVED] += 1
            continue
        others = [path for path in beside.of(source) if path not in images]
        if files == "move":
            # It can go with one image only.
            others = [path for path in others if path not in used]
            used.update(others)
        folder = class_parts(row["class"] if isinstance(row["class"], str) else row["class"][0])
        if "split" in row:
            folder = (row["split"], *folder)
        wanted.append(Wanted(folder, source, others))
        items.append((row["item_id"], reference))
    names = FolderNames(wanted, [MANIFEST])
    found.folders = names.folders
    paths: set[str] = set()
    for one, named, (item, reference) in zip(wanted, names.files, items, strict=True):
        size, _ = found.times[one.reference] = times[reference]
        found.entries.append(
            Entry(named.path, one.reference, item.partition(":")[2], size, named.why)
        )
        found.items[named.path] = item
        for source, path in zip(one.beside, named.beside, strict=True):
            if path not in paths:
                paths.add(path)
                entry = beside.entry(path, source, found.times, named.why)
                if entry is not None:
                    found.entries.append(entry)
    return found


def _is_placed(row: Mapping[str, Any], skipped: Counter[str]) -> bool:
    """Return whether the file of a row can be placed; else count the reason."""
    if row["disputed"]:
        reason = DISPUTED
    elif not row["class"]:
        reason = SKIPPED
    elif isinstance(row["class"], list) and len(row["class"]) > 1:
        reason = SEVERAL
    elif row["status"] != "found":
        reason = GONE
    elif not row["item_id"].startswith("f1:"):
        reason = OF_A_PART
    else:
        return True
    skipped[reason] += 1
    return False


class _Beside:
    """The files that lie beside images and go with them."""

    def __init__(self, root: Path, moved: Iterable[Entry]) -> None:
        self._root = root
        self._names: dict[str, set[str]] = {}
        self._moved = {one.source: one for one in moved if one.source.lower().endswith(BESIDE)}
        self._moved_from: dict[str, set[str]] = {}
        for path in self._moved:
            folder, slash, name = path.rpartition("/")
            self._moved_from.setdefault(folder + slash, set()).add(name)

    def of(self, path: str) -> list[str]:
        """Return the paths of the files that go with one."""
        folder, slash, name = path.rpartition("/")
        there = self._listed(folder + slash)
        if not there:
            return []
        stem = name.rpartition(".")[0] or name
        return [
            folder + slash + own
            for base in dict.fromkeys((stem, name))
            for ending in BESIDE
            for own in (base + ending, base + ending.upper())
            if own in there and own != name
        ]

    def _listed(self, folder: str) -> set[str]:
        """Return the names in a folder that have one of the endings."""
        names = self._names.get(folder)
        if names is None:
            try:
                with os.scandir(self._root / folder) as entries:
                    names = {
                        entry.name
                        for entry in entries
                        if entry.name.lower().endswith(BESIDE) and entry.is_file()
                    }
            except OSError:  # then the images in it cannot be placed either
                names = set()
            names |= self._moved_from.get(folder, set())
            self._names[folder] = names
        return names

    def entry(self, path: str, source: str, times: dict[str, Times], why: str) -> Entry | None:
        """Return what is to be placed; None if it cannot be read."""
        if source in self._moved:
            return self._moved[source]._replace(path=path, why=why)
        try:
            with os.fdopen(open_regular(self._root / source), "rb") as file:
                found = os.fstat(file.fileno())
                digest = file_digest(file)
        except OSError:
            return None
        times[source] = found.st_size, found.st_mtime_ns
        return Entry(path, source, digest.hex(), found.st_size, why)
