"""How well each class is predicted where an image may have several, as plain values."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from tuilabel.events.payloads import Fitted
from tuilabel.learn.class_sets import Tally
from tuilabel.learn.metrics import wilson_interval
from tuilabel.session import Session
from tuilabel.tui.views.shown_classes import ShownClasses


class TallyRow(NamedTuple):
    """One class: its key and name, and how it was predicted for the audit set."""

    key: str
    name: str
    tally: Tally


class Tallies(NamedTuple):
    """The classes, and the number of labels that the model was fitted to."""

    rows: Sequence[TallyRow]
    labels: int


def newest_tallies(session: Session, shown: ShownClasses) -> Tallies | None:
    """Return how the newest fit predicts each class that can be chosen; None before the first."""
    for event in reversed(session.known.fits):
        fit = event.payload
        if not isinstance(fit, Fitted) or not fit.tallies or fit.labels > session.labels:
            continue
        found = dict(zip(fit.classes, map(Tally._make, fit.tallies), strict=False))
        ids = session.classes.ids
        rows = [
            TallyRow(shown.keys[index], shown.names[index], found[ids[index]])
            for index in shown.open
            if ids[index] in found
        ]
        return Tallies(rows, fit.labels)
    return None


def tally_sentence(row: TallyRow) -> str:
    """Return a sentence about a class, with the interval of its accuracy."""
    tally = row.tally
    right = tally.found + tally.absent
    if not tally.n:
        return f"{row.name}: not known of any image of the audit set"
    low, high = wilson_interval(right, tally.n)
    return (
        f"{row.name}: right for {right / tally.n:.1%} ({low:.1%} to {high:.1%}) of "
        f"{tally.n:,} images"
    )
