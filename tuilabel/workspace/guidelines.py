"""The guidelines for labelling: a file of Markdown that annotators read beside the images."""

from __future__ import annotations

from pathlib import Path

from tuilabel.errors import UsageError
from tuilabel.small_files import read_small
from tuilabel.text import inert, shown_path

LARGEST_GUIDELINES = 2**16
"""Bytes."""


def read_guidelines(path: str) -> str:
    """Return the guidelines; control characters but the ends of lines are replaced by signs.

    Bytes that are no UTF-8 become replacement characters.

    Parameters
    ----------
    path : str
        Absolute.

    Raises
    ------
    UsageError
        They cannot be read, or are too long.
    """
    try:
        content = read_small(Path(path), LARGEST_GUIDELINES)
    except OSError as error:
        raise UsageError(
            f"The guidelines cannot be read ({error.strerror}): {shown_path(path)}. "
            "Give another file with --guidelines."
        ) from None
    lines = content.decode("utf-8-sig", "replace").expandtabs(4).splitlines()
    return "\n".join(inert(line, LARGEST_GUIDELINES) for line in lines)
