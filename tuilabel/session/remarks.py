"""What annotators remarked on items beside their answers: flags for a second opinion, and notes."""

from __future__ import annotations

from bisect import insort
from collections.abc import Callable, Iterator
from typing import NamedTuple

from tuilabel.events.lines import Event
from tuilabel.events.payloads import Flag, Note, Remark
from tuilabel.session.carries import Carries


class Remarked(NamedTuple):
    """A flag or a note of one annotator about one item.

    Attributes
    ----------
    t, id : int, str
        Their order is that of the events.
    number : int
        The place of its event among those read, from 0.
    by : str
    text : str or None
        Of a note, empty where it only removes an earlier one; None for a flag.
    is_set : bool
        Whether a flag was set, and not removed.
    """

    t: int
    id: str
    number: int
    by: str
    text: str | None
    is_set: bool


class Remarks:
    """The flags and notes after a set of events, in whatever order these arrive.

    The newest flag about an item counts, whoever set or removed it. Of notes, the newest of each
    annotator counts.

    Parameters
    ----------
    stands : callable
        Returns whether an event, by its id, item and annotator, was not taken back.
    carries : Carries
        Which items count as one.

    Attributes
    ----------
    flagged, noted : dict of str to Remarked
        By item: the flag in effect, and the newest of the notes in effect.
    """

    def __init__(self, stands: Callable[[str, str, str], bool], carries: Carries) -> None:
        self._stands, self._carries = stands, carries
        self._every: dict[str, list[Remarked]] = {}
        self.flagged: dict[str, Remarked] = {}
        self.noted: dict[str, Remarked] = {}

    def add(self, event: Event, number: int) -> None:
        """Add an event that was not added before, a flag or a note; `follow` has to be called."""
        payload = event.payload
        assert isinstance(payload, Remark)
        text = payload.text if isinstance(payload, Note) else None
        is_set = isinstance(payload, Flag) and payload.is_set
        found = Remarked(event.t, event.id, number, event.by, text, is_set)
        insort(self._every.setdefault(payload.item, []), found)

    def follow(self, item: str) -> None:
        """Take into account that an event about an item was added, or may have been taken back."""
        if not self._every:
            return
        end = self._carries.end(item)
        flag, notes = self.flag(end), self.notes(end)
        for found, remark in (
            (self.flagged, flag if flag is not None and flag.is_set else None),
            (self.noted, notes[-1] if notes else None),
        ):
            found.pop(item, None)
            if remark is None:
                found.pop(end, None)
            else:
                found[end] = remark

    def of(self, item: str) -> list[Remarked]:
        """Return the flags and notes about an item that were not taken back, oldest first."""
        members = self._carries.members(item)
        found = [one for member in members for one in self._of_one(member)]
        return found if len(members) == 1 else sorted(found)

    def _of_one(self, item: str) -> list[Remarked]:
        every = self._every.get(item, ())
        return [one for one in every if self._stands(one.id, item, one.by)]

    def flag(self, item: str) -> Remarked | None:
        """Return the newest setting or removal of the flag of an item; None if there is none."""
        flags = [one for one in self.of(item) if one.text is None]
        return flags[-1] if flags else None

    def notes(self, item: str) -> list[Remarked]:
        """Return the note of each annotator about an item, oldest first."""
        newest = {one.by: one for one in self.of(item) if one.text is not None}
        return sorted(one for one in newest.values() if one.text)

    def is_in_effect(self, id_: str, item: str) -> bool:
        """Return whether an event about an item is the flag, or its annotator's note, now."""
        flag = self.flag(item)
        newest = {one.by: one.id for one in self.of(item) if one.text is not None}
        return (flag is not None and flag.id == id_) or id_ in newest.values()

    def standing(self, by: str) -> Iterator[Remarked]:
        """Yield what an annotator remarked and has not taken back."""
        return (one for item in self._every for one in self._of_one(item) if one.by == by)
