"""Files in folders that are named like their classes, such as ``cat/1.jpg``.

The names are the ground truth, labels to continue from, or suggestions to check.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

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
from tuilabel.data.listing import path_order
from tuilabel.data.npz import held_out_rows
from tuilabel.errors import SourceError, UnnamedClassesError
from tuilabel.progress import Progress
from tuilabel.text import shown_path


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
    truth: Mapping[str, str] | None = None,
    own: Sequence[str] = (),
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
    truth : dict of str to str, optional
        The true class of each file, by its path; by default its outermost folder.
    own : sequence of str
        All true classes in order, if there is a `truth`.

    Raises
    ------
    SourceError, UsageError
        As for `tuilabel.data.folder.open_files`, and if no file is in a folder.
    """
    why_outside = "in no folder" if truth is None else "no class"
    if truth is None:
        own = _classes(root, found[0])
        truth = {key.path: _class(key.path) for key in found[0] if "/" in key.path}
    inside = [key for key in found[0] if key.path in truth]
    outside = [SkippedFile(key.path, why_outside) for key in found[0] if key.path not in truth]
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
    numbers = np.array([number[truth[key.path]] for key in items.keys], np.int16)
    return replace(
        dataset_of(items, of_pool, images[: len(of_pool)], rows),
        truth=numbers[of_pool],
        holdout=HoldOut("hold-out", images[len(of_pool) :], numbers[of_test])
        if len(of_test)
        else None,
    )


def guesses_of(root: Path, files: Sequence[FileKey], *, are_labels: bool) -> Guesses:
    """Return what the outermost folder of each file says about it.

    Raises
    ------
    SourceError
        No file is in a folder.
    """
    names = {folder: class_name(folder) for folder in _classes(root, files)}
    said = {
        key.name: Guess(name)
        for key in files
        if "/" in key.path and (name := names[_class(key.path)])
    }
    return Guesses("folders", are_labels, tuple(dict.fromkeys(filter(None, names.values()))), said)


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


def _classes(root: Path, files: Sequence[FileKey]) -> list[str]:
    found = sorted({_class(key.path) for key in files if "/" in key.path}, key=path_order)
    if files and not found:
        raise SourceError(
            f"{shown_path(root)} has no files in folders, whose names would be their classes: "
            "leave out --folders."
        )
    return found


def _class(path: str) -> str:
    return path.partition("/")[0]
