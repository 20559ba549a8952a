"""Parts of image files that are items of their own: a box in an image, a page or a frame.

A part is written as in a W3C media fragment, behind the path of its file:

``xywh=40,30,120,80``
    A box: left, top, width and height in stored pixels.
``xywh=percent:12.5,30,40,20.25``
    A box as shares of the upright image. Its place in stored pixels is known once the file is read.
``frame=2``
    A page or frame, counted from 1.
"""

from __future__ import annotations

import hashlib
from math import floor, isfinite
from typing import NamedTuple

PERCENT = "xywh=percent:"
XYWH, _FRAME = "xywh=", "frame="
_MILLION = 10**6
_MOST = 10**9
"""More pixels than any side has."""

SIDEWAYS, UPSIDE_DOWN, MIRRORED = (5, 6, 7, 8), (3, 4, 7, 8), (2, 3, 6, 7)
"""The EXIF orientations of images that are stored so."""


class PartError(ValueError):
    """A part that is not in its file; the text is a few words that follow the name of the file."""


class Box(NamedTuple):
    """A part of an image in pixels; right and bottom are the first ones outside."""

    left: int
    top: int
    right: int
    bottom: int

    @property
    def size(self) -> tuple[int, int]:
        """Width and height."""
        return self.right - self.left, self.bottom - self.top


def box_part(left: float, top: float, right: float, bottom: float) -> str:
    """Return the part of a box by its edges in stored pixels, rounded to whole ones, halves up.

    Raises
    ------
    PartError
        It has no size, begins outside of the image, or a value is no finite number.
    """
    shown = f"the box from {left:.6g},{top:.6g} to {right:.6g},{bottom:.6g}"
    edges = (left, top, right, bottom)
    if not all(isfinite(edge) and abs(edge) <= _MOST for edge in edges):
        raise PartError(f"{shown} is not one in pixels")
    box = Box(*(floor(edge + 0.5) for edge in edges))
    if box.right <= box.left or box.bottom <= box.top:
        raise PartError(f"{shown} has no pixel")
    if box.left < 0 or box.top < 0:
        raise PartError(f"{shown} begins outside of the image")
    return _written(box)


def share_part(left: float, top: float, width: float, height: float) -> str:
    """Return the part of a box in shares of the upright image, each rounded to a millionth.

    What a detector has rounded to beyond an edge is cut off there.

    Raises
    ------
    PartError
        It has no size, or a value is no share.
    """
    shown = f"the box {left:.6g},{top:.6g},{width:.6g},{height:.6g}"
    if not all(-0.01 <= each <= 1.01 for each in (left, top, left + width, top + height)):
        raise PartError(f"{shown} is not one in shares of the image, from 0 to 1")
    edges = [
        min(max(floor(each * _MILLION + 0.5), 0), _MILLION)
        for each in (left, top, left + width, top + height)
    ]
    sides = (*edges[:2], edges[2] - edges[0], edges[3] - edges[1])
    if min(sides[2:]) <= 0:
        raise PartError(f"{shown} has no pixel")
    return PERCENT + ",".join(f"{side / 10_000:.4f}".rstrip("0").rstrip(".") for side in sides)


def frame_part(number: int) -> str:
    """Return the part of a page or frame, counted from 1."""
    return f"{_FRAME}{number}"


def frame_of(part: str) -> int:
    """Return the number of the page or frame that a part is, from 1; 1 of another part."""
    return int(part.removeprefix(_FRAME)) if part.startswith(_FRAME) else 1


def is_box(part: str) -> bool:
    """Return whether a part is a box."""
    return part.startswith(XYWH)


def stored_box(part: str, size: tuple[int, int], orientation: int) -> Box:
    """Return the place of a box in stored pixels.

    Parameters
    ----------
    part : str
    size : tuple of int
        Width and height of the image as it is stored.
    orientation : int
        That of EXIF.

    Raises
    ------
    PartError
        It is not inside of the image.
    """
    width, height = size
    if not part.startswith(PERCENT):
        left, top, wide, high = map(int, part.removeprefix(XYWH).split(","))
        box = Box(left, top, left + wide, top + high)
        if box.right > width or box.bottom > height:
            shown = part.removeprefix(XYWH)
            raise PartError(f"the box {shown} is not inside of the image of {width}x{height}")
        return box
    wide, high = (height, width) if orientation in SIDEWAYS else (width, height)
    left, top, *sides = (round(float(each) * 10_000) for each in part[len(PERCENT) :].split(","))
    shares = (left, top, left + sides[0], top + sides[1])
    # In whole numbers, so that a box is the same on every machine.
    box = Box(
        *(
            (share * side + _MILLION // 2) // _MILLION
            for share, side in zip(shares, (wide, high, wide, high), strict=True)
        )
    )
    if box.right == box.left or box.bottom == box.top:
        raise PartError(f"the box {part.removeprefix(XYWH)} has no pixel")
    if orientation in MIRRORED:
        box = Box(wide - box.right, box.top, wide - box.left, box.bottom)
    if orientation in UPSIDE_DOWN:
        box = Box(box.left, high - box.bottom, box.right, high - box.top)
    if orientation in SIDEWAYS:
        box = Box(box.top, box.left, box.bottom, box.right)
    return box


def upright_box(box: Box, size: tuple[int, int], orientation: int) -> Box:
    """Return the place of a box in the upright image from that in stored pixels.

    Parameters
    ----------
    box : Box
    size : tuple of int
        Width and height of the image as it is stored.
    orientation : int
        That of EXIF.
    """
    width, height = size
    if orientation in SIDEWAYS:
        box, width, height = Box(box.top, box.left, box.bottom, box.right), height, width
    if orientation in UPSIDE_DOWN:
        box = Box(box.left, height - box.bottom, box.right, height - box.top)
    if orientation in MIRRORED:
        box = Box(width - box.right, box.top, width - box.left, box.bottom)
    return box


def part_digest(file: bytes, part: str, box: Box | None = None) -> bytes:
    """Return the hash of a part: 16 bytes, of the scheme ``p1``.

    Parameters
    ----------
    file : bytes
        The hash of the file, of the scheme ``f1``.
    part : str
    box : Box, optional
        Its place in stored pixels, if it is a box.
    """
    stored = part if box is None else _written(box)
    return hashlib.blake2b(f"f1:{file.hex()}#{stored}".encode(), digest_size=len(file)).digest()


def _written(box: Box) -> str:
    left, top, right, bottom = box
    return f"{XYWH}{left},{top},{right - left},{bottom - top}"
