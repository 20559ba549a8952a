"""How the child does its jobs: a function for each kind, and turns to work.

Each job runs in a thread of its own. One that works holds a turn, and less urgent jobs pause at
their next step meanwhile: two at once would take two processors, and one is for the screen.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import numpy as np

from tuilabel.autolabel.job import auto_label
from tuilabel.data.arrays import replacing
from tuilabel.errors import TuilabelError
from tuilabel.learn.baseline import random_curves
from tuilabel.learn.centres import cluster_pictures
from tuilabel.learn.checks import check_indices
from tuilabel.learn.learner import Learner, Needs
from tuilabel.learn.likeness import by_likeness, by_oddness
from tuilabel.learn.names import AUTO
from tuilabel.learn.requests import ColdStart
from tuilabel.text import LONGEST_PATH, inert
from tuilabel.trainer.jobs import (
    Autolabel,
    Autolabelled,
    Baseline,
    BaselineFound,
    Centres,
    CentresKept,
    Job,
    Prepare,
    Prepared,
    Priority,
    Rank,
    Ranked,
    Score,
    Scored,
    Sort,
    Sorted,
    Start,
    Started,
)
from tuilabel.trainer.messages import Failed, Finished, FromChild, Progress

PROGRESS_SECONDS = 1.0
"""Time between two reports of progress: each of them redraws a line of the screen."""

KEPT_SECONDS = 0.5
"""Time that a ranking waits for a preparation which may only have to load the cache. Without it,
the first fit of a session that is opened again would use a worse model than the last fit before."""

TICK_SECONDS = 0.1

MESSAGE_CHARACTERS = 300
"""The longest reason for a failure that is sent; the log has all of it."""

log = logging.getLogger(__name__)


class JobCancelledError(Exception):
    """Nobody waits for the job any more."""


class Step:
    """A job's `tuilabel.progress.Progress`: reports, pauses for more urgent jobs, and ends it.

    Parameters
    ----------
    bench : Workbench
    number : int
        The job's id.
    priority : Priority
    """

    def __init__(self, bench: Workbench, number: int, priority: Priority) -> None:
        self._bench = bench
        self._number = number
        self._priority = priority
        self._reported = time.monotonic()
        self.cancelled = False

    def __call__(self, what: str, done: int, total: int | None) -> None:
        """Report progress once in a while, and pause while a more urgent job works.

        Raises
        ------
        JobCancelledError
            The job was cancelled.
        """
        self._bench.wait_for_turn(self._priority, lambda: self.cancelled)
        self.report(what, done, total)

    def report(self, what: str, done: int, total: int | None) -> None:
        """Report progress once in a while, without a pause.

        Raises
        ------
        JobCancelledError
            The job was cancelled.
        """
        self.check()
        now = time.monotonic()
        if now - self._reported >= PROGRESS_SECONDS:
            self._reported = now
            self._bench.send(Progress(self._number, what, done, total or done))

    def check(self) -> None:
        """Raise `JobCancelledError` if the job was cancelled."""
        if self.cancelled:
            raise JobCancelledError

    @contextmanager
    def turn(self) -> Iterator[None]:
        """Let less urgent jobs pause within a ``with`` block."""
        with self._bench.turn(self._priority):
            self._bench.wait_for_turn(self._priority, lambda: self.cancelled)
            self.check()
            yield


class Workbench:
    """Does jobs over one pool.

    Parameters
    ----------
    learner : Learner
    send : callable
        Sends a message to the parent; may be called from any thread.
    """

    def __init__(self, learner: Learner, send: Callable[[FromChild], None]) -> None:
        self.learner = learner
        self.send = send
        self._steps: dict[int, Step] = {}
        self._rankings = 0
        self._turns: list[Priority] = []
        self._changed = threading.Condition()
        self._fitting = threading.Lock()
        self._preparing = threading.Lock()
        self._preparations = 0
        self._last_preparation = 0.0
        self._late = False
        self._problems: dict[Needs, str] = {}

    def begin(self, number: int, job: Job, working: Callable[[], Any]) -> None:
        """Do a job in a new thread, within ``working()``."""
        step = self._steps[number] = Step(self, number, job.priority)
        ranks, prepares = job.priority is Priority.RANKING, isinstance(job, Prepare)
        with self._changed:
            self._rankings += ranks
            self._preparations += prepares
        if prepares:
            self._last_preparation = time.monotonic()

        def run() -> None:
            with working():
                answer = self._done(number, job, step)
                del self._steps[number]
                with self._changed:
                    self._rankings -= ranks
                self._send_answer(number, answer)
                with self._changed:
                    self._preparations -= prepares
                    self._changed.notify_all()
                if ranks:
                    self._reflect()

        threading.Thread(target=run, daemon=True).start()

    def cancel(self, number: int) -> None:
        """End a job at its next step."""
        step = self._steps.get(number)
        if step is not None:
            with self._changed:
                step.cancelled = True
                self._changed.notify_all()

    def _done(self, number: int, job: Job, step: Step) -> Finished | Failed:
        try:
            return Finished(number, WORK[type(job)](self, job, step))
        except JobCancelledError:
            return Failed(number, "cancelled")
        except Exception as error:
            log.exception("job %d failed: %s", number, type(job).__name__)
            return Failed(number, one_line(error))

    def _send_answer(self, number: int, answer: Finished | Failed) -> None:
        try:
            self.send(answer)
        except TuilabelError as error:
            # It is too long.
            self.send(Failed(number, one_line(error)))

    def _reflect(self) -> None:
        """Let the learner compare models, until the next ranking."""
        with self.turn(Priority.RANKING), self._fitting:
            for _ in self.learner.reflect():
                # The labels of the next request will be weighed instead.
                if self._rankings:
                    break

    # Turns.

    @contextmanager
    def turn(self, priority: Priority) -> Iterator[None]:
        """Let less urgent jobs pause within a ``with`` block."""
        with self._changed:
            self._turns.append(priority)
        try:
            yield
        finally:
            with self._changed:
                self._turns.remove(priority)
                self._changed.notify_all()

    def wait_for_turn(self, priority: Priority, cancelled: Callable[[], bool]) -> None:
        """Wait while more urgent jobs work."""
        with self._changed:
            self._changed.wait_for(
                lambda: cancelled() or min(self._turns, default=priority) >= priority
            )

    # What several jobs need.

    def prepare(self, needs: Needs, step: Step | None = None) -> str | None:
        """Prepare what requests need, once; return what could not be prepared.

        A job holds no turn here: the preparation may have been begun by a less urgent one.
        """
        while not self._preparing.acquire(timeout=TICK_SECONDS):
            if step is not None:
                step.check()
        try:
            if not self.is_settled(needs):
                # No pause in a small pool: a ranking waits for all of it.
                quick = self.learner.is_quick()
                self.learner.prepare(needs, progress=step and (step.report if quick else step))
        except JobCancelledError:
            raise
        except Exception as error:
            log.exception("preparing %s failed", needs)
            self._problems[needs] = one_line(error)
        finally:
            self._preparing.release()
            with self._changed:
                self._changed.notify_all()
        return self._problems.get(needs) or self.learner.why_no_graph(needs)

    def is_settled(self, needs: Needs) -> bool:
        """Return whether everything is prepared that can be."""
        return self.learner.is_ready(needs) or needs in self._problems

    def head_start(self, needs: Needs) -> None:
        """Wait for a preparation before a ranking: for all of it in a small pool, or a moment."""
        quick = self.learner.is_quick()
        left = self._last_preparation + KEPT_SECONDS - time.monotonic()
        with self._changed:
            self._changed.wait_for(
                lambda: not self._preparations, None if quick else max(0.0, left)
            )
        if quick:
            self.prepare(needs)
        with self._changed:
            self._late |= not self.is_settled(needs)

    def take_late(self) -> bool:
        """Return whether a ranking began before what it needs was prepared; forget it."""
        with self._changed:
            late, self._late = self._late, False
        return late

    @contextmanager
    def fitting(self, step: Step) -> Iterator[Learner]:
        """Work with the session's learner within a ``with`` block."""
        with step.turn(), self._fitting:
            yield self.learner


def one_line(error: Exception) -> str:
    """Return an error as a line for people."""
    text = " ".join(str(error).split())
    if isinstance(error, TuilabelError):
        # A sentence for people, perhaps with a long path.
        return inert(text, LONGEST_PATH)
    return inert(f"{type(error).__name__}: {text}", MESSAGE_CHARACTERS)


# The kinds of jobs.


def _rank(bench: Workbench, job: Rank, step: Step) -> Ranked:
    bench.head_start(bench.learner.needs(job.request))
    with bench.fitting(step) as learner:
        return Ranked(learner.fit(job.request))


def _start(bench: Workbench, job: Start, step: Step) -> Started:
    bench.head_start(bench.learner.needs(job.request))
    with bench.fitting(step) as learner:
        return Started(learner.cold_start(job.request))


def _prepare(bench: Workbench, job: Prepare, step: Step) -> Prepared:
    started = time.perf_counter()
    needs = _needs(bench, job)
    problem = bench.prepare(needs, step)
    is_named = job.model != AUTO or job.cold_start == "spectral"
    if not is_named and bench.learner.has_too_few(needs):
        problem = None  # `auto` learns without, and nobody can change that
    seconds = time.perf_counter() - started
    return Prepared(needs.features, seconds, problem and inert(problem, 300), bench.take_late())


def _score(bench: Workbench, job: Score, step: Step) -> Scored:
    rows = np.array(job.rows, dtype=np.intp)
    check_indices(rows, len(bench.learner), "Rows")
    bench.prepare(bench.learner.needs(job.request), step)
    with step.turn():
        teacher = bench.learner.apart().teach(job.request)
        return Scored(*teacher.seen, teacher.of_pool(rows))


def _centres(bench: Workbench, job: Centres, step: Step) -> CentresKept:
    with step.turn():
        rng = np.random.default_rng(job.seed)
        pictures, shares = cluster_pictures(bench.learner.images, job.clusters, rng)
        with replacing(job.out) as file:
            np.savez(file, pictures=pictures, shares=shares)
    return CentresKept()


def _baseline(bench: Workbench, job: Baseline, step: Step) -> BaselineFound:
    bench.prepare(_needs(bench, job), step)
    with step.turn():
        curves = random_curves(
            bench.learner,
            job.truth,
            model=job.model,
            features=job.features,
            batch_size=job.batch_size,
            budget=job.budget,
            runs=job.runs,
            progress=step,
        )
    return BaselineFound(curves)


def _autolabel(bench: Workbench, job: Autolabel, step: Step) -> Autolabelled:
    bench.prepare(bench.learner.needs(job.request), step)
    free = np.ones(len(bench.learner), dtype=bool)
    for rows in (job.answered, job.request.items, job.request.audit_items):
        taken = np.array(rows, dtype=np.intp)
        check_indices(taken, len(free), "Rows")
        free[taken] = False
    with step.turn():
        found = auto_label(
            bench.learner.apart(),
            job.request,
            np.flatnonzero(free),
            job.options,
            rng=np.random.default_rng(job.seed),
            progress=step,
        )
    return Autolabelled(found)


def _sort(bench: Workbench, job: Sort, step: Step) -> Sorted:
    if job.like is not None:
        check_indices(np.array([job.like]), len(bench.learner), "Rows")
    request = ColdStart(0, "random", "softmax", AUTO, (), (), 1, ())
    needs = bench.learner.needs(request)
    bench.prepare(needs, step)
    with step.turn():
        features = bench.learner.features(needs.features)
        if job.like is None:
            return Sorted(by_oddness(features, progress=step).astype(np.int32))
        return Sorted(by_likeness(features, job.like).astype(np.int32))


def _needs(bench: Workbench, job: Prepare | Baseline) -> Needs:
    method = job.cold_start if isinstance(job, Prepare) else "random"
    return bench.learner.needs(ColdStart(0, method, job.model, job.features, (), (), 1, ()))


WORK: Mapping[type[Any], Callable[[Workbench, Any, Step], Any]] = {
    Rank: _rank,
    Start: _start,
    Prepare: _prepare,
    Score: _score,
    Centres: _centres,
    Baseline: _baseline,
    Autolabel: _autolabel,
    Sort: _sort,
}
"""A function for each kind of job."""
