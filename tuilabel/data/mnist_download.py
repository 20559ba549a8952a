"""MNIST from the web, into the cache."""

from __future__ import annotations

import fcntl
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from tuilabel.data.download import STALL_SECONDS, PublishedFile, download
from tuilabel.data.mnist import find_idx
from tuilabel.errors import DownloadError
from tuilabel.progress import Progress
from tuilabel.text import inert

MIRRORS = (
    "https://storage.googleapis.com/cvdf-datasets/mnist/",
    "https://ossci-datasets.s3.amazonaws.com/mnist/",
)
PUBLISHED = (
    PublishedFile(
        "train-images-idx3-ubyte.gz",
        9_912_422,
        "440fcabf73cc546fa21475e81ea370265605f56be210a4024d2ca8f203523609",
    ),
    PublishedFile(
        "train-labels-idx1-ubyte.gz",
        28_881,
        "3552534a0a558bbed6aed32b30c495cca23d567ec52cac8be1a0730e8010255c",
    ),
    PublishedFile(
        "t10k-images-idx3-ubyte.gz",
        1_648_877,
        "8d422c7b0a1c1c79245a5bcf07fe86e33eeafee792b84584aec276f5a2dbc4e6",
    ),
    PublishedFile(
        "t10k-labels-idx1-ubyte.gz",
        4_542,
        "f7ae60f92e00ec6debd23a6088c31dbd2371eca3ffa0defaefb259924204aec6",
    ),
)


def fetch_mnist(
    folder: Path,
    *,
    mirrors: Sequence[str] = MIRRORS,
    published: Sequence[PublishedFile] = PUBLISHED,
    progress: Progress | None = None,
    stall_seconds: float = STALL_SECONDS,
) -> None:
    """Download those of the four files that a folder does not have.

    Parameters
    ----------
    folder : Path
        Made where it is missing; files that are there are left alone.
    mirrors, published, stall_seconds
        As in `download`.
    progress : Progress, optional

    Raises
    ------
    DownloadError
        If no mirror delivers a file, another process is downloading into the folder, or it
        cannot be written.
    """
    missing = [file for file in published if not _has(folder, file)]
    if not missing:
        return
    with _only_download(folder):
        for file in missing:
            # Another process may have brought it before this one got the lock.
            if not _has(folder, file):
                download(file, mirrors, folder, progress=progress, stall_seconds=stall_seconds)


def _has(folder: Path, file: PublishedFile) -> bool:
    split, _, kind = file.name.removesuffix("-ubyte.gz").partition("-")
    return find_idx(folder, split, kind) is not None


@contextmanager
def _only_download(folder: Path) -> Iterator[None]:
    """Keep other processes from downloading into the same folder."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        lock = (folder / "download.lock").open("w")
    except OSError as error:
        raise DownloadError(
            f"{inert(str(folder), 200)} cannot be written ({error.strerror}): make it writable, or "
            "open mnist:DIR with a folder that has the files."
        ) from error
    with lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise DownloadError(
                "Another process is downloading mnist just now: wait until it is done."
            ) from error
        yield
