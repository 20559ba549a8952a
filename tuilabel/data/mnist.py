"""The `mnist` source: four IDX files from a folder, or from the cache after a download."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from tuilabel.data import item_ids
from tuilabel.data.arrays import Arrays
from tuilabel.data.dataset import ArrayDataset, Split, build_dataset, resolve_classes
from tuilabel.data.idx import open_idx
from tuilabel.errors import SourceError
from tuilabel.progress import Progress
from tuilabel.text import inert, shown_path

TRAIN = "train"
TEST = "t10k"
_CLASS_NAMES = tuple("0123456789")
_KINDS = ("images-idx3", "labels-idx1")


def open_mnist(
    folder: Path,
    source: str,
    *,
    cache_dir: Path,
    classes: Sequence[str] | None = None,
    pool: int | None = None,
    test: int | None = None,
    progress: Progress | None = None,
) -> ArrayDataset:
    """Open four IDX files named as MNIST's are: the train split is the pool, t10k the hold-out.

    The files are plain or gzip, and may be named ``.idx3-ubyte`` with a dot. They can contain any
    other data set that uses these names, such as Fashion-MNIST.

    Parameters
    ----------
    folder : Path
        Folder of the files.
    source : str
        The canonical source string.
    cache_dir : Path
        Folder for decompressed files and item ids.
    classes : sequence of str, optional
        Other names for the ten classes; or as many names as the files have classes.
    pool, test : int, optional
        Number of images to take from the start of train and of t10k.
    progress : Progress, optional

    Raises
    ------
    SourceError
        If a file is missing or damaged, or the four do not belong together.
    UsageError
        If `pool` or `test` is out of range.
    """
    if not folder.is_dir():
        found = "is not a folder" if folder.exists() else "does not exist"
        raise SourceError(
            f"{shown_path(folder)} {found}: open mnist:DIR with the folder of the four IDX files."
        )
    train = open_split(TRAIN, folder, cache_dir, progress)
    holdout = open_split(TEST, folder, cache_dir, progress)
    if train.images.shape[1:] != holdout.images.shape[1:]:
        raise SourceError(
            f"The images of {TRAIN} are {_size(train)} pixels, but those of {TEST} are "
            f"{_size(holdout)}: use files of one data set."
        )
    return build_dataset(
        source=source,
        class_names=_class_names(source, train, holdout, classes),
        train=train,
        holdout=holdout,
        pool=pool,
        test=test,
    )


def find_idx(folder: Path, split: str, kind: str) -> Path | None:
    """Return the path of one of the four files, plain before gzip; None if it is missing.

    Parameters
    ----------
    folder : Path
    split : {"train", "t10k"}
    kind : {"images-idx3", "labels-idx1"}
    """
    for ending in ("", ".gz"):
        for stem in (f"{split}-{kind}", f"{split}-{kind.replace('-', '.')}"):
            path = folder / f"{stem}-ubyte{ending}"
            if path.is_file():
                return path
    return None


def open_split(split: str, folder: Path, cache_dir: Path, progress: Progress | None) -> Split:
    """Open one of the splits, `TRAIN` or `TEST`; see `open_mnist`."""
    paths = []
    for kind in _KINDS:
        path = find_idx(folder, split, kind)
        if path is None:
            raise SourceError(
                f"{shown_path(folder)} has no {split}-{kind}-ubyte, plain or .gz: "
                "choose a folder that has all four IDX files."
            )
        paths.append(path)
    images = open_idx(paths[0], 3, cache_dir, progress)
    labels = open_idx(paths[1], 1, cache_dir, progress)
    if len(images.values) != len(labels.values):
        raise SourceError(
            f"{inert(paths[0].name)} has {len(images.values)} images, but "
            f"{inert(paths[1].name)} has {len(labels.values)} labels: use files of one data set."
        )
    return Split(
        name=split,
        images=images.values,
        digests=item_ids.cached_digests(images.values, Arrays(cache_dir / "idx"), images.key),
        truth=labels.values.astype(np.int16),
        reference=lambda row: f"{split}[{row}]",
    )


def _class_names(
    source: str, train: Split, holdout: Split, given: Sequence[str] | None
) -> tuple[str, ...]:
    """Return the class names. IDX files have none, so any number of classes may be named."""
    largest = {
        split.name: int(split.truth.max()) for split in (train, holdout) if split.truth is not None
    }
    found = max(largest.values()) + 1
    own: Sequence[str] = _CLASS_NAMES
    if given is not None and len(given) == found:
        own = [str(index) for index in range(found)]
    names = resolve_classes(source, own=own, given=given)
    for split, label in largest.items():
        if label >= len(names):
            raise SourceError(
                f"The labels of {split} go up to {label}, but there are {len(names)} classes "
                f"(0 to {len(names) - 1}): name {found} classes with --classes."
            )
    return names


def _size(split: Split) -> str:
    return f"{split.images.shape[1]}x{split.images.shape[2]}"
