"""A text file of paths as a source: one in a line, or each with NUL at its end."""

from __future__ import annotations

import codecs
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO

from tuilabel.data.dataset import Dataset
from tuilabel.data.decoding.formats import HEAD_BYTES, image_format
from tuilabel.data.folder import open_files
from tuilabel.data.listing import look_up
from tuilabel.errors import SourceError
from tuilabel.plugins import root_of, source_options
from tuilabel.small_files import open_regular
from tuilabel.text import shown_path

MOST_BYTES = 2**30
"""Largest list that is read."""

_LONGEST = 2**15
"""Bytes of the longest path that is passed on; no system opens one of that length."""


def open_list(source: str, *, argument: str, **options: Any) -> Dataset:
    """Open the files that a list names; a `Source`.

    The paths are relative to the folder of the list, or to the option ``root``, and have to be
    below it. With the option ``base``, they are relative to that folder, and become relative to the
    root. With the option ``null``, each ends with NUL.

    Raises
    ------
    SourceError
        The list cannot be read, is too large, or is no list.
    """
    path, query = Path(argument), source_options(source)
    root = Path(root_of(source) or path.parent)
    try:
        with os.fdopen(open_regular(path), "rb") as file:
            if os.fstat(file.fileno()).st_size > MOST_BYTES:
                raise too_large(path)
            if image_format(file.read(HEAD_BYTES)):
                raise SourceError(f"{shown_path(path)} is one image: open the folder it is in.")
            file.seek(0)
            paths = paths_in(file, shown_path(path), null="null" in query)
            if "base" in query:
                paths = (os.path.join(query["base"], name) for name in paths)  # noqa: PTH118
            found = look_up(root, paths)
    except OSError as error:
        raise SourceError(
            f"The list {shown_path(path)} cannot be read ({error.strerror or error}): choose "
            "another file."
        ) from error
    return open_files(source, root, found, **options)


def too_large(name: Path | str) -> SourceError:
    """Return the error of a list that is not read."""
    return SourceError(
        f"The list {shown_path(name)} is larger than {MOST_BYTES // 2**30} GiB: split it."
    )


def paths_in(file: BinaryIO, name: str, *, null: bool) -> Iterator[str]:
    """Yield the paths in a list, as they are; empty lines are left out.

    Bytes that are not text become lone surrogates, as `os.fsdecode` makes them. Of a path that is
    longer than any system takes, only the beginning is kept.

    Parameters
    ----------
    file : binary file
    name : str
        For the error.
    null : bool
        Whether each path ends with NUL, and not with its line.

    Raises
    ------
    SourceError
        There is a NUL in a line: it is no text, or its paths end with NUL.
    """
    for number, path in enumerate(_split(file, b"\0" if null else b"\n")):
        if not null:
            path = path.removesuffix(b"\r")
            path = path if number else path.removeprefix(codecs.BOM_UTF8)
            if b"\0" in path:
                raise SourceError(
                    f"{name} is neither a text file of paths nor another source: line "
                    f"{number + 1:,} has a NUL byte. If its paths end with NUL, use -0."
                )
        if path:
            yield os.fsdecode(path)


def _split(file: BinaryIO, end: bytes) -> Iterator[bytes]:
    """Yield what lies before each end, never more than the longest path."""
    rest = b""
    while block := file.read(2**20):
        first, *more = block.split(end)
        rest = (rest + first)[:_LONGEST]
        for part in more:
            yield rest
            rest = part[:_LONGEST]
    if rest:
        yield rest
