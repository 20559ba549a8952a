"""One desk: an annotator's batch, cursor and undo, as a fold over the desk's own events."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import NamedTuple

from tuilabel.events.lines import Event
from tuilabel.events.payloads import UNDONE, Answer, Asked, Batch, Remark, Settled, Undo


class OwnAnswer(NamedTuple):
    """A standing answer that was given at a desk, or a decision or a remark.

    Attributes
    ----------
    id, item, by, at : str
    is_out_of_turn : bool
        Whether it left the cursor where it was: all but an answer to what was asked.
    """

    id: str
    item: str
    by: str
    at: str
    is_out_of_turn: bool


class Desk:
    """What one annotator works on, carried from run to run.

    Parameters
    ----------
    is_answered : callable
        Returns whether anybody's answer stands for an item.
    is_there : callable
        Returns whether an item is in the source.
    unit : callable
        Returns what is equal for all items that are asked together.

    Attributes
    ----------
    round : int
        The number of the batch, from 1; 0 before the first.
    batch : list of Asked
    sought : str
        The class that the desk looks for; empty where the strategy orders.
    acts : int
        Number of times an annotator labelled, skipped, remarked, decided or undid here.
    """

    def __init__(
        self,
        is_answered: Callable[[str], bool],
        is_there: Callable[[str], bool],
        unit: Callable[[str], object],
    ) -> None:
        self._is_answered = is_answered
        self._is_there = is_there
        self._unit = unit
        self._closed: list[list[Asked]] = []
        self._given: dict[str, OwnAnswer] = {}
        self.round = 0
        self.batch: list[Asked] = []
        self.sought = ""
        self._cursor = 0
        self._is_behind = False
        self.acts = 0

    @property
    def cursor(self) -> int:
        """The place of the batch that is being asked; its length if every place has an answer."""
        if self._is_behind:
            self._advance()
        return self._cursor

    @cursor.setter
    def cursor(self, place: int) -> None:
        self._cursor, self._is_behind = place, False

    @property
    def current(self) -> Asked | None:
        """The place that is being asked; None if every place has an answer."""
        return self.batch[self.cursor] if self.cursor < len(self.batch) else None

    def newest_answers(self) -> Iterator[OwnAnswer]:
        """Yield the answers that were not taken back here, the newest first."""
        return reversed(self._given.values())

    def place_of(self, item: str) -> int | None:
        """Return the place of an item in the batch; None if it is not there."""
        unit = self._unit(item)
        places = enumerate(self.batch)
        return next((n for n, asked in places if self._unit(asked.item) == unit), None)

    def apply(self, event: Event) -> None:
        """Apply an event of this desk; those about all desks are applied to `Labels` before."""
        match event.payload:
            case Batch() as batch:
                self._take_batch(batch)
            case Answer() as answer:
                self.acts += 1
                self._keep(event, answer.item, answer.relabel)
                if not answer.relabel:
                    place = self.place_of(answer.item)
                    if place is not None:
                        self.cursor = place
                    self.advance()
            case Settled(item=item) | Remark(item=item):
                self.acts += 1
                self._keep(event, item, True)
            case Undo(item=str()) as undo:
                self.acts += 1
                undone = self._given.pop(undo.event, None)
                if undone is None:
                    self._bring_back(undo.item)
                elif not undone.is_out_of_turn:
                    self._return_to(undone.item)

    def _keep(self, event: Event, item: str, is_out_of_turn: bool) -> None:
        self._given[event.id] = OwnAnswer(event.id, item, event.by, event.at, is_out_of_turn)

    def _take_batch(self, batch: Batch) -> None:
        if batch.round != self.round:
            if self.batch:
                self._closed.append(self.batch)
            self.round = batch.round
            self.cursor = -1
        self.batch = [asked for asked in batch.items if self._is_there(asked.item)]
        self.sought = batch.sought
        if self.cursor < 0 or self.cursor >= len(self.batch):
            self.advance()

    def advance(self) -> None:
        """Go to the next place without an answer; to the end if there is none.

        The place is found when it is asked for: many events may come before that.
        """
        self._is_behind = True

    def _advance(self) -> None:
        self._is_behind = False
        count = len(self.batch)
        for step in range(1, count + 1):
            place = (self._cursor + step) % count
            if not self._is_answered(self.batch[place].item):
                self._cursor = place
                return
        self._cursor = count

    def _return_to(self, item: str) -> None:
        """Make the batch with an item the current one, and the item the one that is asked."""
        if self.place_of(item) is None:
            unit, batches = self._unit(item), range(len(self._closed) - 1, -1, -1)
            back = next((n for n in batches if unit in self._units(self._closed[n])), None)
            if back is None:
                # Its batch was replaced since, at a desk that two runs have continued.
                self._bring_back(item)
                return
            here = self._units(self._closed[back])
            later = (
                asked.item for batch in (*self._closed[back + 1 :], self.batch) for asked in batch
            )
            # What is here too was skipped for later, and asked again.
            if any(self._is_answered(item) for item in later if self._unit(item) not in here):
                # An old answer was taken back; what was answered since stays as it is.
                self._bring_back(item)
                return
            self.round -= len(self._closed) - back
            self.batch = self._closed[back]
            del self._closed[back:]
        place = self.place_of(item)
        assert place is not None
        self.cursor = place

    def _units(self, batch: list[Asked]) -> set[object]:
        return {self._unit(asked.item) for asked in batch}

    def _bring_back(self, item: str | None) -> None:
        """Ask for an item of another desk's batch, whose answer was taken back here."""
        if item is not None and self._is_there(item) and not self._is_answered(item):
            if self.place_of(item) is None:
                self.batch = [*self.batch, Asked(item, UNDONE)]
            self.cursor = self.place_of(item) or 0
