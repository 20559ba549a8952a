"""Sessions for the tests of the journal."""

from __future__ import annotations

from pathlib import Path

from tuilabel.events.lines import Event
from tuilabel.events.payloads import About, Label
from tuilabel.journal.description import create_session
from tuilabel.journal.journal import Journal
from tuilabel.journal.reader import Reader

ABOUT = About(uuid="session", source="digits", seed=3, audit=0.2)


def label(number: int) -> Label:
    """Return the label that is given as the n-th."""
    return Label(
        item=f"a1:{number:032x}",
        class_id=f"c1:{number % 2:016x}",
        round=1 + number // 10,
        ms=number,
        probabilities={"c1:0000000000000000": 0.25},
        names=(f"{number}.png",),
    )


def session(folder: Path, name: str = "s", about: About = ABOUT) -> Path:
    """Create a session."""
    path = folder / f"{name}.tuilabel"
    assert create_session(path, about)
    return path


def written(path: Path, labels: int, by: str = "anna", first: int = 0) -> list[Event]:
    """Let an annotator label; return the events."""
    with Journal(path, by, "/somewhere") as journal:
        journal.read()
        return [journal.append([label(n)], by)[0] for n in range(first, first + labels)]


def answers(events: list[Event]) -> list[Event]:
    """Return the labels among events."""
    return [event for event in events if isinstance(event.payload, Label)]


def read(path: Path) -> tuple[list[Event], list[str]]:
    """Read a session; return its labels, and what is wrong with it."""
    reader = Reader(path)
    return answers(reader.read()), list(map(str, reader.problems))


def the_log(path: Path) -> Path:
    """Return the only log of a session."""
    (log,) = (path / "log").glob("*.jsonl")
    return log
