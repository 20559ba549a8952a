"""The details and events of one item, as plain values."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Protocol

from tuilabel.events.lines import Event
from tuilabel.events.payloads import Answer, Batch, BulkLine, Remark
from tuilabel.session.classes import class_id_of
from tuilabel.session.imported import answer_event
from tuilabel.session.labels import Labels, Standing
from tuilabel.text import shown_path
from tuilabel.tui.text.names import shown_name
from tuilabel.tui.views.history import History, items_of
from tuilabel.tui.views.values import Detail, shown_time

if TYPE_CHECKING:
    from tuilabel.data import Dataset
    from tuilabel.data.picture import Picture

_LIKELIEST = 3
"""Classes that are named with their probability."""


class Said(Protocol):
    """A session's events, and what they say."""

    @property
    def events(self) -> Sequence[Event]:
        """Every event, in the order in which they were read."""

    @property
    def known(self) -> Labels:
        """What everybody said."""


def item_details(
    item: str, dataset: Dataset, said: Said, picture: Picture | None
) -> Iterator[Detail]:
    """Yield the details of an item, and every event about it.

    Parameters
    ----------
    item : str
        The item's id.
    dataset : Dataset
    said : Session or SessionView
    picture : Picture, optional
        Its image; None if it cannot be read.
    """
    row, known = dataset.row_of(item), said.known
    members = set(known.carries.members(item))
    events = [event for event in said.events if not members.isdisjoint(items_of(event))]
    history = History(said.events, known)
    standing = known.standing(item)
    answer = None
    if standing is not None:
        found = said.events[standing.given.number]
        answer = answer_event(found, known, standing.given)
    auto = known.auto_label(item)
    yield "item", item
    for place, reference in enumerate(_written(events) if row is None else dataset.references(row)):
        yield "also" if place else "image", shown_path(reference)
    if row is not None and dataset.groups is not None:
        frames = dataset.groups.rows(row)
        yield "group", f"frame {frames.index(row) + 1:,} of {len(frames):,}"
    if picture is not None:
        height, width = picture.size
        colours = "colour" if picture.values.ndim == 3 else "grey"
        yield "size", f"{width:,} x {height:,} pixels, {colours}"
        yield from picture.facts
    decision = known.decision(item)
    decided = "" if decision is None else f", decided by {shown_name(decision.by)}"
    yield "class", _class(standing, auto, known) + decided
    yield from history.remarks(item)
    if len(known.votes(item)) > 1:
        yield "votes", history.said(item)
    if answer is not None and isinstance(answer.payload, Answer):
        yield "who", f"{history.row_of(answer).who}, round {answer.payload.round}"
        yield "time", shown_time(answer.at)
        if answer.payload.ms is not None:
            yield "took", f"{answer.payload.ms:,} ms"
    if _is_audit(item, said.events):
        yield "use", "audit set: measures accuracy, not used for training"
    yield from _model(item, answer, auto, said)
    if row is not None and dataset.truth is not None:
        added_as = dataset.class_names[int(dataset.truth[row])]
        yield "truth", shown_name(known.classes.name(class_id_of(added_as)))
    for place, event in enumerate(events):
        shown, target = history.row_of(event), history.target(event)
        about = shown.class_name if target is None else f"of #{history.number_of(target)}"
        parts = (f"#{shown.number}", shown_time(event.at), shown.kind, about, f"by {shown.who}")
        yield "" if place else "events", " ".join(filter(None, parts))


def _class(standing: Standing | None, auto: BulkLine | None, known: Labels) -> str:
    if standing is None:
        if auto is None:
            return "no label yet"
        return f"{shown_name(known.classes.name(auto.class_id))} (auto-label)"
    if standing.is_disputed:
        return "disputed"
    if standing.class_id is None:
        why = standing.given.why
        return f"skipped ({shown_name(why)})" if why else "skipped"
    return shown_name(known.classes.name(standing.class_id))


def _is_audit(item: str, events: Iterable[Event]) -> bool:
    for event in events:
        match event.payload:
            case Answer(audit=True) as answer if item in answer.items:
                return True
            case Batch(items=items):
                if any(asked.item == item and asked.reason == "audit" for asked in items):
                    return True
    return False


def _model(item: str, answer: Event | None, auto: BulkLine | None, said: Said) -> Iterator[Detail]:
    """Yield the model's probabilities when the item was answered, else in the newest batch."""
    names = said.known.classes.name
    given = None if answer is None else answer.payload
    shares: dict[str, float] | None = None
    when = ""
    if isinstance(given, Answer):
        accepted = "; its suggestion was accepted" if given.accepted else ""
        shares, when = given.probabilities, f" when it was asked{accepted}"
    elif auto is not None and auto.probability is not None:
        shares = {auto.class_id: auto.probability}
    if not shares:
        for event in reversed(said.events):
            if isinstance(event.payload, Batch):
                asked = next((one for one in event.payload.items if one.item == item), None)
                if asked is not None and asked.probabilities:
                    shares, when = asked.probabilities, f" in round {event.payload.round}"
                    break
    if shares:
        likely = sorted(shares.items(), key=lambda pair: -pair[1])[:_LIKELIEST]
        yield "model", ", ".join(f"{shown_name(names(id_))} {p:.1%}" for id_, p in likely) + when


def _written(events: Iterable[Event]) -> Sequence[str]:
    """Return where an item was when it was last answered."""
    for event in reversed(list(events)):
        if isinstance(event.payload, Answer | Remark) and event.payload.names:
            return event.payload.references
    return []
