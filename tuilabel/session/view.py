"""A session that is read and not opened for labelling."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from tuilabel.journal.lines import Event
from tuilabel.journal.payloads import About, Answer, Bulk, Opened
from tuilabel.journal.reader import Problem, Reader
from tuilabel.session.record import Record


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
    reader : Reader
    record : Record
    events : Events
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
        self.reader = Reader(path)
        self.about: About = self.reader.about
        self.record = Record.read(self.reader)
        self.events, self.known = self.record.events, self.record.known
        self.source, self.window = self.record.source, self.record.window
        opened = self.record.opened[-1].payload if self.record.opened else None
        self.opened = opened if isinstance(opened, Opened) else None

    @property
    def problems(self) -> list[Problem]:
        """What is damaged or missing."""
        return self.reader.problems

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

    def newest(self) -> Iterator[Event]:
        """Return the answers that stand, the newest first."""
        return map(self.events.__getitem__, self.known.newest())
