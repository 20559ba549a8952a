"""What can go wrong, as one family: each message is one sentence for the person at the terminal.

A message names what was found, what was expected and what to do. `exit_code` is what the
command line ends with when the error reaches it: 1 for work that failed, 2 for input that
cannot be worked with.
"""

from __future__ import annotations


class TuilabelError(Exception):
    """Base of every error that tuilabel raises on purpose."""

    exit_code = 1


class UsageError(TuilabelError):
    """An argument, option or setting that cannot be meant."""

    exit_code = 2


class SourceError(TuilabelError):
    """A source that is missing, broken, hostile or empty."""

    exit_code = 2


class DownloadError(TuilabelError):
    """A download that no mirror could deliver whole and genuine."""


class SessionFileError(TuilabelError):
    """A session file that cannot be used: not one, damaged, too new, or of something else."""

    exit_code = 2


class SessionLockedError(SessionFileError):
    """A session file that another process is labelling in."""


class SaveError(TuilabelError):
    """An event that is not on disk; the same event may be tried again."""


class ExportError(TuilabelError):
    """Labels that cannot be written out."""

    exit_code = 2


class TrainerError(TuilabelError):
    """A child process that died, hung or could not fit; labelling goes on without it."""
