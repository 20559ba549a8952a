"""The trainer's child process: ``python -P -m tuilabel.trainer.worker``.

It reads requests from its standard input and answers on its standard output, one at a time. When
its input ends, the parent is gone and so is it, at once, in the middle of whatever it does.
"""

from __future__ import annotations

import logging
import os
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from queue import SimpleQueue
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from tuilabel.data import inert
from tuilabel.errors import TrainerError, TuilabelError
from tuilabel.learn.cold_start import cold_start
from tuilabel.learn.models import warm_up
from tuilabel.learn.requests import ColdStart, ColdStartFinished, Fit, FitFinished
from tuilabel.learn.rounds import run_round
from tuilabel.trainer.messages import (
    FromChild,
    Heartbeat,
    OpenPool,
    PoolOpened,
    RequestFailed,
    decode_to_child,
    encode,
)

HEARTBEAT_SECONDS = 1.0

MESSAGE_CHARACTERS = 300
"""Longest reason for a failure that is sent; the log has all of it."""

log = logging.getLogger(__name__)


class Channel:
    """The way back to the parent, for several threads."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._lock = threading.Lock()
        self._working = threading.Event()
        threading.Thread(target=self._beat, daemon=True).start()

    def send(self, message: FromChild) -> None:
        """Write a message whole."""
        line = encode(message)
        with self._lock:
            self._file.write(line)
            self._file.flush()

    @contextmanager
    def working(self) -> Iterator[None]:
        """Send heartbeats meanwhile."""
        self._working.set()
        try:
            yield
        finally:
            self._working.clear()

    def _beat(self) -> None:
        while self._working.wait():
            self.send(Heartbeat())
            time.sleep(HEARTBEAT_SECONDS)


@dataclass(frozen=True)
class Pool:
    """What there is to work on, mapped into memory."""

    features: NDArray[Any]
    n_classes: int
    holdout: tuple[NDArray[Any], NDArray[np.intp]] | None
    holdout_name: str

    @classmethod
    def open(cls, request: OpenPool) -> Pool:
        """Map the files that the request names."""
        holdout = None
        if request.holdout is not None and request.holdout_truth is not None:
            truth = np.asarray(request.holdout_truth.open(), dtype=np.intp)
            holdout = (request.holdout.open(), truth)
        return cls(request.pool.open(), request.n_classes, holdout, request.holdout_name)

    def fit(self, request: Fit) -> FitFinished:
        """Run a round."""
        result = run_round(
            self.features,
            labelled=_indices(request.items),
            labels=_indices(request.classes),
            n_classes=self.n_classes,
            excluded=_indices(request.excluded),
            model=request.model,
            strategy=request.strategy,
            limit=request.limit,
            rng=np.random.default_rng(request.seed),
            holdout=self.holdout,
            holdout_name=self.holdout_name,
            audit=(_indices(request.audit_items), _indices(request.audit_classes)),
        )
        return FitFinished(
            generation=request.generation,
            items=tuple(result.items.tolist()),
            probabilities=_rows(result.probabilities),
            fit_seconds=result.fit_seconds,
            rank_seconds=result.rank_seconds,
            accuracy=result.accuracy,
            confusion=None if result.confusion is None else _rows(result.confusion),
        )

    def cold_start(self, request: ColdStart) -> ColdStartFinished:
        """Choose a first batch."""
        items = cold_start(
            request.method,
            self.features,
            request.size,
            np.random.default_rng(request.seed),
            excluded=_indices(request.excluded),
        )
        return ColdStartFinished(generation=request.generation, items=tuple(items.tolist()))


def main() -> None:
    """Answer requests until the parent is gone."""
    logging.basicConfig(format="%(asctime)s trainer %(process)d: %(message)s")
    channel = Channel(_private_output())
    lines: SimpleQueue[bytes] = SimpleQueue()
    threading.Thread(target=_read, args=(lines,), daemon=True).start()

    pool = _open_pool(channel, lines.get())
    with channel.working():
        warm_up()
    while True:
        request = decode_to_child(lines.get())
        if isinstance(request, OpenPool):
            raise TrainerError("A pool is open already: each child process works on one.")
        with channel.working():
            answer = _answer(pool, request)
        channel.send(answer)


def _open_pool(channel: Channel, line: bytes) -> Pool:
    request = decode_to_child(line)
    if not isinstance(request, OpenPool):
        raise TrainerError(f"{type(request).__name__} came before OpenPool.")
    try:
        pool = Pool.open(request)
    except TuilabelError as error:
        channel.send(RequestFailed(None, _one_line(error)))
        raise
    channel.send(PoolOpened(len(pool.features)))
    return pool


def _answer(pool: Pool, request: Fit | ColdStart) -> FromChild:
    try:
        if isinstance(request, Fit):
            return pool.fit(request)
        return pool.cold_start(request)
    except Exception as error:
        log.exception("request %d failed", request.generation)
        return RequestFailed(request.generation, _one_line(error))


def _one_line(error: Exception) -> str:
    kind = "" if isinstance(error, TuilabelError) else f"{type(error).__name__}: "
    return inert(kind + " ".join(str(error).split()), MESSAGE_CHARACTERS)


def _private_output() -> BinaryIO:
    """Keep standard output for messages: what a library prints goes to the log instead."""
    private = os.fdopen(os.dup(sys.stdout.fileno()), "wb")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    return private


def _read(lines: SimpleQueue[bytes]) -> None:
    # Not sys.stdin: an interpreter that exits aborts when another thread is reading from that.
    with os.fdopen(os.dup(sys.stdin.fileno()), "rb") as requests:
        for line in requests:
            lines.put(line)
    os._exit(0)


def _indices(numbers: Sequence[int]) -> NDArray[np.intp]:
    return np.array(numbers, dtype=np.intp)


def _rows(table: NDArray[Any]) -> tuple[tuple[Any, ...], ...]:
    return tuple(map(tuple, table.tolist()))


if __name__ == "__main__":
    main()
