"""Which item of a session a person means: by event number, id or path."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from tuilabel.errors import SourceError, UsageError
from tuilabel.events.lines import Event
from tuilabel.events.payloads import Answer
from tuilabel.text import counted, inert, shown_path

if TYPE_CHECKING:
    from tuilabel.data import Dataset

SHORTEST_PREFIX = 8
"""Hexadecimal digits of an item id that are enough to name it; fewer digits are a number."""

_NUMBER = re.compile(rf"#[0-9]{{1,18}}|[0-9]{{1,{SHORTEST_PREFIX - 1}}}")
_ID = re.compile(r"(?:[a-z][0-9]:)?([0-9a-f]{1,32})")


def find_item(name: str, dataset: Dataset, events: Sequence[Event]) -> str:
    """Return the id of the item that a name stands for.

    Parameters
    ----------
    name : str
        The number of an event about the item, as the history shows it, also with ``#`` before it;
        the item's id or its first digits, at least `SHORTEST_PREFIX`, with or without the scheme
        and colon before them; or a path, relative to the source's folder or to the current one.
    dataset : Dataset
    events : sequence of Event
        Items that are no longer in the dataset are found if they have events.

    Raises
    ------
    UsageError
        The name stands for no item, or for more than one.
    SourceError
        It is the path of a file that cannot be read as an image.
    """
    if _NUMBER.fullmatch(name):
        return _of_event(int(name.removeprefix("#")), events)
    is_id = _ID.fullmatch(name.lower())
    if is_id and len(is_id[1]) >= SHORTEST_PREFIX:
        begun = name.lower()
        found = {
            item
            for item in _ids(dataset, events)
            if item.startswith(begun) or item.partition(":")[2].startswith(begun)
        }
        if len(found) == 1:
            return found.pop()
        if found:
            raise UsageError(
                f"{name} is the beginning of {counted(len(found), 'item id')}, such as "
                f"{' and '.join(sorted(found)[:2])}: use more digits."
            )
    item = _by_path(name, dataset, events)
    if item is not None:
        return item
    if is_id and len(is_id[1]) < SHORTEST_PREFIX:
        raise UsageError(
            f"{name} is too short for an item id: give at least its first {SHORTEST_PREFIX} digits."
        )
    raise UsageError(
        f"'{shown_path(name)}' is not an image in {shown_path(dataset.source)}: give a number from "
        f"the history, an item id or its first {SHORTEST_PREFIX} digits, or a path in the source; "
        "--session names another session."
    )


def short_id(item: str) -> str:
    """Return an item id cut after its first digits, by which `find_item` finds it."""
    return item[: item.find(":") + 1 + SHORTEST_PREFIX]


def _of_event(number: int, events: Sequence[Event]) -> str:
    if not 1 <= number <= len(events):
        raise UsageError(
            f"There is no event #{number}: the session has {counted(len(events), 'event')}."
        )
    event = events[number - 1]
    item = getattr(event.payload, "item", None)
    if not isinstance(item, str):
        raise UsageError(
            f"Event #{number} ({event.kind}) is about no single image: give the number of a label."
        )
    return item


def _ids(dataset: Dataset, events: Sequence[Event]) -> Iterator[str]:
    yield from dataset.ids
    for event in events:
        if isinstance(event.payload, Answer):
            yield from event.payload.items


def _by_path(name: str, dataset: Dataset, events: Sequence[Event]) -> str | None:
    names = {name, os.path.normpath(name)}
    root, path = Path(dataset.source), Path(name)
    # The file itself may be a link to elsewhere.
    typed = Path(os.path.realpath(path.parent), path.name)
    # A folder in between may be one too.
    for possible in (typed, Path(os.path.normpath(path.absolute()))):
        if possible.is_relative_to(root):
            names.add(possible.relative_to(root).as_posix())
    for row in range(len(dataset)):
        if not names.isdisjoint(dataset.references(row)):
            return dataset.ids[row]
    for event in reversed(events):
        answer = event.payload
        if not isinstance(answer, Answer):
            continue
        for item, references in answer.places():
            if not names.isdisjoint(references):
                return item
    for file in (typed, root / name):
        with suppress(OSError):  # a name too long, or a folder that may not be entered
            if file.is_relative_to(root) and file.is_file():
                raise SourceError(_why_no_item(file))
    return None


def _why_no_item(file: Path) -> str:
    from tuilabel.data.decoding import DecodeService, Refused

    found = DecodeService().decode(file)
    if isinstance(found, Refused):
        return f"{shown_path(file)} cannot be read as an image ({inert(found.reason, 120)})."
    return f"{shown_path(file)} is an image, but not among those that this session uses."
