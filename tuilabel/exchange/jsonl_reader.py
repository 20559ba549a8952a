"""Labels from JSON Lines: one object per line."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator

from tuilabel.exchange.reading import BadLineError, Row


def read_jsonl(lines: Iterable[str]) -> Iterator[Row]:
    """Yield the object in each line; empty lines are passed over."""
    for line in lines:
        if not line.strip():
            continue
        try:
            found = json.loads(line, object_pairs_hook=_object)
        except RecursionError:
            raise BadLineError("its JSON is nested too deeply") from None
        except json.JSONDecodeError as error:
            raise BadLineError(
                f"it is no JSON ({error.msg} at character {error.pos + 1})"
            ) from None
        except ValueError:
            raise BadLineError("it has a number of too many digits") from None
        if not isinstance(found, dict):
            raise BadLineError("it is JSON, but no object")
        yield found


def _object(pairs: list[tuple[str, object]]) -> dict[str, object]:
    found = dict(pairs)
    if len(found) < len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise BadLineError(f"it has {twice!r} twice")
    return found
