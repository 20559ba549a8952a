"""Labels out of a session: one small file per format."""

from __future__ import annotations

from tuilabel.exchange.csv_format import write_csv
from tuilabel.exchange.jsonl_format import write_jsonl
from tuilabel.exchange.output import Writer, export_to, export_to_stdout
from tuilabel.exchange.rows import LabelRow, label_rows

FORMATS: dict[str, Writer] = {"csv": write_csv, "jsonl": write_jsonl}
"""The writer of each format, by name."""

__all__ = ["FORMATS", "LabelRow", "Writer", "export_to", "export_to_stdout", "label_rows"]
