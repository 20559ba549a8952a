"""What the writers of other tools' formats have in common."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal, NamedTuple, TypeVar

from tuilabel.exchange.rows import LabelRow

W = TypeVar("W", bound=Callable[..., Any])


Into = Literal["text", "bytes", "folder"]
"""What a writer writes to: a text file, a binary file, or the path of a new folder."""


class Form(NamedTuple):
    """What a writer needs and writes.

    Attributes
    ----------
    fields : tuple of str or None
        The fields of a row that it writes; None for all of them, under any names.
    answers : bool
        Whether the format has room for the answers of several annotators about one image.
    into : str
        One of `Into`.
    images : bool
        Whether it reads the image files: rows have a ``file`` then.
    """

    fields: tuple[str, ...] | None = None
    answers: bool = True
    into: Into = "text"
    images: bool = False


def writes(
    *fields: str, answers: bool = True, into: Into = "text", images: bool = False
) -> Callable[[W], W]:
    """Return a decorator that says what a writer writes, see `Form`; other fields are lost.

    Parameters
    ----------
    *fields : str
        Without any, the writer writes all of them.
    answers, into, images
        As in `Form`.
    """

    def mark(write: W) -> W:
        write.form = Form(fields or None, answers, into, images)  # type: ignore[attr-defined]
        return write

    return mark


def form_of(write: Callable[..., Any]) -> Form:
    """Return what a writer, perhaps that of a plug-in, needs and writes."""
    found = getattr(write, "form", None)
    return found if isinstance(found, Form) else Form()


def classes_of(row: LabelRow) -> list[str]:
    """Return the classes of a row: none of a skip, and of a dispute those not in dispute."""
    found = row["class"]
    if isinstance(found, list):
        return found
    return [found] if found else []
