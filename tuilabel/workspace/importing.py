"""Labels and suggestions of another tool, matched with the images of a session."""

from __future__ import annotations

import posixpath
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

from msgspec.structs import replace

from tuilabel.data import Dataset
from tuilabel.errors import UsageError
from tuilabel.events.imports import ImportRow
from tuilabel.events.lines import Event
from tuilabel.events.payloads import (
    AUTO_ORIGIN,
    IMPORT,
    SUGGESTED,
    Bulk,
    BulkLine,
    Undo,
    stored_names,
)
from tuilabel.journal.journal import Journal
from tuilabel.progress import Progress
from tuilabel.session.candidates import Candidates
from tuilabel.session.classes import Classes, normal_name
from tuilabel.session.units import Units
from tuilabel.session.view import SessionView
from tuilabel.settings import resolve
from tuilabel.text import inert
from tuilabel.workspace.multi import refuse
from tuilabel.workspace.opening import open_dataset_of

MOST_LINES = 2_000_000
"""Labels of one import at most."""

_SCHEMES = ("f1:", "p1:", "a1:")
"""What item ids of tuilabel begin with."""


@dataclass
class Import:
    """What an import would write, and what becomes of the other rows.

    Attributes
    ----------
    view : SessionView
    method : str
        Where the labels come from, such as the name of the file.
    is_of_labels : bool
        Whether they are labels, and not suggestions.
    lines : list of BulkLine
    rows : int
        Number of rows in the file.
    matched : Counter of str
        Number of rows with an image of the session, by ``content``, ``path`` and ``name``.
    unmatched, ambiguous : list of str
        Rows without an image in the session, and those whose name several images have.
    unlabelled, of_models, remarks : int
        Number of rows without a class, of rows with a model's label, and of rows with a flag or a
        note, which is not imported.
    unknown : Counter of str
        Number of rows by the name of a class that the session does not have.
    conflicts : list of str
        Images about which one annotator's rows disagree.
    same, other : int
        Number of images to which the session has given the same class, and another one.
    audit : int
        Number of images of the audit set.
    """

    view: SessionView
    method: str
    is_of_labels: bool
    lines: list[BulkLine] = field(default_factory=list)
    rows: int = 0
    matched: Counter[str] = field(default_factory=Counter)
    unmatched: list[str] = field(default_factory=list)
    ambiguous: list[str] = field(default_factory=list)
    unlabelled: int = 0
    of_models: int = 0
    remarks: int = 0
    unknown: Counter[str] = field(default_factory=Counter)
    conflicts: list[str] = field(default_factory=list)
    same: int = 0
    other: int = 0
    audit: int = 0

    @property
    def annotators(self) -> int:
        """The number of annotators whose labels these are."""
        return len({line.by for line in self.lines})


def plan_import(
    path: Path,
    rows: Iterable[ImportRow],
    method: str,
    *,
    as_suggestions: bool = False,
    by: str | None = None,
    progress: Progress | None = None,
) -> Import:
    """Match rows with the images and classes of a session; nothing is written.

    A row is matched by its item id. Without one, it is matched by its path, from the folder of the
    source or from any folder above it, and else by the name of the file, if one image has it. A
    row with an id of tuilabel that no image has is not matched by its path: the file in that place
    is another one now.

    Parameters
    ----------
    path : Path
        The session.
    rows : iterable of ImportRow
    method : str
        Where they come from.
    as_suggestions : bool
        Whether they are suggestions, and not labels.
    by : str, optional
        The annotator of rows that name none; by default the one who imports them.
    progress : callable, optional

    Raises
    ------
    TuilabelError
        The session, its source or the rows cannot be read.
    """
    view = SessionView(path)
    if not as_suggestions:
        refuse(path, view.about, "Imported labels are", "import them with --as suggestions")
    found = Import(view, method, not as_suggestions)
    every = list(rows)  # what is wrong with the file is known before the source is opened
    dataset = open_dataset_of(view, progress)
    images, classes = _Images(dataset), _Names(view.known.classes)
    audit = 0.0 if dataset.holdout is not None else view.about.audit
    units = Units(dataset, view.known)
    paths = units.role_paths(range(len(dataset)))
    reserved = Candidates(paths, audit, view.about.seed).reserved
    given: dict[tuple[str, str], BulkLine] = {}
    disputed: dict[tuple[str, str], str] = {}
    for row in every:
        found.rows += 1
        found.remarks += row.has_remark
        if not row.class_name:
            found.unlabelled += 1
            continue
        if found.is_of_labels and row.origin == AUTO_ORIGIN:
            found.of_models += 1
            continue
        place, how = images.find(row)
        if place is None:
            shown = f"line {row.line:,}: {inert(row.path or row.item, 200)}"
            (found.ambiguous if how else found.unmatched).append(shown)
            continue
        found.matched[how] += 1
        class_id = classes.find(row.class_name)
        if class_id is None:
            found.unknown[inert(row.class_name)] += 1
            continue
        line = BulkLine(
            item=dataset.ids[place],
            class_id=class_id,
            probability=row.probability,
            names=stored_names(dataset.references(place)),
        )
        if found.is_of_labels:
            line = _label(line, row, by, is_audit=bool(reserved[place]))
        key = line.item, line.by or ""
        before = given.setdefault(key, line)
        if before.class_id != class_id:
            disputed.setdefault(key, f"line {row.line:,}: {inert(row.path or row.item, 200)}")
    found.lines = [line for key, line in given.items() if key not in disputed]
    found.conflicts = list(disputed.values())
    _compare(found)
    if len(found.lines) > MOST_LINES:
        raise UsageError(
            f"There are {len(found.lines):,} labels; one import has at most {MOST_LINES:,}: divide "
            "the file."
        )
    return found


def write_import(found: Import) -> Event:
    """Write an import as one file and one event.

    Raises
    ------
    SaveError
        It may not be on disk.
    """
    with _journal(found.view) as journal:
        name, sha256, count = journal.write_bulk(found.lines)
        bulk = Bulk(
            file=name,
            sha256=sha256,
            count=count,
            origin=IMPORT if found.is_of_labels else SUGGESTED,
            method=found.method,
        )
        (event,) = journal.append([bulk], resolve({}).annotator)
    return event


def undo_import(path: Path) -> Event | None:
    """Take the newest import of labels or suggestions back, also that of another annotator.

    Returns
    -------
    Event or None
        Its event; None if there is none.

    Raises
    ------
    SessionFileError, SaveError
        The session cannot be read or written.
    """
    view = SessionView(path)
    for event in reversed(view.known.bulk_events()):
        bulk = event.payload
        is_import = isinstance(bulk, Bulk) and bulk.origin in (IMPORT, SUGGESTED)
        if is_import and not view.known.is_undone(event.id):
            with _journal(view) as journal:
                journal.append([Undo(event.id)], resolve({}).annotator)
            return event
    return None


def _journal(view: SessionView) -> Journal:
    journal = Journal(view.path, resolve({}).annotator, view.source)
    journal.read()
    return journal


def _label(line: BulkLine, row: ImportRow, by: str | None, *, is_audit: bool) -> BulkLine:
    """Return a line with what a label has and a suggestion has not."""
    return replace(
        line,
        by=row.by or by,
        at=row.time,
        audit=is_audit,
        origin=row.origin,
        round=row.round,
        ms=row.ms,
        reason=row.reason,
        draw=row.draw,
    )


def _compare(found: Import) -> None:
    """Count the images that the session has labelled already."""
    known, classes = found.view.known, found.view.known.classes
    for line in found.lines:
        found.audit += line.audit
        standing = known.standing(line.item)
        if standing is not None and standing.class_id is not None:
            if standing.class_id == classes.resolved(line.class_id):
                found.same += 1
            else:
                found.other += 1


class _Names:
    """The classes of a session by name or id."""

    def __init__(self, classes: Classes) -> None:
        self._ids: dict[str, str] = {}
        for info in classes.every():
            if info.id not in classes.merged:
                name = normal_name(info.name)
                if name not in self._ids or classes.is_open(info.id):
                    self._ids[name] = info.id
        # Two classes may have one name; an export has their ids then.
        self._ids |= {info.id: info.id for info in classes.every()}

    def find(self, name: str) -> str | None:
        found = self._ids.get(name)
        return self._ids.get(normal_name(name)) if found is None else found


class _Images:
    """The images of a source by id, path and name."""

    def __init__(self, dataset: Dataset) -> None:
        self._dataset = dataset
        self._root = posixpath.normpath(dataset.source)
        self._paths: dict[str, int] = {}
        self._names: dict[str, int | None] = {}
        for row in range(len(dataset)):
            for path in dataset.references(row):
                self._paths[path] = row
                name = PurePosixPath(path).name
                is_other = self._names.get(name, row) != row
                self._names[name] = None if is_other else row

    def find(self, row: ImportRow) -> tuple[int | None, str]:
        """Return the row of an image, and how it was found; a word for an ambiguous one too."""
        place = self._dataset.row_of(row.item) if row.item else None
        if place is not None:
            return place, "content"
        if not row.path or row.item.startswith(_SCHEMES):
            return None, ""
        for path in self._possible(row.path):
            if path in self._paths:
                return self._paths[path], "path"
        name = PurePosixPath(row.path.replace("\\", "/")).name
        return self._names.get(name), "name" if name in self._names else ""

    def _possible(self, path: str) -> Iterator[str]:
        """Yield a path, that below the source, and those from each folder in it, but no name."""
        yield path
        normal = posixpath.normpath(path.replace("\\", "/"))
        yield normal
        if normal.startswith(f"{self._root}/"):
            yield normal[len(self._root) + 1 :]
        parts = [part for part in normal.split("/") if part]
        for first in range(1, len(parts) - 1):
            yield "/".join(parts[first:])
