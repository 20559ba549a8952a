"""A report on the files of a session; nothing is written."""

from __future__ import annotations

import shlex
from collections.abc import Iterable
from pathlib import Path
from typing import TypedDict

from tuilabel.events.payloads import Bulk, SpotCheck
from tuilabel.journal.reader import LogFile, Problem, Reader
from tuilabel.session import spot_checks
from tuilabel.text import counted, inert, shown_path


class LogReport(TypedDict):
    """One log: its file, the annotator and host, the number of events, and whether it has ended."""

    file: str
    annotator: str | None
    host: str | None
    events: int
    has_ended: bool
    is_open: bool


class CheckReport(TypedDict):
    """What `tuilabel check --json` prints.

    `problems` has the file, the number of the line or None, and a text for each. `is_healed` tells
    whether nothing is lost, because an undamaged copy stands in for each. `unjudged` names the logs
    that do not end with the closing event of their run: whether events are missing at their ends
    cannot be known, except that other logs have recorded how far they were read. `spot_checks` has
    a text for each random check of the rest: its draw was repeated from its seed and its set.
    """

    session: str
    uuid: str
    logs: list[LogReport]
    events: int
    problems: list[tuple[str, int | None, str]]
    is_healed: bool
    spot_checks: list[str]
    unjudged: list[str]


def check_session(path: Path) -> CheckReport:
    """Return a report on the files of a session.

    Raises
    ------
    SessionFileError
        There is no session, or nothing of it can be read.
    """
    reader = Reader(path)
    events = reader.read()
    checks = []
    for event in events:
        if isinstance(event.payload, Bulk):
            reader.bulk_lines(event.payload)
        elif isinstance(event.payload, SpotCheck):
            lines = reader.bulk_lines(event.payload.bulk)
            wrong = spot_checks.problem(event.payload, lines)
            said = wrong or f"{counted(len(event.payload.items), 'item')} drawn as its seed says"
            checks.append(f"check by {inert(event.by, 40)}: {said}")
    logs = [_report(file, reader) for file in reader.files()]
    problems = reader.problems
    return CheckReport(
        session=str(path),
        uuid=reader.about.uuid,
        logs=logs,
        events=len(events),
        problems=[(one.file, one.line, one.text) for one in problems],
        is_healed=all(one.is_healed for one in problems),
        spot_checks=checks,
        unjudged=[log["file"] for log in logs if not log["has_ended"]],
    )


def damage_text(path: Path, problems: Iterable[Problem]) -> str:
    """Return a sentence about the parts of a session that do not count; empty if all do."""
    lost = [problem for problem in problems if not problem.is_healed]
    if not lost:
        return ""
    parts = counted(len(lost), "part is", "parts are")
    return (
        f"{shown_path(path)} is incomplete: `tuilabel check {shlex.quote(shown_path(path))}` says "
        f"how to heal it. {parts} damaged or missing, the first in {lost[0]}."
    )


def _report(file: LogFile, reader: Reader) -> LogReport:
    log = file.log
    begin = None if log is None else log.begin
    return LogReport(
        file=file.name,
        annotator=None if begin is None else begin.annotator,
        host=None if begin is None else begin.host,
        events=file.number,
        has_ended=file.has_ended,
        is_open=log is not None and not reader.is_over(log.name),
    )
