"""Where the items of a source are now, by content; no image is decoded but for its parts."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from tuilabel.data import item_ids
from tuilabel.data.dataset import SkippedFile
from tuilabel.data.file_cache import FileKey
from tuilabel.data.folder_items import FolderItems
from tuilabel.data.listing import moved_files, natural, path_order, scan
from tuilabel.data.sources import open_dataset
from tuilabel.errors import SourceError, UnnamedClassesError
from tuilabel.plugins import root_of, source_options, split_source
from tuilabel.progress import Progress
from tuilabel.small_files import open_regular
from tuilabel.text import shown_path

_REPORTED = 100
"""Files between two reports of progress."""


@dataclass
class Places:
    """Where the items of a source are.

    Attributes
    ----------
    items : dict of str to list of str
        The references of each item id, in the order of the source.
    names : set of str
        Everything in the source that could be read, images or not.
    unread : set of str
        Files and folders that could not be read, so that nobody knows which items they are.
    keys : dict of str to FileKey or None
        The files by name as they were when they were hashed, if they are asked for.
    """

    items: dict[str, list[str]] = field(default_factory=dict)
    names: set[str] = field(default_factory=set)
    unread: set[str] = field(default_factory=set)
    keys: dict[str, FileKey] | None = None

    def add(self, item: str, name: str) -> None:
        """Record one place of an item."""
        self.items.setdefault(item, []).append(name)
        self.names.add(name)

    def is_unread(self, name: str) -> bool:
        """Return whether a file, or a folder that it is in, could not be read."""
        parts = name.split("/")
        return any("/".join(parts[:end]) in self.unread for end in range(1, len(parts) + 1))


def files_root(source: str) -> Path | None:
    """Return the folder that the paths of a source of files are relative to; None of others."""
    name, argument = split_source(source)
    if name in ("", "folder"):
        path = Path(argument or "")
        return path if path.is_dir() else None
    root = root_of(source)
    return None if root is None else Path(root)


def find_places(
    source: str,
    *,
    cache_dir: Path,
    progress: Progress | None = None,
    moved: Mapping[str, str] | None = None,
    keep_keys: bool = False,
) -> Places:
    """Return where every item of a source is at this moment, also outside of ``--pool``.

    A file of a folder is hashed if its path, size or times are not those in the cache; one that has
    parts is decoded. Nothing is downloaded.

    Parameters
    ----------
    source : str
        As `Dataset.source`.
    cache_dir : Path
    progress : Progress, optional
    moved : dict of str to str, optional
        Further files, see `tuilabel.data.listing.moved_files`.
    keep_keys : bool
        Whether to return `Places.keys`.

    Raises
    ------
    SourceError
        The source is missing or cannot be read.
    """
    try:
        return _places(source, cache_dir, progress, moved or {}, {} if keep_keys else None)
    except OSError as error:  # such as a name that is too long
        raise SourceError(
            f"{shown_path(source)} cannot be read ({error.strerror or error})."
        ) from error


def _places(
    source: str,
    cache_dir: Path,
    progress: Progress | None,
    moved: Mapping[str, str],
    keys: dict[str, FileKey] | None,
) -> Places:
    name, argument = split_source(source)
    if name == "mnist":
        from tuilabel.data.mnist import TRAIN, open_split

        folder = cache_dir / "mnist" if argument is None else Path(argument)
        train = open_split(TRAIN, folder, cache_dir, progress)
        return _of_rows(item_ids.ItemIds("a1", train.digests), train.reference)
    if name == "folder" and "frames" not in source_options(source):
        root = Path(argument or "")
        return _of_files(root, *scan(root), progress, cache_dir, moved, keys)
    if name:
        return _of_dataset(source, cache_dir, progress, moved, keys)
    path = Path(source)
    try:
        is_folder, is_file = path.is_dir(), path.is_file()
    except (OSError, ValueError) as error:  # a name too long, or with a zero byte
        reason = getattr(error, "strerror", None) or error
        raise SourceError(f"{shown_path(source)} cannot be read ({reason}).") from error
    if is_folder:
        return _of_files(path, *scan(path), progress, cache_dir, moved, keys)
    if not is_file:
        raise SourceError(f"there is no file or folder {shown_path(source)}.")
    from tuilabel.data.npz import array_digests

    digests = array_digests(path, cache_dir, progress)
    return _of_rows(item_ids.ItemIds("a1", digests), lambda row: f"images[{row}]")


def _of_rows(ids: Iterable[str], reference: Callable[[int], str]) -> Places:
    places = Places()
    for row, item in enumerate(ids):
        places.add(item, reference(row))
    return places


def _of_dataset(
    source: str,
    cache_dir: Path,
    progress: Progress | None,
    moved: Mapping[str, str],
    keys: dict[str, FileKey] | None,
) -> Places:
    # With a seed, files are only listed.
    opener = partial(
        open_dataset, source, cache_dir=cache_dir, progress=progress, seed=0, moved=moved
    )
    try:
        dataset = opener()
    except UnnamedClassesError:
        # Names change nothing about where the items are.
        dataset = opener(classes=["image"])
    if isinstance(dataset, FolderItems) and (dataset.parts.any() or dataset.cells is not None):
        return _of_parts(dataset, progress, keys)
    if isinstance(dataset, FolderItems):
        found = dataset.keys, dataset.skipped
        return _of_files(dataset.root, *found, progress, cache_dir, moved, keys)
    places = Places()
    for row, item in enumerate(dataset.ids):
        for reference in dataset.references(row):
            places.add(item, reference)
    return places


def _of_parts(
    items: FolderItems, progress: Progress | None, keys: dict[str, FileKey] | None
) -> Places:
    """Return the places of items that are parts or cells: their files have to be decoded."""
    from tuilabel.data.folder import read_all

    read_all(items, progress)
    places = Places(unread={name.rstrip("/") for name, _ in items.skipped}, keys=keys)
    for row in sorted(range(len(items)), key=lambda row: path_order(items.keys[row].name)):
        if not items.refused[row]:
            places.add(items.ids[row], items.references(row)[0])
            if keys is not None and items.cells is None and not items.parts[row]:
                keys[items.keys[row].path] = items.keys[row]
    return places


def _of_files(
    root: Path,
    files: Sequence[FileKey],
    skipped: Sequence[SkippedFile],
    progress: Progress | None,
    cache_dir: Path,
    moved: Mapping[str, str],
    keys: dict[str, FileKey] | None,
) -> Places:
    from tuilabel.data.folder import cache_of

    known = cache_of(root, cache_dir).known()
    places = Places(unread={name.rstrip("/") for name, _ in skipped}, keys=keys)
    files = [*natural(files), *moved_files(root, moved, files)]
    for done, key in enumerate(files, start=1):
        digest: bytes | None = known[key].digest if key in known else b""
        digest = digest or _digest(os.path.join(root, key.path))  # noqa: PTH118
        if digest is None:
            places.unread.add(key.path)
        elif moved.get(key.path, item := f"f1:{digest.hex()}") == item:
            places.add(item, key.path)
            if keys is not None:
                keys[key.path] = key
        if progress is not None and (done % _REPORTED == 0 or done == len(files)):
            progress("looking for images", done, len(files))
    return places


def _digest(path: str) -> bytes | None:
    """Hash a file; None if it cannot be read, or is no longer an ordinary one."""
    try:
        with os.fdopen(open_regular(path), "rb") as file:
            return item_ids.file_digest(file)
    except OSError:
        return None
