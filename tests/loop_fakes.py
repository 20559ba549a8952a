"""A dataset and a journal that live in memory, for tests of the loop."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

import numpy as np

from tuilabel.errors import SaveError
from tuilabel.journal import Annotator, Draft, Event, SessionInfo
from tuilabel.learn.metrics import Accuracy
from tuilabel.learn.requests import ColdStart, ColdStartFinished, FitFinished
from tuilabel.session import Ranking, Request

ME = Annotator("me")


def item_id(source: str, row: int) -> str:
    return "f1:" + hashlib.blake2b(f"{source}-{row}".encode(), digest_size=16).hexdigest()


class FakeItems:
    """A given number of items, each known by a hash."""

    def __init__(self, count: int, source: str = "fake", *, holdout: bool = True) -> None:
        self.source = source
        self.holdout = "hold-out" if holdout else None
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

    def references(self, i: int) -> tuple[str, ...]:
        return (f"file{i}.png",)


class FakeLog:
    """Keeps events in a list; can be told to fail."""

    def __init__(self, info: SessionInfo) -> None:
        self.info = info
        self.written: list[Event] = []
        self.fails = False

    def append(self, draft: Draft, by: Annotator) -> Event:
        if self.fails:
            raise SaveError("Not saved: the test says so.")
        seq = len(self.written) + 1
        event = Event(
            seq,
            f"uuid-{seq}",
            draft.kind,
            "2026-01-01T00:00:00.000+00:00",
            by.name,
            draft.item,
            draft.class_name,
            draft.round,
            draft.ms,
            by.origin,
            draft.target,
            draft.body,
        )
        self.written.append(event)
        return event

    def events(self) -> list[Event]:
        return list(self.written)


def fake_ranking(request: Request, count: int, classes: int, salt: int = 0) -> Ranking:
    """Answer a request as a trainer would, from the request alone."""
    rng = np.random.default_rng([*request.seed, salt])
    if isinstance(request, ColdStart):
        left = sorted(set(range(count)) - set(request.excluded))
        return ColdStartFinished(request.generation, rng.permutation(left)[: request.size].tolist())
    left = sorted(set(range(count)) - set(request.excluded) - set(request.items))
    rows = rng.permutation(left)[: request.limit].astype(int).tolist()
    probabilities = rng.dirichlet([1.0] * classes, size=len(rows)).tolist()
    accuracy = None
    if request.audit_items:
        accuracy = Accuracy(len(request.audit_items) // 2, len(request.audit_items), "audit")
    return fit_finished(request.generation, rows, probabilities, accuracy)


def fit_finished(
    generation: int,
    items: Sequence[int],
    probabilities: Sequence[Sequence[float]],
    accuracy: Accuracy | None = None,
) -> FitFinished:
    """Make the answer of a trainer's first fit, a softmax on the pixels."""
    return FitFinished(
        generation=generation,
        items=items,
        probabilities=probabilities,
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
