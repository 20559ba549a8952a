"""The rows of an export, whatever the format."""

from __future__ import annotations

from collections.abc import Container, Iterable, Iterator
from typing import TYPE_CHECKING, Literal, TypedDict

from tuilabel.errors import SessionFileError
from tuilabel.journal import AUTO_ORIGIN, Event, Ledger

if TYPE_CHECKING:
    from tuilabel.data.places import Places

Status = Literal["found", "gone", "as labelled"]
"""Whether an image is in the source, is there no longer, or was not looked for."""

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
        "status": Status,
    },
)
"""One label of one image.

`reference` is the place of the image in the source and `status` how that is known. `time` is UTC
in ISO 8601, `ms` is how long the annotator took, `origin` is one of `tuilabel.exchange.ORIGINS`,
and `probability` is the model's for an auto-label and None for any other label.
"""

COLUMNS = tuple(LabelRow.__annotations__)


def label_rows(
    events: Iterable[Event],
    origins: Container[str] | None = None,
    places: Places | None = None,
) -> Iterator[LabelRow]:
    """Yield the labels in effect, one row for each place of the image in the source.

    Equal images are one item with one label; each of them gets a row, so that the export contains
    every file of a folder. An image that is gone keeps the names of labelling time that no other
    image has taken since, but at least one row. Auto-labels come after the others, and only for
    items that no annotator has answered.

    Parameters
    ----------
    events : iterable of Event
        All of a session, in order.
    origins : container of str, optional
        Only labels of these origins; by default all.
    places : Places, optional
        Where the items of the source are now; by default the names of labelling time are used.

    Raises
    ------
    SessionFileError
        A label contains something that tuilabel does not write.
    """
    ledger = Ledger.of(events)
    for label in (*ledger.labels(), *ledger.auto_labels()):
        if origins is None or label.origin in origins:
            references, status = _references(label, places)
            yield from _rows_of(label, references, status)


def _references(event: Event, places: Places | None) -> tuple[list[str], Status]:
    labelled = event.body.get("references") or []
    if not isinstance(labelled, list):
        raise _invalid(event, "references")
    names = list(map(str, labelled))
    if places is not None and str(event.item) in places.items:
        return places.items[str(event.item)], "found"
    if places is None or any(map(places.is_unread, names)):
        return names or [""], "as labelled"
    return [name for name in names if name not in places.names] or [""], "gone"


def _rows_of(event: Event, references: Iterable[str], status: Status) -> Iterator[LabelRow]:
    for reference in references:
        yield LabelRow(
            {
                "item_id": str(event.item),
                "reference": reference,
                "class": str(event.class_name),
                "annotator": event.annotator,
                "time": event.time,
                "round": event.round,
                "ms": event.ms,
                "origin": event.origin,
                "probability": _probability(event),
                "status": status,
            }
        )


def _probability(event: Event) -> float | None:
    if event.origin != AUTO_ORIGIN:
        return None
    probability = event.body.get("probability")
    if not (isinstance(probability, int | float) and 0 <= probability <= 1):
        raise _invalid(event, "a probability")
    return float(probability)


def _invalid(event: Event, part: str) -> SessionFileError:
    return SessionFileError(
        f"Event {event.seq} of the session has {part} that tuilabel cannot read: it is damaged, or "
        "was not written by tuilabel. Use a copy of the session file F, or recover the rest with "
        "`tuilabel repair F`."
    )
