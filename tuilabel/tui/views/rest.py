"""What may be left of a rare class, as plain values: what to ask next, and what checks showed."""

from __future__ import annotations

from typing import NamedTuple

from tuilabel.events.payloads import SpotCheck
from tuilabel.session import Session
from tuilabel.session.spot_checks import (
    is_open,
    none_found,
    results,
    sentence,
    sizes,
)
from tuilabel.text import counted, percent
from tuilabel.tui.text.names import shown_name
from tuilabel.tui.views.home import Entry
from tuilabel.tui.views.values import Detail

_LONGEST_NAME = 24


class Step(NamedTuple):
    """What can be asked next.

    Attributes
    ----------
    entry : Entry
        Its name, with a note.
    draws : int
        How many images a new check draws; 0 for no check.
    seeks : bool
        Whether the desk looks for the class after it.
    """

    entry: Entry
    draws: int = 0
    seeks: bool = True


def name_of(session: Session, class_id: str) -> str:
    """Return the name of a class, as it is shown."""
    return shown_name(session.known.classes.name(class_id), _LONGEST_NAME)


def steps(session: Session, class_id: str, units: int) -> list[Step]:
    """Return what can be asked next.

    Parameters
    ----------
    session : Session
    class_id : str
        The class to look for.
    units : int
        How many images, or groups, have no answer.
    """
    name, noun = name_of(session, class_id), "image" if session.items.groups is None else "group"
    checks = session.known.checks
    newest = checks[-1].payload if checks else None
    found: list[Step] = []
    if isinstance(newest, SpotCheck) and is_open(newest, session.known):
        result = results(session.known)[-1]
        note = f"{result.answered:,} of {result.drawn:,} answered, {result.found:,} found"
        found.append(Step(Entry("", f"Go on with check {result.number:,}", note)))
    elif units:
        found.append(Step(Entry("", "Ask what is likely", _likely(session, class_id, name))))
    if session.desk.sought:
        note = "the strategy chooses images again"
        found.append(Step(Entry("", "Stop looking", note), seeks=False))
    for count in sizes(units) if units else ():
        what = f"Draw {count:,}" if count < units else f"All {counted(units, noun)}"
        note = "then nothing is left to guess"
        if count < units:
            most = none_found(units, count, len(checks) + 1)
            share = percent(most / (units - count))
            note = f"0 found: at most {most:,} of {units - count:,} left ({share})"
        found.append(Step(Entry("", what, note), draws=count))
    heads = ["ask first"] + ["check the rest at random"] * bool(units)
    places = [0, next((n for n, step in enumerate(found) if step.draws), len(found))]
    for place, head in zip(places, heads, strict=False):
        if place < len(found):
            found[place] = found[place]._replace(entry=found[place].entry._replace(heading=head))
    return found


def _likely(session: Session, class_id: str, name: str) -> str:
    count = session.predicted(class_id) if session.desk.sought == class_id else None
    if count is None:
        return f"what is predicted to be {name} comes first"
    if not count:
        return f"nothing is predicted to be {name} any more"
    return f"{counted(count, 'image')} predicted to be {name}"


def outcomes(session: Session) -> list[Detail]:
    """Return what each check has shown, the newest first."""
    name = session.known.classes.name
    return [
        (f"check {one.number:,}", sentence(one, name(one.class_id)))
        for one in reversed(results(session.known))
    ]
