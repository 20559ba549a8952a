"""Natural sorting: names with numbers in the order that people expect."""

from __future__ import annotations

import re

_DIGITS = re.compile(r"([0-9]+)")


def natural_key(text: str) -> tuple[tuple[int, int, str], ...]:
    """Return a sort key that puts ``img2`` before ``img10``.

    Runs of ASCII digits compare as numbers and come before text; text compares without regard
    to case. Names that differ only in case or leading zeros have equal keys.

    Parameters
    ----------
    text : str

    Returns
    -------
    tuple of (int, int, str)
        ``(0, number, "")`` for every run of digits, ``(1, 0, text)`` for every other run.
    """
    return tuple(
        # Python refuses int() of more than 4,300 digits. No file name is that long, but a label
        # may be.
        (0, int(run[:4000]), "") if index % 2 else (1, 0, run.casefold())
        for index, run in enumerate(_DIGITS.split(text))
        if run
    )
