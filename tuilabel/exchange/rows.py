"""The rows of an export, whatever the format."""

from __future__ import annotations

from collections.abc import Container, Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Literal, NotRequired, Protocol, TypedDict

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
        "class": str | list[str],
        "annotator": str,
        "time": str,
        "round": int,
        "ms": int | None,
        "origin": str,
        "probability": float | None,
        "status": Status,
        "disputed": bool,
        "reason": str,
        "draw": float | None,
        "why": str,
        "flagged": bool,
        "note": str,
        "group": NotRequired[str],
        "unknown": NotRequired[list[str]],
        "split": NotRequired[str],
        "file": NotRequired[str],
    },
)
"""One label of one image.

`reference` is the place of the image in the source and `status` how that is known. `time` is UTC
in ISO 8601, `ms` is how long the annotator took, `origin` is one of `tuilabel.exchange.ORIGINS`,
and `probability` is the model's for an auto-label and None for any other label. Where annotators
disagree, `disputed` is true and `class` empty. Among the answers of all annotators, `class` is
empty for a skip. `reason` is why the image was asked, and
`draw` the probability with which it was drawn, None for a query. `why` is the reason of a skip.
`flagged` is whether the image is flagged for a second opinion, and `note` what annotators noted
about it; among the answers of all annotators, what this one did. `group` is the first file of the
group that the image is a frame of, empty where it is in none: only a session with groups has it. In
a session of several classes `class` is a list, and `unknown` lists the classes that are not known
for the image: annotators disagree about them, or they were added after it was answered. No other
session has `unknown`. `split` is the part of a split that the image is in, and `file` the absolute
path of the image, for formats that read it.
"""

COLUMNS = tuple(name for name in LabelRow.__annotations__ if name in LabelRow.__required_keys__)


class Labelled(Protocol):
    """The label in effect for an item; see `tuilabel.session.view.Labelled`."""

    @property
    def item(self) -> str: ...
    @property
    def references(self) -> Sequence[str]: ...
    @property
    def class_name(self) -> str: ...
    @property
    def annotator(self) -> str: ...
    @property
    def time(self) -> str: ...
    @property
    def origin(self) -> str: ...
    @property
    def round(self) -> int: ...
    @property
    def ms(self) -> int | None: ...
    @property
    def probability(self) -> float | None: ...
    @property
    def is_disputed(self) -> bool: ...
    @property
    def reason(self) -> str: ...
    @property
    def draw(self) -> float | None: ...
    @property
    def why(self) -> str: ...
    @property
    def is_flagged(self) -> bool: ...
    @property
    def note(self) -> str: ...
    @property
    def several(self) -> Sequence[str] | None: ...
    @property
    def unknown(self) -> Sequence[str]: ...
    @property
    def group(self) -> str | None: ...


def label_rows(
    labels: Iterable[Labelled],
    origins: Container[str] | None = None,
    places: Places | None = None,
) -> Iterator[LabelRow]:
    """Yield one row for each place of each labelled image in the source.

    Equal images are one item with one label; each of them gets a row, so that the export contains
    every file of a folder. An image that is gone keeps the names of labelling time that no other
    image has taken since, but at least one row.

    Parameters
    ----------
    labels : iterable of Labelled
        The labels in effect.
    origins : container of str, optional
        Only labels of these origins; by default all.
    places : Places, optional
        Where the items of the source are now; by default the names of labelling time are used.
    """
    for label in labels:
        if origins is None or label.origin in origins:
            references, status = _references(label, places)
            yield from _rows_of(label, references, status)


def _references(label: Labelled, places: Places | None) -> tuple[list[str], Status]:
    names = list(label.references)
    if places is not None and label.item in places.items:
        return places.items[label.item], "found"
    if places is None or any(map(places.is_unread, names)):
        return names or [""], "as labelled"
    return [name for name in names if name not in places.names] or [""], "gone"


def _rows_of(label: Labelled, references: Iterable[str], status: Status) -> Iterator[LabelRow]:
    for reference in references:
        row = LabelRow(
            {
                "item_id": label.item,
                "reference": reference,
                "class": label.class_name if label.several is None else list(label.several),
                "annotator": label.annotator,
                "time": label.time,
                "round": label.round,
                "ms": label.ms,
                "origin": label.origin,
                "probability": label.probability,
                "status": status,
                "disputed": label.is_disputed,
                "reason": label.reason,
                "draw": label.draw,
                "why": label.why,
                "flagged": label.is_flagged,
                "note": label.note,
            }
        )
        if label.group is not None:
            row["group"] = label.group
        if label.several is not None or label.unknown:
            row["unknown"] = list(label.unknown)
        yield row
