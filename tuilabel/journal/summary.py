"""Where a session stands, from its journal alone."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import TypedDict, TypeGuard

from tuilabel.errors import SessionFileError
from tuilabel.journal.events import Event, EventKind
from tuilabel.journal.ledger import Ledger
from tuilabel.journal.reading import SessionInfo

STOPPING_FITS = 10
"""How many of the last fits a summary tells the movement of."""


class AccuracySummary(TypedDict):
    """A measured accuracy with its 95 % interval, all in 0..1."""

    value: float
    low: float
    high: float
    n: int
    set: str


class StoppingSummary(TypedDict):
    """How far the last fits moved the predictions of the stop set, the newest last.

    `moved` are shares in 0..1, `agreement` Cohen's kappas, None where a fit gave everything one
    class; `n` is how many predictions were compared.
    """

    moved: list[float]
    agreement: list[float | None]
    n: int


class FittedSummary(TypedDict):
    """What the newest fit was made with: never ``auto``."""

    model: str
    features: str
    strategy: str


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
    fitted: FittedSummary | None
    accuracy: AccuracySummary | None
    annotators: dict[str, int]
    auto_labels: int
    stopping: StoppingSummary | None


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
        `by_class` has every class of the session, in its order; `rounds` counts the batches that
        a model was fitted after, without those taken back since; `accuracy` is the newest one
        measured of them, None before the first;
        `annotators` counts the labels that hold by who gave them; `pool_left` is None for a
        session that was never opened. Auto-labels are in `auto_labels`, those that hold, and in
        no other count; `stopping` has the last `STOPPING_FITS` of the same fits that were
        compared with the one before, None where none was.

    Raises
    ------
    SessionFileError
        An event holds what tuilabel does not write.
    """
    ledger = Ledger.of(events)
    items, model, strategy = _opening(ledger.opened)
    # A fit from labels that were taken back since says nothing of those that are left.
    fits = [
        event
        for event in ledger.rounds
        if event.body.get("model") and _labels(event) <= ledger.labels_held
    ]
    measured = [event for event in fits if event.body.get("accuracy")]
    return Summary(
        source=info.source,
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
    """Refuse an opening or a round that `summarise` could make nothing of.

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
        raise _senseless(event)
    return FittedSummary(model=model, features=features, strategy=strategy)


def _accuracy(event: Event) -> AccuracySummary:
    try:
        body = event.body["accuracy"]
        shares = [float(body[name]) for name in ("value", "low", "high")]
        n, set_ = body["n"], body["set"]
    except (LookupError, TypeError, ValueError) as error:
        raise _senseless(event) from error
    if not (all(0 <= share <= 1 for share in shares) and isinstance(n, int)):
        raise _senseless(event)
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
        raise _senseless(event)
    return float(moved), None if agreement is None else float(agreement), n


def _is_number(value: object, least: int) -> TypeGuard[float]:
    return isinstance(value, int | float) and least <= value <= 1


def _labels(event: Event) -> int:
    labels = event.body.get("labels")
    if not isinstance(labels, int):
        raise _senseless(event)
    return labels


def _opening(event: Event | None) -> tuple[int | None, str | None, str | None]:
    if event is None:
        return None, None, None
    items, model, strategy = (event.body.get(name) for name in ("items", "model", "strategy"))
    if not (isinstance(items, int) and isinstance(model, str) and isinstance(strategy, str)):
        raise _senseless(event)
    return items, model, strategy


def _senseless(event: Event) -> SessionFileError:
    return SessionFileError(
        f"Event {event.seq} of the session makes no sense: it was not written by "
        "tuilabel, or is damaged. Go back to a copy of the session file F, or bring back what "
        "makes sense with `tuilabel repair F`."
    )
