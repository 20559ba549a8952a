"""Pages of a TIFF and frames of an animation as items of their own."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from pathlib import Path

from tuilabel.data.dataset import SkippedFile
from tuilabel.data.decoding.formats import HEAD_BYTES, image_format
from tuilabel.data.decoding.values import MOST_FRAMES
from tuilabel.data.file_cache import FileKey
from tuilabel.data.folder_items import FolderItems
from tuilabel.data.images import frames_text
from tuilabel.data.part import frame_part
from tuilabel.errors import SourceError
from tuilabel.small_files import open_regular
from tuilabel.text import shown_path

MOST_ITEMS = 1_000_000

_SINGLE = ("JPEG", "BMP", "ICO", "ICNS", "PSD", "JPEG 2000")

# A PNG says that it is animated before its pixels, which may follow long metadata.
_PNG_BYTES = 2**16


def frames_of(
    root: Path, files: Sequence[FileKey], read: Callable[[Sequence[FileKey]], FolderItems]
) -> tuple[list[FileKey], list[SkippedFile]]:
    """Return the pages and frames of files; a file that has one stays as it is.

    The files that may have several are read, to count them.

    Parameters
    ----------
    root : Path
    files : sequence of FileKey
        Those that are parts already are returned as they are.
    read : callable
        Returns the items of some files, once all were read.

    Returns
    -------
    files : list of FileKey
    skipped : list of SkippedFile
        Files that have too many.

    Raises
    ------
    SourceError
        There are too many in all.
    """
    likely = [key for key in files if not key.part and _may_have_frames(root / key.path)]
    items = read(likely) if likely else None
    counts = {} if items is None else dict(zip(likely, items.shapes[:, 3].tolist(), strict=True))
    found: list[FileKey] = []
    skipped: list[SkippedFile] = []
    for key in files:
        count = counts.get(key, 1)
        if count > MOST_FRAMES:
            skipped.append(SkippedFile(key.path, frames_text(count)))
        elif count > 1:
            found += (key._replace(part=frame_part(number + 1)) for number in range(count))
        else:
            found.append(key)
        if len(found) > MOST_ITEMS:
            raise SourceError(
                f"The files in {shown_path(root)} have more than {MOST_ITEMS:,} pages and frames: "
                "name a smaller folder, or leave out --frames."
            )
    return found, skipped


def _may_have_frames(path: Path) -> bool:
    try:
        with os.fdopen(open_regular(path), "rb") as file:
            head = file.read(HEAD_BYTES)
            kind = image_format(head)
            if kind == "PNG":
                head += file.read(_PNG_BYTES)
                return b"acTL" in head or b"IDAT" not in head
    except OSError:
        return False  # Reading it finds the reason.
    return kind not in _SINGLE
