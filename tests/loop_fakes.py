"""A dataset and a journal that live in memory, for tests of the loop."""

from __future__ import annotations

import hashlib
import itertools
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tuilabel.data.dataset import Reading
from tuilabel.data.groups import Groups
from tuilabel.errors import SaveError
from tuilabel.events.lines import Event
from tuilabel.events.payloads import About, Answer, Bulk, BulkLine, Payload
from tuilabel.learn.metrics import Accuracy
from tuilabel.learn.requests import ColdStart, ColdStartFinished, FitFinished
from tuilabel.session import Annotator, Ranking, Request
from tuilabel.session.classes import class_id_of

ME = Annotator("me")
CLASSES = ("cat", "dog", "owl")


def item_id(source: str, row: int) -> str:
    return "f1:" + hashlib.blake2b(f"{source}-{row}".encode(), digest_size=16).hexdigest()


class FakeItems:
    """A given number of items, each known by a hash."""

    def __init__(
        self,
        count: int,
        source: str = "fake",
        *,
        holdout: bool = True,
        classes: Sequence[str] = CLASSES,
    ) -> None:
        self.source = source
        self.class_names = tuple(classes)
        self.reading: Reading | None = None
        self.guesses = None
        self.groups: Groups | None = None
        self.guesses = None
        self.holdout = "hold-out" if holdout else None
        self.pixels: dict[int, str] = {}
        self.ids: Sequence[str] = [item_id(source, row) for row in range(count)]
        self._rows = {item: row for row, item in enumerate(self.ids)}

    @classmethod
    def of(cls, ids: Sequence[str], *, holdout: bool = True) -> FakeItems:
        """Make a dataset of certain items of the usual source."""
        items = cls(0, holdout=holdout)
        items.ids = list(ids)
        items._rows = {item: row for row, item in enumerate(items.ids)}
        return items

    def __len__(self) -> int:
        return len(self.ids)

    def row_of(self, item: str) -> int | None:
        return self._rows.get(item)

    def rows_of(self, items: Sequence[str]) -> NDArray[np.intp]:
        return np.array([self._rows.get(item, -1) for item in items], dtype=np.intp)

    def references(self, i: int) -> tuple[str, ...]:
        return (f"file{i}.png",)

    def pixel_hash(self, i: int) -> str:
        return self.pixels.get(i, "")

    def look_at(self, places: Mapping[str, str]) -> None:
        pass


class FakeReading:
    """Rows that become known one by one; equal rows have one id."""

    def __init__(self, items: FakeItems, refused: Sequence[int] = (), **equal: int) -> None:
        self._items = items
        self.content = list(items.ids)
        for row, other in equal.items():
            self.content[int(row[1:])] = self.content[other]
        self.never = set(refused)
        self.unread = np.ones(len(items), dtype=bool)
        self.refused = np.zeros(len(items), dtype=bool)
        self.first = np.arange(len(items))
        items.ids, items._rows = [""] * len(items), {}
        items.reading = self

    def grow(self) -> None:
        """Add a row."""
        row = len(self.content)
        self.content.append(item_id("fake", row))
        self._items.ids = [*self._items.ids, ""]
        self.unread, self.refused = np.append(self.unread, True), np.append(self.refused, False)
        self.first = np.append(self.first, row)

    def read(self, *rows: int) -> list[int]:
        items = self._items
        new = [row for row in rows if self.unread[row]]
        for row in new:
            self.unread[row] = False
            self.refused[row] = row in self.never
            if row not in self.never:
                items.ids[row] = self.content[row]  # type: ignore[index]
                self.first[row] = items._rows.setdefault(self.content[row], row)
        return new


class FakeLog:
    """Keeps events in a list; can be told to fail.

    Each `reopened` is another run, after the one before. Each `beside` is a run at the same time.
    """

    def __init__(self, *, seed: int = 0, audit: float = 0.2) -> None:
        self.about = About(uuid="fake", source="fake", seed=seed, audit=audit)
        self.written: list[Event] = []
        self.fails = False
        self.live: set[str] = set()
        self.elsewhere: dict[str, str] = {}
        self._runs = itertools.count(1)
        self._read = 0
        self._begin()

    def _begin(self) -> None:
        self.run = f"run{next(self._runs)}"

    def reopened(self) -> FakeLog:
        """Begin another run: the next read returns every event."""
        self._begin()
        self._read = 0
        return self

    def beside(self) -> FakeLog:
        """Begin a run at another desk, while this one and all before it are still going on."""
        self.live |= {self.run}
        other = FakeLog()
        other.about, other.written, other._runs = self.about, self.written, self._runs
        other.live = self.live
        other._begin()
        self.live |= {other.run}
        return other

    def end(self) -> None:
        """End the run."""
        self.live.discard(self.run)

    def read(self) -> list[Event]:
        events, self._read = self.written[self._read :], len(self.written)
        return [event for event in events if event.log != self.run]

    def append(self, payloads: Sequence[Payload], by: str) -> list[Event]:
        if self.fails:
            raise SaveError("Not saved: the test says so.")
        events = []
        for payload in payloads:
            number = self.written[-1].n + 1 if self.written else 1
            at = "2026-01-01T00:00:00.000+00:00"
            place = len(self.written)
            events.append(Event(f"e{number:06}", number, number, at, by, payload, self.run, place))
            self.written.append(events[-1])
        return events

    def event(self, place: int) -> Event:
        return next(event for event in self.written if event.place == place)

    def bulk_lines(self, bulk: Bulk) -> Sequence[BulkLine]:
        raise LookupError(bulk.file)

    def is_over(self, log: str) -> bool:
        return log != self.run and log not in self.live and log not in self.elsewhere

    def unclosed_on(self, log: str) -> str | None:
        return self.elsewhere.get(log)

    def is_live(self, log: str) -> bool:
        return log != self.run and log in self.live

    def seen(self) -> dict[str, int]:
        return {}

    @property
    def answers(self) -> list[Answer]:
        """Every answer that was written, in order."""
        return [event.payload for event in self.written if isinstance(event.payload, Answer)]


def fake_ranking(request: Request, count: int, classes: int, salt: int = 0) -> Ranking:
    """Answer a request as a trainer would, from the request alone."""
    rng = np.random.default_rng([*request.seed, salt])
    if isinstance(request, ColdStart):
        left = sorted(set(range(count)) - set(request.excluded))
        return ColdStartFinished(request.generation, rng.permutation(left)[: request.size].tolist())
    left = sorted(set(range(count)) - set(request.excluded) - set(request.items))
    rows = rng.permutation(left)[: request.limit].astype(int).tolist()
    columns = request.columns
    probabilities = rng.dirichlet([1.0] * len(columns), size=len(rows)).tolist()
    accuracy = None
    if request.audit_items:
        accuracy = Accuracy(len(request.audit_items) // 2, len(request.audit_items), "audit")
    return fit_finished(request.generation, rows, probabilities, accuracy, columns=columns)


def fit_finished(
    generation: int,
    items: Sequence[int],
    probabilities: Sequence[Sequence[float]],
    accuracy: Accuracy | None = None,
    draws: Sequence[float | None] | None = None,
    reasons: Sequence[str] | None = None,
    columns: Sequence[str] | None = None,
) -> FitFinished:
    """Make the answer of a trainer's first fit, a softmax on the pixels.

    Unless columns are given, the classes are those of digits, or the usual ones.
    """
    if columns is None:
        width = len(probabilities[0]) if probabilities else len(CLASSES)
        columns = [*map(class_id_of, CLASSES if width == len(CLASSES) else map(str, range(width)))]
    return FitFinished(
        generation=generation,
        items=items,
        columns=tuple(columns),
        probabilities=probabilities,
        draws=[None] * len(items) if draws is None else draws,
        reasons=[""] * len(items) if reasons is None else reasons,
        fit_seconds=0.1,
        rank_seconds=0.1,
        accuracy=accuracy,
        confusion=None,
        predicted=(),
        confidence=(),
        model="softmax",
        features="raw",
        strategy="margin",
        stop_set=100,
        moved=None,
        agreement=None,
    )


class NoTrainer:
    """A link that takes requests and never answers."""

    def __init__(self, *_: Any) -> None:
        self.started = 0
        self.asked: list[Any] = []

    def start(self) -> None:
        self.started += 1

    def submit(self, request: Any) -> None:
        self.asked.append(request)

    async def stop(self) -> None:
        self.started -= 1
