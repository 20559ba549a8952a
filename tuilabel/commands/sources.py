"""Which source the command line names: an argument, options about it, and standard input."""

from __future__ import annotations

import os
import sys
from collections.abc import MutableMapping
from typing import Any

from tuilabel.commands.options import FOLDERS
from tuilabel.commands.progress import ProgressLine
from tuilabel.errors import UsageError
from tuilabel.plugins import is_url, named_source, split_source, with_options
from tuilabel.text import inert, shown_path

INPUT = "-"
"""Stands for a list of paths on standard input."""

_TABLE, _LIST = "a .csv or .tsv table", "a list of paths"
_FILES = ("", "folder", "list", "glob", "table")
_FITTING = {
    "where": ("--where", _TABLE, ("table",)),
    "path_column": ("--path-column", _TABLE, ("table",)),
    "null": ("-0", _LIST, ("list",)),
    "folders": ("--folders", "a source of files", (*_FILES, "hf")),
    "confidence": ("--confidence", "a .json file of detections", ("detections",)),
    "root": ("--root", "a list, a table or a .json file", ("list", "table", "detections")),
    "frames": ("--frames", "a source of files", _FILES),
    "group": ("--group", "a source of files", _FILES),
}
"""The option, what it needs, and the names of such sources."""

_WRITTEN = {"path_column": "column"}


def choose_source(options: MutableMapping[str, Any], *, is_kept: bool = True) -> None:
    """Replace the source in the options by one that the options about it are part of.

    A list of paths on standard input is read to its end, and kept. What a URL leads to is copied.

    Parameters
    ----------
    options : mapping
        With ``source`` and perhaps ``where``, ``path_column``, ``null``, ``folders``,
        ``confidence``, ``root``, ``frames`` and ``group``, which are removed.
    is_kept : bool
        Whether a session opens the source again.

    Raises
    ------
    TuilabelError
        The list is invalid, or an option does not fit the source.
    """
    source = options["source"]
    given = {name: value for name in _FITTING if (value := options.pop(name, None))}
    if given.get("folders", FOLDERS[0]) not in FOLDERS:
        named = ", ".join(FOLDERS)
        raise UsageError(f"--folders is {inert(given['folders'])!r}; expected one of {named}.")
    if "root" in given:
        if source == INPUT:
            raise UsageError(
                "--root is for paths in a file, and those of - are relative to the current folder: "
                "leave it out."
            )
        given["root"] = os.path.realpath(given["root"])
    if "group" in given:
        from tuilabel.data.grouping import parse_grouping

        parse_grouping(given["group"])
    if source == INPUT:
        options["source"] = source = read_list(null=bool(given.pop("null", False)), is_kept=is_kept)
    elif source and is_url(source):
        options["source"] = source = fetch(source, options.get("cache_size"))
    kind = split_source(named_source(source))[0] if source else None
    for name in given:
        option, needed, kinds = _FITTING[name]
        if kind not in kinds:
            found = f"but {shown_path(source)} is none" if source else "but none is named"
            raise UsageError(f"{option} needs {needed}, {found}: leave it out.")
    written = {_WRITTEN.get(name, name): str(value) for name, value in given.items()}
    options["source"] = with_options(source, **written) if given else source


def read_list(*, null: bool, is_kept: bool) -> str:
    """Keep the list of paths on standard input, and return it as a source.

    Raises
    ------
    TuilabelError
        There is none.
    """
    from tuilabel.tui.terminal.tty import TTY
    from tuilabel.workspace.lists import keep_list

    if _is_terminal():
        raise UsageError(
            "The source - reads paths from standard input, which is a terminal: pipe paths into "
            "it, as in `find photos -name '*.jpg' | tuilabel -`."
        )
    progress = ProgressLine(stream=TTY.shown(sys.stderr))
    try:
        return keep_list(sys.stdin.buffer, null=null, is_kept=is_kept, progress=progress)
    finally:
        progress.close()


def fetch(url: str, gigabytes: int | None = None) -> str:
    """Copy what a URL leads to into the cache, and return the copy as a source.

    Parameters
    ----------
    url : str
    gigabytes : int, optional
        The most to copy; by default the size of the cache in the settings.

    Raises
    ------
    TuilabelError
        It cannot be copied.
    """
    from tuilabel.data.remote import copy_files
    from tuilabel.settings import resolve
    from tuilabel.tui.terminal.tty import TTY
    from tuilabel.workspace.cache import GIGABYTE
    from tuilabel.workspace.places import copy_of

    limit = resolve({"cache_size": gigabytes}).cache_size * GIGABYTE
    copy, progress = copy_of(url), ProgressLine(stream=TTY.shown(sys.stderr))
    try:
        copy_files(url, copy, limit=limit, progress=progress)
    finally:
        progress.close()
    return str(copy)


def _is_terminal() -> bool:
    return sys.stdin is None or sys.stdin.isatty()
