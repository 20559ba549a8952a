"""doccano's JSON Lines of an image classification project."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import TextIO

from tuilabel.exchange.foreign import classes_of, writes
from tuilabel.exchange.rows import LabelRow


@writes("reference", "class", answers=False)
def write_doccano(rows: Iterable[LabelRow], file: TextIO) -> None:
    """Write one object per line, with the name of the file and a list of labels."""
    for row in rows:
        found = {"filename": row["reference"], "label": classes_of(row)}
        file.write(json.dumps(found) + "\n")
