"""The jobs that wait for the child, and those that it works on."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import count

from tuilabel.trainer.jobs import Job

MOST_LOSSES = 3
"""A job during which so many children were lost fails: perhaps it is what ends them."""

# Of all queues of a process: what one trainer still sends means no job of the next.
_IDS = count(1)


@dataclass(eq=False)
class Entry:
    """A job in the queue.

    Attributes
    ----------
    id, job
    losses
        Number of children that were lost during it.
    cancelled
        Whether nobody waits for its end, although the child may still work on it.
    """

    id: int
    job: Job
    losses: int = 0
    cancelled: bool = False

    @property
    def order(self) -> tuple[bool, int, int]:
        """Sorts the jobs into the order in which they are sent."""
        return not self.job.lasting, self.job.priority, self.id


class JobQueue:
    """Decides which job is sent, and keeps each until it has ended.

    Of each priority the child has one job at most, and it is sent another one only if that is more
    urgent than all that it has: a ranking does not wait for the end of a long job, and no more is
    on its way than the child can read.
    """

    def __init__(self) -> None:
        self._waiting: list[Entry] = []
        self._in_flight: dict[int, Entry] = {}
        self._lasting: dict[type[Job], Entry] = {}

    @property
    def in_flight(self) -> tuple[Entry, ...]:
        """The jobs that the child has."""
        return tuple(self._in_flight.values())

    def submit(self, job: Job) -> int:
        """Add a job and return its id."""
        entry = Entry(next(_IDS), job)
        if job.replaceable:
            self._waiting = [other for other in self._waiting if not other.job.replaceable]
        if job.lasting:
            self._lasting[type(job)] = entry
        self._waiting.append(entry)
        return entry.id

    def cancel(self, number: int) -> bool:
        """Remove a job that waits; return whether the child has it and must be told."""
        self._lasting = {kind: e for kind, e in self._lasting.items() if e.id != number}
        self._waiting = [entry for entry in self._waiting if entry.id != number]
        entry = self._in_flight.get(number)
        if entry is None or entry.cancelled:
            return False
        entry.cancelled = True
        return True

    def take(self) -> Entry | None:
        """Return the next job to send, which is then in flight; None while there is none."""
        busy = min((entry.job.priority for entry in self._in_flight.values()), default=None)
        for entry in sorted(self._waiting, key=lambda entry: entry.order):
            if busy is None or entry.job.priority < busy:
                self._waiting.remove(entry)
                self._in_flight[entry.id] = entry
                return entry
        return None

    def find(self, number: int) -> Entry | None:
        """Return a job that the child has; None if it has no such job, or nobody waits for it."""
        entry = self._in_flight.get(number)
        return None if entry is None or entry.cancelled else entry

    def end(self, number: int) -> None:
        """Remove a job that has ended."""
        self._in_flight.pop(number, None)

    def lose_child(self) -> list[Entry]:
        """Let the jobs of a lost child wait again; return those that failed too often.

        A ranking is never among these: it waits until it is replaced.
        """
        lost = [entry for entry in self._in_flight.values() if not entry.cancelled]
        self._in_flight.clear()
        failed = []
        for entry in lost:
            entry.losses += 1
            if not entry.job.replaceable and entry.losses >= MOST_LOSSES:
                failed.append(entry)
            elif not entry.job.replaceable or not any(e.job.replaceable for e in self._waiting):
                self._waiting.append(entry)
        self._lasting = {kind: e for kind, e in self._lasting.items() if e not in failed}
        self._waiting += (e for e in self._lasting.values() if e not in self._waiting)
        return failed
