"""What an export says of each label, whatever the format."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TypedDict

from tuilabel.errors import SessionFileError
from tuilabel.journal import Event, Ledger

# The functional form, because `class` is a keyword.
Row = TypedDict(
    "Row",
    {
        "item_id": str,
        "reference": str,
        "class": str,
        "annotator": str,
        "time": str,
        "round": int,
        "ms": int | None,
        "origin": str,
    },
)
"""One label of one image: `reference` says where the source has the image, `time` is UTC in
ISO 8601, `ms` is how long the annotator took."""

COLUMNS = tuple(Row.__annotations__)


def label_rows(events: Iterable[Event]) -> Iterator[Row]:
    """Yield the labels that hold, one row for every place where the source has the image.

    Exact duplicates are one item with one label; each of them gets its row, so that every file
    of a folder is found again in the export. A label without a reference gets one row.

    Raises
    ------
    SessionFileError
        A label holds what tuilabel does not write.
    """
    for event in Ledger.of(events).labels():
        references = event.body.get("references") or [""]
        if not isinstance(references, list):
            raise SessionFileError(
                f"Event {event.seq} of the session has references that make no sense: it was not "
                "written by tuilabel, or is damaged. Go back to a copy of the session file."
            )
        for reference in references:
            yield Row(
                {
                    "item_id": str(event.item),
                    "reference": str(reference),
                    "class": str(event.class_name),
                    "annotator": event.annotator,
                    "time": event.time,
                    "round": event.round,
                    "ms": event.ms,
                    "origin": event.origin,
                }
            )
