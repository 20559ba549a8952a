"""Labels from a Parquet table: an export, or a Hugging Face dataset with a column of classes."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from datetime import datetime
from io import BytesIO
from pathlib import Path
from typing import Any

from tuilabel.data.decoding.cells import features_of
from tuilabel.data.decoding.formats import HF
from tuilabel.data.item_ids import file_digest
from tuilabel.data.listing import natural, scan
from tuilabel.exchange.reading import BadLineError, Row, is_column, reads, repeated
from tuilabel.small_files import open_regular

_AT_ONCE, _IMAGES_AT_ONCE = 2_000, 64
_BUFFER = 2**20
_MOST_BYTES = 2**28
"""Bytes of the rows that are read at once: a small file may have a long text in every row."""


@reads("row")
def read_parquet(path: Path) -> Iterator[tuple[int, Row | BadLineError]]:
    """Yield each row, by column, also of all tables in a folder.

    A column of images has their paths and item ids.
    Numbers of the type ``ClassLabel`` of Hugging Face's datasets are the names of classes.
    """
    if not HF.is_there:
        raise BadLineError(HF.needed("it is a Parquet table"))
    if not path.is_dir():
        yield from _rows_of(path, 0)
        return
    number = 0
    files = [key.path for key in natural(scan(path)[0]) if key.path.lower().endswith(".parquet")]
    if not files:
        raise BadLineError("it has no .parquet file")
    for name in files:
        try:
            for row_number, row in _rows_of(path / name, number):
                yield row_number, row
                number = row_number
        except BadLineError as error:
            raise BadLineError(f"{name}: {error}") from None


def _rows_of(path: Path, number: int) -> Iterator[tuple[int, Row | BadLineError]]:
    """Yield each row of a table, numbered on from a number."""
    import pyarrow
    import pyarrow.parquet

    try:
        with os.fdopen(open_regular(path), "rb") as file:
            table = pyarrow.parquet.ParquetFile(file, buffer_size=_BUFFER)
            schema, features = table.schema_arrow, features_of(table.schema_arrow)
            if twice := list(repeated(schema.names)):
                raise BadLineError(f"it has the column {twice[0]!r} twice")
            images = [field.name for field in schema if _is_of_images(field.type)]
            wanted = [name for name in schema.names if name in images[:1] or is_column(name)]
            names = [name for name in wanted if name not in images[1:]] or schema.names[:10]
            changes = [_change(features.get(name, {})) for name in names]
            at_once = _IMAGES_AT_ONCE if images else _AT_ONCE
            for batch in table.iter_batches(at_once, columns=names, use_threads=False):
                if sum(map(_size, batch.columns)) > _MOST_BYTES:
                    raise BadLineError("its rows are too large to be labels")
                columns = [
                    _values(batch.column(name).to_pylist(), change)
                    for name, change in zip(names, changes, strict=True)
                ]
                for values in zip(*columns, strict=True):
                    number += 1
                    row = dict(zip(names, values, strict=True))
                    yield number, _of_image(row, images[0]) if images else row
    except (pyarrow.ArrowException, ValueError, NotImplementedError) as error:
        raise BadLineError(f"it is not a Parquet table that can be read ({error})") from None


def _size(column: Any) -> int:
    """Return how many bytes a column has at most, with each text as often as it is there."""
    import pyarrow.compute as compute
    import pyarrow.types as types

    if not types.is_dictionary(column.type):
        return int(column.nbytes)
    is_text = types.is_string(column.type.value_type) or types.is_large_string(
        column.type.value_type
    )
    longest = compute.max(compute.binary_length(column.dictionary)).as_py() if is_text else None
    return len(column) * (longest or 0)


def _is_of_images(kind: Any) -> bool:
    """Return whether a type is one of bytes, or of bytes and a path."""
    import pyarrow.types as types

    def is_bytes(one: Any) -> bool:
        return bool(types.is_binary(one) or types.is_large_binary(one))

    is_pair = types.is_struct(kind) and any(part.name == "bytes" for part in kind)
    return is_bytes(kind) or is_pair


def _change(feature: dict[str, Any]) -> Callable[[Any], Any] | None:
    """Return what makes values into those of a row, where they are not already."""
    listed = feature.get("feature", feature)
    names = listed.get("names") if isinstance(listed, dict) else None
    if isinstance(names, list):

        def named(value: Any) -> Any:
            if isinstance(value, list):
                return [named(one) for one in value]
            is_one = isinstance(value, int) and 0 <= value < len(names)
            return str(names[value]) if is_one else value

        return named
    return None


def _values(values: list[Any], change: Callable[[Any], Any] | None) -> list[Any]:
    if any(isinstance(value, datetime) for value in values[:1]):
        return [value.isoformat() if isinstance(value, datetime) else value for value in values]
    return values if change is None else [change(value) for value in values]


def _of_image(row: dict[str, Any], column: str) -> Row:
    """Return a row with the item id and the path of its image instead of the image."""
    image = row.pop(column)
    if isinstance(image, bytes):
        image = {"bytes": image}
    if isinstance(image, dict):
        content, path = image.get("bytes"), image.get("path")
        if isinstance(content, bytes):
            row.setdefault("item_id", f"f1:{file_digest(BytesIO(content)).hex()}")
        row.setdefault("path", path)
    return {"path": None, **row}
