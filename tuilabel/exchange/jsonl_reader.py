"""Labels from JSON Lines: one object per line."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from tuilabel.exchange.json_values import parsed_line
from tuilabel.exchange.reading import BadLineError, Row, going_on


def read_jsonl(lines: Iterable[str]) -> Iterator[Row | BadLineError]:
    """Yield the object in each line; empty lines are passed over."""
    for line in going_on(lines):
        if isinstance(line, BadLineError):
            yield line
        elif line.strip():
            try:
                found = parsed_line(line)
            except BadLineError as error:
                yield error
                continue
            yield found if isinstance(found, dict) else BadLineError("it is JSON, but no object")
