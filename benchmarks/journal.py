"""Append to a session and open large ones, each beside the bare calls that it cannot do without.

It prints the time of an append beside a bare write and fdatasync of the same bytes, and the time
and memory of reading and of opening sessions beside a loop that reads, checks and decodes the same
lines. To open a session is to read it and to fold it, for everybody and for the desk that goes on,
as the program does before its first frame, but without opening a source. Run it on an otherwise
idle machine: ``python -m benchmarks.journal``.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
import uuid
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from zlib import crc32

import msgspec
import numpy as np

from tuilabel.data.item_ids import ItemIds
from tuilabel.events.lines import Event, encode
from tuilabel.events.payloads import (
    About,
    Asked,
    Batch,
    Begin,
    ClassAdded,
    Ended,
    Label,
    Opened,
    Payload,
)
from tuilabel.journal.description import create_session
from tuilabel.journal.journal import Journal
from tuilabel.journal.reader import Reader
from tuilabel.journal.store import LOGS
from tuilabel.runs import log_name
from tuilabel.session import Annotator, LoopSettings, Session
from tuilabel.session.record import Record

ABOUT = About(uuid="0123456789abcdef" * 2, source="benchmark")
AT = "2026-01-01T00:00:00.000+00:00"
CLASSES = [f"c1:{number:016x}" for number in range(10)]
BATCH = 10
LOGS_OF_LARGE = 8
LEAST_MEMORY = 700


def main() -> None:
    """Parse the options, measure, and print."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--appends", type=int, default=1000, help="events to append (1000)")
    parser.add_argument("--large", type=int, default=1_000_000, help="events to read (1,000,000)")
    parser.add_argument("--repeats", type=int, default=3, help="runs, of which the best (3)")
    parser.add_argument("--folder", type=Path, help="where sessions are made (TMPDIR)")
    parser.add_argument("--run", nargs=3, metavar=("WHAT", "SESSION", "ITEMS"))
    options = parser.parse_args()
    if options.run:
        what, path, items = options.run
        wall, cpu = time.perf_counter(), time.process_time()
        RUNS[what](Path(path), int(items))
        print(time.perf_counter() - wall, time.process_time() - cpu, megabytes())
        return
    print(f"{os.uname().sysname} {os.uname().release}, {os.cpu_count()} cores, ", end="")
    print(f"load {os.getloadavg()[0]:.2f}, python {sys.version.split()[0]}")
    with tempfile.TemporaryDirectory(prefix="tuilabel-bench-", dir=options.folder) as name:
        appends(Path(name), options.appends)
        seconds = {}
        for events, logs in (
            (0, 1),
            (100_000, 1),
            (100_000, 1000),
            (options.large, LOGS_OF_LARGE),
            (options.large, 1),
        ):
            path = Path(name) / f"{events}-{logs}.tuilabel"
            # The empty session has as many images as the next.
            items = labels_of(events or 100_000, logs)
            write_session(path, events, logs)
            seconds[events, logs] = compare(path, events, logs, items, options.repeats)
    many = seconds[100_000, 1000] - seconds[100_000, 1]
    print(f"1,000 logs open in {many:.2f} s more than one log of the same events (at most 1)")
    more = seconds[100_000, 1] - seconds[0, 1]
    print(f"100,000 events open in {more:.2f} s more than none (at most 0.8)")


def label(place: int) -> Payload:
    """Return an answer of the usual size."""
    high = 0.5 + place % 50 / 100
    return Label(
        item=item_ids(place + 1)[place],
        class_id=CLASSES[place % 10],
        round=1 + place // BATCH,
        ms=800 + place % 1000,
        place=place % BATCH,
        probabilities={CLASSES[place % 10]: high, CLASSES[(place + 1) % 10]: 1 - high},
        names=(f"photos/2026/image{place:07}.jpg",),
    )


def item_ids(count: int) -> ItemIds:
    """Return ids of items, of which the first are always the same."""
    numbers = np.zeros((count, 2), np.uint64)
    numbers[:, 0] = np.arange(count, dtype=np.uint64) * np.uint64(0x9E3779B97F4A7C15)
    numbers[:, 1] = np.arange(count)
    return ItemIds("f1", numbers.view(np.uint8))


class Items:
    """A dataset of nothing but ids."""

    source, holdout, class_names = "benchmark", None, tuple("0123456789")
    reading = groups = guesses = None

    def __init__(self, count: int) -> None:
        self.ids = item_ids(count)
        self.row_of, self.rows_of = self.ids.row_of, self.ids.rows_of

    def __len__(self) -> int:
        return len(self.ids)

    def references(self, i: int) -> tuple[str, ...]:
        """Return the name of an item."""
        return (f"photos/2026/image{i:07}.jpg",)


def appends(folder: Path, count: int) -> None:
    """Time appends in turn with bare writes of the same bytes."""
    path = folder / "append.tuilabel"
    create_session(path, ABOUT)
    bare, ours = [], []
    with Journal(path, "anna", "") as journal, (folder / "bare").open("ab", buffering=0) as file:
        line = encode(journal.append([label(0)], "anna")[0])
        for place in range(count):
            payload = label(place)
            start = time.perf_counter()
            os.write(file.fileno(), line)
            os.fdatasync(file.fileno())
            bare.append(time.perf_counter() - start)
            start = time.perf_counter()
            journal.append([payload], "anna")
            ours.append(time.perf_counter() - start)
    for name, times in (("write + fdatasync", bare), ("append", ours)):
        p50, p95 = np.percentile(times, (50, 95)) * 1000
        print(f"{name} of {len(line)} bytes: p50 {p50:.3f}, p95 {p95:.3f} ms, n {count}")
    more = np.percentile(ours, (50, 95)) - np.percentile(bare, (50, 95))
    print(f"  more: p50 {1000 * more[0]:.3f}, p95 {1000 * more[1]:.3f} ms (at most 0.3)")


def write_session(path: Path, events: int, logs: int) -> None:
    """Write a session without syncing each line, whose logs take turns.

    Each log has its first and last events, and a batch before each `BATCH` labels.
    """
    create_session(path, ABOUT)
    labels = labels_of(events, logs) if events else 0
    ids = list(item_ids(labels))
    for log in range(logs):
        who = f"anna{log}"
        begin = Begin(
            about=ABOUT,
            annotator=who,
            host="elsewhere",
            boot="",
            pid=1,
            started=1,
            program="0",
            source="",
        )
        first = uuid.uuid4().hex
        with (path / LOGS / f"{log_name(AT, first, begin)}.jsonl").open("wb") as file:
            payloads = _payloads(begin, ids, range(log, labels, logs))
            for n, payload in enumerate(payloads, 1):
                id_ = first if n == 1 else uuid.uuid4().hex
                file.write(encode(Event(id_, n, n * logs + log, AT, who, payload)))


def labels_of(events: int, logs: int) -> int:
    """Return how many labels a session of so many events has."""
    return (events - 4 * logs) * BATCH // (BATCH + 1)


def _payloads(begin: Begin, ids: Sequence[str], places: range) -> Iterator[Payload]:
    yield begin
    yield ClassAdded(CLASSES[0], "0")
    yield Opened(settings={"batch_size": BATCH}, items=len(ids))
    for number, place in enumerate(places):
        if number % BATCH == 0:
            asked = (Asked(ids[one], "margin") for one in places[number : number + BATCH])
            yield Batch(round=1 + number // BATCH, items=tuple(asked))
        found = msgspec.structs.replace(LABELS[place % 1000], item=ids[place])
        yield msgspec.structs.replace(found, names=(f"photos/2026/image{place:07}.jpg",))
    yield Ended()


LABELS = [label(place) for place in range(1000)]


def compare(path: Path, events: int, logs: int, items: int, repeats: int) -> float:
    """Print what reading and opening takes in new processes; return the seconds of opening."""
    found = [[run(name, path, items) for name in RUNS] for _ in range(repeats)]
    best = dict(
        zip(RUNS, (np.min(column, axis=0) for column in zip(*found, strict=True)), strict=True)
    )
    size = sum(file.stat().st_size for file in (path / LOGS).iterdir()) / 1e6
    print(f"{events:,} events in {counted(logs)}, {size:.0f} MB:")
    for name, (wall, cpu, memory) in best.items():
        ratio = best[name] / best["bare loop"]
        print(
            f"  {name:10}{wall:6.2f} s{ratio[0]:6.2f} x, {cpu:6.2f} s of CPU{ratio[1]:6.2f} x, "
            f"{memory:.0f} MB",
            flush=True,
        )
    if events > 100_000:
        print(f"  at most 4 x and {LEAST_MEMORY} MB")
    return float(best["open"][0])


def counted(logs: int) -> str:
    """Return a number of logs in words."""
    return "1 log" if logs == 1 else f"{logs:,} logs"


def run(name: str, path: Path, items: int) -> list[float]:
    """Return seconds, seconds of CPU and megabytes of a process."""
    command = [sys.executable, "-m", "benchmarks.journal", "--run", name, str(path), str(items)]
    words = subprocess.run(command, check=True, capture_output=True, text=True).stdout.split()
    return [float(word) for word in words]


def bare(path: Path, _: int) -> None:
    """Read, check and decode every line, and do nothing with it."""
    decode = msgspec.json.Decoder().decode
    for log in sorted((path / LOGS).iterdir()):
        with log.open("rb") as file:
            for line in file:
                text = line[:-1]
                assert int(text[-10:-2], 16) == crc32(text[:-18])
                decode(text)


def read(path: Path, _: int) -> None:
    """Read a session as the program does, keeping nothing of its events."""
    for _event in Reader(path).replay():
        pass


def open_session(path: Path, items: int) -> None:
    """Read a session, and fold it for the labels and for a desk."""
    reader = Reader(path)
    record = Record.read(reader)
    anna = "anna0"
    journal = Journal(path, anna, "", reader=reader)
    session = Session(Items(items), journal, LoopSettings(), Annotator(anna), record)  # type: ignore[arg-type]
    assert session.labels in (0, items)
    assert not journal.problems
    # Not closed: the next run is to find the session as this one did.
    for log in (path / LOGS).glob(f"*-{os.uname().nodename.lower()[:20]}-*"):
        log.unlink()


RUNS: dict[str, Callable[[Path, int], None]] = {
    "bare loop": bare,
    "read": read,
    "open": open_session,
}


def megabytes() -> int:
    """Return the highest resident memory of this process."""
    status = Path("/proc/self/status").read_text().split()
    return int(status[status.index("VmHWM:") + 1]) // 1024


if __name__ == "__main__":
    main()
