"""Merge a session into another: its logs and bulk files are copied."""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from tuilabel.errors import SaveError, SessionFileError, TuilabelError, UsageError
from tuilabel.events.lines import HIGHEST_COUNTER
from tuilabel.events.payloads import Adopted, Bulk, SpotCheck
from tuilabel.journal.journal import Journal
from tuilabel.journal.reader import LogFile
from tuilabel.journal.store import BULK, LOGS, Store
from tuilabel.session.imported import answer_event
from tuilabel.session.view import SessionView
from tuilabel.text import shown_path
from tuilabel.workspace.opening import open_dataset_of

if TYPE_CHECKING:
    from tuilabel.progress import Progress

_LARGEST, _PART = 2**31, 2**20
_SPARE_COUNTERS = 2**32
_SAFE_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,120}")


@dataclass
class Merged:
    """What a merge copies.

    Attributes
    ----------
    copied : list of str
        Names of the new files, below the session's folder.
    present : list of str
        Names of files that the session has already.
    refused : dict of str to str
        Why a file was not copied, by its name in the other session.
    adopted : str or None
        The uuid of the other session, if the session adopts it by this merge.
    items : int
        Number of items with an answer in the other session.
    unmatched : list of (str, str)
        Ids and names of those that are not in the session's source.
    source_problem : str or None
        Why it is not known which are in the source.
    """

    copied: list[str] = field(default_factory=list)
    present: list[str] = field(default_factory=list)
    refused: dict[str, str] = field(default_factory=dict)
    adopted: str | None = None
    items: int = 0
    unmatched: list[tuple[str, str]] = field(default_factory=list)
    source_problem: str | None = None


def merge(
    target: Path,
    other: Path,
    annotator: str,
    *,
    dry_run: bool = False,
    progress: Progress | None = None,
) -> Merged:
    """Copy the logs and bulk files of another session into a session.

    No file of either is changed. A log of the same name with other content is copied under another
    name; events that both have count once.

    Parameters
    ----------
    target, other : Path
    annotator : str
        Who adopts the other session, if it has another uuid.
    dry_run : bool
        Whether nothing is written.
    progress : callable, optional
        Called with the progress of opening the source, see `Merged.unmatched`.

    Raises
    ------
    SessionFileError
        One of them cannot be read.
    UsageError
        They are one session, or have no item in common.
    SaveError
        The session cannot be written.
    """
    if target.resolve() == other.resolve():
        raise UsageError(f"{shown_path(target)} is the same session. Name another one to merge.")
    ours, theirs = SessionView(target), SessionView(other)
    if ours.about.multi != theirs.about.multi:
        one, none = (target, other) if ours.about.multi else (other, target)
        raise UsageError(
            f"{shown_path(one)} was made with --multi and {shown_path(none)} without, so nothing "
            "is merged. Merge sessions of one kind."
        )
    if theirs.reader.highest > HIGHEST_COUNTER - _SPARE_COUNTERS:
        raise SessionFileError(
            f"{shown_path(other)} is not merged: {theirs.reader.highest_at} would use up the "
            "counter of events. Move that log out of it."
        )
    merged = Merged()
    _match(ours, theirs, merged, progress)
    is_another = theirs.about.uuid not in ours.reader.uuids
    if is_another and merged.items and len(merged.unmatched) == merged.items:
        raise UsageError(
            f"None of the images labelled in {shown_path(other)} are in the source of "
            f"{shown_path(target)}, so nothing is merged. Merge sessions of the same images."
        )
    # An event never names a file that is not there.
    store = ours.reader.store
    for found, name in [*_bulk_files(theirs, merged), *_logs(theirs, merged)]:
        try:
            content, name = _content(_read(theirs.reader.store, found), store, name)
        except OSError as error:
            merged.refused[shown_path(found)] = error.strerror or str(error)
            continue
        if content is None:
            merged.present.append(name)
            continue
        merged.copied.append(name)
        if not dry_run:
            _write(store, name, content, target)
    if is_another:
        merged.adopted = theirs.about.uuid
        if not dry_run:
            with Journal(target, annotator, ours.source, reader=ours.reader) as journal:
                journal.append([Adopted(theirs.about.uuid)], annotator)
    return merged


def _match(
    ours: SessionView, theirs: SessionView, merged: Merged, progress: Progress | None
) -> None:
    answered = list(theirs.known.answered())
    merged.items = len(answered)
    try:
        dataset = open_dataset_of(ours, progress)
    except (TuilabelError, OSError) as error:
        merged.source_problem = str(error)
        return
    for item in answered:
        if dataset.row_of(item) is None:
            standing = theirs.known.standing(item)
            event = (
                None
                if standing is None
                else answer_event(
                    theirs.events[standing.given.number], theirs.known, standing.given
                )
            )
            names = getattr(event and event.payload, "references", ())
            merged.unmatched.append((item, shown_path(next(iter(names), ""))))


def _logs(theirs: SessionView, merged: Merged) -> Iterator[tuple[str, str]]:
    problems = {problem.file: problem.text for problem in theirs.problems}
    if LOGS in problems:
        merged.refused[LOGS] = problems[LOGS]
    for file in theirs.reader.files():
        if file.foreign is not None or file.log is None:
            merged.refused[shown_path(file.name)] = problems.get(file.name, "it has no event")
        else:
            yield file.name, f"{LOGS}/{_safe_stem(file)}.jsonl"


def _safe_stem(file: LogFile) -> str:
    for stem in (file.path.stem, file.log.name if file.log else ""):
        if _SAFE_NAME.fullmatch(stem):
            return stem
    return hashlib.sha256(os.fsencode(file.path.name)).hexdigest()[:16]


def _bulk_files(theirs: SessionView, merged: Merged) -> Iterator[tuple[str, str]]:
    payloads = [event.payload for event in theirs.known.bulk_events() + theirs.known.checks]
    for payload in payloads:
        bulk = payload.bulk if isinstance(payload, SpotCheck) else payload
        assert isinstance(bulk, Bulk)
        name = f"{BULK}/{Path(bulk.file).name}"
        if not theirs.reader.bulk_lines(bulk) and bulk.count:
            merged.refused[shown_path(name)] = "it is missing or damaged"
        else:
            yield name, name


def _content(content: bytes, ours: Store, name: str) -> tuple[bytes | None, str]:
    """Return the bytes to copy, None if the session has them, and the name for them."""
    for _ in range(2):
        try:
            present = _read(ours, name)
        except FileNotFoundError:
            return content, name
        if present.startswith(content):
            return None, name
        if name.startswith(BULK):
            raise OSError("the session has another file of this name, so one is damaged")
        stem = Path(name).stem
        name = f"{LOGS}/{stem}-{hashlib.sha256(content).hexdigest()[:8]}.jsonl"
    raise OSError("the session has damaged copies of it")


def _read(store: Store, name: str) -> bytes:
    content, size = bytearray(), store.size(name)
    while (count := len(content)) < size:
        if size > _LARGEST or store.skip_hole(name, count) > count:
            raise OSError("it is too large, or has holes")
        part = store.read(name, count, min(_PART, size - count))
        if not part:
            raise OSError("it has become shorter")
        content += part
    return bytes(content)


def _write(store: Store, name: str, content: bytes, target: Path) -> None:
    try:
        store.write(name, content)
    except OSError as error:
        raise SaveError(
            f"{shown_path(target / name)} cannot be written ({error.strerror or error}). Fix that, "
            "and repeat the merge: what was copied is not copied again."
        ) from error
