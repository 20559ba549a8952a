"""The trainer's child process: ``python -P -m tuilabel.trainer.worker``.

It reads jobs from its standard input and answers on its standard output. When its input ends, the
parent is gone, and the child ends at once.
"""

from __future__ import annotations

import gc
import logging
import os
import signal
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from queue import SimpleQueue
from typing import BinaryIO

from tuilabel.data import HoldOut
from tuilabel.data.arrays import Arrays
from tuilabel.errors import TrainerError, TuilabelError
from tuilabel.learn.feature_sources import pixels
from tuilabel.learn.learner import Learner
from tuilabel.learn.models import warm_up
from tuilabel.trainer.messages import (
    Cancel,
    Do,
    FromChild,
    Heartbeat,
    OpenPool,
    PoolFailed,
    PoolOpened,
    decode_to_child,
    encode,
)
from tuilabel.trainer.workbench import Workbench, one_line

HEARTBEAT_SECONDS = 1.0

_PR_SET_PDEATHSIG = 1
"""From Linux's <sys/prctl.h>."""


class WorkerChannel:
    """The output to the parent, shared by several threads."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._lock = threading.Lock()
        self._working = 0
        self._changed = threading.Condition()
        threading.Thread(target=self._beat, daemon=True).start()

    def send(self, message: FromChild) -> None:
        """Write a whole message."""
        line = encode(message)
        with self._lock:
            self._file.write(line)
            self._file.flush()

    @contextmanager
    def working(self) -> Iterator[None]:
        """Send heartbeats within a ``with`` block, of any thread."""
        with self._changed:
            self._working += 1
            self._changed.notify()
        try:
            yield
        finally:
            with self._changed:
                self._working -= 1

    def _beat(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._working)
            self.send(Heartbeat())
            time.sleep(HEARTBEAT_SECONDS)


def main() -> None:
    """Do jobs until the parent is gone."""
    _die_with_the_parent()
    logging.basicConfig(format="%(asctime)s trainer %(process)d: %(message)s")
    channel = WorkerChannel(_private_output())
    lines: SimpleQueue[bytes] = SimpleQueue()
    threading.Thread(target=_read, args=(lines,), daemon=True).start()

    bench = _open_pool(channel, lines.get())
    with channel.working():
        # Imports leave no garbage, and collecting takes a tenth of their time.
        gc.disable()
        warm_up()
        gc.enable()
    while True:
        match decode_to_child(lines.get()):
            case Do(id=number, job=job):
                bench.begin(number, job, channel.working)
            case Cancel(id=number):
                bench.cancel(number)
            case OpenPool():
                raise TrainerError("A pool is open already: each child process works on one.")


def _open_pool(channel: WorkerChannel, line: bytes) -> Workbench:
    request = decode_to_child(line)
    if not isinstance(request, OpenPool):
        raise TrainerError(f"{type(request).__name__} arrived before OpenPool.")
    try:
        bench = _workbench(channel, request)
    except TuilabelError as error:
        channel.send(PoolFailed(one_line(error)))
        raise
    channel.send(PoolOpened(len(bench.learner)))
    return bench


def _workbench(channel: WorkerChannel, request: OpenPool) -> Workbench:
    """Return a workbench over the files that a message names."""
    name, images, truth = request.holdout_name, request.holdout, request.holdout_truth
    held = None if images is None or truth is None else HoldOut(name, images.open(), truth.open())
    store = None if request.cache_folder is None else Arrays(request.cache_folder)
    pool = pixels(*(part.open() for part in request.pool))
    learner = Learner(pool, request.n_classes, holdout=held, store=store)
    return Workbench(learner, channel.send)


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
