"""A session that is read and not opened for labelling."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from functools import cached_property, partial
from pathlib import Path
from typing import NamedTuple

from tuilabel.events.lines import Event
from tuilabel.events.payloads import HUMAN, About, Answer, Bulk, Opened, Remark, actual_name
from tuilabel.journal.reader import LIVE_SECONDS, Problem, Reader
from tuilabel.runs import Run, this_run
from tuilabel.session.annotators import Annotators, Seen
from tuilabel.session.answers import Given
from tuilabel.session.class_sets import coded, decoded, implied
from tuilabel.session.imported import answer_event
from tuilabel.session.labels import Standing
from tuilabel.session.record import Record


class Labelled(NamedTuple):
    """The label in effect for an item, as exports write it.

    Attributes
    ----------
    item : str
    references : sequence of str
        The item's names in the source when it was labelled.
    class_name : str
        Empty where annotators disagree, and for a skip.
    annotator, time, origin : str
        Of the newest answer that agrees with the label, else of the decision for it.
    round : int
    ms : int or None
    probability : float or None
        Of an auto-label.
    is_disputed : bool
    reason : str
        Why the item was asked, see `tuilabel.events.payloads.Asked`; empty for an auto-label.
    draw : float or None
        The probability with which it was drawn; None for a query.
    why : str
        The reason of a skip.
    is_flagged : bool
        Whether the item is flagged for a second opinion.
    note : str
        The notes about the item, or the annotator's own where this is one annotator's answer.
    is_imported : bool
        Whether it was given elsewhere: round, reason and draw are those of another session.
    group : str or None
        The first file of the group that the item is a frame of, empty where it is in none; None in
        a session without groups.
    several : tuple of str or None
        In a session of several classes, the names of those it has; None for a skip.
    unknown : tuple of str
        There, the names of the classes that can be chosen and that are not known for it.
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
    reason: str = ""
    draw: float | None = None
    why: str = ""
    is_flagged: bool = False
    note: str = ""
    is_imported: bool = False
    group: str | None = None
    several: tuple[str, ...] | None = None
    unknown: tuple[str, ...] = ()


class SessionView:
    """What a session's logs say.

    Parameters
    ----------
    path : Path
    note : callable, optional
        Called with the reader and each event as it is read for the first time.

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

    def __init__(self, path: Path, note: Callable[[Reader, Event], object] | None = None) -> None:
        self.path = path
        self.reader = Reader(path)
        self.about: About = self.reader.about
        noted = None if note is None else partial(note, self.reader)
        self.record = Record.read(self.reader, noted)
        self.events, self.known = self.record.events, self.record.known
        self.source, self.window = self.record.source, self.record.window
        opened = self.record.opened[-1].payload if self.record.opened else None
        self.opened = opened if isinstance(opened, Opened) else None

    def read_on(self) -> list[Event]:
        """Read what was appended since, into `known` and `events`; return it, in order."""
        events = self.reader.read()
        self.record.extend(events)
        return events

    @property
    def problems(self) -> list[Problem]:
        """What is damaged or missing."""
        self.known.read_bulk()
        return self.reader.problems

    def seen(self, now: datetime) -> dict[str, Seen]:
        """Return what is known of each annotator's work.

        Whether a run on this host goes on is certain. One on another host is taken to go on until
        its newest event is `LIVE_SECONDS` old.
        """

        def is_live(log: str, last: datetime | None) -> bool:
            found = self.reader.logs.get(log)
            if found is None or found.begin is None or self.reader.is_over(log):
                return False
            if Run.of(found.begin).host == this_run().host:
                return True
            return last is not None and abs((now - last).total_seconds()) < LIVE_SECONDS

        return self._annotators.seen(is_live)

    @cached_property
    def _annotators(self) -> Annotators:
        # Few callers need it, and opening a session is not to wait for it.
        annotators = Annotators()
        for event in self.events:
            annotators.apply(event)
        return annotators

    def annotators(self) -> list[str]:
        """Return everybody whose labels there may be, sorted; an import may name others."""
        return sorted(self._annotators.names() | self.known.annotators())

    def reference(self, item: str, number: int | None = None) -> str:
        """Return an item's name in the source; its id where it had none.

        Parameters
        ----------
        item : str
        number : int, optional
            The place of an answer or a remark about it among the events; by default that of the
            newest answer.
        """
        if number is None:
            newest = self.known.every(item)[-1]
            said = answer_event(self.events[newest.number], self.known, newest).payload
        else:
            said = self.events[number].payload
        assert isinstance(said, Answer | Remark)
        return next(iter(said.references), item)

    def labelled(self, *, all_answers: bool = False) -> Iterator[Labelled]:
        """Yield the label in effect of each item, auto-labels last.

        Parameters
        ----------
        all_answers : bool
            Yield instead of labels in effect the standing answer of each annotator, with skips.
        """
        if self.about.multi:
            yield from self._sets(all_answers)
            return
        name = self.known.classes.written_name
        for item, standing in self.known.items():
            if all_answers:
                notes = {note.by: note.text or "" for note in self.known.remarks.notes(item)}
                for given in self.known.answers(item):
                    class_name = "" if given.class_id is None else name(given.class_id)
                    label = self._labelled(item, given, class_name, standing.is_disputed)
                    yield label._replace(note=notes.get(given.by, ""))
            elif standing.is_disputed:
                yield self._labelled(item, standing.given, "", True)
            elif standing.class_id is not None:
                label = self._labelled(item, standing.given, name(standing.class_id), False)
                yield self._as_decided(label, standing)
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
                is_flagged=line.item in self.known.remarks.flagged,
                note=self._note(line.item),
                group=self._group(line.item),
            )

    def _sets(self, all_answers: bool) -> Iterator[Labelled]:
        """Yield the same for a session of several classes; a dispute has those not in dispute."""
        for item, standing in self.known.items():
            if not all_answers and standing.class_id is not None:
                label = self._labelled(item, standing.given, "", standing.is_disputed)
                yield self._as_decided(self._with_set(label, standing.class_id), standing)
            elif all_answers:
                notes = {note.by: note.text or "" for note in self.known.remarks.notes(item)}
                for given in self.known.answers(item):
                    label = self._labelled(item, given, "", standing.is_disputed)
                    label = label._replace(note=notes.get(given.by, ""))
                    label = self._with_set(label, given.class_id or coded([]))
                    yield label if given.class_id else label._replace(several=None)

    def _with_set(self, label: Labelled, class_id: str) -> Labelled:
        classes = self.known.classes
        found = implied(decoded(classes.resolved(class_id)), classes.above)
        open_ = [info.id for info in classes if info.id not in found.chosen | found.others]
        return label._replace(
            several=tuple(sorted(map(classes.written_name, found.chosen))),
            unknown=tuple(map(classes.written_name, open_)),
        )

    def _labelled(self, item: str, given: Given, class_name: str, is_disputed: bool) -> Labelled:
        event = answer_event(self.events[given.number], self.known, given)
        answer, line = event.payload, self.known.imported(given)
        assert isinstance(answer, Answer)
        return Labelled(
            item,
            answer.references,
            class_name,
            event.by,
            event.at,
            answer.origin if line is None else line.origin,
            answer.round,
            answer.ms,
            None if line is None else line.probability,
            is_disputed,
            answer.reason,
            answer.draw,
            given.why,
            item in self.known.remarks.flagged,
            self._note(item),
            line is not None,
            self._group(item),
        )

    def _group(self, item: str) -> str | None:
        return actual_name(self.known.group(item) or "") if self.known.groups else None

    def _note(self, item: str) -> str:
        """Return the notes about an item in one text."""
        if not self.known.remarks.noted:
            return ""
        notes = self.known.remarks.notes(item)
        if len(notes) == 1:
            return notes[0].text or ""
        return "; ".join(f"{note.by}: {note.text}" for note in notes)

    def _as_decided(self, label: Labelled, standing: Standing) -> Labelled:
        """Return a label as that of who decided for it, if nobody has answered with its class."""
        decision, given = self.known.decision(label.item), standing.given.class_id
        if decision is None or (given and self.known.classes.resolved(given) == standing.class_id):
            return label
        time = self.events[decision.number].at
        return label._replace(annotator=decision.by, time=time, origin=HUMAN, ms=None)

    def newest(self) -> Iterator[Event]:
        """Return the answers that stand, the newest first."""
        return (self.events[given.number] for given in self.known.newest())
