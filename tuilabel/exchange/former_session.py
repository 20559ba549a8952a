"""Labels from a session of the unreleased tuilabel 0.1, a database of events."""

from __future__ import annotations

import json
import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from urllib.parse import quote

from tuilabel.exchange.reading import BadLineError, Row, reads
from tuilabel.small_files import open_regular

_EVENTS = """
SELECT seq, uuid, kind, time, annotator, item, class_name, round, ms, target, body
FROM main.event ORDER BY seq
"""


@reads("event")
def read_former_session(path: Path) -> Iterator[tuple[int, Row | BadLineError]]:
    """Yield the answer in effect for each item, then the auto-labels in effect.

    The latest answer counts that was not taken back. The file is not changed. Items of its first
    versions have other ids than now: these are matched by their paths.
    """
    answers: dict[str, dict[str, tuple[int, Row]]] = {}
    guesses: dict[str, dict[str, tuple[int, Row]]] = {}
    items: dict[str, str] = {}
    os.close(open_regular(path))  # SQLite would wait for a pipe
    try:
        place = f"file:{quote(str(path.absolute()))}?mode=ro"
        with closing(sqlite3.connect(place, uri=True)) as database:
            database.execute("PRAGMA trusted_schema = OFF")
            kinds = database.execute("SELECT type FROM sqlite_master WHERE name = 'event'")
            if kinds.fetchall() != [("table",)]:
                raise BadLineError("it is not a session of tuilabel 0.1: it has no table of events")
            database.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, 2**20)
            for seq, uuid, kind, *event, target, body in database.execute(_EVENTS):
                item = str(event[2])
                if kind in ("label", "skip"):
                    answers.setdefault(item, {})[uuid] = seq, _row(kind, event, body)
                    items[uuid] = item
                elif kind == "undo":
                    answers.get(items.get(target, ""), {}).pop(target, None)
                elif kind == "auto":
                    row = {**_row(kind, event, body), "origin": "auto", "annotator": None}
                    guesses.setdefault(target, {})[item] = seq, row
                elif kind == "revert":
                    guesses.pop(target, None)
    except (sqlite3.Error, OverflowError) as error:
        raise BadLineError(f"it is not a session of tuilabel 0.1 ({error})") from None
    for standing in answers.values():
        if standing:
            yield standing[next(reversed(standing))]
    for batch in guesses.values():
        yield from batch.values()


def _row(kind: str, event: list[object], body: object) -> Row:
    time, annotator, item, name, number, ms = event
    try:
        found = json.loads(body) if isinstance(body, str) else {}
    except (ValueError, RecursionError):
        found = {}
    found = found if isinstance(found, dict) else {}
    places = found.get("references")
    return {
        **{"item_id": item, "class": name if kind != "skip" else None, "annotator": annotator},
        **{"path": places[0] if isinstance(places, list) and places else None, "time": time},
        **{"round": number, "ms": ms, "probability": found.get("probability")},
    }
