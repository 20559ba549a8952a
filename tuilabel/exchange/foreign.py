"""What the writers of other tools' formats have in common."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from tuilabel.exchange.rows import LabelRow

W = TypeVar("W", bound=Callable[..., Any])


def writes(*fields: str, answers: bool = True) -> Callable[[W], W]:
    """Return a decorator that says which fields of a row a writer writes; others are lost.

    Parameters
    ----------
    *fields : str
    answers : bool
        Whether the format has room for the answers of several annotators about one image.
    """

    def mark(write: W) -> W:
        write.fields, write.answers = fields, answers  # type: ignore[attr-defined]
        return write

    return mark


def classes_of(row: LabelRow) -> list[str]:
    """Return the classes of a row: none of a skip, and of a dispute those not in dispute."""
    found = row["class"]
    if isinstance(found, list):
        return found
    return [found] if found else []
