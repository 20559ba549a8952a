"""A label in the file of another tool."""

from __future__ import annotations

from typing import NamedTuple

from tuilabel.events.payloads import IMPORT


class ImportRow(NamedTuple):
    """A label in a file.

    Attributes
    ----------
    line : int
        Number of the last line that was read for it, from 1.
    item, path : str
        The item id, and the path or name of the image; empty where the file has none.
    class_name : str
        Empty for an image without a label.
    by, time : str or None
        The annotator, and when the label was given, in ISO 8601.
    probability, draw : float or None
    origin : str
        `HUMAN`, `ORACLE_ORIGIN`, `IMPORT`, or ``auto`` for a model's label.
    round, ms, reason
        As in an export.
    has_remark : bool
        Whether it has a flag or a note.
    classes : tuple of str or None
        All classes of the image, where the file has a list; then `class_name` is the first one.
    others : tuple of str or None
        Classes that the image does not have, where the file says so.
    unknown : tuple of str or None
        Classes that are not known for the image, in an export of several classes.
    parts : tuple of str
        What the part of the image that it is about may be called, as in `tuilabel.data.part`.
    is_folder : bool
        Whether the class is the path of a folder, of which a part may be the name of the class.
    """

    line: int
    item: str
    path: str
    class_name: str
    by: str | None = None
    time: str | None = None
    probability: float | None = None
    origin: str = IMPORT
    round: int = 0
    ms: int | None = None
    reason: str = ""
    draw: float | None = None
    has_remark: bool = False
    classes: tuple[str, ...] | None = None
    others: tuple[str, ...] | None = None
    unknown: tuple[str, ...] | None = None
    parts: tuple[str, ...] = ()
    is_folder: bool = False
