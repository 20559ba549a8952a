"""Measure several desks that label one session at once: ``--mnist DIR``.

Each desk is a process of its own without a screen, which writes to the journal and reads those of
the others as the program does, and answers with the truth. One more process fits: its rankings go
to every desk, because eight trainers would not fit on two cores. With ``--screens`` some desks are
screens on pseudo-terminals, each with a trainer of its own.

Printed are the events that were acknowledged and are missing in the end, and the answers to an item
that another desk had answered before.
"""

from __future__ import annotations

import argparse
import multiprocessing
import multiprocessing.connection
import os
import queue
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any, NamedTuple, cast

import numpy as np

from benchmarks.round import print_head, print_machine, print_row
from benchmarks.terminal.bench import Bench
from tuilabel.data import open_dataset
from tuilabel.events.lines import Event
from tuilabel.events.payloads import About, Answer
from tuilabel.journal.description import create_session
from tuilabel.journal.journal import Journal
from tuilabel.journal.reader import Reader
from tuilabel.learn.feature_sources import pixels
from tuilabel.learn.learner import Learner
from tuilabel.learn.requests import ColdStart, Fit
from tuilabel.session import Annotator, LoopSettings, Request, Session
from tuilabel.workspace.following import Follower

DESKS = 8
SECONDS = 60.0
KEYS_A_SECOND = 5.0
GOAL = 0.02
"""Share of the answers that may be to an item that another desk had answered."""

SETTINGS = LoopSettings(model="softmax", features="raw", strategy="margin", cold_start="kmeans")


class Done(NamedTuple):
    """What a desk reports at the end: ids of acknowledged events, and seconds."""

    saved: list[str]
    keys: list[float]
    batch_ends: list[float]


def main() -> None:
    """Parse the options, label, and print."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.desks", description=(__doc__ or "").partition("\n")[0]
    )
    parser.add_argument(
        "--mnist", required=True, type=Path, metavar="DIR", help="folder of the IDX files"
    )
    parser.add_argument("--desks", type=int, default=DESKS, help=f"number of desks ({DESKS})")
    parser.add_argument("--screens", type=int, default=0, help="how many of them are screens (0)")
    parser.add_argument(
        "--seconds", type=float, default=SECONDS, help=f"duration of labelling ({SECONDS:g})"
    )
    parser.add_argument(
        "--together", action="store_true", help="start the desks at once, not one after another"
    )
    arguments = parser.parse_args()
    print_machine()
    with tempfile.TemporaryDirectory(prefix="tuilabel-bench-") as folder:
        bench = Bench(Path(folder), arguments.mnist, runs=1)
        path = bench.new_session()
        about = About(uuid="benchmark", source=bench.source, seed=1)
        create_session(path, about)
        label_at_once(
            bench,
            path,
            arguments.desks - arguments.screens,
            arguments.screens,
            arguments.seconds,
            together=arguments.together,
        )
    print(f"\nload at the end {os.getloadavg()[0]:.2f}")


def label_at_once(
    bench: Bench, path: Path, desks: int, screens: int, seconds: float, *, together: bool
) -> None:
    """Let desks and screens label, and print what became of it."""
    context = multiprocessing.get_context("spawn")
    pipes, processes = [], []
    to_fitter, from_desks = context.Pipe()
    cache = bench.folder / "CACHE" / "tuilabel"
    fitter = context.Process(
        target=fit_for_all, args=(bench.source, cache, from_desks), daemon=True
    )
    fitter.start()
    for number in range(desks):
        pipe, end = context.Pipe()
        arguments = (number, path, bench.source, cache, seconds, end)
        processes.append(context.Process(target=work, args=arguments, daemon=True))
        processes[-1].start()
        pipes.append(pipe)
        if not together:
            pipe.recv()
    typists = [Typist(bench, path, number, seconds) for number in range(screens)]
    for typist in typists:
        typist.start()
    done = pass_on(pipes, to_fitter)
    for process in processes:
        process.join()
    for typist in typists:
        typist.join()
    to_fitter.send(None)
    fitter.join()
    report(path, done, typists)


def pass_on(pipes: Sequence[Connection], fitter: Connection) -> list[Done]:
    """Take requests of the first desk to the process that fits, and rankings to all."""
    done: list[Done] = []
    open_, is_busy, waiting = list(pipes), False, None
    while open_:
        for ready in multiprocessing.connection.wait([*open_, fitter]):
            pipe = cast(Connection, ready)
            message: Any = pipe.recv()
            if pipe is fitter:
                is_busy = False
                for other in open_:
                    other.send(message)
            elif isinstance(message, Done):
                done.append(message)
                open_.remove(pipe)
            elif isinstance(message, Fit | ColdStart):
                waiting = message
        if waiting is not None and not is_busy:
            fitter.send(waiting)
            is_busy, waiting = True, None
    return done


def fit_for_all(source: str, cache: Path, requests: Connection) -> None:
    """Answer requests until there is None."""
    dataset = open_dataset(source, cache_dir=cache)
    learner = Learner(pixels(dataset.pool), len(dataset.class_names))
    while (request := requests.recv()) is not None:
        answer = learner.fit if isinstance(request, Fit) else learner.cold_start
        requests.send(answer(request))


def work(
    number: int, path: Path, source: str, cache: Path, seconds: float, pipe: Connection
) -> None:
    """Label at one desk."""
    dataset = open_dataset(source, cache_dir=cache)
    assert dataset.truth is not None
    by, rng = Annotator(f"desk {number}"), np.random.default_rng(number)
    news: queue.SimpleQueue[list[Event]] = queue.SimpleQueue()
    with Journal(path, by.name, source) as journal:
        session = Session(dataset, journal, SETTINGS, by)
        follower = Follower(journal, lambda events, _: news.put(events))
        follower.start()
        pipe.send("ready")
        done, asked = Done([], [], []), -1
        end, due = time.monotonic() + seconds, time.monotonic()
        while (now := time.monotonic()) < end and session.current is not None:
            due += rng.uniform(0.5, 1.5) / KEYS_A_SECOND
            while now < due:
                if pipe.poll(due - now):
                    ranking = pipe.recv()
                    if asked >= 0:
                        session.accept_ranking(replace(ranking, generation=asked), by=by)
                        asked = -1
                now = time.monotonic()
            while not news.empty():
                session.take_in(news.get())
            slot, item, round_ = session.current, session.current_id, session.round
            assert slot is not None
            assert item is not None
            started = time.perf_counter()
            event = session.label(item, int(dataset.truth[slot.row]), by=by, ms=200)
            took = time.perf_counter() - started
            (done.keys if session.round == round_ else done.batch_ends).append(took)
            done.saved.append(event.id)
            request: Request | None = session.take_request() if session.request_is_due else None
            if request is not None:
                asked = request.generation
                if number == 0:
                    pipe.send(request)
        follower.stop()
    pipe.send(done)


class Typist(threading.Thread):
    """Labels on a screen, and measures each key.

    Attributes
    ----------
    keys : list of float
        Seconds from a key to the last byte of its output.
    """

    def __init__(self, bench: Bench, path: Path, number: int, seconds: float) -> None:
        super().__init__(daemon=True)
        self._bench = bench
        self._seconds = seconds
        self._number = number
        name = f"screen {number}"
        self._program = bench.open(path, "--annotator", name, "--model", "softmax")
        self.keys: list[float] = []

    def run(self) -> None:
        """Press keys, at about the pace of the desks."""
        rng = np.random.default_rng(1000 + self._number)
        end = time.monotonic() + self._seconds
        while time.monotonic() < end:
            pressed = time.monotonic()
            self.keys.append(self._program.press(str(rng.integers(10))).ms / 1000)
            rest = rng.uniform(0.5, 1.5) / KEYS_A_SECOND - (time.monotonic() - pressed)
            self._program.read(max(rest, 0.0), first=max(rest, 0.0))
        self._program.end()


def report(path: Path, done: Sequence[Done], typists: Sequence[Typist]) -> None:
    """Print what is in the session, and how long keys took."""
    reader = Reader(path)
    events = reader.read()
    saved = {id_ for desk in done for id_ in desk.saved}
    lost = len(saved - {event.id for event in events})
    answers = [event for event in events if isinstance(event.payload, Answer)]
    first: dict[str, str] = {}
    own, reasons, repeated = 0, Counter[str](), Counter[str]()
    for event in answers:
        assert isinstance(event.payload, Answer)
        log = first.setdefault(event.payload.item, event.log)
        reasons[event.payload.reason] += 1
        repeated[event.payload.reason] += log != event.log
        own += log == event.log
    again = repeated.total()
    own -= len(first)
    print(f"\n{len(done)} desks and {len(typists)} screens; {len(answers):,} answers")
    print(f"{'events acknowledged':48}{len(saved):9,}")
    print(f"{'  of which missing in the end':48}{lost:9,}{'  met' if not lost else '  MISSED'}")
    share = again / max(len(answers), 1)
    print(
        f"{'answers to what another desk had answered':48}{again:9,}  {share:.2%}, "
        f"goal < {GOAL:.0%}{'  met' if share < GOAL else '  MISSED'}"
    )
    print(f"{'answers to what the same desk had answered':48}{own:9,}")
    print(f"{'parts of the session that are damaged or missing':48}{len(reader.problems):9,}")
    for reason, count in reasons.most_common():
        print(f"{'  ' + reason:48}{count:9,}  {repeated[reason]} of them answered elsewhere before")
    print()
    print_head()
    if done:
        print_row("a key, on disk", [one for desk in done for one in desk.keys])
        print_row("the last of a batch", [one for desk in done for one in desk.batch_ends])
    for number, typist in enumerate(typists):
        print_row(f"screen {number}: key to the last byte", typist.keys)


if __name__ == "__main__":
    main()
