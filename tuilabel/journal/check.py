"""A report on a session: what is there, what is damaged, and what is missing."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from msgspec import to_builtins

from tuilabel.errors import SessionFileError
from tuilabel.journal.files import SUFFIX
from tuilabel.journal.folder import BULK, LOGS, SESSION
from tuilabel.journal.journal import Journal
from tuilabel.journal.payloads import About, Bulk
from tuilabel.journal.runs import Run
from tuilabel.journal.union import Problem
from tuilabel.text import counted, inert, shown_path

HEALING = (
    "A whole copy of a damaged log, put beside it under another name that ends in .jsonl, heals "
    "the session; so does a missing log that is put back."
)


@dataclass(frozen=True)
class Report:
    """What is in a session.

    Attributes
    ----------
    path : str
    about : About
    runs : list of Run
    kinds : dict of str to int
        Number of events by kind.
    passed_over : dict of str to int
        Number of events of a newer tuilabel, by kind.
    problems : list of Problem
    unjudged : list of str
        Names of the logs without a closing event: whether events are missing at their end cannot
        be told, unless another log has seen them.
    others : list of str
        Names of files that are no part of a session.
    """

    path: str
    about: About
    runs: list[Run]
    kinds: dict[str, int]
    passed_over: dict[str, int]
    problems: list[Problem]
    unjudged: list[str]
    others: list[str]

    def as_dict(self) -> dict[str, Any]:
        """Return the report as values for JSON."""
        values: dict[str, Any] = to_builtins(self)
        for run, one in zip(values["runs"], self.runs, strict=True):
            del run["grew"]
            run["name"] = inert(one.name)
        for problem, found in zip(values["problems"], self.problems, strict=True):
            problem |= {"log": shown_path(found.log), "text": found.text}
        return values

    def lines(self) -> list[str]:
        """Return the report as sentences, harmless for a terminal."""
        events = counted(sum(self.kinds.values()), "event")
        found = [f"{self.path}: {events} in {counted(len(self.runs), 'log')}."]
        found += [problem.text for problem in self.problems]
        found += [
            f"{counted(number, 'event')} of the kind {kind} are passed over: they need a newer "
            "tuilabel."
            for kind, number in self.passed_over.items()
        ]
        found += [f"{name} is no part of a session." for name in self.others]
        if any(problem.healed is None for problem in self.problems):
            found.append(HEALING)
        if self.unjudged:
            found.append(
                f"Without a closing event: {', '.join(self.unjudged)}. Events that are missing at "
                "the end of such a log are noticed only if another log has seen them."
            )
        return found


def check_session(path: Path) -> Report:
    """Read a whole session, and write nothing.

    Raises
    ------
    SessionFileError
        It is no session, or of a newer tuilabel.
    """
    journal = Journal(path)
    kinds: Counter[str] = Counter()
    bulks: dict[str, Bulk] = {}
    for _ in range(2):  # A log that is growing may end in half a line the first time.
        for event in journal.read():
            kinds[event.kind] += 1
            if isinstance(event.payload, Bulk):
                bulks[event.payload.file] = event.payload
    problems = journal.problems()
    for name, bulk in bulks.items():
        try:
            journal.bulk_lines(bulk)
        except SessionFileError as error:
            problems.append(Problem(f"{BULK}/{name}", str(error).rstrip(".")))
    runs = sorted(journal.runs.values(), key=lambda run: run.name)
    return Report(
        path=shown_path(path),
        about=journal.about,
        runs=runs,
        kinds=dict(kinds),
        passed_over=dict(journal.unknown),
        problems=problems,
        unjudged=[inert(run.name) for run in runs if not run.is_closed],
        others=_others(path, bulks),
    )


def _others(path: Path, bulks: dict[str, Bulk]) -> list[str]:
    names = [name.name for name in path.iterdir() if name.name not in (SESSION, LOGS, BULK)]
    for folder in (LOGS, BULK):
        for file in (path / folder).glob("*"):
            if file.suffix != SUFFIX or (folder == BULK and file.name not in bulks):
                names.append(f"{folder}/{file.name}")
    return sorted(map(shown_path, names))
