"""What may be left of a rare class, as plain values: what to ask next, and what checks showed."""

from __future__ import annotations

from typing import NamedTuple

from tuilabel.events.payloads import CHECK, SpotCheck
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


def two_classes(session: Session) -> tuple[str, str] | None:
    """Return the rarer of two classes that can be chosen, and the other; None for other sessions.

    The class that the desk looks for comes first, else the one with fewer labels.
    """
    ids = [session.classes.ids[index] for index in session.classes.open]
    if len(ids) != 2 or session.about.multi:
        return None
    sought, counts = session.desk.sought, session.known.by_class
    rare = sought if sought in ids else min(reversed(ids), key=lambda id_: counts[id_])
    return rare, next(id_ for id_ in ids if id_ != rare)


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


class EndingNews:
    """Notices when there is nothing left to find, and when a check is complete.

    Parameters
    ----------
    session : Session
    """

    def __init__(self, session: Session) -> None:
        self._session = session
        self._id = self._complete = ""
        self._items: tuple[str, ...] = ()
        self._places: dict[str, int] = {}
        self._first = 0
        self._was_dry = self._is_done = False
        if not self._is_checking():
            self._complete = self._id

    def _is_checking(self) -> bool:
        """Return whether a drawn image of the newest check has no answer yet.

        A key costs no more where many are drawn: they are mostly answered in their order.
        """
        known, asked = self._session.known, self._session.desk.current
        if not known.checks:
            return False
        newest = known.checks[-1]
        if newest.id != self._id and isinstance(newest.payload, SpotCheck):
            self._id, self._items, self._first = newest.id, newest.payload.items, 0
            self._places = {item: place for place, item in enumerate(self._items, 1)}
        if self._id == self._complete and (asked is None or asked.reason != CHECK):
            return False
        is_answered, count = known.is_answered, len(self._items)
        while self._first < count and is_answered(self._items[self._first]):
            self._first += 1
        if self._first == count:
            # An answer may have been taken back.
            is_open = (n for n, item in enumerate(self._items) if not is_answered(item))
            self._first = next(is_open, count)
        return self._first < count

    def take(self, key: str) -> str | None:
        """Return a sentence if something has come to its end since the last time.

        Parameters
        ----------
        key : str
            What leads to the screen where one goes on.
        """
        session, sought = self._session, self._session.desk.sought
        if not (sought or session.known.checks):
            return None
        is_checking = self._is_checking()
        before, self._complete = self._complete, "" if is_checking else self._id
        if self._complete != before and self._complete:
            self._is_done = True
            newest = results(session.known)[-1]
            name = session.known.classes.name(newest.class_id)
            # The rest of the sentence would not fit, and is on that screen.
            return f"{sentence(newest, name).partition(':')[0].rstrip('.')}: {key} goes on."
        is_dry = bool(sought) and session.predicted(sought) == 0 and not is_checking
        was_dry, self._was_dry = self._was_dry, is_dry
        if is_dry and not was_dry and not self._is_done:
            name = name_of(session, sought)
            return f"No image is predicted to be {name} any more: {key} checks the rest."
        return None

    def seen(self) -> None:
        """Note that the annotator has looked at what checks have shown."""
        self._is_done = False

    def words(self) -> str:
        """Return a few words for the header: what the desk looks for, or what has ended."""
        session = self._session
        sought, asked = session.desk.sought, session.desk.current
        if not sought or asked is None:
            return ""
        name = shown_name(session.known.classes.name(sought), 12)
        if asked.reason == CHECK and self._is_checking() and asked.item in self._places:
            return f"  check {self._places[asked.item]:,} of {len(self._items):,}"
        if self._is_done:
            return "  check done"
        if session.predicted(sought) == 0:
            return f"  no {name} predicted"
        return f"  for {name}"
