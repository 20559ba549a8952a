"""JSON Lines: one object per label."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import TextIO

from tuilabel.exchange.rows import LabelRow


def write_jsonl(rows: Iterable[LabelRow], file: TextIO) -> None:
    """Write one JSON object per line, in ASCII, which can express any file name."""
    for row in rows:
        file.write(json.dumps(row) + "\n")
