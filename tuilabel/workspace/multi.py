"""Sessions in which an image may have several classes, or none: `--multi`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from tuilabel.errors import SessionFileError, SourceError, UsageError
from tuilabel.events.payloads import About
from tuilabel.session.class_changes import check_for_sets
from tuilabel.text import shown_path

if TYPE_CHECKING:
    from tuilabel.data import Dataset

FORMAT = 2
"""The format of such a session: an older tuilabel refuses to open it."""


def check_source(dataset: Dataset) -> None:
    """Raise an error for a source that cannot be labelled with several classes.

    Raises
    ------
    SourceError
        It has a ground truth of one class for each item.
    ClassError
        The name of a class cannot be exported.
    """
    if dataset.truth is not None or dataset.holdout is not None:
        raise SourceError(
            f"{shown_path(dataset.source)} has a ground truth of one class for each image, which "
            "--multi cannot be measured on: leave --multi out."
        )
    if dataset.guesses is not None and dataset.guesses.are_labels:
        raise SourceError(
            f"The labels of {shown_path(dataset.source)} are one class for each image, and the "
            "other classes would stay unknown with --multi: take them as suggestions, such as "
            "with --folders suggestions."
        )
    for name in dataset.class_names:
        check_for_sets(name)


def check_resumed(path: Path, about: About, wanted: bool) -> None:
    """Raise an error if --multi is given for a session that was made without it.

    Raises
    ------
    SessionFileError
    """
    if wanted and not about.multi:
        raise SessionFileError(
            f"{path} was made without --multi, for one class for each image. Leave out --multi, or "
            "start another session with --session FOLDER."
        )


def refuse(path: Path, about: About, what: str, instead: str) -> None:
    """Raise an error for something that cannot be done with several classes.

    Parameters
    ----------
    path : Path
        The session.
    about : About
    what, instead : str
        What was to be done, as the beginning of a sentence, and what to do.

    Raises
    ------
    UsageError
    """
    if about.multi:
        raise UsageError(
            f"{what} for one class for each image, and {shown_path(path)} was made with --multi: "
            f"{instead}."
        )


def check_options(*, multi: bool, yesno: bool) -> None:
    """Raise an error for options that contradict each other.

    Raises
    ------
    UsageError
    """
    if multi and yesno:
        raise UsageError("--yesno is for one of two classes, and --multi for several: choose one.")
