"""The order in which people expect names that hold numbers."""

from __future__ import annotations

import re

_DIGITS = re.compile(r"([0-9]+)")


def natural_key(text: str) -> tuple[tuple[int, int, str], ...]:
    """Give a sort key that puts ``img2`` before ``img10``.

    Runs of ASCII digits compare as numbers and come before text; text compares without regard
    to case. Names that differ only in case or leading zeros have equal keys.

    Parameters
    ----------
    text : str

    Returns
    -------
    tuple of (int, int, str)
        One entry for every run of digits, ``(0, number, "")``, and every run of other
        characters, ``(1, 0, text)``.
    """
    return tuple(
        # Beyond 4,300 digits Python refuses int(); file names end long before, labels might not.
        (0, int(run[:4000]), "") if index % 2 else (1, 0, run.casefold())
        for index, run in enumerate(_DIGITS.split(text))
        if run
    )
