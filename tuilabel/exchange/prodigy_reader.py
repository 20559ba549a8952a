"""Labels from Prodigy's JSON Lines of annotated tasks, as `prodigy db-out` writes them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from typing import Any

from msgspec import Struct, field

from tuilabel.exchange.boxes import parts_of
from tuilabel.exchange.json_values import shaped
from tuilabel.exchange.jsonl_reader import read_jsonl
from tuilabel.exchange.reading import OTHERS, PARTS, BadLineError, Row

_LATEST = 2**33


class _Option(Struct):
    id: str | int
    text: str | None = None

    @property
    def name(self) -> str:
        """The name of the class: some options have numbers, and their names as the text."""
        return self.id if isinstance(self.id, str) else self.text or str(self.id)


class _Span(Struct):
    label: str | None = None
    x: float | None = None
    y: float | None = None
    width: float | None = None
    height: float | None = None


class _Task(Struct):
    image: str | None = None
    path: str | None = None
    answer: str | None = None
    label: str | None = None
    options: list[_Option] | None = None
    accept: list[str | int] | None = None
    spans: list[_Span] | None = None
    score: float | None = None
    width: float | None = None
    height: float | None = None
    meta: dict[str, Any] | None = None
    time: float | None = field(name="_timestamp", default=None)
    annotator: str | None = field(name="_annotator_id", default=None)
    session: str | None = field(name="_session_id", default=None)


def read_prodigy(lines: Iterable[str]) -> Iterator[Row | BadLineError]:
    """Yield the answer to each task, one for each box where it has boxes.

    A task that was ignored has no class. One that was rejected says what the image is not.
    """
    for found in read_jsonl(lines):
        try:
            if isinstance(found, BadLineError):
                raise found
            yield from _rows(shaped(found, _Task, "a task of Prodigy"))
        except BadLineError as error:
            yield error


def _rows(task: _Task) -> Iterator[Row]:
    meta = task.meta or {}
    image = task.image or ""
    path = task.path or ("" if image.startswith("data:") else image)
    row = {
        "item_id": meta.get("item_id"),
        "path": path or meta.get("file"),
        "annotator": task.annotator or task.session,
        "time": _time(task.time),
        "probability": task.score,
        "origin": meta.get("origin"),
        "class": None,
    }
    if task.answer == "ignore":
        yield row
    elif task.options is not None or task.accept is not None:
        names = {option.id: option.name for option in task.options or ()}
        chosen = [names.get(id_, str(id_)) for id_ in task.accept or ()]
        others = [name for name in names.values() if name not in chosen]
        if task.answer == "reject":
            row["class"] = None
        else:
            row |= {"class": chosen, OTHERS: others}
        yield row
    elif task.spans:
        for span in task.spans:
            yield {**row, "class": span.label, PARTS: _box(task, span)} | _not(task, span.label)
    else:
        yield {**row, "class": task.label} | _not(task, task.label)


def _not(task: _Task, name: str | None) -> dict[str, Any]:
    """Return what a rejected task says instead of its class."""
    return {"class": None, OTHERS: [name]} if task.answer == "reject" and name else {}


def _box(task: _Task, span: _Span) -> list[str]:
    if span.x is None or span.y is None or span.width is None or span.height is None:
        return []
    size = (task.width, task.height) if task.width and task.height else None
    return parts_of(span.x, span.y, span.width, span.height, size)


def _time(seconds: float | None) -> str | None:
    if seconds is None or not 0 <= seconds < _LATEST:
        return None
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="milliseconds")
