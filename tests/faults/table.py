"""The outcome of faults: counted by kind, checked against what was acknowledged, printed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from tests.faults.labeller import label, open_journal
from tuilabel.errors import SessionFileError
from tuilabel.events.lines import Event
from tuilabel.events.payloads import Bulk, Label
from tuilabel.journal.description import is_session
from tuilabel.session.view import SessionView
from tuilabel.workspace.checking import check_session

HEAD = ("kind of fault", "injected", "labels acknowledged", "labels lost", "opens, reported")


@dataclass
class Tally:
    """The outcome of the faults of one kind.

    Attributes
    ----------
    kind : str
    injected : int
    acknowledged : int
        Labels that were reported as saved.
    lost : int
        Acknowledged events that are not there in the end although their bytes are.
    opened, told : int
        Sessions that open, and sessions about which a sentence says what is damaged or missing.
    notes : Counter
        What else there is to report, with its number.
    wrong : list of str
        What must not happen.
    impossible : str
        Why this kind cannot be injected here.
    """

    kind: str
    injected: int = 0
    acknowledged: int = 0
    lost: int = 0
    opened: int = 0
    told: int = 0
    notes: Counter[str] = field(default_factory=Counter)
    wrong: list[str] = field(default_factory=list)
    impossible: str = ""

    @property
    def failed(self) -> bool:
        """Whether anything was lost, or went wrong."""
        return bool(self.lost or self.wrong)

    def expect(self, holds: object, what: str) -> None:
        """Record what is wrong if something does not hold."""
        if not holds:
            self.wrong.append(what)

    def row(self) -> tuple[str, ...]:
        """Return the columns of the table."""
        notes = ", ".join(f"{count:,} {what}" for what, count in self.notes.items() if count)
        wrong = "".join(f"; WRONG: {what}" for what in sorted(set(self.wrong))[:3])
        became = f"{self.opened:,}, {self.told:,}"
        counts = (f"{self.injected:,}", f"{self.acknowledged:,}", f"{self.lost:,}", became)
        impossible = f"not possible here: {self.impossible}" if self.impossible else ""
        return (self.kind, *counts, notes + impossible + wrong)


def table(tallies: Iterable[Tally]) -> str:
    """Return the table in Markdown."""
    tallies = list(tallies)
    rows: list[Sequence[str]] = [
        (*HEAD, "notes"),
        ("---",) * 6,
        *(tally.row() for tally in tallies),
    ]
    total = Tally("**all**")
    for name in ("injected", "acknowledged", "lost", "opened", "told"):
        setattr(total, name, sum(getattr(tally, name) for tally in tallies))
    return "\n".join("| " + " | ".join(row) + " |" for row in (*rows, total.row()))


def is_sentence(text: str) -> bool:
    """Return whether an error says in one line what was found and what to do."""
    return 20 < len(text) < 900 and "\n" not in text and text.endswith((".", "?"))


def contents(path: Path) -> dict[str, bytes]:
    """Return the content of each file of a session by its name."""
    files = (file for file in path.rglob("*") if file.is_file())
    return {str(file.relative_to(path)): file.read_bytes() for file in files}


def check(
    path: Path,
    acknowledged: Sequence[Event],
    tally: Tally,
    gone: Collection[str] = (),
    *,
    must_be_reported: bool = False,
) -> list[str]:
    """Open what is left of a session, count what is there, and label on.

    Parameters
    ----------
    path : Path
    acknowledged : sequence of Event
        What was reported as saved.
    tally : Tally
    gone : collection of str
        Ids of events whose bytes the fault has taken: nobody can bring them back.
    must_be_reported : bool
        Whether the session has to say that something is damaged or missing.

    Returns
    -------
    list of str
        What it says about damaged and missing parts.
    """
    tally.acknowledged += sum(isinstance(event.payload, Label) for event in acknowledged)
    if not is_session(path):
        tally.lost += len(acknowledged)
        tally.expect(not acknowledged, "the session is not there")
        tally.notes["before there was a session"] += 1
        return []
    before = contents(path)
    try:
        view = SessionView(path)
        problems = list(map(str, view.problems))
        lost = _missing(view, acknowledged)
    except SessionFileError as error:
        tally.expect(is_sentence(str(error)), f"no sentence: {error}")
        problems, lost = [str(error)], {event.id for event in acknowledged}
    else:
        tally.opened += 1
        _label_on(view, tally)
        after = contents(path)
        tally.expect(
            all(after.get(name) == content for name, content in before.items()),
            "a file that was there has changed",
        )
    tally.told += bool(problems)
    tally.expect(problems or not must_be_reported, "damage is not reported")
    tally.lost += len(lost - set(gone))
    tally.notes["events' bytes destroyed"] += len(lost & set(gone))
    if lost and not must_be_reported:
        tally.notes["cut where no other log has seen the end"] += 1
    return problems


def _missing(view: SessionView, acknowledged: Sequence[Event]) -> set[str]:
    """Return the ids of events that are not there as acknowledged, with their bulk files."""
    there = {found.id: found[2:6] for found in view.events}
    in_effect = {batch.event.id: batch.held for batch in view.known.auto_batches()}
    return {
        event.id
        for event in acknowledged
        if there.get(event.id) != event[2:6]
        or (isinstance(event.payload, Bulk) and in_effect[event.id] != event.payload.count)
    }


def _label_on(view: SessionView, tally: Tally) -> None:
    """Let another annotator label; that adds to what is there, and changes nothing."""
    reported = [text for _, _, text in check_session(view.path)["problems"]]
    tally.expect(
        sorted(reported) == sorted(problem.text for problem in view.problems),
        "check reports something else",
    )
    with open_journal(view.path, "another") as journal:
        (more,) = journal.append([label(0, "another")], "another")
    ids = [event.id for event in SessionView(view.path).events]
    before = [event.id for event in view.events]
    # A first event, which says whose log it is, comes before it.
    tally.expect(ids[: len(before)] == before, "one more answer changed what was there")
    tally.expect(more.id in ids[len(before) :], "one more answer is lost")
