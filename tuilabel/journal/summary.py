"""Where a session stands, from its journal alone."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, TypedDict

from tuilabel.journal.events import Event
from tuilabel.journal.ledger import Ledger
from tuilabel.journal.store import SessionInfo


class AccuracySummary(TypedDict):
    """A measured accuracy with its 95 % interval, all in 0..1."""

    value: float
    low: float
    high: float
    n: int
    set: str


class Summary(TypedDict):
    """What `tuilabel status --json` prints."""

    source: str
    labels: int
    by_class: dict[str, int]
    skipped: int
    pool_left: int | None
    rounds: int
    model: str | None
    strategy: str | None
    accuracy: AccuracySummary | None
    annotators: dict[str, int]


def summarise(info: SessionInfo, events: Iterable[Event]) -> Summary:
    """Sum a session up.

    Parameters
    ----------
    info : SessionInfo
    events : iterable of Event
        All of them, in order.

    Returns
    -------
    Summary
        `rounds` counts the batches that a model was fitted after; `accuracy` is the newest one
        measured, None before the first; `annotators` counts the labels that hold by who gave
        them; `pool_left` is None for a session that was never opened.
    """
    ledger = Ledger.of(events)
    opened = ledger.opened.body if ledger.opened else {}
    fits = [event for event in ledger.rounds if event.body.get("model")]
    measured = [event.body["accuracy"] for event in fits if event.body.get("accuracy")]
    annotators: dict[str, int] = {}
    for event in ledger.labels():
        annotators[event.annotator] = annotators.get(event.annotator, 0) + 1
    items = opened.get("items")
    return Summary(
        source=info.source,
        labels=ledger.labels_held,
        by_class={name: ledger.by_class[name] for name in info.class_names},
        skipped=ledger.skips_held,
        pool_left=None if items is None else items - ledger.labels_held - ledger.skips_held,
        rounds=max((event.round for event in fits), default=0),
        model=opened.get("model"),
        strategy=opened.get("strategy"),
        accuracy=_accuracy(measured[-1]) if measured else None,
        annotators=annotators,
    )


def _accuracy(body: dict[str, Any]) -> AccuracySummary:
    return AccuracySummary(
        value=body["value"], low=body["low"], high=body["high"], n=body["n"], set=body["set"]
    )
