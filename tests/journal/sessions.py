"""What goes into the sessions of these tests: auto-labels, and files of an older schema."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

from tuilabel.journal import AutoLabel, Draft, auto_batch
from tuilabel.journal.schema import APPLICATION_ID


def auto_drafts(*items: str, class_name: str = "dog", **other: Any) -> list[Draft]:
    """Draft a batch of auto-labels."""
    known: dict[str, Any] = {
        **{"round": 1, "method": "confident", "threshold": 0.9, "model": "softmax"},
        **{"trained_on": 12, "settings": {"step": 10}, "calibration": None, "estimate": None},
    }
    labels = [AutoLabel(item, class_name, 0.9375, (f"{item}.png",)) for item in items]
    return auto_batch(labels, **{**known, **other})


def make_version_2(path: Path) -> None:
    """Make a session file of an earlier schema, with one label."""
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.executescript(
            "CREATE TABLE migration (version INTEGER PRIMARY KEY, applied TEXT);"
            "CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL);"
            "CREATE TABLE event (seq INTEGER PRIMARY KEY AUTOINCREMENT, uuid, kind, time, "
            "annotator, item, class_name, round, ms, origin, target, body);"
            "INSERT INTO event (uuid, kind, time, annotator, item, class_name, round) "
            "VALUES ('u1', 'label', '2030-01-01T00:00:00.000+00:00', 'me', "
            "'b3aa5a6297b639bee08f86ec7110b39f', 'cat', 1);"
            f"PRAGMA application_id = {APPLICATION_ID}; PRAGMA user_version = 2;"
            "PRAGMA journal_mode = WAL;"
        )
