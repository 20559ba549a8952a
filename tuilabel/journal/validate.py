"""Checks of the events found in a damaged file: could tuilabel have written them?"""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from typing import Any

from tuilabel.errors import SessionFileError
from tuilabel.journal.events import AUTO_ORIGIN, Event, EventKind
from tuilabel.journal.summary import check_body

_HIGHEST = 2**53
_NEEDS_ITEM = (EventKind.LABEL, EventKind.SKIP, EventKind.AUTO)
_NEEDS_CLASS = (EventKind.LABEL, EventKind.AUTO)
_NEEDS_TARGET = (EventKind.UNDO, EventKind.AUTO, EventKind.REVERT)


def is_valid(event: Event, class_names: Collection[str] | None = None) -> bool:
    """Return whether an event can be read by every part of tuilabel.

    Parameters
    ----------
    event : Event
    class_names : collection of str, optional
        The classes of the session; None if they are not known.
    """
    numbers = (event.seq, event.round, 0 if event.ms is None else event.ms)
    return (
        all(0 <= number < _HIGHEST for number in numbers)
        and event.seq > 0
        and bool(event.uuid)
        and _is_time(event.time)
        and (event.kind not in _NEEDS_ITEM or bool(event.item))
        and (event.kind not in _NEEDS_TARGET or bool(event.target))
        and (event.origin == AUTO_ORIGIN) == event.kind.is_auto
        and (
            event.kind not in _NEEDS_CLASS
            or (
                event.class_name is not None
                if class_names is None
                else event.class_name in class_names
            )
        )
        and _is_valid_body(event)
    )


def _is_time(text: str) -> bool:
    try:
        return datetime.fromisoformat(text).tzinfo is not None
    except ValueError:
        return False


def _is_valid_body(event: Event) -> bool:
    body = event.body
    if event.kind in _NEEDS_ITEM:
        return (
            _is_list_of(body.get("references", []), str)
            and isinstance(body.get("probabilities") or {}, dict)
            and (event.kind is not EventKind.AUTO or _is_share(body.get("probability")))
        )
    try:
        check_body(event)
    except SessionFileError:
        return False
    if event.kind is EventKind.ROUND:
        return _is_ranking(body)
    return event.kind is not EventKind.OPEN or (
        _is_count(body.get("batch_size", 1)) and body.get("batch_size") != 0
    )


def _is_ranking(body: Any) -> bool:
    probabilities = body.get("probabilities")
    accuracy = body.get("accuracy", False)
    return (
        _is_list_of(body.get("ranking"), str)
        and _is_list_of(body.get("batch"), str)
        and _is_list_of(body.get("audits", []), str)
        and "probabilities" in body
        and (
            not probabilities
            or (_is_list_of(probabilities, list) and len(probabilities) == len(body["ranking"]))
        )
        and (
            accuracy is None or (isinstance(accuracy, dict) and _is_count(accuracy.get("correct")))
        )
    )


def _is_list_of(value: object, kind: type) -> bool:
    return isinstance(value, list) and all(isinstance(element, kind) for element in value)


def _is_share(value: object) -> bool:
    return isinstance(value, int | float) and 0 <= value <= 1


def _is_count(value: object) -> bool:
    return isinstance(value, int) and value >= 0
