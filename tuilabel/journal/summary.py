"""A summary of a session, from its journal alone."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import TypedDict, TypeGuard

from tuilabel.errors import SessionFileError
from tuilabel.journal.events import Event, EventKind
from tuilabel.journal.ledger import Ledger
from tuilabel.journal.reading import SessionInfo

STOPPING_FITS = 10
"""Number of the last fits whose moved predictions are in a summary."""


class AccuracySummary(TypedDict):
    """A measured accuracy with its 95% interval, all 0 to 1."""

    value: float
    low: float
    high: float
    n: int
    set: str


class StoppingSummary(TypedDict):
    """How far the last fits moved the predictions of the stop set, the newest last.

    `moved` are shares from 0 to 1. `agreement` are Cohen's kappas, None if a fit predicted a
    single class. `n` is the number of predictions compared.
    """

    moved: list[float]
    agreement: list[float | None]
    n: int


class FittedSummary(TypedDict):
    """The model, features and strategy of the newest fit; never ``auto``."""

    model: str
    features: str
    strategy: str


class Summary(TypedDict):
    """The output of `tuilabel status --json`."""

    source: str
    window: tuple[float, float] | None
    labels: int
    by_class: dict[str, int]
    skipped: int
    pool_left: int | None
    rounds: int
    model: str | None
    strategy: str | None
    fitted: FittedSummary | None
    accuracy: AccuracySummary | None
    annotators: dict[str, int]
    auto_labels: int
    stopping: StoppingSummary | None


def summarise(info: SessionInfo, events: Iterable[Event]) -> Summary:
    """Return a summary of a session.

    Parameters
    ----------
    info : SessionInfo
    events : iterable of Event
        All of them, in order.

    Returns
    -------
    Summary
        `by_class` has every class of the session, in its order. `pool_left` is None if the
        session was never opened. `rounds` is the number of batches that a model was fitted after,
        without those taken back since; `fitted` and `accuracy` are of the newest such fit, None
        before the first. `annotators` counts the labels in effect by annotator. `auto_labels`
        counts the auto-labels in effect, which are in no other count. `stopping` is about the last
        `STOPPING_FITS` fits that were compared with the one before, None if there are none.

    Raises
    ------
    SessionFileError
        An event has content that tuilabel does not write.
    """
    ledger = Ledger.of(events)
    items, model, strategy = _opening(ledger.opened)
    # A fit on labels that were taken back since says nothing about the labels that are left.
    fits = [
        event
        for event in ledger.rounds
        if event.body.get("model") and _labels(event) <= ledger.labels_held
    ]
    measured = [event for event in fits if event.body.get("accuracy")]
    return Summary(
        source=info.source,
        window=info.window,
        labels=ledger.labels_held,
        by_class={**dict.fromkeys(info.class_names, 0), **ledger.by_class},
        skipped=ledger.skips_held,
        pool_left=None if items is None else items - ledger.labels_held - ledger.skips_held,
        rounds=max((event.round for event in fits), default=0),
        model=model,
        strategy=strategy,
        fitted=_fitted(fits[-1]) if fits else None,
        accuracy=_accuracy(measured[-1]) if measured else None,
        annotators=dict(Counter(event.annotator for event in ledger.labels())),
        auto_labels=ledger.auto_labels_held,
        stopping=_stopping([event for event in fits if event.body.get("moved") is not None]),
    )


def check_body(event: Event) -> None:
    """Raise an error for an opening or a round that `summarise` cannot read.

    Raises
    ------
    SessionFileError
    """
    if event.kind is EventKind.OPEN:
        _opening(event)
    elif event.kind is EventKind.ROUND and event.body.get("model"):
        _labels(event)
        _fitted(event)
        if event.body.get("accuracy"):
            _accuracy(event)
        if event.body.get("moved") is not None:
            _compared(event)


def _fitted(event: Event) -> FittedSummary | None:
    model, features, strategy = (event.body.get(name) for name in ("model", "features", "strategy"))
    if features is None and strategy is None:
        return None  # written before there were features to choose
    if not (isinstance(model, str) and isinstance(features, str) and isinstance(strategy, str)):
        raise _invalid(event)
    return FittedSummary(model=model, features=features, strategy=strategy)


def _accuracy(event: Event) -> AccuracySummary:
    try:
        body = event.body["accuracy"]
        shares = [float(body[name]) for name in ("value", "low", "high")]
        n, set_ = body["n"], body["set"]
    except (LookupError, TypeError, ValueError) as error:
        raise _invalid(event) from error
    if not (all(0 <= share <= 1 for share in shares) and isinstance(n, int)):
        raise _invalid(event)
    value, low, high = shares
    return AccuracySummary(value=value, low=low, high=high, n=n, set=str(set_))


def _stopping(events: Sequence[Event]) -> StoppingSummary | None:
    if not events:
        return None
    compared = [_compared(event) for event in events[-STOPPING_FITS:]]
    moved, agreement, counts = zip(*compared, strict=True)
    return StoppingSummary(moved=list(moved), agreement=list(agreement), n=counts[-1])


def _compared(event: Event) -> tuple[float, float | None, int]:
    moved, agreement, n = (event.body.get(name) for name in ("moved", "agreement", "stop_set"))
    if not (
        _is_number(moved, 0)
        and (agreement is None or _is_number(agreement, -1))
        and isinstance(n, int)
        and n > 0
    ):
        raise _invalid(event)
    return float(moved), None if agreement is None else float(agreement), n


def _is_number(value: object, least: int) -> TypeGuard[float]:
    return isinstance(value, int | float) and least <= value <= 1


def _labels(event: Event) -> int:
    labels = event.body.get("labels")
    if not isinstance(labels, int):
        raise _invalid(event)
    return labels


def _opening(event: Event | None) -> tuple[int | None, str | None, str | None]:
    if event is None:
        return None, None, None
    items, model, strategy = (event.body.get(name) for name in ("items", "model", "strategy"))
    if not (isinstance(items, int) and isinstance(model, str) and isinstance(strategy, str)):
        raise _invalid(event)
    return items, model, strategy


def _invalid(event: Event) -> SessionFileError:
    return SessionFileError(
        f"Event {event.seq} of the session is invalid: it was not written by tuilabel, or is "
        "damaged. Use a copy of the session file F, or recover its valid events with "
        "`tuilabel repair F`."
    )
