"""Comma-separated values (RFC 4180) that are safe to open in a spreadsheet."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterable, Mapping
from itertools import chain
from typing import TextIO, cast

from tuilabel.exchange.rows import COLUMNS, LabelRow

BETWEEN = "|"
"""Between the names of several classes; no class of such a session has it in its name."""

_MARK = "'"
_SEPARATORS = frozenset(",;:|^~\t\n\r\v\f\x1c\x1d\x1e\x85\u2028\u2029")
# Everything between two cells, whatever separates them; quotes and white space do not help.
_MARKED = re.compile(r"(^[\s\",;:|^~]*|[\s\",;:|^~]+)'([=+\-@＝＋－＠])|^'(?=[\t\r\n])")
_SUSPECT = re.compile(r"(^|[\s\",;:|^~])[=+\-@＝＋－＠]|^[\t\r\n]")
# What a row has, with a comma before each cell, if any cell may have to be marked. It begins with
# the characters that few rows have: the other way round takes five times as long.
_MAY_RUN = re.compile(r"[=+\-@＝＋－＠\t\r\n](?:(?<=[\t\r\n])|(?<=[\s\",;:|^~].))")
_BEGINNING = re.compile(r"(^[\s\",;:|^~]*|[\s\",;:|^~]+)([=+\-@＝＋－＠])?")


def write_csv(rows: Iterable[LabelRow], file: TextIO) -> None:
    """Write a header and a line per row.

    An apostrophe is put before text that a spreadsheet would run as a formula (OWASP, "CSV
    injection"), also where the text would begin a cell if the file were read with another
    separator: a comma, semicolon, colon, bar, caret, tilde, tab, line break or space. Quotation
    marks alone do not prevent that: a reader that splits at semicolons finds them in the middle of
    a cell. JSON Lines keeps such text unchanged.
    """
    every = iter(rows)
    columns = getattr(rows, "columns", None)
    if columns is None:
        first = next(every, None)
        columns = COLUMNS if first is None else list(first)
        every = every if first is None else chain([first], every)
    writer = csv.writer(file)
    writer.writerow(list(map(marked, columns)))
    for row in every:
        get = cast(Mapping[str, object], row).get
        values = [_cell(value) if type(value) is list else value for value in map(get, columns)]
        is_safe = _MAY_RUN.search("," + ",".join(map(str, values))) is None  # nearly every row
        writer.writerow(values if is_safe else map(marked, values))


def unmarked(text: str) -> str:
    """Return text of an export without the apostrophes that `write_csv` has put before formulas."""
    if _MARK not in text:
        return text
    bare = _MARKED.sub(r"\1\2", text)
    return bare if marked(bare) == text else text


def _cell(value: object) -> object:
    """Return several classes as one text, which `pandas.Series.str.get_dummies` takes apart."""
    return BETWEEN.join(value) if isinstance(value, list) else value


def marked(value: object) -> object:
    """Return a cell with apostrophes before what a spreadsheet would run; see `write_csv`."""
    if not isinstance(value, str):
        return value
    if _SUSPECT.search(value) is None:  # nearly all text
        return value
    text = _BEGINNING.sub(_marked, value)
    return _MARK + text if text.startswith(("\t", "\r", "\n")) else text


def _marked(found: re.Match[str]) -> str:
    between, formula = found.groups()
    if formula is None:
        return between
    is_beginning = not found.start() or not _SEPARATORS.isdisjoint(between)
    if not is_beginning and " " in between:
        # Where spaces separate cells, a dash between two is a cell of its own, which runs nothing.
        is_beginning = '"' in between or not found.string.startswith(" ", found.end())
    return f"{between}{_MARK if is_beginning else ''}{formula}"
