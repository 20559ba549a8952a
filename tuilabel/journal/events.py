"""One line of the journal: what an annotator or a model did, and when."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

AUTO_ORIGIN = "auto"
"""The origin of what a model labelled by itself, whoever told it to."""


class EventKind(StrEnum):
    """What an event records."""

    OPEN = "open"
    """The session was opened, with these settings, by this annotator."""
    LABEL = "label"
    """An item was given a class."""
    SKIP = "skip"
    """An item was passed over; it is not asked again."""
    UNDO = "undo"
    """The answer named by `target` no longer holds."""
    ROUND = "round"
    """A ranking arrived: from a fit after a batch, or from a cold start before any."""
    AUTO_BATCH = "autobatch"
    """A model labelled items by itself: how; the `auto` events that name this one say which."""
    AUTO = "auto"
    """An item was given a class by a model, as part of the batch named by `target`."""
    REVERT = "revert"
    """The batch of auto-labels named by `target` no longer holds, none of them."""

    @property
    def is_auto(self) -> bool:
        """Whether only a model writes such events."""
        return self in (EventKind.AUTO_BATCH, EventKind.AUTO)


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
        Item id (a content hash) of a label, skip, undo or auto-label.
    class_name : str or None
        The class of a label or auto-label, by name: an index would change its meaning with the
        class list.
    round : int
        The batch that the event belongs to, counted from 1.
    ms : int or None
        Milliseconds from the moment the item was shown to the answer.
    target : str or None
        For an undo: the uuid of the answer that no longer holds. For an auto-label or a revert:
        the uuid of its `autobatch`.
    body : mapping
        What else belongs to the kind, JSON-serialisable: the probabilities shown with an answer,
        the settings of an opening, the model and accuracy of a round.
    uuid : str or None
        Given ahead where drafts that are written together name each other; None for a new one.
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
    """A `Draft` that is on disk: with its number, uuid, UTC time and annotator."""

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

    @property
    def is_answer(self) -> bool:
        """Whether this is a label or a skip: what an undo takes back."""
        return self.kind in (EventKind.LABEL, EventKind.SKIP)
