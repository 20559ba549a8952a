"""Comma-separated values (RFC 4180) that are safe to open in a spreadsheet."""

from __future__ import annotations

import csv
from collections.abc import Iterable
from typing import TextIO

from tuilabel.exchange.rows import COLUMNS, LabelRow

_FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")


def write_csv(rows: Iterable[LabelRow], file: TextIO) -> None:
    """Write a header and a line per row.

    An apostrophe is put before text that a spreadsheet would run as a formula (OWASP, "CSV
    injection"); JSON Lines keeps such text unchanged.
    """
    writer = csv.DictWriter(file, COLUMNS)
    writer.writeheader()
    for row in rows:
        writer.writerow({column: _inert(value) for column, value in row.items()})


def _inert(value: object) -> object:
    if isinstance(value, str) and value.startswith(_FORMULA_STARTS):
        return "'" + value
    return value
