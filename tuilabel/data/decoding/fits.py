"""Decoding of FITS files with astropy: stored values, scaled; the first row is at the bottom."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from io import BufferedReader, BytesIO
from math import prod
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tuilabel.data.decoding.facts import shown_facts
from tuilabel.data.decoding.values import CheckSize, NoImage, Stored

# FITS 4.0, section 4.4.2, and the words of facts.
_FACTS = {
    "DATE-OBS": "taken",
    "OBJECT": "object",
    "TELESCOP": "telescope",
    "INSTRUME": "device",
    "FILTER": "filter",
    "EXPTIME": "seconds",
}


def read_fits(file: BufferedReader | BytesIO, number: int, check_size: CheckSize) -> Stored:
    """Decode a plane of a FITS file, counted through all of its images.

    Values are those that are stored, after BSCALE and BZERO; blank ones are NaN.

    Parameters
    ----------
    file : binary file
        At its start.
    number : int
        From 1.
    check_size : callable
        Raises an error for a height and width that are too large.

    Raises
    ------
    NoImage
        The file has none.
    EOFError
        It has fewer planes.
    """
    from astropy.io import fits

    # A memory map would count against the limit of memory with the whole file.
    with fits.open(file, mode="readonly", memmap=False, cache=False, lazy_load_hdus=True) as units:
        found, planes = None, 0
        for unit in units:
            # The first header, and all of a kind of image, have the shape without the values.
            shape = getattr(unit, "shape", ()) if unit.is_image else ()
            if len(shape) < 2 or 0 in shape:
                continue
            before, planes = planes, planes + prod(shape[:-2])
            if before < number <= planes:
                check_size(*shape[-2:])
                place = np.unravel_index(number - 1 - before, shape[:-2]) if shape[:-2] else ()
                values = unit.section[(*map(int, place), slice(None), slice(None))]
                found = Stored(_plain(values), 1, shown_facts(_facts(unit.header)))
    if not planes:
        raise NoImage
    if found is None:
        raise EOFError
    return found._replace(frames=planes)


def _plain(values: NDArray[Any]) -> NDArray[Any]:
    """Return values from top to bottom, as numbers of up to 32 bits in this machine's order."""
    values = np.asarray(values)[::-1]
    if values.dtype.itemsize > 4 or values.dtype == np.uint32:
        return values.astype(np.float32)
    return values.astype(values.dtype.newbyteorder("="))


def _facts(header: Any) -> Iterator[tuple[str, Callable[[], str]]]:
    for name, word in _FACTS.items():
        if name in header:
            yield word, partial(_text, header, name)


def _text(header: Any, name: str) -> str:
    return str(header[name])
