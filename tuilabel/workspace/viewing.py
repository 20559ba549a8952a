"""Images to look at without a session, and where they are."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from tuilabel.data import Dataset, open_dataset
from tuilabel.data.listing import below
from tuilabel.data.window import Window
from tuilabel.errors import SourceError, UnnamedClassesError
from tuilabel.plugins import root_of
from tuilabel.progress import Progress
from tuilabel.text import inert, source_name
from tuilabel.workspace.places import cache_dir, is_folder


class Viewed:
    """An opened source, and the places of its images as the person named the source.

    Parameters
    ----------
    source : str
        As for `tuilabel.data.open_dataset`.
    progress : callable, optional
    window : Window, optional
        As for `tuilabel.data.open_dataset`.

    Attributes
    ----------
    dataset : Dataset
    name : str
        The kind and name of the source, harmless for a terminal.

    Raises
    ------
    SourceError, UsageError, DownloadError
    """

    def __init__(
        self, source: str, progress: Progress | None = None, window: Window | None = None
    ) -> None:
        opener = partial(
            open_dataset, source, cache_dir=cache_dir(), progress=progress, window=window
        )
        try:
            self.dataset: Dataset = opener()
        except UnnamedClassesError:
            self.dataset = opener(classes=("image",))  # nobody sees it
        self.name = inert(source_name(self.dataset.source))
        self._folder = str(Path(source).expanduser()) if is_folder(source) else self._root()

    def _root(self) -> str | None:
        """Return the folder of the files, in short; None if the images are no files."""
        root = root_of(self.dataset.source)
        if root is None or self.dataset.file(0) is None:
            return None
        here = below(Path.cwd(), root)
        return "" if Path(root) == Path.cwd() else here or root

    def __len__(self) -> int:
        return len(self.dataset)

    def paths(self, row: int) -> tuple[str, ...]:
        """Return where an image is: below the folder as it was named, or as the source names it.

        Equal files are one image with several paths. Bytes that are not text are lone surrogates.
        """
        return self.named(self.dataset.references(row))

    def named(self, references: tuple[str, ...]) -> tuple[str, ...]:
        """Return the paths that references are, as `paths` does."""
        if self._folder is None:
            return references
        return tuple(os.path.join(self._folder, path) for path in references)  # noqa: PTH118

    def times(self) -> NDArray[np.float64]:
        """Return when the file of each image was changed: (n,) seconds, infinite where it is gone.

        Raises
        ------
        SourceError
            The images are not files.
        """
        if self._folder is None:
            raise SourceError(f"The images of {self.name} are not files, and so have no time.")
        return np.array([_time(self.dataset.file(row)) for row in range(len(self))])

    def written(self, rows: Iterable[int]) -> Iterator[str]:
        """Yield the paths of some images, in the order of the source."""
        for row in sorted(rows):
            yield from self.paths(row)


def _time(path: Path | None) -> float:
    try:
        return float("inf") if path is None else path.stat().st_mtime
    except (OSError, ValueError):
        return float("inf")
