"""Append to a session and read large ones, each beside the bare calls that it cannot do without.

It prints the time of an append beside a bare write and fdatasync of the same bytes, and the time
and memory of reading sessions beside a loop that reads, checks and decodes the same lines. Run it
on an otherwise idle machine: ``python -m benchmarks.journal``.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
import uuid
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from zlib import crc32

import msgspec
import numpy as np

from tuilabel.journal.folder import LOGS, create_session
from tuilabel.journal.journal import Journal
from tuilabel.journal.lines import Event, encode_event
from tuilabel.journal.payloads import About, Begin, Label, Payload

ABOUT = About(uuid="0123456789abcdef" * 2, source="digits")
AT = datetime(2026, 1, 1, tzinfo=UTC)
REPEATS = 5
CLASSES = [f"{place:016x}" for place in range(10)]


def main() -> None:
    """Parse the options, measure, and print."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--appends", type=int, default=1000, help="events to append (1000)")
    parser.add_argument("--large", type=int, default=1_000_000, help="events to read (1,000,000)")
    parser.add_argument("--folder", type=Path, help="where sessions are made (TMPDIR)")
    parser.add_argument("--read", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--bare", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.read or options.bare:
        wall, cpu = time.perf_counter(), time.process_time()
        read(options.read) if options.read else bare(options.bare)
        print(time.perf_counter() - wall, time.process_time() - cpu, megabytes())
        return
    print(f"{os.uname().sysname} {os.uname().release}, {os.cpu_count()} cores, ", end="")
    print(f"load {os.getloadavg()[0]:.2f}, python {sys.version.split()[0]}")
    with tempfile.TemporaryDirectory(prefix="tuilabel-bench-", dir=options.folder) as name:
        appends(Path(name), options.appends)
        seconds = {}
        for events, logs in ((100_000, 1), (100_000, 1000), (options.large, 8)):
            path = Path(name) / f"{events}-{logs}.tuilabel"
            write_session(path, events, logs)
            seconds[events, logs] = compare(path, events, logs)
        extra = seconds[100_000, 1000] - seconds[100_000, 1]
        print(f"1,000 logs take {extra:.2f} s more than one log of the same events (at most 1)")


def label(place: int) -> Payload:
    """Return an answer of the usual size."""
    high = 0.5 + place % 50 / 100
    return Label(
        item=f"f1:{place:032x}",
        class_id=CLASSES[place % 10],
        round=1 + place // 10,
        ms=800 + place % 1000,
        place=place % 10,
        probabilities={CLASSES[place % 10]: high, CLASSES[(place + 1) % 10]: 1 - high},
        names=(f"photos/2026/image{place:07}.jpg",),
    )


def appends(folder: Path, count: int) -> None:
    """Time appends in turn with bare writes of the same bytes."""
    path = folder / "append.tuilabel"
    create_session(path, ABOUT)
    bare, ours = [], []
    with Journal(path, "anna") as journal, (folder / "bare").open("ab", buffering=0) as file:
        line = encode_event(journal.append(label(0)))
        for place in range(count):
            start = time.perf_counter()
            os.write(file.fileno(), line)
            os.fdatasync(file.fileno())
            bare.append(time.perf_counter() - start)
            start = time.perf_counter()
            journal.append(label(place))
            ours.append(time.perf_counter() - start)
    for name, times in (("write + fdatasync", bare), ("append", ours)):
        p50, p95 = np.percentile(times, (50, 95)) * 1000
        print(f"{name} of {len(line)} bytes: p50 {p50:.3f}, p95 {p95:.3f} ms, n {count}")
    print(f"  more at p50: {1000 * (np.median(ours) - np.median(bare)):.3f} ms (at most 0.3)")


def write_session(path: Path, events: int, logs: int) -> None:
    """Write a session without syncing each line; the logs take turns."""
    create_session(path, ABOUT)
    for log in range(logs):
        who = f"anna{log}"
        first = Begin(
            **{"about": ABOUT, "annotator": who, "host": "elsewhere", "boot": "", "pid": 1},
            **{"started": 1, "program": "0", "source": ""},
        )
        with (path / LOGS / f"{who}.jsonl").open("wb") as file:
            for n, place in enumerate(range(log, events, logs), 1):
                payload = first if n == 1 else label(place)
                event = Event(uuid.uuid4().hex, n, place + 1, AT, who, payload)
                file.write(encode_event(event))


def compare(path: Path, events: int, logs: int) -> float:
    """Print and return the seconds that reading takes in a new process, beside the bare loop."""
    found = [[run(name, path) for name in ("bare", "read")] for _ in range(REPEATS)]
    bare_run, read_run = (np.min(column, axis=0) for column in zip(*found, strict=True))
    size = sum(file.stat().st_size for file in (path / LOGS).iterdir()) / 1e6
    print(f"{events:,} events in {logs:,} logs, {size:.0f} MB:")
    for name, (wall, cpu, memory) in (("bare loop", bare_run), ("read", read_run)):
        print(f"  {name:10}{wall:6.2f} s, {cpu:.2f} s of CPU, {memory:.0f} MB")
    wall, cpu = (read_run / bare_run)[:2]
    print(f"  ratio     {wall:6.2f}, {cpu:.2f} of CPU (at most 4, with the folds)", flush=True)
    return float(read_run[0])


def run(name: str, path: Path) -> list[float]:
    """Return seconds, seconds of CPU and megabytes of a process."""
    command = [sys.executable, "-m", "benchmarks.journal", f"--{name}", str(path)]
    words = subprocess.run(command, check=True, capture_output=True, text=True).stdout.split()
    return [float(word) for word in words]


def lines(path: Path) -> Iterator[bytes]:
    """Yield the lines of all logs."""
    for log in sorted((path / LOGS).iterdir()):
        with log.open("rb") as file:
            yield from file


def bare(path: Path) -> None:
    """Read, check and decode every line, and do nothing with it."""
    decode = msgspec.json.Decoder().decode
    for line in lines(path):
        text = line[:-1]
        assert int(text[-10:-2], 16) == crc32(text[:-18])
        decode(text)


def read(path: Path) -> None:
    """Read a session as the program does, keeping nothing of its events."""
    journal = Journal(path)
    for _ in journal.read():
        pass
    assert not journal.problems()


def megabytes() -> int:
    """Return the highest resident memory of this process."""
    status = Path("/proc/self/status").read_text().split()
    return int(status[status.index("VmHWM:") + 1]) // 1024


if __name__ == "__main__":
    main()
