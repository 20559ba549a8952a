"""Label Studio's JSON of tasks with annotations, for `<Choices name="choice" toName="image">`."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any, TextIO

from tuilabel.events.payloads import AUTO_ORIGIN
from tuilabel.exchange.foreign import classes_of, writes
from tuilabel.exchange.rows import LabelRow


@writes("reference", "class", "ms", "origin", "probability", answers=False)
def write_label_studio(rows: Iterable[LabelRow], file: TextIO) -> None:
    """Write one array of tasks.

    A label is an annotation, that of a model a prediction with its score; a dispute has neither.
    """
    between = "[\n"
    for row in rows:
        file.write(between + json.dumps(_task(row)))
        between = ",\n"
    file.write("[]\n" if between == "[\n" else "\n]\n")


def _task(row: LabelRow) -> dict[str, Any]:
    task: dict[str, Any] = {"data": {"image": row["reference"]}}
    chosen = classes_of(row)
    if not chosen and not isinstance(row["class"], list):
        return task
    value = {"choices": chosen}
    result = [{"from_name": "choice", "to_name": "image", "type": "choices", "value": value}]
    if row["origin"] == AUTO_ORIGIN:
        prediction: dict[str, Any] = {"model_version": row["annotator"], "result": result}
        if row["probability"] is not None:
            prediction["score"] = row["probability"]
        task["predictions"] = [prediction]
        return task
    annotation: dict[str, Any] = {"result": result}
    if row["ms"] is not None:
        annotation["lead_time"] = row["ms"] / 1000
    task["annotations"] = [annotation]
    return task
