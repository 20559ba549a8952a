"""Recording in a session what its source says about its items, once, as one event."""

from __future__ import annotations

from contextlib import suppress
from itertools import zip_longest
from typing import TYPE_CHECKING

from tuilabel.errors import SaveError
from tuilabel.events.lines import Event
from tuilabel.journal.journal import Journal
from tuilabel.session import class_changes
from tuilabel.session.source_guesses import are_recorded, bulk_of, lines_of
from tuilabel.session.view import SessionView
from tuilabel.workspace.writing import Task

if TYPE_CHECKING:
    from pathlib import Path

    from tuilabel.data import Dataset
    from tuilabel.workspace.opening import Workspace


def record_at_start(
    path: Path, dataset: Dataset, by: str, view: SessionView | None, keys: str = ""
) -> SessionView:
    """Record what a source that was read to its end says, unless the session has it.

    Parameters
    ----------
    path : Path
        The session.
    dataset : Dataset
    by : str
        The annotator.
    view : SessionView or None
        What was read of the session; None of a new one.
    keys : str
        Keys of the classes that a new session begins with, in their order; none for the usual ones.

    Returns
    -------
    SessionView
        The session as it is now.

    Raises
    ------
    SaveError
    """
    view = SessionView(path) if view is None else view
    if are_recorded(view.known):
        return view
    with Journal(path, by, dataset.source) as journal:
        journal.read()
        if not any(True for _ in view.known.classes):
            classes = view.known.classes
            first = zip_longest(dataset.class_names, keys)
            journal.append([class_changes.first(classes, *each) for each in first], by)
        _record(journal, dataset, by)
    return SessionView(path)


def record_when_read(work: Workspace) -> None:
    """Record what the source says once it is read to its end, beside the event loop."""
    reading = work.reading
    if work.dataset.guesses is None or reading is None or are_recorded(work.session.known):
        return

    def record() -> None:
        with suppress(SaveError):  # The next start tries again.
            events = _record(work.journal, work.dataset, work.annotator.name)
            work.session.known.read_ahead(events)
            reading.recorded(events)

    reading.when_read = lambda: work.writer.start(Task(record))


def _record(journal: Journal, dataset: Dataset, by: str) -> list[Event]:
    about = journal.about
    lines = lines_of(dataset, about.audit, about.seed)
    return journal.append([bulk_of(dataset, journal.write_bulk(lines))], by)
