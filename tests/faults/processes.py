"""Kills at any moment, clocks that go backwards, and several processes at one session."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

from tests.faults.context import Context, Kind
from tests.faults.labeller import ABOUT, as_event, as_text, batch, label, open_journal
from tests.faults.preload import REPOSITORY
from tests.faults.table import Tally, check
from tuilabel.events.lines import Event
from tuilabel.journal.description import create_session, is_session
from tuilabel.journal.journal import Journal
from tuilabel.session.view import SessionView

ENDLESS = 10**6
RIVALS = 4
LABELS = 20


def killed(*writers: str) -> Kind:
    """Return a kind that kills processes that label as fast as they can, all at once."""

    def kind(context: Context, tally: Tally) -> Iterator[None]:
        while True:
            folder = context.folder()
            count = 1 + context.below(60)
            told = context.labeller.label(folder, labels=ENDLESS, writers=writers, kill_after=count)
            tally.injected += 1
            tally.expect(told.ended == [-9] * len(writers), f"ended with {told.ended}")
            tally.expect(not told.crashed, str(told.crashed[:1]))
            check(folder / "s.tuilabel", told.saved, tally)
            shutil.rmtree(folder)
            yield

    return kind


def clock(context: Context, tally: Tally) -> Iterator[None]:
    """Set the clock to and fro between events, by up to years; order goes by counters."""
    while True:
        folder = context.folder()
        path = folder / "s.tuilabel"
        start = datetime(2030, 1, 1, tzinfo=UTC)

        def now(start: datetime = start) -> datetime:
            return start + timedelta(seconds=context.below(10**8) - 5 * 10**7)

        saved: list[Event] = []
        create_session(path, ABOUT)
        for opening in range(3):
            with Journal(path, "me", "/somewhere", now) as journal:
                journal.read()
                for number in range(4 * opening, 4 * opening + 4):
                    saved += journal.append([label(number)], "me")
        tally.injected += len(saved)
        times = [event.at for event in saved]
        tally.expect(times != sorted(times), "the clock did not go backwards")
        wanted = [event.id for event in saved]
        found = [event.id for event in SessionView(path).events if event.id in wanted]
        tally.expect(found == wanted, "the order is not that of writing")
        problems = check(path, saved, tally)
        tally.expect(not problems, f"reported without reason: {problems[:1]}")
        shutil.rmtree(folder)
        yield


def rivals(context: Context, tally: Tally) -> Iterator[None]:
    """Let several processes create and label one session at once, while this one reads it."""
    while True:
        folder = context.folder()
        path = folder / "s.tuilabel"
        process = subprocess.Popen(
            [sys.executable, "-m", "tests.faults.processes", str(path)],
            cwd=REPOSITORY,
            env={**os.environ, "PYTHONPATH": str(REPOSITORY)},
            stdout=subprocess.PIPE,
            text=True,
        )
        seen: set[str] = set()
        while process.poll() is None:
            if is_session(path):
                seen = _read_meanwhile(path, seen, tally)
        assert process.stdout is not None
        said = [json.loads(line) for line in process.stdout.read().splitlines()]
        tally.expect(process.returncode == 0, f"ended with {process.returncode}")
        tally.injected += RIVALS
        saved = [as_event(text) for text in said]
        tally.expect(len({event.log for event in saved}) == RIVALS, "not every one labelled")
        tally.expect(len(saved) == RIVALS * (LABELS + LABELS // 4), "an answer was refused")
        problems = check(path, saved, tally)
        tally.expect(not problems, f"reported without reason: {problems[:1]}")
        shutil.rmtree(folder)
        yield


def _read_meanwhile(path: Path, seen: set[str], tally: Tally) -> set[str]:
    """Read the session; return the ids of its events, which are no fewer than before."""
    view = SessionView(path)
    ids = {event.id for event in view.events}
    tally.expect(seen <= ids, "a reader saw less than before")
    tally.expect(not view.problems, f"reported without reason: {view.problems[:1]}")
    return ids


def _race(path: Path) -> None:
    """Create and label a session from several processes, which start at the same moment."""
    gate_out, gate_in = os.pipe()
    for number in range(RIVALS):
        if os.fork():
            continue
        os.close(gate_in)
        os.read(gate_out, 1)  # until the other end is closed
        by = f"rival-{number}"
        with open_journal(path, by) as journal:
            for place in range(LABELS):
                saved = []
                if place % 4 == 0:
                    journal.read()
                    saved = journal.append([batch(place, journal.seen())], by)
                saved += journal.append([label(place, by)], by)
                lines = "".join(json.dumps(as_text(event)) + "\n" for event in saved)
                os.write(1, lines.encode())
        os._exit(0)
    os.close(gate_in)
    for _ in range(RIVALS):
        _, status = os.wait()
        if status:
            sys.exit(1)


if __name__ == "__main__":
    _race(Path(sys.argv[1]))
