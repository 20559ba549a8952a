"""The format of a file of labels by what is in it."""

from __future__ import annotations

import os
import re
from collections.abc import Collection
from contextlib import suppress
from pathlib import Path, PurePath
from typing import NamedTuple

from tuilabel.errors import ImportFileError
from tuilabel.exchange.reading import LONGEST_LINE
from tuilabel.plugins import GROUPS, exists, names
from tuilabel.small_files import open_regular
from tuilabel.text import inert, shown_path

_HEAD = 2**16
_NAMES = re.compile(r'"(\w{1,40})"\s*:')
_MOST_LOOKED_AT = 20
_PAGE = re.compile(r"<!doctype html|<html|<head|<body", re.IGNORECASE)
_DATABASE = re.compile(rb"SQLite format 3\0.{52}TULB", re.DOTALL)


class Likeness(NamedTuple):
    """A format that a file looks like, and why, in a few words.

    Both are empty where that is unknown. Something that is no format has words alone.
    """

    name: str = ""
    why: str = ""


def looks_like(path: Path) -> Likeness:
    """Return what a file or folder looks like.

    Raises
    ------
    ImportFileError
        It cannot be read.
    """
    try:
        if path.is_dir():
            return _of_folder(path)
        head = _head(path)
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise ImportFileError(f"{shown_path(path)} cannot be read ({reason}).") from error
    if head.startswith(b"PAR1"):
        return Likeness("parquet", "it begins with PAR1")
    if _DATABASE.match(head):
        return Likeness("tuilabel-0.1", "it is a database of tuilabel")
    text = head.removeprefix(b"\xef\xbb\xbf").decode("utf-8", "surrogateescape").lstrip()
    if text.startswith(("{", "[")):
        return _of_json(text, set(_NAMES.findall(text)))
    if text.startswith("<"):
        is_page = _PAGE.match(text)
        return Likeness("", f"it is {'an HTML page' if is_page else 'XML'}, not a table")
    first = text.partition("\n")[0]
    if any(separator in first for separator in ",;\t"):
        return Likeness("csv", "its first line is a row of cells")
    return Likeness()


def _of_json(text: str, there: set[str]) -> Likeness:
    """Return what JSON looks like, by the names in its beginning."""

    def like(format_: str, *usual: str) -> Likeness:
        found = [name for name in usual if name in there]
        return Likeness(format_, f"it has {' and '.join(found)}")

    if text.startswith("["):
        if "data" in there and there & {"annotations", "predictions", "id"}:
            return like("label-studio", "data", "annotations", "predictions")
        if {"image_id", "category_id"} <= there:
            return like("coco", "image_id", "category_id")
        return Likeness()
    if there & {"answer", "_task_hash", "_input_hash"} and "image" in there:
        return like("prodigy", "image", "answer")
    if "shapes" in there and there & {"imagePath", "flags", "version"}:
        return like("labelme", "shapes", "imagePath", "flags")
    if len(there & {"images", "annotations", "categories", "licenses"}) > 1:
        return like("coco", "images", "annotations", "categories")
    first, newline, _ = text.partition("\n")
    # A line may be longer than what was read of it.
    if first.rstrip().endswith("}") or (not newline and len(text) > _HEAD // 4):
        return Likeness("jsonl", "its first line is an object")
    return Likeness()


def _of_folder(path: Path) -> Likeness:
    with os.scandir(path) as entries:
        some = sorted(entry.name for entry in entries if not entry.name.startswith("."))
    files = [name for name in some if name.lower().endswith(".json")][:_MOST_LOOKED_AT]
    for name in files:
        try:
            head = _head(path / name).decode("utf-8", "surrogateescape").lstrip()
        except OSError:
            continue
        if _of_json(head, set(_NAMES.findall(head))).name == "labelme":
            return Likeness("labelme", f"{inert(name)} has shapes")
    folders = [name for name in some if (path / name).is_dir()]
    # A dataset of Hugging Face has its tables in a folder.
    for folder in [path, *(path / name for name in folders[:_MOST_LOOKED_AT])]:
        with suppress(OSError):
            if table := next(folder.glob("*.parquet"), None):
                return Likeness("parquet", f"it has {inert(str(table.relative_to(path)))}")
    return Likeness("folders", "it has folders") if folders else Likeness()


def _head(path: Path) -> bytes:
    with os.fdopen(open_regular(path), "rb") as file:
        return file.read(_HEAD)


def format_of_file(path: Path) -> str:
    """Return the format of a file: what it looks like, or else that of its ending.

    The ending of a plug-in's format comes first.

    Raises
    ------
    ImportFileError
        The file cannot be read, or is of no known format; the message says what it looks like.
    PluginError
        Its ending is the name of a plug-in that cannot be used.
    """
    ending = PurePath(str(path).lower()).suffix.removeprefix(".")
    built_in: Collection[str] = GROUPS["readers"].built_in
    if ending and ending not in built_in and exists("readers", ending):
        return ending
    found, what = looks_like(path)
    if not what and ending in built_in:
        found = ending
    if found:
        return found
    what = what.removeprefix("it ")
    if not what and path.is_dir():
        what = "is a folder without folders in it"
    elif not what:
        first = _head(path)[:LONGEST_LINE].decode("utf-8", "surrogateescape")
        what = f"begins with {inert(first.strip().partition(chr(10))[0], 20)!r}"
    raise ImportFileError(
        f"{shown_path(path)} has no known format (it {what}): name it with --format, one of "
        f"{', '.join(names('readers'))}."
    )


def correction(path: Path, format_: str, *, was_guessed: bool) -> str:
    """Return a sentence after the error of a file that was read as a format it may not have.

    Parameters
    ----------
    path : Path
    format_ : str
    was_guessed : bool
        Whether nobody has named the format.
    """
    found = looks_like(path)
    if was_guessed:
        why = f"it looked like {format_}"
        why += f" ({found.why})" if found.name == format_ else " (its ending)"
        return f" The format was guessed: {why}. If it has another one, name that with --format."
    if found.why and not found.name:
        return f" It looks like something else: {found.why}."
    if found.name and found.name != format_:
        return f" It looks like {found.name} ({found.why}): try --format {found.name}."
    return ""
