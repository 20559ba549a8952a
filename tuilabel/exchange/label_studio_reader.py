"""Labels from Label Studio's JSON of tasks with annotations and predictions."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import unquote

from msgspec import Struct, field

from tuilabel.events.payloads import AUTO_ORIGIN
from tuilabel.exchange.boxes import parts_of
from tuilabel.exchange.json_values import read_json, shaped
from tuilabel.exchange.reading import PARTS, BadLineError, Row, reads

_UPLOAD = re.compile(r"^/?data/upload/(\d+/)?([0-9a-f]{8}-)?")
_LONGEST = 2**33
_LOCAL = re.compile(r"^/?data/local-files/?\?d=")


class _Result(Struct):
    value: dict[str, Any] | None = None
    width: float | None = field(name="original_width", default=None)
    height: float | None = field(name="original_height", default=None)


class _Answer(Struct):
    """An annotation or a prediction."""

    result: list[_Result] | None = None
    completed_by: int | str | dict[str, Any] | None = None
    created_at: str | None = None
    updated_at: str | None = None
    lead_time: float | None = None
    was_cancelled: bool | None = None
    model_version: str | None = None
    score: float | None = None


class _Task(Struct):
    data: dict[str, Any]
    annotations: list[_Answer] | None = None
    predictions: list[_Answer | int] | None = None


@reads("task")
def read_label_studio(path: Path) -> Iterator[tuple[int, Row | BadLineError]]:
    """Yield each annotation and prediction; one for each box where it has boxes.

    Predictions are labels of a model: they are imported as suggestions only.
    """
    tasks = read_json(path)
    if not isinstance(tasks, list):
        raise BadLineError("it is not an array of tasks; export it from Label Studio as JSON")
    for number, one in enumerate(tasks, start=1):
        try:
            for row in _rows(shaped(one, _Task, "a task of Label Studio")):
                yield number, row
        except BadLineError as error:
            yield number, error


def _rows(task: _Task) -> Iterator[Row]:
    place: Row = {"path": _path(task.data), "class": None}
    answers: list[tuple[_Answer, str | None]] = [(one, None) for one in task.annotations or ()]
    # An export without predictions has only their ids.
    guesses = [one for one in task.predictions or () if not isinstance(one, int)]
    answers += [(one, AUTO_ORIGIN) for one in guesses]
    if not answers:
        yield place
    for answer, origin in answers:
        row: Row = {
            **place,
            "annotator": _annotator(answer),
            "time": answer.updated_at or answer.created_at,
            "ms": _milliseconds(answer.lead_time),
            "probability": answer.score,
            "origin": origin,
        }
        if answer.was_cancelled:
            yield row
            continue
        classes: list[Any] = []
        has_boxes = False
        for result in answer.result or ():
            value = result.value or {}
            if "rectanglelabels" in value:
                has_boxes = True
                for name in _listed(value["rectanglelabels"]):
                    yield {**row, "class": name, PARTS: _box(value, result)}
            else:
                classes += _listed(value.get("choices"))
                for names in _listed(value.get("taxonomy")):
                    classes.append("/".join(map(str, _listed(names))))
        if classes or not has_boxes:
            yield {**row, "class": classes}


def _listed(value: Any) -> list[Any]:
    if value is None or isinstance(value, list):
        return value or []
    raise BadLineError("its classes are not a list")


def _path(data: Mapping[str, Any]) -> str:
    """Return the path of an image from its URL in Label Studio."""
    image = data.get("image")
    if image is None:
        texts = [value for value in data.values() if isinstance(value, str)]
        image = texts[0] if len(texts) == 1 else ""
    if not isinstance(image, str):
        raise BadLineError("its data has no image")
    if _LOCAL.match(image):
        return unquote(_LOCAL.sub("", image))
    return _UPLOAD.sub("", image)


def _milliseconds(seconds: float | None) -> int | None:
    return None if seconds is None or not 0 <= seconds < _LONGEST else round(seconds * 1000)


def _annotator(answer: _Answer) -> str | None:
    by = answer.model_version if answer.completed_by is None else answer.completed_by
    if isinstance(by, dict):
        by = by.get("email") or by.get("id")
    return None if by is None else str(by)


def _box(value: Mapping[str, Any], result: _Result) -> list[str]:
    try:
        left, top, wide, high = (float(value[side]) / 100 for side in ("x", "y", "width", "height"))
    except (KeyError, TypeError, ValueError):
        raise BadLineError("it has a box without x, y, width and height in percent") from None
    # An image that Label Studio has not measured has its boxes in percent.
    width, height = result.width or 100, result.height or 100
    return parts_of(left * width, top * height, wide * width, high * height, (width, height))
