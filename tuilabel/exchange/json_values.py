"""Values in JSON that another tool, or anybody, has written."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any, TypeVar

import msgspec

from tuilabel.exchange.reading import BadLineError, repeated
from tuilabel.small_files import open_regular
from tuilabel.text import inert

MOST_BYTES = 2**28
"""Largest file that is decoded at once: it takes several times as much memory."""

MOST_VALUES = 2**24
"""Most values in it: each takes memory, however short it is."""

T = TypeVar("T")


def parsed(text: str | bytes) -> Any:
    """Return the value in a text of JSON.

    Raises
    ------
    BadLineError
        It is not JSON, is nested too deeply, or an object has a name twice.
    """
    try:
        return json.loads(text, object_pairs_hook=_object)
    except RecursionError:
        raise BadLineError("its JSON is nested too deeply") from None
    except json.JSONDecodeError as error:
        raise BadLineError(
            f"it is not valid JSON ({error.msg} at character {error.pos + 1})"
        ) from None
    except UnicodeDecodeError:
        raise BadLineError("it is not text in UTF-8") from None
    except ValueError:
        raise BadLineError("it has a number of too many digits") from None


def parsed_line(text: str) -> Any:
    """Return the same as `parsed`, in half the time for an object of plain values."""
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        return parsed(text)
    if isinstance(found, dict) and "\\" not in text:
        # A name that was there twice, or is deeper inside, has more quotation marks.
        texts = sum(type(value) is str for value in found.values())
        if text.count('"') == 2 * (len(found) + texts):
            return found
    return parsed(text)


def _object(pairs: list[tuple[str, object]]) -> dict[str, object]:
    found = dict(pairs)
    if len(found) < len(pairs):
        twice = next(repeated(name for name, _ in pairs))
        raise BadLineError(f"it has {twice!r} twice")
    return found


def shaped(value: object, shape: type[T], what: str) -> T:
    """Return a value of JSON as a struct.

    Parameters
    ----------
    value : object
    shape : type
    what : str
        What it is expected to be, such as ``a task of Prodigy``.

    Raises
    ------
    BadLineError
        It has another form.
    """
    try:
        return msgspec.convert(value, shape)
    except (msgspec.MsgspecError, RecursionError) as error:
        raise BadLineError(f"it is not {what} ({inert(str(error), 200)})") from None


def read_json(path: Path, largest: int = MOST_BYTES) -> Any:
    """Return the value in a file of JSON.

    Raises
    ------
    BadLineError
        As `parsed`, or the file is too large.
    OSError
        It cannot be read.
    """
    try:
        with os.fdopen(open_regular(path), "rb") as file:
            content = file.read(largest + 1)
    except ValueError as error:
        raise BadLineError(str(error)) from None
    if len(content) > largest:
        raise BadLineError(f"it is larger than {largest // 2**20} MiB; divide it")
    if content.count(b",") > MOST_VALUES:
        raise BadLineError(f"it has more than {MOST_VALUES:,} values; divide it")
    return parsed(content.removeprefix(b"\xef\xbb\xbf"))
