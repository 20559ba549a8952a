"""Prodigy's JSON Lines of annotated tasks, as `prodigy db-in` takes them."""

from __future__ import annotations

import json
from collections.abc import Iterable
from contextlib import suppress
from datetime import datetime
from typing import Any, TextIO

from tuilabel.exchange.foreign import classes_of, writes
from tuilabel.exchange.rows import LabelRow


@writes("reference", "class", "unknown", "annotator", "time", "why", "item_id", "origin")
def write_prodigy(rows: Iterable[LabelRow], file: TextIO) -> None:
    """Write one task per line: of the interface `classification`, or `choice` for several classes.

    A skip and a dispute are tasks to ignore.
    """
    for row in rows:
        file.write(json.dumps(_task(row)) + "\n")


def _task(row: LabelRow) -> dict[str, Any]:
    chosen = classes_of(row)
    task: dict[str, Any] = {"image": row["reference"]}
    if isinstance(row["class"], list):
        names = [*chosen, *row.get("unknown", ())]
        task["options"] = [{"id": name, "text": name} for name in names]
        task["accept"] = chosen
    elif chosen:
        task["label"] = chosen[0]
    is_answer = not row["disputed"] and (isinstance(row["class"], list) or bool(chosen))
    task["answer"] = "accept" if is_answer else "ignore"
    task["meta"] = {"item_id": row["item_id"], "origin": row["origin"]}
    if row["why"]:
        task["meta"]["why"] = row["why"]
    with suppress(ValueError):
        task["_timestamp"] = int(datetime.fromisoformat(row["time"]).timestamp())
    task["_annotator_id"] = row["annotator"]
    return task
