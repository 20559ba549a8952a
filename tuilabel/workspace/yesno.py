"""Sessions of two classes with a key under each of two fingers: `--yesno`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from tuilabel.errors import SessionFileError, UnnamedClassesError, UsageError
from tuilabel.session.classes import Classes
from tuilabel.text import counted, shown_path

if TYPE_CHECKING:
    from tuilabel.data import Dataset

NAMES = ("no", "yes")
"""The classes of a source that has none, if none are named."""


def open_for_two(
    opener: Callable[[Sequence[str] | None], Dataset], given: Sequence[str] | None
) -> Dataset:
    """Open a source whose items have two classes.

    Parameters
    ----------
    opener : callable
        Opens the source with names of classes; with None, by its own.
    given : sequence of str or None
        The names on the command line.

    Raises
    ------
    UsageError
        There are not two classes.
    """
    if given is not None and len(given) != 2:
        raise UsageError(
            f"--yesno is for two classes, and --classes names {len(given):,}: name two, or leave "
            "--yesno out."
        )
    try:
        dataset = opener(given)
    except UnnamedClassesError:
        dataset = opener(NAMES)
    if len(dataset.class_names) != 2:
        raise UsageError(
            f"--yesno is for two classes, and {shown_path(dataset.source)} has "
            f"{counted(len(dataset.class_names), 'class', 'classes')}: leave --yesno out."
        )
    return dataset


def first_keys(classes: Classes) -> str:
    """Return the keys of the two classes that a session began with; empty without --yesno."""
    keys = [info.key or "" for info in classes.every() if info.is_first]
    return "".join(keys) if [len(key) for key in keys] == [1, 1] else ""


def check_resumed(path: Path, classes: Classes) -> None:
    """Raise an error if a session was made without --yesno.

    Raises
    ------
    SessionFileError
    """
    if not first_keys(classes):
        raise SessionFileError(
            f"{path} was made without --yesno. Leave out --yesno, or start another session with "
            "--session FOLDER."
        )
