"""What an export says of each label, whatever the format."""

from __future__ import annotations

from collections.abc import Container, Iterable, Iterator
from typing import TypedDict

from tuilabel.errors import SessionFileError
from tuilabel.journal import AUTO_ORIGIN, Event, Ledger

# The functional form, because `class` is a keyword.
LabelRow = TypedDict(
    "LabelRow",
    {
        "item_id": str,
        "reference": str,
        "class": str,
        "annotator": str,
        "time": str,
        "round": int,
        "ms": int | None,
        "origin": str,
        "probability": float | None,
    },
)
"""One label of one image: `reference` says where the source has the image, `time` is UTC in
ISO 8601, `ms` is how long the annotator took, `origin` is who gave the class (``"human"``,
``"oracle"``, or ``"auto"`` for a model told to by the annotator), `probability` is how probable
the model found it, and is None for all others."""

COLUMNS = tuple(LabelRow.__annotations__)


def label_rows(
    events: Iterable[Event], origins: Container[str] | None = None
) -> Iterator[LabelRow]:
    """Yield the labels that hold, one row for every place where the source has the image.

    Exact duplicates are one item with one label; each of them gets its row, so that every file
    of a folder is found again in the export. A label without a reference gets one row. Auto-labels
    come after the others, and only for items that no annotator has answered.

    Parameters
    ----------
    events : iterable of Event
        All of a session, in order.
    origins : container of str, optional
        Only labels of these origins; by default of all.

    Raises
    ------
    SessionFileError
        A label holds what tuilabel does not write.
    """
    ledger = Ledger.of(events)
    for label in (*ledger.labels(), *ledger.auto_labels()):
        if origins is None or label.origin in origins:
            yield from _rows_of(label)


def _rows_of(event: Event) -> Iterator[LabelRow]:
    references = event.body.get("references") or [""]
    if not isinstance(references, list):
        raise _senseless(event, "references that make")
    for reference in references:
        yield LabelRow(
            {
                "item_id": str(event.item),
                "reference": str(reference),
                "class": str(event.class_name),
                "annotator": event.annotator,
                "time": event.time,
                "round": event.round,
                "ms": event.ms,
                "origin": event.origin,
                "probability": _probability(event),
            }
        )


def _probability(event: Event) -> float | None:
    if event.origin != AUTO_ORIGIN:
        return None
    probability = event.body.get("probability")
    if not (isinstance(probability, int | float) and 0 <= probability <= 1):
        raise _senseless(event, "a probability that makes")
    return float(probability)


def _senseless(event: Event, what: str) -> SessionFileError:
    return SessionFileError(
        f"Event {event.seq} of the session has {what} no sense: it was not written by tuilabel, "
        "or is damaged. Go back to a copy of the session file F, or bring back what "
        "makes sense with `tuilabel repair F`."
    )
