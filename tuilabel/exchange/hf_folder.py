"""A Hugging Face dataset: a folder with Parquet files that `datasets.load_dataset` opens."""

from __future__ import annotations

import io
import json
import os
import re
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from tuilabel.data.item_ids import file_digest
from tuilabel.data.part import Box
from tuilabel.errors import UsageError
from tuilabel.exchange.choosing import About, Rows
from tuilabel.exchange.foreign import classes_of, writes
from tuilabel.exchange.parquet_format import arrow, kind_of
from tuilabel.exchange.pictured import CHANGED, Picture, Pictures
from tuilabel.exchange.rows import LabelRow
from tuilabel.small_files import open_regular
from tuilabel.text import inert

_MOST_ROWS, _MOST_BYTES = 1000, 2**26
"""Of a group of rows, which is read at once."""

_DTYPES = {"int64": "int64", "double": "float64", "bool": "bool", "string": "string"}
_OWN = ("class", "file", "split")


@writes(
    *("item_id", "reference", "class", "annotator", "time", "round", "ms", "origin"),
    *("probability", "status", "disputed", "reason", "draw", "why", "flagged", "note"),
    *("group", "unknown", "split"),
    answers=False,
    into="folder",
    images=True,
)
def write_hf(rows: Iterable[LabelRow], folder: Path) -> Sequence[str]:
    """Write a Parquet file for each part of a split, with the bytes of the images.

    A row is an image with its ``label``, or ``labels`` where it may have several classes, and the
    other fields of an export. In a session of boxes it is an image file, and its ``objects`` have
    these, with ``bbox`` (left, top, width, height) and ``category``. Returns sentences about what
    was left out.
    """
    pa = arrow("--format hf writes Parquet files")
    about = rows.about if isinstance(rows, Rows) else About()
    for name in about.parts:
        if not re.fullmatch(r"\w+(\.\w+)*", name, re.ASCII):
            raise UsageError(
                f"A split of a Hugging Face dataset cannot be called {inert(name)!r}: use letters, "
                "digits and _ in --split."
            )
    pictures = Pictures(rows, about.progress)
    table = _Table(pa, rows, pictures, about)
    (folder / "data").mkdir()
    with ExitStack() as files:
        parts: dict[str, _Part] = {}
        for picture in pictures:
            split = picture.rows[0][0].get("split", "train")
            if split not in parts:
                path = folder / "data" / f"{split}-00000-of-00001.parquet"
                writer = pa.parquet.ParquetWriter(path, table.schema, store_schema=True)
                parts[split] = _Part(table, files.enter_context(writer))
            try:
                content = _content(picture)
            except OSError:
                pictures.left_out[CHANGED] += len(picture.rows)
                continue
            parts[split].add(table.rows_of(picture, content))
        for part in parts.values():
            part.flush()
    return pictures.notes()


def _content(picture: Picture) -> bytes:
    """Return the bytes of an image; raise an OSError if it has changed."""
    with os.fdopen(open_regular(picture.path), "rb") as file:
        content = file.read()
    if file_digest(io.BytesIO(content)) != picture.found.digest:
        raise OSError
    return content


class _Table:
    """The columns of a dataset, in the types of Arrow and as features of `datasets`."""

    def __init__(self, pa: Any, rows: Iterable[LabelRow], pictures: Pictures, about: About) -> None:
        self.pa, self._several = pa, about.several
        self._classes = pictures.classes(about.classes)
        self._numbers = {name: number for number, name in enumerate(self._classes)}
        every = rows.fields.values() if isinstance(rows, Rows) else ()
        self._fields = [field for field in every if field not in _OWN]
        self.has_boxes = pictures.has_boxes
        kinds = {field: kind_of(pa, field, self._several) for field in self._fields}
        image = pa.struct([("bytes", pa.binary()), ("path", pa.string())])
        columns: list[tuple[str, Any]] = [("image", image)]
        features: dict[str, Any] = {"image": {"_type": "Image"}}
        label: Any = {"names": self._classes, "_type": "ClassLabel"}
        if self.has_boxes:
            box = {"feature": _value("float32"), "length": 4, "_type": "Sequence"}
            objects = {"bbox": box, "category": label}
            objects |= {field: _feature(kind) for field, kind in kinds.items()}
            inner = {"bbox": pa.list_(pa.float32(), 4), "category": pa.int64(), **kinds}
            columns.append(
                ("objects", pa.struct([(name, pa.list_(kind)) for name, kind in inner.items()]))
            )
            features["objects"] = {"feature": objects, "_type": "Sequence"}
        else:
            name = "labels" if self._several else "label"
            columns += [(name, pa.list_(pa.int64()) if self._several else pa.int64())]
            columns += kinds.items()
            features[name] = {"feature": label, "_type": "Sequence"} if self._several else label
            features |= {field: _feature(kind) for field, kind in kinds.items()}
        about_it = json.dumps({"info": {"features": features}})
        self.schema = pa.schema(columns, metadata={"huggingface": about_it})

    def rows_of(self, picture: Picture, content: bytes) -> Iterator[dict[str, Any]]:
        """Yield the rows of an image file: one, unless it has several rows and no boxes."""
        image = {"bytes": content, "path": picture.reference.rpartition("/")[2]}
        if self.has_boxes:
            objects = [
                {"bbox": _sides(box), "category": self._numbers[name], **self._values(row)}
                for row, box, name in picture.boxes()
            ]
            names = self.schema.field("objects").type
            yield {
                "image": image,
                "objects": {
                    names.field(place).name: [one[names.field(place).name] for one in objects]
                    for place in range(names.num_fields)
                },
            }
            return
        for row, _ in picture.rows:
            numbers = [self._numbers[name] for name in classes_of(row)]
            label = {"labels": numbers} if self._several else {"label": numbers[0]}
            yield {"image": image, **label, **self._values(row)}

    def _values(self, row: LabelRow) -> dict[str, Any]:
        return {field: row.get(field) for field in self._fields}


class _Part:
    """A file of a dataset, which is written a group of rows at a time."""

    def __init__(self, table: _Table, writer: Any) -> None:
        self._table, self._writer = table, writer
        self._rows: list[dict[str, Any]] = []
        self._bytes = 0

    def add(self, rows: Iterable[dict[str, Any]]) -> None:
        for row in rows:
            self._rows.append(row)
            self._bytes += len(row["image"]["bytes"])
            if len(self._rows) >= _MOST_ROWS or self._bytes >= _MOST_BYTES:
                self.flush()

    def flush(self) -> None:
        if self._rows:
            pa, schema = self._table.pa, self._table.schema
            self._writer.write_table(pa.Table.from_pylist(self._rows, schema))
        self._rows, self._bytes = [], 0


def _sides(box: Box) -> list[int]:
    return [box.left, box.top, *box.size]


def _value(dtype: str) -> dict[str, Any]:
    return {"dtype": dtype, "_type": "Value"}


def _feature(kind: Any) -> dict[str, Any]:
    if str(kind).startswith("list"):
        return {"feature": _value("string"), "_type": "Sequence"}
    return _value(_DTYPES[str(kind)])
