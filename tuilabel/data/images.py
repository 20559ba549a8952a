"""What the screen and models see of an image file."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from tuilabel.data.cell import Cell
from tuilabel.data.decoding import Decoded, DecodeService, Refused
from tuilabel.data.decoding.resizing import fitted, resized
from tuilabel.data.decoding.values import MOST_FRAMES
from tuilabel.data.picture import Picture
from tuilabel.data.region import Region
from tuilabel.data.window import Window, is_deep, sketch, window_of
from tuilabel.errors import SourceError
from tuilabel.text import bytes_text, inert

MAX_THUMBNAIL_SIDE = 96
MODEL_SIDE = 32
MAX_EXACT_SIDE = 64
"""Largest side of images of one shape that models see as they are."""

_THUMBNAIL = (MAX_THUMBNAIL_SIDE, MAX_THUMBNAIL_SIDE)


@dataclass(frozen=True, eq=False)
class ReducedImage:
    """The parts of one image file that the cache keeps.

    Attributes
    ----------
    digest : bytes
        Hash of the file's bytes or of the part (16 bytes), which makes the item id.
    thumbnail : uint8 array of shape (h, w) or (h, w, 3)
        At most 96 pixels a side; grey if every pixel is.
    letterbox : uint8 array of shape (32, 32) or (32, 32, 3)
        The thumbnail as models see it.
    frames : int
        Number of pages or frames in the file.
    window : Window or None
        The window through which the values are seen; None for an 8-bit image.
    taken : float or None
    pixel_hash : bytes
        As in `Decoded`.
    """

    digest: bytes
    thumbnail: NDArray[np.uint8]
    letterbox: NDArray[np.uint8]
    frames: int
    window: Window | None = None
    taken: float | None = None
    pixel_hash: bytes = b""


Reduced = ReducedImage | NDArray[np.float64] | Refused
"""A reduced image; without a window, the sketch of one that needs it; why there is neither."""


def reduce_image_files(
    parts: Sequence[tuple[Path | Cell, str]], decoding: DecodeService, window: Window | None = None
) -> list[Reduced]:
    """Decode image files or parts of them, upright, and reduce them.

    Parameters
    ----------
    parts : sequence of (Path or Cell, str)
        Files, and which part of each; see `tuilabel.data.part`. An empty one is the first frame.
    decoding : DecodeService
    window : Window, optional
        For images of more than 8 bits.
    """
    return [
        found if isinstance(found, Refused) else _reduced(found, window)
        for found in decoding.decode_all(parts, box=_THUMBNAIL)
    ]


def _reduced(found: Decoded, window: Window | None) -> ReducedImage | NDArray[np.float64]:
    if not is_deep(found.pixels):
        small, window = found.pixels, None
    elif window is None:
        return sketch(found.pixels)
    else:
        small = window.apply(found.pixels)
    square = letterbox(small)
    facts = found.frames, window, found.taken, found.pixel_hash
    return ReducedImage(found.digest, small, square, *facts)


def read_image_file(
    path: Path | Cell,
    decoding: DecodeService,
    digest: bytes | None = None,
    window: Window | None = None,
    part: str = "",
) -> NDArray[np.uint8] | Refused:
    """Decode an image file or a part of it, upright and at full size.

    Parameters
    ----------
    path : Path or Cell
    decoding : DecodeService
    digest : bytes, optional
        Hash that the file or part must have.
    window : Window, optional
        For an image of more than 8 bits; by default that of this image alone.
    part : str

    Returns
    -------
    uint8 array of shape (H, W) or (H, W, 3), or Refused
    """
    found = decoding.decode(path, part)
    if isinstance(found, Refused):
        return found
    if digest not in (None, found.digest):
        return Refused("its content has changed")
    if not is_deep(found.pixels):
        return found.pixels
    return (window or window_of([sketch(found.pixels)])).apply(found.pixels)


def read_picture(
    path: Path | Cell,
    decoding: DecodeService,
    digest: bytes | None,
    window: Window | None,
    box: tuple[int, int],
    region: Region,
    part: str = "",
) -> Picture:
    """Decode a region of an image file or of a part of it, reduced to a box.

    Parameters
    ----------
    path : Path or Cell
    decoding : DecodeService
    digest : bytes or None
        Hash that the file or part must have, if it is known.
    window : Window or None
        For an image of more than 8 bits; None for that of this picture alone.
    box : tuple of int
        Largest width and height.
    region : Region
    part : str

    Raises
    ------
    SourceError
        The file can no longer be read, or its content has changed.
    """
    found = decoding.decode(path, part, box=box, region=region)
    if isinstance(found, Decoded) and digest not in (None, found.digest):
        found = Refused("its content has changed")
    if isinstance(found, Refused):
        raise SourceError(
            f"{inert(path.name)} can no longer be read ({found.reason}): open the folder again."
        )
    deep = is_deep(found.pixels)
    window = (window or window_of([sketch(found.pixels)])) if deep else None
    return Picture(found.pixels, found.size, window, [*_of_file(path, found), *found.facts])


def _of_file(path: Path | Cell, found: Decoded) -> Iterator[tuple[str, str]]:
    """Yield what the file system says about a file."""
    pages = f", {frames_text(found.frames)}" if found.frames > 1 else ""
    with suppress(OSError, OverflowError, ValueError):
        stat = path.stat()
        size = f", {bytes_text(stat.st_size)}" if isinstance(path, Path) else ""
        yield "file", f"{found.format}{pages}{size}"
        yield "changed", f"{datetime.fromtimestamp(stat.st_mtime):%Y-%m-%d %H:%M:%S}"


def frames_text(frames: int) -> str:
    """Return how many pages or frames a file has."""
    if frames > MOST_FRAMES:
        return f"more than {MOST_FRAMES:,} pages or frames"
    return f"{frames:,} pages or frames"


def thumbnail(pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Reduce an image to at most 96 pixels a side; a smaller one stays as it is.

    Parameters
    ----------
    pixels : uint8 array of shape (H, W) or (H, W, 3)

    Returns
    -------
    uint8 array of shape (h, w) or (h, w, 3)
    """
    return fitted(pixels, _THUMBNAIL)


def letterbox(pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Fit an image into a square of 32 pixels, aspect ratio kept, centred on black.

    Parameters
    ----------
    pixels : uint8 array of shape (H, W) or (H, W, 3)

    Returns
    -------
    uint8 array of shape (32, 32) or (32, 32, 3)
    """
    scale = MODEL_SIDE / max(pixels.shape[:2])
    height, width = (max(1, round(side * scale)) for side in pixels.shape[:2])
    top, left = (MODEL_SIDE - height) // 2, (MODEL_SIDE - width) // 2
    square = np.zeros((MODEL_SIDE, MODEL_SIDE, *pixels.shape[2:]), dtype=np.uint8)
    square[top : top + height, left : left + width] = resized(pixels, (width, height))
    return square


def as_seen(image: NDArray[np.uint8], shape: Sequence[int]) -> NDArray[np.uint8] | None:
    """Return an image as a model sees it that was fitted to images of a shape.

    Parameters
    ----------
    image : uint8 array of shape (H, W) or (H, W, 3)
        At most 96 pixels a side, as `thumbnail` returns it.
    shape : sequence of int
        Height and width, and 3 for colours. Into 32x32 any image is fitted, as `letterbox` does.

    Returns
    -------
    uint8 array of that shape, or None
        None if the image has another size. Colours become grey for a model that has seen none.
    """
    if tuple(shape[:2]) == (MODEL_SIDE, MODEL_SIDE):
        image = letterbox(image)
    if image.shape[:2] != tuple(shape[:2]):
        return None
    if len(shape) > image.ndim:
        return np.repeat(image[..., None], 3, axis=2)
    if len(shape) < image.ndim:
        from PIL import Image

        return np.asarray(Image.fromarray(image).convert("L"))
    return image
