"""Rows of labels from a file of another tool, whatever its format and the names of its columns."""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import datetime
from functools import lru_cache
from pathlib import Path
from typing import Any, TypeVar

from tuilabel.errors import ImportFileError, TuilabelError
from tuilabel.events.imports import ImportRow
from tuilabel.events.payloads import AUTO_ORIGIN, HIGHEST_COUNT, HUMAN, IMPORT, ORACLE_ORIGIN
from tuilabel.exchange.csv_format import BETWEEN
from tuilabel.plugins import blame
from tuilabel.small_files import open_regular
from tuilabel.text import DEFAULT_LIMIT, inert, shown_path

Row = Mapping[str, object]
"""What a reader yields for each label: values by the names of columns in the file."""

LONGEST_LINE = 2**20
"""Bytes of a line at most."""

PARTS, OTHERS, FOLDER, LINES = ":parts", ":others", ":folder", ":lines"
"""Columns that readers add: what the part of the image that a row is about may be called, the
classes that it does not have, whether the class is the folder that the image is in, and on how many
lines the row is, where that is not one."""

_COLUMNS = {
    "item": ("item_id",),
    "path": ("reference", "path", "file", "filename", "image", "file_name", "filepath"),
    "class": ("class", "label", "category", "choice", "labels", "classes"),
    "unknown": ("unknown",),
    "parts": (PARTS,),
    "others": (OTHERS,),
    "folder": (FOLDER,),
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
_LISTS = ("others", "unknown", "parts")
_PLAIN = tuple(field for field in _COLUMNS if field not in (*_LISTS, "folder"))
_ORIGINS = (HUMAN, ORACLE_ORIGIN, AUTO_ORIGIN)
_MOST_CLASSES = 1000

R = TypeVar("R", bound=Callable[..., Any])


def reads(unit: str) -> Callable[[R], R]:
    """Return a decorator for a reader that takes the path of a file or folder, not lines.

    Such a reader yields a number, which errors name, and a row.

    Parameters
    ----------
    unit : str
        What the number counts, such as ``task``.
    """

    def mark(read: R) -> R:
        read.unit = unit  # type: ignore[attr-defined]
        return read

    return mark


class BadLineError(TuilabelError):
    """A line, or a row that ends there, that cannot be read; the text says why.

    A reader that yields it goes on after it; one that raises it cannot. `lines` is on how many
    lines the row is.
    """

    number: int | None = None
    lines = 1
    may_be_left_out = False


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

    def close(self) -> None:
        """Close the file."""
        self._file.close()

    def __iter__(self) -> Lines:
        return self

    def __next__(self) -> str:
        """Return the next line.

        Raises
        ------
        BadLineError
            The line is too long, or is no text; the next call returns the line after it.
        OSError
            The file cannot be read on.
        """
        line = self._file.readline(LONGEST_LINE + 1)
        if not line:
            raise StopIteration
        self.number += 1
        if self.number == 1:
            line = line.removeprefix(b"\xef\xbb\xbf")
        if len(line) > LONGEST_LINE:
            while line and not line.endswith(b"\n"):
                line = self._file.readline(LONGEST_LINE)
            raise BadLineError("it is longer than 1 MiB")
        if b"\0" in line:
            raise BadLineError("it has a zero byte, as in UTF-16; save the file as UTF-8")
        return line.decode("utf-8", "surrogateescape")


T = TypeVar("T")


def going_on(values: Iterable[T]) -> Iterator[T | BadLineError]:
    """Yield values, and the `BadLineError`s that are raised between them."""
    every = iter(values)
    while True:
        try:
            yield next(every)
        except StopIteration:
            return
        except BadLineError as error:
            yield error


def repeated(names: Iterable[str]) -> Iterator[str]:
    """Yield each name that was there before."""
    seen: set[str] = set()
    for name in names:
        if name in seen:
            yield name
        seen.add(name)


def is_column(name: str) -> bool:
    """Return whether a column of this name may be needed."""
    return any(name.strip().casefold() in possible for possible in _COLUMNS.values())


def unit_of(format_: str) -> str:
    """Return what the rows of a format are numbered by, such as ``line``."""
    from tuilabel.exchange import reader

    return str(getattr(reader(format_), "unit", "line"))


def read_labels(
    path: Path, format_: str, bad: Callable[[str], object] | None = None
) -> Iterator[ImportRow]:
    """Yield the labels in a file.

    Parameters
    ----------
    path : Path
    format_ : str
    bad : callable, optional
        Called with a few words about each line that cannot be read, which is then left out.
        Without it, the first one raises an error.

    Raises
    ------
    ImportFileError
        A line is invalid, or columns are missing; the message names the line.
    UsageError, PluginError
        There is no such format, or its plug-in fails.
    """
    from tuilabel.exchange import reader

    read = reader(format_)
    unit = unit_of(format_)
    columns = Columns({}, ())
    try:
        with blame("readers", format_):
            for number, row in _numbered(read, path):
                if not isinstance(row, BadLineError):
                    try:
                        is_plain = type(row) is dict and bool(row)
                        if not is_plain or tuple(row) != columns.there:
                            columns = columns_of(row)
                        yield _label(row, columns, number)
                        continue
                    except BadLineError as error:
                        lines = row.get(LINES) if isinstance(row, Mapping) else None
                        error.lines = lines if isinstance(lines, int) else 1
                        row = error
                if bad is None:
                    row.number, row.may_be_left_out = number, True
                    raise row
                first = number - row.lines + 1
                places = f"lines {first:,} to" if row.lines > 1 else unit
                bad(f"{places} {number:,}: {inert(str(row), 300)}")
    except BadLineError as error:
        where = f"{unit.capitalize()} {error.number:,} of " if error.number is not None else ""
        do = "correct the file"
        if error.may_be_left_out:
            do += f", or leave out each such {unit} with --skip-bad"
        raise ImportFileError(
            f"{where}{shown_path(path)} cannot be imported: {inert(str(error), 300)}. Nothing was "
            f"imported; {do}."
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
            yield _label(row, columns_of(row), number)
        except BadLineError as error:
            raise ImportFileError(
                f"Row {number:,} cannot be imported: {inert(str(error), 300)}. Nothing was "
                "imported."
            ) from error


def _numbered(
    read: Callable[..., Iterable[Any]], path: Path
) -> Iterator[tuple[int, Row | BadLineError]]:
    """Yield each row, or its error, with the number of its last line."""
    if hasattr(read, "unit"):
        yield from read(path)
        return
    lines = Lines(path)
    try:
        for row in read(lines):
            yield lines.number, row
    except BadLineError as error:
        error.number = lines.number
        raise
    finally:
        lines.close()


class Columns:
    """The columns of rows.

    Parameters
    ----------
    named : mapping of str to str
        The name of each field in the rows.
    there : tuple of str
        All names in the rows.
    """

    def __init__(self, named: Mapping[str, str], there: tuple[str, ...]) -> None:
        # A field without a column has no name: "" would be the first column of many tables.
        name: Callable[[str], Any] = named.get
        self.there = there
        self.plain = tuple(map(name, _PLAIN))
        self.lists = tuple(map(name, _LISTS)) if not named.keys().isdisjoint(_LISTS) else ()
        self.is_folder = "folder" in named


def columns_of(row: Row) -> Columns:
    """Return the columns that a row has.

    Raises
    ------
    BadLineError
        It has no class, or names no image.
    """
    if not isinstance(row, Mapping):
        raise BadLineError(f"the reader has returned {type(row).__name__}, not columns")
    there = {name.strip().casefold(): name for name in row if isinstance(name, str)}
    found = {
        field: there[name]
        for field, possible in _COLUMNS.items()
        for name in reversed(possible)
        if name in there
    }
    some = (repr(inert(str(name), 20))[1:-1] for name in list(row)[:_MOST_SHOWN])
    listed = ", ".join(some) or "nothing"
    if "class" not in found:
        raise BadLineError(f"it has no class, label or category; it has {listed}")
    if not found.keys() & {"item", "path"}:
        raise BadLineError(
            f"it names no image, as item_id, reference, path, file, filename or image; it has "
            f"{listed}"
        )
    return Columns(found, tuple(row))


def _label(row: Row, columns: Columns, line: int) -> ImportRow:
    """Return the label in a row.

    A large file spends its time here, most of it on columns that are empty or as expected.
    """
    item, path, class_, by, time, probability, origin, round_, ms, reason, draw, flagged, note = (
        map(row.get, columns.plain)
    )
    longest = _LONGEST_PATH if columns.is_folder else DEFAULT_LIMIT
    classes = others = unknown = None
    parts: tuple[str, ...] | None = None
    if isinstance(class_, (list, tuple)):
        classes = _names("class", class_)
        class_ = classes[0] if classes else ""
    if columns.lists:
        others, unknown, parts = (
            _names(field, row.get(name)) for field, name in zip(_LISTS, columns.lists, strict=True)
        )
    return ImportRow(
        line,
        _text("item", item, _LONGEST_ID),
        _text("path", path, _LONGEST_PATH),
        _utf8(_text("class", class_, longest)),
        _named(_text("by", by, _LONGEST_ID)) if by else None,
        _time(_text("time", time)) if time else None,
        _share("probability", probability),
        origin if origin in _ORIGINS else IMPORT,
        _count("round", round_) or 0,
        _count("ms", ms),
        inert(_text("reason", reason, _LONGEST_REASON)) if reason else "",
        _share("draw", draw),
        bool(note) or _is_true(flagged),
        classes,
        others,
        unknown,
        parts or (),
        columns.is_folder,
    )


@lru_cache(maxsize=2**10)
def _named(name: str) -> str | None:
    return inert(name, _LONGEST_ID) or None


def _names(field: str, value: object) -> tuple[str, ...] | None:
    if isinstance(value, str) and field == "unknown":
        value = value.split(BETWEEN) if value else []
    if not isinstance(value, (list, tuple)):
        return None
    if len(value) > _MOST_CLASSES:
        raise BadLineError(f"it has {len(value):,} classes; at most {_MOST_CLASSES:,} do")
    return tuple(_utf8(_text("class", one, DEFAULT_LIMIT)) for one in value)


def _utf8(name: str) -> str:
    if not name.isascii() and any("\ud800" <= character <= "\udfff" for character in name):
        raise BadLineError("its class is not UTF-8; save the file as UTF-8")
    return name


def _text(field: str, value: object, longest: int = DEFAULT_LIMIT) -> str:
    if value is None or (type(value) is str and len(value) <= longest):
        return value or ""
    if isinstance(value, int) and not isinstance(value, bool) and abs(value) <= HIGHEST_COUNT:
        return str(value)
    if not isinstance(value, str):
        raise BadLineError(f"its {_noun(field)} is {_kind(value)}; expected text")
    if len(value) > longest:
        raise BadLineError(
            f"its {_noun(field)} has {len(value):,} characters; at most {longest:,} are possible"
        )
    return str(value)  # also a text of numpy


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
    if value is None or value == "":
        return None
    found = _number(field, value)
    if found is not None and not 0 <= found <= 1:
        raise BadLineError(f"its {field} is {found:g}; expected a number from 0 to 1")
    return found


def _count(field: str, value: object) -> int | None:
    if value is None or value == "":
        return None
    if type(value) is str and len(value) < 15 and value.isdecimal() and value.isascii():
        return int(value)
    found = _number(field, value)
    if found is None:
        return None
    if not (found.is_integer() and 0 <= found <= HIGHEST_COUNT):
        raise BadLineError(f"its {field} is {found:g}; expected a whole number from 0 on")
    return int(found)


def _time(text: str) -> str | None:
    """Return a time as it is written; None for one of another form."""
    if not text:
        return None
    try:
        datetime.fromisoformat(text)
    except ValueError:
        return None
    return inert(text)


def _is_true(value: object) -> bool:
    return value is True or (isinstance(value, str) and value.casefold() in ("true", "1"))
