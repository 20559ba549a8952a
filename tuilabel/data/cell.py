"""Where an image is that lies in a cell of a table file, such as Parquet."""

from __future__ import annotations

import os
from bisect import bisect_right
from collections.abc import Iterable, Mapping
from itertools import accumulate
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from tuilabel.data.decoding.values import TableInfo


class Cell(NamedTuple):
    """A cell of a column of bytes; where a path is expected, it stands for a file of these bytes.

    Attributes
    ----------
    file : str
        Path of the table file.
    column : str
    row : int
        From 0 on.
    """

    file: str
    column: str
    row: int

    def __fspath__(self) -> str:
        """Return a text that is no path of a file, since it has NUL in it."""
        return f"{self.file}\0{self.column}\0{self.row}"

    @classmethod
    def read(cls, path: str) -> Cell | None:
        """Return the cell that a path stands for; None for that of a file."""
        file, is_cell, rest = path.partition("\0")
        column, _, row = rest.rpartition("\0")
        return cls(file, column, int(row)) if is_cell else None

    @property
    def name(self) -> str:
        """The file's name and the row."""
        return cell_name(os.path.basename(self.file), self.row)  # noqa: PTH119

    def stat(self) -> os.stat_result:
        """Return what the system says about the file."""
        return os.stat(self.file)  # noqa: PTH116


class Cells:
    """The images in table files.

    Parameters
    ----------
    root : Path
    tables : dict of str to TableInfo
        What each file has, by its path relative to the root.
    """

    def __init__(self, root: Path, tables: Mapping[str, TableInfo]) -> None:
        self._root, self._tables = root, tables
        self._ends = {name: list(accumulate(table.groups)) for name, table in tables.items()}

    def place(self, name: str) -> Cell:
        """Return the cell with a name as `cell_name` makes it."""
        file, row = _parts(name)
        return Cell(f"{self._root}/{file}", self._tables[file].column, row)

    def groups(self, names: Iterable[str]) -> NDArray[np.intp]:
        """Return a number for each cell, equal for those that are read at once."""
        numbers: dict[tuple[str, int], int] = {}
        found = []
        for name in names:
            file, row = _parts(name)
            group = file, bisect_right(self._ends[file], row)
            found.append(numbers.setdefault(group, len(numbers)))
        return np.array(found, dtype=np.intp)


def cell_name(file: str, row: int) -> str:
    """Return how people name a row of a table file."""
    return f"{file}[{row}]"


def _parts(name: str) -> tuple[str, int]:
    file, _, row = name.removesuffix("]").rpartition("[")
    return file, int(row)
