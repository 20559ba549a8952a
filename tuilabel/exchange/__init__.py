"""Labels out of a session: one small file per format."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TextIO

from tuilabel.exchange.csv_format import write_csv
from tuilabel.exchange.jsonl_format import write_jsonl
from tuilabel.exchange.output import export_to
from tuilabel.exchange.rows import Row, label_rows

FORMATS: dict[str, Callable[[Iterable[Row], TextIO], None]] = {
    "csv": write_csv,
    "jsonl": write_jsonl,
}
"""The writer of each format, by name."""

__all__ = ["FORMATS", "Row", "export_to", "label_rows"]
