"""Kills at any moment, clocks that go backwards, and other processes at the same session."""

from __future__ import annotations

import json
import os
import re
import select
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from pathlib import Path

from tests.faults.context import Context
from tests.faults.labeller import INFO, ME, label_draft
from tests.faults.preload import REPOSITORY, as_event
from tests.faults.table import Tally, check
from tuilabel.errors import SessionFileError
from tuilabel.journal import Event, Journal, read_session

ENDLESS = 10**6
RIVALS = 4
PATIENCE = 60.0


def killed(context: Context, tally: Tally) -> Iterator[None]:
    """Kill a process that labels as fast as it can, wherever it is by then."""
    while True:
        folder = context.folder()
        count = 1 + context.below(60)
        told = context.labeller.label(folder, labels=ENDLESS, kill_after=count)
        tally.injected += 1
        tally.expect(told.ended == -9, f"ended with {told.ended}")
        tally.expect(not told.crashed, str(told.crashed[:1]))
        check(folder / "s.tuilabel", told.saved, tally)
        shutil.rmtree(folder)
        yield


def clock(context: Context, tally: Tally) -> Iterator[None]:
    """Set the clock to and fro between events, by up to years; undo and order go by number."""
    while True:
        folder = context.folder()
        path = folder / "s.tuilabel"
        start = datetime(2030, 1, 1, tzinfo=UTC)

        def now(start: datetime = start) -> datetime:
            return start + timedelta(seconds=context.below(10**8) - 5 * 10**7)

        saved: list[Event] = []
        Journal.create(path, INFO, now).close()
        for opening in range(3):
            with Journal(path, now) as journal:
                saved += [journal.append(label_draft(4 * opening + n), ME) for n in range(4)]
        tally.injected += len(saved)
        times = [event.time for event in saved]
        tally.expect(times != sorted(times), "the clock did not go backwards")
        tally.expect([event.seq for event in saved] == list(range(1, 13)), "numbers went astray")
        tally.expect(read_session(path)[1] == saved, "the order is not that of writing")
        check(path, saved, tally)
        shutil.rmtree(folder)
        yield


def rivals(context: Context, tally: Tally) -> Iterator[None]:
    """Let several processes open a session at once, while this one reads: one gets it."""
    while True:
        folder = context.folder()
        path = folder / "s.tuilabel"
        Journal.create(path, INFO).close()
        process = subprocess.Popen(
            [sys.executable, "-m", "tests.faults.processes", str(path)],
            cwd=REPOSITORY,
            env={**os.environ, "PYTHONPATH": str(REPOSITORY)},
            stdout=subprocess.PIPE,
            text=True,
        )
        seen = 0
        while process.poll() is None:
            seen = _read_meanwhile(path, seen, tally)
        assert process.stdout is not None
        said = [json.loads(line) for line in process.stdout.read().splitlines()]
        tally.expect(process.returncode == 0, f"ended with {process.returncode}")
        tally.injected += RIVALS - 1
        winners = {one["pid"] for one in said if "saved" in one}
        refused = [one["refused"] for one in said if "refused" in one]
        tally.expect(len(winners) == 1, f"{len(winners)} had it at once")
        tally.expect(len(refused) == RIVALS - 1, f"{len(refused)} were refused")
        for message in refused:
            found = re.search(r"by process (\d+) of .*, since", message)
            # Whoever comes before the holder's name is written is told that there is one.
            named = found is not None and int(found[1]) in winners
            tally.expect(named or "by another process" in message, message)
        tally.notes["refused, and told by whom"] += len(refused)
        check(path, [as_event(one["saved"]) for one in said if "saved" in one], tally)
        shutil.rmtree(folder)
        yield


def _read_meanwhile(path: Path, seen: int, tally: Tally) -> int:
    """Read the session: a beginning of it, and no less than before."""
    try:
        _, events = read_session(path)
    except SessionFileError as error:
        tally.expect(False, f"a reader was refused: {error}")
        return seen
    numbers = [event.seq for event in events]
    tally.expect(numbers == list(range(1, len(numbers) + 1)), "a reader saw holes")
    tally.expect(len(numbers) >= seen, "a reader saw less than before")
    return len(numbers)


def _race(path: Path) -> None:
    """Open a session from several processes at the same moment; the one that gets it labels."""
    gate_out, gate_in = os.pipe()
    tried_out, tried_in = os.pipe()
    for _ in range(RIVALS):
        if os.fork():
            continue
        os.close(gate_in)
        os.read(gate_out, 1)  # until the other end is closed
        says = []
        try:
            journal = Journal(path)
        except SessionFileError as error:
            os.write(tried_in, b"x")
            says.append({"refused": str(error)})
        else:
            saved = [journal.append(label_draft(number), ME) for number in range(20)]
            says += [{"saved": asdict(event)} for event in saved]
            # It holds on until the others have tried; should one of them get it too, not for ever.
            for _ in range(RIVALS - 1):
                if select.select([tried_out], [], [], PATIENCE)[0]:
                    os.read(tried_out, 1)
            journal.close()
        lines = "".join(json.dumps({"pid": os.getpid(), **one}) + "\n" for one in says)
        os.write(1, lines.encode())
        os._exit(0)
    os.close(gate_in)
    for _ in range(RIVALS):
        _, status = os.wait()
        if status:
            sys.exit(1)


if __name__ == "__main__":
    _race(Path(sys.argv[1]))
