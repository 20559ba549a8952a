"""Files of a source that are moved into class folders: the session looks for them there."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from tuilabel.events.payloads import Moved, Undo, stored_names
from tuilabel.journal.journal import Journal
from tuilabel.session.view import SessionView
from tuilabel.settings import resolve

_MOST_BYTES = 2**18
"""Of the names in one event; a line of a log has room for more."""


def announce_moves(view: SessionView, folder: Path, items: Mapping[str, str]) -> None:
    """Write events with the new places of files that are about to be moved.

    Parameters
    ----------
    view : SessionView
    folder : Path
        An absolute path.
    items : dict of str to str
        The item of each path below the folder.

    Raises
    ------
    SaveError
        They may not be on disk.
    """
    if not items:
        return
    (source,) = stored_names([str(folder)])
    payloads = [
        Moved(source, stored_names(paths), tuple(items[path] for path in paths))
        for paths in _parts(list(items))
    ]
    with _journal(view) as journal:
        journal.append(payloads, resolve({}).annotator)


def take_moves_back(view: SessionView, folder: Path) -> None:
    """Undo the events about files that were moved into a folder and are back in the source.

    Raises
    ------
    SaveError
        That may not be on disk.
    """
    (source,) = stored_names([str(folder)])
    undone = [
        Undo(event.id)
        for event in view.record.moves
        if isinstance(event.payload, Moved)
        and event.payload.source == source
        and not view.known.is_undone(event.id)
    ]
    if undone:
        with _journal(view) as journal:
            journal.append(undone, resolve({}).annotator)


def _parts(paths: Sequence[str]) -> Iterator[list[str]]:
    part: list[str] = []
    size = 0
    for path in paths:
        # A name that is no UTF-8 takes two digits for each byte, an item has 35.
        size += 12 * len(path) + 60
        if part and size > _MOST_BYTES:
            yield part
            part, size = [], 12 * len(path) + 60
        part.append(path)
    if part:
        yield part


def _journal(view: SessionView) -> Journal:
    journal = Journal(view.path, resolve({}).annotator, view.source)
    journal.read()
    return journal
