"""Boxes in files of other tools as the parts of images that they may be in a session."""

from __future__ import annotations

from tuilabel.data.part import PartError, box_part, share_part
from tuilabel.exchange.reading import BadLineError


def parts_of(
    left: float, top: float, width: float, height: float, size: tuple[float, float] | None
) -> list[str]:
    """Return the part of a box in pixels, and if the size of its image is known, in shares of it.

    Raises
    ------
    BadLineError
        It is no box in an image.
    """
    try:
        found = [box_part(left, top, left + width, top + height)]
        if size and min(size) > 0:
            wide, high = size
            found.append(share_part(left / wide, top / high, width / wide, height / high))
    except PartError as error:
        raise BadLineError(str(error)) from None
    return found
