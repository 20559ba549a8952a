"""Names with a meaning in the code; those of models, features and strategies: `tuilabel.plugins`.

This module imports neither numpy nor scikit-learn, so the command line can list the names without
loading them.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeVar

from tuilabel.errors import UsageError

AUTO = "auto"
RAW = "raw"
EXPLORE_FIRST = "explore"
COLD_START_NAMES = (AUTO, "random", "kmeans", "spectral", EXPLORE_FIRST)

GRAPH_MODELS = (AUTO, "graph", "hybrid")
"""The models that use the label graph if there is one."""

T = TypeVar("T")


def look_up(table: Mapping[str, T], kind: str, name: str) -> T:
    """Return the entry of a table under a name.

    Parameters
    ----------
    table
        Names and their entries.
    kind
        What the table lists, for the error message: ``"model"``.
    name

    Raises
    ------
    UsageError
        If there is no such name; the message lists the known ones.
    """
    try:
        return table[name]
    except KeyError:
        known = ", ".join(table)
        raise UsageError(f"There is no {kind} {name!r}: choose one of {known}.") from None
