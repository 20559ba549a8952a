"""Plain values that views give and widgets draw."""

from __future__ import annotations

from typing import NamedTuple

Detail = tuple[str, str]
"""What something is, and what is known of it."""


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
        What was answered; empty while it is open.
    current : bool
        Whether it is the one being asked.
    """

    row: int
    mark: str
    current: bool
