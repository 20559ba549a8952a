"""Opening of a dataset from a source string."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from tuilabel.data.dataset import Dataset
from tuilabel.data.window import Window
from tuilabel.errors import SourceError
from tuilabel.progress import Progress
from tuilabel.text import meant, shown_path

_MNIST_PREFIX = "mnist:"
_ARRAY_SUFFIXES = (".npz", ".npy")


def open_dataset(
    source: str,
    *,
    classes: Sequence[str] | None = None,
    pool: int | None = None,
    test: int | None = None,
    window: Window | None = None,
    cache_dir: Path | None = None,
    progress: Progress | None = None,
) -> Dataset:
    """Open the images to label.

    Parameters
    ----------
    source : str
        ``digits``, ``mnist``, ``mnist:DIR``, a folder of images, or an ``.npz`` or ``.npy``
        file. A folder or file named ``digits`` or ``mnist`` is opened as ``./digits``.
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
    # Each source is imported here, because each needs modules that the others do not.
    if source == "digits":
        from tuilabel.data.digits import open_digits

        return open_digits(classes=classes, pool=pool, test=test)
    if cache_dir is None:
        from platformdirs import user_cache_path

        cache_dir = user_cache_path("tuilabel")
    if source == "mnist" or source.startswith(_MNIST_PREFIX):
        from tuilabel.data.mnist import open_mnist

        if source == "mnist":
            from tuilabel.data.mnist_download import fetch_mnist

            folder = cache_dir / "mnist"
            fetch_mnist(folder, progress=progress)
        else:
            folder = _absolute(source.removeprefix(_MNIST_PREFIX))
            source = f"{_MNIST_PREFIX}{folder}"
        return open_mnist(
            folder,
            source,
            cache_dir=cache_dir,
            classes=classes,
            pool=pool,
            test=test,
            progress=progress,
        )
    path = _absolute(source)
    if path.is_dir():
        from tuilabel.data.folder import open_folder

        return open_folder(
            path,
            cache_dir=cache_dir,
            classes=classes,
            pool=pool,
            test=test,
            window=window,
            progress=progress,
        )
    if path.is_file() and path.suffix.lower() in _ARRAY_SUFFIXES:
        from tuilabel.data.npz import open_npz

        return open_npz(
            path,
            cache_dir=cache_dir,
            classes=classes,
            pool=pool,
            test=test,
            window=window,
            progress=progress,
        )
    raise _unknown(source, path)


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
    if path.is_file():
        found = "is a file, but neither .npz nor .npy"
    elif path.exists():
        found = "is neither a folder nor a regular file"
    else:
        found = "is not a source, and there is no file or folder of that name"
    return SourceError(
        f"'{shown_path(source)}' {found}: use digits, mnist, mnist:DIR, a folder of images or an "
        f".npz file.{meant(path.name, _beside(path))}"
    )


def _beside(path: Path) -> list[str]:
    """Return the names of the sources in the folder where a path is not found."""
    if path.exists():
        return []
    try:
        around = list(path.parent.iterdir())
    except OSError:  # there is no such folder either
        return []
    return [each.name for each in around if each.is_dir() or each.suffix in _ARRAY_SUFFIXES]
