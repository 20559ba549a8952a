"""Files in folders that are named like their classes, such as ``cat/1.jpg``.

The names are the ground truth, labels to continue from, or suggestions to check.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from tuilabel.data.dataset import (
    MAX_CLASSES,
    ArrayDataset,
    HoldOut,
    SkippedFile,
    checked_count,
    class_name,
    names_text,
    resolve_classes,
)
from tuilabel.data.file_cache import FileKey
from tuilabel.data.folder import dataset_of, list_files, pool_of, read_rows
from tuilabel.data.guesses import Guess, Guesses
from tuilabel.data.item_ids import ItemIds
from tuilabel.data.listing import path_order
from tuilabel.data.npz import held_out_rows
from tuilabel.errors import SourceError, UnnamedClassesError
from tuilabel.progress import Progress
from tuilabel.text import shown_path


class Named(NamedTuple):
    """What is said about the classes of files.

    Attributes
    ----------
    own : sequence of str
        All classes, in order.
    of : dict of str to str
        The class of each file that has one, by its path.
    why_none : str
        Why a file has none, in a few words.
    """

    own: Sequence[str]
    of: Mapping[str, str]
    why_none: str


def open_class_folders(
    source: str,
    root: Path,
    found: tuple[list[FileKey], list[SkippedFile]],
    *,
    classes: Sequence[str] | None = None,
    pool: int | None = None,
    test: int | None = None,
    seed: int | None = None,
    progress: Progress | None = None,
    named: Named | None = None,
    **options: Any,
) -> ArrayDataset:
    """Open files whose outermost folder names their true class; a fifth of them is held out.

    The hold-out is chosen as that of an array file. Of equal files the first counts. All files are
    read, whatever the seed.

    Parameters
    ----------
    source, root, found, classes, **options
        As for `tuilabel.data.folder.open_files`.
    pool, test : int, optional
        Number of items to take from the start of the pool and of the hold-out.
    seed : int, optional
        Not used.
    progress : Progress, optional
        Called after every few files.
    named : Named, optional
        Other classes than the folders.

    Raises
    ------
    SourceError, UsageError
        As for `tuilabel.data.folder.open_files`, and if no file is in a folder.
    """
    own, of, why_none = named or _named_by_folders(root, found[0])
    inside = [key for key in found[0] if key.path in of]
    outside = [SkippedFile(key.path, why_none) for key in found[0] if key.path not in of]
    names = resolve_classes(source, own=own, given=classes) if own else ("",)
    items = list_files(source, root, (inside, found[1] + outside), classes=names, **options)
    rows = read_rows(items, progress)
    held_out = held_out_rows(items.digests[rows])
    of_pool, of_test = rows[~held_out], rows[held_out]
    of_pool = of_pool[: checked_count("--pool", pool, len(of_pool), "the pool")]
    of_test = of_test[: checked_count("--test", test, len(of_test), "the hold-out")]
    # Together, so that all have one shape.
    images = pool_of(items, np.concatenate([of_pool, of_test]))
    number = {name: place for place, name in enumerate(own)}
    numbers = np.array([number[of[key.path]] for key in items.keys], np.int16)
    return replace(
        dataset_of(items, of_pool, images[: len(of_pool)], rows),
        truth=numbers[of_pool],
        holdout=HoldOut(
            "hold-out",
            images[len(of_pool) :],
            numbers[of_test],
            ItemIds("f1", items.digests[of_test], items.parts[of_test]),
            lambda i: items.references(int(of_test[i])),
        )
        if len(of_test)
        else None,
    )


def guesses_of(
    root: Path, files: Sequence[FileKey], named: Named | None = None, *, are_labels: bool
) -> Guesses:
    """Return what the outermost folder of each file says about it, or other classes.

    Raises
    ------
    SourceError
        No file is in a folder.
    """
    own, of, _ = named or _named_by_folders(root, files)
    names = {name: class_name(name) for name in own}
    said = {
        key.name: Guess(name) for key in files if key.path in of and (name := names[of[key.path]])
    }
    origin = "folders" if named is None else "labels"
    return Guesses(origin, are_labels, tuple(dict.fromkeys(filter(None, names.values()))), said)


def unnamed(source: str, files: Sequence[FileKey]) -> UnnamedClassesError | None:
    """Return the error of a source without class names whose folders may be named like them.

    None if its files are not in several folders.
    """
    folders = sorted({_class(key.path) for key in files if "/" in key.path}, key=path_order)
    if not 2 <= len(folders) <= MAX_CLASSES:
        return None
    return UnnamedClassesError(
        f"{shown_path(source)} has no class names, but {len(folders)} folders "
        f"({names_text(folders)}): name the classes with --classes, such as --classes cat,dog, or "
        "take the names of the folders as --folders labels, suggestions or truth.",
        folders,
    )


def _named_by_folders(root: Path, files: Sequence[FileKey]) -> Named:
    of = {key.path: _class(key.path) for key in files if "/" in key.path}
    if files and not of:
        raise SourceError(
            f"{shown_path(root)} has no files in folders, whose names would be their classes: "
            "leave out --folders."
        )
    return Named(sorted(set(of.values()), key=path_order), of, "in no folder")


def _class(path: str) -> str:
    return path.partition("/")[0]
