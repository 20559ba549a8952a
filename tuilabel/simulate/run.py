"""One run: a session from its first label to its last, answered by the ground truth."""

from __future__ import annotations

import time
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from tuilabel.data import Dataset
from tuilabel.errors import SourceError
from tuilabel.events.lines import Event
from tuilabel.events.payloads import About, Bulk, BulkLine, Payload
from tuilabel.learn.learner import Learner
from tuilabel.learn.requests import ColdStart
from tuilabel.session import ORACLE, LoopSettings, Session
from tuilabel.simulate.plan import Combination, Plan


@dataclass(frozen=True)
class Run:
    """The result of one combination with one seed: a point for each fit.

    Attributes
    ----------
    combination : Combination
    seed : int
    labels : tuple of int
        Labels at each fit, ascending.
    accuracy : tuple of float
        Accuracy of each fit on the hold-out, 0 to 1.
    round_seconds : tuple of float
        Duration of each fit and its ranking, for which an annotator's next batch waits.
    weigh_seconds : float
        Total duration of comparing models between fits, for which no annotator waits; only
        ``auto`` compares models.
    asked : tuple of int
        The class index of each item that was labelled, in this order.
    """

    combination: Combination
    seed: int
    labels: tuple[int, ...]
    accuracy: tuple[float, ...]
    round_seconds: tuple[float, ...]
    weigh_seconds: float
    asked: tuple[int, ...] = ()


class MemoryLog:
    """A journal in memory.

    Parameters
    ----------
    about : About
    """

    def __init__(self, about: About) -> None:
        self.about = about
        self._events: list[Event] = []

    def read(self) -> list[Event]:
        """Return nothing: nobody else writes."""
        return []

    def append(self, payloads: Sequence[Payload], by: str) -> list[Event]:
        """Return the events."""
        now = datetime.now(UTC).isoformat(timespec="milliseconds")
        first = len(self._events)
        for place, payload in enumerate(payloads, first):
            number = place + 1
            event = Event(f"{number:08}", number, number, now, by, payload, "memory", place)
            self._events.append(event)
        return self._events[first:]

    def event(self, place: int) -> Event:
        """Return an event that was written."""
        return self._events[place]

    def bulk_lines(self, bulk: Bulk) -> Sequence[BulkLine]:
        """Raise an error: there are no bulk files."""
        raise LookupError(bulk.file)

    def unclosed_on(self, log: str) -> str | None:
        """Return None: there are no other hosts."""
        return None

    def is_over(self, log: str) -> bool:
        """Return that nobody else is here."""
        return True

    def is_live(self, log: str) -> bool:
        """Return that nobody else is here."""
        return False

    def seen(self) -> dict[str, int]:
        """Return nothing: there are no other logs."""
        return {}


def run_session(
    dataset: Dataset,
    learner: Learner,
    plan: Plan,
    combination: Combination,
    seed: int,
    tell: Callable[[], None],
) -> Run:
    """Label until the budget is spent or the pool is empty, with a fit after each batch.

    Parameters
    ----------
    dataset : Dataset
        With ground truth and a hold-out.
    learner : Learner
        A learner over the dataset's pool, new to this session.
    plan : Plan
    combination : Combination
    seed : int
    tell : callable
        Called after each fit.

    Raises
    ------
    UsageError
        As `Learner.fit` does.
    """
    about = About(uuid="simulated", source=dataset.source, seed=seed)
    settings = LoopSettings(
        **combination._asdict(), epsilon=plan.epsilon, batch_size=plan.batch_for(len(dataset))
    )
    session = Session(dataset, MemoryLog(about), settings, ORACLE)
    oracle = _Oracle(dataset, session, learner, tell)
    with warnings.catch_warnings():
        # With few labels for each of many classes, scikit-learn warns that these may be numbers.
        warnings.filterwarnings("ignore", "The number of unique classes", UserWarning)
        while session.labels < plan.budget and session.current is not None:
            if session.request_is_due:
                oracle.learn()
                oracle.weigh()
            oracle.label()
        if not session.request_is_due:
            session.learn_again()
        oracle.learn()
    return Run(
        combination,
        seed,
        labels=tuple(point.labels for point in session.curve),
        accuracy=tuple(point.accuracy.value for point in session.curve),
        round_seconds=tuple(oracle.round_seconds),
        weigh_seconds=oracle.weigh_seconds,
        asked=tuple(oracle.asked),
    )


class _Oracle:
    """Answers with the ground truth, and waits for every fit."""

    def __init__(
        self, dataset: Dataset, session: Session, learner: Learner, tell: Callable[[], None]
    ) -> None:
        if dataset.truth is None:
            raise SourceError("There is no ground truth to answer with.")
        self._truth = dataset.truth
        self._session = session
        self._learner = learner
        self._tell = tell
        self.asked: list[int] = []
        self.round_seconds: list[float] = []
        self.weigh_seconds = 0.0

    def label(self) -> None:
        """Label the current item."""
        slot, item = self._session.current, self._session.current_id
        if slot is not None and item is not None:
            self.asked.append(int(self._truth[slot.row]))
            self._session.label(item, self.asked[-1], by=ORACLE)

    def learn(self) -> None:
        """Answer the session's request to the trainer, and accept the ranking."""
        request = self._session.take_request()
        if request is None:
            return
        self._learner.prepare(self._learner.needs(request))
        if isinstance(request, ColdStart):
            self._session.accept_ranking(self._learner.cold_start(request), by=ORACLE, shown=False)
            return
        found = self._learner.fit(request)
        self._session.accept_ranking(found, by=ORACLE, shown=False)
        self.round_seconds.append(found.fit_seconds + found.rank_seconds)
        self._tell()

    def weigh(self) -> None:
        """Let the learner compare models on the labels of the last fit."""
        started = time.perf_counter()
        for _ in self._learner.reflect():
            pass
        self.weigh_seconds += time.perf_counter() - started
