"""Labels and suggestions of another tool, matched with the images of a session."""

from __future__ import annotations

import marshal
import tempfile
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import chain, islice
from pathlib import Path

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
from tuilabel.session.class_sets import ClassSet, contradict, decoded, is_set
from tuilabel.session.units import Units
from tuilabel.session.view import SessionView
from tuilabel.settings import resolve
from tuilabel.text import inert
from tuilabel.workspace.drafts import Drafts
from tuilabel.workspace.matching import ClassNames, Images
from tuilabel.workspace.opening import open_dataset_of

MOST_LINES = 2_000_000
"""Labels of one import at most."""

_MOST_NAMED = 5
_MOST_UNKNOWN = 1000
_LOOKED_AT = 1000
_BETWEEN = "|"
"""Between the names of several classes in one text, as an export writes them."""


@dataclass
class Some:
    """A number of things, and the first few of them in words."""

    count: int = 0
    first: list[str] = field(default_factory=list)

    def add(self, what: str) -> None:
        """Count one more."""
        self.count += 1
        if self.count <= _MOST_NAMED:
            self.first.append(what)


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
    drafts : Drafts
    rows : int
        Number of rows in the file.
    images : int
        Number of images to import a label of.
    matched : Counter of str
        Number of rows with an image of the session, by ``content``, ``path`` and ``name``.
    unmatched, ambiguous : Some
        Rows without an image in the session, and those whose name several images have.
    unlabelled, several, of_models, remarks : int
        Number of rows without a class, of rows with several classes where an image has one, of rows
        with a model's label, and of rows with a flag or a note, which is not imported.
    unknown : Counter of str
        Number of rows by the name of a class that the session does not have.
    unlisted : int
        Number of rows with further unknown classes: a column that is no class has many values.
    conflicts : Some
        Images about which one annotator's rows disagree.
    same, other : int
        Number of images to which the session has given the same class, and another one.
    audit : int
        Number of labels of the audit set.
    """

    view: SessionView = field(repr=False)
    method: str
    is_of_labels: bool
    drafts: Drafts = field(default_factory=Drafts, repr=False)
    rows: int = 0
    images: int = 0
    matched: Counter[str] = field(default_factory=Counter)
    unmatched: Some = field(default_factory=Some)
    ambiguous: Some = field(default_factory=Some)
    unlabelled: int = 0
    several: int = 0
    of_models: int = 0
    remarks: int = 0
    unknown: Counter[str] = field(default_factory=Counter)
    unlisted: int = 0
    conflicts: Some = field(default_factory=Some)
    same: int = 0
    other: int = 0
    audit: int = 0

    @property
    def count(self) -> int:
        """The number of labels or suggestions to import."""
        return len(self.drafts.places)


def plan_import(
    path: Path,
    rows: Iterable[ImportRow],
    method: str,
    *,
    as_suggestions: bool = False,
    by: str | None = None,
    unit: str = "line",
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
    unit : str
        What rows are numbered by.
    progress : callable, optional

    Raises
    ------
    TuilabelError
        The session, its source or the rows cannot be read.
    """
    view = SessionView(path)
    found = Import(view, method, not as_suggestions)
    rows = iter(rows)
    # Most of what is wrong with a file is known before the source is opened.
    rows = chain(list(islice(rows, _LOOKED_AT)), rows)
    meaning = _Meaning(found, ClassNames(view.known.classes))
    if meaning.is_of_sets:
        rows = _noted(rows, meaning.learn)
    dataset = open_dataset_of(view, progress)
    images = Images(dataset)
    audit = 0.0 if dataset.holdout is not None else view.about.audit
    units = Units(dataset, view.known)
    paths = units.role_paths(range(len(dataset)))
    reserved = Candidates(paths, audit, view.about.seed).reserved
    is_reserved = reserved.tobytes()
    drafts, references = found.drafts, dataset.references
    codes: dict[str, str] = {}
    for row, by_content in _found_by_id(rows, dataset):
        found.rows += 1
        found.remarks += row.has_remark
        if found.is_of_labels and row.origin == AUTO_ORIGIN:
            found.of_models += 1
            continue
        code = codes.get(row.class_name) if row.classes is None else None
        if code is None and not meaning.has_any(row):
            found.unlabelled += 1
            continue
        place, how = images.find(row) if by_content < 0 else (by_content, "content")
        if place is None:
            which = found.ambiguous if how else found.unmatched
            which.add(f"{unit} {row.line:,}: {inert(row.path or row.item, 200)}")
            continue
        found.matched[how] += 1
        if code is None:
            code = meaning.code(row)
            if code is None:
                continue
            if row.classes is None and not meaning.is_of_sets and not row.is_folder:
                codes[row.class_name] = code
        item = row.item if by_content >= 0 else dataset.ids[place]
        names = stored_names(references(place))
        line = BulkLine(item=item, class_id=code, probability=row.probability, names=names)
        if found.is_of_labels:
            line = BulkLine(
                item=item,
                class_id=code,
                probability=row.probability,
                by=row.by or by,
                at=row.time,
                names=names,
                audit=is_reserved[place] == 1,
                origin=row.origin,
                round=row.round,
                ms=row.ms,
                reason=row.reason,
                draw=row.draw,
            )
        drafts.add(place, code, row.line, _saying(line, code) if is_set(code) else line)
        if len(drafts) > MOST_LINES:
            raise UsageError(
                f"More than {MOST_LINES:,} rows have an image of the session; one import has at "
                "most so many: divide the file."
            )
    for number, place in found.drafts.settle(meaning.joined, by_share=as_suggestions):
        reference = next(iter(dataset.references(place)), dataset.ids[place])
        found.conflicts.add(f"{unit} {number:,}: {inert(reference, 200)}")
    places = found.drafts.places
    found.images = len(set(places.tolist()))
    found.audit = int(reserved[places].sum()) if found.is_of_labels else 0
    _compare(found, dataset)
    return found


def write_import(found: Import) -> Event:
    """Write an import as one file and one event.

    Raises
    ------
    SaveError
        It may not be on disk.
    """
    with _journal(found.view) as journal:
        name, sha256, count = journal.write_bulk(found.drafts.lines(_saying))
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


def _found_by_id(rows: Iterable[ImportRow], dataset: Dataset) -> Iterator[tuple[ImportRow, int]]:
    """Yield rows with those of the dataset that have their item ids, -1 for none.

    Many are looked for at once, which takes a tenth of the time.
    """
    rows = iter(rows)
    while some := list(islice(rows, _LOOKED_AT)):
        ids = [row.item for row in some]
        places = dataset.rows_of(ids).tolist() if any(ids) else [-1] * len(ids)
        yield from zip(some, places, strict=True)


def _noted(rows: Iterable[ImportRow], note: Callable[[ImportRow], object]) -> Iterator[ImportRow]:
    """Yield rows after all of them were noted. Until then they are on disk: there may be many."""
    with tempfile.TemporaryFile() as file, suppress(EOFError):
        for row in rows:
            note(row)
            marshal.dump(tuple(row), file)
        file.seek(0)
        while True:
            yield ImportRow(*marshal.load(file))


def _saying(line: BulkLine, code: str) -> BulkLine:
    """Return a line with a class, or with a set of classes."""
    if not is_set(code):
        return replace(line, class_id=code)
    chosen, others = (tuple(sorted(ids)) for ids in decoded(code))
    return replace(line, class_id="", class_ids=chosen, others=others)


def _compare(found: Import, dataset: Dataset) -> None:
    """Count the images that the session has labelled already."""
    known, classes = found.view.known, found.view.known.classes
    if not known.labels_held:
        return
    for place, code in zip(found.drafts.places.tolist(), found.drafts.codes(), strict=True):
        standing = known.standing(dataset.ids[place])
        if standing is not None and standing.class_id is not None:
            if standing.class_id == classes.resolved(code):
                found.same += 1
            else:
                found.other += 1


class _Meaning:
    """What rows say about the classes of their images: one class each, or a set with --multi.

    Parameters
    ----------
    found : Import
        Where rows are counted that say nothing.
    names : ClassNames
    """

    def __init__(self, found: Import, names: ClassNames) -> None:
        self._found, self._names = found, names
        about, classes = found.view.about, found.view.known.classes
        self.is_of_sets = about.multi and found.is_of_labels
        self._open = frozenset(info.id for info in classes)
        self._listed: set[str] = set()
        self._above = classes.above

    def learn(self, row: ImportRow) -> None:
        """Note the classes that lists in the file name: an image with a list has no other."""
        self._listed |= {id_ for name in row.classes or () if (id_ := self._names.find(name))}

    def has_any(self, row: ImportRow) -> bool:
        """Return whether a row says anything about classes."""
        if not self.is_of_sets:
            return bool(row.class_name)
        lists = row.classes, row.others, row.unknown
        return bool(row.class_name) or any(each is not None for each in lists)

    def code(self, row: ImportRow) -> str | None:
        """Return the class in a row, or its set; None, and count it, if the session has none."""
        if self.is_of_sets:
            return self._set(row)
        if row.classes is not None and len(row.classes) > 1:
            self._found.several += 1
            return None
        return self._class(row, row.class_name)

    def _class(self, row: ImportRow, name: str) -> str | None:
        found = self._names.find(name, is_folder=row.is_folder)
        if found is None:
            name, unknown = inert(name), self._found.unknown
            if name in unknown or len(unknown) < _MOST_UNKNOWN:
                unknown[name] += 1
            else:
                self._found.unlisted += 1
        return found

    def _set(self, row: ImportRow) -> str | None:
        named: Collection[str] = row.classes if row.classes is not None else ()
        if row.classes is None and row.class_name:
            named = row.class_name.split(_BETWEEN)
        chosen = frozenset(id_ for name in named if (id_ := self._class(row, name)))
        others = frozenset[str]()
        if row.unknown is not None:
            others = self._open - {self._names.find(name) for name in row.unknown}
        elif row.others is not None:
            others = frozenset(id_ for name in row.others if (id_ := self._names.find(name)))
        elif row.classes is not None:
            others = frozenset(self._listed)
        if not chosen and (named or not others):
            self._found.unlabelled += not named
            return None
        return ClassSet(chosen, others).coded

    def joined(self, one: str, other: str) -> str | None:
        """Return what two rows say together; None if they contradict each other."""
        if not self.is_of_sets or contradict(one, other, self._above):
            return None
        a, b = decoded(one), decoded(other)
        return ClassSet(a.chosen | b.chosen, a.others | b.others).coded
