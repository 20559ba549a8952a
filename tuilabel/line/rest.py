"""The end of a session of two classes in line mode: `:rest`, and what is typed behind it."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from tuilabel.errors import UsageError
from tuilabel.events.payloads import SpotCheck
from tuilabel.session import Annotator, Session
from tuilabel.session.rare import EndingNews, two_classes
from tuilabel.session.spot_checks import MOST_DRAWN, none_found, results, sentence
from tuilabel.text import counted, inert

Plan = Callable[[Sequence[Sequence[int]], str, str, int], SpotCheck]
"""Writes and draws a check, as `tuilabel.workspace.rest.plan_check` does for a workspace."""

_USUAL = 300

_LONGEST_NAME = 40

_TYPE = "type `:rest likely`, `:rest stop`, or `:rest` and how many to draw"


class Rest:
    """Looks for the rarer of two classes, and checks the rest.

    Parameters
    ----------
    session : Session
    plan : Plan or None
    """

    def __init__(self, session: Session, plan: Plan | None) -> None:
        self._session = session
        self._plan = plan
        self._ending = EndingNews(session, lambda name: inert(name, _LONGEST_NAME))

    def words(self) -> str:
        """Return which image of a check is asked, as a sentence; empty for any other image."""
        words = self._ending.words() if self._session.is_check else ""
        return f"Random {words}." if words else ""

    def news(self) -> str:
        """Return a sentence if something has come to its end; else nothing."""
        return self._ending.take("`:rest`") or ""

    def _name(self, class_id: str) -> str:
        return inert(self._session.known.classes.name(class_id), _LONGEST_NAME)

    def lines(self) -> list[str]:
        """Return what checks have shown, and what can be asked next."""
        session, classes = self._session, two_classes(self._session)
        self._ending.seen()
        name = session.known.classes.name
        found = [sentence(one, name(one.class_id)) for one in results(session.known)]
        if classes is None:
            return [*found, "Looking for a rare class needs a session of two classes."]
        rare, units = self._name(classes[0]), session.pool_left
        found.append(f"`:rest likely` asks first what is predicted to be {rare}.")
        count = min(_USUAL, units)
        if 0 < count == units:
            found.append(f"`:rest {count}` asks all that are left, in a random order.")
        elif count:
            most = none_found(units, count, len(session.known.checks) + 1)
            found.append(
                f"`:rest {count}` draws {count:,} of {counted(units, 'image')} at random: if none "
                f"of them is {rare}, at most {most:,} of the others are."
            )
        if session.desk.sought:
            found.append("`:rest stop` lets the strategy choose images again.")
        return found

    def turn_to(self, typed: str, *, by: Annotator) -> str:
        """Ask other images first; return what is done, as a sentence.

        Parameters
        ----------
        typed : str
            ``likely``, ``stop``, or a number of images to draw.
        by : Annotator

        Raises
        ------
        UsageError
            It is none of these, or the session has not two classes.
        NotReadError, RefusedError, SaveError
            As `Session.begin_check` and `Session.rest` raise them.
        """
        session, classes = self._session, two_classes(self._session)
        if typed == "stop":
            session.seek("", by=by)
            return "The strategy chooses images again."
        if classes is None:
            raise UsageError("Looking for a rare class needs a session of two classes.")
        if typed == "likely":
            session.seek(classes[0], by=by)
            return f"What is predicted to be {self._name(classes[0])} is asked first."
        most = min(MOST_DRAWN, session.pool_left)
        count = int(typed[:9]) if typed.isascii() and typed.isdecimal() else 0
        if not 1 <= count <= most or self._plan is None:
            raise UsageError(f"{inert(typed, 20)!r} cannot be drawn: {_TYPE}, up to {most:,}.")
        check = self._plan(session.rest(), *classes, count)
        session.begin_check(check, by=by)
        return f"Drew {len(check.items):,} of {counted(check.units, 'image')} at random."
