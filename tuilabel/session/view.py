"""A session that is read and not opened for labelling."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from tuilabel.journal.lines import Event
from tuilabel.journal.payloads import About, Answer, Begin, Bulk, Opened, Window, actual_name
from tuilabel.journal.reader import Problem, Reader
from tuilabel.session.labels import Labels


class Labelled(NamedTuple):
    """The label in effect for an item, as exports write it.

    Attributes
    ----------
    item : str
    references : sequence of str
        The item's names in the source when it was labelled.
    class_name : str
        Empty where annotators disagree.
    annotator, time, origin : str
        Of the newest answer that agrees with the label.
    round : int
    ms : int or None
    probability : float or None
        Of an auto-label.
    is_disputed : bool
    """

    item: str
    references: Sequence[str]
    class_name: str
    annotator: str
    time: str
    origin: str
    round: int = 0
    ms: int | None = None
    probability: float | None = None
    is_disputed: bool = False


class SessionView:
    """What a session's logs say.

    Parameters
    ----------
    path : Path

    Attributes
    ----------
    about : About
    events : list of Event
        In order.
    known : Labels
    source : str
        Where the source was found last.
    window : (float, float) or None
        The display window of images of more than 8 bits.
    opened : Opened or None
        The newest opening.

    Raises
    ------
    SessionFileError
        There is no session, or nothing of it can be read.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._reader = Reader(path)
        self.about: About = self._reader.about
        self.events: list[Event] = self._reader.read()
        self.known = Labels(self._reader.bulk_lines)
        for number, event in enumerate(self.events):
            self.known.apply(event, number)
        facts = SessionFacts(self.about, self.events)
        self.source, self.window, self.opened = facts.source, facts.window, facts.opened

    @property
    def problems(self) -> list[Problem]:
        """What is damaged or missing."""
        return self._reader.problems

    def labelled(self) -> Iterator[Labelled]:
        """Yield the label in effect of each item, auto-labels last."""
        name = self.known.classes.name
        for item, standing in self.known.items():
            if standing.class_id is None and not standing.is_disputed:
                continue  # a skip
            event = self.events[standing.given.number]
            answer = event.payload
            assert isinstance(answer, Answer)
            yield Labelled(
                item,
                answer.references,
                name(standing.class_id) if standing.class_id else "",
                event.by,
                event.at,
                answer.origin,
                answer.round,
                answer.ms,
                None,
                standing.is_disputed,
            )
        batches = {batch.event.id: batch.event for batch in self.known.auto_batches()}
        for id_, line in self.known.auto_labels():
            event = batches[id_]
            bulk = event.payload
            assert isinstance(bulk, Bulk)
            yield Labelled(
                line.item,
                line.references,
                name(line.class_id),
                event.by,
                event.at,
                bulk.origin,
                bulk.round,
                None,
                line.probability,
            )

    def newest(self) -> Iterable[Event]:
        """Yield the answers that stand, the newest first."""
        for event in reversed(self.events):
            if isinstance(event.payload, Answer):
                own = self.known.own(event.payload.item, event.by)
                if own is not None and own.id == event.id:
                    yield event


class SessionFacts:
    """What the newest events say about a session's source and settings."""

    def __init__(self, about: About, events: Sequence[Event]) -> None:
        self.source = about.source
        self.window: tuple[float, float] | None = None
        self.opened: Opened | None = None
        for event in events:
            match event.payload:
                case Begin(source=source):
                    self.source = actual_name(source)
                case Window(low=low, high=high):
                    self.window = low, high
                case Opened() as opened:
                    self.opened = opened
