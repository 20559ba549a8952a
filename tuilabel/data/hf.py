"""Images in the cells of Parquet and Arrow files: Hugging Face datasets, or one such file."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from tuilabel.data.cell import Cells, cell_name
from tuilabel.data.class_folders import Named
from tuilabel.data.dataset import Dataset, SkippedFile, resolve_classes
from tuilabel.data.decoding import DecodeService, Refused
from tuilabel.data.decoding.formats import HF
from tuilabel.data.decoding.values import TableInfo
from tuilabel.data.file_cache import FileKey
from tuilabel.data.folder import open_files
from tuilabel.data.listing import listed, look_up, natural, scan
from tuilabel.errors import SourceError
from tuilabel.plugins import CELL_FILES, source_options
from tuilabel.progress import Progress
from tuilabel.text import shown_path

# Files that Hugging Face's datasets keeps beside the data.
_NO_DATA = ("cache-", "indices")


def open_cells(
    source: str,
    *,
    argument: str,
    classes: Sequence[str] | None = None,
    progress: Progress | None = None,
    **options: Any,
) -> Dataset:
    """Open a Parquet or Arrow file, or all of them below a folder; a `Source`.

    Each has a column of images: bytes, or a struct with the field ``bytes``. Only metadata is read
    for the number of rows; images are read a group of rows at a time. An item id is the hash of the
    bytes in the cell, as that of a file of these bytes. A column of the type ``ClassLabel`` of
    Hugging Face's datasets has the names of the classes; with the option ``folders``, it has
    the ground truth, labels or suggestions.

    Raises
    ------
    SourceError
        There is no such file, none has images, or pyarrow is not installed.
    UsageError
        As `open_files`.
    """
    path = Path(argument)
    root = path if path.is_dir() else path.parent
    files, skipped = scan(root) if path.is_dir() else look_up(root, [path.name])
    files = natural(file for file in files if is_table(file.path) or not path.is_dir())
    if not HF.is_there:
        raise SourceError(f"{shown_path(path)} has {HF.needed('Parquet or Arrow tables')}.")
    decoding = DecodeService()
    tables, refused = _tables(root, files, decoding, progress)
    skipped += refused
    if not tables:
        found = f": {listed(skipped)}" if skipped else ""
        raise SourceError(
            f"{shown_path(path)} has no Parquet or Arrow file with a column of images{found}. "
            "Choose another source."
        )
    own = next((table.names for table in tables.values() if table.label is not None), None)
    if own is not None:
        for name, table in list(tables.items()):
            if table.names != own:
                del tables[name]
                skipped.append(SkippedFile(name, "other classes than the first file"))
    kind = source_options(source).get("folders")
    if kind is not None and own is None:
        raise SourceError(
            f"{shown_path(path)} has no column of the type ClassLabel, whose values would be the "
            "classes: leave out --folders."
        )
    keys = [
        file._replace(path=cell_name(file.path, row))
        for file in files
        if file.path in tables
        for row in range(sum(tables[file.path].groups))
    ]
    named = None
    if kind is not None and own is not None:
        named = Named(own, dict(_labels(root, tables, decoding, skipped)), "no class")
    decoding.close()
    return open_files(
        source,
        root,
        (keys, skipped),
        classes=resolve_classes(source, own=own, given=classes),
        cells=Cells(root, tables),
        progress=progress,
        named=named,
        **options,
    )


def is_table(name: str) -> bool:
    """Return whether a file is one of data by its name."""
    last = name.rpartition("/")[2]
    return last.lower().endswith(CELL_FILES) and not last.startswith(_NO_DATA)


def _tables(
    root: Path, files: Sequence[FileKey], decoding: DecodeService, progress: Progress | None
) -> tuple[dict[str, TableInfo], list[SkippedFile]]:
    tables: dict[str, TableInfo] = {}
    skipped: list[SkippedFile] = []
    for done, file in enumerate(files, start=1):
        found = decoding.table(root / file.path)
        if isinstance(found, Refused):
            skipped.append(SkippedFile(file.path, found.reason))
        else:
            tables[file.path] = found
        if progress is not None:
            progress("reading tables", done, len(files))
    return tables, skipped


def _labels(
    root: Path,
    tables: dict[str, TableInfo],
    decoding: DecodeService,
    skipped: list[SkippedFile],
) -> Iterator[tuple[str, str]]:
    """Yield the name of each cell whose class is known, and the class."""
    for name, table in tables.items():
        labels = decoding.labels(root / name, table.label or "")
        if isinstance(labels, Refused):
            skipped.append(SkippedFile(name, labels.reason))
            continue
        for row, label in enumerate(labels.tolist()):
            if 0 <= label < len(table.names):
                yield cell_name(name, row), table.names[label]
