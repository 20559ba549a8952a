"""Measure what the loop costs the screen, with few labels and with many.

Nothing here is displayed or fitted, and the journal is in memory: what is measured is the work
between a key and the next image, and at the end of a batch, on the event loop. Rankings are random.
Milliseconds are those of the processor, so that a busy machine makes no difference. With
``--journal`` events go to a folder as in the program, each synchronised with the disk, and
milliseconds are those of the clock.
"""

from __future__ import annotations

import argparse
import os
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np

from benchmarks.round import print_head, print_machine, print_row
from tuilabel.data.dataset import ArrayDataset, Split, build_dataset
from tuilabel.events.payloads import About
from tuilabel.journal.description import create_session
from tuilabel.journal.journal import Journal
from tuilabel.learn.metrics import Accuracy
from tuilabel.learn.requests import ColdStartFinished, Fit, FitFinished
from tuilabel.session import Annotator, LoopSettings, Ranking, Request, Session
from tuilabel.session.values import EventLog
from tuilabel.settings import Settings
from tuilabel.simulate.run import MemoryLog
from tuilabel.trainer.jobs import Rank, Start
from tuilabel.trainer.messages import Do, encode
from tuilabel.tui.keymap.resolved import keymap_of
from tuilabel.tui.views.labelling import Presenter

POOL = 100_000
LABELS = (10, 1000, 10_000)
CLASSES = tuple("abcdefghij")
BATCH = 10
ME = Annotator("me")


def main() -> None:
    """Parse the options, measure, and print."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.loop", description=(__doc__ or "").partition("\n")[0]
    )
    parser.add_argument("--pool", type=int, default=POOL, help=f"number of items ({POOL:,})")
    parser.add_argument(
        "--labels", type=int, nargs="+", default=LABELS, help="numbers of labels to measure at"
    )
    parser.add_argument("--batches", type=int, default=50, help="batches measured at each (50)")
    parser.add_argument("--journal", action="store_true", help="write a session on disk")
    arguments = parser.parse_args()
    print_machine()
    dataset = random_items(arguments.pool)
    with tempfile.TemporaryDirectory(prefix="tuilabel-bench-") as folder:
        about = About(uuid="benchmark", source="random", audit=0.1)
        log: EventLog = MemoryLog(about)
        clock = Clock(time.thread_time)
        if arguments.journal:
            create_session(Path(folder) / "s.tuilabel", about)
            log = Journal(Path(folder) / "s.tuilabel", ME.name, "random")
            clock = Clock(time.perf_counter)
        measure(dataset, log, clock, sorted(arguments.labels), arguments.batches)
    print(f"\nload at the end {os.getloadavg()[0]:.2f}")


def random_items(count: int) -> ArrayDataset:
    """Return items of one grey pixel without a hold-out, so that an audit set is drawn."""
    rng = np.random.default_rng(0)
    digests = rng.integers(256, size=(count, 16), dtype=np.uint8)
    images = np.zeros((count, 1, 1), dtype=np.uint8)
    return build_dataset(
        source="random", class_names=CLASSES, train=Split("random", images, digests, str)
    )


def measure(
    dataset: ArrayDataset, log: EventLog, clock: Clock, labels: list[int], batches: int
) -> None:
    """Label, and print durations once there are certain numbers of labels."""
    with clock("open the session"):
        session = Session(dataset, log, LoopSettings(batch_size=BATCH), ME)
    screen = Presenter(session, keymap_of(Settings()), None, ME.name)
    for wanted in labels:
        while session.labels < wanted:
            label(session, clock)
            answer_request(session, clock)
        if wanted != labels[0]:
            clock.seconds.clear()
        for _ in range(batches * BATCH):
            label(session, clock)
            with clock("what the screen shows after a key"):
                screen.header("random"), screen.thumbnails(), screen.curve(), screen.stopping()
            with clock("look for the next batch, behind a key"):
                session.likely_next()
            answer_request(session, clock)
        for _ in range(BATCH):
            with clock("undo"):
                session.undo(by=ME)
            label(session, clock)
        print(f"\n{wanted:,} labels in a pool of {len(dataset):,}; milliseconds")
        print_head()
        for what, seconds in clock.seconds.items():
            print_row(what, seconds)


class Clock:
    """Durations by name, in seconds."""

    def __init__(self, now: Callable[[], float]) -> None:
        self._now = now
        self.seconds: dict[str, list[float]] = defaultdict(list)

    @contextmanager
    def __call__(self, what: str) -> Iterator[None]:
        """Measure a block."""
        started = self._now()
        yield
        self.seconds[what].append(self._now() - started)


def label(session: Session, clock: Clock) -> None:
    """Answer for the current item."""
    item = session.current_id
    assert item is not None
    is_last = session.cursor == len(session.batch) - 1
    with clock("label, last of a batch" if is_last else "label"):
        session.label(item, int(item[-1], 16) % len(CLASSES), by=ME, ms=500)


def answer_request(session: Session, clock: Clock) -> None:
    """Answer the request for a ranking, if there is one."""
    if not session.request_is_due:
        return
    with clock("gather the request"):
        request = session.take_request()
    assert request is not None
    with clock("encode it for the child process"):
        encode(Do(1, Rank(request) if isinstance(request, Fit) else Start(request)))
    ranking = ranked(request, len(session.items))
    with clock("accept the ranking"):
        session.accept_ranking(ranking, by=ME)


def ranked(request: Request, count: int) -> Ranking:
    """Return a random ranking."""
    rng = np.random.default_rng(request.seed)
    free = np.ones(count, dtype=bool)
    free[list(request.excluded)] = free[list(request.items)] = False
    rows = rng.permutation(np.flatnonzero(free))
    if not isinstance(request, Fit):
        return ColdStartFinished(request.generation, tuple(rows[: request.size].tolist()))
    rows, columns = rows[: request.limit], request.columns
    audit = len(request.audit_items)
    return FitFinished(
        generation=request.generation,
        items=tuple(rows.tolist()),
        columns=columns,
        probabilities=tuple(map(tuple, rng.dirichlet([1.0] * len(columns), len(rows)).tolist())),
        draws=(None,) * len(rows),
        begun=0,
        fit_seconds=0.1,
        rank_seconds=0.1,
        accuracy=Accuracy(audit // 2, audit, "audit") if audit else None,
        confusion=None,
        predicted=(0,) * audit,
        confidence=(0.5,) * audit,
        model="softmax",
        features="raw",
        strategy="margin",
        stop_set=2000,
        moved=0.1,
        agreement=0.9,
    )


if __name__ == "__main__":
    main()
