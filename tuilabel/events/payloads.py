"""The contents of events: one struct for each kind.

A reader passes over kinds and fields that it does not know, and over a known kind whose version is
newer than its own (`v`), so an older tuilabel opens the session of a newer one.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from contextlib import suppress
from typing import Annotated, ClassVar

from msgspec import Meta, Struct

HIGHEST_COUNT = 2**53
Count = Annotated[int, Meta(ge=0, le=HIGHEST_COUNT)]
Share = Annotated[float, Meta(ge=0, le=1)]
ClassIds = Annotated[tuple[str, ...], Meta(max_length=1000)]

HUMAN, ORACLE_ORIGIN, IMPORT, AUTO_ORIGIN = "human", "oracle", "import", "auto"
"""Where an answer comes from: a person, ground truth, another tool, or a model."""

SUGGESTED = "suggested"
"""The origin of a bulk file whose lines are suggestions, and no answers."""


UNSURE, UNUSABLE, LATER = "unsure", "unusable", "later"
"""Why an item is skipped: its class is unclear, nobody can tell from this image, or not now."""

ALIKE, AUDIT, CHECK, COLD_START, DOUBT, ORDER, RANDOM_SHARE, UNDONE = (
    "alike",
    "audit",
    "check",
    "cold start",
    "doubt",
    "order",
    "random share",
    "undone",
)
"""Why an item is asked, where it is not the strategy that chose it: also `LATER`. See `Asked`."""

LARGEST_BATCH = 1_000_000

LONGEST_NOTE = 500
"""Characters of a note."""


class Payload(Struct, frozen=True, omit_defaults=True, kw_only=True, gc=False):
    """The content of an event.

    Attributes
    ----------
    v : int
        The version of this kind of event.
    """

    version: ClassVar[int] = 1

    v: Count = 1


class About(Struct, frozen=True, omit_defaults=True, kw_only=True):
    """The description of a session, written once in `session.json`.

    Attributes
    ----------
    uuid : str
        Identity of the session.
    source : str
        Kind and name of the source, without an absolute path: ``digits``, ``folder photos``.
    seed : int
        The seed of every random choice of the session.
    audit : float
        The share of the pool, 0 to 1, that is kept out of training to measure accuracy on, if the
        source has no hold-out.
    pool, test : int or None
        Number of items used of each split; None for all.
    format : int
        Version of the files: 2 if `multi`, so that no older program labels with single classes.
    multi : bool
        Whether an item may have several classes, or none.
    """

    uuid: str
    source: str
    seed: Count = 0
    audit: Share = 0.1
    pool: Count | None = None
    test: Count | None = None
    format: Count = 1
    multi: bool = False


class Begin(Payload, frozen=True):
    """The first event of a log: whose run it is, and of which session.

    Attributes
    ----------
    about : About
    annotator, host : str
        The true names.
    boot, pid, started
        Identity of the process: the host's boot id, the process id, and the process's start time in
        clock ticks since the boot. Another process on the host can tell whether it still runs.
    program : str
        Version of tuilabel.
    source : str
        Where the source is on this host: the absolute path of a folder or file.
    adopted : tuple of str
        The sessions that had been adopted, see `Adopted`.
    """

    about: About
    annotator: str
    host: str
    boot: str
    pid: Count
    started: Count
    program: str
    source: str
    adopted: tuple[str, ...] = ()


class Opened(Payload, frozen=True):
    """A run took a desk: its own, or that of the same annotator's earlier run.

    Attributes
    ----------
    desk : str
        Identity of the desk: the id of the event that made it; empty in that event itself.
    settings : dict
        Settings in effect from now on: model, features, strategy, cold start, epsilon, batch size.
    items : int
        Number of items, with those that have an answer and are no longer in the source.
    origin : str
        `HUMAN`, or `ORACLE_ORIGIN` in a demo or a simulation.
    """

    settings: dict[str, str | int | float]
    items: Count
    desk: str = ""
    origin: str = HUMAN

    def __post_init__(self) -> None:
        size, epsilon = self.settings.get("batch_size", 1), self.settings.get("epsilon", 0)
        if not (isinstance(size, int) and 1 <= size <= LARGEST_BATCH):
            raise ValueError(f"the batch size {size!r} is not from 1 to {LARGEST_BATCH:,}")
        if isinstance(epsilon, str) or not 0 <= epsilon <= 1:
            raise ValueError(f"the share of random queries {epsilon!r} is not from 0 to 1")


class Asked(Struct, frozen=True, omit_defaults=True, gc=False):
    """One place of a batch.

    Attributes
    ----------
    item : str
    reason : str
        Why it is asked: `ALIKE` (somebody asked for images like another), `AUDIT`, `CHECK` (a
        `SpotCheck` has drawn it), `COLD_START`, `ORDER` (the order of the seed, while no ranking is
        there), `RANDOM_SHARE`, `UNDONE` (its answer was taken back at another desk), `LATER` (it
        was skipped for later, and nothing else is left), `explore`, or `seek` and a class id (see
        `tuilabel.learn.exploring`), or the name of the strategy.
    draw : float or None
        The probability with which it was drawn: for the audit set, for a check, or in its batch as
        one of the share of random queries. None for a query.
    probabilities : dict or None
        Probability by class id in the ranking; None before any model, and for audit items and
        checks, where a suggestion would bias the measurement. Classes with probability 0 are left
        out.
    again : tuple of str
        Ids of the skips for later that no longer count, because the item is asked again here.
    """

    item: str
    reason: str
    draw: Share | None = None
    probabilities: dict[str, Share] | None = None
    again: tuple[str, ...] = ()


class Batch(Payload, frozen=True):
    """What a desk asks from now on.

    Attributes
    ----------
    round : int
        Number of the batch at this desk, from 1.
    items : tuple of Asked
    fit : str or None
        Id of the `Fitted` event whose ranking filled it.
    place : int or None
        The first place that the ranking could fill, from 0.
    late : bool
        Whether the ranking came too late for an earlier place.
    sought : str
        The class that the desk looks for: what is probably of it is asked first. Empty where the
        strategy orders.
    seen : dict of str to int
        The last number read of each other log that has grown since this log last recorded it.
    """

    round: Count
    items: tuple[Asked, ...]
    fit: str | None = None
    place: Count | None = None
    late: bool = False
    sought: str = ""
    seen: dict[str, Count] = {}

    def __post_init__(self) -> None:
        if len({asked.item for asked in self.items}) < len(self.items):
            raise ValueError("a batch asks for an item twice")


class Measured(Struct, frozen=True):
    """An accuracy with its 95% interval, all 0 to 1."""

    correct: Count
    n: Count
    set: str
    value: Share
    low: Share
    high: Share

    def __post_init__(self) -> None:
        if not 0 < self.n >= self.correct:
            raise ValueError(f"an accuracy of {self.correct} right of {self.n} items is impossible")


class Fitted(Payload, frozen=True):
    """A model was fitted.

    Attributes
    ----------
    labels, round : int
        Number of labels that it was fitted to, and of batches closed at this desk.
    model, features, strategy : str
        Never ``auto``.
    fit_seconds, rank_seconds : float
    accuracy : Measured or None
    confusion : tuple of tuple of int or None
        Number of items by true and by predicted class, in the order of `classes`.
    classes : tuple of str
        Class ids of the model's columns.
    stop_set, moved, agreement
        Number of predictions compared with the previous fit, the share that differs, and Cohen's
        kappa; None where there is none.
    tallies : tuple of tuple of int
        In a session of several classes, for each class the number of items of the measured set that
        have it, predicted and not, and of those that do not have it, predicted and not. `accuracy`
        is then of whole sets.
    """

    labels: Count
    round: Count
    model: str
    features: str
    strategy: str
    fit_seconds: float
    rank_seconds: float
    classes: tuple[str, ...]
    accuracy: Measured | None = None
    confusion: tuple[tuple[Count, ...], ...] | None = None
    stop_set: Count | None = None
    moved: Share | None = None
    agreement: Annotated[float, Meta(ge=-1, le=1)] | None = None
    tallies: tuple[tuple[Count, Count, Count, Count], ...] = ()


class Frame(Struct, frozen=True, omit_defaults=True):
    """A further item of a group that an answer is about; `names` and `pixels` as in `Answer`."""

    item: str
    names: tuple[str, ...] = ()
    pixels: str = ""


class Answer(Payload, frozen=True, kw_only=True):
    """An answer about one item, or about frames of one group.

    Attributes
    ----------
    item : str
    round : int
        Number of the batch it was asked in.
    ms : int or None
        Milliseconds from the moment the item was shown to the answer.
    place : int or None
        Its place in the batch, from 0.
    audit : bool
        Whether the item is in the audit set.
    reason : str
        Why it was asked, as in `Asked`.
    draw : float or None
        The probability with which it was drawn; None for a query.
    probabilities : dict or None
        Probability by class id, as the annotator could see them.
    accepted : bool
        Whether the annotator accepted the model's suggestion.
    relabel : bool
        Whether an earlier answer was changed out of turn, or it is about one frame of a group, and
        apart from the others.
    names : tuple of str
        The item's names in the source, as `stored_name` makes them.
    origin : str
        `HUMAN`, `ORACLE_ORIGIN` or `IMPORT`.
    group : str
        The first file of its group, stored like a name; empty where it is in none.
    frames : tuple of Frame
        The further frames of the group that this is the answer about.
    pixels : str
        The hash of the item's stored pixels, with its scheme; empty where it is not known.
    """

    item: str
    round: Count = 0
    ms: Count | None = None
    place: Count | None = None
    audit: bool = False
    reason: str = ""
    draw: Share | None = None
    probabilities: dict[str, Share] | None = None
    accepted: bool = False
    relabel: bool = False
    names: tuple[str, ...] = ()
    origin: str = HUMAN
    group: str = ""
    frames: tuple[Frame, ...] = ()
    pixels: str = ""

    @property
    def items(self) -> tuple[str, ...]:
        """Every item that it is about."""
        return (self.item, *(frame.item for frame in self.frames))

    def places(self) -> Iterator[tuple[str, list[str]]]:
        """Yield every item that it is about, with its names in the source."""
        yield self.item, self.references
        for frame in self.frames:
            yield frame.item, [actual_name(name) for name in frame.names]

    @property
    def references(self) -> list[str]:
        """The item's names in the source when it was answered."""
        return [actual_name(name) for name in self.names]


class Label(Answer, frozen=True, kw_only=True):
    """An annotator gave an item a class, by class id."""

    class_id: str


class LabelSet(Answer, frozen=True, kw_only=True):
    """An annotator gave an item several classes, or none of them.

    Attributes
    ----------
    class_ids : tuple of str
        The ids of its classes; may be empty.
    others : tuple of str
        The ids of the classes that could have been chosen, and were not: it has none of these.
    """

    class_ids: ClassIds
    others: ClassIds = ()


class Skip(Answer, frozen=True, kw_only=True):
    """An annotator skipped an item; it is not asked again, unless it was for later.

    Attributes
    ----------
    why : str
        `UNSURE`, `UNUSABLE` or `LATER`; empty where no reason was given.
    """

    why: Annotated[str, Meta(max_length=40)] = ""


class Remark(Payload, frozen=True, kw_only=True):
    """Something about one item that is no answer; `names` as in `Answer`."""

    item: str
    names: tuple[str, ...] = ()

    @property
    def references(self) -> list[str]:
        """The item's names in the source at that time."""
        return [actual_name(name) for name in self.names]


class Flag(Remark, frozen=True, kw_only=True):
    """An annotator flagged an item for a second opinion, or removed its flag."""

    is_set: bool = True


class Note(Remark, frozen=True, kw_only=True):
    """An annotator's note about an item; an empty one removes the one before."""

    text: Annotated[str, Meta(max_length=LONGEST_NOTE)]


class Undo(Payload, frozen=True):
    """An event was taken back: an own answer, or anybody's class event, decision or bulk file.

    Attributes
    ----------
    event : str
        Its id.
    item : str or None
        The item of an answer or a decision.
    frames : tuple of str
        The further items of an answer about a group.
    """

    event: str
    item: str | None = None
    frames: tuple[str, ...] = ()

    @property
    def items(self) -> tuple[str, ...]:
        """Every item that the event was about; none for one that was about no item."""
        return () if self.item is None else (self.item, *self.frames)


class Settled(Payload, frozen=True):
    """A tie between annotators was settled."""

    item: str

    @property
    def items(self) -> tuple[str, ...]:
        """Every item that it is about."""
        frames: tuple[str, ...] = getattr(self, "frames", ())
        return (self.item, *frames)


class Decided(Settled, frozen=True):
    """It was settled for a class; `frames` are further items of a group, tied alike."""

    class_id: str
    frames: tuple[str, ...] = ()


class DecidedSet(Settled, frozen=True):
    """It was settled in a session of several classes; the fields are those of `LabelSet`."""

    class_ids: ClassIds
    others: ClassIds = ()
    frames: tuple[str, ...] = ()


class Carry(Struct, frozen=True):
    """The item of a file before and after its metadata changed, and the hash of its pixels."""

    item: str
    into: str
    pixels: str


class Carried(Payload, frozen=True):
    """Answers about items count for others from now on: only metadata of their files changed."""

    pairs: tuple[Carry, ...]


class Suggestion(Payload, frozen=True):
    """A guess about an item: never a label, never trained on, never counted.

    It is shown where the model has no suggestion. Many at once are a `Bulk` of origin `SUGGESTED`.

    Attributes
    ----------
    item, class_id : str
    probability : float or None
        None if its origin knows none.
    origin : str
        Where it comes from: the name of a file, a detector or a model.
    """

    item: str
    class_id: str
    origin: str
    probability: Share | None = None


class ClassAdded(Payload, frozen=True):
    """A class was added; its id is a hash of the name it was added under, see `class_id_of`."""

    class_id: str
    name: str
    key: str | None = None


class ClassRenamed(Payload, frozen=True):
    """A class has another name; its id stays."""

    class_id: str
    name: str


class ClassMerged(Payload, frozen=True):
    """Answers to one class count as answers to another."""

    class_id: str
    into: str


class ClassRetired(Payload, frozen=True):
    """A class can no longer be chosen; answers to it still count."""

    class_id: str


class ClassRestyled(Payload, frozen=True):
    """A class has another key for this annotator."""

    class_id: str
    key: str


class Bulk(Payload, frozen=True):
    """A file of lines that were written together: auto-labels, an import, or suggestions.

    Attributes
    ----------
    file : str
        Name of the file in the folder ``bulk``.
    sha256 : str
        Of its bytes, in hexadecimal digits.
    count : int
        Number of its lines.
    origin : str
        `AUTO_ORIGIN`, `IMPORT` or `SUGGESTED`.
    replaces : tuple of str
        Ids of earlier `Bulk` events of auto-labels, which no longer count.
    method, threshold, model, trained_on, settings, calibration, estimate
        How auto-labels were made. Of an import and suggestions, `method` is where they come from.
    """

    file: str
    sha256: str
    count: Count
    origin: str
    round: Count = 0
    replaces: tuple[str, ...] = ()
    method: str | None = None
    threshold: float | None = None
    model: str | None = None
    trained_on: int | None = None
    settings: dict[str, str | int | float | None] = {}
    calibration: dict[str, object] | None = None
    estimate: dict[str, object] | None = None


class BulkLine(Struct, frozen=True, omit_defaults=True, kw_only=True):
    """One line of a bulk file.

    Attributes
    ----------
    item, class_id : str
    probability : float or None
    by, at : str or None
        Of an imported label: its annotator and time, where these are known.
    names : tuple of str
        As in `Answer`.
    audit : bool
        Whether an imported label is about an item of the audit set.
    origin, round, ms, reason, draw
        Of an imported label: what its file says, as in `Answer`. It is an import all the same.
    class_ids, others : tuple of str
        Of an imported label in a session of several classes, as in `LabelSet`; then `class_id` is
        empty.
    unit : str
        In the set of a `SpotCheck`, the item under which its group is asked, if that is another.
    """

    item: str
    class_id: str
    probability: Share | None = None
    by: str | None = None
    at: str | None = None
    names: tuple[str, ...] = ()
    audit: bool = False
    origin: str = IMPORT
    round: Count = 0
    ms: Count | None = None
    reason: str = ""
    draw: Share | None = None
    class_ids: ClassIds | None = None
    others: ClassIds = ()
    unit: str = ""

    @property
    def references(self) -> list[str]:
        """The item's names in the source when it was labelled."""
        return [actual_name(name) for name in self.names]


class SpotCheck(Payload, frozen=True):
    """Some items were drawn at random from a fixed set, to bound how many of it have a class.

    Attributes
    ----------
    file, sha256, count
        The set: a bulk file, in which every item has the class that it is believed to have. It is
        no label.
    class_id : str
        The class that is looked for in the set.
    units : int
        Number of items in the set, in which a group counts once.
    seed : int
        See `tuilabel.session.spot_checks.draw`.
    items : tuple of str
        The items that were drawn, in the order of the draw: of a group, the one that is asked.
    """

    file: str
    sha256: str
    count: Count
    class_id: str
    units: Count
    seed: Count
    items: tuple[str, ...]

    def __post_init__(self) -> None:
        drawn = len(set(self.items))
        if not 0 < drawn == len(self.items) <= self.units <= self.count:
            raise ValueError(f"a check of {drawn} different items of {self.units} is impossible")

    @property
    def bulk(self) -> Bulk:
        """The file with the set."""
        return Bulk(file=self.file, sha256=self.sha256, count=self.count, origin=CHECK)


class Window(Payload, frozen=True):
    """The stored values shown as black and as white in images of more than 8 bits."""

    low: float
    high: float


class Moved(Payload, frozen=True):
    """Files were moved out of the source into class folders.

    Attributes
    ----------
    source : str
        The absolute path of the folder that they are in now, stored like a name.
    names : tuple of str
        Their paths in it, as `stored_names` makes them.
    items : tuple of str
        The item that each is.
    """

    source: str
    names: tuple[str, ...]
    items: tuple[str, ...]

    def places(self) -> dict[str, str]:
        """Return the item ids by the absolute path."""
        folder = actual_name(self.source)
        paths = (os.path.join(folder, actual_name(name)) for name in self.names)  # noqa: PTH118
        return dict(zip(paths, self.items, strict=False))


class Adopted(Payload, frozen=True):
    """The logs of another session of the same images count in this one."""

    uuid: str


class Ended(Payload, frozen=True):
    """The run ended in order; `seen` as in `Batch`."""

    seen: dict[str, Count] = {}


KINDS: dict[str, type[Payload]] = {
    "begin": Begin,
    "opened": Opened,
    "batch": Batch,
    "fitted": Fitted,
    "label": Label,
    "label-set": LabelSet,
    "skip": Skip,
    "flag": Flag,
    "note": Note,
    "undo": Undo,
    "decided": Decided,
    "decided-set": DecidedSet,
    "carried": Carried,
    "suggestion": Suggestion,
    "class-added": ClassAdded,
    "class-renamed": ClassRenamed,
    "class-merged": ClassMerged,
    "class-retired": ClassRetired,
    "class-restyled": ClassRestyled,
    "bulk": Bulk,
    "spot-check": SpotCheck,
    "window": Window,
    "moved": Moved,
    "adopted": Adopted,
    "ended": Ended,
}
"""Every kind of event by its name in a log."""


def stored_names(names: Iterable[str]) -> tuple[str, ...]:
    """Return names of files as text that JSON can hold.

    A name may be bytes that are no UTF-8, which Python keeps as lone surrogates. It is stored as
    NUL, which no file name contains, and hexadecimal digits.
    """
    return tuple(map(_stored_name, names))


def _stored_name(name: str) -> str:
    try:
        name.encode()
    except UnicodeEncodeError:
        return "\0" + os.fsencode(name).hex()
    return name


def actual_name(stored: str) -> str:
    """Return the name of a file from its stored form; without NUL, which no path can have."""
    name = stored
    if stored.startswith("\0"):
        with suppress(ValueError):
            name = os.fsdecode(bytes.fromhex(stored[1:]))
    return name.replace("\0", "")
