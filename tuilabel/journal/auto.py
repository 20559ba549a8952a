"""The events of a batch of auto-labels: one header, and one event for each label."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from tuilabel.journal.events import Draft, Event, EventKind


class AutoLabel(NamedTuple):
    """A class that a model assigns to an item.

    Attributes
    ----------
    item : str
        Item id.
    class_name : str
    probability : float
        The probability that the class is right, 0 to 1, calibrated if possible.
    references : sequence of str
        The image's names in the source.
    """

    item: str
    class_name: str
    probability: float
    references: Sequence[str] = ()


def auto_batch(
    labels: Iterable[AutoLabel],
    *,
    round: int,
    method: str,
    threshold: float | None,
    model: str,
    trained_on: int,
    settings: Mapping[str, Any],
    calibration: Mapping[str, Any] | None,
    estimate: Mapping[str, Any] | None,
) -> list[Draft]:
    """Draft a batch of auto-labels, for `Journal.append_many`.

    Parameters
    ----------
    labels : iterable of AutoLabel
    round : int
        Batches that annotators had closed when the model was fitted.
    method : str
        How the items were chosen: ``"naive"``, ``"ordered"`` or ``"confident"``.
    threshold : float or None
        The least probability that was accepted.
    model : str
    trained_on : int
        Number of annotators' labels that the model was fitted on.
    settings : mapping
        What is also needed to repeat the run: features, step, seed. JSON-serialisable.
    calibration, estimate : mapping or None
        How the probabilities were calibrated, and the share of labels expected to be right.
        JSON-serialisable.

    Returns
    -------
    list of Draft
        The `autobatch`, then an `auto` for each label with the `autobatch` as its target.

    Raises
    ------
    ValueError
        An item occurs twice, or a probability is not within 0 to 1.
    """
    labels = list(labels)
    _refuse_invalid(labels)
    header = Draft(
        EventKind.AUTO_BATCH,
        round=round,
        uuid=str(uuid.uuid4()),
        body={
            "method": method,
            "threshold": threshold,
            "model": model,
            "trained_on": trained_on,
            "settings": dict(settings),
            "calibration": None if calibration is None else dict(calibration),
            "estimate": None if estimate is None else dict(estimate),
            "count": len(labels),
        },
    )
    return [
        header,
        *(
            Draft(
                EventKind.AUTO,
                item=label.item,
                class_name=label.class_name,
                round=round,
                target=header.uuid,
                body=_body(label),
            )
            for label in labels
        ),
    ]


def revert(header: Event) -> Draft:
    """Draft the event that takes back a whole batch of auto-labels.

    Parameters
    ----------
    header : Event
        The batch's `autobatch` event, see `Ledger.auto_batches`.

    Raises
    ------
    ValueError
        The event is of another kind.
    """
    if header.kind is not EventKind.AUTO_BATCH:
        raise ValueError(
            f"Event {header.seq} has kind {header.kind.value!r}; expected a batch of auto-labels."
        )
    return Draft(EventKind.REVERT, round=header.round, target=header.uuid)


def _refuse_invalid(labels: Sequence[AutoLabel]) -> None:
    seen: set[str] = set()
    for label in labels:
        if label.item in seen:
            raise ValueError(
                f"Item {label.item} occurs twice; a batch has one label for each item."
            )
        seen.add(label.item)
        if not 0 <= label.probability <= 1:
            raise ValueError(
                f"Item {label.item} has the probability {label.probability}; expected 0 to 1."
            )


def _body(label: AutoLabel) -> dict[str, Any]:
    return {
        "probability": round(float(label.probability), 6),
        "references": list(label.references),
    }
