"""What is written when a model labels by itself: one header, and one event for each label."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from tuilabel.journal.events import Draft, Event, EventKind


class AutoLabel(NamedTuple):
    """A class that a model gives an item.

    Attributes
    ----------
    item : str
        Item id.
    class_name : str
    probability : float
        That the class is right, 0 to 1: calibrated, where there was something to calibrate on.
    references : sequence of str
        Where the source has the image.
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
        How many labels of annotators the model was fitted on.
    settings : mapping
        What else it takes to do the same again: features, step, seed. JSON-serialisable.
    calibration, estimate : mapping or None
        How the probabilities were calibrated, and how many labels are expected to be right.
        JSON-serialisable.

    Returns
    -------
    list of Draft
        The `autobatch` first, then an `auto` for each label, which names it as its target.

    Raises
    ------
    ValueError
        An item comes twice, or a probability is not within 0 to 1.
    """
    labels = list(labels)
    _refuse_senseless(labels)
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
    """Draft the one event that takes a whole batch of auto-labels back.

    Parameters
    ----------
    header : Event
        The batch's `autobatch` event, see `Ledger.auto_batches`.

    Raises
    ------
    ValueError
        It is another kind of event.
    """
    if header.kind is not EventKind.AUTO_BATCH:
        raise ValueError(
            f"Event {header.seq} is no batch of auto-labels but of kind {header.kind.value!r}: "
            "name the batch."
        )
    return Draft(EventKind.REVERT, round=header.round, target=header.uuid)


def _refuse_senseless(labels: Sequence[AutoLabel]) -> None:
    seen: set[str] = set()
    for label in labels:
        if label.item in seen:
            raise ValueError(f"Item {label.item} comes twice: a batch gives an item one label.")
        seen.add(label.item)
        if not 0 <= label.probability <= 1:
            raise ValueError(
                f"Item {label.item} has a probability of {label.probability}: give 0 to 1."
            )


def _body(label: AutoLabel) -> dict[str, Any]:
    return {
        "probability": round(float(label.probability), 6),
        "references": list(label.references),
    }
