"""What a shell completes: names of sources and sessions, and paths."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from click import Context, Parameter

from tuilabel.plugins import ARRAY_FILES, BARE_SOURCES, CELL_FILES, DETECTION_FILES, TABLE_FILES

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem

SOURCES: dict[str, str | None] = dict.fromkeys(BARE_SOURCES)
"""Sources that are not paths. The value is what a shell shows beside a name: nothing."""

SOURCE_FILES = (*ARRAY_FILES, *TABLE_FILES, *DETECTION_FILES, *CELL_FILES, ".txt")
"""Endings of the files that are sources."""

Items = list["CompletionItem[str]"]


def complete_sources(ctx: Context, parameter: Parameter, typed: str) -> Items:
    """Return sources that begin with what is typed."""
    return offered(typed, SOURCES, SOURCE_FILES)


def complete_sessions(ctx: Context, parameter: Parameter, typed: str) -> Items:
    """Return sessions, by name or path, that begin with what is typed."""
    from tuilabel.workspace.places import SUFFIX, data_dir

    files = _in(data_dir() / "sessions")
    # As for paths: a shell would print what is not.
    names = sorted(f.stem for f in files if f.suffix == SUFFIX and f.stem.isprintable())
    return offered(typed, dict.fromkeys(names), (SUFFIX,))


def offered(typed: str, names: Mapping[str, str | None], endings: tuple[str, ...]) -> Items:
    """Return names, folders and files that begin with what is typed.

    A shell completes paths better than a program: it knows home folders, descends into folders and
    quotes what it inserts. But bash does so only if nothing else is offered. Paths are therefore
    listed here only beside names.

    Parameters
    ----------
    typed : str
    names : mapping of str to str or None
        What a shell shows beside each name.
    endings : tuple of str
        Of the files and sessions to list.
    """
    from click.shell_completion import CompletionItem

    from tuilabel.workspace.places import SUFFIX

    found = [
        CompletionItem(name, help=text) for name, text in names.items() if name.startswith(typed)
    ]
    if not found:
        return [CompletionItem(typed, type="file")]
    for path in sorted(_in(Path())):
        is_hidden = path.name.startswith(".") and not typed
        # A shell reads one name per line, and cannot read any bytes.
        if path.name.startswith(typed) and path.name.isprintable() and not is_hidden:
            if path.suffix in endings:
                found.append(CompletionItem(path.name))
            elif path.is_dir() and path.suffix != SUFFIX:
                found.append(CompletionItem(f"{path.name}/"))
    return found


def _in(folder: Path) -> list[Path]:
    try:
        return list(folder.iterdir())
    except OSError:  # it does not exist, or may not be read
        return []
