"""Parquet: a row per label, with columns of their own types."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import islice
from typing import Any, BinaryIO

from tuilabel.data.decoding.formats import HF
from tuilabel.errors import ExportError
from tuilabel.exchange.choosing import Rows
from tuilabel.exchange.foreign import writes
from tuilabel.exchange.guard import PARQUET_MARK
from tuilabel.exchange.rows import COLUMNS, LabelRow

_AT_ONCE = 20_000
_WHOLE, _SHARES, _TRUTHS = ("round", "ms"), ("probability", "draw"), ("disputed", "flagged")


def arrow(what: str) -> Any:
    """Return pyarrow, with its module ``parquet``.

    Parameters
    ----------
    what : str
        What needs it, as the beginning of a sentence.

    Raises
    ------
    ExportError
        It is not installed.
    """
    if not HF.is_there:
        raise ExportError(f"{HF.needed(what)}.")
    import pyarrow.parquet

    return pyarrow


@writes(into="bytes")
def write_parquet(rows: Iterable[LabelRow], file: BinaryIO) -> None:
    """Write a table whose columns have types: text, numbers, booleans, lists of classes."""
    pa = arrow("--format parquet writes a Parquet table")
    if not isinstance(rows, Rows):
        rows = Rows(rows, {name: name for name in COLUMNS})
    schema = pa.schema(
        [(name, kind_of(pa, own, rows.about.several)) for name, own in rows.fields.items()]
    )
    with pa.parquet.ParquetWriter(file, schema, store_schema=False) as writer:
        writer.add_key_value_metadata({PARQUET_MARK: "labels"})
        for part in _parts(rows):
            columns = [
                pa.array([row.get(name) for row in part], kind)
                for name, kind in zip(schema.names, schema.types, strict=True)
            ]
            writer.write_batch(pa.record_batch(columns, schema=schema))


def kind_of(pa: Any, field: str, several: bool) -> Any:
    """Return the type in Arrow of a field of an export."""
    if field == "unknown" or (field == "class" and several):
        return pa.list_(pa.string())
    kinds = {pa.int64: _WHOLE, pa.float64: _SHARES, pa.bool_: _TRUTHS}
    return next((kind() for kind, names in kinds.items() if field in names), pa.string())


def _parts(rows: Iterable[Any]) -> Iterator[Sequence[Mapping[str, Any]]]:
    every = iter(rows)
    while part := list(islice(every, _AT_ONCE)):
        yield part
