"""Rows of labels from a file of another tool, whatever its format and the names of its columns."""

from __future__ import annotations

import math
import os
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from pathlib import Path, PurePath

from tuilabel.errors import ImportFileError, TuilabelError
from tuilabel.events.imports import ImportRow
from tuilabel.events.payloads import HIGHEST_COUNT, HUMAN, IMPORT, ORACLE_ORIGIN
from tuilabel.plugins import blame, exists, names
from tuilabel.small_files import open_regular
from tuilabel.text import DEFAULT_LIMIT, inert, shown_path

Row = Mapping[str, object]
"""What a reader yields for each label: values by the names of columns in the file."""

LONGEST_LINE = 2**20
"""Bytes of a line at most."""

_COLUMNS = {
    "item": ("item_id",),
    "path": ("reference", "path", "file", "filename", "image", "file_name", "filepath"),
    "class": ("class", "label", "category"),
    "by": ("annotator",),
    "time": ("time",),
    "probability": ("probability",),
    "origin": ("origin",),
    "round": ("round",),
    "ms": ("ms",),
    "reason": ("reason",),
    "draw": ("draw",),
    "flagged": ("flagged",),
    "note": ("note",),
}
"""The names that a column may have, in any case; the first that there is counts."""

_LONGEST_ID = 200
_LONGEST_PATH = 4096
_LONGEST_REASON = 40
_MOST_SHOWN = 10


class BadLineError(TuilabelError):
    """A line, or a row that ends there, that cannot be read; the text says why."""


class Lines:
    """The lines of a file, each with its end, read as they are taken.

    Bytes that are not UTF-8 are lone surrogates, as in an export of files with such names.

    Parameters
    ----------
    path : Path

    Attributes
    ----------
    number : int
        Number of lines taken.

    Raises
    ------
    ImportFileError
        The file cannot be opened.
    """

    def __init__(self, path: Path) -> None:
        self.number = 0
        try:
            self._file = os.fdopen(open_regular(path), "rb")
        except (OSError, ValueError) as error:
            reason = getattr(error, "strerror", None) or error
            raise ImportFileError(f"{shown_path(path)} cannot be read ({reason}).") from error

    def __iter__(self) -> Iterator[str]:
        """Yield the lines.

        Raises
        ------
        BadLineError
            A line is too long, or is no text.
        OSError
            The file cannot be read on.
        """
        with self._file:
            while line := self._file.readline(LONGEST_LINE + 1):
                self.number += 1
                if self.number == 1:
                    line = line.removeprefix(b"\xef\xbb\xbf")
                if len(line) > LONGEST_LINE:
                    raise BadLineError("it is longer than 1 MiB")
                if b"\0" in line:
                    raise BadLineError("it has a zero byte, as in UTF-16; save the file as UTF-8")
                yield line.decode("utf-8", "surrogateescape")


def format_of_file(path: Path) -> str:
    """Return the format of a file: that of its ending, else what its first line looks like.

    Raises
    ------
    ImportFileError
        The file cannot be read, or is of no known format; the message says what it looks like.
    PluginError
        Its ending is the name of a plug-in that cannot be used.
    """
    ending = PurePath(str(path).lower()).suffix.removeprefix(".")
    if ending and exists("readers", ending):
        return ending
    try:
        first = next(iter(Lines(path)), "").strip()
    except (BadLineError, OSError) as error:
        raise ImportFileError(f"{shown_path(path)}: line 1 cannot be read: {error}.") from error
    if first.startswith("{") and first.endswith("}"):
        return "jsonl"
    if any(separator in first for separator in ",;\t") and not first.startswith(("[", "<", "{")):
        return "csv"
    raise ImportFileError(
        f"{shown_path(path)} has no known format (it begins with {inert(first, 20)!r}): name it "
        f"with --format, one of {', '.join(names('readers'))}."
    )


def read_labels(path: Path, format_: str) -> Iterator[ImportRow]:
    """Yield the labels in a file.

    Raises
    ------
    ImportFileError
        A line is invalid, or columns are missing; the message names the line.
    UsageError, PluginError
        There is no such format, or its plug-in fails.
    """
    from tuilabel.exchange import reader

    read = reader(format_)
    lines = Lines(path)
    columns: dict[str, str] | None = None
    seen: Row = {}
    try:
        with blame("readers", format_):
            for row in read(lines):
                if columns is None or row.keys() != seen.keys():
                    columns, seen = _columns(row), row
                yield _label(row, columns, lines.number)
    except BadLineError as error:
        where = f"line {lines.number:,} of {shown_path(path)}"
        raise ImportFileError(
            f"{where[0].upper()}{where[1:]} cannot be imported: {inert(str(error), 300)}. Nothing "
            "was imported; correct the file."
        ) from error
    except OSError as error:
        reason = error.strerror or error
        raise ImportFileError(f"{shown_path(path)} cannot be read ({reason}).") from error


def checked_rows(rows: Iterable[Row]) -> Iterator[ImportRow]:
    """Yield labels that come from a program and not from a file.

    Raises
    ------
    ImportFileError
        A value is invalid; the message has the number of its row, from 1.
    """
    for number, row in enumerate(rows, start=1):
        try:
            yield _label(row, _columns(row), number)
        except BadLineError as error:
            raise ImportFileError(
                f"Row {number:,} cannot be imported: {inert(str(error), 300)}. Nothing was "
                "imported."
            ) from error


def _columns(row: Row) -> dict[str, str]:
    """Return the names that columns have in a file."""
    if not isinstance(row, Mapping):
        raise BadLineError(f"the reader has returned {type(row).__name__}, not columns")
    there = {name.strip().casefold(): name for name in row if isinstance(name, str)}
    found = {
        field: there[name]
        for field, possible in _COLUMNS.items()
        for name in reversed(possible)
        if name in there
    }
    listed = ", ".join(inert(str(name), 20) for name in list(row)[:_MOST_SHOWN]) or "nothing"
    if "class" not in found:
        raise BadLineError(f"it has no class, label or category; it has {listed}")
    if not found.keys() & {"item", "path"}:
        raise BadLineError(
            f"it names no image, as item_id, reference, path, file, filename or image; it has "
            f"{listed}"
        )
    return found


def _label(row: Row, columns: Mapping[str, str], line: int) -> ImportRow:
    def text(field: str, longest: int = DEFAULT_LIMIT) -> str:
        return _text(field, row.get(columns.get(field, "")), longest)

    origin = text("origin")
    class_name = text("class")
    if any("\ud800" <= character <= "\udfff" for character in class_name):
        raise BadLineError("its class is not UTF-8; save the file as UTF-8")
    return ImportRow(
        line,
        text("item", _LONGEST_ID),
        text("path", _LONGEST_PATH),
        class_name,
        inert(text("by", _LONGEST_ID), _LONGEST_ID) or None,
        _time(text("time")),
        _share("probability", row.get(columns.get("probability", ""))),
        origin if origin in (HUMAN, ORACLE_ORIGIN, "auto") else IMPORT,
        _count("round", row.get(columns.get("round", ""))) or 0,
        _count("ms", row.get(columns.get("ms", ""))),
        inert(text("reason", _LONGEST_REASON)),
        _share("draw", row.get(columns.get("draw", ""))),
        _is_true(row.get(columns.get("flagged", ""))) or bool(row.get(columns.get("note", ""))),
    )


def _text(field: str, value: object, longest: int) -> str:
    if value is None:
        return ""
    if isinstance(value, int) and not isinstance(value, bool) and abs(value) <= HIGHEST_COUNT:
        return str(value)
    if not isinstance(value, str):
        raise BadLineError(f"its {_noun(field)} is {_kind(value)}; expected text")
    if len(value) > longest:
        raise BadLineError(
            f"its {_noun(field)} has {len(value):,} characters; at most {longest:,} are possible"
        )
    return value


def _noun(field: str) -> str:
    return {"item": "item_id", "by": "annotator"}.get(field, field)


def _kind(value: object) -> str:
    kinds = {bool: "true or false", int: "a large number", float: "a number with a fraction"}
    kinds |= {list: "a list", dict: "an object"}
    return kinds.get(type(value), type(value).__name__)


def _number(field: str, value: object) -> float | None:
    if value is None or value == "":
        return None
    if isinstance(value, (str, int, float)) and not isinstance(value, bool):
        try:
            found = float(value) if len(str(value)) < 40 else math.nan
        except (ValueError, OverflowError):
            found = math.nan
        if math.isfinite(found):
            return found
    raise BadLineError(f"its {field} is {inert(str(value), 20)!r}; expected a number")


def _share(field: str, value: object) -> float | None:
    found = _number(field, value)
    if found is not None and not 0 <= found <= 1:
        raise BadLineError(f"its {field} is {found:g}; expected a number from 0 to 1")
    return found


def _count(field: str, value: object) -> int | None:
    found = _number(field, value)
    if found is None:
        return None
    if not (found.is_integer() and 0 <= found <= HIGHEST_COUNT):
        raise BadLineError(f"its {field} is {found:g}; expected a whole number from 0 on")
    return int(found)


def _time(text: str) -> str | None:
    """Return a time as it is written; None for one of another form."""
    try:
        datetime.fromisoformat(text)
    except ValueError:
        return None
    return inert(text)


def _is_true(value: object) -> bool:
    return value is True or (isinstance(value, str) and value.casefold() in ("true", "1"))
