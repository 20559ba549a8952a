"""Errors of tuilabel: each message is one sentence for the person at the terminal.

A message names what was found, what was expected and what to do. `exit_code` is the exit status
of the command line when the error reaches it: 1 for work that failed, 2 for invalid input.
"""

from __future__ import annotations

from collections.abc import Sequence


class TuilabelError(Exception):
    """Base of every error that tuilabel raises on purpose."""

    exit_code = 1


class UsageError(TuilabelError):
    """An argument, option or setting that is invalid."""

    exit_code = 2


class SourceError(TuilabelError):
    """A source that is missing, broken, hostile or empty."""

    exit_code = 2


class UnnamedClassesError(SourceError):
    """A source that has neither class names nor ground truth, opened without class names.

    Parameters
    ----------
    message : str
    folders : sequence of str
        The outermost folders of its files, which may be named like classes; as they are.
    """

    def __init__(self, message: str, folders: Sequence[str] = ()) -> None:
        super().__init__(message)
        self.folders = folders


class DownloadError(TuilabelError):
    """A download that failed, or that did not deliver the published bytes."""


class SessionFileError(TuilabelError):
    """A session that cannot be used: damaged, too new, of another source, or no session."""

    exit_code = 2


class SaveError(TuilabelError):
    """An event that is not on disk; saving the same event may be tried again."""


class StillSavingError(SaveError):
    """An event that the disk has not taken yet: it is applied when the disk has."""

    def __init__(self) -> None:
        super().__init__("Still saving: the disk has not answered yet.")


class PluginError(TuilabelError):
    """A plug-in that cannot be used, or failed."""


class StoreError(PluginError, OSError):
    """The store of a plug-in is broken: what it has not stored is not saved, as on a bad disk."""


class ExportError(TuilabelError):
    """Labels that cannot be exported."""

    exit_code = 2


class ImportFileError(TuilabelError):
    """A file whose labels cannot be imported."""

    exit_code = 2


class ModelFileError(TuilabelError):
    """A file of a model that cannot be read, or does not fit."""

    exit_code = 2


class TrainerError(TuilabelError):
    """A child process that died, hung or could not fit a model; labelling continues without it."""
