"""What this terminal and this installation can do, for whoever wonders or reports a fault."""

from __future__ import annotations

import os
import platform
import shutil
import sqlite3
import sys
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, version

from rich.console import Console

from tuilabel import __version__
from tuilabel.data import inert
from tuilabel.settings import config_file
from tuilabel.tui.widgets.board import SMALLEST
from tuilabel.workspace import LONGEST_PATH, cache_dir, data_dir, last_session, log_file

_LIBRARIES = ("textual", "rich", "numpy", "scikit-learn", "scipy", "pillow", "click")
_DEPTHS = {
    None: "none",
    "standard": "16 colours",
    "256": "256 colours",
    "truecolor": "truecolor",
    "windows": "16 colours",
}


def doctor_lines() -> Iterator[str]:
    """Yield findings, one per line; what needs attention starts with an exclamation mark."""
    yield f"tuilabel      {__version__}"
    yield f"python        {platform.python_version()} ({sys.executable})"
    yield f"system        {platform.system()} {platform.release()} {platform.machine()}"
    for library in _LIBRARIES:
        try:
            yield f"{library:<14}{version(library)}"
        except PackageNotFoundError:
            yield f"! {library} is not installed: install tuilabel again."
    yield f"sqlite        {sqlite3.sqlite_version}"
    yield from _terminal()
    for name, path in {
        "sessions": data_dir() / "sessions",
        "cache": cache_dir(),
        "settings": config_file(),
        "log": log_file(),
        "last": last_session(),
    }.items():
        note = "" if path is None or path.exists() else " (not there yet)"
        yield f"{name:<14}{'none' if path is None else inert(str(path), LONGEST_PATH)}{note}"


def _terminal() -> Iterator[str]:
    term = os.environ.get("TERM", "")
    yield f"TERM          {inert(term) or 'not set'}"
    yield f"COLORTERM     {inert(os.environ.get('COLORTERM', '')) or 'not set'}"
    if not sys.stdout.isatty():
        yield "terminal      standard output is none"
        return
    depth = Console().color_system
    yield f"colours       {_DEPTHS.get(depth, str(depth))}"
    if "NO_COLOR" in os.environ:
        yield "! NO_COLOR is set: images are drawn in greys."
    elif depth != "truecolor":
        yield "! Images have few greys here; if the terminal can do more: COLORTERM=truecolor."
    columns, rows = shutil.get_terminal_size()
    yield f"size          {columns}x{rows}"
    if columns < SMALLEST[0] or rows < SMALLEST[1]:
        yield f"! tuilabel needs {SMALLEST[0]}x{SMALLEST[1]}: enlarge the terminal."
