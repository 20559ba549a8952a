"""Export of labels: one small file per format.

The names here cost nothing to import; the command line shows them in its help.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pkgutil import resolve_name
from typing import TYPE_CHECKING, TextIO, cast

if TYPE_CHECKING:
    from tuilabel.exchange.rows import LabelRow

Writer = Callable[[Iterable["LabelRow"], TextIO], None]
"""Writes rows to a text file."""

FORMATS = {
    "csv": "tuilabel.exchange.csv_format:write_csv",
    "jsonl": "tuilabel.exchange.jsonl_format:write_jsonl",
}
"""The writer of each format, by the ending of its files; it is imported when it is used."""

ORIGINS = ("human", "oracle", "auto")
"""Who may have given a label: an annotator, the ground truth in a demo, or a model."""


def writer(name: str) -> Writer:
    """Return the writer of a format in `FORMATS`."""
    return cast(Writer, resolve_name(FORMATS[name]))


def format_of(path: str) -> str:
    """Return the format whose ending a path has; csv if it has none of them."""
    ending = path.rpartition(".")[2].lower()
    return ending if ending in FORMATS else "csv"
