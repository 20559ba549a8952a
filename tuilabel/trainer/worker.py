"""The trainer's child process: ``python -P -m tuilabel.trainer.worker``.

It reads requests from its standard input and answers on its standard output, one at a time. When
its input ends, the parent is gone, and the child ends at once.
"""

from __future__ import annotations

import logging
import os
import signal
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from queue import SimpleQueue
from typing import BinaryIO

from tuilabel.data import HoldOut
from tuilabel.data.array_store import ArrayStore
from tuilabel.errors import TrainerError, TuilabelError
from tuilabel.learn.learner import Learner, Needs
from tuilabel.learn.models import warm_up
from tuilabel.learn.requests import ColdStart, Fit
from tuilabel.text import LONGEST_PATH, inert
from tuilabel.trainer.messages import (
    FeaturesPrepared,
    FromChild,
    Heartbeat,
    OpenPool,
    PoolOpened,
    Preparing,
    RequestFailed,
    decode_to_child,
    encode,
)

HEARTBEAT_SECONDS = 1.0

PROGRESS_SECONDS = 1.0

KEPT_SECONDS = 0.5
"""Time that an answer waits for a preparation which may only have to load the cache."""

MESSAGE_CHARACTERS = 300
"""The longest reason for a failure that is sent; the log has all of it."""

_PR_SET_PDEATHSIG = 1
"""From Linux's <sys/prctl.h>."""

log = logging.getLogger(__name__)


class WorkerChannel:
    """The output to the parent, shared by several threads."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._lock = threading.Lock()
        self._working = threading.Event()
        threading.Thread(target=self._beat, daemon=True).start()

    def send(self, message: FromChild) -> None:
        """Write a whole message."""
        line = encode(message)
        with self._lock:
            self._file.write(line)
            self._file.flush()

    @contextmanager
    def working(self) -> Iterator[None]:
        """Send heartbeats within a ``with`` block."""
        self._working.set()
        try:
            yield
        finally:
            self._working.clear()

    def _beat(self) -> None:
        while self._working.wait():
            self.send(Heartbeat())
            time.sleep(HEARTBEAT_SECONDS)


class Preparation:
    """Prepares what requests need, in its own thread while they are answered.

    Parameters
    ----------
    learner : Learner
    channel : WorkerChannel
        Output for progress and the end of a preparation.

    Attributes
    ----------
    answering : Lock
        Held while a request is answered; preparing then pauses as soon as it can. Both at once
        would take two processors, and one is for the screen.
    """

    def __init__(self, learner: Learner, channel: WorkerChannel) -> None:
        self._learner = learner
        self._channel = channel
        self._thread: threading.Thread | None = None
        self._lock = threading.Lock()
        self.answering = threading.Lock()
        self._late = False
        self._failed: set[Needs] = set()
        self._told = time.monotonic()

    def see_to(self, needs: Needs) -> None:
        """Prepare a small pool at once; otherwise start a thread, unless one is running."""
        if self._learner.is_ready(needs) or needs in self._failed:
            return
        if self._learner.is_quick():
            self._prepare(needs)
        elif self._thread is None or not self._thread.is_alive():
            self._late = False
            self._thread = threading.Thread(target=self._prepare, args=(needs,), daemon=True)
            self._thread.start()
            # Loading from the cache takes a moment. Without this wait, the first fit of a session
            # that is opened again would use a worse model than the last fit before.
            self._thread.join(KEPT_SECONDS)
            with self._lock:
                self._late = True

    def _prepare(self, needs: Needs) -> None:
        started = time.perf_counter()
        try:
            self._learner.prepare(needs, progress=self._tell)
            problem = self._learner.why_no_graph(needs)
        except Exception as error:
            log.exception("preparing %s failed", needs)
            self._failed.add(needs)
            problem = _one_line(error)
        seconds = time.perf_counter() - started
        problem = problem and inert(problem, 300)
        with self._lock:
            self._channel.send(FeaturesPrepared(needs.features, seconds, problem, self._late))

    def _tell(self, what: str, done: int, total: int | None) -> None:
        with self.answering:
            pass
        # Each of these redraws a line of the screen.
        now = time.monotonic()
        if now - self._told >= PROGRESS_SECONDS:
            self._told = now
            self._channel.send(Preparing(what, done, total or done))


def main() -> None:
    """Answer requests until the parent is gone."""
    _die_with_the_parent()
    logging.basicConfig(format="%(asctime)s trainer %(process)d: %(message)s")
    channel = WorkerChannel(_private_output())
    lines: SimpleQueue[bytes] = SimpleQueue()
    threading.Thread(target=_read, args=(lines,), daemon=True).start()

    learner = _open_pool(channel, lines.get())
    preparation = Preparation(learner, channel)
    with channel.working():
        warm_up()
    while True:
        request = decode_to_child(lines.get())
        if isinstance(request, OpenPool):
            raise TrainerError("A pool is open already: each child process works on one.")
        with channel.working():
            answer = _answer(learner, preparation, request)
        channel.send(answer)
        with channel.working():
            for _ in learner.reflect():
                # The next request is waiting, and its labels will be weighed instead.
                if not lines.empty():
                    break


def _open_pool(channel: WorkerChannel, line: bytes) -> Learner:
    request = decode_to_child(line)
    if not isinstance(request, OpenPool):
        raise TrainerError(f"{type(request).__name__} arrived before OpenPool.")
    try:
        learner = _learner(request)
    except TuilabelError as error:
        channel.send(RequestFailed(None, _one_line(error)))
        raise
    channel.send(PoolOpened(len(learner)))
    return learner


def _learner(request: OpenPool) -> Learner:
    """Return a learner over the files that a request names."""
    name, images, truth = request.holdout_name, request.holdout, request.holdout_truth
    held = None if images is None or truth is None else HoldOut(name, images.open(), truth.open())
    store = None if request.cache_folder is None else ArrayStore(Path(request.cache_folder))
    return Learner(request.pool.open(), request.n_classes, holdout=held, store=store)


def _answer(learner: Learner, preparation: Preparation, request: Fit | ColdStart) -> FromChild:
    try:
        preparation.see_to(learner.needs(request))
        with preparation.answering:
            if isinstance(request, Fit):
                return learner.fit(request)
            return learner.cold_start(request)
    except Exception as error:
        log.exception("request %d failed", request.generation)
        return RequestFailed(request.generation, _one_line(error))


def _one_line(error: Exception) -> str:
    text = " ".join(str(error).split())
    if isinstance(error, TuilabelError):
        # A sentence for people, perhaps with a long path.
        return inert(text, LONGEST_PATH)
    return inert(f"{type(error).__name__}: {text}", MESSAGE_CHARACTERS)


def _private_output() -> BinaryIO:
    """Return a file for messages, and redirect standard output, which libraries use, to the log."""
    private = os.fdopen(os.dup(sys.stdout.fileno()), "wb")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    return private


def _die_with_the_parent() -> None:
    """Make the kernel end this process with its parent, even while it is stopped, on Linux.

    On other systems the end of the input does this: see `_read`.
    """
    if sys.platform != "linux":
        return
    import ctypes

    prctl = getattr(ctypes.CDLL(None), "prctl", None)
    if prctl is not None:
        prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)


def _read(lines: SimpleQueue[bytes]) -> None:
    # Not sys.stdin: the interpreter aborts if it exits while another thread reads from it.
    with os.fdopen(os.dup(sys.stdin.fileno()), "rb") as requests:
        for line in requests:
            lines.put(line)
    os._exit(0)


if __name__ == "__main__":
    main()
