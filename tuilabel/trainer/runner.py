"""The parent's side of the trainer: starts the child, keeps it going, and never blocks."""

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
from typing import Literal

import tuilabel
from tuilabel.errors import TrainerError
from tuilabel.learn.requests import ColdStartFinished, FitFinished
from tuilabel.learn.threads import THREAD_VARIABLES
from tuilabel.trainer.messages import (
    MAX_LINE_BYTES,
    FeaturesPrepared,
    FromChild,
    Heartbeat,
    LearnerRequest,
    OpenPool,
    PoolOpened,
    Preparing,
    RequestFailed,
    decode_from_child,
    encode,
)

MAX_FAILURES = 3
"""Children in a row that may be lost without an answer before the trainer gives up."""

EXIT_SECONDS = 1.0
"""How long a child that has closed its output may take to exit."""

LOG_BYTES = 2**20
"""Size from which on a child begins the log anew."""

NICENESS = 19
"""The child works with what the screen leaves over."""

Phase = Literal["starting", "idle", "working", "restarting", "failed", "stopped"]


@dataclass(frozen=True)
class TrainerState:
    """What the trainer does at the moment.

    Attributes
    ----------
    phase
        ``"failed"`` lasts until the next request, ``"stopped"`` for good.
    generation
        Of the request being worked on or last worked on; None before the first.
    detail
        One line for the person at the terminal.
    """

    phase: Phase
    generation: int | None
    detail: str


@dataclass(frozen=True)
class TrainerDown:
    """The child was lost; `reason` is one line, the rest is in the file `log_path`.

    `given_up` tells that what it was asked is not asked again before the next request.
    """

    reason: str
    log_path: Path
    given_up: bool = False


@dataclass(frozen=True)
class TrainerRestarted:
    """A lost child has been replaced, and the replacement takes requests."""


TrainerEvent = (
    FitFinished
    | ColdStartFinished
    | RequestFailed
    | Preparing
    | FeaturesPrepared
    | TrainerDown
    | TrainerRestarted
)


class Trainer:
    """A child process that fits and ranks, one request at a time.

    A newer request replaces one that is still waiting. One that is being worked on is finished
    and its answer given: whoever fills batches faster than a model fits still gets rankings, and
    only whoever asked knows whether an answer is stale. A child that dies, hangs or sends garbage
    is replaced, and what it was asked is asked again.

    Parameters
    ----------
    open_pool
        What to work on.
    on_event
        Called on the event loop with each `TrainerEvent`; what it raises goes to the loop's
        exception handler.
    log_path
        Where the child's standard error goes; made, with its folder, for the owner alone to read.
    hang_seconds
        How long a working child may give no sign of life.
    request_seconds
        How long one request may take.
    ready_seconds
        How long a child may take to open the pool.
    python, worker_module
        What the child runs.
    """

    def __init__(
        self,
        open_pool: OpenPool,
        *,
        on_event: Callable[[TrainerEvent], object],
        log_path: Path,
        hang_seconds: float = 20.0,
        request_seconds: float = 600.0,
        ready_seconds: float = 60.0,
        python: str = sys.executable,
        worker_module: str = "tuilabel.trainer.worker",
    ) -> None:
        self._open_pool = open_pool
        self._on_event = on_event
        self._log_path = log_path
        self._hang_seconds = hang_seconds
        self._request_seconds = request_seconds
        self._ready_seconds = ready_seconds
        self._python = python
        self._worker_module = worker_module

        self._state = TrainerState("starting", None, "the trainer is starting")
        self._supervisor: asyncio.Task[None] | None = None
        self._process: Process | None = None
        self._ready = False
        self._waiting: LearnerRequest | None = None
        self._in_flight: LearnerRequest | None = None
        self._failures = 0
        self._seconds_silent = 0.0
        self._seconds_busy = 0.0
        self._busy = asyncio.Event()
        self._submitted = asyncio.Event()
        self._stopping = asyncio.Event()

    @property
    def state(self) -> TrainerState:
        """What the trainer does at the moment."""
        return self._state

    @property
    def pid(self) -> int | None:
        """The child's process id, or None when there is no child."""
        return None if self._process is None else self._process.pid

    def start(self) -> None:
        """Start the child, without waiting for it; the event loop must be running.

        Raises
        ------
        RuntimeError
            If it has been started before or no event loop is running.
        """
        if self._supervisor is not None:
            raise RuntimeError("A trainer can be started only once.")
        self._supervisor = asyncio.get_running_loop().create_task(self._supervise())

    def submit(self, request: LearnerRequest) -> None:
        """Ask for a fit or a cold start, without waiting for it.

        It is sent as soon as the child is ready, and replaces a request that is still waiting.
        After `stop` nothing is sent any more.
        """
        self._waiting = request
        self._submitted.set()
        self._send_waiting()

    async def stop(self) -> None:
        """Kill the child, whatever it does, and wait until it is gone.

        Raises
        ------
        Exception
            What ended the supervision early, if anything unforeseen did.
        """
        self._stopping.set()
        self._submitted.set()
        if self._supervisor is not None:
            await asyncio.wait({self._supervisor})
            if not self._supervisor.cancelled():
                self._supervisor.result()
        self._enter("stopped", "the trainer is stopped")

    async def _supervise(self) -> None:
        while not self._stopping.is_set():
            reason = await self._run_child()
            if self._stopping.is_set():
                return
            self._failures += 1
            self._waiting = self._waiting or self._in_flight
            self._in_flight = None
            if self._failures < MAX_FAILURES:
                self._enter("restarting", f"{reason}; restarting; labelling goes on")
                self._emit(TrainerDown(self._state.detail, self._log_path))
                continue
            self._enter(
                "failed",
                f"{reason}; given up after {MAX_FAILURES} tries until the next batch; "
                f"see {self._log_path}",
            )
            self._emit(TrainerDown(self._state.detail, self._log_path, given_up=True))
            self._submitted.clear()
            await self._submitted.wait()
            self._failures = 0
            self._enter("restarting", "the trainer is starting again")

    async def _run_child(self) -> str:
        """Keep one child until it is lost or no longer wanted; give the reason."""
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
        self._log_path.parent.mkdir(parents=True, exist_ok=True)
        log = os.open(self._log_path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        if os.fstat(log).st_size > LOG_BYTES:
            os.ftruncate(log, 0)
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
                # Ctrl-C in the terminal goes to every process of its session.
                start_new_session=True,
                env=child_environment(),
            )
        finally:
            os.close(log)
        # From here rather than by the child itself: its imports are to be nice already.
        with contextlib.suppress(ProcessLookupError):
            os.setpriority(os.PRIO_PROCESS, process.pid, NICENESS)
        return process

    async def _read(self, process: Process) -> str:
        """Handle what the child says until it says no more; give the reason."""
        assert process.stdout is not None
        while True:
            try:
                line = await process.stdout.readuntil(b"\n")
                message = decode_from_child(line)
            except asyncio.IncompleteReadError:
                return await _how_it_ended(process)
            except (asyncio.LimitOverrunError, TrainerError) as error:
                return f"the trainer sent garbage ({error})"
            if isinstance(message, RequestFailed) and message.generation is None:
                return f"the trainer could not open the pool ({message.message})"
            self._receive(message)

    def _receive(self, message: FromChild) -> None:
        self._seconds_silent = 0.0
        if isinstance(message, Heartbeat):
            return
        if isinstance(message, Preparing | FeaturesPrepared):
            self._emit(message)
            return
        if isinstance(message, PoolOpened):
            self._ready = True
            if self._state.phase == "restarting":
                self._emit(TrainerRestarted())
        elif self._in_flight is None or message.generation != self._in_flight.generation:
            return
        else:
            self._in_flight = None
            self._failures = 0
            self._emit(message)
        self._busy.clear()
        self._enter("idle", "the trainer is ready")
        self._send_waiting()

    def _send_waiting(self) -> None:
        # At most one request is unanswered, so a child that does not read makes no queue grow.
        if self._process is None or not self._ready or self._in_flight or self._waiting is None:
            return
        self._in_flight, self._waiting = self._waiting, None
        self._restart_clock()
        self._enter("working", "the trainer is fitting", self._in_flight.generation)
        _writer(self._process).write(encode(self._in_flight))

    def _restart_clock(self) -> None:
        self._seconds_silent = self._seconds_busy = 0.0
        self._busy.set()

    async def _watch(self) -> str:
        """Wait until the child takes too long over something; give the reason.

        Time is counted in ticks: when this process is itself stopped for an hour (Ctrl-Z), one
        tick has passed, and the child is not blamed.
        """
        limits = (self._hang_seconds, self._request_seconds, self._ready_seconds)
        tick = min(1.0, min(limits) / 4)
        while True:
            await self._busy.wait()
            await asyncio.sleep(tick)
            self._seconds_silent += tick
            self._seconds_busy += tick
            if not self._ready:
                if self._seconds_busy > self._ready_seconds:
                    return f"the trainer hung (not ready after {self._ready_seconds:g} s)"
            elif self._in_flight is not None:
                if self._seconds_silent > self._hang_seconds:
                    return f"the trainer hung (no sign of life for {self._hang_seconds:g} s)"
                if self._seconds_busy > self._request_seconds:
                    return f"the trainer hung (one fit took over {self._request_seconds:g} s)"

    def _enter(self, phase: Phase, detail: str, generation: int | None = None) -> None:
        if generation is None:
            generation = self._state.generation
        self._state = TrainerState(phase, generation, detail)

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
    """Kill a child and whatever it started, and reap it."""
    if process.returncode is None:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, signal.SIGKILL)
    _writer(process).close()
    # Reading what is left in the pipe lets its transport see the end and close.
    await process.communicate()


def child_environment() -> dict[str, str]:
    """Give the child this environment, one thread for each numeric library, and this tuilabel."""
    environment = os.environ | dict.fromkeys(THREAD_VARIABLES, "1")
    root = str(Path(tuilabel.__file__).resolve().parent.parent)
    # An installed tuilabel is found anyway; its folder must not come before the standard library.
    if root not in (*site.getsitepackages(), site.getusersitepackages()):
        inherited = os.environ.get("PYTHONPATH")
        environment["PYTHONPATH"] = root + os.pathsep + inherited if inherited else root
    return environment
