"""The details and events of one item, as plain values."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

from tuilabel.journal import Event, EventKind, Ledger
from tuilabel.text import shown_path
from tuilabel.tui.text.names import shown_name
from tuilabel.tui.views.history import History
from tuilabel.tui.views.values import Detail, shown_time

if TYPE_CHECKING:
    from tuilabel.data import Dataset

_LIKELIEST = 3
"""Classes that are named with their probability."""


def item_details(
    item: str, dataset: Dataset, ledger: Ledger, shape: Sequence[int] | None
) -> Iterator[Detail]:
    """Yield the details of an item, and every event about it.

    Parameters
    ----------
    item : str
        The item's id.
    dataset : Dataset
    ledger : Ledger
    shape : sequence of int, optional
        Shape of its image at full size, (H, W) or (H, W, 3); None if it cannot be read.
    """
    row = dataset.row_of(item)
    batches = {event.target for event in ledger.events if event.item == item}
    events = [
        event
        for event in ledger.events
        if event.item == item or (event.kind is EventKind.REVERT and event.target in batches)
    ]
    history = History(ledger.events, lambda event: ledger.answer(str(event.item)) is event)
    answer = ledger.answer(item) or ledger.auto_label(item)
    yield "item", item
    for place, reference in enumerate(_written(events) if row is None else dataset.references(row)):
        yield "also" if place else "image", shown_path(reference)
    if shape is not None:
        colours = "colour" if len(shape) == 3 else "grey"
        yield "size", f"{shape[1]:,} x {shape[0]:,} pixels, {colours}"
    yield "class", _class(answer)
    if answer is not None:
        yield "who", f"{history.row_of(answer).who}, round {answer.round}"
        yield "time", shown_time(answer.time)
        if answer.ms is not None:
            yield "took", f"{answer.ms:,} ms"
    if _is_audit(item, events, ledger):
        yield "use", "audit set: measures accuracy, not used for training"
    yield from _model(item, answer, dataset.class_names, ledger)
    if row is not None and dataset.truth is not None:
        yield "truth", shown_name(dataset.class_names[int(dataset.truth[row])])
    for place, event in enumerate(events):
        shown, target = history.row_of(event), history.target(event)
        about = shown.class_name
        if target is not None and event.kind in (EventKind.UNDO, EventKind.REVERT):
            about = f"of #{target.seq}"
        parts = (f"#{shown.number}", shown_time(event.time), shown.kind, about, f"by {shown.who}")
        yield "" if place else "events", " ".join(filter(None, parts))


def _class(answer: Event | None) -> str:
    if answer is None:
        return "no label yet"
    if answer.class_name is None:
        return "skipped"
    name = shown_name(answer.class_name)
    return f"{name} (auto-label)" if answer.kind is EventKind.AUTO else name


def _is_audit(item: str, events: Iterable[Event], ledger: Ledger) -> bool:
    drawn = (event.body.get("audits") for event in ledger.rounds)
    return any(event.body.get("audit") for event in events) or any(
        isinstance(items, list) and item in items for items in drawn
    )


def _model(
    item: str, answer: Event | None, class_names: Sequence[str], ledger: Ledger
) -> Iterator[Detail]:
    """Yield the model's probabilities when the item was answered, else in the newest ranking."""
    body = {} if answer is None else answer.body
    if answer is not None and answer.kind is EventKind.AUTO:
        shares, when = _shares([(answer.class_name, body.get("probability"))]), ""
    elif isinstance(body.get("probabilities"), dict):
        accepted = "; its suggestion was accepted" if body.get("accepted") else ""
        shares, when = _shares(body["probabilities"].items()), f" when it was asked{accepted}"
    else:
        shares, when = _newest_ranking(item, class_names, ledger)
    if shares:
        yield "model", shares + when


def _newest_ranking(item: str, class_names: Sequence[str], ledger: Ledger) -> tuple[str, str]:
    for event in reversed(ledger.rounds):
        ranking, found = event.body.get("ranking"), event.body.get("probabilities")
        if isinstance(ranking, list) and isinstance(found, list) and item in ranking:
            place = ranking.index(item)
            if place < len(found) and isinstance(found[place], list):
                shares = _shares(zip(class_names, found[place], strict=False))
                return shares, f" in round {event.round}"
    return "", ""


def _shares(pairs: Iterable[tuple[Any, Any]]) -> str:
    """Return the likeliest classes in words; values that are no probabilities are left out."""
    known = [
        (float(share), str(name))
        for name, share in pairs
        if isinstance(share, int | float) and 0 <= share <= 1
    ]
    known.sort(key=lambda pair: -pair[0])
    return ", ".join(f"{shown_name(name)} {share:.1%}" for share, name in known[:_LIKELIEST])


def _written(events: Iterable[Event]) -> Sequence[str]:
    """Return where an item was when it was last answered."""
    for event in reversed(list(events)):
        references = event.body.get("references")
        if isinstance(references, list):
            return [str(reference) for reference in references]
    return []
