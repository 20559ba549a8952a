"""A table as a source, CSV or TSV: of files that a column names, boxes in them, or pixels."""

from __future__ import annotations

import codecs
import csv
import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from itertools import chain
from pathlib import Path
from typing import Any, BinaryIO

from tuilabel.data.dataset import Dataset, SkippedFile
from tuilabel.data.file_cache import FileKey
from tuilabel.data.folder import open_files
from tuilabel.data.listing import look_up_parts
from tuilabel.data.part import PartError, box_part
from tuilabel.data.where import parse_where
from tuilabel.errors import SourceError, UsageError
from tuilabel.plugins import root_of, source_options
from tuilabel.small_files import open_regular
from tuilabel.text import counted, inert, shown_path

PATH_COLUMNS = ("path", "file", "filename", "image")
"""Columns that are taken for paths; capitals, spaces and `_` make no difference."""

BOX_COLUMNS = (
    ("x", "y", "w", "h"),
    ("x", "y", "width", "height"),
    ("left", "top", "width", "height"),
    ("x1", "y1", "x2", "y2"),
    ("xmin", "ymin", "xmax", "ymax"),
)
"""Columns that are taken for the left and top edge of a box, and its sides or the other edges."""

_LONGEST_LINE = 2**22


class Table:
    """The rows of a table that an expression chooses.

    Parameters
    ----------
    file : binary file
    path : Path
        Its ending, ``.tsv`` or any other, is its format.
    where : str, optional
        As for `parse_where`.

    Attributes
    ----------
    name : str
        For messages; inert.
    columns : list of str
        The cells of the first line, without outer white space.

    Raises
    ------
    SourceError
        It has no line, or no text.
    UsageError
        The expression is invalid.
    """

    def __init__(self, file: BinaryIO, path: Path, where: str | None = None) -> None:
        self.name, self._file, self._line = inert(path.name), file, 0
        lines = self._lines()
        first = next(lines, "")
        delimiter = "\t" if path.suffix.lower() == ".tsv" else ","
        if delimiter == "," and ";" in first and "," not in first:
            delimiter = ";"  # as spreadsheets write it where numbers have a decimal comma
        self._rows = csv.reader(chain([first], lines), delimiter=delimiter)
        with self._reporting():
            self.columns = [cell.strip() for cell in next(self._rows, [])]
        if not any(self.columns):
            raise SourceError(f"{self.name} begins with an empty line; expected names of columns.")
        self.where = where
        self._test = None if where is None else parse_where(where, self.columns)

    def rows(self) -> Iterator[tuple[int, list[str]]]:
        """Yield the number of each row, from 1 on, and its cells; none of a short row is lacking.

        Raises
        ------
        SourceError
            A row has more cells than there are columns, or is no text.
        UsageError
            No row is chosen.
        """
        number = chosen = 0
        while True:
            with self._reporting():
                row = next(self._rows, None)
            if row is None:
                break
            if not row:  # an empty line
                continue
            number += 1
            if len(row) > len(self.columns):
                raise SourceError(
                    f"Line {self._line:,} of {self.name} has {len(row)} cells, but there are "
                    f"{counted(len(self.columns), 'column')}: save it again with quotes around "
                    "cells that need them."
                )
            row += [""] * (len(self.columns) - len(row))
            if self._test is None or self._test(row):
                chosen += 1
                yield number, row
        if not chosen and self.where is not None:
            raise UsageError(
                f"--where {inert(self.where)!r} is true of none of the "
                f"{counted(number, 'row')} of {self.name}: change it."
            )

    def _lines(self) -> Iterator[str]:
        while line := self._file.readline(_LONGEST_LINE):
            self._line += 1
            if self._line == 1:
                line = line.removeprefix(codecs.BOM_UTF8)
            problem = "has a NUL byte, so it is no text in UTF-8" if b"\0" in line else ""
            if len(line) == _LONGEST_LINE:
                problem = f"is longer than {_LONGEST_LINE // 2**20} MiB"
            if problem:
                raise SourceError(
                    f"Line {self._line:,} of {self.name} {problem}: save it again as a table."
                )
            # The bytes of a name are kept, whatever they are.
            yield line.decode("utf-8", "surrogateescape")

    @contextmanager
    def _reporting(self) -> Iterator[None]:
        try:
            yield
        except csv.Error as error:
            raise SourceError(
                f"Line {self._line:,} of {self.name} cannot be read ({error}): save it again as "
                "a table."
            ) from error


def open_table(source: str, *, argument: str, **options: Any) -> Dataset:
    """Open a table; a `Source`.

    The option ``column`` names the column of the paths, which are relative to the folder of the
    table, or to the option ``root``; the option ``where`` chooses rows. With columns of a box, the
    item of a row is that part of the file.

    Raises
    ------
    SourceError
        It cannot be read, or has neither a column of paths nor images.
    UsageError
        An option does not fit the table.
    """
    from tuilabel.data.pixel_table import open_pixels, pixel_columns

    path, query = Path(argument), source_options(source)
    try:
        with os.fdopen(open_regular(path), "rb") as file:
            table = Table(file, path, query.get("where"))
            column = _path_column(table, query.get("column"))
            pixels = pixel_columns(table.columns) if column is None else None
            if pixels is not None:
                if "group" in query:
                    raise UsageError(
                        f"{table.name} has its images in columns, not in files: leave out --group."
                    )
                return open_pixels(source, file, table, pixels, **options)
            if column is None:
                raise SourceError(
                    f"{table.name} has no column of paths ({', '.join(PATH_COLUMNS)}) or pixels "
                    f"(pixel0, pixel1, ...), but {_listed(table.columns)}: name a column with "
                    "--path-column."
                )
            root = Path(root_of(source) or path.parent)
            found = _files(root, table, column)
    except OSError as error:
        raise SourceError(
            f"The table {shown_path(path)} cannot be read ({error.strerror or error}): choose "
            "another file."
        ) from error
    return open_files(source, root, found, **options)


def _files(root: Path, table: Table, column: int) -> tuple[list[FileKey], list[SkippedFile]]:
    refused: list[SkippedFile] = []
    boxes = _box_columns(table)

    def names() -> Iterator[tuple[str, str]]:
        for number, row in table.rows():
            if not row[column]:
                refused.append(SkippedFile(f"row {number}", "no path"))
                continue
            try:
                yield row[column], boxes(row)
            except PartError as error:
                refused.append(SkippedFile(f"{row[column]}, row {number}", str(error)))

    files, skipped = look_up_parts(root, names())
    return files, skipped + refused


def _box_columns(table: Table) -> Callable[[Sequence[str]], str]:
    """Return a function that returns the part that the box in a row is; empty without boxes.

    It raises a `PartError` for a row without a box that can be one.
    """
    plain = [_plain(name) for name in table.columns]
    named = next((names for names in BOX_COLUMNS if set(names) <= set(plain)), None)
    if named is None:
        return lambda row: ""
    columns = [plain.index(name) for name in named]
    is_of_edges = named[2] in ("x2", "xmax")

    def part(row: Sequence[str]) -> str:
        try:
            left, top, right, bottom = (float(row[column]) for column in columns)
        except ValueError:
            cells = ",".join(row[column] for column in columns)
            raise PartError(f"the box {inert(cells, 40)!r} is not four numbers") from None
        if not is_of_edges:
            right, bottom = left + right, top + bottom
        return box_part(left, top, right, bottom)

    return part


def _plain(name: str) -> str:
    return name.lower().replace("_", "").replace(" ", "")


def _path_column(table: Table, wanted: str | None) -> int | None:
    """Return the place of the column of the paths; None without one."""
    if wanted is not None:
        if wanted not in table.columns:
            raise UsageError(
                f"{table.name} has no column {inert(wanted)!r}, but {_listed(table.columns)}: "
                "name one of these with --path-column."
            )
        return table.columns.index(wanted)
    plain = [_plain(name) for name in table.columns]
    return next((plain.index(name) for name in PATH_COLUMNS if name in plain), None)


def _listed(columns: Sequence[str]) -> str:
    more = f", and {len(columns) - 8} more" if len(columns) > 8 else ""
    return ", ".join(inert(name, 40) for name in columns[:8]) + more
