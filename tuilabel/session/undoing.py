"""Taking back an event: whether an annotator may, and what was taken back in words."""

from __future__ import annotations

from collections.abc import Callable

from tuilabel.events.lines import Event
from tuilabel.events.payloads import (
    AUTO_ORIGIN,
    SUGGESTED,
    Answer,
    Bulk,
    Carried,
    ClassAdded,
    ClassMerged,
    ClassRenamed,
    ClassRestyled,
    ClassRetired,
    Flag,
    Label,
    LabelSet,
    Note,
    Payload,
    Remark,
    Settled,
    Skip,
)
from tuilabel.session.class_sets import said
from tuilabel.session.classes import CLASS_EVENTS
from tuilabel.session.labels import Labels
from tuilabel.text import counted, uncarried_text

NOT_IN_EFFECT = "This is not in effect any more: there is nothing to take back."


def counts(event: Event, known: Labels) -> bool:
    """Return whether an event that can be taken back is in effect."""
    match event.payload:
        case Answer(item=item):
            own = known.own(item, event.by)
            return own is not None and own.id == event.id
        case Settled(item=item):
            decision = known.decision(item)
            return decision is not None and decision.id == event.id
        case Remark(item=item):
            return known.remarks.is_in_effect(event.id, item)
    return not known.is_undone(event.id)


def refusal(event: Event, known: Labels, by: str) -> str | None:
    """Return why an annotator cannot take an event back, as a sentence; None if it is possible.

    Anybody may take back decisions, class events, files of labels, and the carrying over of
    answers. An answer, a flag or a note may be taken back by its annotator alone.
    """
    payload = event.payload
    if not isinstance(payload, (Answer, Remark, Settled, Bulk, Carried, *CLASS_EVENTS)):
        return "Only labels, skips, flags, notes, decisions and class events can be taken back."
    if not counts(event, known):
        return NOT_IN_EFFECT
    if isinstance(payload, Answer) and event.by != by:
        return f"Only {event.by} can take this answer back. Label the image yourself instead."
    if isinstance(payload, Remark) and event.by != by:
        what = "note" if isinstance(payload, Note) else "flag"
        return f"Only {event.by} can take this {what} back."
    return None


def undone_text(event: Event, known: Labels, shown: Callable[[str], str]) -> str:
    """Return what the undo of an event changed, as a sentence.

    Parameters
    ----------
    event : Event
        The event that was taken back.
    known : Labels
        What everybody said, with the undo.
    shown : callable
        Returns a name as this interface shows it.
    """
    payload, name = event.payload, known.classes.name
    match payload:
        case Label() | LabelSet():
            id_ = said(payload) or ""
            return f"Undone: {shown(name(id_))}."
        case Skip():
            return f"Undone: a {skip_text(payload)}."
        case Flag(is_set=is_set):
            return "Undone: the flag." if is_set else "Undone: the flag is back."
        case Note():
            return "Undone: the note."
        case Settled(item=item):
            id_ = said(payload) or ""
            then = "the image is disputed again" if item in known.disputed else "the votes count"
            return f"Undone: the decision for {shown(name(id_))}; {then}."
        case ClassAdded(class_id=id_, name=added):
            if known.classes.get(id_) is not None:
                return f"The class {shown(added)} stays while images have its label."
            return f"Undone: the new class {shown(added)}."
        case ClassRenamed(class_id=id_, name=other):
            return f"Undone: the name {shown(other)}; the class is {shown(name(id_))}."
        case ClassMerged(class_id=id_, into=into):
            return f"Undone: the merge of {shown(name(id_))} into {shown(name(into))}."
        case ClassRetired(class_id=id_):
            return f"Undone: {shown(name(id_))} can be chosen again."
        case ClassRestyled(class_id=id_, key=key):
            return f"Undone: the key {shown(key)} of {shown(name(id_))}."
        case Bulk() as bulk:
            return f"Undone: {bulk_text(bulk)}."
        case Carried(pairs=pairs):
            return uncarried_text(len(pairs))
    raise AssertionError(f"{event.kind} cannot be taken back")


def skip_text(payload: Payload, word: str = "skip") -> str:
    """Return a word for a skip, with the reason if it has one."""
    why = payload.why if isinstance(payload, Skip) else ""
    return f"{word} ({why})" if why else word


def bulk_text(bulk: Bulk) -> str:
    """Return how many labels or suggestions of which kind were written together."""
    nouns = {AUTO_ORIGIN: "auto-label", SUGGESTED: "suggestion"}
    return counted(bulk.count, nouns.get(bulk.origin, "imported label"))
