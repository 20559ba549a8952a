"""From a source string to an opened dataset."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from tuilabel.data.dataset import Dataset, Progress
from tuilabel.data.text import inert
from tuilabel.errors import SourceError

_MNIST_PREFIX = "mnist:"


def open_dataset(
    source: str,
    *,
    classes: Sequence[str] | None = None,
    pool: int | None = None,
    test: int | None = None,
    cache_dir: Path | None = None,
    progress: Progress | None = None,
) -> Dataset:
    """Open what is to be labelled.

    Parameters
    ----------
    source : str
        ``digits``, ``mnist``, ``mnist:DIR``, a folder of images or an ``.npz`` file.
    classes : sequence of str, optional
        Class names; needed where the source has none, else they rename its own.
    pool, test : int, optional
        Take only the first so many images of the pool, of the hold-out.
    cache_dir : Path, optional
        Keeps downloads, decompressed files and thumbnails; the user's cache folder by default.
    progress : Progress, optional
        Told how far long work has come, from the calling thread.

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
        If `mnist` is neither in the cache nor to be had from any mirror.
    """
    if source == "digits":
        from tuilabel.data.digits import open_digits

        return open_digits(classes=classes, pool=pool, test=test)
    if cache_dir is None:
        from platformdirs import user_cache_path

        cache_dir = user_cache_path("tuilabel")
    if source.startswith(_MNIST_PREFIX):
        from tuilabel.data.mnist import open_mnist

        folder = _absolute(source.removeprefix(_MNIST_PREFIX))
        return open_mnist(
            folder,
            f"{_MNIST_PREFIX}{folder}",
            cache_dir=cache_dir,
            classes=classes,
            pool=pool,
            test=test,
            progress=progress,
        )
    raise SourceError(f"There is no source {inert(source)}.")


def _absolute(path: str) -> Path:
    return Path(path).expanduser().resolve()
