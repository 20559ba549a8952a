"""What became of the faults: counted by kind, checked against what was acknowledged, printed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from tests.faults.labeller import ME
from tuilabel.errors import SessionFileError, TuilabelError, UsageError
from tuilabel.journal import Draft, Event, EventKind, Journal, read_session
from tuilabel.journal.repair import repair

HEAD = ("kind of fault", "injected", "labels acknowledged", "labels lost", "opens, repaired, told")


@dataclass
class Tally:
    """What became of the faults of one kind.

    Attributes
    ----------
    kind : str
    injected : int
    acknowledged : int
        Labels of which it was said that they are saved.
    lost : int
        Those of them that are not there at the end, though their bytes are.
    opened, repaired, told : int
        Sessions that open as they are; that `tuilabel repair` made whole; of which a sentence
        says what is wrong.
    notes : Counter
        What else there is to say, with how often.
    wrong : list of str
        What must not be.
    impossible : str
        Why there can be none of them here.
    """

    kind: str
    injected: int = 0
    acknowledged: int = 0
    lost: int = 0
    opened: int = 0
    repaired: int = 0
    told: int = 0
    notes: Counter[str] = field(default_factory=Counter)
    wrong: list[str] = field(default_factory=list)
    impossible: str = ""

    @property
    def failed(self) -> bool:
        """Whether anything was lost, or went as it must not."""
        return bool(self.lost or self.wrong)

    def expect(self, holds: object, what: str) -> None:
        """Note what is wrong where something does not hold."""
        if not holds:
            self.wrong.append(what)

    def row(self) -> tuple[str, ...]:
        """Give the columns of the table."""
        notes = ", ".join(f"{count:,} {what}" for what, count in self.notes.items())
        wrong = "".join(f"; WRONG: {what}" for what in sorted(set(self.wrong))[:3])
        became = f"{self.opened:,}, {self.repaired:,}, {self.told:,}"
        counts = (f"{self.injected:,}", f"{self.acknowledged:,}", f"{self.lost:,}", became)
        impossible = f"not possible here: {self.impossible}" if self.impossible else ""
        return (self.kind, *counts, notes + impossible + wrong)


def table(tallies: Iterable[Tally]) -> str:
    """Write the table in Markdown."""
    tallies = list(tallies)
    rows: list[Sequence[str]] = [
        (*HEAD, "notes"),
        ("---",) * 6,
        *(tally.row() for tally in tallies),
    ]
    total = Tally("**all**")
    for name in ("injected", "acknowledged", "lost", "opened", "repaired", "told"):
        setattr(total, name, sum(getattr(tally, name) for tally in tallies))
    return "\n".join("| " + " | ".join(row) + " |" for row in (*rows, total.row()))


def is_sentence(text: str) -> bool:
    """Tell whether an error says in one line what was found and what to do."""
    return 20 < len(text) < 900 and "\n" not in text and text.endswith((".", "?"))


def check(
    path: Path, acknowledged: Sequence[Event], tally: Tally, gone: Iterable[str] = ()
) -> None:
    """Open what is left of a session, repair it where it does not open, and count what is there.

    Parameters
    ----------
    path : Path
    acknowledged : sequence of Event
        What was said to be saved.
    tally : Tally
    gone : iterable of str
        Uuids of events whose bytes the fault has taken: nobody can bring them back.
    """
    tally.acknowledged += len(acknowledged)
    events: list[Event] = []
    try:
        _, events = read_session(path)
        with Journal(path) as journal:
            tally.expect(list(journal.events()) == events, "reader and labeller differ")
            journal.append(Draft(EventKind.SKIP, "one more"), ME)
        tally.opened += 1
    except SessionFileError as error:
        tally.told += 1
        tally.expect(is_sentence(str(error)), f"no sentence: {error}")
        events = _repair(path, tally)
    there = {event.uuid: event for event in events}
    missing = {event.uuid for event in acknowledged if there.get(event.uuid) != event}
    tally.lost += len(missing - set(gone))
    if missing:
        tally.notes["labels' bytes destroyed"] += len(missing & set(gone))


def _repair(path: Path, tally: Tally) -> list[Event]:
    events: list[Event] = []
    try:
        try:
            done = repair(path)
        except UsageError:  # what it is about is gone
            done = repair(path, source="digits", class_names=("cat", "dog"))
        events = list(done.events)
        tally.expect(read_session(path)[1] == events, "a repaired file is not read back")
        with Journal(path) as journal:
            journal.append(Draft(EventKind.SKIP, "one more"), ME)
        tally.repaired += 1
    except TuilabelError as error:
        tally.expect(is_sentence(str(error)), f"no sentence: {error}")
    return events
