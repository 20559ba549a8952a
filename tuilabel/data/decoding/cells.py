"""Reading of images in the cells of Parquet and Arrow files with pyarrow, a group of rows at once.

A Parquet file has row groups. An Arrow file, as ``save_to_disk`` of Hugging Face's datasets writes
it, has record batches one after another: they are found by the lengths that they begin with, so
that nothing is read but the one that is needed.
"""

from __future__ import annotations

import json
import mmap
import os
import struct
from bisect import bisect_right
from collections.abc import Callable
from io import BufferedReader, BytesIO
from itertools import accumulate
from typing import Any, NamedTuple, Protocol, TypeVar

import numpy as np
from numpy.typing import NDArray

from tuilabel.data.cell import Cell
from tuilabel.data.decoding.formats import HF
from tuilabel.data.decoding.values import NeedsMoreMemory, Refused, TableInfo
from tuilabel.small_files import open_regular
from tuilabel.text import inert

MOST_ROWS = 10**7

GROUP_BYTES, LARGE_GROUP_BYTES = 200 * 2**20, 600 * 2**20
"""Most bytes of a group of rows: usually, and in the process that may take more memory."""

_LABELS = ("label", "labels", "class", "target")
_FOOTER, _ARROW = b"PAR1", b"ARROW1\0\0"
_MOST_HEADER = 2**26
_REASON_CHARACTERS = 120
# As the union MessageHeader of Arrow's Message.fbs counts.
_SCHEMA, _BATCH = 1, 3


_Result = TypeVar("_Result")


class _Table(Protocol):
    """A table file: its schema, the number of rows in each group, and its columns."""

    schema: Any
    groups: list[int]

    def size(self, group: int, column: str) -> int:
        """Return how many bytes a column of a group takes."""

    def read(self, group: int, column: str) -> Any:
        """Return a column of a group."""


class _Kept(NamedTuple):
    """The table that was read last, and the column of a group in it."""

    file: tuple[int, ...]
    table: _Table
    group: int = -1
    column: str = ""
    values: Any = None


_kept: _Kept | None = None


def forget_large() -> None:
    """Drop the group that was read last if it takes more memory than is usual."""
    global _kept
    if _kept is not None and _kept.values is not None and _kept.values.nbytes > GROUP_BYTES:
        _kept = _kept._replace(group=-1, values=None)


class CellError(Exception):
    """A cell has no image; the text is a few words."""


def read_cell(file: BufferedReader | BytesIO, cell: Cell, *, may_be_large: bool) -> bytes:
    """Return the bytes in a cell.

    Raises
    ------
    CellError
        There are none.
    OSError
        The file cannot be read.
    NeedsMoreMemory
        The group of its row is large, and may not be.
    """
    found = _attempted(lambda: _content(file, cell, may_be_large))
    if not found:
        raise CellError("an empty cell")
    return found


def _attempted(read: Callable[[], _Result]) -> _Result:
    try:
        return read()
    except (MemoryError, NeedsMoreMemory):
        raise
    # pyarrow raises errors of many classes for a damaged file.
    except Exception as error:
        if isinstance(error, OSError) and error.errno is not None:
            raise
        raise CellError(" ".join(str(error).split()) or "damaged") from error


def _content(file: BufferedReader | BytesIO, cell: Cell, may_be_large: bool) -> bytes:
    global _kept
    opened = _opened(file)
    ends = list(accumulate(opened.table.groups))
    group = bisect_right(ends, cell.row)
    if cell.row < 0 or group == len(ends):
        raise ValueError("its row is gone")
    if (opened.group, opened.column) != (group, cell.column):
        _kept = opened = opened._replace(group=-1, values=None)  # two may not fit into memory
        size = opened.table.size(group, cell.column)
        if size > GROUP_BYTES and not may_be_large:
            raise NeedsMoreMemory
        if size > LARGE_GROUP_BYTES:
            raise ValueError(
                f"in a group of rows of {size / 10**6:,.0f} MB; at most "
                f"{LARGE_GROUP_BYTES / 10**6:,.0f} MB are read: write smaller row groups"
            )
        values = opened.table.read(group, cell.column)
        _kept = opened = opened._replace(group=group, column=cell.column, values=values)
    found = opened.values[cell.row - (ends[group - 1] if group else 0)].as_py()
    if isinstance(found, dict):
        found = found.get("bytes")
    if not isinstance(found, bytes):
        raise ValueError("no image in its cell")
    return found


def describe_table(path: str) -> TableInfo | Refused:
    """Return what a table file has, without reading its images."""
    return _reading(path, _info)


def labels_of_table(path: str, column: str) -> NDArray[np.int32] | Refused:
    """Return the class of each row of a table file as a number; -1 where there is none."""
    return _reading(path, lambda file: _labels(file, column))


def _reading(path: str, read: Callable[[BufferedReader], _Result]) -> _Result | Refused:
    try:
        with os.fdopen(open_regular(path), "rb") as file:
            return _attempted(lambda: read(file))
    except OSError as error:
        return Refused(error.strerror or str(error), lasting=False)
    except CellError as error:
        return Refused(inert(str(error), _REASON_CHARACTERS))
    except (MemoryError, NeedsMoreMemory):
        return Refused("too large: it takes too much memory", lasting=False)


def _info(file: BufferedReader) -> TableInfo:
    table = _opened(file).table
    if min(table.groups, default=0) < 0:
        raise ValueError("damaged")
    if sum(table.groups) > MOST_ROWS:
        raise ValueError(f"more than {MOST_ROWS:,} rows")
    features = features_of(table.schema)
    label = _label(features)
    names = [] if label is None else list(map(str, features[label]["names"]))
    return TableInfo(list(table.groups), _image_column(table.schema, features), label, names)


def _labels(file: BufferedReader, column: str) -> NDArray[np.int32]:
    table = _opened(file).table
    parts = [np.empty(0, np.int32)]
    for group in range(len(table.groups)):
        values = table.read(group, column).cast("int64").fill_null(-1)
        values = values.to_numpy(zero_copy_only=False)
        parts.append(values.clip(-1, 2**31 - 1).astype(np.int32))
    return np.concatenate(parts)


def _opened(file: BufferedReader | BytesIO) -> _Kept:
    global _kept
    found = os.fstat(file.fileno())
    identity = (found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns)
    if _kept is None or _kept.file != identity:
        _kept = None
        file.seek(0)
        head = file.read(len(_ARROW))
        if not head.startswith(_FOOTER) and head != _ARROW and head[:4] != b"\xff" * 4:
            raise ValueError("neither a Parquet nor an Arrow file")
        if not HF.is_there:
            raise ValueError(HF.needed("table"))
        # Another description of the file, which stays open.
        own = open(os.dup(file.fileno()), "rb")  # noqa: PTH123, SIM115
        table: _Table = _Parquet(own) if head.startswith(_FOOTER) else _Arrow(own)
        _kept = _Kept(identity, table)
    return _kept


class _Parquet:
    def __init__(self, file: BufferedReader) -> None:
        from pyarrow.parquet import ParquetFile

        self._file = ParquetFile(file, pre_buffer=False)
        self.schema = self._file.schema_arrow
        about = self._file.metadata
        self.groups = [about.row_group(i).num_rows for i in range(about.num_row_groups)]

    def size(self, group: int, column: str) -> int:
        about = self._file.metadata.row_group(group)
        chunks = map(about.column, range(about.num_columns))
        own = [chunk for chunk in chunks if chunk.path_in_schema.split(".")[0] == column]
        return sum(chunk.total_uncompressed_size for chunk in own)

    def read(self, group: int, column: str) -> Any:
        return self._file.read_row_group(group, columns=[column], use_threads=False).column(0)


class _Arrow:
    def __init__(self, file: BufferedReader) -> None:
        import pyarrow as pa

        self._file, self.groups = file, list[int]()
        self._places: list[tuple[int, int]] = []
        end, place = os.fstat(file.fileno()).st_size, 0
        file.seek(0)
        if file.read(len(_ARROW)) == _ARROW:
            place = len(_ARROW)
        self.schema = None
        while place < end:
            file.seek(place)
            prefix = file.read(8)
            mark, size = struct.unpack("<Ii", prefix)
            if mark != 0xFFFFFFFF or not 0 <= size <= _MOST_HEADER:
                raise ValueError("damaged")
            if not size:
                break
            header = file.read(size)
            kind, rows, length = _message(header)
            if length < 0 or rows < 0 or place + 8 + size + length > end:
                raise ValueError("cut short")
            if kind == _SCHEMA:
                self.schema = pa.ipc.read_schema(pa.py_buffer(prefix + header))
            elif kind == _BATCH:
                self.groups.append(rows)
                self._places.append((place, 8 + size + length))
            place += 8 + size + length
        if self.schema is None:
            raise ValueError("cut short")

    def size(self, group: int, column: str) -> int:
        return self._places[group][1]

    def read(self, group: int, column: str) -> Any:
        import pyarrow as pa

        place, size = self._places[group]
        start = place - place % mmap.ALLOCATIONGRANULARITY
        mapped = mmap.mmap(
            self._file.fileno(), place - start + size, offset=start, access=mmap.ACCESS_READ
        )
        buffer = pa.py_buffer(mapped).slice(place - start)
        message = pa.ipc.read_message(pa.BufferReader(buffer))
        found = pa.ipc.read_record_batch(message, self.schema).column(column)
        found.validate(full=True)
        return found


def _message(header: bytes) -> tuple[int, int, int]:
    """Return kind, rows and length of the body of a message: a table of flatbuffers.

    Raises
    ------
    struct.error
        It is damaged.
    """
    (root,) = struct.unpack_from("<I", header)
    kind = _field(header, root, 1, "<B", 0)
    length = _field(header, root, 3, "<q", 0)
    rows = 0
    if kind == _BATCH and (place := _place(header, root, 2)):
        (away,) = struct.unpack_from("<I", header, place)
        rows = _field(header, place + away, 0, "<q", 0)
    return kind, rows, length


def _field(header: bytes, table: int, number: int, form: str, default: int) -> int:
    place = _place(header, table, number)
    return int(struct.unpack_from(form, header, place)[0]) if place else default


def _place(header: bytes, table: int, number: int) -> int:
    """Return where a field of a table lies; 0 if it has its default."""
    (back,) = struct.unpack_from("<i", header, table)
    index = table - back
    if index < 0:
        raise struct.error("outside")
    (size,) = struct.unpack_from("<H", header, index)
    if size < 6 + 2 * number:
        return 0
    (away,) = struct.unpack_from("<H", header, index + 4 + 2 * number)
    return table + int(away) if away else 0


def features_of(schema: Any) -> dict[str, Any]:
    """Return what Hugging Face's datasets has recorded about the columns; {} if it is not there."""
    try:
        found = json.loads((schema.metadata or {}).get(b"huggingface", b"{}"))
        features = found["info"]["features"]
        return {str(name): value for name, value in features.items() if isinstance(value, dict)}
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return {}


def _label(features: dict[str, Any]) -> str | None:
    """Return the column of the classes: of several, one with a usual name, or the first."""
    found = [
        name
        for name, about in features.items()
        if about.get("_type") == "ClassLabel" and isinstance(about.get("names"), list)
    ]
    return next((name for name in _LABELS if name in found), found[0] if found else None)


def _image_column(schema: Any, features: dict[str, Any]) -> str:
    """Return the column of the images.

    Raises
    ------
    ValueError
        There is none, or it is not known which it is.
    """
    import pyarrow.types as types

    def is_bytes(kind: Any) -> bool:
        return bool(types.is_binary(kind) or types.is_large_binary(kind))

    plain: list[str] = [field.name for field in schema if is_bytes(field.type)]
    pairs: list[str] = [
        field.name
        for field in schema
        if types.is_struct(field.type)
        and any(part.name == "bytes" and is_bytes(part.type) for part in field.type)
    ]
    named = [name for name, about in features.items() if about.get("_type") == "Image"]
    for name in (*named, *pairs):
        if name in pairs or name in plain:
            return name
    if len(plain) != 1:
        raise ValueError("no column of images (bytes, or bytes and path)")
    return plain[0]
