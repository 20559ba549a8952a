"""Which source the command line names: an argument, options about it, and standard input."""

from __future__ import annotations

import sys
from collections.abc import MutableMapping
from typing import Any

from tuilabel.commands.progress import ProgressLine
from tuilabel.errors import UsageError
from tuilabel.plugins import named_source, split_source, with_options
from tuilabel.text import shown_path

INPUT = "-"
"""Stands for a list of paths on standard input."""

_NEEDED = {
    "where": ("--where", "a .csv or .tsv table"),
    "path_column": ("--path-column", "a .csv or .tsv table"),
    "null": ("-0", "a list of paths"),
}
_KINDS = {"where": "table", "path_column": "table", "null": "list"}
_WRITTEN = {"where": "where", "path_column": "column", "null": "null"}


def choose_source(options: MutableMapping[str, Any]) -> None:
    """Replace the source in the options by one that the options about it are part of.

    A list of paths on standard input is read to its end, and kept.

    Parameters
    ----------
    options : mapping
        With ``source`` and perhaps ``where``, ``path_column`` and ``null``, which are removed.

    Raises
    ------
    TuilabelError
        The list is invalid, or an option does not fit the source.
    """
    source = options["source"]
    given = {name: value for name in _NEEDED if (value := options.pop(name, None))}
    if source == INPUT:
        options["source"] = source = read_list(null=bool(given.pop("null", False)))
    if not given:
        return
    kind = split_source(named_source(source))[0] if source else ""
    for name in given:
        if kind != _KINDS[name]:
            option, needed = _NEEDED[name]
            found = f"but {shown_path(source)} is none" if source else "but none is named"
            raise UsageError(f"{option} needs {needed}, {found}: leave it out.")
    written = {_WRITTEN[name]: str(value) for name, value in given.items()}
    options["source"] = with_options(source, **written)


def read_list(*, null: bool) -> str:
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
        return keep_list(sys.stdin.buffer, null=null, progress=progress)
    finally:
        progress.close()


def _is_terminal() -> bool:
    return sys.stdin is None or sys.stdin.isatty()
