"""A hash of the pixels that a file stores: it stays where only metadata was edited.

The stored pixels of a JPEG are its coefficients. They are hashed as they lie in the file, with all
that decoding them depends on and without the segments that hold metadata: a photograph is decoded
at a reduced size, and at full size it would take fifty times as long. The hash of any other image
is that of its decoded pixels.
"""

from __future__ import annotations

import hashlib
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from tuilabel.data.item_ids import DIGEST_SIZE

_START, _SCAN, _COMMENT, _ADOBE = 0xD8, 0xDA, 0xFE, 0xEE
_APPLICATION = range(0xE0, 0xF0)
# Kinds of segments that have a length.
_SEGMENTS = frozenset(range(0xC0, 0xFF)) - frozenset(range(0xD0, 0xDA))
_MOST_SEGMENTS = 10_000
_CHUNK = 2**20


def hash_of_pixels(pixels: NDArray[Any], orientation: int) -> bytes:
    """Return the hash of decoded pixels: 16 bytes.

    Parameters
    ----------
    pixels : array of shape (H, W) or (H, W, 3)
        As they are stored, at full size.
    orientation : int
        The EXIF orientation. Another one changes what is shown, and so the hash.
    """
    stored = np.ascontiguousarray(pixels, pixels.dtype.newbyteorder("<"))
    found = _hasher(f"{stored.dtype.str} {stored.shape} {orientation}")
    found.update(stored.reshape(-1).view(np.uint8).data)
    return found.digest()


def hash_of_jpeg(file: BinaryIO, orientation: int, part: str) -> bytes:
    """Return the hash of the coefficients of a JPEG: 16 bytes; none if it has another structure.

    Comments and application segments before the first scan do not count, except for those that
    decide about the colours (JFIF and Adobe).

    Parameters
    ----------
    file : binary file
        At its beginning.
    orientation : int
        As for `hash_of_pixels`.
    part : str
        Which part of the image; empty for all of it.
    """
    found = _hasher(f"jpeg {orientation} {part}")
    if file.read(2) != bytes((0xFF, _START)):
        return b""
    for _ in range(_MOST_SEGMENTS):
        head = file.read(4)
        length = int.from_bytes(head[2:])
        if length < 2 or head[0] != 0xFF or head[1] not in _SEGMENTS:
            return b""
        kind, content = head[1], file.read(length - 2)
        if kind == _SCAN:
            found.update(head + content)
            while part_of_file := file.read(_CHUNK):
                found.update(part_of_file)
            return found.digest()
        if kind == _APPLICATION[0]:
            found.update(b"JFIF" * content.startswith(b"JFIF\0"))
        elif kind == _ADOBE or (kind != _COMMENT and kind not in _APPLICATION):
            found.update(head + content)
    return b""


def _hasher(about: str) -> hashlib.blake2b:
    found = hashlib.blake2b(digest_size=DIGEST_SIZE)
    found.update(f"{about}\n".encode())
    return found
