"""Plain values that views return and widgets draw."""

from __future__ import annotations

from datetime import datetime
from typing import NamedTuple

from tuilabel.text import inert

Detail = tuple[str, str]
"""A word and its value, such as ("class", "cat")."""


def local_time(time: str) -> datetime | None:
    """Return the time of an event in the local time zone; None if it is not a valid time."""
    try:
        return datetime.fromisoformat(time).astimezone()
    except (ValueError, OverflowError, OSError):  # the journal keeps any time that a clock returned
        return None


def shown_time(time: str) -> str:
    """Return the local date and time of an event; an invalid time as it is, in harmless form."""
    here = local_time(time)
    return inert(time) if here is None else here.strftime("%Y-%m-%d %H:%M:%S")


class ClassBar(NamedTuple):
    """One class with its probability."""

    key: str
    name: str
    probability: float
    chosen: bool = False


class Thumbnail(NamedTuple):
    """One place of the batch.

    Attributes
    ----------
    row : int
        The item, as a row of the dataset.
    mark : str
        The answer; empty while there is none.
    current : bool
        Whether it is the image that is asked about.
    """

    row: int
    mark: str
    current: bool
