"""The parent's side of the trainer: starts the child, restarts a lost one, and never blocks."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import site
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import tuilabel
from tuilabel.errors import TrainerError
from tuilabel.learn.threads import THREAD_VARIABLES
from tuilabel.small_files import open_to_append
from tuilabel.trainer.jobs import Job, Priority
from tuilabel.trainer.messages import (
    MAX_LINE_BYTES,
    Cancel,
    Do,
    Failed,
    Finished,
    FromChild,
    OpenPool,
    PoolFailed,
    PoolOpened,
    Progress,
    decode_from_child,
    encode,
)
from tuilabel.trainer.queue import Entry, JobQueue

MAX_FAILURES = 3
"""After this many children in a row are lost without an answer, the trainer gives up."""

EXIT_SECONDS = 1.0
"""Time limit for a child that has closed its output to exit."""

LOG_BYTES = 2**20
"""A larger log is emptied when a child starts."""

NICENESS = 19
"""Lowest priority, so that the screen is never slowed down."""


@dataclass(frozen=True)
class TrainerDown:
    """The child was lost; `reason` is one line, the file `log_path` has details.

    If `given_up`, no child is started before the next request.
    """

    reason: str
    log_path: Path
    given_up: bool = False


@dataclass(frozen=True)
class TrainerRestarted:
    """A lost child was replaced, and the new one takes requests."""


TrainerEvent = Progress | Finished | Failed | TrainerDown | TrainerRestarted


class Trainer:
    """A child process that does jobs over one pool, the most urgent first.

    A newer ranking replaces one that still waits. One that is being worked on is finished and
    answered, so that an annotator who is faster than the fits still gets rankings; the caller
    decides whether an answer is stale. Every other job ends with `Finished` or `Failed`, unless it
    is cancelled. A child that dies, hangs or sends invalid messages is replaced, and its jobs are
    sent again.

    Parameters
    ----------
    open_pool
        The pool to work on.
    on_event
        Called on the event loop with each `TrainerEvent`; its exceptions go to the loop's
        exception handler.
    log_path
        File for the child's standard error; it is created, with its folder, and only its owner
        can read it.
    hang_seconds
        Time limit for a sign of life from a working child.
    ranking_seconds
        Time limit for one ranking; other jobs may take as long as they do.
    ready_seconds
        Time limit for opening the pool.
    python, worker_module
        Interpreter and module of the child.
    """

    def __init__(
        self,
        open_pool: OpenPool,
        *,
        on_event: Callable[[TrainerEvent], object],
        log_path: Path,
        hang_seconds: float = 20.0,
        ranking_seconds: float = 600.0,
        ready_seconds: float = 60.0,
        python: str = sys.executable,
        worker_module: str = "tuilabel.trainer.worker",
    ) -> None:
        self._open_pool = open_pool
        self._on_event = on_event
        self._log_path = log_path
        self._hang_seconds = hang_seconds
        self._ranking_seconds = ranking_seconds
        self._ready_seconds = ready_seconds
        self._python = python
        self._worker_module = worker_module

        self._supervisor: asyncio.Task[None] | None = None
        self._process: Process | None = None
        self._ready = self._replaced = False
        self._queue = JobQueue()
        self._failures = 0
        self._seconds_silent = 0.0
        self._seconds_busy = 0.0
        self._busy = asyncio.Event()
        self._submitted = asyncio.Event()
        self._stopping = asyncio.Event()

    @property
    def pid(self) -> int | None:
        """The child's process id; None if there is no child."""
        return None if self._process is None else self._process.pid

    def start(self) -> None:
        """Start the child, without waiting for it; the event loop must be running.

        Raises
        ------
        RuntimeError
            If it was started before, or no event loop is running.
        """
        if self._supervisor is not None:
            raise RuntimeError("A trainer can be started only once.")
        self._supervisor = asyncio.get_running_loop().create_task(self._supervise())

    def submit(self, job: Job) -> int:
        """Add a job, without waiting for it, and return its id.

        It is sent as soon as it is its turn. After `stop` nothing is sent.
        """
        number = self._queue.submit(job)
        self._submitted.set()
        self._send_waiting()
        return number

    def cancel(self, number: int) -> None:
        """End a job, of which no more is reported.

        One that waits is never sent. One that is being worked on ends at its next step, where it
        would report its progress: a single fit or clustering cannot be interrupted, and its result
        is dropped.
        """
        if self._queue.cancel(number) and self._process is not None:
            _writer(self._process).write(encode(Cancel(number)))

    async def stop(self) -> None:
        """Kill the child, even while it works, and wait until it is gone.

        Raises
        ------
        Exception
            If a bug ended the supervision early.
        """
        self._stopping.set()
        self._submitted.set()
        if self._supervisor is not None:
            await asyncio.wait({self._supervisor})
            if not self._supervisor.cancelled():
                self._supervisor.result()

    async def _supervise(self) -> None:
        while not self._stopping.is_set():
            reason = await self._run_child()
            if self._stopping.is_set():
                return
            self._failures += 1
            self._replaced = True
            for entry in self._queue.lose_child():
                self._emit(Failed(entry.id, f"{reason}, {entry.losses} times during this work"))
            if self._failures < MAX_FAILURES:
                reason += "; restarting"
                self._emit(TrainerDown(reason, self._log_path))
                continue
            reason += f"; given up: the next batch restarts it; see {self._log_path}"
            self._emit(TrainerDown(reason, self._log_path, given_up=True))
            self._submitted.clear()
            await self._submitted.wait()
            self._failures = 0

    async def _run_child(self) -> str:
        """Run one child until it is lost or stopped; return the reason."""
        try:
            process = await self._spawn()
        except OSError as error:
            return f"the trainer could not be started ({error})"
        self._process = process
        self._restart_clock()
        reading = asyncio.create_task(self._read(process))
        watching = asyncio.create_task(self._watch())
        stopping = asyncio.create_task(self._stopping.wait())
        try:
            _writer(process).write(encode(self._open_pool))
            await asyncio.wait({reading, watching, stopping}, return_when=asyncio.FIRST_COMPLETED)
            for ended in (reading, watching):
                if ended.done():
                    return ended.result()
            return "the trainer was stopped"
        finally:
            self._process = None
            self._ready = False
            for task in (reading, watching, stopping):
                task.cancel()
            await asyncio.wait({reading, watching, stopping})
            await _end(process)

    async def _spawn(self) -> Process:
        log = open_log(self._log_path)
        try:
            process = await asyncio.create_subprocess_exec(
                self._python,
                "-P",
                "-m",
                self._worker_module,
                stdin=PIPE,
                stdout=PIPE,
                stderr=log,
                limit=MAX_LINE_BYTES,
                # Otherwise Ctrl-C in the terminal would reach the child too.
                start_new_session=True,
                env=child_environment(),
            )
        finally:
            os.close(log)
        # Set here and not in the child, so that it applies to the child's imports too.
        with contextlib.suppress(ProcessLookupError):
            os.setpriority(os.PRIO_PROCESS, process.pid, NICENESS)
        return process

    async def _read(self, process: Process) -> str:
        """Handle the child's messages until it ends; return the reason."""
        assert process.stdout is not None
        while True:
            try:
                line = await process.stdout.readuntil(b"\n")
                message = decode_from_child(line)
                if isinstance(message, PoolFailed):
                    return f"the trainer could not open the pool ({message.message})"
                self._receive(message)
            except asyncio.IncompleteReadError:
                return await _how_it_ended(process)
            except (asyncio.LimitOverrunError, TrainerError) as error:
                return f"the trainer sent an invalid message ({error})"

    def _receive(self, message: FromChild) -> None:
        self._seconds_silent = 0.0
        match message:
            case PoolOpened():
                self._ready = True
                if self._replaced:
                    self._replaced = False
                    self._emit(TrainerRestarted())
            case Progress(id=number) if self._queue.find(number) is not None:
                self._emit(message)
            case Finished(id=number) | Failed(id=number):
                self._end_job(self._queue.find(number), message)
                self._queue.end(number)
        if self._ready and not self._queue.in_flight:
            self._busy.clear()
        self._send_waiting()

    def _end_job(self, entry: Entry | None, message: Finished | Failed) -> None:
        if entry is None:
            return
        if isinstance(message, Finished) and type(message.answer) is not entry.job.answer:
            found, job = type(message.answer).__name__, type(entry.job).__name__
            raise TrainerError(f"{found} is no answer to {job}.")
        if not entry.job.lasting:
            self._failures = 0
        self._emit(message)

    def _send_waiting(self) -> None:
        while self._process is not None and self._ready and (entry := self._queue.take()):
            try:
                line = encode(Do(entry.id, entry.job))
            except TrainerError as error:
                self._queue.end(entry.id)
                self._emit(Failed(entry.id, str(error)))
                continue
            self._seconds_silent = 0.0
            if entry.job.priority is Priority.RANKING:
                self._seconds_busy = 0.0
            self._busy.set()
            _writer(self._process).write(line)

    def _restart_clock(self) -> None:
        self._seconds_silent = self._seconds_busy = 0.0
        self._busy.set()

    async def _watch(self) -> str:
        """Wait until the child exceeds a time limit; return the reason.

        Time is counted in ticks: if this process is stopped for an hour (Ctrl-Z), only one tick
        passes for the child.
        """
        limits = (self._hang_seconds, self._ranking_seconds, self._ready_seconds)
        tick = min(1.0, min(limits) / 4)
        while True:
            await self._busy.wait()
            await asyncio.sleep(tick)
            self._seconds_silent += tick
            in_flight = self._queue.in_flight
            ranks = any(entry.job.priority is Priority.RANKING for entry in in_flight)
            self._seconds_busy = self._seconds_busy + tick if ranks or not self._ready else 0.0
            if not self._ready:
                if self._seconds_busy > self._ready_seconds:
                    return f"the trainer hung (not ready after {self._ready_seconds:g} s)"
            elif in_flight:
                if self._seconds_silent > self._hang_seconds:
                    return f"the trainer hung (no sign of life for {self._hang_seconds:g} s)"
                if self._seconds_busy > self._ranking_seconds:
                    return f"the trainer hung (one fit took over {self._ranking_seconds:g} s)"

    def _emit(self, event: TrainerEvent) -> None:
        asyncio.get_running_loop().call_soon(self._deliver, event)

    def _deliver(self, event: TrainerEvent) -> None:
        if not self._stopping.is_set():
            self._on_event(event)


def _writer(process: Process) -> asyncio.StreamWriter:
    assert process.stdin is not None
    return process.stdin


async def _how_it_ended(process: Process) -> str:
    try:
        status = await asyncio.wait_for(process.wait(), EXIT_SECONDS)
    except TimeoutError:
        return "the trainer died (it closed its output)"
    if status < 0:
        return f"the trainer died (signal {-status})"
    return f"the trainer died (exit status {status})"


async def _end(process: Process) -> None:
    """Kill a child and its own children, and reap it."""
    if process.returncode is None:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, signal.SIGKILL)
    _writer(process).close()
    # Reading the rest of the pipe lets its transport see the end and close.
    await process.communicate()


def open_log(path: Path) -> int:
    """Open a log to append to, which only its owner can read; return a descriptor.

    Without room or permission for a log, what is written goes nowhere: the work itself goes on.
    """
    try:
        log = open_to_append(path)
        if os.fstat(log).st_size > LOG_BYTES:
            os.ftruncate(log, 0)
    except OSError:
        return os.open(os.devnull, os.O_WRONLY)
    return log


def child_environment() -> dict[str, str]:
    """Return the environment of a child: one thread for numerical libraries, and this tuilabel."""
    environment = os.environ | dict.fromkeys(THREAD_VARIABLES, "1")
    root = str(Path(tuilabel.__file__).resolve().parent.parent)
    # An installed tuilabel is found anyway, and its folder must not precede the standard library.
    if root not in (*site.getsitepackages(), site.getusersitepackages()):
        inherited = os.environ.get("PYTHONPATH")
        environment["PYTHONPATH"] = root + os.pathsep + inherited if inherited else root
    return environment
