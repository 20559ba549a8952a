"""Checks of what is left of a session: begun beside the screen, and made into auto-labels."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from tuilabel.errors import SessionFileError, UsageError
from tuilabel.events.payloads import AUTO_ORIGIN, Bulk, BulkLine, SpotCheck, stored_names
from tuilabel.journal.journal import Journal
from tuilabel.session.spot_checks import ERROR, MOST_DRAWN, CheckResult, draw, results
from tuilabel.session.view import SessionView
from tuilabel.settings import resolve
from tuilabel.text import shown_path
from tuilabel.workspace.opening import Workspace

REST = "rest"
"""The method of auto-labels for what a check has covered."""


def plan_check(
    work: Workspace, units: Sequence[Sequence[int]], sought: str, other: str, count: int
) -> SpotCheck:
    """Write the set of a check, and draw from it; the check begins with the event.

    It touches the disk, and so belongs into the thread of `work.writer`.

    Parameters
    ----------
    work : Workspace
    units : sequence of sequence of int
        What `Session.rest` returned.
    sought, other : str
        The class that is looked for, and that which every item is believed to have.
    count : int
        How many units to draw.

    Raises
    ------
    SaveError
    """
    ids, references = work.dataset.ids, work.dataset.references
    lines: dict[str, BulkLine] = {}
    for first, *others in units:
        head = ids[first]
        for row in (first, *others):
            item, names = ids[row], stored_names(references(row))
            # Equal files are one item, in the first group that has it.
            unit = "" if row == first else head
            lines.setdefault(item, BulkLine(item=item, class_id=other, names=names, unit=unit))
    asked = [line.item for line in lines.values() if not line.unit]
    name, sha256, written = work.journal.write_bulk(lines.values())
    rng = np.random.default_rng([work.session.about.seed, 4, len(work.session.known.checks)])
    seed = int(rng.integers(2**53))
    return SpotCheck(
        file=name,
        sha256=sha256,
        count=written,
        class_id=sought,
        units=len(asked),
        seed=seed,
        items=draw(asked, min(count, MOST_DRAWN), seed),
    )


class RestLabels(NamedTuple):
    """The rest of a session as auto-labels.

    Attributes
    ----------
    result : CheckResult
        The newest check that is complete.
    sought, other : str
        The names of the class that was looked for, and of that of the auto-labels.
    images : int
        How many items of the set have no answer.
    """

    result: CheckResult
    sought: str
    other: str
    images: int


def label_rest(path: Path, *, dry_run: bool = False) -> RestLabels:
    """Label what a check has covered and nobody has answered, with the other class.

    These are auto-labels, written with one event, in place of earlier ones. Items that were added
    after the check began are not among them.

    Parameters
    ----------
    path : Path
        The session.
    dry_run : bool
        Whether nothing is written.

    Raises
    ------
    SessionFileError, SaveError
        The session, or the set of the check, cannot be read, or nothing can be written.
    UsageError
        No check is complete, or what it covers is labelled.
    """
    view = SessionView(path)
    known, classes = view.known, view.known.classes
    pairs = zip(results(known), known.checks, strict=True)
    complete = [(found, event) for found, event in pairs if found.at_most is not None]
    if not complete:
        raise UsageError(
            "No check of the rest is complete in this session. Press Tab e while you label to "
            "begin one, and answer all the images that it draws."
        )
    result, event = complete[-1]
    check = event.payload
    assert isinstance(check, SpotCheck)
    lines = view.reader.bulk_lines(check.bulk)
    if not lines:
        raise SessionFileError(
            f"The set of the check, {shown_path(path / 'bulk' / check.file)}, is missing or "
            "damaged. Put an undamaged copy of the file there, or check the rest again."
        )
    other = classes.resolved(lines[0].class_id)
    if {info.id for info in classes} != {result.class_id, other}:
        raise UsageError(
            "The session no longer has the two classes of the check, so what is left may be of "
            "another class. Begin another check, or use another --method."
        )
    newest = [batch.event.payload for batch in known.auto_batches()[-1:]]
    if any(isinstance(one, Bulk) and one.settings.get("check") == event.id for one in newest):
        raise UsageError("What the check has covered is labelled already: --revert takes it back.")
    count = sum(not known.is_answered(line.item) for line in lines)
    if count and not dry_run:
        bulk = Bulk(
            file=check.file,
            sha256=check.sha256,
            count=check.count,
            origin=AUTO_ORIGIN,
            replaces=tuple(batch.event.id for batch in known.auto_batches()),
            method=REST,
            settings={"check": event.id},
            estimate={"count": result.left, "wrong_at_most": result.at_most, "error": ERROR},
        )
        annotator = resolve({}).annotator
        with Journal(path, annotator, view.source) as journal:
            journal.read()
            journal.append([bulk], annotator)
    return RestLabels(result, classes.name(result.class_id), classes.name(other), count)
