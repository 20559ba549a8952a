"""What everybody said about items: a fold over the events of all logs.

The order in which events arrive makes no difference: the state after any sequence is that of the
events in the order of their counters, each taken once. So a log that arrives late changes only what
its events are about.
"""

from __future__ import annotations

from bisect import insort
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from itertools import combinations, compress
from operator import itemgetter
from typing import Any, NamedTuple

from tuilabel.events.lines import Event, order_of
from tuilabel.events.payloads import (
    IMPORT,
    LATER,
    SUGGESTED,
    Answer,
    Batch,
    Bulk,
    BulkLine,
    Carried,
    DecidedSet,
    Fitted,
    Label,
    LabelSet,
    Payload,
    Remark,
    Settled,
    SpotCheck,
    Suggestion,
    Undo,
)
from tuilabel.learn.requests import is_hunted
from tuilabel.session import class_sets
from tuilabel.session.answers import AS_IMPORT, Answers, Given, kind_of
from tuilabel.session.bulk_files import BulkFiles, is_of_source
from tuilabel.session.carries import Carries
from tuilabel.session.class_sets import decoded, is_set, names_class, said
from tuilabel.session.classes import CLASS_EVENTS, Classes
from tuilabel.session.hierarchy import agree, agrees, settled
from tuilabel.session.remarks import Remarks

_MANY, _MANY_OF_CLASSES = 32, 1000
"""Answers and decisions about one item, and events about classes: more are rare."""

Imported = dict[tuple[str, str], BulkLine]
"""The lines of an import by item and annotator."""


class Decision(NamedTuple):
    """What settles the disputes about an item.

    Attributes
    ----------
    t, id : int, str
        Their order is that of the events.
    number : int
        The place of its event among those read, from 0.
    by, class_id : str
    """

    t: int
    id: str
    number: int
    by: str
    class_id: str


class Standing(NamedTuple):
    """What counts for an item.

    Attributes
    ----------
    given : Given
        The newest answer that agrees with it, of the highest rank of these; of a tie, the newest
        answer.
    class_id : str or None
        None for a skip or a tie. In a session of several classes, those that are not tied.
    is_disputed : bool
        Whether as many annotators say one class as another, or as many a class as not.
    audit : bool
    """

    given: Given
    class_id: str | None
    is_disputed: bool
    audit: bool


class AutoBatch(NamedTuple):
    """Auto-labels that were written together and are taken back together.

    Attributes
    ----------
    event : Event
        Its payload is a `Bulk`.
    held : int
        Number of its labels in effect: nobody has answered the item, and no later batch has
        labelled it again.
    """

    event: Event
    held: int


class _Later(NamedTuple):
    """What is put off while a session is read: see `Labels.reading`."""

    items: dict[str, None]
    remarked: dict[str, None]
    of_classes: list[Event]


class Labels:
    """The answers in effect, the classes and the auto-labels after a set of events.

    Parameters
    ----------
    bulk_lines : callable
        Returns the lines of a bulk file.
    multi : bool
        Whether an item may have several classes. Then each class is resolved by itself, every class
        id of an answer is a set (see `class_sets`), and an item is disputed if any class is tied.

    Attributes
    ----------
    files : BulkFiles
    classes : Classes
    carries : Carries
        Which items count as one. Whatever is asked about any of them is answered for all; the
        mappings below have the last one alone.
    training, audit : dict of str to str
        Class ids by item: those to train on and those to measure on. Maintained with each event, so
        that a fit costs no pass over the answers.
    disputed : dict of str to Standing
        Items about which annotators disagree, and nothing is decided.
    labels_held, skips_held : int
        Number of items with a label in effect, and with a skip. A tie is neither.
    skipped : Counter of str
        Number of skipped items by the reason of the newest skip; empty where there is none.
    postponed : set of str
        Those whose newest skip is for later.
    unmeasured : set of str
        Items of the audit set that only imports have labelled: neither trained on nor measured.
    remarks : Remarks
        Flags and notes.
    doubts : dict of str to float
        The probability of the imported suggestion about an item, if it has one; 0 where two imports
        suggest different classes. Read by `read_bulk`, and not changed but replaced.
    by_class : Counter of str
        Number of labelled items by class id.
    by_annotator : Counter of str
        Number of answers that agree with the label in effect, by annotator; `bird` agrees with
        `bird/owl`.
    groups : dict of str to str
        The group of each item that was answered as a frame of one, by the stored name of its first
        file; see `group` for items that count as one.
    frames_by_group : Counter of str
        Number of items with a label in effect, by group.
    fits : list of Event
        Their payloads are `Fitted`, in order.
    checks : list of Event
        Their payloads are `SpotCheck`, in order.
    recounts : int
        Number of times that items were counted again, because classes were merged or came apart,
        or because answers were carried over.
    rejoined : collection of str
        The items that the last carrying over, or its undo, was about.
    """

    def __init__(
        self, bulk_lines: Callable[[Bulk], Sequence[BulkLine]], *, multi: bool = False
    ) -> None:
        self.files = BulkFiles(bulk_lines)
        self._multi = multi
        self._answers = Answers()
        # Rows of them. Most items have one answer: a list for each would double the memory.
        self._given: dict[str, int | list[int]] = {}
        self._counted = 0
        self.carries = Carries()
        self.rejoined: Collection[str] = ()
        self._joins_later = self._is_behind = False
        self._taken_back: dict[tuple[str, str], set[str]] = {}
        self._undone: set[str] = set()
        self._asked_again: set[str] = set()
        self._kept_for_later: dict[str, tuple[str, ...]] = {}
        self._decided: dict[str, list[Decision]] = {}
        self._answers_to: Counter[str] = Counter()
        self._bulk: dict[str, Event] = {}
        self._imports: dict[str, Imported] = {}
        self._auto: dict[str, tuple[str, BulkLine]] = {}
        self._suggested: dict[str, dict[tuple[int, str], Suggestion]] = {}
        self._suggested_in_bulk: dict[str, tuple[tuple[int, str], Suggestion]] = {}
        self.doubts: dict[str, float] = {}
        self.classes = Classes(lambda class_id: self._answers_to[class_id] > 0)
        self._hunted: dict[str, tuple[int, str, str]] = {}
        self.training: dict[str, str] = {}
        self.audit: dict[str, str] = {}
        self.disputed: dict[str, Standing] = {}
        self.labels_held = 0
        self.skips_held = 0
        self.skipped: Counter[str] = Counter()
        self.postponed: set[str] = set()
        self.unmeasured: set[str] = set()
        self.remarks = Remarks(self._stands, self.carries)
        self.by_class: Counter[str] = Counter()
        self.by_annotator: Counter[str] = Counter()
        self.groups: dict[str, str] = {}
        self.frames_by_group: Counter[str] = Counter()
        self._frames_held = 0
        self._auto_held = 0
        self._bulk_is_read = True
        self.fits: list[Event] = []
        self.checks: list[Event] = []
        self.recounts = 0
        self._later: _Later | None = None
        # Of the last item that had many answers: a search asks for each of its events.
        self._own_of_many: dict[str, list[Given]] = {}

    def hunted(self) -> Iterator[tuple[str, str]]:
        """Yield the items to train on that were explored or sought, each with why it was asked.

        In the order of their labels.
        """
        for item, (*_, reason) in sorted(self._hunted.items(), key=itemgetter(1)):
            if item in self.training:
                yield item, reason

    # Applying events.

    @contextmanager
    def reading(self) -> Iterator[None]:
        """Put off, until all events are applied, what each of many events about one thing repeats.

        A log may have a hundred thousand answers about one item. Nothing is asked meanwhile.
        """
        later = self._later = _Later({}, {}, [])
        with self.joining():
            yield
        self._change_classes(*later.of_classes)
        for item in later.items:
            self._count(item, +1)
        for item in later.remarked:
            self.remarks.follow(item)
        self._later = None
        self.classes.answers_changed()

    @contextmanager
    def joining(self) -> Iterator[None]:
        """Put off, until some events are applied, which items count as one after each of them."""
        self._joins_later = True
        try:
            yield
        finally:
            self._joins_later = False
            if self._is_behind:
                self._carry()

    def apply(self, event: Event, number: int) -> None:
        """Apply an event that was not applied before.

        Parameters
        ----------
        event : Event
        number : int
            Its place among the events that were read.
        """
        self.extend([event], number)
        self.count_added()

    def extend(self, events: Sequence[Event], first: int) -> None:
        """Apply events that were not applied before; `count_added` has to follow.

        Most events are the first labels of their items. These are counted together.

        Parameters
        ----------
        events : sequence of Event
        first : int
            The place of the first one among the events that were read.
        """
        self._own_of_many = {}
        given, rows = self._given, len(self._answers)
        added: list[Event] = []
        labels: list[Label] = []
        numbers: list[int] = []
        may_be_limited = self._may_be_limited
        for number, event in enumerate(events, first):
            payload = event.payload
            if isinstance(payload, Label) and not (self._multi or payload.group or payload.frames):
                item = payload.item
                if is_hunted(payload.reason):
                    self._hunted[item] = event.t, event.id, payload.reason
                if item not in given and not (may_be_limited and self._is_limited(event.id, item)):
                    given[item] = rows
                    rows += 1
                    added.append(event)
                    labels.append(payload)
                    numbers.append(number)
                    continue
            elif isinstance(payload, Batch) and not any(asked.again for asked in payload.items):
                continue
            self._answers.extend(added, labels, numbers)
            self.count_added()
            self._apply(event, number)
            self._counted = rows = len(self._answers)
            added, labels, numbers = [], [], []
            may_be_limited = self._may_be_limited
        self._answers.extend(added, labels, numbers)

    @property
    def _may_be_limited(self) -> bool:
        return bool(self._decided or self._taken_back or self.carries)

    def _is_limited(self, id_: str, item: str) -> bool:
        """Return whether what an answer counts for depends on an event that arrived before it."""
        is_limited = item in self._decided or (id_, item) in self._taken_back
        return is_limited or item in self.carries

    def count_added(self) -> None:
        """Count the first labels of items: quicker than `_count`, with the same result."""
        items, kinds = self._answers.since(self._counted)
        self._counted += len(items)
        if self._auto:
            self._auto_held -= len(self._auto.keys() & items)
        training: dict[int, str] = {}
        audit: dict[int, str] = {}
        for number, times in Counter(kinds).items():
            by, rank, class_id, is_audit, _ = self._answers.kind(number)
            assert class_id is not None
            self._name_class(class_id, times)
            class_id = self.classes.resolved(class_id)
            self.labels_held += times
            self.by_class[class_id] += times
            self.by_annotator[by] += times
            if not is_audit:
                training[number] = class_id
            elif rank < AS_IMPORT:
                audit[number] = class_id
            else:
                self.unmeasured.update(compress(items, [kind == number for kind in kinds]))
        for part, classes in ((self.training, training), (self.audit, audit)):
            if classes:
                for item, kind in zip(items, kinds, strict=True):
                    if kind in classes:
                        part[item] = classes[kind]

    def _apply(self, event: Event, number: int) -> None:
        payload = event.payload
        if isinstance(payload, LabelSet | DecidedSet) and not self._multi:
            return  # of a session of another kind
        if isinstance(payload, Answer):
            if is_hunted(payload.reason):
                self._hunted[payload.item] = event.t, event.id, payload.reason
            kind = kind_of(event)
            if self._multi:
                kind = (*kind[:2], self._said(payload), *kind[3:])
            if kind[-1] == LATER:
                self._kept_for_later[event.id] = payload.items
            for item in payload.items if payload.frames else (payload.item,):
                if payload.group:
                    self._join(item, payload.group)
                row, end = self._answers.add(event, number, item, kind), self.carries.end(item)
                self._change(end, partial(self._keep, end, row))
        elif isinstance(payload, Undo):
            if payload.item is not None:
                for item in payload.items:
                    by = self._taken_back.setdefault((payload.event, item), set())
                    self._change(self.carries.end(item), partial(by.add, event.by))
                    self._follow(item)
                return
            items = self._ends(self.imported_items(payload.event))
            self._change_all(items, partial(self._undone.add, payload.event))
            if payload.event in self._bulk and payload.event not in self._imports:
                self._bulk_changed()
            if self.carries.has(payload.event):
                self._carry()
            self._take_class_event(event)
        elif isinstance(payload, Settled):
            settles = self._said(payload) or ""
            decision = Decision(event.t, event.id, number, event.by, settles)
            for item in payload.items:
                decisions = self._decided.setdefault(item, [])
                self._change(self.carries.end(item), partial(insort, decisions, decision))
        elif isinstance(payload, Batch):
            for asked in payload.items:
                for id_ in asked.again:
                    items = self._ends(self.kept_for_later(id_))
                    self._change_all(items, partial(self._asked_again.add, id_))
        elif isinstance(payload, Carried):
            self.carries.add(event)
            self._carry()
        elif isinstance(payload, Remark):
            self.remarks.add(event, number)
            self._follow(payload.item)
        elif isinstance(payload, Suggestion):
            self._suggested.setdefault(payload.item, {})[event.t, event.id] = payload
        elif isinstance(payload, Fitted):
            insort(self.fits, event, key=order_of)
        elif isinstance(payload, SpotCheck):
            insort(self.checks, event, key=order_of)
        elif isinstance(payload, Bulk):
            self._bulk[event.id] = event
            if payload.origin == IMPORT:
                self._import(event, number)
            else:
                self._bulk_changed()
        elif isinstance(payload, CLASS_EVENTS):
            self._take_class_event(event)

    def _said(self, payload: Payload | BulkLine) -> str | None:
        """Return the class of an answer or a decision, or its set; None for a skip."""
        found = said(payload)
        return (
            class_sets.coded([found])
            if found is not None and self._multi and not is_set(found)
            else found
        )

    def _join(self, item: str, group: str) -> None:
        """Note the group of an item; of several, the first of them by name."""
        before, end = self.groups.get(item), self.carries.end(item)
        if end not in self._given:
            self.groups[item] = group if before is None else min(before, group)
        elif before is None or group < before:
            self._change(end, partial(self.groups.__setitem__, item, group))

    def group(self, item: str) -> str | None:
        """Return the group of an item; None if it was not answered as a frame of one."""
        if item not in self.carries:
            return self.groups.get(item)
        found = (self.groups.get(one) for one in self.carries.members(item))
        return min((group for group in found if group is not None), default=None)

    def _count_in_group(self, item: str, step: int) -> None:
        """Count a labelled item as a frame of its group."""
        if self.groups and (group := self.group(item)) is not None:
            _add(self.frames_by_group, group, step)
            self._frames_held += step

    def _import(self, event: Event, number: int) -> None:
        """Apply an import: each line is an answer of the annotator that it names."""
        lines: Imported = {}
        for line in self.files.take(event):
            if self._multi or line.class_ids is None:  # else of a session of another kind
                lines.setdefault((line.item, line.by or event.by), line)
        self._imports[event.id] = lines

        def keep() -> None:
            for (item, by), line in lines.items():
                kind = (by, AS_IMPORT, self._said(line), line.audit, "")
                row = self._answers.add(event, number, item, kind)
                self._keep(self.carries.end(item), row)

        self._change_all(self._ends(self.imported_items(event.id)), keep)

    def _keep(self, item: str, row: int) -> None:
        before = self._given.get(item)
        if before is None:
            self._given[item] = row
        elif isinstance(before, int):
            self._given[item] = sorted((before, row), key=self._answers.order_in_item)
        else:
            insort(before, row, key=self._answers.order_in_item)

    def _ends(self, items: Collection[str]) -> Collection[str]:
        """Return the items that answers about some count for, each once."""
        return dict.fromkeys(map(self.carries.end, items)) if self.carries else items

    def _carry(self) -> None:
        """Move answers to the items that they count for now."""
        self._is_behind = self._joins_later
        if self._joins_later:
            return
        carries = self.carries
        ends = carries.ends(self._undone)
        moved = carries.differing(ends)
        if not moved:
            return
        both = {carries.end(item) for item in moved} | {ends.get(item, item) for item in moved}
        items = sorted(moved | both)

        def move() -> None:
            given = [self._given.pop(item, ()) for item in items]
            carries.use(ends)
            for rows in given:
                for row in (rows,) if isinstance(rows, int) else rows:
                    self._keep(carries.end(self._answers.item(row)), row)

        self._change_all(items, move)
        for item in items:
            self._follow(item)
        self.recounts += 1
        self.rejoined = items

    def _change(self, item: str, change: Callable[[], object]) -> None:
        """Make a change that concerns one item, and count what holds before and after."""
        self._change_all((item,), change)

    def _change_all(self, items: Collection[str], change: Callable[[], object]) -> None:
        """Make a change that concerns several items, as `_change` does."""
        later = {} if self._later is None else self._later.items
        for item in items:
            if item not in later:
                self._count(item, -1)
                if self._later is not None and self._has_many(item):
                    later[item] = None
        change()
        self._own_of_many = {}
        for item in items:
            if item not in later:
                self._count(item, +1)

    def _has_many(self, item: str) -> bool:
        rows = self._given.get(item, 0)
        many = 0 if isinstance(rows, int) else len(rows)
        return many + len(self._decided.get(item, ())) > _MANY

    def _follow(self, item: str) -> None:
        if self._later is None:
            self.remarks.follow(item)
        else:
            self._later.remarked[item] = None

    def _count(self, item: str, step: int) -> None:
        if self.carries.end(item) != item:
            return  # it is counted with another one
        own = self._own(item)
        for given in own:
            for class_id in () if given.class_id is None else self._chosen(given.class_id):
                self._name_class(class_id, step)
        standing = self._standing(item, own)
        if standing is None:
            if self._auto:
                members = self.carries.members(item)
                self._auto_held += step * sum(one in self._auto for one in members)
            return
        if standing.is_disputed:
            _set(self.disputed, item, standing, step)
            if self._multi:
                self._count_for_fits(item, standing, own, step)
        elif standing.class_id is None:
            self._count_skip(item, standing.given.why, step)
        else:
            self.labels_held += step
            self._count_in_group(item, step)
            for class_id in self._chosen(standing.class_id):
                _add(self.by_class, class_id, step)
            for given in own:
                if given.class_id is not None and self.agrees(given.class_id, standing.class_id):
                    _add(self.by_annotator, given.by, step)
            self._count_for_fits(item, standing, own, step)

    def _chosen(self, class_id: str) -> Collection[str]:
        """Return the class that an answer names, or those of its set."""
        return decoded(class_id).chosen if self._multi else (class_id,)

    def _count_skip(self, item: str, why: str, step: int) -> None:
        self.skips_held += step
        _add(self.skipped, why, step)
        if why == LATER:
            (self.postponed.add if step > 0 else self.postponed.discard)(item)

    def _name_class(self, class_id: str, step: int) -> None:
        """Count the answers to a class: one that was undone stays while there are any."""
        before = self._answers_to[class_id]
        self._answers_to[class_id] += step
        if self._later is not None or not self.classes.depends_on(class_id):
            return
        if 0 in (before, before + step):
            self.classes.answers_changed()

    def _count_for_fits(
        self, item: str, standing: Standing, own: Sequence[Given], step: int
    ) -> None:
        if not standing.audit:
            _set(self.training, item, standing.class_id, step)
        elif any(given.rank < AS_IMPORT and given.class_id is not None for given in own):
            _set(self.audit, item, standing.class_id, step)
        elif all(given.rank >= AS_IMPORT for given in own):
            (self.unmeasured.add if step > 0 else self.unmeasured.discard)(item)

    def _take_class_event(self, event: Event) -> None:
        if self._later is None or self.classes.changes < _MANY_OF_CLASSES:
            self._change_classes(event)
        else:
            self._later.of_classes.append(event)

    def _change_classes(self, *events: Event) -> None:
        """Apply events about classes, and count the items again whose answers they move."""
        classes = self.classes
        if not self._given:  # nothing is to be counted again, and no class need be looked at
            self.recounts += classes.apply(*events)
            return
        before, above_before = classes.merged, classes.above
        classes.apply(*events)
        now, above = classes.merged, classes.above
        if (before, above_before) == (now, above):
            return
        self.recounts += 1
        moved = {id_ for id_ in {*above_before, *above} if above_before.get(id_) != above.get(id_)}
        moved |= {
            id_
            for id_ in {*before, *now}
            if classes.resolved(id_, before) != classes.resolved(id_)
            or classes.resolved(id_) in moved
        }
        about = self._answers.about(moved)
        for item, decisions in self._decided.items():
            if any(names_class(decision.class_id, moved) for decision in decisions):
                about.setdefault(item)
        items = self._ends(about)
        classes.merged, classes.above = before, above_before

        def change() -> None:
            classes.merged, classes.above = now, above
            classes.answers_changed()

        self._change_all(items, change)

    def _bulk_changed(self) -> None:
        # Files may be large: they are read when somebody asks, and not for each event about one.
        self._auto, self._suggested_in_bulk = {}, {}
        self._bulk_is_read = False

    def read_ahead(self, events: Iterable[Event]) -> bool:
        """Read bulk files, in a thread that a disk may keep; return whether any was read.

        Parameters
        ----------
        events : iterable of Event
            Events that will be applied. The files that came into effect before are read as well.
        """
        new = [event for event in events if isinstance(event.payload, Bulk)]
        if not self.files.read_ahead([*self._bulk_in_effect(), *new]):
            return False
        self._bulk_is_read = False
        return True

    def _bulk_in_effect(self) -> list[Event]:
        """Return the events that name files in effect, except imports, in order."""
        standing = [
            event
            for event in self.bulk_events()
            if event.id not in self._undone and event.id not in self._imports
        ]
        replaced = {
            id_
            for event in standing
            if isinstance(event.payload, Bulk)
            for id_ in event.payload.replaces
        }
        return [event for event in standing if event.id not in replaced]

    def annotators(self) -> set[str]:
        """Return who gave any answer, also one that was taken back."""
        return self._answers.annotators()

    def read_bulk(self) -> None:
        """Read the bulk files that were named since the last time: damage shows only then."""
        if self._bulk_is_read:
            return
        self._bulk_is_read = True
        self._auto, self._suggested_in_bulk = {}, {}
        doubts: dict[str, float] = {}
        in_effect = self._bulk_in_effect()
        self.files.forget(self._bulk.keys() - {event.id for event in in_effect})
        for event in in_effect:
            bulk = event.payload
            assert isinstance(bulk, Bulk)
            for line in self.files.lines(event):
                if bulk.origin == SUGGESTED:
                    if not is_of_source(bulk):
                        self._doubt(doubts, line)
                    self._suggested_in_bulk[line.item] = order_of(event), _suggestion(line, bulk)
                else:
                    self._auto[line.item] = event.id, line
        self.doubts = doubts
        self._auto_held = sum(1 for _ in self.auto_labels())

    def _doubt(self, doubts: dict[str, float], line: BulkLine) -> None:
        """Note how likely a suggestion is, and whether it contradicts an earlier one."""
        before = self._suggested_in_bulk.get(line.item)
        if before is not None:
            both = map(self.classes.resolved, (before[1].class_id, line.class_id))
            if not agree(list(both), self.classes.above):
                doubts[line.item] = 0.0
                return
        if line.probability is not None:
            doubts.setdefault(line.item, line.probability)

    @property
    def auto_labels_held(self) -> int:
        """The number of auto-labels in effect."""
        self.read_bulk()
        return self._auto_held

    # What counts.

    def _own(self, item: str) -> list[Given]:
        """Return the standing answer of each annotator, oldest first.

        An import never replaces what the annotator it names has answered.
        """
        item = self.carries.end(item)
        row = self._given.get(item)
        if isinstance(row, int):  # nearly every item
            given = self._answers[row]
            is_kept = given.why != LATER or given.id not in self._asked_again
            return [given] if is_kept and self._stands(given.id, given.item, given.by) else []
        if item in self._own_of_many:
            return self._own_of_many[item]
        own: dict[str, Given] = {}
        for given in self.every(item):
            if not self._stands(given.id, given.item, given.by):
                continue
            before = own.get(given.by)
            if before is None or given.rank <= before.rank:
                own.pop(given.by, None)
                # A skip that was for later until now has replaced what was answered before it.
                if given.why != LATER or given.id not in self._asked_again:
                    own[given.by] = given
        found = list(own.values())
        if self._has_many(item):
            self._own_of_many = {item: found}
        return found

    def _stands(self, id_: str, item: str, by: str) -> bool:
        """Return whether an annotator has not taken an event about an item back.

        An import is taken back as a whole, by anybody.
        """
        if id_ in self._imports:
            return id_ not in self._undone
        return by not in self._taken_back.get((id_, item), ())

    def _standing(self, item: str, own: Sequence[Given]) -> Standing | None:
        if not own:
            return None
        if len(own) == 1 and not self._multi and not self._decided:  # nearly every item
            (given,) = own
            id_ = given.class_id
            label = None if id_ is None else self.classes.resolved(id_)
            return Standing(given, label, False, given.audit)
        audit = any(given.audit for given in own)
        labels = [given for given in own if given.class_id is not None]
        if not labels:
            return Standing(own[-1], None, False, audit)
        if self._multi:
            return self._of_sets(item, labels, audit)
        decided = self.decision(item)
        if decided is not None:
            winner: str | None = self.classes.resolved(decided.class_id)
        else:
            votes = [given.class_id or "" for given in _of_highest_rank(labels)]
            winner = settled(list(map(self.classes.resolved, votes)), self.classes.above)
        if winner is None:
            return Standing(labels[-1], None, True, audit)
        agreeing = [
            given
            for given in labels
            if given.class_id is not None and self.classes.resolved(given.class_id) == winner
        ]
        return Standing((_of_highest_rank(agreeing) or labels)[-1], winner, False, audit)

    def _of_sets(self, item: str, labels: Sequence[Given], audit: bool) -> Standing:
        """Return what counts for an item that may have several classes."""
        resolved, decided = self.classes.resolved, self.decision(item)
        votes = [(given.rank, resolved(given.class_id or "")) for given in labels]
        if decided is not None:
            votes = [(0, resolved(decided.class_id))]
        found, is_tied = class_sets.settled(votes, self.classes.above)
        if is_tied:
            return Standing(labels[-1], found, True, audit)
        agreeing = [given for given in labels if self.agrees(given.class_id or "", found)]
        return Standing((_of_highest_rank(agreeing) or labels)[-1], found, False, audit)

    def agrees(self, class_id: str, label: str) -> bool:
        """Return whether an answer agrees with the label in effect, perhaps less specifically."""
        found = self.classes.resolved(class_id)
        if self._multi:
            return not class_sets.contradict(found, label, self.classes.above)
        return agrees(found, label, self.classes.above)

    def agree(self, votes: Sequence[Given]) -> bool:
        """Return whether no vote about an item contradicts another."""
        above = self.classes.above
        found = [self.classes.resolved(vote.class_id or "") for vote in votes]
        if self._multi:
            return not any(class_sets.contradict(*pair, above) for pair in combinations(found, 2))
        return agree(found, above)

    def decision(self, item: str) -> Decision | None:
        """Return the decision in effect for an item; None if there is none."""
        if item not in self.carries:
            return self._decision(item)
        found = map(self._decision, self.carries.members(item))
        return max((one for one in found if one is not None), default=None)

    def _decision(self, item: str) -> Decision | None:
        for decision in reversed(self._decided.get(item, ())):
            if not self._taken_back.get((decision.id, item)):
                return decision
        return None

    def votes(self, item: str) -> list[Given]:
        """Return the labels of the highest rank that stand for an item, oldest first."""
        return _of_highest_rank([given for given in self._own(item) if given.class_id is not None])

    def several(self) -> Iterator[list[Given]]:
        """Yield the votes about each item that several annotators of that rank have labelled.

        Of a group, it is the first such item.
        """
        seen: set[str] = set()
        for item in sorted(item for item, rows in self._given.items() if not isinstance(rows, int)):
            if len(votes := self.votes(item)) > 1:
                unit = self.unit(item)
                if unit not in seen:
                    seen.add(unit)
                    yield votes

    def unit(self, item: str) -> str:
        """Return what an item counts as in numbers of labels: its group, or else itself."""
        group = self.group(item)
        return item if group is None else f"/{group}"

    @property
    def labels_counted(self) -> int:
        """The number of items with a label, in which a group counts once."""
        return self.labels_held - self._frames_held + len(self.frames_by_group)

    @property
    def disputes(self) -> dict[str, Standing]:
        """The first disputed item of each group, and those in no group."""
        units: dict[str, str] = {}
        for item in self.disputed:
            unit = self.unit(item)
            units[unit] = min(item, units.get(unit, item))
        return {item: self.disputed[item] for item in units.values()}

    def tied_alike(self, item: str) -> tuple[str, ...]:
        """Return the other items of its group with the same votes, or the same decision."""
        group = self.group(item)
        if group is None:
            return ()
        decision = self.decision(item)
        votes = {(vote.by, vote.class_id) for vote in self.votes(item)}
        frames = self._ends([one for one, of in self.groups.items() if of == group])
        others = (one for one in frames if one != self.carries.end(item))
        if decision is not None:
            return tuple(one for one in others if self.decision(one) == decision)
        return tuple(
            one
            for one in others
            if one in self.disputed
            and {(vote.by, vote.class_id) for vote in self.votes(one)} == votes
        )

    @property
    def audit_disputes(self) -> int:
        """The number of disputed items of the audit set, in which a group counts once."""
        return len({self.unit(item) for item, found in self.disputed.items() if found.audit})

    def newest_carried(self) -> Event | None:
        """Return the newest event that carries answers over; None if there is none."""
        return self.carries.newest(self._undone)

    def is_undone(self, id_: str) -> bool:
        """Return whether a class event, a bulk file or a carrying over was taken back."""
        return id_ in self._undone

    @property
    def trains_on_imports(self) -> bool:
        """Whether there is something to train on, and an import that was not taken back."""
        return bool(self.training) and not self._imports.keys() <= self._undone

    def imported_items(self, id_: str) -> Collection[str]:
        """Return the items that an import has labelled; none for any other event."""
        return dict.fromkeys(item for item, _ in self._imports.get(id_, ()))

    def imported(self, given: Given) -> BulkLine | None:
        """Return the line with an imported answer; None for any other answer."""
        return self._imports.get(given.id, {}).get((given.item, given.by))

    def standing(self, item: str) -> Standing | None:
        """Return what counts for an item; None if it has no answer."""
        return self._standing(item, self._own(item))

    def answers(self, item: str) -> list[Given]:
        """Return the standing answer of each annotator about an item, oldest first."""
        return self._own(item)

    def every(self, item: str) -> Sequence[Given]:
        """Return every answer about an item, in order, also those that no longer stand."""
        rows = self._given.get(self.carries.end(item), ())
        return [self._answers[row] for row in ((rows,) if isinstance(rows, int) else rows)]

    def find(self, id_: str, item: str) -> Given | Decision | None:
        """Return the answer or the decision of an event about an item, also if it was undone."""
        both = (*self.every(item), *self._decided.get(item, ()))
        return next((one for one in both if one.id == id_), None)

    def stands(self, given: Given) -> bool:
        """Return whether an answer was not taken back; a later one may have replaced it."""
        return self._stands(given.id, given.item, given.by)

    def kept_for_later(self, id_: str) -> Sequence[str]:
        """Return the items that a skip for later was about, by its id; none if it is unknown."""
        return self._kept_for_later.get(id_, ())

    def own(self, item: str, by: str) -> Given | None:
        """Return the standing answer of one annotator about an item; None if there is none."""
        return next((given for given in self._own(item) if given.by == by), None)

    def answered(self) -> Iterator[str]:
        """Yield every item that need not be asked, in the order of arrival."""
        some_ended = self._taken_back or self._asked_again or self._undone or self.unmeasured
        return filter(self.is_answered, self._given) if some_ended else iter(self._given)

    def newest(self, by: str | None = None) -> Iterator[Given]:
        """Yield the answers that stand, the newest first.

        Imported answers are left out, which have no event of their own.

        Parameters
        ----------
        by : str, optional
            Whose answers; by default everybody's.
        """
        last = -1
        for row in self._answers.newest():
            given = self._answers[row]
            if (by is None or given.by == by) and given.id not in self._imports:
                own = self.own(self._answers.item(row), given.by)
                if own is not None and own.id == given.id:
                    # An answer about a group has a row for each frame.
                    if given.number != last:
                        yield given
                    last = given.number

    def newest_of_class(self, class_id: str) -> Iterator[str]:
        """Yield the items with a class in effect, the newest label first; no file is read."""
        for row in self._answers.newest():
            item = self.carries.end(self._answers.item(row))
            standing = self.standing(item)
            if standing is None or standing.class_id is None:
                continue
            if class_id not in self._chosen(standing.class_id):
                continue
            if standing.given == self._answers[row]:
                yield item

    def is_answered(self, item: str) -> bool:
        """Return whether an item need not be asked: anybody's label or skip stands for it.

        An imported label is not enough in the audit set, since nothing is measured on it.
        """
        return self._has_answer(item) and self.carries.end(item) not in self.unmeasured

    def _has_answer(self, item: str) -> bool:
        rows = self._given.get(self.carries.end(item))
        if rows is None or not (self._taken_back or self._asked_again or self._undone):
            return rows is not None
        return bool(self._own(item))

    def without_example(self) -> list[str]:
        """Return the names of the classes that can be chosen and have no label yet."""
        return [info.name for info in self.classes if not self.by_class[info.id]]

    def items(self) -> Iterator[tuple[str, Standing]]:
        """Yield every item with an answer, and what counts for it, in the order of arrival."""
        for item in self._given:
            standing = self.standing(item)
            if standing is not None:
                yield item, standing

    def auto_label(self, item: str) -> BulkLine | None:
        """Return the auto-label in effect for an item; None if there is none."""
        self.read_bulk()
        found = None if self._has_answer(item) else self._auto.get(item)
        return None if found is None else found[1]

    def auto_labels(self) -> Iterator[tuple[str, BulkLine]]:
        """Yield the auto-labels in effect, each with the id of the event that names its file."""
        self.read_bulk()
        return (found for item, found in self._auto.items() if not self._has_answer(item))

    def decisions(self) -> Iterator[Decision]:
        """Yield the decision in effect for each item that has one."""
        items = self._ends(self._decided)
        return (one for item in items if (one := self.decision(item)) is not None)

    def suggestion(self, item: str) -> Suggestion | None:
        """Return the newest suggestion about an item that was not taken back, if there is one."""
        self.read_bulk()
        found = {
            key: suggestion
            for key, suggestion in self._suggested.get(item, {}).items()
            if (key[1], item) not in self._taken_back
        }
        if item in self._suggested_in_bulk:
            key, suggestion = self._suggested_in_bulk[item]
            found[key] = suggestion
        return found[max(found)] if found else None

    def bulk_events(self) -> list[Event]:
        """Return every event that names a bulk file, the oldest first."""
        return sorted(self._bulk.values(), key=order_of)

    def auto_batches(self) -> list[AutoBatch]:
        """Return the batches of auto-labels that were not taken back, the oldest first."""
        held = Counter(id_ for id_, _ in self.auto_labels())
        return [
            AutoBatch(event, held[event.id])
            for event in self.bulk_events()
            if event.id not in self._undone
            and isinstance(event.payload, Bulk)
            and event.payload.origin not in (IMPORT, SUGGESTED)
        ]


def _suggestion(line: BulkLine, bulk: Bulk) -> Suggestion:
    return Suggestion(
        item=line.item,
        class_id=line.class_id,
        probability=line.probability,
        origin=bulk.method or bulk.origin,
    )


def _of_highest_rank(labels: Sequence[Given]) -> list[Given]:
    rank = min((given.rank for given in labels), default=0)
    return [given for given in labels if given.rank == rank]


def _set(values: dict[str, Any], item: str, value: Any, step: int) -> None:
    if step > 0:
        values[item] = value
    else:
        values.pop(item, None)


def _add(counts: Counter[str], name: str, step: int) -> None:
    counts[name] += step
    if not counts[name]:
        del counts[name]
