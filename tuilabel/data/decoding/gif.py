"""Counting of the frames of a GIF, which Pillow counts by decoding them."""

from __future__ import annotations

from io import BufferedReader, BytesIO

_IMAGE, _EXTENSION = 0x2C, 0x21


def gif_frames(file: BufferedReader | BytesIO, most: int) -> int:
    """Return the number of frames of a GIF, but at most some; at least 1.

    Parameters
    ----------
    file : BufferedReader
        At its beginning.
    most : int
    """
    head = file.read(13)
    frames = 0
    if len(head) == 13:
        _skip_colours(file, head[10])
        while frames < most and (kind := file.read(1)):
            if kind[0] == _IMAGE:
                place = file.read(9)
                if len(place) < 9:
                    break
                _skip_colours(file, place[8])
                file.read(1)
                frames += 1
            elif kind[0] == _EXTENSION:
                file.read(1)
            else:
                break
            while (size := file.read(1)) and size[0]:
                file.seek(size[0], 1)
    return max(frames, 1)


def _skip_colours(file: BufferedReader | BytesIO, flags: int) -> None:
    if flags & 0x80:
        file.seek(3 << ((flags & 7) + 1), 1)
