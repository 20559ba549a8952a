"""A report on the files of a session; nothing is written."""

from __future__ import annotations

from pathlib import Path
from typing import TypedDict

from tuilabel.journal.description import LOGS
from tuilabel.journal.payloads import Bulk
from tuilabel.journal.reader import Reader


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

    `problems` has the file, the number of the line or None, and a text for each. `last` names the
    log that was written last: its newest events have been recorded in no other log, so whether some
    are missing cannot be judged.
    """

    session: str
    uuid: str
    logs: list[LogReport]
    events: int
    problems: list[tuple[str, int | None, str]]
    last: str | None


def check_session(path: Path) -> CheckReport:
    """Return a report on the files of a session.

    Raises
    ------
    SessionFileError
        There is no session, or nothing of it can be read.
    """
    reader = Reader(path)
    events = reader.read()
    for event in events:
        if isinstance(event.payload, Bulk):
            reader.bulk_lines(event.payload)
    logs = [
        LogReport(
            file=f"{LOGS}/{log.name}.jsonl",
            annotator=None if log.begin is None else log.begin.annotator,
            host=None if log.begin is None else log.begin.host,
            events=log.number,
            has_ended=log.has_ended,
            is_open=not reader.is_over(log.name),
        )
        for log in reader.logs.values()
    ]
    return CheckReport(
        session=str(path),
        uuid=reader.about.uuid,
        logs=logs,
        events=len(events),
        problems=[(one.file, one.line, one.text) for one in reader.problems],
        last=f"{LOGS}/{events[-1].log}.jsonl" if events else None,
    )
