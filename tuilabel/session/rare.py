"""The end of a session of two classes, for every interface: what is rare, what has ended."""

from __future__ import annotations

from collections.abc import Callable

from tuilabel.events.payloads import SpotCheck
from tuilabel.session.loop import Session
from tuilabel.session.spot_checks import results, sentence


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


class EndingNews:
    """Notices when there is nothing left to find, and when a check is complete.

    Parameters
    ----------
    session : Session
    shown : callable
        Returns the name of a class as the interface shows it.
    """

    def __init__(self, session: Session, shown: Callable[[str], str]) -> None:
        self._session = session
        self._shown = shown
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
        known = self._session.known
        if not known.checks:
            return False
        newest = known.checks[-1]
        if newest.id != self._id and isinstance(newest.payload, SpotCheck):
            self._id, self._items, self._first = newest.id, newest.payload.items, 0
            self._places = {item: place for place, item in enumerate(self._items, 1)}
        if self._id == self._complete and not self._session.is_check:
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
            name = self._shown(session.known.classes.name(sought))
            return f"No image is predicted to be {name} any more: {key} checks the rest."
        return None

    def seen(self) -> None:
        """Note that the annotator has looked at what checks have shown."""
        self._is_done = False

    def words(self) -> str:
        """Return a few words: which image of a check this is, what is looked for or has ended."""
        session = self._session
        sought, asked = session.desk.sought, session.desk.current
        if not sought or asked is None:
            return ""
        name = self._shown(session.known.classes.name(sought))
        if session.is_check and self._is_checking() and asked.item in self._places:
            return f"check {self._places[asked.item]:,} of {len(self._items):,}"
        if self._is_done:
            return "check done"
        if session.predicted(sought) == 0:
            return f"no {name} predicted"
        return f"for {name}"
