"""One line of the journal: what an annotator or a model did, and when."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from tuilabel.text import inert, is_inert

AUTO_ORIGIN = "auto"
"""The origin of auto-labels, whichever annotator asked for them."""


class EventKind(StrEnum):
    """What an event records."""

    OPEN = "open"
    """The session was opened, with these settings, by this annotator."""
    LABEL = "label"
    """An annotator gave an item a class."""
    SKIP = "skip"
    """An annotator skipped an item; it is not asked again."""
    UNDO = "undo"
    """An annotator took back the answer named by `target`."""
    ROUND = "round"
    """A ranking arrived: from a fit after a batch, or from a cold start before any."""
    AUTO_BATCH = "autobatch"
    """A model labelled items. The `auto` events that name this one say which."""
    AUTO = "auto"
    """A model gave an item a class, as part of the batch named by `target`."""
    REVERT = "revert"
    """The batch of auto-labels named by `target` was taken back."""

    @property
    def is_auto(self) -> bool:
        """Whether a model writes such events, and nobody else."""
        return self in (EventKind.AUTO_BATCH, EventKind.AUTO)


REFERENCES = "references"
"""The part of a body with the names of files."""


@dataclass(frozen=True, slots=True)
class Annotator:
    """Who answers, as every event records it.

    Attributes
    ----------
    name : str
    origin : str
        What kind of annotator this is: ``"human"`` for a person.
    """

    name: str
    origin: str = "human"


ORACLE = Annotator("oracle", "oracle")
"""The ground truth in an annotator's place, in a demo or a simulation."""


@dataclass(frozen=True, slots=True)
class Draft:
    """An event before it has an annotator, a number, an identity and a time.

    Attributes
    ----------
    kind : EventKind
    item : str or None
        Item id of a label, skip, undo or auto-label.
    class_name : str or None
        The class of a label or auto-label, by name: an index would depend on the class list.
    round : int
        The number of the batch that the event belongs to, from 1.
    ms : int or None
        Milliseconds from the moment the item was shown to the answer.
    target : str or None
        The uuid of another event. Of an undo: the answer that it takes back. Of an auto-label or
        a revert: its `autobatch`.
    body : mapping
        Further data of this kind of event, JSON-serialisable: the probabilities shown with an
        answer, the settings of an opening, the model and accuracy of a round.
    uuid : str or None
        Set if drafts that are written together name each other; otherwise a new one is made.
    """

    kind: EventKind
    item: str | None = None
    class_name: str | None = None
    round: int = 0
    ms: int | None = None
    target: str | None = None
    body: Mapping[str, Any] = field(default_factory=dict)
    uuid: str | None = None


@dataclass(frozen=True, slots=True)
class Event:
    """A `Draft` that is on disk, with its number, uuid, UTC time and annotator.

    A session file may come from anybody. All text in an event is therefore harmless for a terminal,
    as `tuilabel.text.inert` makes it, except the names of files in ``body["references"]``, which
    must stay as they are to be found: `tuilabel.text.shown_path` shows them.
    """

    seq: int
    uuid: str
    kind: EventKind
    time: str
    annotator: str
    item: str | None
    class_name: str | None
    round: int
    ms: int | None
    origin: str
    target: str | None
    body: Mapping[str, Any]

    def __post_init__(self) -> None:
        for name in _TEXTS:
            text = getattr(self, name)
            if text is not None and not is_inert(text):
                object.__setattr__(self, name, inert(text))
        if not _is_harmless(self.body):
            object.__setattr__(self, "body", _harmless(self.body))

    @property
    def is_answer(self) -> bool:
        """Whether this is a label or a skip, which an undo can take back."""
        return self.kind in (EventKind.LABEL, EventKind.SKIP)


_TEXTS = ("uuid", "time", "annotator", "item", "class_name", "origin", "target")


def _is_harmless(value: Any) -> bool:
    """Return whether `_harmless` would change nothing, which is nearly always so."""
    if isinstance(value, dict):
        if not all(map(is_inert, value)):
            return False
        parts = [part for name, part in value.items() if name != REFERENCES]
    elif isinstance(value, list | tuple):
        parts = list(value)
    else:
        return not isinstance(value, str) or is_inert(value)
    # Most parts are probabilities.
    return all(_is_harmless(part) for part in parts if type(part) is not float)


def _harmless(value: Any) -> Any:
    if isinstance(value, str):
        return inert(value)
    if isinstance(value, Mapping):
        return {
            inert(name): part if name == REFERENCES else _harmless(part)
            for name, part in value.items()
        }
    if isinstance(value, list | tuple):
        return [_harmless(part) for part in value]
    return value
