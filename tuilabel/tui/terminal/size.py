"""The smallest terminal that the screens fit, and from which size they spread."""

from __future__ import annotations

SMALLEST = (60, 20)
"""Columns and rows below which there is no room for an image and its surroundings."""


WIDE = (110, 32)
"""Columns and rows from which the batch and the side get more room."""


def too_small(width: int, height: int, leave: str) -> str | None:
    """Return what a terminal of this size lacks, and the key to leave; None where it suffices."""
    if width >= SMALLEST[0] and height >= SMALLEST[1]:
        return None
    return (
        f"tuilabel needs {SMALLEST[0]}x{SMALLEST[1]}, this is {width}x{height}: enlarge the "
        f"terminal. Nothing is lost; {leave} quits."
    )
