"""Rows by the image file that they are about, with what formats of images need of it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from tuilabel.data.decoding import Decoded, DecodeService, Refused
from tuilabel.data.decoding.values import NO_PIXELS
from tuilabel.data.part import (
    SIDEWAYS,
    Box,
    PartError,
    is_box,
    part_digest,
    stored_box,
    upright_box,
)
from tuilabel.exchange.foreign import classes_of
from tuilabel.exchange.rows import LabelRow
from tuilabel.progress import Progress
from tuilabel.text import counted

_AT_ONCE = 64

DISPUTED, GONE, FRAME, CHANGED = "disputed", "gone", "frame", "changed"
"""Why a row is left out."""

_REASONS = {
    DISPUTED: ("image is disputed", "images are disputed"),
    GONE: ("image is no longer in the source", "images are no longer in the source"),
    FRAME: ("item is a page or frame of a file", "items are pages or frames of files"),
    CHANGED: ("image cannot be read or has changed", "images cannot be read or have changed"),
}


@dataclass
class Picture:
    """An image file with its rows.

    Attributes
    ----------
    path : str
        Where it is.
    reference : str
        How the export names it.
    rows : list of (LabelRow, str)
        Each with its part, see `tuilabel.data.part`; empty for the whole image.
    answer : Decoded or None
        What is known of the file; None before it is read.
    """

    path: str
    reference: str
    rows: list[tuple[LabelRow, str]] = field(default_factory=list)
    answer: Decoded | None = None

    @property
    def found(self) -> Decoded:
        """What is known of the file, which has been read."""
        assert self.answer is not None
        return self.answer

    @property
    def size(self) -> tuple[int, int]:
        """Width and height of the upright image."""
        height, width = self.found.size
        return width, height

    def labels(self) -> Iterator[tuple[LabelRow, Box | None]]:
        """Yield the rows, each with its box in the upright image; None for the whole image."""
        for row, part in self.rows:
            yield row, None if not part else self._boxes(part)[1]

    def boxes(self) -> Iterator[tuple[LabelRow, Box, str]]:
        """Yield each class of each row with its box, which may be that of the whole image."""
        for row, box in self.labels():
            for name in classes_of(row):
                yield row, box or Box(0, 0, *self.size), name

    def _boxes(self, part: str) -> tuple[Box, Box]:
        """Return the place of a part in the stored and in the upright image."""
        turn = self.found.orientation
        stored = self.size[::-1] if turn in SIDEWAYS else self.size
        place = stored_box(part, stored, turn)
        return place, upright_box(place, stored, turn)

    def agrees(self, row: LabelRow, part: str) -> bool:
        """Return whether the file has the item of a row."""
        digest = self.found.digest
        if part:
            try:
                digest = part_digest(digest, part, self._boxes(part)[0])
            except PartError:
                return False
        return row["item_id"].partition(":")[2] == digest.hex()


class Pictures(Iterable[Picture]):
    """The image files of an export, in the order of their first rows.

    Rows of which the format can say nothing are left out, and counted.

    Parameters
    ----------
    rows : iterable of LabelRow
        Each with its ``file``.
    progress : callable, optional

    Attributes
    ----------
    left_out : Counter of str
        Number of rows that are left out by the reason.
    """

    def __init__(self, rows: Iterable[LabelRow], progress: Progress | None = None) -> None:
        self._progress, self.left_out = progress, Counter[str]()
        self._by_path: dict[str, Picture] = {}
        for row in rows:
            if (reason := _why_left_out(row)) is not None:
                self.left_out[reason] += 1
                continue
            path, part = _divided(row, row["file"])
            reference, _ = _divided(row, row["reference"])
            picture = self._by_path.setdefault(path, Picture(path, reference))
            picture.rows.append((row, part))

    @property
    def has_boxes(self) -> bool:
        """Whether any item is a part of its file."""
        return any(part for picture in self._by_path.values() for _, part in picture.rows)

    def classes(self, known: Iterable[str]) -> list[str]:
        """Return some classes, and after them those that rows have beside them."""
        rows = (row for picture in self._by_path.values() for row, _ in picture.rows)
        return list(dict.fromkeys([*known, *(name for row in rows for name in classes_of(row))]))

    def __iter__(self) -> Iterator[Picture]:
        """Yield the image files that can be read, and have the items of their rows."""
        every, decoding = list(self._by_path.values()), DecodeService()
        try:
            for start in range(0, len(every), _AT_ONCE):
                pictures = every[start : start + _AT_ONCE]
                files = [(Path(picture.path), "") for picture in pictures]
                answers = decoding.decode_all(files, box=NO_PIXELS)
                for picture, answer in zip(pictures, answers, strict=True):
                    if self._is_whole(picture, answer):
                        yield picture
                if self._progress is not None:
                    self._progress("reading images", start + len(pictures), len(every))
        finally:
            decoding.close()

    def _is_whole(self, picture: Picture, answer: Decoded | Refused) -> bool:
        """Take in what is known of a file; return whether it has any of the items."""
        rows = picture.rows
        if isinstance(answer, Decoded):
            picture.answer = answer
            picture.rows = [(row, part) for row, part in rows if picture.agrees(row, part)]
        else:
            picture.rows = []
        self.left_out[CHANGED] += len(rows) - len(picture.rows)
        return bool(picture.rows)

    def notes(self) -> list[str]:
        """Return sentences about what was left out."""
        return [
            f"{counted(count, *_REASONS[reason])}, and {'was' if count == 1 else 'were'} left out."
            for reason, count in self.left_out.items()
            if count
        ]


def _why_left_out(row: LabelRow) -> str | None:
    if row["disputed"] and not isinstance(row["class"], list):
        return DISPUTED
    if row["status"] != "found":
        return GONE
    return FRAME if row["item_id"].startswith("p1:") and not is_box(_part(row)) else None


def _part(row: LabelRow) -> str:
    return row["reference"].rpartition("#")[2]


def _divided(row: LabelRow, path: str) -> tuple[str, str]:
    """Return the path of the file that an item is in, and its part; empty for the whole file."""
    if not row["item_id"].startswith("p1:"):
        return path, ""
    file, _, part = path.rpartition("#")
    return file, part
