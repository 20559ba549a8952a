"""Appends events to a session, beside the event loop where the disk takes longer."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from functools import partial
from queue import SimpleQueue
from typing import Any, ClassVar, Generic, TypeVar

from tuilabel.errors import StillSavingError
from tuilabel.events.lines import Event
from tuilabel.events.payloads import Payload
from tuilabel.session.values import Appender

T = TypeVar("T")


class DiskBusyError(Exception):
    """The thread has not come back from the disk."""


class Task(Generic[T]):
    """Work for the thread, and its result."""

    def __init__(self, work: Callable[[], T]) -> None:
        self._work = work
        self._result: Future[T] = Future()
        # The work is done even if nobody waits for it any more: it cannot be cancelled.
        self._result.set_running_or_notify_cancel()

    def run(self) -> None:
        """Do the work; called in the thread."""
        try:
            found = self._work()
        except BaseException as error:  # noqa: BLE001  (it is raised where the result is taken)
            self._result.set_exception(error)
        else:
            self._result.set_result(found)

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

    def result(self) -> T:
        """Return what the work has returned, or raise what it raised."""
        return self._result.result(0)

    async def done(self) -> T:
        """Return the result once it is there, or raise what the work raised."""
        return await asyncio.wrap_future(self._result)


class Pending(Task[list[Event]]):
    """Events that are being appended.

    Attributes
    ----------
    payloads : sequence of Payload
    since : float
        When that began, by the writer's clock.
    """

    def __init__(
        self, work: Callable[[], list[Event]], payloads: Sequence[Payload], since: float
    ) -> None:
        super().__init__(work)
        self.payloads = payloads
        self.since = since


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
    is_stuck : bool
        Whether the disk was given up.
    """

    patience: ClassVar[float] = 0.1

    def __init__(
        self,
        log: Appender,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._log = log
        self._clock = clock
        self._tasks: SimpleQueue[Task[Any] | None] | None = None
        self.is_stuck = False
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
        work = partial(self._log.append, payloads, by)
        pending = self.pending = Pending(work, payloads, self._clock())
        self.start(pending)
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

    def start(self, task: Task[Any]) -> None:
        """Have a task that touches the log done in the thread, in its turn."""
        if self._tasks is None:
            self._tasks = SimpleQueue()
            threading.Thread(
                target=_work_through, args=(self._tasks,), name="writer", daemon=True
            ).start()
        self._tasks.put(task)

    def run(self, work: Callable[[], T], seconds: float) -> T:
        """Do work that touches the log in the thread; return what it returns.

        Raises
        ------
        DiskBusyError
            It was not done within these seconds, or other work never was.
        """
        task = Task(work)
        if not self.is_stuck:
            self.start(task)
            self.is_stuck = not task.wait(seconds)
        if self.is_stuck:
            raise DiskBusyError
        return task.result()

    def end(self) -> None:
        """End the thread after its last task, without waiting; another task starts a new one."""
        if self._tasks is not None:
            self._tasks.put(None)
            self._tasks = None


def _work_through(tasks: SimpleQueue[Task[Any] | None]) -> None:
    while (task := tasks.get()) is not None:
        task.run()
