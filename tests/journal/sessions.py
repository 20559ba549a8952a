"""What goes into the sessions of these tests: auto-labels, and files of an older schema."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

from tuilabel.journal import AutoLabel, Draft, SessionInfo, auto_batch
from tuilabel.journal.schema import MIGRATIONS, migrate


def auto_drafts(*items: str, class_name: str = "dog", **other: Any) -> list[Draft]:
    """Draft a batch of auto-labels."""
    known: dict[str, Any] = {
        **{"round": 1, "method": "confident", "threshold": 0.9, "model": "softmax"},
        **{"trained_on": 12, "settings": {"step": 10}, "calibration": None, "estimate": None},
    }
    labels = [AutoLabel(item, class_name, 0.9375, (f"{item}.png",)) for item in items]
    return auto_batch(labels, **{**known, **other})


def make_version_1(path: Path, info: SessionInfo, rows: Sequence[tuple[Any, ...]]) -> None:
    """Make a session file as the first schema has it.

    Each row is (kind, item, class name, target); its uuid is ``u1``, ``u2``, ...
    """
    meta = {name: getattr(info, name) for name in info.__slots__}
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        migrate(connection, MIGRATIONS[:1])
        connection.executemany(
            "INSERT INTO meta VALUES (?, ?)", [(key, json.dumps(meta[key])) for key in meta]
        )
        connection.executemany(
            "INSERT INTO event (uuid, kind, time, annotator, item, class_name, round, target) "
            "VALUES (?, ?, '2030-01-01T00:00:00.000+00:00', 'me', ?, ?, 1, ?)",
            [(f"u{number}", *row) for number, row in enumerate(rows, start=1)],
        )
        connection.execute("PRAGMA journal_mode = WAL")
