"""What holds and where it came from, for a person and for a program."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from tuilabel.settings.layers import Found
from tuilabel.settings.values import NAMES, TABLES
from tuilabel.text import shown_path

_LONGEST_PATH = 400


def settings_lines(
    found: Mapping[str, Found], file: Path, session: Path | None = None
) -> Iterator[str]:
    """Yield what holds as aligned lines: name, value, origin.

    Parameters
    ----------
    found : mapping of str to Found
        What `find` gave.
    file : Path
        settings.toml, whether it is there or not.
    session : Path, optional
        The session that took part.
    """
    from tuilabel.text import inert

    there = "" if file.exists() else " (not there yet)"
    rows = [("file", shown_path(file) + there, "")]
    if session is not None:
        rows.append(("session", shown_path(session), ""))
    yield from _aligned(rows)
    yield ""
    rows = [(name, str(found[name].value), _origin(found[name].origin)) for name in NAMES]
    for table in TABLES:
        value, origin = found[table]
        for name, keys in value:
            several = (keys,) if isinstance(keys, str) else keys
            shown = " or ".join(map(inert, several)) or "no key"
            rows.append((f"{table}: {inert(name, 40)}", shown, _origin(origin)))
    yield from _aligned(rows)


def settings_object(
    found: Mapping[str, Found], file: Path, session: Path | None = None
) -> dict[str, Any]:
    """Give what holds as dicts, lists, numbers and strings; parameters are `settings_lines`'s."""
    return {
        "file": str(file),
        "file_exists": file.exists(),
        "session": None if session is None else str(session),
        "settings": {
            name: {"value": dict(value) if name in TABLES else value, "origin": origin}
            for name, (value, origin) in found.items()
        },
    }


def _origin(origin: str) -> str:
    from tuilabel.text import inert

    return inert(origin, _LONGEST_PATH)


def _aligned(rows: list[tuple[str, str, str]]) -> Iterator[str]:
    widths = [max(_cells(row[column]) for row in rows) for column in (0, 1)]
    for name, value, origin in rows:
        name += " " * (widths[0] - _cells(name))
        value += " " * (widths[1] - _cells(value))
        yield f"{name}  {value}  {origin}".rstrip()


def _cells(text: str) -> int:
    """Count the cells that a terminal gives a text."""
    return sum(
        0
        if unicodedata.combining(character)
        else 1 + (unicodedata.east_asian_width(character) in "WF")
        for character in text
    )
