"""All kinds of faults, and how they are run: for a time, or a number of each."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from tests.faults import damage, mounts, processes, screens, sshfs, trainers, writes
from tests.faults.context import Context, Kind
from tests.faults.preload import Fault, ImpossibleError, quick_folder
from tests.faults.table import Tally, table

KINDS: dict[str, Kind] = {
    "the n-th call fails: I/O error": writes.failing(Fault.INPUT_OUTPUT),
    "the n-th call fails: no space": writes.failing(Fault.NO_SPACE),
    "the n-th write is short, the next call has no space": writes.failing(Fault.SHORT),
    "from the n-th call on read-only": writes.failing(Fault.READ_ONLY),
    "killed in the middle of the n-th write": writes.failing(Fault.TORN),
    "killed before the n-th call": writes.failing(Fault.KILLED),
    "power cut, unsynchronised writes gone or in pieces": writes.power_cut,
    "killed at any moment": processes.killed("me"),
    "two writers killed together": processes.killed("me", "you"),
    "a clock that goes backwards": processes.clock,
    "four processes label at once, another reads": processes.rivals,
    "a full file system (tmpfs)": mounts.full,
    "a file system made read-only": mounts.read_only,
    "one of two sshfs mounts cut off": sshfs.cut_off,
    "the trainer killed at each message": trainers.killed,
    "on the screen: killed at any moment": screens.killed,
    "on the screen: killed in a write, power cut": screens.power_cut,
    "any byte of any file changed": damage.byte_changed,
    "any file cut at any byte": damage.cut,
    "any files removed": damage.removed,
    "lines of a log swapped, repeated or removed": damage.reordered,
    "sectors and pages overwritten with zeros": damage.overwritten,
    "bits flipped": damage.flipped,
}


def run(seconds: float, seed: int, only: str | None = None) -> tuple[str, bool]:
    """Run all kinds in turn for a time; return the table, and whether anything failed."""
    end = time.monotonic() + seconds
    tallies = {name: Tally(name) for name in KINDS if only is None or only in name}
    with tempfile.TemporaryDirectory(dir=quick_folder()) as folder:
        context = Context(Path(folder), np.random.default_rng(seed))
        with context.closing:
            running = {name: KINDS[name](context, tallies[name]) for name in tallies}
            while running and time.monotonic() < end:
                for name in list(running):
                    # Each kind gets the same time, whatever one of it takes.
                    turn = min(end, time.monotonic() + max(0.5, seconds / 100))
                    while time.monotonic() < turn and advance(running, name, tallies[name]):
                        pass
    return table(tallies.values()), any(tally.failed for tally in tallies.values())


def run_some(kind: str, count: int, context: Context) -> Tally:
    """Inject a number of faults of a kind.

    Raises
    ------
    ImpossibleError
        It cannot be injected here.
    """
    tally = Tally(kind)
    faults = KINDS[kind](context, tally)
    for _ in zip(range(count), faults, strict=False):
        pass
    return tally


def advance(running: dict[str, Iterator[None]], name: str, tally: Tally) -> bool:
    """Inject the next fault of a kind; return whether there are more."""
    try:
        next(running[name])
    except ImpossibleError as error:
        tally.impossible = str(error)
        del running[name]
        return False
    except StopIteration:
        del running[name]
        return False
    return True
