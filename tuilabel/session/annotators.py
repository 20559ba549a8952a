"""Who worked on a session, how fast, and how often they agree: a fold over events in order."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import NamedTuple

from tuilabel.events.lines import Event
from tuilabel.events.payloads import HUMAN, Answer, Begin
from tuilabel.session.labels import Labels

LONGEST_GAP = 300.0
"""Seconds between two answers; a longer gap is a pause, and does not count as working time."""

LEAST_TIME = 10.0
"""Seconds of working time below which a pace says nothing."""


class Run:
    """What one annotator did in one log.

    Attributes
    ----------
    last : str
        The time of the newest event.
    is_own : bool
        Whether the log is of this annotator's run; an import names others too.
    answers, seconds : int, float
        Number of answers that came soon after another, and the time from that one to it.
    """

    def __init__(self) -> None:
        self.last = ""
        self.is_own = False
        self.answers = 0
        self.seconds = 0.0
        self._answered: datetime | None = None

    def apply(self, event: Event) -> None:
        """Apply an event of this log and annotator."""
        self.last = event.at
        payload = event.payload
        if isinstance(payload, Begin):
            self.is_own = True
        elif isinstance(payload, Answer) and payload.origin == HUMAN:
            before, self._answered = self._answered, moment(event.at)
            if before is not None and self._answered is not None:
                gap = (self._answered - before).total_seconds()
                if 0 <= gap <= LONGEST_GAP:  # clocks may go back
                    self.answers += 1
                    self.seconds += gap


class Seen(NamedTuple):
    """What is known of one annotator's work.

    Attributes
    ----------
    per_minute : float or None
        Answers per minute of working time; None where that is shorter than `LEAST_TIME`.
    last : datetime or None
        The time of the newest event, in UTC.
    is_here : bool
        Whether a run of theirs goes on.
    """

    per_minute: float | None
    last: datetime | None
    is_here: bool


class Agreement(NamedTuple):
    """Number of items that several annotators labelled, and of those they agree about."""

    items: int
    agreeing: int


class Annotators:
    """The runs of each annotator."""

    def __init__(self) -> None:
        self._runs: dict[str, dict[str, Run]] = {}

    def apply(self, event: Event) -> None:
        """Apply an event."""
        begin = event.payload
        by = begin.annotator if isinstance(begin, Begin) else event.by
        runs = self._runs.setdefault(by, {})
        run = runs.get(event.log)
        if run is None:
            run = runs[event.log] = Run()
        run.apply(event)

    def names(self) -> set[str]:
        """Return the names of all."""
        return set(self._runs)

    def seen(self, is_live: Callable[[str, datetime | None], bool]) -> dict[str, Seen]:
        """Return what is known of each annotator.

        Parameters
        ----------
        is_live : callable
            Takes the name of a log and the time of its newest event; returns whether its run goes
            on.
        """
        return {by: _seen(runs, is_live) for by, runs in self._runs.items()}


def _seen(runs: dict[str, Run], is_live: Callable[[str, datetime | None], bool]) -> Seen:
    lasts = {log: moment(run.last) for log, run in runs.items()}
    seconds = sum(run.seconds for run in runs.values())
    return Seen(
        60 * sum(run.answers for run in runs.values()) / seconds if seconds >= LEAST_TIME else None,
        max((last for last in lasts.values() if last is not None), default=None),
        any(run.is_own and is_live(log, lasts[log]) for log, run in runs.items()),
    )


def agreement(known: Labels) -> Agreement:
    """Return how often annotators who labelled one item chose one class, or one below another.

    Skips do not count, nor do imports and the oracle where a person has answered.
    """
    items = agreeing = 0
    for votes in known.several():
        items += 1
        agreeing += known.agree(votes)
    return Agreement(items, agreeing)


def moment(time: str) -> datetime | None:
    """Return the time of an event in UTC; None if it is not a valid time."""
    try:
        found = datetime.fromisoformat(time)
        return (found if found.tzinfo else found.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, OverflowError):  # the journal keeps any time that a clock returned
        return None
