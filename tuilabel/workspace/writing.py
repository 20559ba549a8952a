"""Appends events to a session, beside the event loop where the disk takes longer."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from functools import partial
from queue import SimpleQueue
from typing import ClassVar

from tuilabel.errors import StillSavingError
from tuilabel.journal.lines import Event
from tuilabel.journal.payloads import Payload
from tuilabel.session.values import Appender


class Pending:
    """Events that are being appended.

    Attributes
    ----------
    payloads : sequence of Payload
    since : float
        When that began, by the writer's clock.
    """

    def __init__(self, payloads: Sequence[Payload], since: float) -> None:
        self.payloads = payloads
        self.since = since
        self._result: Future[list[Event]] = Future()

    def run(self, append: Callable[[], list[Event]]) -> None:
        """Append them; called in the thread."""
        try:
            events = append()
        except BaseException as error:  # noqa: BLE001  (it is raised where the result is taken)
            self._result.set_exception(error)
        else:
            self._result.set_result(events)

    def wait(self, seconds: float) -> bool:
        """Wait for the result; return whether it is there."""
        try:
            self._result.exception(seconds)
        except TimeoutError:
            return False
        return True

    def when_done(self, tell: Callable[[], object]) -> None:
        """Have a function called, in the thread or at once, when the result is there."""
        self._result.add_done_callback(lambda _: tell())

    def result(self) -> list[Event]:
        """Return the events, or raise what appending them raised."""
        return self._result.result(0)


class Writer:
    """Appends in one thread, which a file system may keep for any time.

    An append that returns soon is waited for. One that does not is *pending*: until its result is
    taken, nothing else is appended. The thread is a daemon, so that nothing waits for it at the
    end.

    Parameters
    ----------
    log : Appender
        The journal, which is used in the thread only.
    clock : callable
        A monotonic clock, in seconds.

    Attributes
    ----------
    patience : float
        Seconds that an append is waited for.
    pending : Pending or None
        What is being appended, or was and is to be taken.
    when_late : callable or None
        Called when an append has become pending.
    """

    patience: ClassVar[float] = 0.1

    def __init__(
        self,
        log: Appender,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._log = log
        self._clock = clock
        self._work: SimpleQueue[Callable[[], object]] | None = None
        self.pending: Pending | None = None
        self.when_late: Callable[[], object] | None = None

    def append(self, payloads: Sequence[Payload], by: str) -> list[Event]:
        """Append events that belong together; return them if they are on disk soon.

        Raises
        ------
        StillSavingError
            They are pending, or others are.
        SaveError
            They may not be on disk.
        """
        if self.pending is not None:
            raise StillSavingError
        pending = self.pending = Pending(payloads, self._clock())
        self.do(partial(pending.run, partial(self._log.append, payloads, by)))
        if not pending.wait(self.patience):
            if self.when_late is not None:
                self.when_late()
            raise StillSavingError
        return self.take()

    def take(self) -> list[Event]:
        """Return what was pending, or raise what appending it raised."""
        assert self.pending is not None
        pending, self.pending = self.pending, None
        return pending.result()

    def seconds(self) -> float | None:
        """Return for how long something has been pending; None if nothing is."""
        return None if self.pending is None else self._clock() - self.pending.since

    def do(self, work: Callable[[], object]) -> None:
        """Have other work that touches the log done in the thread, in its turn."""
        if self._work is None:
            self._work = SimpleQueue()
            threading.Thread(
                target=_work_through, args=(self._work,), name="writer", daemon=True
            ).start()
        self._work.put(work)


def _work_through(queue: SimpleQueue[Callable[[], object]]) -> None:
    while True:
        queue.get()()
