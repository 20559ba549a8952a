"""Labels in and out: one small file per format and direction."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from pathlib import Path, PurePath
from typing import TYPE_CHECKING, BinaryIO, TextIO, cast

from tuilabel.errors import UsageError
from tuilabel.plugins import exists, load, names
from tuilabel.text import shown_path

if TYPE_CHECKING:
    from tuilabel.exchange.reading import Row
    from tuilabel.exchange.rows import LabelRow

Writer = Callable[[Iterable["LabelRow"], TextIO], Sequence[str] | None]
"""Writes rows to a text file, which it leaves open: what a name of the group ``writers`` in
`tuilabel.plugins` stands for, also in a plug-in. The name is the ending of such files. It may
return sentences about what it has left out."""

BinaryWriter = Callable[[Iterable["LabelRow"], BinaryIO], Sequence[str] | None]
FolderWriter = Callable[[Iterable["LabelRow"], Path], Sequence[str] | None]
"""Writers that are marked with ``into`` by `tuilabel.exchange.foreign.writes`."""

Reader = Callable[[Iterable[str]], Iterable["Row"]]
"""Reads rows from lines of text, which have their ends: what a name of the group ``readers`` in
`tuilabel.plugins` stands for, also in a plug-in. The name is the ending of such files.

It raises a `tuilabel.exchange.reading.BadLineError` for a line that it cannot read. A reader that
yields each row as soon as it has its lines lets errors name the line.
"""

OF_TOOLS = (
    *("prodigy", "label-studio", "doccano", "coco"),
    *("labelme", "camtrap-dp", "hf"),
)
"""Formats of other tools, whose files have common endings, or are folders: they are named."""

ORIGINS = ("human", "oracle", "import", "auto")
"""Who gave a label: an annotator, the ground truth in a demo, another tool, or a model."""


def writer(name: str) -> Writer:
    """Return the writer of a format.

    Raises
    ------
    UsageError
        There is no such format; the message lists those that there are.
    PluginError
        It is a plug-in's, which cannot be used; the writer raises it if it fails.
    """
    return cast(Writer, load("writers", name))


def reader(name: str) -> Reader:
    """Return the reader of a format; raises errors as `writer` does."""
    return cast(Reader, load("readers", name))


def format_of(path: str) -> str:
    """Return the format whose ending a path has; csv if it has no ending.

    Raises
    ------
    UsageError
        There is no format of this ending; the message lists those that there are.
    """
    ending = PurePath(path.lower()).suffix.removeprefix(".")
    if not ending or (exists("writers", ending) and ending not in OF_TOOLS):
        return ending or "csv"
    *first, last = (f".{name}" for name in names("writers") if name not in OF_TOOLS)
    raise UsageError(
        f"{shown_path(path)} has no known format: give a name that ends in {', '.join(first)} or "
        f"{last}, or choose the format with --format."
    )
