"""What decoding a file returns, and its limits."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from numpy.typing import NDArray

MAX_PIXELS = 100_000_000

LARGE_PIXELS = 16_000_000
"""Images above this size are decoded one at a time, with more memory."""

MEMORY = 2**30
"""Bytes of memory, program included, for a process that decodes images of up to `LARGE_PIXELS`."""

LARGE_MEMORY = 2 * 2**30
"""Bytes of memory for the one process that decodes a larger image."""

MOST_FRAMES = 10_000
"""Pages or frames of one file that can be items; no more are counted."""

NO_PIXELS = (0, 0)
"""The box of pixels that asks for none of them: what is returned is about the file."""

BUFFER_BYTES = 2**16
"""Bytes of answers that are sent at once."""


CheckSize = Callable[[int, int], object]
"""Raises an error for the height and width of an image that is not to be decoded."""


class Stored(NamedTuple):
    """What a decoder finds in a file: upright pixels, the number of frames, and inert facts."""

    pixels: NDArray[Any]
    frames: int
    facts: Sequence[tuple[str, str]]


@dataclass(frozen=True, eq=False)
class Decoded:
    """The first page or frame of an image file, or a part of the file.

    Attributes
    ----------
    digest : bytes
        BLAKE2b hash (16 bytes) of the bytes of the file, or that of `part_digest`.
    format : str
        Such as ``"PNG"``.
    size : tuple of int
        Height and width of the whole image or part, upright.
    frames : int
        Number of pages or frames in the file; `MOST_FRAMES` + 1 if there are more than that.
    pixels : array of shape (h, w) or (h, w, 3)
        Upright and as deep as in the file: uint8, uint16, int32 or float32. Colours are RGB and
        uint8, with transparent parts laid over mid grey; an image is grey if every pixel is.
    facts : sequence of (str, str)
        What its metadata says, as a word and a text each, inert; only where a region was asked for.
    taken : float or None
        When it was taken by its metadata, see `tuilabel.data.decoding.facts.taken_at`.
    pixel_hash : bytes
        Hash of its stored pixels (16 bytes), see `tuilabel.data.decoding.pixel_hash`. It is empty
        where it is not known: in full size, for a region, or in a JPEG with an odd structure.
    orientation : int
        How the image is stored, by EXIF.
    """

    digest: bytes
    format: str
    size: tuple[int, int]
    frames: int
    pixels: NDArray[Any]
    facts: Sequence[tuple[str, str]] = ()
    taken: float | None = None
    pixel_hash: bytes = b""
    orientation: int = 1


class TableInfo(NamedTuple):
    """What a table file with images in a column of bytes has.

    Attributes
    ----------
    groups : sequence of int
        Number of rows of each group, which is read at once.
    column : str
        Column of the images.
    label : str or None
        Column of the classes as numbers, if their names are known.
    names : sequence of str
        Names of the classes.
    """

    groups: Sequence[int]
    column: str
    label: str | None
    names: Sequence[str]


class NeedsMoreMemory(Exception):  # noqa: N818  (it is an answer, not an error)
    """The file takes more memory than images may that are decoded at the same time."""


class NoImage(Exception):  # noqa: N818
    """The file is sound, but has no image."""


@dataclass(frozen=True)
class Refused:
    """A file that cannot be decoded.

    Attributes
    ----------
    reason : str
        A few words that follow the name of the file.
    lasting : bool
        Whether the content of the file is the reason, so that reading it again would fail too.
    """

    reason: str
    lasting: bool = True
