"""Keeping of labels where only the metadata of files changed, for a command."""

from __future__ import annotations

from pathlib import Path

from tuilabel.events.payloads import Carried, Undo
from tuilabel.journal.journal import Journal
from tuilabel.progress import Progress
from tuilabel.session.gone import Gone, gone
from tuilabel.session.view import SessionView
from tuilabel.settings import resolve
from tuilabel.workspace.opening import open_dataset_of


def carry(path: Path, progress: Progress | None = None) -> Gone:
    """Let answers count for the files of a session of which only metadata changed.

    Returns
    -------
    Gone
        What had changed before.

    Raises
    ------
    SourceError, SessionFileError, SaveError
        The source or the session cannot be read, or the session cannot be written.
    """
    view = SessionView(path)
    dataset = open_dataset_of(view, progress)
    answered = list(view.known.answered())
    found = gone(view.known, view.events, dataset, answered, dataset.rows_of(answered))
    if found.same:
        _append(view, *found.carried())
    return found


def take_back(path: Path) -> int:
    """Take back the newest event by which answers were carried over.

    Returns
    -------
    int
        The number of items that it was about; 0 if there is none.

    Raises
    ------
    SessionFileError, SaveError
        The session cannot be read or written.
    """
    view = SessionView(path)
    newest = view.known.newest_carried()
    if newest is None:
        return 0
    _append(view, Undo(newest.id))
    assert isinstance(newest.payload, Carried)
    return len(newest.payload.pairs)


def _append(view: SessionView, *payloads: Carried | Undo) -> None:
    annotator = resolve({}).annotator
    with Journal(view.path, annotator, view.source) as journal:
        journal.read()
        journal.append(payloads, annotator)
