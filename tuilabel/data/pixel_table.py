"""Tables with an image in each row, such as Kaggle's digits: label, pixel0, ..., pixel783."""

from __future__ import annotations

import hashlib
import math
import re
import tempfile
import zipfile
from collections.abc import Sequence
from operator import itemgetter
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, NamedTuple

import numpy as np

from tuilabel.data.arrays import CacheError, cache_key_of_file, replacing
from tuilabel.data.dataset import ArrayDataset
from tuilabel.data.npz import MAX_ARRAY_BYTES, open_npz
from tuilabel.errors import SourceError
from tuilabel.progress import Progress
from tuilabel.text import inert

if TYPE_CHECKING:
    from tuilabel.data.table import Table

LABEL_COLUMNS = ("label", "class", "target")

_PIXEL = re.compile(r"(?:pixel(\d{1,7})|(\d{1,5})x(\d{1,5}))", re.ASCII | re.IGNORECASE)
_LONGEST_LABEL = 200


class Pixels(NamedTuple):
    """The columns of the images, in the order of their pixels, and the shape of an image."""

    columns: tuple[int, ...]
    shape: tuple[int, int]


def pixel_columns(columns: Sequence[str]) -> Pixels | None:
    """Return the columns ``pixel0``, ``pixel1``, ... or ``1x1``, ``1x2``, ...; None without any.

    Raises
    ------
    SourceError
        They are not those of an image.
    """
    places: dict[tuple[int, ...], int] = {}
    for place, name in enumerate(columns):
        found = _PIXEL.fullmatch(name)
        if found:
            places[tuple(int(digits) for digits in found.groups() if digits)] = place
    if len(places) < 2:
        return None
    order = sorted(places)
    first, last = order[0], order[-1]
    if len(first) == len(last) == 1:
        height = width = math.isqrt(len(order))
    else:
        height, width = (last[-2] - first[0] + 1, last[-1] - first[-1] + 1)
    span = last[0] - first[0] + 1 if len(first) == 1 else height * width
    if len({len(key) for key in order}) > 1 or not len(order) == span == height * width:
        raise SourceError(
            f"The {len(order)} columns of pixels are not those of an image: expected the columns "
            "pixel0, pixel1, ... of a square, or 1x1, 1x2, ... of a rectangle."
        )
    return Pixels(tuple(places[key] for key in order), (height, width))


def open_pixels(
    source: str,
    file: BinaryIO,
    table: Table,
    pixels: Pixels,
    *,
    cache_dir: Path,
    seed: int | None = None,
    progress: Progress | None = None,
    **options: Any,
) -> ArrayDataset:
    """Open a table of images; a column of classes is the ground truth.

    The table is read once, and kept as an array file in the cache.

    Raises
    ------
    SourceError
        A value is no whole number from 0 to 255, or a class is too long.
    """
    recipe = hashlib.blake2b(repr((table.where, pixels)).encode(), digest_size=8).hexdigest()
    kept = cache_dir / "arrays" / f"{cache_key_of_file(file)}-{recipe}.npz"
    if not _is_intact(kept):
        arrays = _read(table, pixels, progress)
        try:
            with replacing(kept) as new:
                np.savez(new, **arrays)
        except CacheError:
            with tempfile.TemporaryDirectory(prefix="tuilabel-") as folder:
                kept = Path(folder) / "table.npz"
                np.savez(kept, **arrays)
                return _opened(source, kept, cache_dir, progress, options)
    return _opened(source, kept, cache_dir, progress, options)


def _is_intact(path: Path) -> bool:
    try:
        with zipfile.ZipFile(path) as archive:
            return archive.testzip() is None
    # Hostile bytes raise any of these, and others of each method of compression.
    except Exception:  # noqa: BLE001
        return False


def _opened(
    source: str, kept: Path, cache_dir: Path, progress: Progress | None, options: dict[str, Any]
) -> ArrayDataset:
    with np.load(kept, allow_pickle=False) as arrays:
        rows = arrays["rows"]
    return open_npz(
        kept,
        source=source,
        reference=lambda row: f"row {rows[row]}",
        cache_dir=cache_dir,
        progress=progress,
        **options,
    )


def _read(table: Table, pixels: Pixels, progress: Progress | None) -> dict[str, Any]:
    """Return the arrays ``images``, ``rows`` and, with a column of classes, ``labels``."""
    plain = [name.lower() for name in table.columns]
    label = next((plain.index(name) for name in LABEL_COLUMNS if name in plain), None)
    cells = itemgetter(*pixels.columns)
    values, numbers, labels = bytearray(), list[int](), list[str]()
    for number, row in table.rows():
        try:
            values += bytes(map(int, cells(row)))
        except ValueError:
            raise SourceError(
                f"Row {number:,} of {table.name} has a pixel that is no whole number from 0 to "
                "255: save it with such numbers."
            ) from None
        numbers.append(number)
        if label is not None:
            labels.append(row[label].strip())
            if len(labels[-1]) > _LONGEST_LABEL:
                raise SourceError(
                    f"Row {number:,} of {table.name} has a class of {len(labels[-1]):,} "
                    f"characters ({inert(labels[-1], 20)}): expected a short name."
                )
        if len(values) > MAX_ARRAY_BYTES:
            raise SourceError(f"{table.name} has more than {MAX_ARRAY_BYTES} pixels: split it.")
        if progress is not None and not number % 1000:
            progress("reading the table", number, None)
    if not numbers:
        raise SourceError(f"{table.name} has no rows: choose another table.")
    images = np.frombuffer(values, np.uint8).reshape(-1, *pixels.shape)
    found = {"images": images, "rows": np.array(numbers)}
    return found if label is None else {**found, "labels": np.array(labels)}
