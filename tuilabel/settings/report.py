"""The settings in effect and where they come from, for people, programs and the documentation."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from tuilabel.settings.layers import Found
from tuilabel.settings.values import SETTINGS
from tuilabel.text import inert, shown_path

_LONGEST_ORIGIN = 400


def settings_lines(
    found: Mapping[str, Found], file: Path, session: Path | None = None
) -> Iterator[str]:
    """Yield the settings in effect as aligned lines: name, value, origin.

    Parameters
    ----------
    found : mapping of str to Found
        As `find` returns it.
    file : Path
        settings.toml, whether it exists or not.
    session : Path, optional
        The session whose settings are part of it.
    """
    there = "" if file.exists() else " (not created yet)"
    rows = [("file", shown_path(file) + there, "")]
    if session is not None:
        rows.append(("session", shown_path(session), ""))
    yield from _aligned(rows)
    yield ""
    rows = []
    for name, (value, origin) in found.items():
        origin = inert(origin, _LONGEST_ORIGIN)
        if not SETTINGS[name].is_table:
            rows.append((name, str(value) or SETTINGS[name].default, origin))
            continue
        for of, keys in value:
            several = (keys,) if isinstance(keys, str) else keys
            shown = " or ".join(map(inert, several)) or "no key"
            rows.append((f"{name}: {inert(of, 40)}", shown, origin))
    yield from _aligned(rows)


def settings_object(
    found: Mapping[str, Found], file: Path, session: Path | None = None
) -> dict[str, Any]:
    """Return the same as dicts, lists, numbers and strings; for parameters see `settings_lines`."""
    return {
        "file": str(file),
        "file_exists": file.exists(),
        "session": None if session is None else str(session),
        "settings": {
            name: {"value": dict(value) if SETTINGS[name].is_table else value, "origin": origin}
            for name, (value, origin) in found.items()
        },
    }


def settings_table() -> str:
    """Return a table of all settings in Markdown, for the documentation."""
    rows = ["| name | option | variable | values | default | scope | help |", "|---" * 7 + "|"]
    for setting in SETTINGS.values():
        values = setting.values
        option, variable = f"`{setting.option}`", f"`{setting.variable}`"
        cells = [
            f"`{setting.name}`",
            "" if setting.is_table else option,
            "" if setting.is_table else variable,
            ", ".join(f"`{choice}`" for choice in values.choices) or values.expected,
            setting.default,
            setting.scope,
            setting.help,
        ]
        rows.append(f"| {' | '.join(cells)} |")
    return "\n".join(rows)


def _aligned(rows: list[tuple[str, str, str]]) -> Iterator[str]:
    widths = [max(_cells(row[column]) for row in rows) for column in (0, 1)]
    for name, value, origin in rows:
        name += " " * (widths[0] - _cells(name))
        value += " " * (widths[1] - _cells(value))
        yield f"{name}  {value}  {origin}".rstrip()


def _cells(text: str) -> int:
    """Return the number of terminal cells that a text takes."""
    return sum(
        0
        if unicodedata.combining(character)
        else 1 + (unicodedata.east_asian_width(character) in "WF")
        for character in text
    )
