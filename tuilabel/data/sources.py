"""Opening of a dataset from a source string."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from tuilabel.data.dataset import ArrayDataset, Dataset, image_array
from tuilabel.data.window import Window
from tuilabel.errors import SourceError
from tuilabel.plugins import (
    ARRAY_FILES,
    BARE_SOURCES,
    CELL_FILES,
    DETECTION_FILES,
    TABLE_FILES,
    blame,
    exists,
    load,
    named_source,
    names,
    package_of,
    split_source,
)
from tuilabel.progress import Progress
from tuilabel.text import meant, shown_path


class Source(Protocol):
    """Opens images: what a name of the group ``sources`` stands for, also in a plug-in."""

    def __call__(
        self,
        source: str,
        *,
        argument: str | None,
        classes: Sequence[str] | None,
        pool: int | None,
        test: int | None,
        cache_dir: Path,
        progress: Progress | None,
    ) -> ArrayDataset:
        """Open the images.

        Parameters
        ----------
        source : str
            The name, with the argument if there is one: the `source` of the dataset. It leads to
            the same images whatever the current folder.
        argument : str or None
            What follows the name and a colon; absolute if it is an existing path. A plug-in always
            gets a string, perhaps an empty one.
        classes : sequence of str or None
            Names of the classes that the person has given, as `resolve_classes` takes them.
        pool, test : int or None
            As `build_dataset` takes them.
        cache_dir : Path
            Folder for files that can be made again; it may not exist yet.
        progress : Progress or None
            Called during long work, from the calling thread.

        Returns
        -------
        ArrayDataset
            As `build_dataset` makes it.

        Raises
        ------
        TuilabelError
            The message is one sentence for the person.
        """


def open_dataset(
    source: str,
    *,
    classes: Sequence[str] | None = None,
    pool: int | None = None,
    test: int | None = None,
    window: Window | None = None,
    cache_dir: Path | None = None,
    progress: Progress | None = None,
    seed: int | None = None,
    moved: Mapping[str, str] | None = None,
) -> Dataset:
    """Open the images to label.

    Parameters
    ----------
    source : str
        ``digits``, ``mnist``, ``mnist:DIR``, a folder of images, an ``.npz`` or ``.npy`` file, a
        ``.csv`` or ``.tsv`` table, a ``.json`` file of detections, a ``.parquet`` or ``.arrow``
        file, any other file as a list of paths, a pattern such as ``photos/**/*.jpg``, or ``NAME:``
        or ``NAME:ARGUMENT`` with the name of a plug-in. A folder or file named ``digits`` or
        ``mnist`` is opened as ``./digits``.
    classes : sequence of str, optional
        Class names. They are required if the source has none, and else rename its own.
    pool, test : int, optional
        Number of images to take from the start of the pool and of the hold-out.
    window : Window, optional
        For images of more than 8 bits, that of the session. Without it one is chosen.
    cache_dir : Path, optional
        Folder for downloads, decompressed files and thumbnails; by default the user's cache.
    progress : Progress, optional
        Called during long work, from the calling thread.
    seed : int, optional
        Images that can be read one after another are not read yet, and are in the random order of
        this seed: the dataset is a `FolderItems`. Without it everything is read first.
    moved : dict of str to str, optional
        Item ids of files that were moved out of the source, by the absolute path of the new place:
        a file there joins if it is this item.

    Returns
    -------
    Dataset

    Raises
    ------
    SourceError
        If there is no such source, it cannot be read, or the classes do not fit it.
    UsageError
        If `pool` or `test` is out of range.
    DownloadError
        If `mnist` is not in the cache and cannot be downloaded.
    """
    if cache_dir is None:
        from platformdirs import user_cache_path

        cache_dir = user_cache_path("tuilabel")
    typed, name = source, split_source(source)[0]
    if not name:
        _absolute(source)  # raises an error for what is no path
    if name not in BARE_SOURCES:
        source = named_source(source)
    name, argument = split_source(source)
    if not name or not exists("sources", name):
        path = _absolute(source)
        name, argument = _kind(typed, path), str(path)
    is_plugin = package_of("sources", name) != ""
    plain = is_plugin or name in BARE_SOURCES
    further = {"moved": moved} if moved and not plain and name != "array" else {}
    open_it: Source = load("sources", name)
    dataset: Dataset = open_it(
        source,
        argument=argument,
        classes=classes,
        pool=pool,
        test=test,
        cache_dir=cache_dir,
        progress=progress,
        **({} if plain else {"window": window, "seed": seed, **further}),
    )
    return _checked(dataset, name, source) if is_plugin else dataset


def _kind(source: str, path: Path) -> str:
    """Return the name of the source that a folder or an array file is."""
    if path.is_dir():
        return "folder"
    if path.is_file() and path.suffix.lower() in ARRAY_FILES:
        return "array"
    raise _unknown(source, path)


def digits(source: str, *, argument: str | None, **options: Any) -> ArrayDataset:
    """Open scikit-learn's digits; a `Source`."""
    from tuilabel.data.digits import open_digits

    if argument is not None:
        raise SourceError(f"'{shown_path(source)}' is not a source: use digits, without a colon.")
    return open_digits(**{name: options[name] for name in ("classes", "pool", "test")})


def mnist(
    source: str, *, argument: str | None, cache_dir: Path, progress: Progress | None, **options: Any
) -> ArrayDataset:
    """Open MNIST from a folder, or from the cache after a download; a `Source`."""
    from tuilabel.data.mnist import open_mnist

    if argument is None:
        from tuilabel.data.mnist_download import fetch_mnist

        folder = cache_dir / "mnist"
        fetch_mnist(folder, progress=progress)
    else:
        folder = _absolute(argument)
        source = f"mnist:{folder}"
    return open_mnist(folder, source, cache_dir=cache_dir, progress=progress, **options)


def _checked(dataset: object, name: str, source: str) -> ArrayDataset:
    """Return the dataset of a plug-in, whose functions are called with care from now on."""
    with blame("sources", name):
        if not isinstance(dataset, ArrayDataset):
            raise TypeError(f"it returned {type(dataset).__name__}, not an ArrayDataset")
        if dataset.source != source:
            raise ValueError(f"its source is {dataset.source!r}; expected {source!r}")
        places = [tuple(map(str, dataset.references(row))) for row in range(len(dataset))]

    def careful(draw: Callable[[int], NDArray[np.uint8]]) -> Callable[[int], NDArray[np.uint8]]:
        def image(row: int) -> NDArray[np.uint8]:
            with blame("sources", name):
                return image_array(draw(row))

        return image

    return replace(
        dataset,
        # Asked for after each answer, when it would be too late for an error.
        locate=places.__getitem__,
        full=None if dataset.full is None else careful(dataset.full),
        screen=None if dataset.screen is None else careful(dataset.screen),
    )


def _absolute(path: str) -> Path:
    if not path:
        raise SourceError("The name of the source is empty: name a folder or a file, such as '.'.")
    try:
        found = Path(path).expanduser().resolve()
        found.is_dir()  # raises if the name is too long, or a folder may not be entered
        return found
    except (OSError, RuntimeError, ValueError) as error:
        raise SourceError(
            f"'{shown_path(path)}' is not a valid path ({error}): name another file or folder."
        ) from error


def _unknown(source: str, path: Path) -> SourceError:
    if path.exists():
        found = "is neither a folder nor a regular file"
    else:
        found = "is not a source, and there is no file or folder of that name"
    return SourceError(
        f"'{shown_path(source)}' {found}: use digits, mnist, mnist:DIR, {_plugins()}a folder of "
        f"images, an .npz file, a .csv table or a list of paths.{meant(path.name, _beside(path))}"
    )


def _plugins() -> str:
    """Return the names of the sources of plug-ins, each with a comma after it."""
    return "".join(f"{name}:, " for name in names("sources") if package_of("sources", name))


def _beside(path: Path) -> list[str]:
    """Return the names of the sources in the folder where a path is not found."""
    if path.exists():
        return []
    try:
        around = list(path.parent.iterdir())
    except OSError:  # there is no such folder either
        around = []
    endings = (*ARRAY_FILES, *TABLE_FILES, *DETECTION_FILES, *CELL_FILES)
    found = [each.name for each in around if each.is_dir() or each.suffix in endings]
    # A path that is missing is often much like `folder:`, which was not meant.
    prefixes = [f"{name}:" for name in names("sources") if name not in BARE_SOURCES]
    return found + (prefixes if ":" in path.name else [])
